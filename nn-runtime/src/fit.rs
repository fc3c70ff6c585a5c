//! Training over epochs: what users choose.

mod run;

use std::fmt;

use crate::data::{DataSet, Stream};
use crate::error::Result;
use crate::history::{Epoch, History};
use crate::learning_rate::LearningRate;
use crate::network::Net;

pub(crate) use run::workers;

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
#[derive(Debug, Clone)]
struct Options {
    epochs: usize,
    batch_size: usize,
    learning_rate: Option<LearningRate>,
    shuffle: bool,
    validation_split: f64,
    quiet: bool,
    workers: Option<usize>,
}

impl<R> Default for Fit<'_, R> {
    fn default() -> Self {
        let options = Options {
            epochs: 1,
            batch_size: 32,
            learning_rate: None,
            shuffle: true,
            validation_split: 0.0,
            quiet: false,
            workers: None,
        };
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

    /// The learning rate over time, instead of one number for all steps: `nn::LearningRate::cosine(1e-3, 20).warm_up(2)`. The rate
    /// of the last step stays when training ends. What [`on_epoch`](Self::on_epoch) sets holds until the next step, which takes the
    /// curve's. Default: the declared rate, or what was set since.
    pub fn learning_rate(mut self, rate: LearningRate) -> Self {
        self.options.learning_rate = Some(rate);
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
        let step_losses = self.run(data.data(), validation, &options, &mut call)?;
        Ok(History { epochs, step_losses })
    }
}

#[cfg(test)]
mod tests;
