//! Truncated backpropagation through time, as PyTorch does it: states are detached between batches, and go on.

use nn_tests::{Fixture, assert_close};

/// Samples in a batch, and the batch before which states are brought back to zeros.
const BATCH: usize = 4;
const RESET: usize = 8;

macro_rules! streams {
    ($($case:ident { $($statements:tt)+ })+) => { $(
        mod $case {
            use super::*;

            nn::network! {
                network Streams {
                    input x: [5, 3];
                    target y: [5, 2];
                    s = tanh(x);
                    $($statements)+
                    p = linear(a, 2);
                    output p = p;
                    loss mse(p, y);
                    optimizer adam(learning_rate = 0.01);
                }
            }

            fn check(device: &nn::Device) {
                let fixture = Fixture::read("stateful");
                let case = fixture.case(stringify!($case));
                let mut net = Streams::new(device, 0).unwrap();
                for (name, (_, values)) in case.group("before") {
                    net.set_parameter(name, values).unwrap();
                }
                let rows = |name: &str| case.group("data")[name].1.clone();
                let x: Vec<[[f32; 3]; 5]> = rows("x").as_chunks::<3>().0.as_chunks::<5>().0.to_vec();
                let y: Vec<[[f32; 2]; 5]> = rows("y").as_chunks::<2>().0.as_chunks::<5>().0.to_vec();
                let batches: Vec<StreamsData> = (x.chunks(BATCH).zip(y.chunks(BATCH)))
                    .map(|(x, y)| StreamsData::new(x.to_vec(), y.to_vec()).unwrap())
                    .collect();

                for (number, (_, expected)) in case.group("output").values().enumerate() {
                    let p = net.predict(batches[number].x()).unwrap();
                    assert_close(&format!("output {number}"), p.as_flattened().as_flattened(), expected, 1e-5);
                }
                // Gradients look at the states, twice at the same ones.
                for _ in 0..2 {
                    let gradients = net.gradients(&batches[3]).unwrap();
                    for (name, (_, expected)) in case.group("gradient") {
                        let found = gradients.parameter(name).unwrap();
                        assert_close(&format!("gradient of {name}"), found, expected, 1e-5);
                    }
                }
                net.reset_states();
                let mut losses = vec![];
                for (number, batch) in batches.iter().enumerate() {
                    if number == RESET {
                        net.reset_states();
                    }
                    losses.push(net.train_batch(batch).unwrap().loss as f32);
                }
                assert_close("losses", &losses, case.only("losses"), 1e-5);
                for (name, (_, expected)) in case.group("after") {
                    assert_close(&format!("{name} afterwards"), &net.parameter(name).unwrap(), expected, 2e-5);
                }
                let kept: Vec<_> = net.kept_states().collect();
                assert_eq!(kept.len(), case.group("kept").len());
                for ((name, _), (_, expected)) in kept.into_iter().zip(case.group("kept").values()) {
                    assert_close(name, &net.kept_state(name).unwrap(), expected, 2e-5);
                }
            }

            #[test]
            fn cpu() {
                check(&nn::Device::cpu());
            }

            #[test]
            fn gpu() {
                nn_tests::gpu().into_iter().for_each(check);
            }
        }
    )+ };
}

streams! {
    stateful_rnn { a = s >> rnn(5, stateful = true); }
    stateful_lstm { a = s >> lstm(5, layers = 2, stateful = true); }
    stateful_gru { a = s >> gru(5, stateful = true); }
    stateful_scan {
        scan a(s_t in s, h = zeros(5), stateful = true) {
            h = tanh(linear(concat([s_t, h]), 5));
            h
        }
    }
}
