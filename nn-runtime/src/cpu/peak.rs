//! What the processor can do at most: measured, not looked up.

use std::time::Instant;

use super::parallel;
use super::simd::{Wide, WideKernel, dispatch_wide};
use crate::profile::Peak;

/// Multiply-adds that do not wait for each other.
const CHAINS: usize = 12;
/// How often each of them is done.
const ROUNDS: usize = 200_000;
/// Floats that are copied: more than caches hold.
const FLOATS: usize = 16 << 20;
/// The best of so many tries counts.
const TRIES: usize = 3;

/// Measures both, in about a tenth of a second.
pub(crate) fn peak() -> Peak {
    Peak { gflops: gflops(), gbytes: gbytes() }
}

/// The least seconds of some tries.
fn best(mut run: impl FnMut()) -> f64 {
    let tries = (0..TRIES).map(|_| {
        let start = Instant::now();
        run();
        start.elapsed().as_secs_f64()
    });
    tries.fold(f64::INFINITY, f64::min)
}

/// A long row of multiply-adds in registers, on every thread.
fn gflops() -> f64 {
    struct Chains<'a>(&'a mut f64, &'a mut [f32]);
    impl WideKernel for Chains<'_> {
        #[inline(always)]
        fn run<W: Wide>(self, w: W) {
            let (a, b) = (w.wide_splat(0.999), w.wide_splat(0.001));
            let mut sums = [w.wide_splat(1.0); CHAINS];
            for _ in 0..ROUNDS {
                for sum in &mut sums {
                    *sum = w.wide_mul_add(*sum, a, b);
                }
            }
            let mut total = sums[0];
            for sum in &sums[1..] {
                total = w.wide_add(total, *sum);
            }
            w.wide_store(self.1, 1, total);
            *self.0 = (2 * W::WIDTH * CHAINS * ROUNDS) as f64;
        }
    }
    let threads = parallel::threads();
    let mut counts = vec![(0.0, [0.0_f32; 1]); threads];
    let seconds = best(|| {
        std::thread::scope(|scope| {
            for (count, sink) in &mut counts {
                scope.spawn(move || dispatch_wide(Chains(count, std::hint::black_box(sink))));
            }
        });
    });
    counts.iter().map(|(count, _)| count).sum::<f64>() / seconds / 1e9
}

/// Copies from one part of memory to another, on every thread: what is read and what is written both count.
fn gbytes() -> f64 {
    let (from, mut to) = (vec![1.0_f32; FLOATS], vec![0.0_f32; FLOATS]);
    let piece = FLOATS.div_ceil(parallel::threads());
    let seconds = best(|| {
        std::thread::scope(|scope| {
            for (to, from) in to.chunks_mut(piece).zip(from.chunks(piece)) {
                scope.spawn(|| std::hint::black_box(to).copy_from_slice(std::hint::black_box(from)));
            }
        });
    });
    (2 * 4 * FLOATS) as f64 / seconds / 1e9
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_peak_is_measured() {
        let peak = super::peak();
        assert!((0.1..100_000.0).contains(&peak.gflops) && (0.01..100_000.0).contains(&peak.gbytes), "{peak:?}");
    }
}
