//! Memory on the CPU: arenas, their pool, and disjoint slices of them.

use std::alloc::{Layout, alloc_zeroed};
use std::fmt;
use std::ops::{Deref, DerefMut, Range};
use std::sync::{Mutex, PoisonError};

use crate::error::{Error, Result};
use crate::program::Schedule;

/// Slices that kernels read and write at the same time. The plan keeps the tensors of one kernel apart.
///
/// # Panics
/// If ranges overlap or leave the memory: then generated code and runtime do not belong together.
#[inline]
pub fn disjoint<const N: usize>(memory: &mut [f32], ranges: [Range<usize>; N]) -> [&mut [f32]; N] {
    memory.get_disjoint_mut(ranges).expect("the tensors of a kernel lie apart, within the memory")
}

/// The optimizer's state vectors of these numbers.
///
/// # Panics
/// If a number stands twice or there is no such vector: then generated code and runtime do not belong together.
#[inline]
pub fn states<const N: usize>(states: &mut [Floats], numbers: [usize; N]) -> [&mut [f32]; N] {
    states.get_disjoint_mut(numbers).expect("a kernel names each state once").map(|state| &mut state[..])
}

/// Memory that several threads write to; each touches its own elements alone.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shared<'a> {
    start: *mut f32,
    len: usize,
    owner: std::marker::PhantomData<&'a mut [f32]>,
}

// SAFETY: it stands for a `&mut [f32]`, which may go between threads; that threads share no element is a condition of
// `Shared::part`.
unsafe impl Send for Shared<'_> {}
// SAFETY: as above.
unsafe impl Sync for Shared<'_> {}

impl<'a> Shared<'a> {
    pub(crate) fn new(slice: &'a mut [f32]) -> Self {
        Shared { start: slice.as_mut_ptr(), len: slice.len(), owner: std::marker::PhantomData }
    }

    /// Where it begins.
    pub(crate) fn as_mut_ptr(self) -> *mut f32 {
        self.start
    }

    /// The memory from an element on.
    pub(crate) fn from(self, at: usize) -> Self {
        assert!(at < self.len, "a part begins within the memory");
        // SAFETY: the element lies within the memory.
        Shared { start: unsafe { self.start.add(at) }, len: self.len - at, owner: self.owner }
    }

    /// Some elements.
    ///
    /// # Safety
    /// Nobody else touches them while they are borrowed.
    #[inline(always)]
    pub(crate) unsafe fn part(self, at: usize, count: usize) -> &'a mut [f32] {
        assert!(at + count <= self.len, "a part ends within the memory");
        // SAFETY: they lie within the memory, and the caller says that they are his.
        unsafe { std::slice::from_raw_parts_mut(self.start.add(at), count) }
    }
}

/// Bytes of a cache line, and floats in it.
const LINE: usize = 64;
const LINE_FLOATS: usize = LINE / size_of::<f32>();

/// Floats that begin at the beginning of a cache line, so that no vector of theirs lies in two.
///
/// Fresh memory of the system is zero and takes no room until somebody writes to it; so nobody does before it is used.
#[derive(Default)]
pub struct Floats {
    memory: Vec<f32>,
    /// The first float that begins a line.
    first: usize,
    len: usize,
}

impl Floats {
    /// None.
    pub(crate) const fn new() -> Self {
        Floats { memory: Vec::new(), first: 0, len: 0 }
    }

    /// So many times this value.
    ///
    /// # Errors
    /// If there is not so much memory.
    pub fn filled(value: f32, len: usize) -> Result<Self> {
        let mut floats = Floats::new();
        floats.grow(len)?;
        if value.to_bits() != 0 {
            floats.fill(value);
        }
        Ok(floats)
    }

    /// Makes them at least so many, whatever they hold. What was there goes before the new memory comes, so that both are never
    /// held together.
    pub(crate) fn renew(&mut self, len: usize) -> Result<()> {
        if len > self.memory.len() - self.first {
            *self = Floats::new();
        }
        self.grow(len)
    }

    /// Makes them at least so many. New ones are 0.
    pub(crate) fn grow(&mut self, len: usize) -> Result<()> {
        if len > self.memory.len() - self.first {
            let mut memory = zeroed(len)?;
            let first = memory.as_ptr().align_offset(LINE);
            memory[first..first + self.len].copy_from_slice(self);
            (self.memory, self.first) = (memory, first);
        }
        self.len = self.len.max(len);
        Ok(())
    }
}

/// So many zeros, and as many more as the beginning of a line may be away.
fn zeroed(len: usize) -> Result<Vec<f32>> {
    let floats = len.checked_add(LINE_FLOATS).ok_or_else(|| out_of_memory(len))?;
    let layout = Layout::array::<f32>(floats).map_err(|_| out_of_memory(len))?;
    // SAFETY: the layout is that of at least a line, which is not empty.
    let start = unsafe { alloc_zeroed(layout) };
    if start.is_null() {
        return Err(out_of_memory(len));
    }
    // SAFETY: the global allocator gave the memory, with the layout of so many floats, and zeros are floats.
    let mut memory = unsafe { Vec::from_raw_parts(start.cast(), floats, floats) };
    in_huge_pages(&mut memory);
    Ok(memory)
}

