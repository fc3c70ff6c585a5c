//! Helper functions of shaders: what WGSL lacks, or promises too little accuracy for.
//!
//! Each is a template over f32 (`exp_f`) and `vec4<f32>` (`exp_v`); in the templates `$F` is the float type, `$I` the signed
//! and `$U` the unsigned integers of the same width, `#f(…)`, `#i(…)` and `#u(…)` are literals of these types, and `_T` is
//! the suffix. WGSL lets drivers assume that there are neither
//! infinities nor NaN, so arguments are clamped before anything can overflow on the way, never after.
//!
//! The bounds in the templates' comments are relative errors in units of 2^-23 (ulp); `tests/wgsl_math.rs` runs the text
//! itself against f64.

/// A helper that a shader may need.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Helper {
    Exp,
    ExpM1,
    LogNearOne,
    Log,
    Log1p,
    Tanh,
    Sigmoid,
    Erf,
    Power,
    Sin,
    Cos,
    ToHalf,
    IsFinite,
    FromHalves,
    ToHalves,
    Random,
}

impl Helper {
    /// The helpers that it calls itself.
    pub(super) fn needs(self) -> &'static [Helper] {
        match self {
            Helper::ExpM1 | Helper::Sigmoid => &[Helper::Exp],
            Helper::Log => &[Helper::LogNearOne],
            Helper::Log1p => &[Helper::LogNearOne, Helper::Log],
            Helper::Power => &[Helper::Exp, Helper::LogNearOne],
            Helper::Cos => &[Helper::Sin],
            _ => &[],
        }
    }

    /// The function's name for f32 or vec4<f32>.
    pub(super) fn name(self, wide: bool) -> String {
        let stem = match self {
            Helper::Exp => "exp",
            Helper::ExpM1 => "expm1",
            Helper::LogNearOne => "log_near_one",
            Helper::Log => "log",
            Helper::Log1p => "log1p",
            Helper::Tanh => "tanh",
            Helper::Sigmoid => "sigmoid",
            Helper::Erf => "erf",
            Helper::Power => "power",
            Helper::Sin => "sin",
            Helper::Cos => "cos",
            Helper::ToHalf => "to_half",
            Helper::IsFinite => "is_finite",
            Helper::FromHalves => return "from_halves".to_owned(),
            Helper::ToHalves => return "to_halves".to_owned(),
            Helper::Random => return "random".to_owned(),
        };
        format!("{stem}_{}", if wide { "v" } else { "f" })
    }

    /// The function's text for f32 or vec4<f32>.
    pub(super) fn text(self, wide: bool) -> String {
        let template = match self {
            Helper::Exp => EXP,
            Helper::ExpM1 => EXPM1,
            Helper::LogNearOne => LOG_NEAR_ONE,
            Helper::Log => LOG,
            Helper::Log1p => LOG1P,
            Helper::Tanh => TANH,
            Helper::Sigmoid => SIGMOID,
            Helper::Erf => ERF,
            Helper::Power => POWER,
            Helper::Sin => SIN,
            Helper::Cos => COS,
            Helper::ToHalf => TO_HALF,
            Helper::IsFinite => IS_FINITE,
            Helper::FromHalves => FROM_HALVES,
            Helper::ToHalves => TO_HALVES,
            Helper::Random => RANDOM,
        };
        let (f, i, u, suffix) =
            if wide { ("vec4<f32>", "vec4<i32>", "vec4<u32>", "_v") } else { ("f32", "i32", "u32", "_f") };
        let mut text = template.replace("_T", suffix).replace("$F", f).replace("$I", i).replace("$U", u);
        for (mark, ty) in [("#f(", f), ("#i(", i), ("#u(", u)] {
            text = literals(&text, mark, if wide { Some(ty) } else { None });
        }
        text
    }
}

/// Literals behind a mark, `#f(1.0)`, as vectors of a type or bare.
fn literals(template: &str, mark: &str, ty: Option<&str>) -> String {
    let mut parts = template.split(mark);
    let mut text = parts.next().unwrap_or("").to_owned();
    for part in parts {
        let (literal, rest) = part.split_once(')').expect("templates close their parentheses");
        match ty {
            Some(ty) => text.push_str(&format!("{ty}({literal})")),
            None => text.push_str(literal),
        }
        text.push_str(rest);
    }
    text
}

