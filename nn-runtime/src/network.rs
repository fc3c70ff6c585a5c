//! The core behind every generated type. Nothing here is generic, so that a user's crate compiles little of it.

mod average;
mod batch;
mod frozen;
mod gradients;
mod kept;
mod scratch;
mod state;
mod stepwise;

use std::borrow::Cow;
use std::fmt;
use std::sync::Mutex;

use crate::backend::{self, Backend, Columns, Steps};
use crate::checkpoint;
use crate::data::{DataSet, Input, Passes, Stream, ahead};
use crate::device::Device;
use crate::error::{Error, Result};
use crate::fit::{BatchSource, Clock, Data, workers};
use crate::init;
use crate::metrics::{Combined, Measured};
use crate::program::{Parameter, Program, Schedule, StepScalar, StepUniform};

pub use gradients::Gradients;
pub(crate) use kept::Kept;
pub use state::Memory;
pub(crate) use state::{Position, State};
pub use stepwise::{StepProgram, Stepwise};

/// A network on a device: its weights, its optimizer's state, and where its training stands.
pub struct Net {
    pub(crate) program: &'static Program,
    pub(crate) backend: Box<dyn Backend>,
    pub(crate) seed: u64,
    pub(crate) learning_rate: f32,
    /// Training steps so far.
    pub(crate) steps: u64,
    /// Updates by the optimizer so far: fewer than steps where the gradients of several steps make one update.
    pub(crate) updates: u64,
    /// Epochs of `fit` so far; with the seed, the key of their shuffling.
    pub(crate) epochs: u64,
    /// What is remembered from run to run.
    kept: Mutex<Kept>,
    /// Where the last run of `fit` stands.
    pub(crate) position: Position,
    /// For each parameter, whether training leaves it as it is.
    frozen: Vec<bool>,
    device: Device,
}

/// Says whether somebody wants an evaluation to end, where anybody may.
pub(crate) type Stops<'a> = Option<&'a dyn Fn() -> bool>;

/// A parameter's name and shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParameterInfo {
    /// Its path: `stem.conv2d.weight`.
    pub name: &'static str,
    /// Its dimensions, in PyTorch's layout.
    pub dims: &'static [usize],
}

impl Net {
    /// A new network: its parameters are drawn from the seed.
    ///
    /// # Errors
    /// If the network does not fit the device.
    pub fn new(device: &Device, program: &'static Program, seed: u64) -> Result<Self> {
        let mut backend = device.backend(program)?;
        backend.draw_parameters(&|values| init::parameters(program, seed, values))?;
        let mut net = Net {
            program,
            backend,
            seed,
            learning_rate: program.learning_rate.unwrap_or_default(),
            steps: 0,
            updates: 0,
            epochs: 0,
            kept: Mutex::default(),
            position: Position::default(),
            frozen: vec![false; program.parameters.len()],
            device: device.clone(),
        };
        if program.ema.is_some() {
            let mut parameters = vec![0.0; program.parameter_floats];
            init::parameters(program, seed, &mut parameters);
            net.backend.set_states(&net.first_states(&parameters))?;
        }
        log::debug!("`{}` with {} parameter floats on {device:?}", program.name, program.parameter_floats);
        Ok(net)
    }

    /// Starts training over from these parameters.
    pub(crate) fn restart(&mut self, parameters: &[f32]) -> Result<()> {
        let mut parameters = Cow::Borrowed(parameters);
        if !self.program.control.is_empty() {
            init::control(self.program, parameters.to_mut());
        }
        self.backend.set_parameters(&parameters)?;
        if !self.program.states.is_empty() {
            self.backend.set_states(&self.first_states(&parameters))?;
        }
        (self.steps, self.updates, self.epochs, self.position) = (0, 0, 0, Position::default());
        self.reset_states();
        Ok(())
    }

