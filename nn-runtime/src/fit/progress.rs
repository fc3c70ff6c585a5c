//! What `fit` shows while it runs: a bar on a terminal, lines elsewhere, or nothing.

use std::io::IsTerminal;

use indicatif::{HumanDuration, ProgressBar, ProgressFinish, ProgressStyle};

use super::callback::{Callback, Control, Event};
use super::options::Verbosity;
use crate::error::Result;
use crate::metrics::short;

/// How many lines a long run prints.
const LINES: usize = 20;

/// A run's display, on standard error.
pub(super) struct Progress {
    /// Which lines are printed; `None` for none at all.
    lines: Option<Lines>,
    /// Whether epochs have bars.
    bars: bool,
    bar: Option<ProgressBar>,
    /// Samples of the epoch that had been seen when it went on in this process.
    begun: usize,
    /// What was known of the epoch for the last time.
    known: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Lines {
    All,
    Few,
}

impl Progress {
    /// The display of a run.
    pub(super) fn new(verbosity: Verbosity) -> Self {
        let bars = matches!(verbosity, Verbosity::Auto | Verbosity::Bar) && std::io::stderr().is_terminal();
        let lines = match verbosity {
            Verbosity::Quiet => None,
            Verbosity::Auto => Some(Lines::Few),
            Verbosity::Bar | Verbosity::Lines => Some(Lines::All),
        };
        Progress { lines, bars, bar: None, begun: 0, known: None }
    }

    fn clear(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }

    fn print(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.println(line),
            None => eprintln!("{line}"),
        }
    }
}

/// The bar of an epoch.
fn bar(event: &Event<'_>) -> ProgressBar {
    // Also when an error ends the run.
    let bar = ProgressBar::new(event.batches as u64).with_finish(ProgressFinish::AndClear);
    let template = "{prefix} [{bar:30}] {pos}/{len}{msg}";
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.progress_chars("=> "));
    }
    bar.set_prefix(format!("epoch {}/{}", event.epoch, event.epochs));
    bar.set_position(event.batch as u64);
    bar.reset_eta();
    bar
}

/// `loss 0.0123, accuracy 0.9876`.
fn describe(event: &Event<'_>, values: &[f64]) -> String {
    let parts: Vec<String> =
        event.names().zip(values).map(|(name, &value)| format!("{name} {}", short(value))).collect();
    parts.join(", ")
}

/// `2 skipped`, where steps have changed nothing.
fn skipped(event: &Event<'_>) -> Option<String> {
    (event.skipped > 0).then(|| format!("{} skipped", event.skipped))
}

/// `12,345 samples/s`, where there is a clock.
fn speed(samples: usize, seconds: f64) -> Option<String> {
    let rate = samples as f64 / seconds;
    let rate = rate.is_finite().then_some(rate.round() as u64)?;
    let digits = rate.to_string();
    let groups: Vec<&str> = digits.as_bytes().rchunks(3).rev().filter_map(|group| str::from_utf8(group).ok()).collect();
    Some(format!("{} samples/s", groups.join(",")))
}

impl Callback for Progress {
    fn name(&self) -> &'static str {
        "progress"
    }

    fn on_epoch_begin(&mut self, event: &Event<'_>, _: &mut Control) -> Result<()> {
        if self.bars {
            self.bar = Some(bar(event));
            (self.begun, self.known) = (event.samples, None);
        }
        Ok(())
    }

    fn on_progress(&mut self, event: &Event<'_>, _: &mut Control) -> Result<()> {
        if let Some(bar) = &self.bar {
            bar.set_position(event.batch as u64);
            let left = format!("{:#} left", HumanDuration(bar.eta()));
            self.known = event.train.map(|values| describe(event, &values)).or(self.known.take());
            let parts =
                [self.known.clone(), skipped(event), speed(event.samples - self.begun, event.seconds), Some(left)];
            let message: String = parts.into_iter().flatten().map(|part| format!(", {part}")).collect();
            bar.set_message(message);
        }
        Ok(())
    }

    fn on_validation_begin(&mut self, event: &Event<'_>, _: &mut Control) -> Result<()> {
        if let Some(bar) = &self.bar {
            bar.set_position(event.batch as u64);
            bar.set_message(", validating");
        }
        Ok(())
    }

    fn on_epoch_end(&mut self, event: &Event<'_>, _: &mut Control) -> Result<()> {
        let Event { epoch, epochs, .. } = *event;
        let shown = match self.lines {
            None => false,
            Some(Lines::All) => true,
            Some(Lines::Few) => is_shown(epoch, epochs),
        };
        if shown && let Some(train) = event.train {
            let mut line = format!("epoch {epoch}/{epochs}: {}", describe(event, &train));
            if let Some(values) = event.validation {
                line += &format!("; validation {}", describe(event, &values));
            }
            if let Some(skipped) = skipped(event) {
                line += &format!("; {skipped}");
            }
            self.print(&line);
        }
        self.clear();
        Ok(())
    }

    fn on_train_end(&mut self, _: &Event<'_>, _: &mut Control) -> Result<()> {
        self.clear();
        Ok(())
    }
}

/// Whether an epoch gets a line: the first, the last, and at even distances.
fn is_shown(epoch: usize, epochs: usize) -> bool {
    epoch == 1 || epoch == epochs || epoch.is_multiple_of(epochs.div_ceil(LINES).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_runs_print_few_lines() {
        let shown = |epochs| (1..=epochs).filter(|&e| is_shown(e, epochs)).count();
        assert_eq!(shown(1), 1);
        assert_eq!(shown(20), 20);
        assert!((15..=22).contains(&shown(1000)), "{}", shown(1000));
    }

    #[test]
    fn speeds_are_readable() {
        assert_eq!(speed(1_234_567, 1.0).as_deref(), Some("1,234,567 samples/s"));
        assert_eq!(speed(10, 2.0).as_deref(), Some("5 samples/s"));
        assert_eq!(speed(10, 0.0), None, "a browser has no clock");
    }
}
