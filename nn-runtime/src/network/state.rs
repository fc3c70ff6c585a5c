//! Training at one moment, taken into memory and put back: what checkpoints write, and what restoring the best weights needs.
//!
//! Everything random is a hash of seed, epoch, step and place, so that numbers are all there is to keep: no generator's state.

use std::collections::BTreeMap;

use super::{Kept, Net};
use crate::error::Result;

/// Where the last run of `fit` stands. A network that no `fit` has trained is at the beginning of one that asks for nothing.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Position {
    /// [`Net`]'s epochs when the run began: its epochs are counted from there.
    pub first_epoch: u64,
    /// Steps of the current epoch that have ended.
    pub steps: u64,
    /// Their results, one after another: the epoch's report will need them.
    pub results: Vec<f32>,
    /// The options that decide about bits, by name: who goes on must choose the same (`batch_size`, `samples`, …).
    pub conditions: BTreeMap<String, String>,
    /// What callbacks know, by their names.
    pub memories: BTreeMap<String, Memory>,
}

/// What a callback has to know to go on in a run that another process began.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Memory {
    /// In words that it reads itself; floats printed by `{:?}` come back with the same bits.
    pub text: String,
    /// And in numbers, such as the best weights so far.
    pub vectors: Vec<Vec<f32>>,
}

/// A network in training: [`Net::state`] takes it, [`Net::restore`] puts it back.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct State {
    pub seed: u64,
    /// Training steps so far.
    pub steps: u64,
    /// Updates by the optimizer so far.
    pub updates: u64,
    /// Epochs of `fit` so far.
    pub epochs: u64,
    pub learning_rate: f32,
    pub position: Position,
    /// What is remembered from batch to batch.
    pub kept: Kept,
    /// For each parameter, whether training leaves it as it is.
    pub frozen: Vec<bool>,
    /// The vector of all parameters.
    pub parameters: Vec<f32>,
    /// The optimizer's vectors.
    pub states: Vec<Vec<f32>>,
}

impl Net {
    /// Copies everything that training has changed.
    pub(crate) fn state(&self) -> Result<State> {
        Ok(State {
            seed: self.seed,
            steps: self.steps,
            updates: self.updates,
            epochs: self.epochs,
            learning_rate: self.learning_rate,
            position: self.position.clone(),
            kept: self.kept().clone(),
            frozen: self.frozen.clone(),
            parameters: self.backend.parameters()?,
            states: self.backend.states()?,
        })
    }

    /// Puts the network back to where it was, or to where another of the same program was.
    pub(crate) fn restore(&mut self, state: State) -> Result<()> {
        let State { seed, steps, updates, epochs, learning_rate, position, kept, frozen, parameters, states } = state;
        self.backend.set_parameters(&parameters)?;
        self.backend.set_states(&states)?;
        self.set_frozen(frozen)?;
        (self.seed, self.steps, self.updates, self.epochs) = (seed, steps, updates, epochs);
        (self.learning_rate, self.position) = (learning_rate, position);
        *self.kept_mut() = kept;
        Ok(())
    }
}