    /// What it plays.
    pub fn program(&self) -> &'static Program {
        self.program
    }

    /// Where it lives.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// The seed it was made with, or that `fit` was given.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Training steps so far.
    pub fn steps(&self) -> u64 {
        self.steps
    }

    /// The learning rate of the next step.
    pub fn learning_rate(&self) -> f32 {
        self.learning_rate
    }

    /// Sets the learning rate of all steps to come; nothing is rebuilt.
    ///
    /// # Errors
    /// If it is negative, infinite or no number.
    pub fn set_learning_rate(&mut self, rate: f32) -> Result<()> {
        if !rate.is_finite() || rate < 0.0 {
            return Err(Error::Option(format!("the learning rate is {rate}, but it must be at least 0 and finite")));
        }
        self.learning_rate = rate;
        Ok(())
    }

    /// Updates by the optimizer so far: as many as [`Net::steps`], or fewer where the gradients of several batches made one update
    /// ([`Fit::accumulate`](crate::Fit::accumulate)).
    pub fn updates(&self) -> u64 {
        self.updates
    }

    /// The numbers of the step after `ahead` others, which makes the update after `updates` others, or a part of it.
    pub(crate) fn step(&self, batch: usize, ahead: u64, updates: u64) -> StepUniform {
        self.numbers(batch, ahead, Some(self.updates + updates))
    }

    /// The numbers of a pass that updates nothing: an optimizer's own are 0, and take no time.
    pub(crate) fn pass(&self, batch: usize) -> StepUniform {
        self.numbers(batch, 0, None)
    }

    fn numbers(&self, batch: usize, ahead: u64, update: Option<u64>) -> StepUniform {
        let mut uniform = StepUniform {
            batch: batch as u32,
            // Both halves of the seed count.
            seed: (self.seed ^ (self.seed >> 32)) as u32,
            step: (self.steps + ahead) as u32,
            ..StepUniform::default()
        };
        for (slot, scalar) in uniform.scalars.iter_mut().zip(self.program.scalars) {
            *slot = match (*scalar, update) {
                (StepScalar::InverseBatch, _) => 1.0 / batch.max(1) as f32,
                (StepScalar::LearningRate, Some(_)) => self.learning_rate,
                (StepScalar::Step, Some(update)) => (update + 1) as f32,
                (StepScalar::BiasCorrection(beta), Some(update)) => (1.0 - beta.powf((update + 1) as f64)) as f32,
                (StepScalar::Position, _) | (_, None) => 0.0,
            };
        }
        uniform
    }

    /// A schedule that not every network has.
    pub(crate) fn schedule(&self, schedule: &'static Option<Schedule>, what: &str) -> Result<&'static Schedule> {
        let missing = || Error::Option(format!("`{}` declares nothing to {what}", self.program.name));
        schedule.as_ref().ok_or_else(missing)
    }

    /// One training step on all samples of the data. Gives the loss, then each metric, as they were before the update.
    ///
    /// # Errors
    /// If there are no samples, or if the device fails.
    pub fn train_batch(&mut self, data: &DataSet) -> Result<Measured> {
        self.schedule(&self.program.train, "train")?;
        let data = data.columns();
        let batch = check_batch(&data)?;
        let order: Vec<u32> = (0..batch as u32).collect();
        let resident = self.backend.upload(data)?;
        let mut results = Vec::new();
        let steps = Steps { data: &resident, order: &order, steps: &[self.step(batch, 0, 0)] };
        self.train_steps(steps, &mut results, &mut backend::unheard)?;
        self.steps += 1;
        self.updates += 1;
        self.position = Position::default();
        let mut combined = Combined::new(self.program);
        combined.add(batch, &results);
        Ok(combined.values())
    }

    /// Training steps and nothing else, over batches of this size of the samples in this order, again from the first one where it ends: the
    /// yardstick of what `fit` costs. What they measure is thrown away.
    #[doc(hidden)]
    pub fn bare_steps(&mut self, data: &DataSet, order: &[u32], batch: usize, steps: usize) -> Result<()> {
        check_batch(&data.columns())?;
        let batches = order.len() / batch.max(1);
        if batches == 0 {
            return Err(no_samples());
        }
        let resident = self.backend.upload(data.columns())?;
        let (mut results, mut kept) = (Vec::new(), Kept::default());
        for first in (0..steps).step_by(batches.max(1)) {
            let count = batches.min(steps - first);
            let steps: Vec<StepUniform> = (0..count as u64).map(|ahead| self.step(batch, ahead, ahead)).collect();
            let order = &order[..batch * count];
            results.clear();
            let steps = Steps { data: &resident, order, steps: &steps };
            let kept = kept.of(self.program, batch)?;
            self.backend.train(steps, kept, &mut results, &mut backend::unheard)?;
            self.steps += count as u64;
            self.updates += count as u64;
        }
        Ok(())
    }

    /// The loss over the data, then each metric. States of stateful layers begin with zeros, and those that the network has stay as
    /// they are; batches are as large as the data's streams ([`DataSet::in_streams`]), or else as those of the last batch.
    ///
    /// # Errors
    /// If there are no samples, if one cannot be read, if a network with states cannot know how large batches are, or if the device fails.
    pub fn evaluate<'a>(&self, data: impl Into<Data<'a>>) -> Result<Measured> {
        let all = Option::unwrap_or_default;
        match data.into() {
            Data::Memory(set) => {
                let batch = self.evaluation_batch(set.streams())?;
                self.evaluate_resident(&self.backend.upload(set.columns())?, set.len(), batch, None).map(all)
            }
            Data::Stream(stream) => self.evaluate_stream(stream, None, self.evaluation_batch(None)?, None).map(all),
            Data::Batches(batches) => self.evaluate_batches(batches, None).map(all),
        }
    }

    /// How many samples a step of an evaluation takes.
    pub(crate) fn evaluation_batch(&self, streams: Option<usize>) -> Result<usize> {
        if !self.is_stateful() {
            return Ok(evaluation_batch(self.schedule(&self.program.evaluate, "evaluate")?));
        }
        let known = Some(self.kept().batch).filter(|&batch| batch > 0);
        streams.or(known).ok_or_else(|| {
            Error::Data(format!(
                "`{}` goes on where the batch before ended, so evaluating it takes batches of as many samples as there are streams: put \
                 the data into streams with `in_streams(n)`",
                self.program.name
            ))
        })
    }

    /// [`Net::evaluate`] over a stream, which so many threads read ahead, in batches of this size; nothing, if somebody stops it.
    pub(crate) fn evaluate_stream(
        &self,
        stream: &Stream,
        threads: Option<usize>,
        batch: usize,
        stops: Stops<'_>,
    ) -> Result<Option<Measured>> {
        self.schedule(&self.program.evaluate, "evaluate")?;
        if stream.is_empty() {
            return Err(no_samples());
        }
        check_count(stream.len())?;
        let passes = Passes::new(stream, batch, stream.len(), None);
        let fill = |number: usize, portion: &mut _| passes.fill(number, portion);
        let (mut combined, mut kept) = (Combined::new(self.program), Kept::default());
        ahead(passes.portions(), workers(threads), &fill, |ahead| {
            for _ in 0..passes.portions() {
                let portion = ahead.next()?;
                let resident = self.backend.upload(portion.columns())?;
                if !self.measure(&resident, (portion.samples, batch), &mut kept, &mut combined, stops)? {
                    return Ok(None);
                }
            }
            Ok(Some(combined.values()))
        })
    }

    /// [`Net::evaluate`] over the batches of an iterator's first epoch; nothing, if somebody stops it.
    pub(crate) fn evaluate_batches(&self, batches: &dyn BatchSource, stops: Stops<'_>) -> Result<Option<Measured>> {
        let schedule = self.schedule(&self.program.evaluate, "evaluate")?;
        let (mut combined, mut kept) = (Combined::new(self.program), Kept::default());
        let largest = evaluation_batch(schedule);
        let (mut pull, mut samples, mut whole) = (batches.pull(0), 0, true);
        for _ in 0..batches.steps() {
            let mut measure = |set: &DataSet| {
                samples += set.len();
                check_count(set.len())?;
                let batch = if self.is_stateful() { set.len() } else { largest };
                let data = self.backend.upload(set.columns())?;
                whole = self.measure(&data, (set.len(), batch), &mut kept, &mut combined, stops)?;
                Ok(())
            };
            let more = pull(&mut measure)?;
            if !more || !whole {
                break;
            }
        }
        if samples == 0 { Err(no_samples()) } else { Ok(whole.then(|| combined.values())) }
    }

    /// [`Net::evaluate`] over data that is on the device already, in batches of this size; nothing, if somebody stops it.
    pub(crate) fn evaluate_resident(
        &self,
        data: &backend::Resident<'_>,
        samples: usize,
        batch: usize,
        stops: Stops<'_>,
    ) -> Result<Option<Measured>> {
        self.schedule(&self.program.evaluate, "evaluate")?;
        if samples == 0 {
            return Err(no_samples());
        }
        check_count(samples)?;
        let mut combined = Combined::new(self.program);
        let whole = self.measure(data, (samples, batch), &mut Kept::default(), &mut combined, stops)?;
        Ok(whole.then(|| combined.values()))
    }

    /// Adds loss and metrics of so many samples, in batches of so many; says whether of all, or somebody has stopped it.
    fn measure(
        &self,
        data: &backend::Resident<'_>,
        (samples, batch): (usize, usize),
        kept: &mut Kept,
        combined: &mut Combined,
        stops: Stops<'_>,
    ) -> Result<bool> {
        let left_over = samples % batch.max(1);
        if self.is_stateful() && left_over > 0 {
            return Err(Error::Data(format!(
                "the last batch of {samples} samples has {left_over} of {batch}, but `{}` goes on where the batch before ended, so all need \
                 the same number: data of `in_streams({batch})` has whole batches",
                self.program.name
            )));
        }
        let batches: Vec<usize> = (0..samples).step_by(batch).map(|start| batch.min(samples - start)).collect();
        let steps: Vec<StepUniform> = batches.iter().map(|&batch| self.pass(batch)).collect();
        let order: Vec<u32> = (0..samples as u32).collect();
        let kept = kept.of_all(self.program, &steps)?;
        // In parts of some tenths of a second, so that who stops it need not wait.
        let mut part = if stops.is_some() { 16 } else { steps.len() };
        let (mut done, mut results) = (0, Vec::new());
        while done < steps.len() {
            if stops.is_some_and(|stops| stops()) {
                return Ok(false);
            }
            let clock = Clock::start();
            let now = done..steps.len().min(done.saturating_add(part));
            let order = &order[done * batch..samples.min(now.end * batch)];
            results.clear();
            self.backend.evaluate(Steps { data, order, steps: &steps[now.clone()] }, kept, &mut results)?;
            combined.add_all(batches[now.clone()].iter().copied(), &results);
            done = now.end;
            match clock.seconds() {
                quick if quick < 0.1 => part = part.saturating_mul(2),
                slow if slow > 0.4 => part = (part / 2).max(1),
                _ => {}
            }
        }
        Ok(true)
    }

    /// How many samples these inputs have, which come in order of declaration.
    ///
    /// # Errors
    /// If they differ in it, or if a class index is out of range.
    pub fn samples(&self, inputs: &[Input<'_>]) -> Result<usize> {
        Input::count(inputs, self.program.fields.get(..self.program.inputs).unwrap_or_default())
    }

    /// Each output for all samples, row-major. The inputs come in order of declaration.
    ///
    /// # Errors
    /// If the inputs differ in their number of samples, if a class index is out of range, or if the device fails.
    pub fn predict(&self, inputs: &[Input<'_>]) -> Result<Vec<Vec<f32>>> {
        let fields = self.program.fields.get(..self.program.inputs).unwrap_or_default();
        let data = Input::check(inputs, fields)?;
        if data.samples == 0 {
            return Ok(vec![Vec::new(); self.program.outputs.len()]);
        }
        let samples = data.samples;
        check_count(samples)?;
        let step = self.pass(samples);
        self.with_kept(samples, |kept| self.backend.predict(data, step, kept))
    }

    /// [`Net::predict`] into vectors that are there, one for each output: on the CPU, without allocating once the network has
    /// predicted as many samples before.
    ///
    /// # Errors
    /// As [`Net::predict`], and if an output has room for another number of samples.
    pub fn predict_into(&self, inputs: &[Input<'_>], outputs: &mut [&mut [f32]]) -> Result<()> {
        const FEW: usize = 8;
        let samples = self.samples(inputs)?;
        for (output, room) in self.program.outputs.iter().zip(&*outputs) {
            let width = output.dims.iter().product::<usize>();
            if room.len() != samples * width {
                return Err(Error::Data(format!(
                    "`{}` of `{}` has room for {} samples, but {samples} were given",
                    output.name,
                    self.program.name,
                    room.len() / width
                )));
            }
        }
        if samples == 0 {
            return Ok(());
        }
        check_count(samples)?;
        let step = self.pass(samples);
        let slice = |number: usize| inputs.get(number).map_or(&[][..], |input| &*input.values);
        if inputs.len() <= FEW {
            let few: [&[f32]; FEW] = std::array::from_fn(slice);
            self.with_kept(samples, |kept| {
                self.backend.predict_into(&few[..inputs.len()], samples, step, kept, outputs)
            })
        } else {
            let many: Vec<&[f32]> = (0..inputs.len()).map(slice).collect();
            self.with_kept(samples, |kept| self.backend.predict_into(&many, samples, step, kept, outputs))
        }
    }

    /// The loss over all samples of the data, and its gradients. States of stateful layers are those that the batch before has left, and
    /// stay as they are.
    ///
    /// # Errors
    /// If there are no samples, or if the device fails.
    pub fn gradients(&self, data: &DataSet) -> Result<Gradients> {
        self.schedule(&self.program.gradients, "derive")?;
        let data = data.columns();
        let batch = check_batch(&data)?;
        let mut kept = self.kept().clone();
        let values = self.backend.gradients(data, self.pass(batch), kept.of(self.program, batch)?)?;
        Ok(Gradients { program: self.program, values })
    }

    /// Names and shapes of all parameters, in order of declaration.
    pub fn parameters(&self) -> impl ExactSizeIterator<Item = ParameterInfo> + use<> {
        self.program.parameters.iter().map(|p| ParameterInfo { name: p.name, dims: p.dims })
    }

    /// A parameter's numbers, row-major.
    ///
    /// # Errors
    /// If there is no such parameter, or if the device fails.
    pub fn parameter(&self, name: &str) -> Result<Vec<f32>> {
        let parameter = find(self.program, name)?;
        Ok(checkpoint::slice(parameter, &self.backend.parameters()?).to_vec())
    }

    /// Overwrites a parameter. The optimizer's state stays.
    ///
    /// # Errors
    /// If there is no such parameter, if it has another size, or if the device fails.
    pub fn set_parameter(&mut self, name: &str, values: &[f32]) -> Result<()> {
        let parameter = find(self.program, name)?;
        let size = parameter.dims.iter().product::<usize>();
        if values.len() != size {
            return Err(Error::Data(format!(
                "`{name}` of `{}` has shape {:?}, which is {size} numbers, but {} were given",
                self.program.name,
                parameter.dims,
                values.len()
            )));
        }
        let mut all = self.backend.parameters()?;
        if let Some(part) = all.get_mut(parameter.offset..parameter.offset + size) {
            part.copy_from_slice(values);
        }
        self.backend.set_parameters(&all)?;
        if self.program.ema.is_some() && self.updates == 0 {
            self.backend.set_states(&self.first_states(&all))?;
        }
        Ok(())
    }
}

impl fmt::Debug for Net {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Net { program, seed, steps, device, .. } = self;
        write!(f, "{} {{ seed: {seed}, steps: {steps}, device: {device:?} }}", program.name)
    }
}

/// Bytes that training takes for batches of this size: parameters, gradients, optimizer's states and the arena.
pub const fn memory(vectors: usize, parameter_floats: usize, fixed: usize, sample: usize, batch: usize) -> usize {
    let capacity = match batch.checked_next_multiple_of(4) {
        Some(capacity) => capacity,
        None => usize::MAX,
    };
    let arena = fixed.saturating_add(sample.saturating_mul(capacity));
    parameter_floats.saturating_mul(vectors).saturating_add(arena).saturating_mul(4)
}

/// How many samples a step of `evaluate` takes: shapes alone decide, so that results repeat.
fn evaluation_batch(schedule: &Schedule) -> usize {
    const LARGEST: usize = 256;
    const FLOATS: usize = 1 << 24;
    let fitting = FLOATS.saturating_sub(schedule.fixed_floats) / schedule.sample_floats.max(1);
    (fitting / 4 * 4).clamp(4, LARGEST)
}

/// The number of samples of one batch.
pub(crate) fn check_batch(data: &Columns<'_>) -> Result<usize> {
    check_count(data.samples)?;
    if data.samples == 0 { Err(no_samples()) } else { Ok(data.samples) }
}

/// Samples are numbered by u32.
pub(crate) fn check_count(samples: usize) -> Result<()> {
    match u32::try_from(samples) {
        Ok(_) => Ok(()),
        Err(_) => Err(Error::Data(format!("{samples} samples are more than {}, the largest number", u32::MAX))),
    }
}

pub(crate) fn no_samples() -> Error {
    Error::Data("there are no samples".into())
}

fn find(program: &'static Program, name: &str) -> Result<&'static Parameter> {
    let found = program.parameters.iter().find(|p| p.name == name);
    found.ok_or_else(|| unknown(program, "parameter", name, program.parameters.iter().map(|p| p.name)))
}

/// A name that does not exist, and those that do.
fn unknown<'a>(program: &Program, what: &str, name: &str, names: impl Iterator<Item = &'a str>) -> Error {
    let names: Vec<String> = names.map(|n| format!("`{n}`")).collect();
    let list = if names.is_empty() { "none".into() } else { names.join(", ") };
    Error::Option(format!("`{}` has no {what} `{name}`; it has {list}", program.name))
}

#[cfg(test)]
mod tests;
