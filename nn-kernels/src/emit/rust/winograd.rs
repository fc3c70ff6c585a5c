//! Which convolutions the runtime computes by Winograd's F(2x2, 3x3): a model of what both ways cost.
//!
//! Tiles of 2 x 2 results take 16 multiplications instead of 36 for each pair of channels, and transforms of each channel. Few
//! channels do not pay for these.

use super::windowed::Window;
use crate::graph::Extent;

// What parts cost, in half multiply-adds at the processor's peak, as measured with 16 to 64 channels on maps of 8 x 8 to 32 x 32
// (see docs/benchmarks.md).

/// A multiply-add of plain sums: two thirds of the peak.
const DIRECT: usize = 3;
/// The 16 multiplications of a tile and a pair of channels: nine tenths of the peak.
const PRODUCTS: usize = 35;
/// The transform of a tile of a channel that is read.
const DATA: usize = 450;
/// That of a tile of a channel of the other operand, there or back.
const OTHER: usize = 350;

/// The loops of a contraction with windows.
pub(super) struct Loops<'a> {
    pub extents: &'a [Extent],
    pub windows: &'a [Window],
    pub positions: &'a [usize],
    pub taps: &'a [usize],
    pub channels: &'a [usize],
    /// Steps in what lies at positions: the result, or the second operand.
    pub steps: &'a [i64],
}

/// Whether it is a convolution of 3 x 3 at stride 1 that is faster in this way.
pub(super) fn pays(loops: &Loops<'_>) -> bool {
    let Loops { extents, windows, positions, taps, channels, steps } = *loops;
    let size = |x: usize| match extents[x] {
        Extent::Size(n) => n,
        Extent::Batch => 0,
    };
    let [first, second] = windows else { return false };
    let mut sides = vec![];
    let mut inner = vec![];
    for w in [first, second] {
        let moving = |axes: &[usize]| axes.iter().copied().filter(|&x| w.steps[x] != 0).collect::<Vec<usize>>();
        let (&[position], &[tap]) = (&moving(positions)[..], &moving(taps)[..]) else { return false };
        let neighbours = w.stride != 1 || steps[position] == 1;
        if w.divisor != 1 || w.steps[position] != 1 || w.steps[tap].abs() != 1 || size(tap) != 3 || !neighbours {
            return false;
        }
        sides.push(size(position));
        inner.push(tap);
    }
    let inputs: usize = taps.iter().filter(|x| !inner.contains(x)).map(|&x| size(x)).product();
    let outputs: usize = channels.iter().map(|&x| size(x)).product();
    let tiles: usize = sides.iter().map(|side| side.div_ceil(2)).product();
    let columns = first.stride == 1 || second.stride == 1;
    let direct = DIRECT * 9 * sides.iter().product::<usize>() * inputs * outputs;
    let winograd = tiles * (PRODUCTS * inputs * outputs + DATA * inputs + OTHER * outputs);
    columns && sides.iter().all(|&side| side > 1) && winograd < direct
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A convolution of `kernel` x `kernel` with this stride, on maps of `side` x `side`.
    fn convolution(inputs: usize, outputs: usize, side: usize, kernel: usize, stride: i64) -> bool {
        // Axes: batch, output, row, column, input, taps.
        let sizes = [outputs, side, side, inputs, kernel, kernel];
        let extents: Vec<Extent> = [Extent::Batch].into_iter().chain(sizes.map(Extent::Size)).collect();
        let window = |position: usize, apart: usize| {
            let mut steps = vec![0; 7];
            (steps[position], steps[position + 3]) = (stride, 1);
            Window { offset: -1, steps, end: side as i64, divisor: 1, stride: apart as i64 }
        };
        let area = (side * side) as i64;
        pays(&Loops {
            extents: &extents,
            windows: &[window(2, side), window(3, 1)],
            positions: &[0, 2, 3],
            taps: &[4, 5, 6],
            channels: &[1],
            steps: &[outputs as i64 * area, area, side as i64, 1, 0, 0, 0],
        })
    }

    #[test]
    fn many_channels_pay_for_their_transforms() {
        assert!(convolution(16, 16, 32, 3, 1) && convolution(64, 64, 8, 3, 1) && convolution(512, 512, 7, 3, 1));
        assert!(!convolution(3, 16, 32, 3, 1), "the first layer of a network");
        assert!(!convolution(1, 1, 32, 3, 1), "each channel by itself");
        assert!(!convolution(256, 256, 1, 3, 1), "a tile for one result");
    }

    #[test]
    fn other_kernels_and_strides_are_sums() {
        assert!(!convolution(64, 64, 16, 5, 1));
        assert!(!convolution(64, 64, 16, 1, 1));
        assert!(!convolution(64, 64, 16, 3, 2));
    }
}
