//! Vectors as arrays: SSE2, NEON or whatever the compiler makes of them.

use super::{LANES, Simd, Vectors};
use crate::cpu::random::Key;

/// Every processor can do this.
#[derive(Clone, Copy, Debug)]
pub struct Plain;

type V = [f32; LANES];

#[inline(always)]
fn map(a: V, f: impl Fn(f32) -> f32) -> V {
    std::array::from_fn(|i| f(a[i]))
}

#[inline(always)]
fn zip(a: V, b: V, f: impl Fn(f32, f32) -> f32) -> V {
    std::array::from_fn(|i| f(a[i], b[i]))
}

#[inline(always)]
fn test(a: V, b: V, f: impl Fn(f32, f32) -> bool) -> [bool; LANES] {
    std::array::from_fn(|i| f(a[i], b[i]))
}

impl Vectors for Plain {
    const LANES: usize = LANES;
    type V = V;
    type M = [bool; LANES];

    #[inline(always)]
    fn splat(self, x: f32) -> V {
        [x; LANES]
    }

    #[inline(always)]
    fn load(self, from: &[f32], at: usize, count: usize) -> V {
        if count >= LANES
            && let Some(chunk) = from.get(at..).and_then(<[f32]>::first_chunk)
        {
            return *chunk;
        }
        let mut lanes = [0.0; LANES];
        for (lane, x) in lanes.iter_mut().zip(&from[at..at + count]) {
            *lane = *x;
        }
        lanes
    }

    #[inline(always)]
    fn store(self, to: &mut [f32], at: usize, count: usize, v: V) {
        if count >= LANES
            && let Some(chunk) = to.get_mut(at..).and_then(<[f32]>::first_chunk_mut)
        {
            *chunk = v;
            return;
        }
        for (x, lane) in to[at..at + count].iter_mut().zip(v) {
            *x = lane;
        }
    }

    #[inline(always)]
    fn add(self, a: V, b: V) -> V {
        zip(a, b, |a, b| a + b)
    }

    #[inline(always)]
    fn sub(self, a: V, b: V) -> V {
        zip(a, b, |a, b| a - b)
    }

    #[inline(always)]
    fn mul(self, a: V, b: V) -> V {
        zip(a, b, |a, b| a * b)
    }

    #[inline(always)]
    fn div(self, a: V, b: V) -> V {
        zip(a, b, |a, b| a / b)
    }

    #[inline(always)]
    fn mul_add(self, a: V, b: V, c: V) -> V {
        // aarch64 always has a fused instruction; elsewhere without one, `f32::mul_add` would be a slow call.
        if cfg!(target_arch = "aarch64") {
            std::array::from_fn(|i| a[i].mul_add(b[i], c[i]))
        } else {
            std::array::from_fn(|i| a[i] * b[i] + c[i])
        }
    }

    #[inline(always)]
    fn neg(self, a: V) -> V {
        map(a, |a| -a)
    }

    #[inline(always)]
    fn abs(self, a: V) -> V {
        map(a, f32::abs)
    }

    #[inline(always)]
    fn sqrt(self, a: V) -> V {
        map(a, f32::sqrt)
    }

    #[inline(always)]
    fn floor(self, a: V) -> V {
        map(a, f32::floor)
    }

    #[inline(always)]
    fn to_half(self, a: V) -> V {
        map(a, to_half)
    }

    #[inline(always)]
    fn min(self, a: V, b: V) -> V {
        zip(a, b, |a, b| if b < a { b } else { a })
    }

    #[inline(always)]
    fn max(self, a: V, b: V) -> V {
        zip(a, b, |a, b| if b > a { b } else { a })
    }

    #[inline(always)]
    fn less(self, a: V, b: V) -> Self::M {
        test(a, b, |a, b| a < b)
    }

    #[inline(always)]
    fn less_equal(self, a: V, b: V) -> Self::M {
        test(a, b, |a, b| a <= b)
    }

    #[inline(always)]
    #[allow(clippy::float_cmp)] // equality is what is asked for
    fn equal(self, a: V, b: V) -> Self::M {
        test(a, b, |a, b| a == b)
    }

    #[inline(always)]
    fn nonzero(self, a: V) -> Self::M {
        std::array::from_fn(|i| a[i] != 0.0)
    }

    #[inline(always)]
    fn select(self, m: Self::M, a: V, b: V) -> V {
        std::array::from_fn(|i| if m[i] { a[i] } else { b[i] })
    }

    #[inline(always)]
    fn exp2_whole(self, n: V) -> V {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // whole and small by contract
        map(n, |n| f32::from_bits(((n as i32 + 127) as u32) << 23))
    }

    #[inline(always)]
    fn split_exponent(self, x: V) -> (V, V) {
        // The distance from √½ in units of the last place carries into the exponent exactly where m reaches √2.
        const ROOT: u32 = std::f32::consts::FRAC_1_SQRT_2.to_bits();
        let offset = |x: f32| x.to_bits().wrapping_sub(ROOT);
        let m = map(x, |x| f32::from_bits((offset(x) & 0x007f_ffff).wrapping_add(ROOT)));
        #[allow(clippy::cast_precision_loss, clippy::cast_possible_wrap)] // an exponent
        let e = map(x, |x| (offset(x) as i32 >> 23) as f32);
        (m, e)
    }

    #[inline(always)]
    fn copy_sign(self, a: V, b: V) -> V {
        zip(a, b, f32::copysign)
    }

    #[inline(always)]
    fn times_exp2(self, p: V, shifted: V) -> V {
        // Half of n as one exponent, and the rest as another: 2^n itself may be too large or too small.
        let half = map(shifted, |n| f32::from_bits(n.to_bits() >> 1 << 23));
        let rest = map(shifted, |n| f32::from_bits((n.to_bits() - (n.to_bits() >> 1)) << 23));
        self.mul(self.mul(p, half), rest)
    }

    #[inline(always)]
    #[allow(clippy::cast_possible_truncation)] // the hash takes positions modulo 2^32
    fn uniform(self, key: Key, first: usize, step: usize) -> V {
        key.uniform(std::array::from_fn(|i| (first + i * step) as u32))
    }

    of_lanes!();
}

impl Simd for Plain {
    #[inline(always)]
    fn vector(self, lanes: [f32; LANES]) -> V {
        lanes
    }

    #[inline(always)]
    fn lanes(self, v: V) -> [f32; LANES] {
        v
    }
}

/// The nearest number that an f16 holds; see [`Vectors::to_half`].
fn to_half(x: f32) -> f32 {
    let (bits, magnitude) = (x.abs().to_bits(), x.abs());
    let rounded = match bits {
        0x7f80_0000.. => magnitude,
        // Below 2^-14 there is one step for all: that of numbers from 0.5 on.
        ..0x3880_0000 => (magnitude + 0.5) - 0.5,
        _ => match (bits + 0xfff + (bits >> 13 & 1)) & !0x1fff {
            0x4780_0000.. => f32::INFINITY,
            rounded => f32::from_bits(rounded),
        },
    };
    rounded.copysign(x)
}
