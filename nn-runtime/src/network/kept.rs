//! What a network remembers from one run to the next: the states of its stateful layers.
//!
//! They belong to places of the batch: sample `i` of a batch goes on where sample `i` of the batch before has ended. So all batches
//! between two resets have the same size.

use std::sync::{MutexGuard, PoisonError};

use super::{Net, unknown};
use crate::backend::{Progress, Steps};
use crate::error::{Error, Result};
use crate::program::{Program, StepUniform};

/// What is kept of each sample of a batch. Nothing yet means zeros.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Kept {
    /// How many samples; 0 until the first run.
    pub batch: usize,
    /// Laid out as [`Program::kept`] says.
    pub values: Vec<f32>,
}

impl Kept {
    /// For a run on batches of this size. Nothing, where the program keeps nothing.
    ///
    /// # Errors
    /// If there are states of another number of samples.
    pub(crate) fn of(&mut self, program: &Program, batch: usize) -> Result<&mut [f32]> {
        if program.kept.is_empty() {
            return Ok(&mut []);
        }
        if self.batch == 0 {
            self.batch = batch;
            self.values.resize(program.kept_floats() * batch, 0.0);
        }
        if self.batch != batch {
            return Err(Error::Data(format!(
                "`{}` goes on where the batch before ended, which had {} samples; this one has {batch}, but all batches need the same \
                 number until `reset_states()`, which begins anew",
                program.name, self.batch
            )));
        }
        Ok(&mut self.values)
    }

    /// For runs of these steps.
    ///
    /// # Errors
    /// If they have different numbers of samples, or others than there are states of.
    pub(crate) fn of_all(&mut self, program: &Program, steps: &[StepUniform]) -> Result<&mut [f32]> {
        let Some(first) = steps.first().filter(|_| !program.kept.is_empty()) else { return Ok(&mut []) };
        for step in steps {
            self.of(program, step.batch as usize)?;
        }
        self.of(program, first.batch as usize)
    }

    /// Forgets everything.
    pub(crate) fn reset(&mut self) {
        *self = Kept::default();
    }
}

impl Net {
    /// Whether it remembers anything from run to run.
    pub(crate) fn is_stateful(&self) -> bool {
        !self.program.kept.is_empty()
    }

    /// What it remembers, for programs that take `&self`: who comes second waits.
    pub(crate) fn kept(&self) -> MutexGuard<'_, Kept> {
        // A poisoned lock is no harm: the numbers are always whole.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What it remembers, for programs that have it alone.
    pub(crate) fn kept_mut(&mut self) -> &mut Kept {
        self.kept.get_mut().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs a program on a batch of this size with what the network remembers. Networks that remember nothing wait for nobody.
    pub(crate) fn with_kept<T>(&self, batch: usize, run: impl FnOnce(&mut [f32]) -> Result<T>) -> Result<T> {
        if !self.is_stateful() {
            return run(&mut []);
        }
        let mut kept = self.kept();
        let is_first = kept.batch == 0;
        let result = kept.of(self.program, batch).and_then(run);
        if is_first && result.is_err() {
            kept.reset();
        }
        result
    }

    /// Training steps, each of which goes on where the one before has ended.
    pub(crate) fn train_steps(
        &mut self,
        steps: Steps<'_>,
        results: &mut Vec<f32>,
        progress: Progress<'_>,
    ) -> Result<usize> {
        let Net { program, kept, backend, .. } = self;
        let kept = kept.get_mut().unwrap_or_else(PoisonError::into_inner);
        let is_first = kept.batch == 0;
        let trained = kept.of_all(program, steps.steps).and_then(|kept| backend.train(steps, kept, results, progress));
        if is_first && trained.is_err() {
            kept.reset();
        }
        trained
    }

    /// Brings all states back to zeros: the next batch is the first one of new sequences, and may have another size. A network
    /// without stateful layers has nothing to forget.
    pub fn reset_states(&mut self) {
        self.kept_mut().reset();
    }

    /// The names and shapes of the states that go on from batch to batch, in order of declaration: `body.lstm.h`.
    pub fn kept_states(&self) -> impl ExactSizeIterator<Item = (&'static str, &'static [usize])> + use<> {
        self.program.kept.iter().map(|kept| (kept.name, kept.dims))
    }

    /// Such a state as the last batch has left it, a row for each sample; empty behind a reset.
    ///
    /// # Errors
    /// If there is no such state.
    pub fn kept_state(&self, name: &str) -> Result<Vec<f32>> {
        let Some(tensor) = self.program.kept.iter().find(|kept| kept.name == name) else {
            return Err(unknown(self.program, "state", name, self.program.kept.iter().map(|kept| kept.name)));
        };
        let kept = self.kept();
        let start = kept.batch * tensor.offset;
        Ok(kept.values.get(start..start + kept.batch * tensor.size()).unwrap_or_default().to_vec())
    }
}
