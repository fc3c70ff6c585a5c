//! Which learning rates a network can be trained with: the loss while the rate rises.

use std::ops::Range;

use super::callback::{Callback, Control, Event};
use super::finite::OnNonFinite;
use super::options::Verbosity;
use super::{Dataset, Fit};
use crate::error::{Error, Result};
use crate::learning_rate::LearningRate;
use crate::network::Net;

/// What [`Net::range_test`] measured.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct RangeTest {
    /// The learning rate of each step, and its loss before the update. It ends early where a loss is no number any more.
    pub points: Vec<(f64, f32)>,
}

impl RangeTest {
    /// The rate at which the loss falls most steeply over the rate's logarithm: a good one to train with. Losses are averaged over a
    /// tenth of the points first, so it means little with less than a hundred. `None` if there are fewer than three points.
    pub fn steepest(&self) -> Option<f64> {
        let reach = (self.points.len() / 20).max(1);
        let smooth: Vec<f64> = self
            .points
            .windows(2 * reach + 1)
            .map(|around| around.iter().map(|(_, loss)| f64::from(*loss)).sum::<f64>())
            .collect();
        let lowest = (0..smooth.len()).min_by(|&a, &b| smooth[a].total_cmp(&smooth[b]))?;
        let slope = |&at: &usize| smooth[(at + reach).min(lowest)] - smooth[at.saturating_sub(reach)];
        let steepest = (0..=lowest).min_by(|a, b| slope(a).total_cmp(&slope(b)))?;
        Some(self.points[steepest + reach].0)
    }
}

/// Ends a run after so many steps, or where the loss is no number.
struct After {
    /// Of the network.
    step: u64,
}

impl Callback for After {
    fn name(&self) -> &'static str {
        "range test"
    }

    /// Some cuts, so that a loss that has gone ends the test.
    fn batch_events(&self) -> usize {
        16
    }

    fn on_batch_end(&mut self, event: &Event<'_>, control: &mut Control) -> Result<()> {
        let finite = event.last.is_some_and(|values| values[0].is_finite());
        control.stop = event.steps >= self.step || !finite;
        Ok(())
    }
}

impl Net {
    /// Trains for so many steps with a rate that rises from one end of the range to the other, each time by the same factor, and puts
    /// everything back as it was: parameters, optimizer's states, and where training stands. From Smith, Cyclical Learning Rates for
    /// Training Neural Networks (2017). Of the options of `fit`, those of batches, shuffling and threads count here.
    ///
    /// # Errors
    /// If the range or an option makes no sense, if there are no samples, or if the device fails.
    pub fn range_test<D: Dataset>(
        &mut self,
        data: &D,
        rates: Range<f64>,
        steps: usize,
        fit: Fit<'_, D::Report>,
    ) -> Result<RangeTest> {
        let Range { start, end } = rates;
        if !(start > 0.0 && end > start && end.is_finite()) {
            let wanted = "but both must be numbers above 0, the first below the second";
            return Err(Error::Option(format!("range_test: the rates are {start} to {end}, {wanted}")));
        }
        if steps < 2 {
            return Err(Error::Option(format!("range_test: there are {steps} steps, but two rates need two")));
        }
        let state = self.state()?;
        let curve = LearningRate::exponential(start, (end / start).powf(1.0 / (steps - 1) as f64));
        // Curves count the network's updates.
        let curve = LearningRate::constant(0.0).then(self.updates, curve).per_step();
        let (first, rate) = (self.updates, curve.clone());
        let mut options = fit.options.clone();
        (options.epochs, options.initial_epoch, options.resume) = (steps, 0, false);
        (options.validation_split, options.learning_rate) = (0.0, Some(curve));
        (options.verbosity, options.on_non_finite, options.accumulate) = (Verbosity::Quiet, OnNonFinite::Ignore, 1);
        let mut after: Vec<Box<dyn Callback>> = vec![Box::new(After { step: self.steps + steps as u64 })];
        let ran = self.run(data.data(), None, &options, &mut Unheard, &mut after);
        self.restore(state)?;
        let points = (first..).map(|step| rate.at(step)).zip(ran?.losses).take(steps);
        Ok(RangeTest { points: points.take_while(|(_, loss)| loss.is_finite()).collect() })
    }
}

/// Nobody who keeps a record.
struct Unheard;

impl Callback for Unheard {}
