//! Where the samples of a run come from.

use std::num::NonZero;
use std::thread;

use super::Data;
use super::batches::{BatchSource, Filling};
use super::callback::Callback;
use super::epochs::{Loop, Ran, Samples};
use super::options::{Options, Verbosity};
use super::progress::Progress;
use crate::backend::{Columns, Resident};
use crate::data::{Ahead, Passes, Portion, Stream, Training, ahead, order};
use crate::error::{Error, Result};
use crate::metrics::Measured;
use crate::network::{Net, Position, Stops};

impl Net {
    /// Trains, without types. The record hears of everything first, behind
    /// what shows the progress.
    pub(super) fn run<'a>(
        &mut self,
        data: Data<'_>,
        validation: Option<Data<'_>>,
        options: &Options,
        record: &mut dyn Callback,
        callbacks: &mut [Box<dyn Callback + 'a>],
    ) -> Result<Ran> {
        self.schedule(&self.program.train, "train")?;
        options.check()?;
        if options.accumulate > 1 && !self.program.loss_terms.is_empty() && self.program.weight_in_update().is_none() {
            return Err(Error::Option(format!(
                "accumulate is {}, but the loss of `{}` is a sum of means over different positions (masks, ignored classes, \
                 weights of classes): the gradients of several batches cannot be summed as if they were those of one",
                options.accumulate, self.program.name
            )));
        }
        let streams = [Some(data), validation].map(|data| data.and_then(|data| data.streams()));
        let size = options.batch_size;
        let (train, validation) = options.split(
            self.program,
            options.weights.of_samples(Part::of(data, size))?,
            validation.map(|data| Part::of(data, size)),
        )?;
        let classes = options.weights.of_classes(self.program)?;
        let weigh = |portion: &mut Portion| classes.into_iter().for_each(|classes| classes.apply(portion));
        let samples = train.samples();
        let batches = options.batches(samples)?;
        options.check_streams(self.program, &batches, streams)?;
        self.seed = options.seed.unwrap_or(self.seed);
        self.begin(options, samples)?;
        let validation = validation.map(|part| Validation::new(self, part)).transpose()?;
        let (size, used) = (size.min(samples), batches.iter().sum());
        let taken = callbacks.iter().any(|callback| callback.takes_screen());
        let mut progress = Progress::new(if taken { Verbosity::Quiet } else { options.verbosity });
        let mut all: Vec<&mut dyn Callback> = vec![&mut progress, record];
        all.extend(callbacks.iter_mut().map(|callback| &mut **callback as &mut dyn Callback));
        let looped = Loop::new(self, options, all, batches.clone());
        match train {
            Part::Memory(mut columns) => {
                let weights = classes.map(|classes| classes.column(&columns));
                columns.fields.iter_mut().rev().zip(&weights).for_each(|(last, weights)| *last = weights);
                let resident = self.backend.upload(columns.clone())?;
                let mut pass = |net: &mut Net, looped: &mut Loop<'_>| {
                    let order = order(samples, options.shuffles(net.program).then_some((net.seed, net.epochs)));
                    let done = net.position.steps as usize;
                    let first = batches[..done].iter().sum();
                    let samples =
                        Samples { data: &resident, columns: &columns, order: &order[first..used], stay: true };
                    looped.steps(net, samples, batches.len() - done)
                };
                looped.play(self, &mut pass, validation.as_ref())
            }
            Part::Stream(stream) => {
                let training = Training::new(self.seed, self.epochs, options.shuffles(self.program));
                let passes = Passes::new(&stream, size, used, Some(training)).in_multiples_of(options.together());
                let batches_per_portion = passes.portion() / size;
                // The first portion may have been trained on in part, and the first epoch as a whole.
                let skipped = match self.position.steps as usize {
                    done if done < batches.len() => done / batches_per_portion,
                    _ => passes.portions(),
                };
                let epochs = options.epochs.saturating_sub((self.epochs - self.position.first_epoch) as usize);
                let portions = passes.portions().saturating_mul(epochs).saturating_sub(skipped);
                let fill = |number: usize, portion: &mut _| {
                    passes.fill(number + skipped, portion).inspect(|()| weigh(portion))
                };
                ahead(portions, workers(options.workers), &fill, |ahead| {
                    let mut pass = portion_by_portion(ahead, &batches, batches_per_portion);
                    looped.play(self, &mut pass, validation.as_ref())
                })
            }
            Part::Batches(source, _) => {
                let (steps, together) = (batches.len(), options.together());
                let filling = Filling::new(source, self.program, size, steps, self.epochs, together);
                let skipped = match self.position.steps as usize {
                    done if done < batches.len() => done / filling.per_portion(),
                    _ => filling.portions(),
                };
                let epochs = options.epochs.saturating_sub((self.epochs - self.position.first_epoch) as usize);
                let portions = filling.portions().saturating_mul(epochs).saturating_sub(skipped);
                let fill = |number: usize, portion: &mut _| {
                    filling.fill(number + skipped, portion).inspect(|()| weigh(portion))
                };
                // More than one would stand in each other's way.
                ahead(portions, workers(options.workers).min(1), &fill, |ahead| {
                    let mut pass = portion_by_portion(ahead, &batches, filling.per_portion());
                    looped.play(self, &mut pass, validation.as_ref())
                })
            }
        }
    }

    /// Puts the position to where the run begins, or checks that it can go on from where it is.
    fn begin(&mut self, options: &Options, samples: usize) -> Result<()> {
        let conditions = options.conditions(self.program, samples);
        if options.resume {
            return Options::check_conditions(&self.position.conditions, &conditions);
        }
        if self.position.steps > 0 {
            // What was left of an epoch that was broken off is not made up for.
            self.epochs += 1;
        }
        let initial = options.initial_epoch as u64;
        self.epochs = self.epochs.max(initial);
        self.position = Position { first_epoch: self.epochs - initial, conditions, ..Position::default() };
        Ok(())
    }
}

