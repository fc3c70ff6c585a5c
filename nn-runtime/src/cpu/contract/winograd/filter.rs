//! `G g Gᵀ` of all filters of a tile of rows.

use super::POINTS;
use crate::cpu::simd::{Kernel, Simd};

/// Transforms filters: from nine rows for each channel that is read to a row for each point and each channel.
pub(super) struct Filters<'a> {
    /// Filters of a row.
    pub rows: usize,
    pub from: &'a [f32],
    pub to: &'a mut [f32],
}

impl Kernel for Filters<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Filters { rows, from, to } = self;
        let inputs = from.len() / (9 * rows);
        for input in 0..inputs {
            let mut g = [[s.splat(0.0); 3]; 3];
            for (i, g) in g.iter_mut().enumerate() {
                for (j, g) in g.iter_mut().enumerate() {
                    *g = s.load(from, (input * 9 + i * 3 + j) * rows, rows);
                }
            }
            let [g0, g1, g2] = g;
            let mut half = [[s.splat(0.0); 4]; 3];
            for (j, half) in half.iter_mut().enumerate() {
                *half = sums(s, [g0[j], g1[j], g2[j]]);
            }
            let [h0, h1, h2] = half;
            for (a, ((x0, x1), x2)) in h0.into_iter().zip(h1).zip(h2).enumerate() {
                for (b, x) in sums(s, [x0, x1, x2]).into_iter().enumerate() {
                    s.store(to, ((a * 4 + b) * inputs + input) * rows, rows, x);
                }
            }
        }
        debug_assert_eq!(to.len(), POINTS * inputs * rows);
    }
}

/// `G g`
#[inline(always)]
fn sums<S: Simd>(s: S, [g0, g1, g2]: [S::V; 3]) -> [S::V; 4] {
    let half = s.splat(0.5);
    let ends = s.add(g0, g2);
    [g0, s.mul(half, s.add(ends, g1)), s.mul(half, s.sub(ends, g1)), g2]
}
