//! Threads that help with what one thread has to do.
//!
//! A training step is a dozen kernels of some microseconds each, so helpers must be there at once and gone at once. They
//! wait for work by looking for it, for a while ([`LINGER`]), before they sleep; and whoever has work begins it alone, and
//! waits at the end for those alone that have joined in. A helper that comes late costs nothing.
//!
//! There is one team. Who finds it at work for somebody else, as a helper does that has work of its own, works alone.

use std::cell::UnsafeCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError, TryLockError};
use std::thread::Thread;
use std::time::{Duration, Instant};

/// How long a helper looks for work before it sleeps: longer than what lies between two steps, short for everybody else
/// who wants the processor. Waking takes up to 50 µs.
const LINGER: Duration = Duration::from_micros(200);

/// Runs `work` on this thread and on up to `threads - 1` others at the same time, each with a number below `threads` (0 on
/// this thread). Nobody else may come; so `work` has to be complete when it has run on this thread, and what another
/// one has begun there is complete when this function returns.
///
/// # Panics
/// If `work` does, on whatever thread.
pub(super) fn together(threads: usize, work: &(dyn Fn(usize) + Sync)) {
    static TEAM: OnceLock<&'static Team> = OnceLock::new();
    let team = TEAM.get_or_init(Team::start);
    let leader = match team.leader.try_lock() {
        // Nobody leaves anything unfinished, not even who panics.
        Err(TryLockError::Poisoned(leader)) => Some(leader.into_inner()),
        leader => leader.ok(),
    };
    if leader.is_some() { team.lead(threads, work) } else { work(0) }
}

type Job = &'static (dyn Fn(usize) + Sync);

#[derive(Default)]
struct Team {
    /// Locked by who has work.
    leader: Mutex<()>,
    board: Board,
    /// Whether a helper panicked.
    panicked: AtomicBool,
    /// By their numbers, helpers that sleep; and how many.
    asleep: Mutex<Vec<Option<Thread>>>,
    sleepers: AtomicUsize,
}

/// What helpers look at, in one cache line: it comes to a helper when a round begins, once, with all that it needs to join in. Between
/// two processors a line takes 200 ns or more, and a loop over time has hundreds of rounds.
#[derive(Default)]
#[repr(align(64))]
struct Board {
    /// Helpers that are at work, [`OPEN`] while others may join in, and how many threads may work, times [`THREAD`].
    gate: AtomicUsize,
    /// Rounds so far.
    round: AtomicUsize,
    /// The work of this round, while the gate is open or somebody is at work.
    job: UnsafeCell<Option<Job>>,
}

/// The gate is open.
const OPEN: usize = THREAD >> 1;
/// One thread that may work, in the gate.
const THREAD: usize = 1 << (usize::BITS / 2);
/// Helpers at work, in the gate.
const BUSY: usize = OPEN - 1;

// SAFETY: the job alone is no atomic. Who leads writes it while the gate is shut and nobody is at work; helpers read it between joining in, which
// an open gate alone lets them, and leaving, for which who leads waits.
unsafe impl Sync for Board {}

