//! Names that could clash: generated code has to live beside whatever the user calls things.

/// The facade under another path, and a macro of the user's around the language.
mod facade {
    pub use nn::*;

    macro_rules! regression {
        ($name:ident) => {
            crate::names::facade::network! {
                crate = crate::names::facade;
                network $name {
                    input  x: [2];
                    target t: [1];
                    y = x >> dense(1);
                    output y = y;
                    loss   mse(y, t);
                    optimizer sgd(learning_rate = 0.1);
                }
            }
        };
    }
    pub(crate) use regression;
}

facade::regression!(Wrapped);

/// Types and functions with the names of the prelude and of what generated code uses.
#[allow(dead_code, non_camel_case_types, clippy::upper_case_acronyms)]
mod hostile {
    type Result = u8;
    struct Vec;
    struct Option;
    struct Some;
    struct None;
    struct Box;
    struct String;
    struct Iterator;
    struct Default;
    struct Clone;
    struct Debug;
    struct Net;
    struct Program;
    struct Row0;
    struct Row1;
    mod core {}
    mod std {}

    nn::network! {
        /// A type with the name of the generated table, and fields with the names of methods and locals.
        pub network PROGRAM {
            input  row0: [2];
            input  count: [];
            input  data: [3];
            target set: class(3);
            target values: [2, 3, 1, 1, 1, 2];
            target parts: class(2)[3];

            logits = data >> dense(3);
            deep = data * sum(row0) >> dense(12) >> reshape([2, 3, 1, 1, 1, 2]);
            scaled = sum(data) * count;

            output net = logits;
            output outputs = deep;
            output device = scaled;
            loss   cross_entropy(logits, set) + mse(deep, values) + binary_cross_entropy_with_logits(logits, parts);
            metric evaluate = mse(deep, values);
            optimizer rmsprop();
        }
    }
}

#[test]
fn a_network_lives_beside_any_names() -> nn::Result<()> {
    use hostile::{PROGRAM, PROGRAMData, PROGRAMOutput};

    let (row0, count, data) = ([[1.0, 2.0]; 3], [1.0, 2.0, 3.0], [[0.5, 1.0, -1.0]; 3]);
    let set = PROGRAMData::new(row0, count, data, [0, 1, 2], [[0.5; 12]; 3], [[0, 1, 1]; 3])?;
    // `data` is the name of a method already.
    assert_eq!((set.row0(), set.count(), set.data_()), (&row0[..], &count[..], &data[..]));
    assert_eq!((set.set(), set.parts()), (vec![0, 1, 2], vec![[0, 1, 1]; 3]));
    assert_eq!((set.values()[2][1][2][0][0], set.len()), ([[0.5; 2]], 3));

    let mut net = PROGRAM::new(&nn::Device::cpu(), 3)?;
    net.fit(&set, nn::Fit::default().epochs(2).quiet())?;
    assert!(net.evaluate(&set)?.evaluate > 0.0);
    let PROGRAMOutput { net: logits, outputs, device } = net.predict(&row0, &count, &data)?;
    assert_eq!((logits.len(), outputs[2].len()), (3, 2));
    assert_eq!(device, [0.5, 1.0, 1.5]);
    Ok(())
}

#[test]
fn a_network_comes_out_of_a_macro_and_of_another_path() -> nn::Result<()> {
    let mut net = Wrapped::new(&nn::Device::cpu(), 1)?;
    let data = WrappedData::new([[1.0, 2.0]], [1.0])?;
    assert!(net.train_batch(&data)?.loss >= net.evaluate(&data)?.loss);
    Ok(())
}

#[test]
fn a_network_can_be_declared_in_a_function() -> nn::Result<()> {
    nn::network! {
        network Local {
            input x: [2];
            output y = x * 2.0;
        }
    }
    assert_eq!(Local::new(&nn::Device::cpu(), 0)?.predict(&[[1.0, 2.0]])?, [[2.0, 4.0]]);
    Ok(())
}
