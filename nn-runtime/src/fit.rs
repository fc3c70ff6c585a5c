//! Training over epochs: what users choose.

mod batches;
mod callback;
mod callbacks;
mod checkpoints;
mod clock;
mod closures;
mod early_stopping;
mod epochs;
mod finite;
mod interrupt;
mod logs;
mod monitor;
mod numbers;
mod options;
mod plateau;
mod progress;
mod range_test;
mod run;
mod weights;

use std::fmt;
use std::marker::PhantomData;

use crate::data::{DataSet, Stream};
use crate::error::Result;
use crate::history::History;
use crate::learning_rate::LearningRate;
use crate::metrics::Measured;
use crate::network::Net;

use epochs::Ran;
use options::Options;

pub(crate) use batches::BatchSource;
pub use batches::Batches;
pub use callback::{Callback, Control, Event};
pub use checkpoints::Checkpoints;
pub(crate) use clock::Clock;
pub use closures::Batch;
pub use early_stopping::EarlyStopping;
pub use finite::{NonFinite, OnNonFinite};
pub use logs::{CsvLog, JsonLines};
pub use numbers::Numbers;
pub use options::Verbosity;
pub use plateau::ReduceOnPlateau;
pub use range_test::RangeTest;
pub(crate) use run::workers;
pub use weights::WeightedReport;

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
    /// To be taken from an iterator.
    Batches(&'a dyn BatchSource),
}

impl Data<'_> {
    /// How many streams lie side by side, where that is known.
    pub(crate) fn streams(&self) -> Option<usize> {
        if let Data::Memory(set) = self { set.streams() } else { None }
    }
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
    fn from_measured(measured: &Measured) -> Self;
    /// The loss and the metrics that are one number, with their names, in order of declaration.
    fn scalars(&self) -> Vec<(&'static str, f64)>;
}

/// How to train: `net.fit(&data, nn::Fit::default().epochs(5).batch_size(64).validation_split(0.1))`. `R` is the network's
/// report type; it follows from where the value is used.
pub struct Fit<'a, R> {
    options: Options,
    validation: Option<Data<'a>>,
    pub(crate) callbacks: Vec<Box<dyn Callback + 'a>>,
    report: PhantomData<fn(R)>,
}

impl<R> Default for Fit<'_, R> {
    fn default() -> Self {
        Fit { options: Options::default(), validation: None, callbacks: Vec::new(), report: PhantomData }
    }
}

impl<'a, R> Fit<'a, R> {
    /// How many times to go through the training data. Default: 1.
    pub fn epochs(mut self, epochs: usize) -> Self {
        self.options.epochs = epochs;
        self
    }

    /// How many epochs count as trained already: the run's are numbered from the next one up to [`epochs`](Self::epochs), and shuffles
    /// and learning rates are those of these numbers. Default: 0. A run that goes on from a checkpoint knows by itself.
    pub fn initial_epoch(mut self, epochs: usize) -> Self {
        self.options.initial_epoch = epochs;
        self
    }

    /// How many samples a step takes; the last step of an epoch takes what is left. Default: 32.
    pub fn batch_size(mut self, batch_size: usize) -> Self {
        self.options.batch_size = batch_size;
        self
    }

    /// Leaves out the last step of an epoch if it would be smaller than the others. Default: false.
    pub fn drop_last(mut self, drop: bool) -> Self {
        self.options.drop_last = drop;
        self
    }

    /// Sums the gradients of so many batches before the optimizer sees them, as if they were one batch: for batches that are larger
    /// than the memory for their activations. Each sample counts the same, also where the last update of an epoch has fewer batches or a
    /// smaller one; where the loss is a mean over what counts (a mask, an ignored class, weights of classes), each batch counts as much as there
    /// is in it. (A loss that is a sum of several such means, or of one and others, is refused.) The result is that of one large batch but for rounding, except for what looks at a batch as a whole: batch
    /// normalization normalizes by each batch's own statistics (and updates the running ones by each), and dropout draws anew for each. The
    /// learning rate's curves per step and [`Net::updates`](crate::private::Net::updates) count updates; steps, events and reports stay
    /// those of batches. It takes the memory of one more vector of gradients, and no steps inside one workgroup on the GPU. Training
    /// stops between two updates only. Default: 1.
    pub fn accumulate(mut self, batches: usize) -> Self {
        self.options.accumulate = batches;
        self
    }

    /// How many steps an epoch has: the first ones in its order, which is another one in each epoch if there is shuffling. Default: as
    /// many as the data has batches, and no more than those.
    pub fn steps_per_epoch(mut self, steps: usize) -> Self {
        self.options.steps_per_epoch = Some(steps);
        self
    }

    /// The learning rate over time, instead of one number for all steps: `nn::LearningRate::cosine(1e-3, 20).warm_up(2)`. The rate
    /// of the last step stays when training ends. What callbacks set holds until the next step, which takes the curve's. Default: the
    /// declared rate, or what was set since.
    pub fn learning_rate(mut self, rate: LearningRate) -> Self {
        self.options.learning_rate = Some(rate);
        self
    }