/// Trains the rest of an epoch on portions of so many batches.
fn portion_by_portion<'a>(
    ahead: &'a mut Ahead<'_>,
    batches: &'a [usize],
    per_portion: usize,
) -> impl FnMut(&mut Net, &mut Loop<'_>) -> Result<()> + 'a {
    move |net, looped| {
        while (net.position.steps as usize) < batches.len() && !looped.is_stopped(net) {
            let done = net.position.steps as usize;
            let portion = ahead.next()?;
            let begin = done / per_portion * per_portion;
            let end = batches.len().min(begin + per_portion);
            let first = batches[begin..done].iter().sum();
            let order = order(portion.samples, None);
            let (data, columns) = (net.backend.upload(portion.columns())?, portion.columns());
            let samples = Samples { data: &data, columns: &columns, order: &order[first..], stay: false };
            looped.steps(net, samples, end - done)?;
        }
        Ok(())
    }
}

/// Samples to train on, or to validate with.
pub(super) enum Part<'a> {
    Memory(Columns<'a>),
    Stream(Stream),
    /// And how many samples they have in an epoch of training.
    Batches(&'a dyn BatchSource, usize),
}

/// Samples to validate with.
pub(super) enum Validation<'a> {
    Resident(Resident<'a>, usize),
    Stream(Stream),
    Batches(&'a dyn BatchSource),
}

impl<'a> Validation<'a> {
    /// Data in memory is brought to the device once.
    fn new(net: &Net, part: Part<'a>) -> Result<Self> {
        match part {
            Part::Memory(columns) => {
                let samples = columns.samples;
                Ok(Validation::Resident(net.backend.upload(columns)?, samples))
            }
            Part::Stream(stream) => Ok(Validation::Stream(stream)),
            Part::Batches(batches, _) => Ok(Validation::Batches(batches)),
        }
    }

    /// The loss, then each metric; nothing, if somebody stops it.
    pub(super) fn measure(&self, net: &Net, options: &Options, stops: Stops<'_>) -> Result<Option<Measured>> {
        let batch = net.evaluation_batch(Some(options.batch_size))?;
        match self {
            Validation::Resident(data, samples) => net.evaluate_resident(data, *samples, batch, stops),
            Validation::Stream(stream) => net.evaluate_stream(stream, options.workers, batch, stops),
            Validation::Batches(batches) => net.evaluate_batches(*batches, stops),
        }
    }
}

impl<'a> Part<'a> {
    /// `batch_size` is that of the training.
    pub(super) fn of(data: Data<'a>, batch_size: usize) -> Self {
        match data {
            Data::Memory(set) => Part::Memory(set.columns()),
            Data::Stream(stream) => Part::Stream(stream.clone()),
            Data::Batches(batches) => Part::Batches(batches, batches.steps().saturating_mul(batch_size)),
        }
    }

    pub(super) fn samples(&self) -> usize {
        match self {
            Part::Memory(columns) => columns.samples,
            Part::Stream(stream) => stream.len(),
            Part::Batches(_, samples) => *samples,
        }
    }

    /// Whether its samples can be told apart.
    pub(super) fn has_places(&self) -> bool {
        !matches!(self, Part::Batches(..))
    }

    /// The first `n` samples, and the others.
    pub(super) fn split_at(self, n: usize) -> (Self, Self) {
        match self {
            Part::Memory(columns) => {
                let samples = columns.samples;
                (Part::Memory(columns.slice(0, n)), Part::Memory(columns.slice(n, samples)))
            }
            Part::Stream(stream) => {
                let (first, rest) = stream.split_at(n);
                (Part::Stream(first), Part::Stream(rest))
            }
            // Nobody takes them apart.
            Part::Batches(batches, samples) => (Part::Batches(batches, samples), Part::Batches(batches, 0)),
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
