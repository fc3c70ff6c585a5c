//! Both implementations do the same.

use super::*;
use crate::cpu::random::Key;
use crate::program::StepUniform;

/// What a program of all basic operations gives.
struct Everything<'a> {
    from: &'a [f32],
    to: &'a mut [f32],
}

impl Kernel for Everything<'_> {
    type Output = Vec<f32>;

    #[inline(always)]
    fn run<S: Simd>(self, s: S) -> Vec<f32> {
        let mut seen = Vec::new();
        let key = Key::new(&StepUniform { step: 3, seed: 4, ..StepUniform::default() }, 2);
        for count in 0..=LANES {
            let a = s.load(self.from, 3, count);
            let b = s.load(self.from, 1, count);
            s.store(self.to, 5, count, s.mul(a, b));
            let list = [
                a,
                s.add(a, b),
                s.sub(a, b),
                s.div(a, b),
                s.neg(a),
                s.abs(a),
                s.sqrt(a),
                s.floor(a),
                s.min(a, b),
                s.max(a, b),
                s.number(s.less(a, b)),
                s.number(s.less_equal(a, b)),
                s.number(s.equal(a, b)),
                s.number(s.nonzero(a)),
                s.sign(a),
                s.copy_sign(a, b),
                s.only(a, count, 7.0),
                s.exp2_whole(s.floor(a)),
                s.ramp(count, 3),
                s.uniform(key, 1000 * count, 3),
                s.uniform(key, u32::MAX as usize - count, 1),
                s.gather(count, |i| self.from[2 * i]),
                s.load_every(self.from, 3, 2, count),
                s.load_every(self.from, 1, 1, count),
                s.load_repeated(self.from, 3, 2, count),
                s.load_repeated(self.from, 3, 4, count),
                s.load_part(self.from, usize::MAX - 1, 1, 2.min(count)..count),
                s.load_part(self.from, usize::MAX - 1, 2, 1.min(count)..count),
                s.ones(1.min(count)..count),
            ];
            seen.extend(list.into_iter().flat_map(|v| s.lanes(v)));
            let (m, e) = s.split_exponent(s.max(s.abs(a), s.splat(1e-30)));
            seen.extend(s.lanes(m).into_iter().chain(s.lanes(e)));
            seen.extend([s.sum(a), s.largest(a), s.smallest(a)]);
        }
        seen.extend_from_slice(self.to);
        seen
    }
}

#[test]
fn both_builds_do_the_same() {
    let from: Vec<f32> = (0..20).map(|i| ((i * 37) % 19) as f32 * 0.75 - 5.0).collect();
    let (mut one, mut two) = (vec![9.0; 16], vec![9.0; 16]);
    let fast = dispatch(Everything { from: &from, to: &mut one });
    let plain = Everything { from: &from, to: &mut two }.run(Plain);
    assert_eq!(fast.len(), plain.len());
    for (i, (a, b)) in fast.iter().zip(&plain).enumerate() {
        assert!(a == b || (a.is_nan() && b.is_nan()), "number {i}: {a} against {b}");
    }
}

#[test]
fn a_partial_store_leaves_the_rest_alone() {
    struct Part<'a>(&'a mut [f32], usize);
    impl Kernel for Part<'_> {
        type Output = ();
        #[inline(always)]
        fn run<S: Simd>(self, s: S) {
            s.store(self.0, 1, self.1, s.splat(1.0));
        }
    }
    for count in 0..=LANES {
        let mut to = [0.0; 10];
        dispatch(Part(&mut to[..count + 2], count));
        let expected: [f32; 10] = std::array::from_fn(|i| if (1..=count).contains(&i) { 1.0 } else { 0.0 });
        assert_eq!(to, expected);
    }
}

