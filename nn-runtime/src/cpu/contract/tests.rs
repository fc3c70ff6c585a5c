//! The engine against sums in f64: convolutions of all kinds, their gradients, and every kind of vectors.

use super::*;

/// Small random numbers.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }

    fn below(&mut self, end: usize) -> usize {
        self.next() as usize % end
    }

    fn floats(&mut self, count: usize) -> Vec<f32> {
        (0..count).map(|_| self.next() as f32 / (1u64 << 30) as f32 - 1.0).collect()
    }
}

/// A contraction with memory of its own, and the sizes of its operands.
#[derive(Clone, Debug, Default)]
struct Case {
    loops: Vec<Loop>,
    windows: Vec<(isize, Vec<isize>, usize, usize, isize)>,
    along: Option<Along>,
    first: [isize; 3],
    lens: [usize; 3],
}

impl Case {
    fn run(&self, method: Method, level: Level, a: &[f32], b: &[f32], c: &mut [f32]) {
        self.with(method, |p| contract_at(level, p, a, b, c));
    }

    fn with<R>(&self, method: Method, f: impl FnOnce(&Contract<'_>) -> R) -> R {
        let windows: Vec<Window<'_>> = (self.windows.iter())
            .map(|(offset, steps, end, divisor, stride)| Window {
                offset: *offset,
                steps,
                end: *end,
                divisor: *divisor,
                stride: *stride,
            })
            .collect();
        let along = self.along.expect("a case has a direction");
        f(&Contract { loops: &self.loops, windows: &windows, along, method, first: self.first })
    }

    /// Whether it can be computed by Winograd's transforms.
    fn is_winograd(&self) -> bool {
        self.with(Method::Winograd, |p| winograd::Form::of(&Problem::new(p), p.along).is_some())
    }

    /// The sums in f64, and which elements of the result they are.
    fn reference(&self, a: &[f32], b: &[f32]) -> Vec<Option<f64>> {
        let mut c = vec![None; self.lens[2]];
        let mut point = vec![0usize; self.loops.len()];
        'points: loop {
            let at = |step: fn(&Loop) -> isize, first: isize| {
                first + self.loops.iter().zip(&point).map(|(l, &i)| step(l) * i as isize).sum::<isize>()
            };
            let mut address = Some(at(|l| l.a, self.first[0]));
            for (offset, steps, end, divisor, stride) in &self.windows {
                let u = offset + steps.iter().zip(&point).map(|(s, &i)| s * i as isize).sum::<isize>();
                let there = u >= 0 && u < *end as isize && u % *divisor as isize == 0;
                address = address.filter(|_| there).map(|x| x + stride * (u / *divisor as isize));
            }
            let x = address.map_or(0.0, |i| f64::from(a[i as usize]));
            let term = x * f64::from(b[at(|l| l.b, self.first[1]) as usize]);
            *c[at(|l| l.c, self.first[2]) as usize].get_or_insert(0.0) += term;
            for (i, l) in point.iter_mut().zip(&self.loops).rev() {
                *i += 1;
                if *i < l.count {
                    continue 'points;
                }
                *i = 0;
            }
            return c;
        }
    }

    fn check(&self, random: &mut Random) {
        self.check_by(Method::Direct, random);
        if self.is_winograd() {
            self.check_by(Method::Winograd, random);
        }
    }

    fn check_by(&self, method: Method, random: &mut Random) {
        let (a, b) = (random.floats(self.lens[0]), random.floats(self.lens[1]));
        let expected = self.reference(&a, &b);
        let terms: usize = self.loops.iter().filter(|l| l.c == 0).map(|l| l.count).product();
        for level in Level::all() {
            let mut c = vec![7.0; self.lens[2]];
            self.run(method, level, &a, &b, &mut c);
            for (i, (got, expected)) in c.iter().zip(&expected).enumerate() {
                match expected {
                    None => assert_eq!(*got, 7.0, "{level:?} {self:?}: element {i} is not part of the result"),
                    Some(x) => {
                        // Rounding errors grow with the sums so far, and these with the number of terms.
                        let bound = 2e-6 + 2e-7 * terms as f64;
                        assert!((f64::from(*got) - x).abs() < bound, "{level:?} {self:?} at {i}: {got} for {x}");
                    }
                }
            }
        }
    }
}

