//! Memory that is kept between contractions: nothing is allocated in a step after the first one.

use std::cell::Cell;

use crate::cpu::memory::Floats;

/// So many floats of a buffer that grows, whatever they hold.
///
/// # Panics
/// If there is no memory for them.
pub(super) fn get(floats: &mut Floats, len: usize) -> &mut [f32] {
    floats.renew(len).expect("there is memory for parts of operands");
    &mut floats[..len]
}

/// What one task needs.
#[derive(Default)]
pub(super) struct Work {
    /// The windowed operand's part.
    pub staged: Floats,
    /// The other operand's part.
    pub columns: Floats,
}

/// What all tasks of a contraction read.
#[derive(Default)]
pub(super) struct Tables {
    /// The other operand, or sums of several tasks.
    pub floats: Floats,
    /// Of a whole block and of the last one.
    pub blocks: [super::blocks::Block; 2],
    /// Steps of both operands and of the result, for each channel, group and tap.
    pub channels: Vec<[isize; 3]>,
    pub groups: Vec<[isize; 3]>,
    pub taps: Vec<[isize; 3]>,
    /// The same for each sample, and for each channel that is read.
    pub samples: Vec<[isize; 3]>,
    pub inputs: Vec<[isize; 3]>,
}

thread_local! {
    static WORK: Cell<Option<Box<Work>>> = const { Cell::new(None) };
    static TABLES: Cell<Option<Box<Tables>>> = const { Cell::new(None) };
}

/// Runs `f` with this thread's memory. (Not for code within a vector kernel: it would not be compiled for its vectors.)
pub(super) fn with_work<R>(f: impl FnOnce(&mut Work) -> R) -> R {
    let mut work = WORK.take().unwrap_or_default();
    let result = f(&mut work);
    WORK.set(Some(work));
    result
}

/// Runs `f` with this thread's tables.
pub(super) fn with_tables<R>(f: impl FnOnce(&mut Tables) -> R) -> R {
    let mut tables = TABLES.take().unwrap_or_default();
    let result = f(&mut tables);
    TABLES.set(Some(tables));
    result
}
