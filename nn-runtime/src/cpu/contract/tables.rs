//! Tables that are kept between contractions: nothing is allocated in a step after the first one.

use std::cell::Cell;

/// What all tasks of a contraction read.
#[derive(Default)]
pub(super) struct Tables {
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

/// Runs `f` with this thread's tables.
pub(super) fn with_tables<R>(f: impl FnOnce(&mut Tables) -> R) -> R {
    thread_local! {
        static TABLES: Cell<Option<Box<Tables>>> = const { Cell::new(None) };
    }
    let mut tables = TABLES.take().unwrap_or_default();
    let result = f(&mut tables);
    TABLES.set(Some(tables));
    result
}
