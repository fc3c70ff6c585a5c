//! Training over epochs.

use std::fmt;
use std::num::NonZero;
use std::thread;
use std::time::Instant;

use crate::backend::{Columns, Resident, Steps};
use crate::data::{DataSet, Passes, Stream, Training, ahead, order};
use crate::error::{Error, Result};
use crate::history::{Epoch, History};
use crate::metrics::{Combined, short};
use crate::network::{Net, check_count, no_samples};
use crate::program::{Program, StepUniform};
use crate::progress::{Progress, REFRESH};

/// What `fit` and `evaluate` take: a generated `…Data` type, whose samples are in memory, or a generated `…Stream` type,
/// whose samples are read while they are needed.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not hold samples of a network",
    label = "expected the network's generated `…Data` or `…Stream` type"
)]
pub trait Dataset {
    /// The `…Report` type of the same network.
    type Report: Report;
    /// The samples.
    #[doc(hidden)]
    fn data(&self) -> Data<'_>;
}

impl<D: Dataset + ?Sized> Dataset for &D {
    type Report = D::Report;
    fn data(&self) -> Data<'_> {
        D::data(self)
    }
}

/// Where samples are.
#[derive(Debug, Clone, Copy)]
pub enum Data<'a> {
    /// In memory.
    Memory(&'a DataSet),
    /// To be read.
    Stream(&'a Stream),
}

impl<'a> From<&'a DataSet> for Data<'a> {
    fn from(set: &'a DataSet) -> Self {
        Data::Memory(set)
    }
}

/// A generated `…Report` type.
pub trait Report: Sized {
    /// From the loss, and each metric in order of declaration.
    #[doc(hidden)]
    fn from_values(values: &[f64]) -> Self;
}

/// How to train: `net.fit(&data, nn::Fit::default().epochs(5).batch_size(64).validation_split(0.1))`. `R` is the network's
/// report type; it follows from where the value is used.
pub struct Fit<'a, R> {
    options: Options,
    validation: Option<Data<'a>>,
    on_epoch: Option<OnEpoch<'a, R>>,
}

type OnEpoch<'a, R> = Box<dyn FnMut(&Epoch<R>, &mut Control) + 'a>;

/// The options that do not depend on the network.
#[derive(Debug, Clone, Copy)]
struct Options {
    epochs: usize,
    batch_size: usize,
    shuffle: bool,
    validation_split: f64,
    quiet: bool,
    workers: Option<usize>,
}

impl<R> Default for Fit<'_, R> {
    fn default() -> Self {
        let (validation_split, quiet, workers) = (0.0, false, None);
        let options = Options { epochs: 1, batch_size: 32, shuffle: true, validation_split, quiet, workers };
        Fit { options, validation: None, on_epoch: None }
    }
}

impl<'a, R> Fit<'a, R> {
    /// How many times to go through the training data. Default: 1.
    pub fn epochs(mut self, epochs: usize) -> Self {
        self.options.epochs = epochs;
        self
    }

    /// How many samples a step takes; the last step of an epoch takes what is left. Default: 32.
    pub fn batch_size(mut self, batch_size: usize) -> Self {
        self.options.batch_size = batch_size;
        self
    }

    /// Whether each epoch goes through the samples in an order of its own. Default: true.
    pub fn shuffle(mut self, shuffle: bool) -> Self {
        self.options.shuffle = shuffle;
        self
    }

    /// Keeps the last samples, this fraction of all (rounded up), for validation instead of training. Default: 0.
    pub fn validation_split(mut self, fraction: f64) -> Self {
        self.options.validation_split = fraction;
        self
    }

    /// Evaluates this data after each epoch, instead of a part of the training data.
    pub fn validation_data<D: Dataset<Report = R>>(mut self, data: &'a D) -> Self {
        self.validation = Some(data.data());
        self
    }

    /// How many threads read a stream ahead of the training; 0 reads each part when it is needed. Each holds 4 MiB of samples,
    /// or a batch where that is more, and there are two such parts beside theirs. The results do not depend on it. Default:
    /// as many as there are processors, at most 8. There are at most 256. Data in memory needs none.
    pub fn workers(mut self, threads: usize) -> Self {
        self.options.workers = Some(threads);
        self
    }

    /// Shows nothing. Otherwise there is a progress bar on standard error, or, where that is no terminal, a line now
    /// and then.
    pub fn quiet(mut self) -> Self {
        self.options.quiet = true;
        self
    }