/// Asks the system for large memory in pages of 2 MiB, where it gives them to those who ask alone: matrices whose rows lie pages
/// apart would wait for the addresses of 4 KiB pages.
#[cfg(target_os = "linux")]
fn in_huge_pages(memory: &mut [f32]) {
    /// A huge page of x86-64, and of AArch64 with pages of 4 KiB; a multiple of every small one.
    const HUGE: usize = 2 << 20;
    let bytes: &mut [u8] = bytemuck::cast_slice_mut(memory);
    // Whole pages alone: so no other memory grows by it.
    let first = bytes.as_ptr().align_offset(HUGE);
    let whole = bytes.len().saturating_sub(first) / HUGE * HUGE;
    if whole >= 2 * HUGE {
        // SAFETY: these pages are part of the slice, and the advice changes nothing that a program could read. Where the system
        // does not take it, nothing is lost.
        unsafe { libc::madvise(bytes[first..].as_mut_ptr().cast(), whole, libc::MADV_HUGEPAGE) };
    }
}

/// Other systems decide by themselves.
#[cfg(not(target_os = "linux"))]
fn in_huge_pages(_: &mut [f32]) {}

impl Deref for Floats {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        &self.memory[self.first..self.first + self.len]
    }
}

impl DerefMut for Floats {
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut self.memory[self.first..self.first + self.len]
    }
}

impl fmt::Debug for Floats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} floats", self.len)
    }
}

/// The activations of one run of a schedule.
#[derive(Debug, Default)]
pub(crate) struct Arena(Floats);

impl Arena {
    /// Its floats, for a schedule and a capacity, whatever they hold; grows to them.
    pub(crate) fn floats(&mut self, schedule: &Schedule, capacity: usize) -> Result<&mut [f32]> {
        // What GPUs store as f16 lies behind the rest.
        let (fixed, sample) =
            (schedule.fixed_floats + schedule.fixed_halves, schedule.sample_floats + schedule.sample_halves);
        let floats = (sample.checked_mul(capacity))
            .and_then(|n| n.checked_add(fixed))
            .ok_or_else(|| out_of_memory(usize::MAX))?;
        self.0.renew(floats)?;
        Ok(&mut self.0[..floats])
    }
}

/// A vector of this length, full of zeros.
pub(crate) fn zeros(len: usize) -> Result<Vec<f32>> {
    let mut all = Vec::new();
    all.try_reserve_exact(len).map_err(|_| out_of_memory(len))?;
    all.resize(len, 0.0);
    Ok(all)
}

fn out_of_memory(floats: usize) -> Error {
    let bytes = floats.saturating_mul(4);
    Error::OutOfMemory { device: "CPU".into(), what: format!("{bytes} bytes") }
}

/// Arenas that are not in use, for methods that many threads call at once.
#[derive(Debug, Default)]
pub(crate) struct Pool(Mutex<Vec<Arena>>);

impl Pool {
    /// Runs `f` with an arena of the pool, and puts it back.
    pub(crate) fn with<R>(&self, f: impl FnOnce(&mut Arena) -> R) -> R {
        // A poisoned lock is no harm: the list of arenas is always whole.
        let arena = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut arena = arena.unwrap_or_default();
        let result = f(&mut arena);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(arena);
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_lie_apart() {
        let mut memory: Vec<f32> = (0..10).map(|i| i as f32).collect();
        let [a, b] = disjoint(&mut memory, [6..8, 0..3]);
        a[0] = b[2];
        assert_eq!((a, b), (&mut [2.0, 7.0][..], &mut [0.0, 1.0, 2.0][..]));
    }

    #[test]
    #[should_panic(expected = "lie apart")]
    fn overlapping_slices_are_refused() {
        disjoint(&mut [0.0; 10], [2..5, 4..6]);
    }

    #[test]
    fn floats_begin_a_line_and_keep_what_they_are_when_they_grow() {
        let mut floats = Floats::filled(2.0, 3).unwrap();
        floats.grow(40).unwrap();
        floats.grow(5).unwrap();
        assert_eq!(floats.as_ptr().align_offset(64), 0);
        assert_eq!((floats.len(), &floats[..4], floats[39]), (40, &[2.0, 2.0, 2.0, 0.0][..], 0.0));
        floats.renew(30).unwrap();
        assert_eq!((floats.len(), floats[0]), (40, 2.0));
        floats.renew(100).unwrap();
        assert_eq!((floats.len(), floats[0], floats.as_ptr().align_offset(64)), (100, 0.0, 0));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn zeros_take_no_room_until_they_are_written() {
        let resident = || -> usize {
            let text = std::fs::read_to_string("/proc/self/statm").unwrap();
            4096 * text.split(' ').nth(1).unwrap().parse::<usize>().unwrap()
        };
        let (before, len) = (resident(), 1 << 26);
        let floats = Floats::filled(0.0, len).unwrap();
        // Other tests need some memory at the same time.
        assert!(resident() < before + 2 * len, "{} bytes for {}", resident() - before, 4 * len);
        assert_eq!(floats[len - 1], 0.0);
    }

    #[test]
    fn a_pool_hands_out_each_arena_once() {
        let pool = Pool::default();
        pool.with(|a| {
            a.0.grow(1).unwrap();
            pool.with(|b| assert!(b.0.is_empty()));
        });
        let mut sizes = vec![];
        pool.with(|a| pool.with(|b| sizes.extend([a.0.len(), b.0.len()])));
        sizes.sort_unstable();
        assert_eq!(sizes, [0, 1]);
    }
}