/// One spatial dimension of a convolution.
#[derive(Clone, Copy, Debug)]
struct Side {
    input: usize,
    kernel: usize,
    stride: usize,
    padding: usize,
    dilation: usize,
}

impl Side {
    fn output(&self) -> usize {
        (self.input + 2 * self.padding - self.dilation * (self.kernel - 1) - 1) / self.stride + 1
    }

    fn random(random: &mut Random, largest: usize) -> Self {
        loop {
            let side = Side {
                input: 1 + random.below(largest),
                kernel: 1 + random.below(5),
                stride: 1 + random.below(3),
                padding: random.below(4),
                dilation: 1 + random.below(2),
            };
            let reach = side.dilation * (side.kernel - 1) + 1;
            if side.input + 2 * side.padding >= reach && side.padding < reach {
                return side;
            }
        }
    }
}

/// A convolution of a batch.
#[derive(Clone, Debug)]
struct Convolution {
    batch: usize,
    groups: usize,
    inputs: usize,
    outputs: usize,
    sides: Vec<Side>,
}

impl Convolution {
    fn random(random: &mut Random) -> Self {
        let dims = [1, 2, 2, 2, 3][random.below(5)];
        let largest = [0, 70, 24, 9][dims];
        let groups = [1, 1, 1, 2, 3, 5][random.below(6)];
        let depthwise = groups > 1 && random.below(2) == 0;
        Convolution {
            batch: 1 + random.below(5),
            groups,
            inputs: if depthwise { 1 } else { 1 + random.below(9) },
            outputs: if depthwise { 1 } else { 1 + random.below(20) },
            sides: (0..dims).map(|_| Side::random(random, largest)).collect(),
        }
    }

