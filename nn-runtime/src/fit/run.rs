//! Training over epochs: how it goes, whatever the types.

use std::num::NonZero;
use std::ops::ControlFlow;
use std::thread;
use std::time::Instant;

use super::{Control, Data, Options};
use crate::backend::{Columns, Resident, Steps};
use crate::data::{Passes, Stream, Training, ahead, order};
use crate::error::{Error, Result};
use crate::history::Epoch;
use crate::learning_rate::LearningRate;
use crate::metrics::{Combined, short};
use crate::network::{Net, check_count, no_samples};
use crate::program::{Program, StepUniform};
use crate::progress::{Progress, REFRESH};

impl Net {
    /// Trains, without types. Gives the loss of each step.
    pub(super) fn run(
        &mut self,
        data: Data<'_>,
        validation: Option<Data<'_>>,
        options: &Options,
        call: &mut dyn FnMut(&Epoch<Vec<f64>>, &mut Control),
    ) -> Result<Vec<f32>> {
        self.schedule(&self.program.train, "train")?;
        let validation = validation.map(Part::of);
        let (train, validation) = options.split(Part::of(data), validation)?;
        let rate = options.learning_rate.as_ref();
        rate.map_or(Ok(()), LearningRate::check)?;
        let (samples, batch_size) = (train.samples(), options.batch_size.min(train.samples()));
        let batches: Vec<usize> = (0..samples).step_by(batch_size).map(|s| batch_size.min(samples - s)).collect();
        match train {
            Part::Memory(columns) => {
                let resident = self.backend.upload(columns)?;
                let mut epoch = |net: &mut Net, results: &mut Vec<f32>, heard: Heard<'_>| {
                    let order = order(samples, options.shuffle.then_some((net.seed, net.epochs)));
                    net.train_steps(&resident, &order, &batches, rate, results, heard)
                };
                self.epochs(&mut epoch, &batches, validation, options, call)
            }
            Part::Stream(stream) => {
                let training = Training::new(self.seed, self.epochs, options.shuffle);
                let passes = Passes::new(&stream, batch_size, Some(training));
                let portions = passes.portions().saturating_mul(options.epochs);
                let fill = |number: usize, portion: &mut _| passes.fill(number, portion);
                ahead(portions, workers(options.workers), &fill, |ahead| {
                    let mut epoch = |net: &mut Net, results: &mut Vec<f32>, heard: Heard<'_>| {
                        let mut ended = 0;
                        for batches in batches.chunks(passes.portion() / batch_size) {
                            let portion = ahead.next()?;
                            let order = order(portion.samples, None);
                            let resident = net.backend.upload(portion.columns())?;
                            let heard: Heard<'_> = &mut |steps, results| heard(ended + steps, results);
                            net.train_steps(&resident, &order, batches, rate, results, heard)?;
                            ended += batches.len();
                        }
                        Ok(())
                    };
                    self.epochs(&mut epoch, &batches, validation, options, call)
                })
            }
        }
    }

    /// The epochs of a run.
    fn epochs(
        &mut self,
        epoch: &mut TrainEpoch<'_>,
        batches: &[usize],
        validation: Option<Part<'_>>,
        options: &Options,
        call: &mut dyn FnMut(&Epoch<Vec<f64>>, &mut Control),
    ) -> Result<Vec<f32>> {
        let program = self.program;
        let width = program.train.as_ref().map_or(0, |s| s.result_floats).max(1);
        let validation = match validation {
            Some(Part::Memory(columns)) => {
                let samples = columns.samples;
                Some(Validation::Resident(self.backend.upload(columns)?, samples))
            }
            Some(Part::Stream(stream)) => Some(Validation::Stream(stream)),
            None => None,
        };
        let combine = |ended: usize, results: &[f32]| {
            let mut combined = Combined::new(program.metrics);
            combined.add_all(batches[..ended].iter().copied(), results, width);
            combined.values()
        };
        let progress = Progress::new(options.quiet, options.epochs, batches.len());
        let mut results = Vec::with_capacity(batches.len() * width);
        let mut losses = Vec::new();
        for number in 1..=options.epochs {
            let clock = Clock::start();
            results.clear();
            progress.begin(number);
            let mut shown = Clock::start();
            let mut show = |ended: usize, results: &[f32]| {
                if progress.is_bar() && shown.seconds() >= REFRESH.as_secs_f64() {
                    shown = Clock::start();
                    let known = results.len() / width;
                    let message =
                        || if known > 0 { describe(program, &combine(known, results)) } else { String::new() };
                    progress.steps((number - 1) * batches.len() + ended, message);
                }
            };
            epoch(self, &mut results, &mut show)?;
            self.epochs += 1;
            losses.extend(results.iter().step_by(width));

            let trained = combine(batches.len(), &results);
            let validated = match &validation {
                Some(Validation::Resident(data, samples)) => Some(self.evaluate_resident(data, *samples)?),
                Some(Validation::Stream(stream)) => Some(self.evaluate_stream(stream, options.workers)?),
                None => None,
            };
            progress.steps(number * batches.len(), || describe(program, &trained));
            progress.end(number, || match &validated {
                Some(values) => format!("{}; validation {}", describe(program, &trained), describe(program, values)),
                None => describe(program, &trained),
            });
            if !trained[0].is_finite() {
                log::warn!("`{}`: the loss of epoch {number} is {}", program.name, trained[0]);
            }
            let epoch = Epoch {
                number,
                train: trained,
                validation: validated,
                learning_rate: self.learning_rate,
                seconds: clock.seconds(),
            };
            let mut control = Control { learning_rate: self.learning_rate, stop: false };
            call(&epoch, &mut control);
            self.set_learning_rate(control.learning_rate)?;
            if control.stop {
                break;
            }
        }
        progress.finish();
        Ok(losses)
    }

    /// Trains on these batches, at the rates of the curve if there is one, and adds the results of each.
    fn train_steps(
        &mut self,
        data: &Resident<'_>,
        order: &[u32],
        batches: &[usize],
        rate: Option<&LearningRate>,
        results: &mut Vec<f32>,
        heard: Heard<'_>,
    ) -> Result<()> {
        let mut steps: Vec<StepUniform> = Vec::with_capacity(batches.len());
        for (&batch, ahead) in batches.iter().zip(0..) {
            if let Some(rate) = rate {
                let time = if rate.is_per_step() { self.steps + ahead } else { self.epochs };
                self.learning_rate = rate.at(time) as f32;
            }
            steps.push(self.step(batch, ahead));
        }
        let mut heard = |ended: usize, results: &[f32]| {
            heard(ended, results);
            ControlFlow::Continue(())
        };
        self.backend.train(Steps { data, order, steps: &steps }, results, &mut heard)?;
        self.steps += batches.len() as u64;
        Ok(())
    }
}

