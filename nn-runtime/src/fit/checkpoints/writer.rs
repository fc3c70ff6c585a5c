//! Writing checkpoints beside the training.

use std::panic::resume_unwind;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use crate::checkpoint::{self, Store};
use crate::error::Result;
use crate::network::State;
use crate::program::Program;

/// A checkpoint that is to be written.
pub(super) struct Job {
    pub(super) program: &'static Program,
    /// A copy, so that training can go on.
    pub(super) state: State,
    pub(super) store: Store,
    /// Whether it is the best one, too.
    pub(super) is_best: bool,
    /// How many stay.
    pub(super) keep: usize,
}

impl Job {
    fn path(&self) -> PathBuf {
        self.store.path(self.state.steps)
    }

    /// The best one first: the numbered one says that all of it is done.
    fn write(&self) -> Result<()> {
        if self.is_best {
            checkpoint::write_state(self.program, &self.state, &self.store.best())?;
        }
        let path = self.path();
        checkpoint::write_state(self.program, &self.state, &path)?;
        self.store.rotate(self.state.steps, self.keep)?;
        log::debug!("saved {}", path.display());
        Ok(())
    }
}

/// Writes one checkpoint at a time, on a thread; where there are no threads, at once. Whoever drops it waits for the last one.
#[derive(Debug, Default)]
pub(super) struct Writer(Option<JoinHandle<Result<()>>>);

impl Writer {
    /// Begins to write, as soon as the one before is written. Gives where.
    ///
    /// # Errors
    /// If the one before could not be written.
    pub(super) fn begin(&mut self, job: Job) -> Result<PathBuf> {
        self.wait()?;
        let (path, job) = (job.path(), Arc::new(job));
        let theirs = Arc::clone(&job);
        match thread::Builder::new().name("nn-checkpoint".into()).spawn(move || theirs.write()) {
            Ok(thread) => self.0 = Some(thread),
            Err(_) => job.write()?,
        }
        Ok(path)
    }

    /// Waits until everything is written.
    ///
    /// # Errors
    /// If it could not be.
    pub(super) fn wait(&mut self) -> Result<()> {
        match self.0.take() {
            Some(thread) => thread.join().unwrap_or_else(|panic| resume_unwind(panic)),
            None => Ok(()),
        }
    }

    /// Says what has gone wrong, if it is known already.
    pub(super) fn look(&mut self) -> Result<()> {
        if self.0.as_ref().is_some_and(JoinHandle::is_finished) { self.wait() } else { Ok(()) }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        let Some(thread) = self.0.take() else { return };
        // The run has ended with another error, which is the one that counts.
        match thread.join() {
            Ok(Err(error)) => log::error!("a checkpoint could not be written: {error}"),
            Ok(Ok(())) => {}
            Err(_) => log::error!("a checkpoint could not be written: its thread panicked"),
        }
    }
}
