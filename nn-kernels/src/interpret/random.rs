//! The random numbers of [`crate::graph::Op::Random`], the same integers on every device.
//!
//! A number is a pure function of four 32-bit words: the element's row-major position in its tensor, the stream's
//! number, the training step and the seed. They are mixed by *pcg4d* (Jarzynski and Olano, *Hash Functions for GPU
//! Rendering*, JCGT 2020), and the first word of the result becomes a number in [0, 1) with 24 random bits, so that f32
//! holds it exactly. The WGSL and Rust printers and the CPU runtime repeat these lines in their own languages.

/// Four words, thoroughly mixed. All arithmetic wraps.
pub fn pcg4d(v: [u32; 4]) -> [u32; 4] {
    let [mut x, mut y, mut z, mut w] = v.map(|a| a.wrapping_mul(1_664_525).wrapping_add(1_013_904_223));
    for round in 0..2 {
        if round == 1 {
            [x, y, z, w] = [x, y, z, w].map(|a| a ^ (a >> 16));
        }
        x = x.wrapping_add(y.wrapping_mul(w));
        y = y.wrapping_add(z.wrapping_mul(x));
        z = z.wrapping_add(x.wrapping_mul(y));
        w = w.wrapping_add(y.wrapping_mul(z));
    }
    [x, y, z, w]
}

/// Uniform in [0, 1): the upper 24 bits of the hash's first word.
pub fn uniform(position: u32, stream: u32, step: u32, seed: u32) -> f64 {
    f64::from(pcg4d([position, stream, step, seed])[0] >> 8) / f64::from(1 << 24)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_pinned() {
        // Whoever changes these changes every seeded run of every user.
        assert_eq!(pcg4d([0, 0, 0, 0])[0], 251_852_841);
        assert_eq!(pcg4d([1, 2, 3, 4])[0], 908_250_390);
    }

    #[test]
    fn they_are_uniform_in_every_argument() {
        for vary in 0..4 {
            let number = |i: u32| {
                let mut v = [7, 7, 7, 7];
                v[vary] = i;
                uniform(v[0], v[1], v[2], v[3])
            };
            let n = 10_000;
            let mean = (0..n).map(number).sum::<f64>() / f64::from(n);
            let square = (0..n).map(|i| number(i).powi(2)).sum::<f64>() / f64::from(n);
            assert!((mean - 0.5).abs() < 0.01, "mean {mean} over argument {vary}");
            assert!((square - 1.0 / 3.0).abs() < 0.01, "second moment {square} over argument {vary}");
            let product = (0..n).map(|i| number(i) * number(i + 1)).sum::<f64>() / f64::from(n);
            assert!((product - 0.25).abs() < 0.01, "neighbours correlate over argument {vary}: {product}");
        }
    }
}