#[test]
fn minimum_and_maximum_keep_nan() {
    struct Extremes;
    impl Kernel for Extremes {
        type Output = Vec<f32>;
        #[inline(always)]
        fn run<S: Simd>(self, s: S) -> Vec<f32> {
            let (nan, one) = (s.splat(f32::NAN), s.splat(1.0));
            [s.min(nan, one), s.max(nan, one)].into_iter().map(|v| s.lanes(v)[0]).collect()
        }
    }
    assert!(dispatch(Extremes).iter().all(|x| x.is_nan()));
    assert!(Extremes.run(Plain).iter().all(|x| x.is_nan()));
}

#[test]
#[should_panic(expected = "range end index")]
fn an_access_beyond_a_slice_panics() {
    struct Beyond<'a>(&'a [f32]);
    impl Kernel for Beyond<'_> {
        type Output = f32;
        #[inline(always)]
        fn run<S: Simd>(self, s: S) -> f32 {
            s.sum(s.load(self.0, 1, LANES))
        }
    }
    dispatch(Beyond(&[0.0; LANES]));
}

#[test]
fn lanes_and_parts_are_their_definitions() {
    let from: Vec<f32> = (1..30).map(|i| i as f32).collect();
    for (first, step, end, count) in (-20..20_isize).flat_map(|first| {
        let rest = [(1, 7, 8), (2, 9, 8), (3, 11, 5), (-1, 6, 8), (-2, 9, 7), (1, 3, 0)];
        rest.map(|(step, end, count)| (first, step, end, count))
    }) {
        let inside = |i: usize| i < count && (0..end).contains(&(first + i as isize * step));
        let lanes = lanes_within(first as usize, step, end as usize, count);
        assert!((0..LANES).all(|i| lanes.contains(&i) == inside(i)), "{first} {step} {end} {count}: {lanes:?}");
        if step > 0 {
            let part = Plain.load_part(&from, first as usize, step as usize, lanes);
            let expected = |i: usize| if inside(i) { from[(first + i as isize * step) as usize] } else { 0.0 };
            assert_eq!(part, std::array::from_fn(expected));
        }
    }
    for count in 0..=LANES {
        assert_eq!(
            Plain.load_every(&from, 2, 2, count),
            std::array::from_fn(|i| if i < count { from[2 + 2 * i] } else { 0.0 })
        );
        assert_eq!(
            Plain.load_repeated(&from, 2, 4, count),
            std::array::from_fn(|i| if i < count { from[2 + i / 4] } else { 0.0 })
        );
    }
}

/// What an f16 of these bits is.
fn of_bits(bits: u32) -> f32 {
    let (exponent, fraction) = ((bits >> 10) & 31, (bits & 1023) as f32);
    let magnitude = match exponent {
        0 => fraction * 2f32.powi(-24),
        31 => f32::INFINITY,
        _ => (1.0 + fraction / 1024.0) * 2f32.powi(exponent as i32 - 15),
    };
    if bits >> 15 == 1 { -magnitude } else { magnitude }
}

#[test]
fn every_half_and_every_tie_is_rounded_as_ieee_says() {
    struct Rounded<'a>(&'a [f32]);
    impl Kernel for Rounded<'_> {
        type Output = Vec<f32>;
        #[inline(always)]
        fn run<S: Simd>(self, s: S) -> Vec<f32> {
            self.0.chunks(LANES).flat_map(|x| s.lanes(s.to_half(s.load(x, 0, x.len())))).collect()
        }
    }
    let (mut x, mut wanted) = (vec![], vec![]);
    for bits in (0..0x7c00).flat_map(|b| [b, b | 0x8000]) {
        // Behind the largest number comes the first that is too large, if it were one.
        let next = if bits & 0x7fff == 0x7bff { of_bits(bits).signum() * 65_536.0 } else { of_bits(bits + 1) };
        let (low, tie) = (of_bits(bits), f32::midpoint(of_bits(bits), next));
        let high = of_bits(bits + 1);
        x.extend([low, tie.next_down(), tie, tie.next_up()]);
        let to_even = if bits % 2 == 0 { low } else { high };
        let (below, above) = if low.is_sign_negative() { (high, low) } else { (low, high) };
        wanted.extend([low, below, to_even, above]);
    }
    x.extend([f32::INFINITY, f32::NEG_INFINITY, f32::MAX, 1e-45, -1e-45, 70_000.0, 0.0, f32::NAN]);
    wanted.extend([f32::INFINITY, f32::NEG_INFINITY, f32::INFINITY, 0.0, -0.0, f32::INFINITY, 0.0, f32::NAN]);
    for found in [dispatch(Rounded(&x)), Rounded(&x).run(Plain)] {
        for ((x, wanted), found) in x.iter().zip(&wanted).zip(found) {
            assert!(
                found.to_bits() == wanted.to_bits() || (found.is_nan() && wanted.is_nan()),
                "{x:e}: {found}, not {wanted}"
            );
        }
    }
}

