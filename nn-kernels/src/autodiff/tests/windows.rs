//! Convolutions and other windows that are written as indices, in the middle of a graph.

use super::*;

/// A convolution's one dimension: `size` elements, windows of `taps`.
#[derive(Clone, Copy, Debug)]
struct Line {
    size: usize,
    taps: usize,
    stride: usize,
    dilation: usize,
    padding: usize,
}

impl Line {
    fn random(rng: &mut Rng) -> Self {
        let (taps, stride, dilation, padding) = (1 + rng.below(3), 1 + rng.below(3), 1 + rng.below(2), rng.below(3));
        let reach = (taps - 1) * dilation + 1;
        Line { size: reach + rng.below(5), taps, stride, dilation, padding }
    }

    fn windows(self) -> usize {
        (self.size + 2 * self.padding - (self.taps - 1) * self.dilation - 1) / self.stride + 1
    }

    fn access(self, position: usize, tap: usize) -> Access {
        Access::window(position, self.stride, tap, self.dilation, self.padding)
    }

    fn transposed(self, element: usize, tap: usize) -> Access {
        Access::window_of(element, self.stride, tap, self.dilation, self.padding)
    }
}

#[test]
fn convolutions_in_the_middle() {
    for seed in 0..24 {
        let mut bench = Bench::new(900 + seed);
        let [h, w] = std::array::from_fn(|_| Line::random(&mut bench.rng));
        let (groups, inputs, outputs) = (1 + bench.rng.below(2), 1 + bench.rng.below(2), 1 + bench.rng.below(2));
        let weight = bench.operand(&Shape::fixed(&[groups, outputs, inputs, h.taps, w.taps]), (-1.0, 1.0));
        // Axes: 0 batch, 1 group, 2 output, 3 and 4 positions; 5 input, 6 and 7 taps.
        let reduced = vec![Extent::Size(inputs), Extent::Size(h.taps), Extent::Size(w.taps)];
        let b = [1, 2, 5, 6, 7].map(Access::axis).to_vec();
        let plain = [0, 1, 5].map(Access::axis);
        let transpose = seed % 2 == 1;
        let (from, to, windows) = match transpose {
            false => ([h.size, w.size], [h.windows(), w.windows()], [h.access(3, 6), w.access(4, 7)]),
            true => ([h.windows(), w.windows()], [h.size, w.size], [h.transposed(3, 6), w.transposed(4, 7)]),
        };
        let x = bench.batched(&[groups * inputs, from[0], from[1]], (-1.0, 1.0));
        let x = bench.graph().reshape(x, &[groups, inputs, from[0], from[1]]);
        let a = plain.into_iter().chain(windows).collect();
        let shape = Shape::batched(&[groups, outputs, to[0], to[1]]);
        let y = bench.graph().contract(x, weight, Contraction { reduced, a, b }, shape);
        bench.check(&format!("convolution {seed}: {h:?} {w:?} transposed {transpose}"), y);
    }
}

#[test]
fn windows_in_the_middle() {
    for seed in 0..16 {
        let mut bench = Bench::new(950 + seed);
        let line = Line::random(&mut bench.rng);
        let channels = 1 + bench.rng.below(3);
        let x = bench.batched(&[channels, line.size], (-1.0, 1.0));
        let g = bench.graph();
        // [channels, windows, taps] with the channels flipped.
        let flipped = Access { terms: vec![(0, -1)], offset: channels as i64 - 1, divisor: 1 };
        let windows = g.window(x, vec![flipped, line.access(1, 2)], &[channels, line.windows(), line.taps]);
        let y = match seed % 3 {
            0 => windows,
            1 => g.reduce(Reduction::Maximum, windows, &[2], false),
            _ => g.reduce(Reduction::Sum, windows, &[2], false),
        };
        bench.check(&format!("window {seed}: {line:?}"), y);
    }
}
