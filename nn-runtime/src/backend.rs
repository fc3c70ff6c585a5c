//! What a device does for a network: keep its parameters, and play its schedules over data.
//!
//! Everything above this line (data, fit, metrics, checkpoints) is the same for every device; everything below is one
//! device's business. There are two: `cpu::player` and `gpu::player`.

use std::fmt::Debug;
use std::ops::{ControlFlow, Range};

use crate::error::Result;
use crate::profile::{KernelRun, TrainKernels};
use crate::program::{Schedule, StepUniform};

/// A network's memory on one device, and the player of its schedules.
///
/// What a network keeps from run to run is its caller's: programs get it as `kept`, laid out as [`Program::kept`](crate::program::Program)
/// says for the batch of the steps, which all have the same, and leave there what the next run is to find. Networks that
/// keep nothing have none of it.
///
/// A new one has the optimizer's first states already; its parameters are 0. Programs that change nothing take `&self` and may run from many threads at once.
pub(crate) trait Backend: Debug + Send + Sync {
    /// Lets `draw` make the vector of all parameters, which holds zeros: what a new network begins with. On the CPU nothing is copied.
    fn draw_parameters(&mut self, draw: &dyn Fn(&mut [f32])) -> Result<()>;
    /// Copies the vector of all parameters to the device.
    fn set_parameters(&mut self, values: &[f32]) -> Result<()>;
    /// Copies the vector of all parameters from the device.
    fn parameters(&self) -> Result<Vec<f32>>;
    /// Copies the optimizer's state vectors to the device.
    fn set_states(&mut self, values: &[Vec<f32>]) -> Result<()>;
    /// Copies the optimizer's state vectors from the device.
    fn states(&self) -> Result<Vec<Vec<f32>>>;
    /// [`Backend::parameters`] and [`Backend::states`] into vectors that are there.
    fn read_into(&self, parameters: &mut Vec<f32>, states: &mut Vec<Vec<f32>>) -> Result<()> {
        (*parameters, *states) = (self.parameters()?, self.states()?);
        Ok(())
    }
    /// Chooses which ranges of the vectors training leaves as they are: parameters, buffers and states. They begin and end at multiples
    /// of 4, ascend, and lie apart.
    fn set_frozen(&mut self, ranges: Vec<Range<usize>>) -> Result<()>;

    /// Chooses whether training looks for numbers that are not finite: whenever some steps have ended, in all parameters, in the
    /// optimizer's states, and on GPUs in those steps' losses, too (which `progress` hears of on the CPU). Where one is found, no
    /// further step begins, as if `progress` had broken. So rarely that no step is slower for it, and without a readback of more than a flag.
    fn watch(&mut self, watched: bool);
    /// Whether all parameters and the optimizer's states are finite.
    fn is_finite(&self) -> Result<bool>;
    /// Notes parameters and states, on the device.
    fn note(&mut self) -> Result<()>;
    /// Puts back what [`Backend::note`] has noted, if anything.
    fn recall(&mut self) -> Result<()>;

