//! Reading ahead: threads that fill portions of data while the one before them is being trained on, in bounded memory.
//!
//! Portions are numbered, and handed over in that order. A thread takes the next number as soon as there is a buffer for
//! it, so the number of buffers bounds the memory, and what is read does not depend on the number of threads.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use crate::backend::Columns;
use crate::error::{Error, Result};

/// Samples that are trained on together: all numbers of each field.
#[derive(Debug, Default)]
pub(crate) struct Portion {
    pub(crate) samples: usize,
    pub(crate) fields: Vec<Vec<f32>>,
}

impl Portion {
    /// Borrowed.
    pub(crate) fn columns(&self) -> Columns<'_> {
        Columns { fields: self.fields.iter().map(Vec::as_slice).collect(), samples: self.samples }
    }
}

/// Fills the portion of this number.
pub(crate) type Fill<'a> = dyn Fn(usize, &mut Portion) -> Result<()> + Sync + 'a;

/// Hands over portions in order.
pub(crate) struct Ahead<'a> {
    work: &'a Work<'a>,
    /// The portion that is being used.
    current: Option<Portion>,
    /// Without threads, portions are read when they are asked for.
    threads: usize,
}

/// What threads share.
struct Work<'a> {
    fill: &'a Fill<'a>,
    portions: usize,
    state: Mutex<State>,
    /// Buffers that there can be: one in use, one ready, and one for each thread.
    buffers: usize,
    /// A buffer is free, or it is over.
    free: Condvar,
    /// A portion is ready.
    ready: Condvar,
}

#[derive(Default)]
struct State {
    /// Portions that threads have taken.
    taken: usize,
    /// Portions that have been handed over.
    handed: usize,
    /// Portions that have been read and wait.
    ready: BTreeMap<usize, Result<Portion>>,
    /// Buffers that wait.
    free: Vec<Portion>,
    /// Buffers in use: being filled, ready, or handed over.
    used: usize,
    /// Nobody wants any more.
    over: bool,
    /// A thread has panicked.
    panicked: bool,
}

/// Runs `body` with portions `0..portions`, read by so many threads.
pub(crate) fn ahead<R>(portions: usize, threads: usize, fill: &Fill<'_>, body: impl FnOnce(&mut Ahead<'_>) -> R) -> R {
    let work = Work {
        fill,
        portions,
        state: Mutex::default(),
        buffers: threads.saturating_add(2),
        free: Condvar::new(),
        ready: Condvar::new(),
    };
    thread::scope(|scope| {
        let _over = Over(&work);
        let start = || thread::Builder::new().name("nn data".into()).spawn_scoped(scope, || work.run());
        let threads = (0..threads.min(portions)).map_while(|_| start().ok()).count();
        body(&mut Ahead { work: &work, current: None, threads })
    })
}

impl Ahead<'_> {
    /// The next portion; the one before is not needed any more.
    ///
    /// # Errors
    /// If reading it fails, or if there is none.
    pub(crate) fn next(&mut self) -> Result<&Portion> {
        let mut state = self.work.lock();
        if let Some(portion) = self.current.take() {
            state.free.push(portion);
            state.used -= 1;
            self.work.free.notify_one();
        }
        let number = state.handed;
        if number >= self.work.portions {
            return Err(Error::Data("there is no more data".into()));
        }
        state.handed += 1;
        let portion = if self.threads == 0 {
            let mut portion = state.free.pop().unwrap_or_default();
            state.used += 1;
            drop(state);
            (self.work.fill)(number, &mut portion)?;
            portion
        } else {
            loop {
                if let Some(portion) = state.ready.remove(&number) {
                    break portion?;
                }
                if state.panicked {
                    return Err(Error::Data("reading the data panicked".into()));
                }
                state = self.work.ready.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
        };
        Ok(self.current.insert(portion))
    }
}