#[test]
fn transpositions_exchange_rows_and_lanes_and_sums_have_one_order() {
    struct Sums<'a>(&'a [f32]);
    impl Kernel for Sums<'_> {
        type Output = [[f32; LANES]; 2];
        #[inline(always)]
        fn run<S: Simd>(self, s: S) -> [[f32; LANES]; 2] {
            let rows = std::array::from_fn(|i| s.load(self.0, 2 + 9 * i, LANES));
            [s.lanes(s.sums(rows)), rows.map(|row| s.sum(row))]
        }
    }
    struct Both<'a>(&'a [f32]);
    impl Kernel for Both<'_> {
        type Output = Vec<[f32; LANES]>;
        #[inline(always)]
        fn run<S: Simd>(self, s: S) -> Vec<[f32; LANES]> {
            let rows = std::array::from_fn(|i| s.load(self.0, 2 + 9 * i, LANES));
            s.transpose(rows).into_iter().chain(s.load_transposed(self.0, 2, 9)).map(|v| s.lanes(v)).collect()
        }
    }
    let from: Vec<f32> = (0..2 + 7 * 9 + 8).map(|i| i as f32).collect();
    for vectors in [dispatch(Both(&from)), Both(&from).run(Plain)] {
        assert_eq!(vectors.len(), 2 * LANES);
        for (j, vector) in vectors.into_iter().enumerate() {
            assert_eq!(vector, std::array::from_fn(|i| (2 + 9 * i + j % LANES) as f32));
        }
    }
    // So that another order of a sum would show.
    let from: Vec<f32> = from.iter().map(|x| (x * 0.37).sin() * 1e3).collect();
    for [turned, each] in [dispatch(Sums(&from)), Sums(&from).run(Plain)] {
        assert_eq!(turned, each);
    }
}

/// What a kernel with vectors of 8 or of 16 lanes gives: the same text for both, as generated code has it.
struct Long<'a> {
    from: &'a [f32],
    to: &'a mut [f32],
    seen: &'a mut Vec<f32>,
}

