//! Memory that products and convolutions need while they are computed: packed panels, transformed tiles, sums of pieces.
//!
//! Each thread has one piece of memory of its own, and whoever leads has another one that all threads of his contraction see. Both serve
//! every kernel, stay from step to step, and are as large as the neediest kernel wants them: an engine says once how much it takes, before
//! it begins.
//!
//! So a pass can be *rehearsed*: it is played as it is, engines note what they would take, and nothing is computed. What a plan
//! says about scratch, and what is allocated, are the same numbers.

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::memory::Floats;
use super::simd::{self, Kernel, WideKernel};
use crate::error::Result;

/// Floats that a contraction, or the neediest one of a pass, takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Need {
    /// What all threads see.
    pub shared: usize,
    /// What each thread has for itself.
    pub own: usize,
}

impl Need {
    /// Enough for both.
    fn or(self, other: Need) -> Need {
        Need { shared: self.shared.max(other.shared), own: self.own.max(other.own) }
    }

    /// Bytes for so many threads. Whoever asks for their number starts them: nobody does where they have nothing of their own.
    pub(crate) fn bytes(self, threads: impl FnOnce() -> usize) -> usize {
        let own = if self.own == 0 { 0 } else { self.own.saturating_mul(threads()) };
        own.saturating_add(self.shared).saturating_mul(4)
    }
}

thread_local! {
    static SHARED: Cell<Floats> = const { Cell::new(Floats::new()) };
    static OWN: Cell<Floats> = const { Cell::new(Floats::new()) };
    /// What the rehearsal on this thread has heard so far.
    static REHEARSAL: Cell<Option<Need>> = const { Cell::new(None) };
}

/// What the pass that was rehearsed last needs of each thread: whoever needs less allocates as much, and nothing has to grow later. (What
/// is allocated and never touched takes no memory.)
static OWN_FLOATS: AtomicUsize = AtomicUsize::new(0);

/// The next multiple of a cache line: parts of a thread's memory begin at lines.
pub(super) const fn line(floats: usize) -> usize {
    floats.next_multiple_of(16)
}

/// What `pass` needs, of which nothing is computed.
pub(crate) fn rehearse(pass: impl FnOnce()) -> Need {
    /// Ends the rehearsal, also where the pass panics.
    struct End;
    impl Drop for End {
        fn drop(&mut self) {
            REHEARSAL.set(None);
        }
    }
    REHEARSAL.set(Some(Need::default()));
    let _end = End;
    pass();
    REHEARSAL.get().unwrap_or_default()
}

/// Whether nothing is to be computed.
fn is_rehearsal() -> bool {
    REHEARSAL.get().is_some()
}

/// Whether this is a rehearsal: then the need is noted, and nothing is to be computed.
pub(super) fn noted(need: Need) -> bool {
    let heard = REHEARSAL.get();
    if let Some(heard) = heard {
        REHEARSAL.set(Some(heard.or(need)));
    }
    heard.is_some()
}

/// Allocates what this thread needs, and lets the others know what they will.
pub(crate) fn reserve(need: Need) -> Result<()> {
    OWN_FLOATS.store(need.own, Ordering::Relaxed);
    for (memory, floats) in [(&SHARED, need.shared), (&OWN, need.own)] {
        let mut held = memory.take();
        held.renew(floats)?;
        memory.set(held);
    }
    Ok(())
}

/// Runs `f` with so many floats for all threads, whatever they hold.
///
/// # Panics
/// If there is no memory for them.
pub(super) fn with_shared(floats: usize, f: impl FnOnce(&mut [f32])) {
    if floats == 0 {
        return f(&mut []);
    }
    let mut memory = SHARED.take();
    memory.renew(floats).expect("there is memory for what contractions need");
    f(&mut memory[..floats]);
    SHARED.set(memory);
}

/// Runs `f` with so many floats of this thread, whatever they hold. (Not for code within a vector kernel: it would not be compiled for its
/// vectors.)
///
/// # Panics
/// If there is no memory for them.
pub(super) fn with_own(floats: usize, f: impl FnOnce(&mut [f32])) {
    if floats == 0 {
        return f(&mut []);
    }
    let mut memory = OWN.take();
    if floats > memory.len() {
        let enough = floats.max(OWN_FLOATS.load(Ordering::Relaxed));
        memory.renew(enough).expect("there is memory for what a task needs");
    }
    f(&mut memory[..floats]);
    OWN.set(memory);
}

/// Runs a kernel of generated code, compiled for the best features that this processor has.
#[inline]
pub fn dispatch<K: Kernel<Output = ()>>(kernel: K) {
    if !is_rehearsal() {
        simd::dispatch(kernel);
    }
}

/// Runs a kernel of generated code with the widest vectors that this processor has.
#[inline]
pub fn dispatch_wide<K: WideKernel>(kernel: K) {
    if !is_rehearsal() {
        simd::dispatch_wide(kernel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rehearsal_hears_the_largest_needs_and_computes_nothing() {
        struct Never;
        impl Kernel for Never {
            type Output = ();
            fn run<S: simd::Simd>(self, _: S) {
                panic!("a rehearsal computes nothing");
            }
        }
        let need = rehearse(|| {
            assert!(noted(Need { shared: 3, own: 50 }));
            dispatch(Never);
            assert!(noted(Need { shared: 40, own: 5 }));
        });
        assert_eq!((need, need.bytes(|| 2)), (Need { shared: 40, own: 50 }, 4 * 140));
        let shared = Need { shared: 3, own: 0 };
        assert_eq!(shared.bytes(|| panic!("threads are started by whoever asks for their number")), 12);
        assert!(!noted(need), "it has ended");
        let panicked = std::panic::catch_unwind(|| rehearse(|| panic!("in a rehearsal")));
        assert!(panicked.is_err() && !is_rehearsal());
    }

    #[test]
    fn what_is_reserved_is_what_engines_get() {
        reserve(Need { shared: 100, own: 200 }).unwrap();
        let place = |own: &mut [f32]| own.as_ptr() as usize;
        let mut places = vec![];
        for floats in [50, 200, 1] {
            with_own(floats, |own| {
                assert_eq!(own.len(), floats);
                places.push(place(own));
            });
        }
        assert!(places.iter().all(|&at| at == places[0]), "nothing has moved");
        with_shared(100, |shared| with_own(7, |own| assert_ne!(place(shared), place(own))));
    }
}