    /// Brings a data set to the device, in whole where it fits, so that steps can gather their batches from it.
    fn upload<'a>(&self, data: Columns<'a>) -> Result<Resident<'a>>;

    /// Plays the training schedule once for each step; nothing is read back in between. Appends each step's results
    /// (`result_floats` numbers) to `results`. `progress` hears, now and then, how many of the steps have ended, and their
    /// results as far as they are known (all of them on the CPU, none before the end on the GPU). Where it breaks, nothing begins
    /// any more but what has been handed to the device. Steps that are parts of one update ([`StepUniform::part`]) may come in several
    /// calls; the optimizer comes behind the last of them. Gives how many steps have been done, in order: those and no others
    /// have changed the parameters and left results.
    fn train(
        &mut self,
        steps: Steps<'_>,
        kept: &mut [f32],
        results: &mut Vec<f32>,
        progress: Progress<'_>,
    ) -> Result<usize>;
    /// Plays the training schedule once for each step, and times its kernels. On the CPU, `kernels` are their functions.
    fn profile(&mut self, steps: Steps<'_>, kept: &mut [f32], kernels: TrainKernels) -> Result<Vec<KernelRun>>;
    /// Plays the evaluation schedule once for each step and appends each step's results.
    fn evaluate(&self, steps: Steps<'_>, kept: &mut [f32], results: &mut Vec<f32>) -> Result<()>;
    /// Plays the prediction schedule; samples in order, cut into chunks. Gives one vector for each output.
    fn predict(&self, data: Columns<'_>, step: StepUniform, kept: &mut [f32]) -> Result<Vec<Vec<f32>>>;
    /// [`Backend::predict`] into vectors that are there, of inputs as slices.
    fn predict_into(
        &self,
        fields: &[&[f32]],
        samples: usize,
        step: StepUniform,
        kept: &mut [f32],
        outputs: &mut [&mut [f32]],
    ) -> Result<()> {
        let values = self.predict(Columns { fields: fields.to_vec(), samples }, step, kept)?;
        outputs.iter_mut().zip(&values).for_each(|(output, values)| output.copy_from_slice(values));
        Ok(())
    }
    /// Plays the prediction schedule on one batch, of inputs as slices; behind the first step, what is kept is what the step before has left, and
    /// lies where it left it. For a backend that does nothing else, and always with the same batch.
    fn step(&mut self, fields: &[&[f32]], step: StepUniform, is_first: bool, outputs: &mut [&mut [f32]]) -> Result<()>;
    /// Bytes that a schedule's kernels take for themselves, beside the plan's memory, while they compute a batch of this size.
    fn scratch(&self, schedule: &Schedule, batch: usize) -> Result<usize> {
        let _ = (schedule, batch);
        Ok(0)
    }
    /// Plays the gradients schedule on one batch: all samples of `data`. What is kept stays as it is.
    fn gradients(&self, data: Columns<'_>, step: StepUniform, kept: &[f32]) -> Result<Gradients>;
}

/// Hears how many steps of a run have ended, and the results of the first of them, as far as they are known. Says whether to go on.
pub(crate) type Progress<'a> = &'a mut dyn FnMut(usize, &[f32]) -> ControlFlow<()>;

/// A [`Progress`] that lets everything go on.
pub(crate) fn unheard(_: usize, _: &[f32]) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

/// Data of a network on the host: one slice for each field (inputs, then targets; or only inputs), row-major,
/// class indices as whole f32 numbers.
#[derive(Debug, Clone)]
pub(crate) struct Columns<'a> {
    /// One slice for each field.
    pub fields: Vec<&'a [f32]>,
    /// How many samples each of them holds.
    pub samples: usize,
}

/// Data that steps can gather their batches from.
#[derive(Debug)]
pub(crate) enum Resident<'a> {
    /// On the host: the CPU's way.
    Host(Columns<'a>),
    /// On the GPU, or on its way there.
    #[cfg(feature = "gpu")]
    Gpu(crate::gpu::DataSet<'a>),
}

/// A run of steps over a data set.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Steps<'a> {
    /// Where samples come from.
    pub data: &'a Resident<'a>,
    /// The samples' numbers, all batches one after another.
    pub order: &'a [u32],
    /// One entry for each step; its `batch` says how many of `order` it takes. The backend fills in `capacity` and
    /// `result`; everything else stands.
    pub steps: &'a [StepUniform],
}

/// What the gradients schedule leaves behind.
#[derive(Debug, Clone, Default)]
pub(crate) struct Gradients {
    /// The mean loss.
    pub loss: f32,
    /// With respect to all parameters, in their common layout.
    pub parameters: Vec<f32>,
    /// With respect to fields: the field's number, and one number for each of its elements.
    pub fields: Vec<(usize, Vec<f32>)>,
}
