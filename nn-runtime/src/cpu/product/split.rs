//! Cuts a product into blocks, and computes them on several threads where that pays.

use super::{Engine, Operands, Product};
use crate::cpu::parallel::{GRAIN, WORTH};

/// Elements of the result in a block of a large product: enough to pay for packing its operands.
const LARGE_BLOCK: usize = 1 << 18;

/// Computes a product.
///
/// # Safety
/// The largest index of each operand lies within its slice, and nobody else touches the elements of the result.
pub(super) unsafe fn run(engine: Engine, p: &Product, o: Operands<'_>) {
    if p.work() < 2 * WORTH {
        // SAFETY: the caller says so.
        unsafe { engine.compute(p, o) }
    } else {
        // SAFETY: the caller says so.
        unsafe { halve(engine, p, o) }
    }
}

/// # Safety
/// As for [`run`].
unsafe fn halve(engine: Engine, p: &Product, o: Operands<'_>) {
    // Halves of the longer side. 32 is a multiple of every tile's width.
    let by_rows = p.m >= p.n;
    let side = if by_rows { p.m } else { p.n };
    let half = (side / 2).next_multiple_of(32);
    let whole = match engine {
        Engine::Tiles => p.work() <= 2 * GRAIN,
        Engine::Large => p.m * p.n <= LARGE_BLOCK,
    };
    if whole || half >= side {
        // SAFETY: the caller says so.
        return unsafe { engine.compute(p, o) };
    }
    let (low, high, [a, b, c]) = if by_rows {
        (Product { m: half, ..*p }, Product { m: side - half, ..*p }, [half * p.a[0], 0, half * p.c[0]])
    } else {
        (Product { n: half, ..*p }, Product { n: side - half, ..*p }, [0, half * p.b[1], half * p.c[1]])
    };
    let rest = Operands { a: &o.a[a..], b: &o.b[b..], c: o.c.from(c), add: o.add };
    // SAFETY: the largest indices of both halves are at most those of the whole, and they share no element.
    let (first, second) = (|| unsafe { halve(engine, &low, o) }, || unsafe { halve(engine, &high, rest) });
    if rayon::current_num_threads() > 1 {
        rayon::join(first, second);
    } else {
        first();
        second();
    }
}