    /// Calls this after each epoch; it can set the learning rate of the next one, or stop the training:
    /// `|epoch, control| control.stop = epoch.train.loss < 1e-4`.
    pub fn on_epoch(mut self, call: impl FnMut(&Epoch<R>, &mut Control) + 'a) -> Self {
        self.on_epoch = Some(Box::new(call));
        self
    }
}

impl<R> fmt::Debug for Fit<'_, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Fit { options, validation, on_epoch } = self;
        write!(f, "{options:?}, validation data: {}, on_epoch: {}", validation.is_some(), on_epoch.is_some())
    }
}

/// What [`Fit::on_epoch`] can change.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Control {
    /// The learning rate of all steps to come.
    pub learning_rate: f32,
    /// Whether training ends here.
    pub stop: bool,
}

impl Net {
    /// Trains. See [`Fit`].
    ///
    /// # Errors
    /// If an option makes no sense, if there are no samples, or if the device fails.
    pub fn fit<D: Dataset>(&mut self, data: &D, fit: Fit<'_, D::Report>) -> Result<History<D::Report>> {
        let Fit { options, validation, mut on_epoch } = fit;
        let mut epochs = Vec::new();
        let mut call = |epoch: &Epoch<Vec<f64>>, control: &mut Control| {
            let report = |values: &Vec<f64>| D::Report::from_values(values);
            let epoch = Epoch {
                number: epoch.number,
                train: report(&epoch.train),
                validation: epoch.validation.as_ref().map(report),
                learning_rate: epoch.learning_rate,
                seconds: epoch.seconds,
            };
            if let Some(call) = &mut on_epoch {
                call(&epoch, control);
            }
            epochs.push(epoch);
        };
        let step_losses = self.run(data.data(), validation, options, &mut call)?;
        Ok(History { epochs, step_losses })
    }

