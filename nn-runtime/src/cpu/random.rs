//! Random numbers as a function of seed, step, stream and position: the same integers on every device.
//!
//! The hash is *pcg4d* (Jarzynski and Olano, *Hash Functions for GPU Rendering*, JCGT 2020) of (position, stream, step,
//! seed); the upper 24 bits of its first word become a number in [0, 1), exactly.

use crate::program::StepUniform;

use super::simd::LANES;

/// What each word becomes first: `A` times it, plus `C`.
pub(super) const A: u32 = 1_664_525;
pub(super) const C: u32 = 1_013_904_223;

/// Everything but the position: stream, step and seed as the hash begins with them.
#[derive(Clone, Copy, Debug)]
pub struct Key([u32; 3]);

impl Key {
    /// The key of a stream in a step.
    #[inline]
    pub fn new(step: &StepUniform, stream: u32) -> Self {
        Key([begin(stream), begin(step.step), begin(step.seed)])
    }

    /// Stream, step and seed as the hash begins with them.
    #[inline(always)]
    pub(super) fn begun(self) -> [u32; 3] {
        self.0
    }

    /// Uniform numbers in [0, 1).
    #[inline(always)]
    pub fn uniform(self, position: [u32; LANES]) -> [f32; LANES] {
        // Loop by loop over arrays: this is what the vectorizer understands. No closures: they lose the processor's features.
        let mut x = position;
        for x in &mut x {
            *x = begin(*x);
        }
        let [y, z, w] = self.begun();
        let (mut y, mut z, mut w) = ([y; LANES], [z; LANES], [w; LANES]);
        for round in 0..2 {
            if round == 1 {
                for i in 0..LANES {
                    x[i] ^= x[i] >> 16;
                    y[i] ^= y[i] >> 16;
                    z[i] ^= z[i] >> 16;
                    w[i] ^= w[i] >> 16;
                }
            }
            for i in 0..LANES {
                x[i] = x[i].wrapping_add(y[i].wrapping_mul(w[i]));
                y[i] = y[i].wrapping_add(z[i].wrapping_mul(x[i]));
                z[i] = z[i].wrapping_add(x[i].wrapping_mul(y[i]));
                w[i] = w[i].wrapping_add(y[i].wrapping_mul(z[i]));
            }
        }
        let mut uniform = [0.0; LANES];
        for (uniform, x) in uniform.iter_mut().zip(x) {
            #[allow(clippy::cast_precision_loss, clippy::cast_possible_wrap)] // 24 bits
            let number = (x >> 8) as i32 as f32;
            *uniform = number * (1.0 / 16_777_216.0);
        }
        uniform
    }

    /// One uniform number in [0, 1).
    #[inline]
    #[allow(clippy::cast_possible_truncation)] // the hash takes positions modulo 2^32
    pub fn uniform_at(self, position: usize) -> f32 {
        self.uniform([position as u32; LANES])[0]
    }
}

#[inline(always)]
const fn begin(word: u32) -> u32 {
    word.wrapping_mul(A).wrapping_add(C)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(stream: u32, step: u32, seed: u32) -> Key {
        Key::new(&StepUniform { step, seed, ..StepUniform::default() }, stream)
    }

    #[test]
    fn the_numbers_are_those_of_the_interpreter() {
        // Pinned there too: whoever changes these changes every seeded run of every user.
        let u = key(0, 0, 0).uniform_at(0);
        assert_eq!(u, (251_852_841 >> 8) as f32 / 16_777_216.0);
        let u = key(2, 3, 4).uniform_at(1);
        assert_eq!(u, (908_250_390 >> 8) as f32 / 16_777_216.0);
    }

    #[test]
    fn lanes_are_independent() {
        let key = key(7, 11, 13);
        let all = key.uniform(std::array::from_fn(|i| i as u32 * 5 + 3));
        for (i, u) in all.into_iter().enumerate() {
            assert_eq!(u, key.uniform_at(i * 5 + 3));
            assert!((0.0..1.0).contains(&u));
        }
    }
}
