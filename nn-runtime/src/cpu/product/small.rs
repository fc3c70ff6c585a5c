//! Products of small matrices, inlined into the kernels of small networks.
//!
//! A network of some hundred weights spends less time on multiplying than on being told what to multiply. Its generated
//! code is one region without calls, and these functions become part of it: their sizes and strides are constants there, all but
//! the batch, and the printer has decided which of them suits. Where a batch makes much of it, they call [`product`] after
//! all, which uses several threads.
//!
//! The order of each element's sum depends on sizes and strides alone.

use super::dots::{self, dots_of_row};
use super::{Product, pack, product};
use crate::cpu::simd::Wide;

/// Columns of a tile: one vector or two.
const COLUMNS: usize = 16;
/// Multiply-adds from which the engine for all sizes is better.
const LARGE: usize = 1 << 17;

/// A product whose second operand and result have contiguous rows. `M` is 1 if there is one row, else 8.
///
/// # Panics
/// If a slice is too short.
#[inline(always)]
pub fn small_rows<W: Wide, const M: usize>(w: W, p: &Product, a: &[f32], b: &[f32], c: &mut [f32]) {
    if p.work() > LARGE {
        return product(p, &[], a, b, c);
    }
    for j in (0..p.n).step_by(COLUMNS) {
        panel::<W, M>(w, p, a, &b[j..], p.b[0], &mut c[j..], COLUMNS.min(p.n - j));
    }
}

/// A product whose operands are contiguous along the sum, of `K` terms, and whose result has contiguous rows.
///
/// # Panics
/// If a slice is too short.
#[inline(always)]
pub fn small_packed<W: Wide, const K: usize>(w: W, p: &Product, a: &[f32], b: &[f32], c: &mut [f32]) {
    if p.work() > LARGE {
        return product(p, &[], a, b, c);
    }
    if p.m <= dots::ROWS {
        for i in 0..p.m {
            dots_of_row(w, [p.n, K], &a[i * p.a[0]..], b, p.b[1], &mut c[i * p.c[0]..]);
        }
        return;
    }
    for j in (0..p.n).step_by(COLUMNS) {
        let columns = COLUMNS.min(p.n - j);
        let mut packed = [[0.0; COLUMNS]; K];
        pack::pack(w, &b[j * p.b[1]..], p.b, [K, columns], COLUMNS, packed.as_flattened_mut());
        panel::<W, 8>(w, p, a, packed.as_flattened(), COLUMNS, &mut c[j..], columns);
    }
}

/// A product of one column, whose operands are contiguous along the sum, as is the result.
///
/// # Panics
/// If a slice is too short.
#[inline(always)]
pub fn small_dots<W: Wide>(w: W, p: &Product, a: &[f32], b: &[f32], c: &mut [f32]) {
    if p.work() > LARGE {
        return product(p, &[], a, b, c);
    }
    dots_of_row(w, [p.m, p.k], b, a, p.a[0], c);
}

/// All rows of up to [`COLUMNS`] columns, which lie in rows of this stride in `b`.
#[inline(always)]
fn panel<W: Wide, const M: usize>(w: W, p: &Product, a: &[f32], b: &[f32], row: usize, c: &mut [f32], columns: usize) {
    let mut i = 0;
    if M > 1 {
        // So many sums hide the latency of two multiply-adds a cycle, and leave registers for the operands.
        while W::WIDTH == COLUMNS && i + 8 <= p.m {
            tile::<W, 8, 1>(w, p, &a[i * p.a[0]..], b, row, &mut c[i * p.c[0]..], columns);
            i += 8;
        }
        while W::WIDTH < COLUMNS && i + 4 <= p.m {
            tile::<W, 4, 2>(w, p, &a[i * p.a[0]..], b, row, &mut c[i * p.c[0]..], columns);
            i += 4;
        }
    }
    while i < p.m {
        if W::WIDTH == COLUMNS {
            tile::<W, 1, 1>(w, p, &a[i * p.a[0]..], b, row, &mut c[i * p.c[0]..], columns);
        } else {
            tile::<W, 1, 2>(w, p, &a[i * p.a[0]..], b, row, &mut c[i * p.c[0]..], columns);
        }
        i += 1;
    }
}

