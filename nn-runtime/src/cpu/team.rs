//! Threads that help with what one thread has to do.
//!
//! A training step is a dozen kernels of some microseconds each, so helpers must be there at once and gone at once. They
//! wait for work by looking for it, for a while ([`LINGER`]), before they sleep; and whoever has work begins it alone, and
//! waits at the end for those alone that have joined in. A helper that comes late costs nothing.
//!
//! There is one team. Who finds it at work for somebody else, as a helper does that has work of its own, works alone.

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
    board: Mutex<Board>,
    /// Rounds so far; what helpers look at.
    round: AtomicUsize,
    /// Helpers that are at work.
    busy: AtomicUsize,
    /// Whether one of them panicked.
    panicked: AtomicBool,
}

#[derive(Default)]
struct Board {
    /// The work of this round, until it is complete.
    job: Option<Job>,
    /// Threads that may do it.
    threads: usize,
    /// By their numbers, helpers that sleep.
    asleep: Vec<Option<Thread>>,
}

impl Team {
    /// A helper for each processor but this one, or as many as the system allows.
    fn start() -> &'static Self {
        let team: &Team = Box::leak(Box::default());
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        team.board().asleep = vec![None; processors];
        for number in 1..processors {
            let thread = std::thread::Builder::new().name(format!("nn helper {number}"));
            if thread.spawn(move || team.help(number)).is_err() {
                break;
            }
        }
        team
    }

    fn board(&self) -> MutexGuard<'_, Board> {
        // Nobody panics while it is locked.
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lead(&self, threads: usize, work: &(dyn Fn(usize) + Sync)) {
        // SAFETY: only the lifetime changes. Helpers take the job from the board while they hold its lock, and count as
        // busy before they let go of it; `Closing` takes the job away under the same lock, and waits until none is busy,
        // before this function returns or unwinds. So nobody has the reference afterwards.
        let job = unsafe { std::mem::transmute::<&(dyn Fn(usize) + Sync), Job>(work) };
        let closing = Closing(self);
        {
            let mut board = self.board();
            (board.job, board.threads) = (Some(job), threads);
            self.round.fetch_add(1, Ordering::Relaxed);
            board.asleep.iter_mut().take(threads).filter_map(Option::take).for_each(|thread| thread.unpark());
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
            let board = self.board();
            seen = self.round.load(Ordering::Relaxed);
            let (job, threads) = (board.job, board.threads);
            let Some(job) = job.filter(|_| number < threads) else { continue };
            self.busy.fetch_add(1, Ordering::Relaxed);
            drop(board);
            if catch_unwind(AssertUnwindSafe(|| job(number))).is_err() {
                self.panicked.store(true, Ordering::Relaxed);
            }
            self.busy.fetch_sub(1, Ordering::Release);
        }
    }

    /// Waits for another round than this one.
    fn wait(&self, number: usize, seen: usize) {
        let since = Instant::now();
        while since.elapsed() < LINGER {
            for _ in 0..64 {
                if self.round.load(Ordering::Relaxed) != seen {
                    return;
                }
                std::hint::spin_loop();
            }
        }
        loop {
            let mut board = self.board();
            if self.round.load(Ordering::Relaxed) != seen && number < board.threads {
                return;
            }
            board.asleep[number] = Some(std::thread::current());
            drop(board);
            std::thread::park();
        }
    }
}

/// Ends a round.
struct Closing<'a>(&'a Team);

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        self.0.board().job = None;
        let mut looks = 0_u32;
        while self.0.busy.load(Ordering::Acquire) > 0 {
            looks += 1;
            // Whoever is still at work may need this processor.
            if looks.is_multiple_of(1024) { std::thread::yield_now() } else { std::hint::spin_loop() }
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
        if team.board().asleep.len() < 2 {
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