impl Team {
    /// A helper for each processor but this one, or as many as the system allows.
    fn start() -> &'static Self {
        let team: &Team = Box::leak(Box::default());
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        *team.asleep() = vec![None; processors];
        for number in 1..processors {
            let thread = std::thread::Builder::new().name(format!("nn helper {number}"));
            if thread.spawn(move || team.help(number)).is_err() {
                break;
            }
        }
        team
    }

    fn asleep(&self) -> MutexGuard<'_, Vec<Option<Thread>>> {
        // Nobody panics while it is locked.
        self.asleep.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lead(&self, threads: usize, work: &(dyn Fn(usize) + Sync)) {
        // SAFETY: only the lifetime changes. Helpers take the job from the board after they have joined in, for which the gate has to be open;
        // `Closing` shuts it and waits until none is busy, before this function returns or unwinds. So nobody has the
        // reference afterwards.
        let job = unsafe { std::mem::transmute::<&(dyn Fn(usize) + Sync), Job>(work) };
        let closing = Closing(self);
        let board = &self.board;
        // SAFETY: `leader` is locked, the gate is shut and nobody is at work: so it was left, and nobody else writes.
        unsafe { *board.job.get() = Some(job) };
        board.round.fetch_add(1, Ordering::Relaxed);
        // Where this thread panicked as well, nobody has looked.
        self.panicked.store(false, Ordering::Relaxed);
        // Either this sees who sleeps, or he who goes to sleep sees the open gate: both look after they have written.
        board.gate.store(OPEN + threads.min(BUSY) * THREAD, Ordering::SeqCst);
        if self.sleepers.load(Ordering::SeqCst) > 0 {
            let mut asleep = self.asleep();
            for thread in asleep.iter_mut().take(threads).filter_map(Option::take) {
                self.sleepers.fetch_sub(1, Ordering::Relaxed);
                thread.unpark();
            }
        }
        work(0);
        drop(closing);
        assert!(!self.panicked.swap(false, Ordering::Relaxed), "a helping thread panicked");
    }

    /// What a helper does all its life.
    fn help(&self, number: usize) {
        let mut seen = 0;
        loop {
            self.wait(number, seen);
            let Some(job) = self.join(number) else { continue };
            seen = self.board.round.load(Ordering::Relaxed);
            if catch_unwind(AssertUnwindSafe(|| job(number))).is_err() {
                self.panicked.store(true, Ordering::Relaxed);
            }
            self.board.gate.fetch_sub(1, Ordering::Release);
        }
    }

    /// The round's job, if the gate is still open: then this helper counts as busy.
    fn join(&self, number: usize) -> Option<Job> {
        let mut gate = self.board.gate.load(Ordering::Relaxed);
        while admits(gate, number) {
            match self.board.gate.compare_exchange_weak(gate, gate + 1, Ordering::Acquire, Ordering::Relaxed) {
                // SAFETY: nobody writes before this helper leaves.
                Ok(_) => return unsafe { *self.board.job.get() },
                Err(now) => gate = now,
            }
        }
        None
    }

    /// Whether there is another round than this one, with room for this helper.
    fn has_work(&self, number: usize, seen: usize, order: Ordering) -> bool {
        admits(self.board.gate.load(order), number) && self.board.round.load(Ordering::Relaxed) != seen
    }

    /// Waits for that.
    fn wait(&self, number: usize, seen: usize) {
        let since = Instant::now();
        while since.elapsed() < LINGER {
            for _ in 0..64 {
                if self.has_work(number, seen, Ordering::Acquire) {
                    return;
                }
                std::hint::spin_loop();
            }
        }
        loop {
            if self.asleep()[number].replace(std::thread::current()).is_none() {
                self.sleepers.fetch_add(1, Ordering::SeqCst);
            }
            let here = self.has_work(number, seen, Ordering::SeqCst);
            if !here {
                std::thread::park();
            }
            let woken = self.asleep()[number].take().is_none();
            if !woken {
                self.sleepers.fetch_sub(1, Ordering::Relaxed);
            }
            // Who has been woken, too late perhaps, looks for work for a while again: more may come.
            if woken || here || self.has_work(number, seen, Ordering::Acquire) {
                return;
            }
        }
    }
}

/// Whether a gate is open for the helper of this number.
fn admits(gate: usize, number: usize) -> bool {
    gate & OPEN != 0 && number < gate / THREAD
}

/// Ends a round.
struct Closing<'a>(&'a Team);

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        let gate = &self.0.board.gate;
        let mut now = gate.fetch_and(BUSY, Ordering::AcqRel);
        let mut looks = 0_u32;
        while now & BUSY > 0 {
            looks += 1;
            // Whoever is still at work may need this processor.
            if looks.is_multiple_of(1024) {
                std::thread::yield_now()
            } else {
                std::hint::spin_loop()
            }
            now = gate.load(Ordering::Acquire);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_is_complete_whoever_comes() {
        for threads in [1, 2, 5] {
            for _ in 0..200 {
                let (next, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
                together(threads, &|thread| {
                    assert!(thread < threads);
                    while next.fetch_add(1, Ordering::Relaxed) < 50 {
                        done.fetch_add(1, Ordering::Relaxed);
                    }
                });
                assert_eq!(done.into_inner(), 50);
            }
        }
    }

    #[test]
    fn work_within_work_and_beside_it_is_done_alone() {
        let done = AtomicUsize::new(0);
        std::thread::scope(|s| {
            for _ in 0..4 {
                s.spawn(|| {
                    together(2, &|thread| {
                        if thread == 0 {
                            together(2, &|thread| {
                                done.fetch_add(usize::from(thread == 0), Ordering::Relaxed);
                            });
                        }
                    });
                });
            }
        });
        assert_eq!(done.into_inner(), 4);
    }

    #[test]
    fn a_panic_arrives_and_the_team_goes_on() {
        let leading = catch_unwind(|| together(2, &|thread| assert!(thread > 0, "on this thread")));
        assert!(leading.is_err());
        // A helper may not come: then there is no panic. Nobody hangs either way.
        let _ = catch_unwind(|| together(2, &|thread| assert!(thread == 0, "on a helper")));
        together(2, &|_| {});
    }

    #[test]
    fn sleepers_are_woken() {
        // A team of this test's own, which nobody else leads.
        let team = Team::start();
        if team.asleep().len() < 2 {
            return;
        }
        std::thread::sleep(100 * LINGER);
        let (came, since) = (AtomicUsize::new(0), Instant::now());
        team.lead(2, &|_| {
            came.fetch_add(1, Ordering::Relaxed);
            while came.load(Ordering::Relaxed) < 2 && since.elapsed() < Duration::from_secs(30) {
                std::thread::yield_now();
            }
        });
        assert_eq!(came.into_inner(), 2);
    }
}