    /// Whether each epoch goes through the samples in an order of its own. Default: true; false for a network with stateful layers, whose
    /// batches go on where those before have ended. [`Batches`] come in the order of their iterator.
    pub fn shuffle(mut self, shuffle: bool) -> Self {
        self.options.shuffle = Some(shuffle);
        self
    }

    /// Decides about all that is random in training from here on: orders, augmentation, dropout. Default: the network's seed, which also
    /// decided about its first weights.
    pub fn seed(mut self, seed: u64) -> Self {
        self.options.seed = Some(seed);
        self
    }

    /// Keeps the last samples, this fraction of all (rounded up), for validation instead of training; of a network with stateful layers, whole
    /// batches, so that each stream's last windows are kept. Default: 0.
    pub fn validation_split(mut self, fraction: f64) -> Self {
        self.options.validation_split = fraction;
        self
    }

    /// Evaluates this data after each epoch, instead of a part of the training data.
    pub fn validation_data<D: Dataset<Report = R>>(mut self, data: &'a D) -> Self {
        self.validation = Some(data.data());
        self
    }

    /// Validates after every so many epochs, and after the last one. Default: 1.
    pub fn validation_every(mut self, epochs: usize) -> Self {
        self.options.validation_every = epochs;
        self
    }

    /// How many threads read a stream ahead of the training; 0 reads each part when it is needed. Each holds 4 MiB of samples,
    /// or a batch where that is more, and there are two such parts beside theirs. The results do not depend on it. Default:
    /// as many as there are processors, at most 8. There are at most 256. Data in memory needs none.
    pub fn workers(mut self, threads: usize) -> Self {
        self.options.workers = Some(threads);
        self
    }

    /// Shows nothing: `verbosity(nn::Verbosity::Quiet)`.
    pub fn quiet(self) -> Self {
        self.verbosity(Verbosity::Quiet)
    }

    /// What to show, on standard error. Default: a progress bar, or, where that is no terminal, a line now and then.
    pub fn verbosity(mut self, verbosity: Verbosity) -> Self {
        self.options.verbosity = verbosity;
        self
    }

    /// Stops after the current step when Ctrl-C is pressed, or in the middle of a validation, which a resumed run then does again: whoever writes checkpoints writes one, what to do to go on is said, and `fit`
    /// returns what there is, with [`Stopped::Interrupted`](crate::Stopped::Interrupted) in the history. A second Ctrl-C ends the
    /// process at once, and so does one outside of `fit`. Default: Ctrl-C ends the process.
    pub fn stop_on_ctrl_c(mut self) -> Self {
        self.options.stop_on_interrupt = true;
        self
    }

    /// What to do when a loss, a gradient or a parameter becomes NaN or infinite. [`OnNonFinite::Stop`] and [`OnNonFinite::Skip`] find it
    /// within the epoch, and say which tensor was the first and in which step. On the CPU they look at each loss, and at all parameters and
    /// optimizer's states after every 256 steps; on the GPU, the device looks at all of them behind each submission, and its flag comes to the
    /// host when that waits for the submission anyway. That costs well below 1 % of a step, and a copy of parameters and states
    /// on the device. A gradient that is not finite stays in parameters or states, so that it is found there; where it would not (`clip_value`
    /// and `non_negative` make finite numbers of it), the update looks at all gradients and raises a flag in the step's
    /// results. With [`accumulate`](Self::accumulate), it is whole updates that are left out. Gradients of frozen parameters are
    /// not looked at. Default: [`OnNonFinite::Ignore`].
    pub fn on_non_finite(mut self, policy: OnNonFinite) -> Self {
        self.options.on_non_finite = policy;
        self
    }

    /// Adds a [`Callback`]; any number of them, which hear of each event in this order. `&mut callback` can be looked at
    /// after the run.
    pub fn callback(mut self, callback: impl Callback + 'a) -> Self {
        self.callbacks.push(Box::new(callback));
        self
    }

    /// Goes on where the network's position says.
    pub(crate) fn resumed(mut self) -> Self {
        self.options.resume = true;
        self
    }
}

impl<R> fmt::Debug for Fit<'_, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Fit { options, validation, callbacks, .. } = self;
        let callbacks: Vec<&str> = callbacks.iter().map(|callback| callback.name()).collect();
        write!(f, "{options:?}, validation data: {}, callbacks: {callbacks:?}", validation.is_some())
    }
}

impl Net {
    /// Trains. See [`Fit`].
    ///
    /// # Errors
    /// If an option makes no sense, if there are no samples, or if the device fails.
    pub fn fit<D: Dataset>(&mut self, data: &D, fit: Fit<'_, D::Report>) -> Result<History<D::Report>> {
        let Fit { options, validation, mut callbacks, .. } = fit;
        let mut record = closures::Record::<D::Report>::default();
        let Ran { losses, stopped, left_out } =
            self.run(data.data(), validation, &options, &mut record, &mut callbacks)?;
        Ok(History { epochs: record.epochs, step_losses: losses, stopped, left_out })
    }
}

#[cfg(test)]
mod tests;
