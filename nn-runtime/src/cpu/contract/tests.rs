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
    fn run(&self, level: Level, a: &[f32], b: &[f32], c: &mut [f32]) {
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
        let p = Contract { loops: &self.loops, windows: &windows, along, first: self.first };
        contract_at(level, &p, a, b, c);
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
        let (a, b) = (random.floats(self.lens[0]), random.floats(self.lens[1]));
        let expected = self.reference(&a, &b);
        let terms: usize = self.loops.iter().filter(|l| l.c == 0).map(|l| l.count).product();
        for level in Level::all() {
            let mut c = vec![7.0; self.lens[2]];
            self.run(level, &a, &b, &mut c);
            for (i, (got, expected)) in c.iter().zip(&expected).enumerate() {
                match expected {
                    None => assert_eq!(*got, 7.0, "{level:?} {self:?}: element {i} is not part of the result"),
                    Some(x) => {
                        let bound = 1e-6 + 3e-7 * (terms as f64).sqrt() * 4.0;
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
        let (from, to, ends) = match kind {
            Kind::InputGradient => (2, 0, &outputs),
            _ => (0, 2, &inputs),
        };
        let positions = if kind == Kind::InputGradient { &inputs } else { &outputs };
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
            if kind == Kind::InputGradient {
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
            Kind::WeightGradient => ([0, 2, 1], Along::Sums),
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
    InputGradient,
    WeightGradient,
}

const KINDS: [Kind; 3] = [Kind::Forward, Kind::InputGradient, Kind::WeightGradient];

#[test]
fn random_convolutions_and_their_gradients() {
    let mut random = Random(1);
    for _ in 0..150 {
        let convolution = Convolution::random(&mut random);
        for kind in KINDS {
            convolution.case(kind).check(&mut random);
        }
    }
}
