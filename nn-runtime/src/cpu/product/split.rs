//! Cuts a product into blocks, and computes them on several threads where that pays.

use super::tiles::{Once, narrowest};
use super::{Cut, Engine, Operands, Product};
use crate::cpu::memory::Shared;
use crate::cpu::parallel::{GRAIN, each, threads};
use crate::cpu::scratch::{Need, noted, with_shared};
use crate::cpu::simd::{LANES, Level};

/// Multiply-adds of a block in tiles: some 3 µs.
const TILES_BLOCK: usize = GRAIN;
/// Columns of the smallest block: whole vectors of every width.
const COLUMNS: usize = 32;
/// Rows of the smallest block in tiles: enough to pay for packing a panel again.
const ROWS: usize = 64;
/// Rows that two tiles have: so many read the second operand in place, so that nothing is packed again.
const UNPACKED_ROWS: usize = 16;
/// Floats of a second operand that stay in each thread's second-level cache: 512 KiB.
const STAYS: usize = 1 << 17;
/// Blocks of a large product for each thread, so that who is late or slow does less.
const LARGE_BLOCKS: usize = 4;
/// Tiles of rows whose slivers one thread packs at a time.
const TILES_ONCE: usize = 32;
/// Multiply-adds of a block that is long enough: some 0.3 ms.
const LONG_BLOCK: usize = 1 << 24;
/// Multiply-adds of the smallest block of a large product: enough to pay for packing its operands, some 10 µs.
const LARGE_BLOCK: usize = 1 << 20;

/// Computes a product.
///
/// # Safety
/// The largest index of each operand lies within its slice, and nobody else touches the elements of the result.
pub(super) unsafe fn run(engine: Engine, p: &Product, o: Operands<'_>) {
    let size = block(engine, p);
    let level = Level::best();
    let cut = matches!(engine, Engine::Tiles { .. }).then(|| Cut::new(level, p, size));
    // (What `matrixmultiply` takes, it allocates and frees.)
    let need = cut.map_or(Need::default(), |cut| cut.need());
    if noted(need) {
        return;
    }
    let [rows, columns] = size;
    let across = p.n.div_ceil(columns);
    with_shared(need.shared, |slivers| {
        if let Some(cut) = cut {
            pack_once(level, p, o.a, cut, slivers);
        }
        let slivers = &*slivers;
        each(p.m.div_ceil(rows) * across, &|number| {
            let (i, j) = (number / across * rows, number % across * columns);
            let block = Product { m: rows.min(p.m - i), n: columns.min(p.n - j), ..*p };
            let (a, b) = (&o.a[i * p.a[0]..], &o.b[j * p.b[1]..]);
            let operands = Operands { a, b, c: o.c.from(i * p.c[0] + j * p.c[1]), add: o.add };
            // SAFETY: the largest indices of a block are at most those of the whole, and blocks share no element.
            unsafe { engine.compute(level, &block, operands, cut, slivers) };
        });
    });
}

/// Packs the slivers that all blocks read, if they read packed ones.
pub(super) fn pack_once(level: Level, p: &Product, a: &[f32], cut: Cut, slivers: &mut [f32]) {
    let (all, slivers) = (cut.once(), Shared::new(slivers));
    each(all.div_ceil(TILES_ONCE), &|i| {
        let tiles = i * TILES_ONCE..all.min((i + 1) * TILES_ONCE);
        level.run(Once { p, a, cut, tiles, slivers });
    });
}

/// Rows and columns of a block: halves of halves.
#[inline]
fn block(engine: Engine, p: &Product) -> [usize; 2] {
    if matches!(engine, Engine::Dots { .. } | Engine::Tiles { is_large: false }) && p.work() <= TILES_BLOCK {
        return [p.m, p.n];
    }
    let half = |side: usize, least: usize| side.div_ceil(2).next_multiple_of(least).min(side);
    let blocks = match engine {
        Engine::Tiles { is_large: true } | Engine::Strided if threads() > 1 => LARGE_BLOCKS * threads(),
        _ => 1,
    };
    let (mut rows, mut columns) = (p.m, p.n);
    if engine == (Engine::Tiles { is_large: false }) && p.b[1] == 1 && p.b[0] * p.k <= STAYS {
        // A recurrent step: with a block of samples for each thread, what the kernels before and behind it do with these
        // samples stays in its cache. Only weights are read by all.
        let share = p.m.div_ceil(threads()).next_multiple_of(LANES);
        if share < p.m && share <= UNPACKED_ROWS && p.m.div_ceil(share) >= threads() {
            return [share, p.n];
        }
    }
    loop {
        let before = [rows, columns];
        let (work, has_enough) = (rows * columns * p.k, p.m.div_ceil(rows) * p.n.div_ceil(columns) >= blocks);
        match engine {
            Engine::Dots { .. } | Engine::Tiles { is_large: false } if work <= TILES_BLOCK => {}
            // Columns first: each panel is packed once, then.
            Engine::Dots { .. } | Engine::Tiles { is_large: false } if columns > COLUMNS => {
                columns = half(columns, COLUMNS)
            }
            // A result of few rows has none to give away.
            Engine::Dots { .. } => {}
            Engine::Tiles { is_large: false } => rows = half(rows, ROWS),
            _ if blocks == 1 || work <= LARGE_BLOCK => {}
            // They cost nothing, and the smaller the last block, the shorter one thread waits for another.
            Engine::Tiles { .. } if columns > narrowest(p) && (!has_enough || work > LONG_BLOCK) => {
                columns = half(columns, COLUMNS)
            }
            _ if has_enough => {}
            // Each block of rows packs its panels once more.
            Engine::Tiles { .. } => rows = half(rows, COLUMNS),
            Engine::Strided if rows <= columns => columns = half(columns, COLUMNS),
            Engine::Strided => rows = half(rows, COLUMNS),
        }
        if before == [rows, columns] {
            return before;
        }
    }
}
