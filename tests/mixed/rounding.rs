//! Every f16, every number in the middle of two, and their neighbours: rounded, stored and read again alike on each device.

use nn_tests::on_each_device;

nn::network! {
    pub network Identity {
        input x: [1, 64];
        output y = x >> conv1d(1, 1, bias = false);
        precision mixed;
    }
}

/// What an f16 of these bits is; the first one that is too large counts as 65,536.
fn of_bits(bits: u32) -> f32 {
    let (exponent, fraction) = ((bits >> 10) as i32, (bits & 1023) as f32);
    if exponent == 0 { fraction * 2f32.powi(-24) } else { (1.0 + fraction / 1024.0) * 2f32.powi(exponent - 15) }
}

on_each_device! {
    fn every_f16_and_every_tie(device) {
        let (mut x, mut wanted) = (vec![], vec![]);
        for bits in 0..0x7c00 {
            let (low, high) = (of_bits(bits), of_bits(bits + 1));
            let rounded_high = if bits == 0x7bff { f32::INFINITY } else { high };
            let tie = f32::midpoint(low, high);
            x.extend([low, tie.next_down(), tie, tie.next_up()]);
            wanted.extend([low, low, if bits % 2 == 0 { low } else { rounded_high }, rounded_high]);
        }
        let negative: Vec<f32> = x.iter().map(|x| -x).collect();
        x.extend(negative);
        let negative: Vec<f32> = wanted.iter().map(|x| -x).collect();
        wanted.extend(negative);
        let samples: Vec<[[f32; 64]; 1]> = x.as_chunks::<64>().0.iter().map(|chunk| [*chunk]).collect();
        assert_eq!(samples.len() * 64, x.len());
        let mut net = Identity::new(device, 1).unwrap();
        net.set_parameter("y.conv1d.weight", &[1.0]).unwrap();
        let y = net.predict(&samples).unwrap();
        for (i, (found, wanted)) in y.iter().flat_map(|y| y.as_flattened()).zip(&wanted).enumerate() {
            assert!(found == wanted, "{:e} is rounded to {found:e}, not {wanted:e}", x[i]);
        }
        if device.is_gpu() {
            assert!(Identity::plan().contains("f16 at half sample"), "{}", Identity::plan());
        }
    }
}
