//! What `fit` shows while it runs: a bar on a terminal, lines elsewhere, or nothing.

use std::io::IsTerminal;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// How many lines a long run prints.
const LINES: usize = 20;

/// A run's display, on standard error.
pub(crate) enum Progress {
    /// Nothing.
    Quiet,
    /// A line now and then.
    Lines {
        /// Epochs in the run.
        epochs: usize,
    },
    /// A bar over all steps of the run, and a line now and then above it.
    Bar {
        /// Epochs in the run.
        epochs: usize,
        /// The bar.
        bar: ProgressBar,
    },
}

impl Progress {
    /// The display of a run.
    pub(crate) fn new(quiet: bool, epochs: usize, steps_per_epoch: usize) -> Self {
        if quiet {
            return Progress::Quiet;
        }
        if !std::io::stderr().is_terminal() {
            return Progress::Lines { epochs };
        }
        let bar = ProgressBar::new((epochs * steps_per_epoch) as u64);
        let template = "{prefix} [{bar:30}] {percent}% {msg} ({eta} left)";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("=> "));
        }
        Progress::Bar { epochs, bar }
    }

    /// An epoch (counted from 1) begins.
    pub(crate) fn begin(&self, epoch: usize) {
        if let Progress::Bar { epochs, bar } = self {
            bar.set_prefix(format!("epoch {epoch}/{epochs}"));
        }
    }

    /// So many steps of the run have ended. `message` is asked for only where it will be seen.
    pub(crate) fn steps(&self, ended: usize, message: impl FnOnce() -> String) {
        if let Progress::Bar { bar, .. } = self {
            bar.set_position(ended as u64);
            bar.set_message(message());
        }
    }

    /// Whether anybody would see an update of the bar.
    pub(crate) fn is_bar(&self) -> bool {
        matches!(self, Progress::Bar { .. })
    }

    /// An epoch has ended with this report. Long runs do not print every one.
    pub(crate) fn end(&self, epoch: usize, report: impl FnOnce() -> String) {
        let (Progress::Lines { epochs } | Progress::Bar { epochs, .. }) = self else { return };
        if !is_shown(epoch, *epochs) {
            return;
        }
        let line = format!("epoch {epoch}/{epochs}: {}", report());
        match self {
            Progress::Bar { bar, .. } => bar.println(line),
            _ => eprintln!("{line}"),
        }
    }

    /// The run has ended.
    pub(crate) fn finish(&self) {
        if let Progress::Bar { bar, .. } = self {
            bar.finish_and_clear();
        }
    }
}

/// Whether an epoch gets a line: the first, the last, and at even distances.
fn is_shown(epoch: usize, epochs: usize) -> bool {
    epoch == 1 || epoch == epochs || epoch.is_multiple_of(epochs.div_ceil(LINES).max(1))
}

/// How often a bar's message changes.
pub(crate) const REFRESH: Duration = Duration::from_millis(100);

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
}
