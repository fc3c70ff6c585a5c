//! Sequences of several lengths in one batch: each is what it is alone, whatever stands behind it.

use nn_tests::{Noise, assert_close, on_each_device};

const STEPS: usize = 7;
const UNITS: usize = 5;

nn::network! {
    block layers(x, n) {
        (y, h, c) = x >> lstm(5, layers = 2, bidirectional = true, length = n);
        (z, _g) = y >> gru(5, length = n);
        (z, h, c)
    }
    network Padded {
        input x: [7, 3];
        input n: class(8);
        target t: [5];
        (z, h, c) = x >> layers(n);
        output z = z; output h = h; output c = c;
        loss mse(last(z, length = n), t);
        optimizer sgd(learning_rate = 0.1);
    }
    network Short {
        input x: [3, 3];
        input n: class(4);
        (z, h, c) = x >> layers(n);
        output z = z; output h = h; output c = c;
    }
}

on_each_device! {
    fn a_padded_sequence_is_what_it_is_alone(device) {
        let padded = Padded::new(device, 3).unwrap();
        let mut alone = Short::new(device, 4).unwrap();
        for parameter in padded.parameters() {
            alone.set_parameter(parameter.name, &padded.parameter(parameter.name).unwrap()).unwrap();
        }
        let mut noise = Noise::new(5);
        let x: [[[f32; 3]; STEPS]; 6] = std::array::from_fn(|_| std::array::from_fn(|_| noise.array()));
        let lengths = [3u32, 0, 7, 1, 2, 3];
        let all = padded.predict(&x, &lengths).unwrap();
        for (i, &n) in lengths.iter().enumerate() {
            for (step, z) in all.z[i].iter().enumerate() {
                assert_eq!(*z == [0.0; UNITS], step >= n as usize, "sample {i}, step {step}");
            }
            if n <= 3 {
                let short: [[f32; 3]; 3] = std::array::from_fn(|step| x[i][step]);
                let one = alone.predict(&[short], &[n]).unwrap();
                // One sample of three steps is added up in another order than six of seven.
                assert_close("values", one.z[0].as_flattened(), all.z[i][..3].as_flattened(), 1e-6);
                assert_close("h", one.h[0].as_flattened(), all.h[i].as_flattened(), 1e-6);
                assert_close("c", one.c[0].as_flattened(), all.c[i].as_flattened(), 1e-6);
            }
        }
        assert_eq!(all.h[1], [[0.0; UNITS]; 4], "a sequence without steps ends as it begins");
    }

    fn nothing_is_learnt_from_padding(device) {
        let trained = |padding: f32| {
            let mut net = Padded::new(device, 3).unwrap();
            let (mut noise, lengths) = (Noise::new(6), [3u32, 0, 7, 1, 2, 4]);
            let mut x: [[[f32; 3]; STEPS]; 6] = std::array::from_fn(|_| std::array::from_fn(|_| noise.array()));
            for (x, n) in x.iter_mut().zip(lengths) {
                x[n as usize..].fill([padding; 3]);
            }
            let t: [[f32; UNITS]; 6] = std::array::from_fn(|_| noise.array());
            let data = PaddedData::new(x, lengths, t).unwrap();
            for _ in 0..3 {
                net.train_batch(&data).unwrap();
            }
            net.parameters().flat_map(|p| net.parameter(p.name).unwrap()).map(f32::to_bits).collect::<Vec<_>>()
        };
        assert_eq!(trained(0.0), trained(-7.5));
    }
}
