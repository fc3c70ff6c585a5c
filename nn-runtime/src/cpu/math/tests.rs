//! Every function against f64 over the whole range of f32, in both builds.

use crate::cpu::simd::{Kernel, LANES, Plain, Simd, Vectors, Wide, WideKernel, dispatch};

/// One function of vectors, applied to a vector.
macro_rules! kernels {
    ($($name:ident $function:ident,)*) => { $(
        struct $name([f32; LANES]);
        impl Kernel for $name {
            type Output = [f32; LANES];
            #[inline(always)]
            fn run<S: Simd>(self, s: S) -> [f32; LANES] {
                s.lanes(super::$function(s, s.vector(self.0)))
            }
        }
    )* };
}
kernels!(Exp exp, ExpM1 exp_m1, Ln ln, Ln1p ln_1p, Tanh tanh, Sigmoid sigmoid, Erf erf,);

/// The distance in units of the last place of the true value; denormal results count in units of the smallest normals'.
fn ulps(got: f32, truth: f64) -> f64 {
    let rounded = truth as f32;
    if got.is_nan() || rounded.is_nan() {
        return if got.is_nan() && rounded.is_nan() { 0.0 } else { f64::INFINITY };
    }
    if got == rounded {
        return 0.0;
    }
    if rounded.is_infinite() || got.is_infinite() {
        // At the edge of the range, one step too far is an error of one step.
        let (edge, next) =
            (f64::from(f32::MAX), f64::from(f32::MAX) - f64::from(f32::from_bits(f32::MAX.to_bits() - 1)));
        let clip = |x: f64| x.clamp(-edge - next, edge + next);
        return (clip(f64::from(got)) - clip(truth)).abs() / next;
    }
    let exponent = (rounded.abs().max(f32::MIN_POSITIVE).to_bits() >> 23) as i32 - 127;
    (f64::from(got) - truth).abs() / 2f64.powi(exponent - 23)
}

/// The largest error over a dense sample of all bit patterns, and where it is.
fn worst(f: impl Fn([f32; LANES]) -> [f32; LANES], truth: impl Fn(f64) -> f64) -> (f64, f32) {
    let mut worst = (0.0, 0.0);
    let stride = if cfg!(debug_assertions) { 1657 } else { 331 };
    let mut bits = 0_u64;
    let specials = [0.0, -0.0, 1.0, -1.0, f32::INFINITY, f32::NEG_INFINITY, f32::NAN, f32::MAX];
    let mut x = specials;
    loop {
        for (x, y) in x.into_iter().zip(f(x)) {
            let error = ulps(y, truth(f64::from(x)));
            if error > worst.0 {
                worst = (error, x);
            }
        }
        if bits > u64::from(u32::MAX) {
            return worst;
        }
        x = std::array::from_fn(|i| f32::from_bits((bits + i as u64 * stride) as u32));
        bits += stride * LANES as u64;
    }
}

macro_rules! check {
    ($test:ident, $name:ident, $truth:expr, $fused:expr, $plain:expr) => {
        #[test]
        fn $test() {
            let (error, x) = worst(|x| dispatch($name(x)), $truth);
            eprintln!("{}: {error:.3} ulp at {x:e}", stringify!($test));
            assert!(error <= $fused, "{error} ulp at {x:e}");
            let (error, x) = worst(|x| $name(x).run(Plain), $truth);
            eprintln!("{} plain: {error:.3} ulp at {x:e}", stringify!($test));
            assert!(error <= $plain, "plain: {error} ulp at {x:e}");
        }
    };
}

check!(exp, Exp, f64::exp, 1.0, 1.5);
check!(exp_m1, ExpM1, f64::exp_m1, 1.5, 2.5);
check!(ln, Ln, f64::ln, 1.0, 1.0);
check!(ln_1p, Ln1p, f64::ln_1p, 2.0, 2.0);
check!(tanh, Tanh, f64::tanh, 5.5, 7.0);
check!(sigmoid, Sigmoid, |x| 1.0 / (1.0 + (-x).exp()), 2.5, 2.5);
check!(erf, Erf, erf_f64, 1.5, 2.0);

/// The error function in f64: its series near 0, its continued fraction elsewhere.
fn erf_f64(x: f64) -> f64 {
    if x.is_nan() {
        return x;
    }
    let a = x.abs();
    let value = if a < 2.5 {
        let (mut sum, mut term) = (a, a);
        for n in 1..80 {
            term *= -a * a / f64::from(n);
            sum += term / f64::from(2 * n + 1);
        }
        sum * std::f64::consts::FRAC_2_SQRT_PI
    } else if a > 6.0 {
        1.0
    } else {
        let mut fraction = 0.0;
        for n in (1..=120).rev() {
            fraction = f64::from(n) / 2.0 / (a + fraction);
        }
        1.0 - (-a * a).exp() / (a + fraction) / std::f64::consts::PI.sqrt()
    };
    value.copysign(x)
}

/// All functions of so many numbers, with the widest vectors of a processor.
struct Long<'a>(&'a [f32; 16], &'a mut [[f32; 16]; 7]);
impl WideKernel for Long<'_> {
    #[inline(always)]
    fn run<W: Wide>(self, w: W) {
        let (s, Self(x, y)) = (w.long(), self);
        let width = s.width();
        for i in (0..16).step_by(width) {
            let x = s.load(x, i, width);
            let list = [s.exp(x), s.exp_m1(x), s.ln(x), s.ln_1p(x), s.tanh(x), s.sigmoid(x), s.erf(x)];
            for (y, v) in y.iter_mut().zip(list) {
                s.store(y, i, width, v);
            }
        }
    }
}

#[test]
#[cfg(target_arch = "x86_64")]
fn sixteen_lanes_are_eight_and_eight() {
    use crate::cpu::simd::{Avx2, Avx512};
    let (Some(eight), Some(sixteen)) = (Avx2::detect(), Avx512::detect()) else { return };
    let stride = if cfg!(debug_assertions) { 1657 } else { 13 };
    let (mut a, mut b) = ([[0.0; 16]; 7], [[0.0; 16]; 7]);
    for bits in (0..=u64::from(u32::MAX)).step_by(16 * stride) {
        let x = std::array::from_fn(|i| f32::from_bits((bits + (i * stride) as u64) as u32));
        eight.run_wide(Long(&x, &mut a));
        sixteen.run(Long(&x, &mut b));
        for ((x, a), b) in x.iter().cycle().zip(a.as_flattened()).zip(b.as_flattened()) {
            assert!(a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan()), "{x:e}: {a:e} and {b:e}");
        }
    }
}