/// Trains an epoch: adds the results of each step, and says how many have ended.
type TrainEpoch<'a> = dyn FnMut(&mut Net, &mut Vec<f32>, Heard<'_>) -> Result<()> + 'a;

/// Hears how many steps of an epoch have ended, and results of the last ones, as far as they are known.
type Heard<'a> = &'a mut dyn FnMut(usize, &[f32]);

/// Samples to train on, or to validate with.
enum Part<'a> {
    Memory(Columns<'a>),
    Stream(Stream),
}

/// Samples to validate with, after each epoch.
enum Validation<'a> {
    Resident(Resident<'a>, usize),
    Stream(Stream),
}

impl<'a> Part<'a> {
    fn of(data: Data<'a>) -> Self {
        match data {
            Data::Memory(set) => Part::Memory(set.columns()),
            Data::Stream(stream) => Part::Stream(stream.clone()),
        }
    }

    fn samples(&self) -> usize {
        match self {
            Part::Memory(columns) => columns.samples,
            Part::Stream(stream) => stream.len(),
        }
    }

    /// The first `n` samples, and the others.
    fn split_at(self, n: usize) -> (Self, Self) {
        match self {
            Part::Memory(columns) => {
                let samples = columns.samples;
                (Part::Memory(columns.slice(0, n)), Part::Memory(columns.slice(n, samples)))
            }
            Part::Stream(stream) => {
                let (first, rest) = stream.split_at(n);
                (Part::Stream(first), Part::Stream(rest))
            }
        }
    }
}

/// How many threads read ahead.
pub(crate) fn workers(chosen: Option<usize>) -> usize {
    const USUAL: usize = 8;
    const MOST: usize = 256;
    let processors = || thread::available_parallelism().map_or(1, NonZero::get).min(USUAL);
    chosen.unwrap_or_else(processors).min(MOST)
}

impl Options {
    /// What is trained on, and what is validated on; both with at least one sample.
    fn split<'a>(&self, data: Part<'a>, validation: Option<Part<'a>>) -> Result<(Part<'a>, Option<Part<'a>>)> {
        if self.batch_size == 0 {
            return Err(Error::Option("batch_size is 0, but a step needs at least one sample".into()));
        }
        let fraction = self.validation_split;
        if !(0.0..1.0).contains(&fraction) {
            return Err(Error::Option(format!(
                "validation_split is {fraction}, but it must be at least 0 and less than 1"
            )));
        }
        let samples = data.samples();
        if samples == 0 {
            return Err(no_samples());
        }
        check_count(samples)?;
        let Some(validation) = validation else {
            // As Keras rounds; the summand is for fractions that are no binary numbers, such as 0.9.
            let middle = (samples as f64 * (1.0 - fraction) + 1e-9) as usize;
            let kept = samples - middle;
            if middle == 0 || (fraction > 0.0 && kept == 0) {
                let what = if middle == 0 { "trained on" } else { "validated" };
                return Err(Error::Option(format!(
                    "validation_split {fraction} of {samples} samples takes {kept} of them: nothing would be {what}"
                )));
            }
            let (train, validation) = data.split_at(middle);
            return Ok((train, (kept > 0).then_some(validation)));
        };
        if fraction > 0.0 {
            return Err(Error::Option("validation_split and validation_data are both set: choose one of them".into()));
        }
        if validation.samples() == 0 {
            return Err(Error::Data("the validation data has no samples".into()));
        }
        check_count(validation.samples())?;
        Ok((data, Some(validation)))
    }
}

/// `loss 0.0123, accuracy 0.9876`.
fn describe(program: &Program, values: &[f64]) -> String {
    let names = std::iter::once("loss").chain(program.metrics.iter().map(|m| m.name));
    let parts: Vec<String> = names.zip(values).map(|(name, &value)| format!("{name} {}", short(value))).collect();
    parts.join(", ")
}

/// Time that passes, where there is a clock: in a browser there is none, and none passes.
struct Clock(Option<Instant>);

impl Clock {
    fn start() -> Self {
        Clock((!cfg!(all(target_family = "wasm", target_os = "unknown"))).then(Instant::now))
    }

    fn seconds(&self) -> f64 {
        self.0.map_or(0.0, |start| start.elapsed().as_secs_f64())
    }
}
