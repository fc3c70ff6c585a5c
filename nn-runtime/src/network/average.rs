//! The running average of the parameters, where the optimizer keeps one: `optimizer adam(ema = 0.999)`.

use super::Net;
use crate::error::{Error, Result};

impl Net {
    /// Puts the averaged parameters in the place of the current ones, which it gives: for those who look at the network, until
    /// [`Net::end_ema`]. Buffers (running statistics) stay, as in PyTorch's `AveragedModel`.
    ///
    /// # Errors
    /// If the optimizer keeps no average, or if the device fails.
    pub fn begin_ema(&mut self) -> Result<Vec<f32>> {
        let (parameters, states) = (self.backend.parameters()?, self.backend.states()?);
        let Some(average) = self.program.ema.and_then(|number| states.get(number)) else {
            let network = self.program.name;
            let example = "optimizer adam(ema = 0.999)";
            return Err(Error::Option(format!(
                "the optimizer of `{network}` keeps no average: declare one, `{example}`"
            )));
        };
        let trained = self.program.trained_floats;
        let mut averaged = parameters.clone();
        averaged[..trained].copy_from_slice(&average[..trained]);
        self.backend.set_parameters(&averaged)?;
        Ok(parameters)
    }

    /// Puts back what [`Net::begin_ema`] gave.
    ///
    /// # Errors
    /// If the device fails.
    pub fn end_ema(&mut self, parameters: &[f32]) -> Result<()> {
        self.backend.set_parameters(parameters)
    }

    /// The optimizer's vectors before the first step. The average of parameters is they themselves, also where nothing trains them.
    pub(super) fn first_states(&self, parameters: &[f32]) -> Vec<Vec<f32>> {
        let floats = self.program.parameter_floats;
        let mut states: Vec<Vec<f32>> = self.program.states.iter().map(|&start| vec![start; floats]).collect();
        if let Some(average) = self.program.ema.and_then(|number| states.get_mut(number)) {
            average.copy_from_slice(parameters);
        }
        states
    }
}
