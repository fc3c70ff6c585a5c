//! Elementary functions on vectors.
//!
//! Each one says its largest error in units of the last place of the true result, with fused multiply-add and without.
//! The tests hold them to it over the whole range of f32. Where the result is below the smallest normal number, its error
//! is at most one unit of the smallest denormal one. NaN goes in, NaN comes out.

use super::simd::{SHIFT, Vectors};

/// log2(e)
const LOG2_E: f32 = std::f32::consts::LOG2_E;
/// ln(2) in two parts; the first has 9 bits, so that its product with an exponent is exact.
const LN_2: (f32, f32) = (355.0 / 512.0, -2.121_944_4e-4);

/// `c[0] + c[1] x + c[2] x² + …`
#[inline(always)]
fn polynomial<S: Vectors, const N: usize>(s: S, x: S::V, c: [f32; N]) -> S::V {
    let mut sum = s.splat(c[N - 1]);
    for c in c[..N - 1].iter().rev() {
        sum = s.mul_add(sum, x, s.splat(*c));
    }
    sum
}

/// `(n + SHIFT, r, q)` with x = n ln(2) + r, n whole and |r| at most half of ln(2), and e^r = 1 + r + r² q.
#[inline(always)]
fn reduce<S: Vectors>(s: S, x: S::V) -> (S::V, S::V, S::V) {
    // This is so large that the sum has no bits behind the point.
    let shifted = s.mul_add(x, s.splat(LOG2_E), s.splat(SHIFT));
    let n = s.sub(shifted, s.splat(SHIFT));
    let r = s.mul_add(n, s.splat(-LN_2.0), x);
    let r = s.mul_add(n, s.splat(-LN_2.1), r);
    let q = polynomial(s, r, [0.499_999_85, 0.166_664_72, 4.166_953_6e-2, 8.373_125e-3, 1.378_059_4e-3]);
    (shifted, r, q)
}

/// The exponential function; at most 1 ulp, 1.5 without fused multiply-add.
#[inline(always)]
pub fn exp<S: Vectors>(s: S, x: S::V) -> S::V {
    let x = s.min(s.max(x, s.splat(-104.0)), s.splat(89.0));
    let (shifted, r, q) = reduce(s, x);
    let one = s.splat(1.0);
    let p = s.mul_add(s.mul_add(q, r, one), r, one);
    s.times_exp2(p, shifted)
}

/// `e^x - 1`, accurate near 0; at most 1.5 ulp, 2.5 without fused multiply-add.
#[inline(always)]
pub fn exp_m1<S: Vectors>(s: S, x: S::V) -> S::V {
    let x = s.min(s.max(x, s.splat(-18.0)), s.splat(89.0));
    let (shifted, r, q) = reduce(s, x);
    let p = s.mul_add(s.mul(q, r), r, r);
    // With t = 2^n / 2, which is always a number: e^x - 1 = 2 (t p + (t - ½)).
    let t = s.exp2_whole(s.sub(shifted, s.splat(SHIFT + 1.0)));
    let half = s.mul_add(t, p, s.sub(t, s.splat(0.5)));
    s.add(half, half)
}

/// The natural logarithm; at most 1 ulp, with or without fused multiply-add. NaN below 0.
#[inline(always)]
pub fn ln<S: Vectors>(s: S, x: S::V) -> S::V {
    let tiny = s.less(x, s.splat(f32::MIN_POSITIVE));
    let scaled = s.select(tiny, s.mul(x, s.splat(8_388_608.0)), x);
    let (m, e) = s.split_exponent(scaled);
    let e = s.sub(e, s.select(tiny, s.splat(23.0), s.splat(0.0)));

    let f = s.sub(m, s.splat(1.0));
    let z = s.mul(f, f);
    let p = polynomial(
        s,
        f,
        [
            3.333_333e-1,
            -2.499_999_4e-1,
            2.000_071_5e-1,
            -1.666_805_8e-1,
            1.424_932_3e-1,
            -1.242_014_1e-1,
            1.167_699_9e-1,
            -1.151_461e-1,
            7.037_683_6e-2,
        ],
    );
    let y = s.mul(s.mul(p, f), z);
    let y = s.mul_add(e, s.splat(LN_2.1), y);
    let y = s.mul_add(z, s.splat(-0.5), y);
    let y = s.mul_add(e, s.splat(LN_2.0), s.add(f, y));

    let y = s.select(s.less(x, s.splat(f32::INFINITY)), y, x);
    let zero = s.splat(0.0);
    let outside = s.select(s.equal(x, zero), s.splat(f32::NEG_INFINITY), s.splat(f32::NAN));
    s.select(s.less(zero, x), y, outside)
}