    /// Trains, without types. Gives the loss of each step.
    fn run(
        &mut self,
        data: Data<'_>,
        validation: Option<Data<'_>>,
        options: Options,
        call: &mut dyn FnMut(&Epoch<Vec<f64>>, &mut Control),
    ) -> Result<Vec<f32>> {
        self.schedule(&self.program.train, "train")?;
        let validation = validation.map(Part::of);
        let (train, validation) = options.split(Part::of(data), validation)?;
        let (samples, batch_size) = (train.samples(), options.batch_size.min(train.samples()));
        let batches: Vec<usize> = (0..samples).step_by(batch_size).map(|s| batch_size.min(samples - s)).collect();
        match train {
            Part::Memory(columns) => {
                let resident = self.backend.upload(columns)?;
                let mut epoch = |net: &mut Net, results: &mut Vec<f32>, heard: Heard<'_>| {
                    let order = order(samples, options.shuffle.then_some((net.seed, net.epochs)));
                    net.train_steps(&resident, &order, &batches, results, heard)
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
                            net.train_steps(&resident, &order, batches, results, heard)?;
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
        options: Options,
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

    /// Trains on these batches, and adds the results of each.
    fn train_steps(
        &mut self,
        data: &Resident<'_>,
        order: &[u32],
        batches: &[usize],
        results: &mut Vec<f32>,
        heard: Heard<'_>,
    ) -> Result<()> {
        let steps: Vec<StepUniform> = batches.iter().zip(0..).map(|(&batch, ahead)| self.step(batch, ahead)).collect();
        self.backend.train(Steps { data, order, steps: &steps }, results, heard)?;
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
    fn split<'a>(self, data: Part<'a>, validation: Option<Part<'a>>) -> Result<(Part<'a>, Option<Part<'a>>)> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::Device;
    use crate::testing::{PROGRAM, data};

    /// As the macro prints them.
    struct Set(DataSet);

    #[derive(Debug, Clone, PartialEq)]
    struct Report {
        loss: f64,
        r2: f64,
    }

    impl Dataset for Set {
        type Report = Report;
        fn data(&self) -> Data<'_> {
            Data::Memory(&self.0)
        }
    }

    impl super::Report for Report {
        fn from_values(values: &[f64]) -> Self {
            Report { loss: values[0], r2: values[2] }
        }
    }

    fn net(seed: u64) -> Net {
        Net::new(&Device::cpu(), &PROGRAM, seed).unwrap()
    }

    fn fit(fit: Fit<'_, Report>) -> Result<History<Report>> {
        net(7).fit(&Set(data(100)), fit.quiet())
    }

    #[test]
    fn training_fits() {
        let history = fit(Fit::default().epochs(30).batch_size(16)).unwrap();
        let last = history.last().unwrap();
        assert_eq!((history.epochs.len(), last.number), (30, 30));
        assert_eq!(history.step_losses.len(), 30 * 7);
        assert!(last.train.loss < history.epochs[0].train.loss / 10.0 && last.train.r2 > 0.9, "{last:?}");
    }

    #[test]
    fn the_same_seed_is_the_same_run() {
        let run = |seed| {
            let mut net = net(seed);
            let history = net.fit(&Set(data(100)), Fit::default().epochs(3).quiet()).unwrap();
            (history.step_losses, net.parameter("dense.weight").unwrap())
        };
        assert_eq!(run(1), run(1));
        assert_ne!(run(1), run(2));
    }

    #[test]
    fn two_short_runs_are_one_long_run() {
        let data = Set(data(100));
        let (mut once, mut twice) = (net(1), net(1));
        let whole = once.fit(&data, Fit::default().epochs(4).quiet()).unwrap();
        let first = twice.fit(&data, Fit::default().epochs(2).quiet()).unwrap();
        let second = twice.fit(&data, Fit::default().epochs(2).quiet()).unwrap();
        assert_eq!(whole.step_losses, [first.step_losses, second.step_losses].concat());
    }

    #[test]
    fn an_epochs_loss_counts_samples_and_not_batches() {
        // With a learning rate of zero, the epoch's loss is the loss over all samples.
        let (mut net, data) = (net(1), Set(data(10)));
        net.set_learning_rate(0.0).unwrap();
        let history = net.fit(&data, Fit::default().batch_size(7).quiet()).unwrap();
        let expected = net.evaluate(&data.0).unwrap();
        assert!((history.epochs[0].train.loss - expected[0]).abs() < 1e-6 * expected[0]);
        assert!((history.epochs[0].train.r2 - expected[2]).abs() < 1e-5);
    }

    #[test]
    fn validation_takes_the_last_samples() {
        let all = data(100);
        let (train, validation) = all.split_at(80);
        let (train, validation) = (Set(train), Set(validation));
        let (mut split, mut given) = (net(1), net(1));
        let a = split.fit(&Set(all), Fit::default().epochs(2).validation_split(0.2).quiet()).unwrap();
        let b = given.fit(&train, Fit::default().epochs(2).validation_data(&validation).quiet()).unwrap();
        for (a, b) in a.epochs.iter().zip(&b.epochs) {
            assert_eq!((&a.train, &a.validation), (&b.train, &b.validation));
        }
        let after = given.evaluate(&validation.0).unwrap();
        assert_eq!(b.last().unwrap().validation.as_ref().unwrap().loss, after[0]);
    }

    #[test]
    fn without_shuffling_samples_come_in_order() {
        let (mut fitted, mut stepped, data) = (net(1), net(1), data(20));
        fitted.fit(&Set(data.clone()), Fit::default().batch_size(8).shuffle(false).quiet()).unwrap();
        for range in [0..8, 8..16, 16..20] {
            stepped.train_batch(&data.slice(range)).unwrap();
        }
        assert_eq!(fitted.parameter("dense.weight").unwrap(), stepped.parameter("dense.weight").unwrap());
    }

    #[test]
    fn a_call_sets_the_learning_rate_and_stops() {
        let mut rates = vec![];
        let history = fit(Fit::default().epochs(10).on_epoch(|epoch, control| {
            rates.push(epoch.learning_rate);
            control.learning_rate *= 0.5;
            control.stop = epoch.number == 3;
        }));
        assert_eq!(history.unwrap().epochs.len(), 3);
        assert_eq!(rates, [0.1, 0.05, 0.025]);
        assert!(fit(Fit::default().epochs(2).on_epoch(|_, control| control.learning_rate = f32::NAN)).is_err());
    }

    #[test]
    fn options_that_make_no_sense_are_errors() {
        let error = |options: Fit<'_, Report>| fit(options).unwrap_err().to_string();
        assert_eq!(error(Fit::default().batch_size(0)), "batch_size is 0, but a step needs at least one sample");
        for fraction in [1.0, -0.1, f64::NAN] {
            assert!(error(Fit::default().validation_split(fraction)).starts_with("validation_split is "));
        }
        assert!(error(Fit::default().validation_split(1e-12)).contains("nothing would be validated"));
        assert!(
            error(Fit::default().validation_split(0.999)).contains("takes 100 of them: nothing would be trained on")
        );
        let (none, some) = (Set(data(0)), Set(data(5)));
        assert_eq!(error(Fit::default().validation_data(&none)), "the validation data has no samples");
        assert!(error(Fit::default().validation_data(&some).validation_split(0.5)).contains("both set"));
        let empty = net(1).fit(&none, Fit::default().quiet());
        assert_eq!(empty.unwrap_err().to_string(), "there are no samples");
        assert_eq!(fit(Fit::default().epochs(0)).unwrap().epochs, []);
    }

    #[test]
    fn batches_larger_than_the_data_and_numbers_that_are_none_are_no_panic() {
        assert_eq!(fit(Fit::default().batch_size(usize::MAX)).unwrap().step_losses.len(), 1);
        let x = vec![[f32::NAN; 3]; 4];
        let nan = DataSet::new(crate::testing::FIELDS).with::<f32, 3, [f32; 3]>(x).unwrap();
        let nan = nan.with::<f32, 2, [f32; 2]>(vec![[0.0; 2]; 4]).unwrap();
        let history = net(1).fit(&Set(nan), Fit::default().quiet()).unwrap();
        assert!(history.epochs[0].train.loss.is_nan());
    }

    mod streams {
        use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
        use std::sync::{Arc, Mutex};

        use super::*;
        use crate::data::{Draw, Samples, Source};
        use crate::testing::FIELDS;

        struct Streamed(Stream);

        impl Dataset for Streamed {
            type Report = Report;
            fn data(&self) -> Data<'_> {
                Data::Stream(&self.0)
            }
        }

        /// The same samples, to be read.
        fn stream(data: &DataSet, noise: f32) -> Streamed {
            let [x, y] = [0, 1].map(|field| {
                let size = FIELDS[field].dims[0];
                Samples::numbers([size], &*data.input(field).values).unwrap()
            });
            let x = x.map(move |values, draw| {
                (0..).zip(values).for_each(|(i, v)| *v += noise * (draw.unit(i).unwrap_or(0.5) - 0.5));
            });
            Streamed(Stream::new(FIELDS).with::<f32, 3, [f32; 3]>(x).unwrap().with::<f32, 2, [f32; 2]>(y).unwrap())
        }

        fn options() -> Fit<'static, Report> {
            Fit::default().epochs(3).batch_size(16).validation_split(0.2).quiet()
        }

        #[test]
        fn a_stream_trains_as_the_same_data_in_memory_does() {
            for (samples, shuffle) in [(100, true), (100, false), (5, true)] {
                let data = data(samples);
                let (mut resident, mut streamed) = (net(3), net(3));
                let a = resident.fit(&Set(data.clone()), options().shuffle(shuffle)).unwrap();
                let b = streamed.fit(&stream(&data, 0.0), options().shuffle(shuffle)).unwrap();
                assert_eq!(a.step_losses, b.step_losses);
                for (a, b) in a.epochs.iter().zip(&b.epochs) {
                    assert_eq!((&a.train, &a.validation), (&b.train, &b.validation));
                }
                assert_eq!(resident.parameter("dense.weight").unwrap(), streamed.parameter("dense.weight").unwrap());
                assert_eq!((resident.steps, resident.epochs), (streamed.steps, streamed.epochs));
                let [a, b] = [&resident, &streamed].map(|net| net.evaluate(&data).unwrap());
                assert_eq!((&a, a.clone()), (&b, streamed.evaluate(stream(&data, 0.0).data()).unwrap()));
            }
        }

        #[test]
        fn what_is_random_depends_on_the_seed_and_not_on_threads() {
            // Enough samples for several portions of 4 MiB.
            let data = data(250_000);
            let run = |seed, threads| {
                let fit = Fit::default().epochs(2).batch_size(5000).workers(threads).quiet();
                net(seed).fit(&stream(&data, 0.3), fit).unwrap().step_losses
            };
            let one = run(1, 1);
            assert_eq!(one.len(), 100);
            assert!([0, 4].iter().all(|&threads| run(1, threads) == one));
            assert_ne!(run(2, 1), one);
            assert_ne!(one[..50], one[50..], "each epoch is another");
        }

        #[test]
        fn two_short_runs_on_a_stream_are_one_long_run() {
            let data = stream(&data(100), 0.2);
            let (mut once, mut twice) = (net(1), net(1));
            let whole = once.fit(&data, Fit::default().epochs(4).quiet()).unwrap();
            let first = twice.fit(&data, Fit::default().epochs(2).quiet()).unwrap();
            let second = twice.fit(&data, Fit::default().epochs(2).quiet()).unwrap();
            assert_eq!(whole.step_losses, [first.step_losses, second.step_losses].concat());
        }

        #[test]
        fn validation_and_evaluation_see_nothing_random() {
            let data = data(300);
            let mut net = net(1);
            let noisy = stream(&data, 5.0);
            net.set_learning_rate(0.0).unwrap();
            let validation = Set(data.clone());
            let history = net.fit(&noisy, Fit::default().validation_data(&validation).quiet()).unwrap();
            let expected = net.evaluate(&data).unwrap()[0];
            assert_eq!(history.epochs[0].validation.as_ref().unwrap().loss, expected);
            assert_eq!(net.evaluate(noisy.data()).unwrap()[0], expected);
            assert!((history.epochs[0].train.loss - expected).abs() > 0.1);
            let history = net.fit(&validation, Fit::default().validation_data(&noisy).quiet()).unwrap();
            assert_eq!(history.epochs[0].validation.as_ref().unwrap().loss, expected);
        }

        /// Counts reads, and fails at one sample.
        #[derive(Debug)]
        struct Counting {
            reads: Arc<AtomicUsize>,
            fails: Option<usize>,
            samples: usize,
            seen: Arc<Mutex<Vec<u8>>>,
        }

        impl Source for Counting {
            fn name(&self) -> String {
                "counting".into()
            }
            fn samples(&self) -> usize {
                self.samples
            }
            fn dims(&self) -> &[usize] {
                &[3]
            }
            fn read(&self, sample: usize, _: Draw, values: &mut [f32]) -> Result<()> {
                self.reads.fetch_add(1, SeqCst);
                self.seen.lock().unwrap()[sample] += 1;
                values.fill(0.5);
                match self.fails {
                    Some(fails) if fails == sample => Err(Error::Data(format!("{} is broken", self.place(sample)))),
                    _ => Ok(()),
                }
            }
        }

        fn counting(samples: usize, fails: Option<usize>) -> (Streamed, Arc<AtomicUsize>, Arc<Mutex<Vec<u8>>>) {
            let (reads, seen) = (Arc::default(), Arc::new(Mutex::new(vec![0; samples])));
            let x = Counting { reads: Arc::clone(&reads), fails, samples, seen: Arc::clone(&seen) };
            let y = Samples::numbers([2], vec![0.0; 2 * samples]).unwrap();
            let stream = Stream::new(FIELDS).with::<f32, 3, [f32; 3]>(Samples::new(x)).unwrap();
            (Streamed(stream.with::<f32, 2, [f32; 2]>(y).unwrap()), reads, seen)
        }

        #[test]
        fn each_sample_is_read_once_in_each_epoch() {
            let (stream, _, seen) = counting(1000, None);
            net(1).fit(&stream, Fit::default().epochs(3).quiet()).unwrap();
            assert!(seen.lock().unwrap().iter().all(|&n| n == 3));
        }

        #[test]
        fn an_error_ends_the_run_and_stopping_ends_the_reading() {
            let (stream, _, _) = counting(1000, Some(700));
            let error = net(1).fit(&stream, Fit::default().epochs(3).quiet()).unwrap_err();
            assert_eq!(error.to_string(), "counting, record 700 is broken");
            let error = net(1).evaluate(stream.data()).unwrap_err();
            assert_eq!(error.to_string(), "counting, record 700 is broken");
            // Portions of one batch: what is read ahead is bounded by the threads.
            let (stream, reads, _) = counting(400_000, None);
            let stop = Fit::default().epochs(1000).batch_size(400_000).workers(2).quiet();
            net(1).fit(&stream, stop.on_epoch(|epoch, control| control.stop = epoch.number == 2)).unwrap();
            let epochs = reads.load(SeqCst).div_ceil(400_000);
            assert!((2..=6).contains(&epochs), "2 epochs, and at most 4 portions ahead: {epochs}");
            let (none, _, _) = counting(0, None);
            assert_eq!(net(1).fit(&none, Fit::default().quiet()).unwrap_err().to_string(), "there are no samples");
            assert!(net(1).evaluate(none.data()).is_err());
        }
    }
}
