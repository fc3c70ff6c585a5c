//! One batch at a time, for those who write the loop themselves.

use super::{Net, check_batch, check_count};
use crate::backend::{Columns, Steps};
use crate::data::DataSet;
use crate::error::Result;
use crate::metrics::{Combined, Measured};

impl Net {
    /// The loss over all samples of the data as one batch, then each metric, as in inference.
    ///
    /// # Errors
    /// If there are no samples, or if the device fails.
    pub fn evaluate_batch(&self, data: &DataSet) -> Result<Measured> {
        self.schedule(&self.program.evaluate, "evaluate")?;
        let data = data.columns();
        let batch = check_batch(&data)?;
        let order: Vec<u32> = (0..batch as u32).collect();
        let resident = self.backend.upload(data)?;
        let mut results = Vec::new();
        let steps = Steps { data: &resident, order: &order, steps: &[self.step(batch, 0, 0)] };
        self.with_kept(batch, |kept| self.backend.evaluate(steps, kept, &mut results))?;
        let mut combined = Combined::new(self.program);
        combined.add(batch, &results);
        Ok(combined.values())
    }

    /// Each output for the samples of the data, row-major: [`Net::predict`] of its inputs.
    ///
    /// # Errors
    /// If the device fails.
    pub fn forward(&self, data: &DataSet) -> Result<Vec<Vec<f32>>> {
        let Columns { mut fields, samples } = data.columns();
        if samples == 0 {
            return Ok(vec![Vec::new(); self.program.outputs.len()]);
        }
        check_count(samples)?;
        fields.truncate(self.program.inputs);
        let step = self.step(samples, 0, 0);
        self.with_kept(samples, |kept| self.backend.predict(Columns { fields, samples }, step, kept))
    }
}
