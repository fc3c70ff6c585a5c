//! Random numbers as a function of seed, step, stream and position: the same integers on every device.
//!
//! The hash is *pcg4d* (Jarzynski and Olano, *Hash Functions for GPU Rendering*, JCGT 2020) of (position, stream, step,
//! seed); the upper 24 bits of its first word become a number in [0, 1), exactly.

use crate::program::StepUniform;

use super::simd::LANES;

/// Everything but the position.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    stream: u32,
    step: u32,
    seed: u32,
}

impl Key {
    /// The key of a stream in a step.
    #[inline]
    pub fn new(step: &StepUniform, stream: u32) -> Self {
        Key { stream, step: step.step, seed: step.seed }
    }

    /// Uniform numbers in [0, 1).
    #[inline(always)]
    pub fn uniform(self, position: [u32; LANES]) -> [f32; LANES] {
        // Loop by loop over arrays: this is what the vectorizer understands.
        let first = |a: u32| a.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let mut x = position.map(first);
        let (mut y, mut z, mut w) = ([first(self.stream); LANES], [first(self.step); LANES], [first(self.seed); LANES]);
        let multiply_add = |a: [u32; LANES], b: [u32; LANES], c: [u32; LANES]| -> [u32; LANES] {
            std::array::from_fn(|i| a[i].wrapping_add(b[i].wrapping_mul(c[i])))
        };
        for round in 0..2 {
            if round == 1 {
                [x, y, z, w] = [x, y, z, w].map(|a| a.map(|a| a ^ (a >> 16)));
            }
            x = multiply_add(x, y, w);
            y = multiply_add(y, z, x);
            z = multiply_add(z, x, y);
            w = multiply_add(w, y, z);
        }
        #[allow(clippy::cast_precision_loss, clippy::cast_possible_wrap)] // 24 bits
        x.map(|x| (x >> 8) as i32 as f32 * (1.0 / 16_777_216.0))
    }

    /// One uniform number in [0, 1).
    #[inline]
    #[allow(clippy::cast_possible_truncation)] // the hash takes positions modulo 2^32
    pub fn uniform_at(self, position: usize) -> f32 {
        self.uniform([position as u32; LANES])[0]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_of_the_interpreter() {
        // Pinned there too: whoever changes these changes every seeded run of every user.
        let u = Key { stream: 0, step: 0, seed: 0 }.uniform_at(0);
        assert_eq!(u, (251_852_841 >> 8) as f32 / 16_777_216.0);
        let u = Key { stream: 2, step: 3, seed: 4 }.uniform_at(1);
        assert_eq!(u, (908_250_390 >> 8) as f32 / 16_777_216.0);
    }

    #[test]
    fn lanes_are_independent() {
        let key = Key { stream: 7, step: 11, seed: 13 };
        let all = key.uniform(std::array::from_fn(|i| i as u32 * 5 + 3));
        for (i, u) in all.into_iter().enumerate() {
            assert_eq!(u, key.uniform_at(i * 5 + 3));
            assert!((0.0..1.0).contains(&u));
        }
    }
}