impl Work<'_> {
    /// Nothing that the lock guards can be left half-done.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What each thread does.
    fn run(&self) {
        let panicked = Panicked(self);
        while let Some((number, mut portion)) = self.take() {
            let read = (self.fill)(number, &mut portion).map(|()| portion);
            self.lock().ready.insert(number, read);
            self.ready.notify_one();
        }
        std::mem::forget(panicked);
    }

    /// The next portion's number, and a buffer for it.
    fn take(&self) -> Option<(usize, Portion)> {
        let mut state = self.lock();
        loop {
            if state.over || state.taken >= self.portions {
                return None;
            }
            if state.used < self.buffers {
                let number = state.taken;
                state.taken += 1;
                state.used += 1;
                return Some((number, state.free.pop().unwrap_or_default()));
            }
            state = self.free.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// Ends the threads, however `body` ends.
struct Over<'a>(&'a Work<'a>);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.lock().over = true;
        self.0.free.notify_all();
    }
}

/// Tells the one who waits that a thread will never be ready.
struct Panicked<'a>(&'a Work<'a>);

impl Drop for Panicked<'_> {
    fn drop(&mut self) {
        self.0.lock().panicked = true;
        self.0.ready.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
    use std::time::{Duration, Instant};

    use super::*;

    fn write(number: usize, portion: &mut Portion) {
        *portion = Portion { samples: 1, fields: vec![vec![number as f32]] };
    }

    /// Waits until it is so; fails after ten seconds.
    fn until(so: impl Fn() -> bool) {
        let start = Instant::now();
        while !so() {
            assert!(start.elapsed() < Duration::from_secs(10), "it is never so");
            thread::sleep(Duration::from_millis(1));
        }
    }

    #[test]
    fn portions_come_in_order_whatever_the_number_of_threads() {
        for threads in [0, 1, 2, 7] {
            let fill = |number: usize, portion: &mut Portion| {
                // Late ones overtake.
                thread::sleep(Duration::from_micros((number as u64 * 37) % 300));
                write(number, portion);
                Ok(())
            };
            let read = ahead(100, threads, &fill, |ahead| {
                let read: Vec<f32> = (0..100).map(|_| ahead.next().unwrap().fields[0][0]).collect();
                assert!(ahead.next().is_err());
                read
            });
            assert!(read.iter().copied().eq((0..100).map(|i| i as f32)), "{threads}");
        }
    }

    #[test]
    fn portions_are_read_while_one_is_used_and_no_more_than_there_are_buffers() {
        let (filled, threads) = (AtomicUsize::new(0), 3);
        let fill = |number: usize, portion: &mut Portion| {
            write(number, portion);
            filled.fetch_add(1, SeqCst);
            Ok(())
        };
        ahead(100, threads, &fill, |ahead| {
            for used in 1..=90 {
                ahead.next().unwrap();
                // While this one is used, the others are read: all buffers fill up without being asked for.
                until(|| filled.load(SeqCst) == used - 1 + threads + 2);
            }
            thread::sleep(Duration::from_millis(20));
            assert_eq!(filled.load(SeqCst), 89 + threads + 2);
            let state = ahead.work.lock();
            assert_eq!(state.used + state.free.len(), threads + 2);
        });
    }

    #[test]
    fn an_error_comes_in_its_place_and_ends_the_threads() {
        for threads in [0, 1, 4] {
            let fill = |number: usize, portion: &mut Portion| match number {
                5 => Err(Error::Data("the fifth".into())),
                _ => {
                    write(number, portion);
                    Ok(())
                }
            };
            ahead(1000, threads, &fill, |ahead| {
                for number in 0..5 {
                    assert_eq!(ahead.next().unwrap().fields[0], [number as f32]);
                }
                assert_eq!(ahead.next().unwrap_err().to_string(), "the fifth");
            });
        }
    }

    #[test]
    fn a_panic_in_a_source_is_passed_on() {
        let fill = |number: usize, portion: &mut Portion| {
            assert!(number != 3, "as asked for");
            write(number, portion);
            Ok(())
        };
        let run = || ahead(10, 1, &fill, |ahead| (0..10).try_for_each(|_| ahead.next().map(|_| ())));
        assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)).is_err());
    }
}
