//! What kernels take for themselves beside the memory that the plan gives to tensors.

use super::{Net, check_count};
use crate::error::Result;

impl Net {
    /// Bytes that the kernels of a training step over so many samples take for themselves on this network's device, beside what
    /// [`memory`](super::memory) counts: on the CPU, packed panels, transformed tiles and sums of pieces, for as many threads as there are;
    /// on a GPU nothing. Of a network that declares nothing to train, those of its gradients, or else of a prediction.
    ///
    /// Nothing is computed: the step is rehearsed. Networks share this memory if they are used from the same thread.
    ///
    /// # Errors
    /// If there is no memory for a batch of this size.
    pub fn scratch(&self, batch: usize) -> Result<usize> {
        check_count(batch)?;
        let program = self.program;
        let training = program.train.as_ref().or(program.gradients.as_ref());
        self.backend.scratch(training.unwrap_or(&program.predict), batch)
    }
}