/// `ln(1 + x)`, accurate near 0; at most 2 ulp. NaN below -1.
#[inline(always)]
pub fn ln_1p<S: Vectors>(s: S, x: S::V) -> S::V {
    let u = s.add(x, s.splat(1.0));
    let y = ln(s, u);
    // What rounding took from 1 + x, to first order.
    let lost = s.div(s.sub(x, s.sub(u, s.splat(1.0))), u);
    let inside = s.select(s.less(s.splat(0.0), u), lost, s.splat(0.0));
    s.add(y, s.select(s.less(u, s.splat(f32::INFINITY)), inside, s.splat(0.0)))
}

/// The hyperbolic tangent; at most 5.5 ulp, 7 without fused multiply-add.
#[inline(always)]
pub fn tanh<S: Vectors>(s: S, x: S::V) -> S::V {
    // Beyond this, tanh is 1 in f32.
    let limit = s.splat(7.905_311);
    let x = s.min(s.max(x, s.neg(limit)), limit);
    let near = s.less(s.abs(x), s.splat(4e-4));
    let z = s.mul(x, x);
    let p = polynomial(
        s,
        z,
        [4.893_524_6e-3, 6.372_619_3e-4, 1.485_722_4e-5, 5.122_297e-8, -8.604_672e-11, 2.000_188e-13, -2.760_768_5e-16],
    );
    let q = polynomial(s, z, [4.893_525e-3, 2.268_434_6e-3, 1.185_347_1e-4, 1.198_258_4e-6]);
    // Near 0, x is the better answer, and the product would lose bits among the denormal numbers.
    s.select(near, x, s.div(s.mul(x, p), q))
}

/// `1 / (1 + e^-x)`; at most 2.5 ulp.
#[inline(always)]
pub fn sigmoid<S: Vectors>(s: S, x: S::V) -> S::V {
    // The exponential of a negative number cannot overflow.
    let e = exp(s, s.neg(s.abs(x)));
    let one = s.splat(1.0);
    s.div(s.select(s.less(x, s.splat(0.0)), e, one), s.add(one, e))
}

/// The error function; at most 1.5 ulp, 2 without fused multiply-add.
#[inline(always)]
pub fn erf<S: Vectors>(s: S, x: S::V) -> S::V {
    // The polynomials are N. Juffa's.
    let z = s.mul(x, x);
    let near = polynomial(
        s,
        z,
        [1.283_791_7e-1, -3.761_253_4e-1, 1.128_199_25e-1, -2.676_813_5e-2, 4.991_194_2e-3, -5.967_617e-4],
    );
    let near = s.mul_add(near, x, x);

    // 1 - e^p(t); beyond 5, erf is 1 in f32.
    let t = s.min(s.abs(x), s.splat(5.0));
    let p = polynomial(
        s,
        t,
        [
            -1.287_175_1e-1,
            -6.348_467e-1,
            -1.067_778_8e-1,
            2.425_462_2e-2,
            -3.883_964_4e-3,
            3.831_971_3e-4,
            -1.728_534_7e-5,
        ],
    );
    let p = s.mul_add(p, t, s.neg(t));
    let far = s.copy_sign(s.sub(s.splat(1.0), exp(s, p)), x);
    s.select(s.less(s.splat(0.927_734_4), t), far, near)
}

#[cfg(test)]
mod tests;
