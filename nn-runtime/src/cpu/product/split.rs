//! Cuts a product into blocks, and computes them on several threads where that pays.

use super::{Engine, Operands, Product};
use crate::cpu::parallel::{GRAIN, each};

/// Multiply-adds of a block in tiles: some 3 µs.
const TILES_BLOCK: usize = GRAIN;
/// Columns of the smallest block: the width of every tile divides it.
const COLUMNS: usize = 32;
/// Rows of the smallest block in tiles: enough to pay for packing a panel again.
const ROWS: usize = 64;
/// Elements of the result in a block of a large product: enough to pay for packing its operands.
const LARGE_BLOCK: usize = 1 << 17;
/// Rows of such a block: packed, they stay in the second-level cache.
const LARGE_ROWS: usize = 256;

/// Computes a product.
///
/// # Safety
/// The largest index of each operand lies within its slice, and nobody else touches the elements of the result.
pub(super) unsafe fn run(engine: Engine, p: &Product, o: Operands<'_>) {
    let [rows, columns] = block(engine, p);
    let across = p.n.div_ceil(columns);
    each(p.m.div_ceil(rows) * across, &|number| {
        let (i, j) = (number / across * rows, number % across * columns);
        let block = Product { m: rows.min(p.m - i), n: columns.min(p.n - j), ..*p };
        let operands =
            Operands { a: &o.a[i * p.a[0]..], b: &o.b[j * p.b[1]..], c: o.c.from(i * p.c[0] + j * p.c[1]), add: o.add };
        // SAFETY: the largest indices of a block are at most those of the whole, and blocks share no element.
        unsafe { engine.compute(&block, operands) };
    });
}

/// Rows and columns of a block: halves of halves.
fn block(engine: Engine, p: &Product) -> [usize; 2] {
    let half = |side: usize, least: usize| side.div_ceil(2).next_multiple_of(least).min(side);
    let (mut rows, mut columns) = (p.m, p.n);
    loop {
        let before = [rows, columns];
        match engine {
            Engine::Tiles if rows * columns * p.k <= TILES_BLOCK => {}
            // Columns first: each panel is packed once, then.
            Engine::Tiles if columns > COLUMNS => columns = half(columns, COLUMNS),
            Engine::Tiles => rows = half(rows, ROWS),
            Engine::Packed if rows > LARGE_ROWS => rows = half(rows, COLUMNS),
            Engine::Packed | Engine::Strided if rows * columns <= LARGE_BLOCK => {}
            Engine::Packed | Engine::Strided if rows < columns => columns = half(columns, COLUMNS),
            Engine::Packed | Engine::Strided => rows = half(rows, COLUMNS),
        }
        if before == [rows, columns] {
            return before;
        }
    }
}