/// `M` rows of `V` vectors, of which `columns` columns are there.
#[inline(always)]
fn tile<W: Wide, const M: usize, const V: usize>(
    w: W,
    p: &Product,
    a: &[f32],
    b: &[f32],
    row: usize,
    c: &mut [f32],
    columns: usize,
) {
    let [a_row, a_step] = p.a;
    // Once for the tile, so that no access within has to look.
    let a = &a[..(M - 1) * a_row + (p.k - 1) * a_step + 1];
    let b = &b[..(p.k - 1) * row + columns];
    let mut sums = [[w.wide_splat(0.0); V]; M];
    for k in 0..p.k {
        // No closures: only what is inlined for certain has the processor's features.
        let mut terms = [w.wide_splat(0.0); V];
        for (v, terms) in terms.iter_mut().enumerate() {
            *terms = w.wide_load(&b[k * row + (v * W::WIDTH).min(columns)..], lanes::<W>(columns, v));
        }
        for (i, sums) in sums.iter_mut().enumerate() {
            let x = w.wide_splat(a[i * a_row + k * a_step]);
            for (sum, b) in sums.iter_mut().zip(&terms) {
                *sum = w.wide_mul_add(x, *b, *sum);
            }
        }
    }
    for (i, sums) in sums.into_iter().enumerate() {
        for (v, sum) in sums.into_iter().enumerate() {
            w.wide_store(&mut c[i * p.c[0] + (v * W::WIDTH).min(columns)..], lanes::<W>(columns, v), sum);
        }
    }
}

/// How many columns the vector of this number has.
#[inline(always)]
fn lanes<W: Wide>(columns: usize, number: usize) -> usize {
    W::WIDTH.min(columns.saturating_sub(number * W::WIDTH))
}

#[cfg(test)]
mod tests {
    use super::super::Around;
    use super::*;
    use crate::cpu::simd::{Level, WideKernel};

    /// One of the functions on random operands.
    struct Call<'a> {
        function: &'a str,
        p: Product,
        a: &'a [f32],
        b: &'a [f32],
        c: &'a mut [f32],
    }

    impl WideKernel for Call<'_> {
        #[inline(always)]
        fn run<W: Wide>(self, w: W) {
            let Call { function, p, a, b, c } = self;
            match function {
                "rows" => small_rows::<W, 8>(w, &p, a, b, c),
                "row" => small_rows::<W, 1>(w, &p, a, b, c),
                "packed" => small_packed::<W, 21>(w, &p, a, b, c),
                _ => small_dots(w, &p, a, b, c),
            }
        }
    }

    /// Compares all levels with one another, bit by bit, and with the engine for all sizes.
    fn check(function: &str, p: Product) {
        let number = |i: usize| ((i * 37 + 11) % 64) as f32 / 32.0 - 1.0;
        let len =
            |strides: [usize; 2], sizes: [usize; 2]| (sizes[0] - 1) * strides[0] + (sizes[1] - 1) * strides[1] + 1;
        let a: Vec<f32> = (0..len(p.a, [p.m, p.k])).map(number).collect();
        let b: Vec<f32> = (0..len(p.b, [p.k, p.n])).map(|i| number(i + 5)).collect();
        let mut expected = vec![7.0; len(p.c, [p.m, p.n])];
        product(&p, &[] as &[Around], &a, &b, &mut expected);
        let mut bits: Option<Vec<f32>> = None;
        for level in Level::all() {
            let mut c = vec![7.0; expected.len()];
            level.run(Call { function, p, a: &a, b: &b, c: &mut c });
            let near = c.iter().zip(&expected).all(|(x, y)| (x - y).abs() <= 1e-5 * (1.0 + y.abs()));
            assert!(near, "{function} {p:?} at {level:?}: {c:?} instead of {expected:?}");
            // Plain vectors round products before they are added.
            if !matches!(level, Level::Plain) {
                assert_eq!(bits.get_or_insert_with(|| c.clone()), &c, "{function} {p:?} at {level:?}");
            }
        }
    }

    #[test]
    fn every_size_gives_what_the_engine_gives() {
        for m in [1, 2, 3, 4, 7, 8, 9, 33] {
            for n in [1, 3, 8, 10, 16, 20, 32] {
                for k in [1, 5, 8, 21] {
                    let (a, c) = ([k, 1], [n, 1]);
                    check("rows", Product { m, n, k, a, b: [n, 1], c });
                    check("rows", Product { m, n, k, a: [1, m], b: [n, 1], c });
                    check("row", Product { m, n, k, a, b: [n, 1], c });
                }
                check("packed", Product { m, n, k: 21, a: [21, 1], b: [1, 21], c: [n, 1] });
            }
            for k in [1, 5, 16, 21] {
                check("dots", Product { m, n: 1, k, a: [k, 1], b: [1, k], c: [1, 1] });
            }
        }
        // Large ones are handed on.
        check("rows", Product { m: 4096, n: 16, k: 16, a: [16, 1], b: [16, 1], c: [16, 1] });
        check("packed", Product { m: 1024, n: 16, k: 21, a: [21, 1], b: [1, 21], c: [16, 1] });
    }

    #[test]
    #[should_panic(expected = "out of range")]
    fn short_operands_are_refused() {
        let p = Product { m: 4, n: 4, k: 4, a: [4, 1], b: [4, 1], c: [4, 1] };
        Level::Plain.run(Call { function: "rows", p, a: &[0.0; 15], b: &[0.0; 16], c: &mut [0.0; 16] });
    }
}