const EXP: &str = "\
// exp within 1 ulp; 0 below -104, infinite above 88.73.
fn exp_T(x: $F) -> $F {
    let y = clamp(x, #f(-104.0), #f(89.0));
    let n = floor(y * 1.442695 + 0.5);
    let r = fma(n, #f(2.1219444e-4), fma(n, #f(-0.69335938), y));
    var p = fma(r, #f(1.9875691e-4), #f(1.3981999e-3));
    p = fma(p, r, #f(8.333452e-3));
    p = fma(p, r, #f(4.1665796e-2));
    p = fma(p, r, #f(0.16666666));
    p = fma(p, r, #f(0.5));
    p = fma(p * r, r, r) + 1.0;
    // 2^n in two steps, since n + 127 may leave the exponent's range.
    let half = $I(n) / 2;
    let rest = $I(n) - half;
    return p * bitcast<$F>((half + 127) << #u(23u)) * bitcast<$F>((rest + 127) << #u(23u));
}
";

const EXPM1: &str = "\
// exp(x) - 1 within 1 ulp.
fn expm1_T(x: $F) -> $F {
    let s = clamp(x, #f(-0.5), #f(0.5));
    var p = fma(s, #f(2.4801587e-5), #f(1.984127e-4));
    p = fma(p, s, #f(1.3888889e-3));
    p = fma(p, s, #f(8.3333333e-3));
    p = fma(p, s, #f(4.1666668e-2));
    p = fma(p, s, #f(0.16666667));
    p = fma(p, s, #f(0.5));
    return select(exp_T(x) - 1.0, fma(p * s, s, s), s == x);
}
";

const LOG_NEAR_ONE: &str = "\
// log(1 + f) for f in [-0.2929, 0.4143], within 1 ulp.
fn log_near_one_T(f: $F) -> $F {
    var p = fma(f, #f(7.0376836e-2), #f(-0.1151461));
    p = fma(p, f, #f(0.1167699));
    p = fma(p, f, #f(-0.12420141));
    p = fma(p, f, #f(0.14249323));
    p = fma(p, f, #f(-0.16668057));
    p = fma(p, f, #f(0.20000714));
    p = fma(p, f, #f(-0.24999994));
    p = fma(p, f, #f(0.33333331));
    let z = f * f;
    return fma(p * f, z, fma(#f(-0.5), z, f));
}
";

const LOG: &str = "\
// log within 1 ulp; minus infinity at 0, NaN below.
fn log_T(x: $F) -> $F {
    let bits = bitcast<$U>(x);
    let e = ($I(bits) - 0x3f3504f3) >> #u(23u);
    let m = bitcast<$F>($I(bits) - (e << #u(23u)));
    let n = $F(e);
    let l = fma(n, #f(0.69335938), fma(n, #f(-2.1219444e-4), log_near_one_T(m - 1.0)));
    let special = bitcast<$F>(select(bits | #u(0x7fc00000u), bits | #u(0xff800000u), x == #f(0.0)));
    return select(special, l, x > #f(0.0));
}
";

const LOG1P: &str = "\
// log(1 + x) within 2 ulp.
fn log1p_T(x: $F) -> $F {
    let near = clamp(x, #f(-0.2928), #f(0.4142));
    return select(log_T(1.0 + x), log_near_one_T(near), near == x);
}
";

const TANH: &str = "\
// tanh within 3 ulp: a rational function.
fn tanh_T(x: $F) -> $F {
    let y = clamp(x, #f(-7.905311), #f(7.905311));
    let z = y * y;
    var p = fma(z, #f(-2.7607684e-16), #f(2.000188e-13));
    p = fma(p, z, #f(-8.6046715e-11));
    p = fma(p, z, #f(5.122297e-8));
    p = fma(p, z, #f(1.4857224e-5));
    p = fma(p, z, #f(6.3726195e-4));
    p = fma(p, z, #f(4.8935246e-3));
    var q = fma(z, #f(1.1982584e-6), #f(1.1853471e-4));
    q = fma(q, z, #f(2.2684347e-3));
    q = fma(q, z, #f(4.893525e-3));
    return select(y * p / q, x, abs(x) < #f(4e-4));
}
";

const SIGMOID: &str = "\
// 1 / (1 + exp(-x)) within 2 ulp.
fn sigmoid_T(x: $F) -> $F {
    return 1.0 / (1.0 + exp_T(min(-x, #f(88.0))));
}
";

const ERF: &str = "\
// The error function within 4 ulp: a rational function.
fn erf_T(x: $F) -> $F {
    let y = clamp(x, #f(-4.0), #f(4.0));
    let z = y * y;
    var p = fma(z, #f(-2.7261423e-10), #f(2.7706815e-8));
    p = fma(p, z, #f(-2.101024e-6));
    p = fma(p, z, #f(-5.6925062e-5));
    p = fma(p, z, #f(-7.3499064e-4));
    p = fma(p, z, #f(-2.9545999e-3));
    p = fma(p, z, #f(-1.6096033e-2));
    var q = fma(z, #f(-1.45660715e-5), #f(-2.1337405e-4));
    q = fma(q, z, #f(-1.682827e-3));
    q = fma(q, z, #f(-7.373329e-3));
    q = fma(q, z, #f(-1.4264739e-2));
    return y * p / q;
}
";

const POWER: &str = "\
// a^b as C's pow: a negative base takes its sign from a whole exponent and is NaN for others.
fn power_T(a: $F, b: $F) -> $F {
    let bits = bitcast<$U>(abs(a));
    let e = ($I(bits) - 0x3f3504f3) >> #u(23u);
    let n = $F(e);
    let l = log_near_one_T(bitcast<$F>($I(bits) - (e << #u(23u))) - 1.0);
    // The logarithm and its rounding error apart, since the exponent magnifies both.
    let whole = n * 0.69335938;
    let rough = whole + l;
    let rest = fma(n, #f(-2.1219444e-4), (whole - rough) + l);
    let high = rough + rest;
    let low = (rough - high) + rest;
    let product = b * high;
    let error = fma(b, high, -product) + b * low;
    let size = exp_T(product) * (1.0 + clamp(error, #f(-0.5), #f(0.5)));
    let odd = abs(b - 2.0 * floor(b * 0.5)) == #f(1.0);
    let signed = select(select(bitcast<$F>(bits | #u(0x7fc00000u)), size, floor(b) == b), -size, odd);
    let base_zero = select(#f(0.0), bitcast<$F>(bits | #u(0x7f800000u)), b < #f(0.0));
    let nonzero = select(signed, size, a > #f(0.0));
    return select(select(nonzero, base_zero, a == #f(0.0)), #f(1.0), b == #f(0.0));
}
";

const SIN: &str = "\
// sin(x + quarter * pi / 2), absolute error below 2e-7 for |x| < 10000.
fn sin_quarter_T(x: $F, quarter: i32) -> $F {
    let n = floor(x * 0.63661977 + 0.5);
    let r = fma(n, #f(-7.54979e-8), fma(n, #f(-4.8375130e-4), fma(n, #f(-1.5703125), x)));
    let turn = ($I(n) + quarter) & #i(3);
    let z = r * r;
    let s = fma(fma(fma(z, #f(-1.9515296e-4), #f(8.332161e-3)), z, #f(-0.16666655)), z * r, r);
    let c = fma(fma(fma(z, #f(2.4433157e-5), #f(-1.3887316e-3)), z, #f(4.1666646e-2)), z * z, fma(#f(-0.5), z, #f(1.0)));
    let value = select(s, c, (turn & #i(1)) == #i(1));
    return select(value, -value, turn >= #i(2));
}

fn sin_T(x: $F) -> $F {
    return sin_quarter_T(x, 0);
}
";

const COS: &str = "\
fn cos_T(x: $F) -> $F {
    return sin_quarter_T(x, 1);
}
";

const TO_HALF: &str = "\
// The nearest f16, ties to even, as the same bits on every device: what WGSL itself says of this rounding leaves it open.
fn to_half_T(x: $F) -> $F {
    let bits = bitcast<$U>(x) & #u(0x7fffffffu);
    let steps = bitcast<$U>(bitcast<$F>(bits) + 0.5) - #u(0x3f000000u);
    let small = bitcast<$U>($F(steps) * 5.9604645e-8);
    let rounded = (bits + 0xfffu + ((bits >> #u(13u)) & #u(1u))) & #u(0xffffe000u);
    let large = select(rounded, #u(0x7f800000u), rounded >= #u(0x47800000u));
    let finite = select(large, small, bits < #u(0x38800000u));
    return bitcast<$F>(select(finite, bits, bits >= #u(0x7f800000u)) | (bitcast<$U>(x) & #u(0x80000000u)));
}
";

const FROM_HALVES: &str = "\
// Four f16, which f32 holds exactly.
fn from_halves(words: vec2<u32>) -> vec4<f32> {
    return vec4<f32>(unpack2x16float(words.x), unpack2x16float(words.y));
}
";

const TO_HALVES: &str = "\
// The nearest f16 of four numbers, ties to even, two in a word.
fn to_halves(x: vec4<f32>) -> vec2<u32> {
    let bits = bitcast<vec4<u32>>(x);
    let size = bits & vec4<u32>(0x7fffffffu);
    let small = bitcast<vec4<u32>>(bitcast<vec4<f32>>(size) + 0.5) - vec4<u32>(0x3f000000u);
    let odd = (size >> vec4<u32>(13u)) & vec4<u32>(1u);
    let large = min((size - vec4<u32>(0x37fff001u) + odd) >> vec4<u32>(13u), vec4<u32>(0x7c00u));
    let finite = select(large, small, size < vec4<u32>(0x38800000u));
    let half = select(finite, vec4<u32>(0x7e00u), size > vec4<u32>(0x7f800000u));
    let signed = half | ((bits >> vec4<u32>(16u)) & vec4<u32>(0x8000u));
    return signed.xz | (signed.yw << vec2<u32>(16u));
}
";

const IS_FINITE: &str = "\
// By bits: WGSL lets drivers assume that there are neither infinities nor NaN.
fn is_finite_T(x: $F) -> $F {
    return select(#f(0.0), #f(1.0), (bitcast<$U>(x) & #u(0x7f800000u)) != #u(0x7f800000u));
}
";

const RANDOM: &str = "\
// Uniform in [0, 1), by element, stream, step and seed: pcg4d (Jarzynski and Olano 2020).
fn random(position: u32, stream: u32) -> f32 {
    var v = vec4<u32>(position, stream, step.step, step.seed) * 1664525u + 1013904223u;
    v.x += v.y * v.w;
    v.y += v.z * v.x;
    v.z += v.x * v.y;
    v.w += v.y * v.z;
    v ^= v >> vec4<u32>(16u);
    v.x += v.y * v.w;
    return f32(v.x >> 8u) * 5.9604645e-8;
}
";