    /// Row-major steps of the input, the weights and the output. Axes: batch, group, channel of the output, channel of the
    /// input, positions, taps.
    fn case(&self, kind: Kind) -> Case {
        let dims = self.sides.len();
        let inputs: Vec<usize> = self.sides.iter().map(|s| s.input).collect();
        let kernels: Vec<usize> = self.sides.iter().map(|s| s.kernel).collect();
        let outputs: Vec<usize> = self.sides.iter().map(|s| s.output()).collect();
        let steps = |sizes: &[usize]| -> Vec<isize> {
            (0..sizes.len()).map(|i| sizes[i + 1..].iter().product::<usize>() as isize).collect()
        };
        let size = |sizes: &[usize]| sizes.iter().product::<usize>() as isize;
        let (x, w, y) = (size(&inputs), size(&kernels), size(&outputs));
        let (i, o, g) = (self.inputs as isize, self.outputs as isize, self.groups as isize);
        // What each axis moves: input, weights, output.
        let mut axes: Vec<(usize, [isize; 3])> = vec![
            (self.batch, [g * i * x, 0, g * o * y]),
            (self.groups, [i * x, o * i * w, o * y]),
            (self.outputs, [0, i * w, y]),
            (self.inputs, [x, w, 0]),
        ];
        // The positions: outputs or, for the gradient of the input, inputs.
        let backwards = matches!(kind, Kind::InputGradient | Kind::TransposedWeightGradient);
        let (from, to, ends) = if backwards { (2, 0, &outputs) } else { (0, 2, &inputs) };
        let positions = if backwards { &inputs } else { &outputs };
        for (d, &n) in positions.iter().enumerate() {
            let mut moves = [0; 3];
            moves[to] = steps(positions)[d];
            axes.push((n, moves));
        }
        for d in 0..dims {
            axes.push((kernels[d], [0, steps(&kernels)[d], 0]));
        }
        let window = |d: usize| {
            let side = &self.sides[d];
            let mut moves = vec![0isize; axes.len()];
            let (stride, dilation, padding) = (side.stride as isize, side.dilation as isize, side.padding as isize);
            if backwards {
                // Input p is read by output (p + padding - tap * dilation) / stride.
                moves[4 + d] = 1;
                moves[4 + dims + d] = -dilation;
                (padding, moves, (ends[d] - 1) * side.stride + 1, side.stride, steps(ends)[d])
            } else {
                moves[4 + d] = stride;
                moves[4 + dims + d] = dilation;
                (-padding, moves, ends[d], 1, steps(ends)[d])
            }
        };
        let windows = (0..dims).map(window).collect();
        // Which of input, weights and output are `a`, `b` and `c`.
        let (operands, along) = match kind {
            Kind::Forward => ([0, 1, 2], Along::Result),
            Kind::InputGradient => ([from, 1, to], Along::Result),
            Kind::WeightGradient | Kind::TransposedWeightGradient => ([from, to, 1], Along::Sums),
        };
        let loops = axes.iter().map(|(count, moves)| {
            let [a, b, c] = operands.map(|operand| moves[operand]);
            Loop { count: *count, a, b, c }
        });
        let all = [self.batch * (g * i * x) as usize, (g * o * i * w) as usize, self.batch * (g * o * y) as usize];
        Case {
            loops: loops.collect(),
            windows,
            along: Some(along),
            first: [0; 3],
            lens: operands.map(|operand| all[operand]),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Forward,
    /// Or the forward pass of a transposed convolution.
    InputGradient,
    WeightGradient,
    /// The gradient of a transposed convolution's weights.
    TransposedWeightGradient,
}

const KINDS: [Kind; 4] = [Kind::Forward, Kind::InputGradient, Kind::WeightGradient, Kind::TransposedWeightGradient];

#[test]
fn random_convolutions_and_their_gradients() {
    let mut random = Random(1);
    for _ in 0..120 {
        let convolution = Convolution::random(&mut random);
        for kind in KINDS {
            convolution.case(kind).check(&mut random);
        }
    }
}

/// A convolution of 3 x 3 with enough work for several threads.
fn large(batch: usize, inputs: usize, outputs: usize, input: usize, stride: usize) -> Convolution {
    let side = Side { input, kernel: 3, stride, padding: 1, dilation: 1 };
    Convolution { batch, groups: 1, inputs, outputs, sides: vec![side; 2] }
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let mut random = Random(3);
    for convolution in [large(8, 16, 24, 20, 1), large(1, 20, 40, 33, 2), large(40, 12, 9, 6, 1)] {
        for kind in KINDS {
            let case = convolution.case(kind);
            let (a, b) = (random.floats(case.lens[0]), random.floats(case.lens[1]));
            let run = |method: Method, threads: usize| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                let mut c = vec![0.0; case.lens[2]];
                pool.install(|| case.run(method, Level::best(), &a, &b, &mut c));
                c
            };
            for method in [Method::Direct, Method::Winograd] {
                let one = run(method, 1);
                assert!(one == run(method, 2) && one == run(method, 3), "{method:?}, {kind:?} of {convolution:?}");
            }
        }
    }
}

#[test]
fn large_convolutions_in_several_blocks_and_pieces() {
    let mut random = Random(4);
    // A stage of some blocks, pieces of several samples, and more taps than one task does.
    for convolution in [large(1, 40, 3, 60, 1), large(30, 3, 5, 16, 1), large(2, 70, 17, 5, 1)] {
        KINDS.into_iter().for_each(|kind| convolution.case(kind).check(&mut random));
    }
}

#[test]
fn winograds_tiles_of_all_sizes() {
    let mut random = Random(6);
    for _ in 0..50 {
        let side = |random: &mut Random| {
            let (input, padding) = (2 + random.below(23), random.below(3));
            Side { input: input + 2 - padding, kernel: 3, stride: 1, padding, dilation: 1 }
        };
        let convolution = Convolution {
            batch: 1 + random.below(7),
            groups: 1 + random.below(2),
            inputs: 1 + random.below(11),
            outputs: 1 + random.below(20),
            sides: vec![side(&mut random), side(&mut random)],
        };
        for kind in [Kind::Forward, Kind::InputGradient, Kind::WeightGradient] {
            let case = convolution.case(kind);
            let tiles = convolution.batch * convolution.sides.iter().map(Side::output).product::<usize>() / 4;
            assert!(case.is_winograd() || tiles < 64 || kind == Kind::InputGradient, "{kind:?} of {convolution:?}");
            case.check_by(Method::Winograd, &mut random);
        }
    }
}

#[test]
fn winograds_transforms_cost_little_accuracy_and_no_bit_depends_on_the_vectors() {
    let mut random = Random(7);
    let convolution = large(6, 32, 24, 15, 1);
    for kind in [Kind::Forward, Kind::InputGradient, Kind::WeightGradient] {
        let case = convolution.case(kind);
        let (a, b) = (random.floats(case.lens[0]), random.floats(case.lens[1]));
        let exact: Vec<f64> = case.reference(&a, &b).into_iter().map(|x| x.expect("all elements are there")).collect();
        let run = |method: Method, level: Level| {
            let mut c = vec![0.0; case.lens[2]];
            case.run(method, level, &a, &b, &mut c);
            c
        };
        let error = |c: &[f32]| {
            let squares: f64 = c.iter().zip(&exact).map(|(c, x)| (f64::from(*c) - x).powi(2)).sum();
            (squares / c.len() as f64).sqrt()
        };
        let by_tiles = run(Method::Winograd, Level::best());
        let (tiles, sums) = (error(&by_tiles), error(&run(Method::Direct, Level::best())));
        assert!(tiles < 4.0 * sums && tiles != sums, "{kind:?}: {tiles} by tiles, {sums} by sums");
        for level in Level::all().into_iter().filter(|level| !matches!(level, Level::Plain)) {
            assert!(run(Method::Winograd, level) == by_tiles, "{kind:?} on {level:?}");
        }
    }
}

#[test]
fn windows_that_nothing_bounds_are_read_in_place() {
    // A convolution of 3 without padding, at strides 1 and 2: no window, and neighbours overlap.
    let mut random = Random(5);
    for stride in [1, 2] {
        let (batch, input, output) = (3, 41_isize, (41 - 3) / stride + 1);
        let loops = vec![
            Loop { count: batch, a: 2 * input, b: 0, c: 4 * output },
            Loop { count: 4, a: 0, b: 6, c: output },
            Loop { count: output as usize, a: stride, b: 0, c: 1 },
            Loop { count: 2, a: input, b: 3, c: 0 },
            Loop { count: 3, a: 1, b: 1, c: 0 },
        ];
        let lens = [batch * 2 * input as usize, 24, batch * 4 * output as usize];
        Case { loops, windows: vec![], along: Some(Along::Result), first: [0; 3], lens }.check(&mut random);
    }
}

#[test]
#[should_panic(expected = "the second operand is too short")]
fn short_operands_are_refused() {
    let case = large(1, 2, 2, 5, 1).case(Kind::Forward);
    case.run(
        Method::Direct,
        Level::best(),
        &vec![0.0; case.lens[0]],
        &vec![0.0; case.lens[1] - 1],
        &mut vec![0.0; case.lens[2]],
    );
}

#[test]
#[should_panic(expected = "lie on one another")]
fn a_result_on_itself_is_refused() {
    let mut case = large(1, 2, 2, 5, 1).case(Kind::Forward);
    case.loops[2].c = 1;
    case.run(
        Method::Direct,
        Level::best(),
        &vec![0.0; case.lens[0]],
        &vec![0.0; case.lens[1]],
        &mut vec![0.0; case.lens[2]],
    );
}
