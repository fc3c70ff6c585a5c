//! Sums by number: the gradient of a table whose rows were read by number, as in an embedding.

use super::memory::Shared;
use super::parallel::{WORTH, each, threads};
use super::scratch::{Need, noted};
use super::simd::{Kernel, LANES, Simd, dispatch};

/// The row of this number among so many: the nearest one that there is.
#[inline(always)]
pub fn row(number: f32, rows: usize) -> usize {
    (number as usize).min(rows - 1)
}

/// `result[row, column] = Σ values[position, column]` over the positions whose number is `row`; all lie row by row.
///
/// The work is one walk over the result and one over the values. Threads have rows of their own, and each row is summed in the order
/// of the positions, so the number of threads changes no bit.
///
/// # Panics
/// If a slice is too short.
pub fn scatter([rows, columns]: [usize; 2], positions: usize, numbers: &[f32], values: &[f32], result: &mut [f32]) {
    if noted(Need::default()) {
        return;
    }
    let (numbers, values) = (&numbers[..positions], &values[..positions * columns]);
    let work = (rows + positions).saturating_mul(columns);
    let pieces = if work < WORTH { 1 } else { (2 * threads()).min(rows) };
    let size = rows.div_ceil(pieces);
    let result = Shared::new(&mut result[..rows * columns]);
    each(rows.div_ceil(size), &|piece| {
        let first = piece * size;
        let own = size.min(rows - first);
        // SAFETY: each piece is done once, and its rows belong to no other one.
        let sums = unsafe { result.part(first * columns, own * columns) };
        dispatch(Rows { first, rows, columns, numbers, values, sums });
    });
}

/// The sums of some neighbouring rows.
struct Rows<'a> {
    first: usize,
    /// How many rows there are in all.
    rows: usize,
    columns: usize,
    numbers: &'a [f32],
    values: &'a [f32],
    sums: &'a mut [f32],
}

impl Kernel for Rows<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Rows { first, rows, columns, numbers, values, sums } = self;
        sums.fill(0.0);
        let own = sums.len() / columns;
        for (number, value) in numbers.iter().zip(values.chunks_exact(columns)) {
            let at = row(*number, rows).wrapping_sub(first);
            if at < own {
                let sums = &mut sums[at * columns..][..columns];
                for column in (0..columns).step_by(LANES) {
                    let n = LANES.min(columns - column);
                    let sum = s.add(s.load(sums, column, n), s.load(value, column, n));
                    s.store(sums, column, n, sum);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_row_is_the_sum_of_what_has_its_number() {
        // Small, and large enough for several threads; columns that fill vectors and columns that do not.
        for (rows, columns, positions) in [(1, 1, 1), (5, 3, 7), (40, 8, 0), (3000, 200, 400), (9, 1, 5)] {
            let numbers: Vec<f32> = (0..positions).map(|i| (i * i % (rows + 1)) as f32).collect();
            let values: Vec<f32> = (0..positions * columns).map(|i| (i % 13) as f32).collect();
            let mut result = vec![f32::NAN; rows * columns];
            scatter([rows, columns], positions, &numbers, &values, &mut result);
            let mut expected = vec![0.0; rows * columns];
            for (number, value) in numbers.iter().zip(values.chunks(columns)) {
                // A number that is no row's counts as the nearest one's.
                let row = (*number as usize).min(rows - 1);
                expected[row * columns..][..columns].iter_mut().zip(value).for_each(|(e, v)| *e += v);
            }
            assert_eq!(result, expected, "{rows} rows, {positions} positions");
        }
        assert_eq!([-1.0, f32::NAN, 2.0, 9.0].map(|n| row(n, 4)), [0, 0, 2, 3]);
    }
}