impl WideKernel for Long<'_> {
    #[inline(always)]
    fn run<W: Wide>(self, w: W) {
        let (s, Self { from, to, seen }) = (w.long(), self);
        let width = s.width();
        let key = Key::new(&StepUniform { step: 3, seed: 4, ..StepUniform::default() }, 2);
        let size = from.len() - 5;
        for i in (0..size).step_by(width) {
            let n = width.min(size - i);
            let (a, b) = (s.load(from, i + 3, n), s.load(from, i + 1, n));
            let list = [
                s.add(a, b),
                s.sub(a, b),
                s.mul(a, b),
                s.div(a, b),
                s.neg(a),
                s.abs(a),
                s.sqrt(a),
                s.floor(a),
                s.to_half(a),
                s.min(a, b),
                s.max(a, b),
                s.number(s.less(a, b)),
                s.number(s.less_equal(a, b)),
                s.number(s.equal(a, b)),
                s.number(s.nonzero(a)),
                s.is_finite(s.div(a, b)),
                s.sign(a),
                s.copy_sign(a, b),
                s.exp2_whole(s.floor(a)),
                s.times_exp2(s.splat(1.25), s.add(s.floor(s.mul(a, s.splat(20.0))), s.splat(SHIFT))),
                s.ramp(3 * i, 3),
                s.uniform(key, 3 * i, 3),
                s.uniform(key, i.wrapping_sub(40), 1),
                s.split_exponent(s.max(s.abs(a), s.splat(1e-30))).0,
                s.split_exponent(s.max(s.abs(a), s.splat(1e-30))).1,
            ];
            for (row, v) in list.into_iter().enumerate() {
                s.store(to, row * size + i, n, v);
            }
        }
        // One sum and two extremes in two parts, and a sum in six.
        for end in 0..=size {
            let (mut sums, mut most) = ([s.splat(0.0); 2], [s.splat(f32::MIN); 2]);
            let mut least = [s.splat(f32::MAX); 2];
            for i in (0..end).step_by(2 * LANES) {
                for part in 0..2 * LANES / width {
                    let i = i + part * width;
                    if i >= end {
                        break;
                    }
                    let n = width.min(end - i);
                    let a = s.load(from, i, n);
                    sums[part] = s.add(sums[part], s.only(a, n, 0.0));
                    most[part] = s.max(most[part], s.only(a, n, f32::MIN));
                    least[part] = s.min(least[part], s.only(a, n, f32::MAX));
                }
            }
            seen.extend([s.sum_of_parts(sums), s.largest_of_parts(most), s.smallest_of_parts(least)]);
            let mut sums = [s.splat(0.0); 6];
            for i in (0..end).step_by(6 * LANES) {
                for (sum, i) in sums.iter_mut().zip((i..end.min(i + 6 * LANES)).step_by(width)) {
                    let n = width.min(end - i);
                    *sum = s.add(*sum, s.only(s.load(from, i, n), n, 0.0));
                }
            }
            seen.extend([s.sum_of_parts(sums), s.head(sums[0])]);
        }
    }
}

#[test]
fn eight_and_sixteen_lanes_give_the_same_bits() {
    let from: Vec<f32> = (0..150).map(|i| ((i * 37) % 101) as f32 / 7.0 - 5.0).collect();
    let found = Level::all().into_iter().map(|level| {
        let (mut to, mut seen) = (vec![9.0; 25 * 145], vec![]);
        level.run(Long { from: &from, to: &mut to, seen: &mut seen });
        // How a NaN's bits look is the processor's business.
        to.into_iter().chain(seen).map(|x| if x.is_nan() { f32::NAN.to_bits() } else { x.to_bits() }).collect()
    });
    let found: Vec<Vec<u32>> = found.collect();
    for other in &found[1..] {
        let different = found[0].iter().zip(other).position(|(a, b)| a != b);
        assert_eq!((found[0].len(), different), (other.len(), None));
    }
}

#[test]
fn powers_of_two_are_multiplied_with_one_rounding() {
    struct Powers<'a>(f32, &'a mut Vec<(i32, f32)>);
    impl WideKernel for Powers<'_> {
        #[inline(always)]
        fn run<W: Wide>(self, w: W) {
            let s = w.long();
            for n in -151..=129 {
                let v = s.times_exp2(s.splat(self.0), s.splat(SHIFT + n as f32));
                self.1.push((n, s.head(v)));
            }
        }
    }
    for level in Level::all() {
        for p in [0.5, 0.706_83, 0.999_999_94, 1.0, 1.000_000_1, 1.2, std::f32::consts::SQRT_2, 1.999_999_9] {
            let mut seen = vec![];
            level.run(Powers(p, &mut seen));
            for (n, found) in seen {
                let wanted = (f64::from(p) * 2f64.powi(n)) as f32;
                assert_eq!(found.to_bits(), wanted.to_bits(), "{level:?}: {p} * 2^{n} = {found:e}, not {wanted:e}");
            }
        }
    }
}
