//! What the dashboard knows about a run.

use std::time::{Duration, Instant};

use crate::fit::{Event, Numbers};
use crate::metrics::short;

/// Points of a curve; with more, every second one goes.
const POINTS: usize = 2000;

/// A number that is followed, over epochs.
#[derive(Debug, Default)]
pub(super) struct Curve {
    pub name: String,
    pub train: Vec<(f64, f64)>,
    pub validation: Vec<(f64, f64)>,
}

/// Everything that is shown.
#[derive(Debug, Default)]
pub(super) struct State {
    pub network: &'static str,
    pub device: String,
    pub curves: Vec<Curve>,
    pub epoch: usize,
    pub epochs: usize,
    pub batch: usize,
    pub batches: usize,
    pub samples: usize,
    pub steps: u64,
    pub learning_rate: f32,
    pub seconds: f64,
    pub doing: &'static str,
    pub message: String,
    /// Whether a key has asked for a checkpoint, and whether those who write them have heard of it.
    pub asked: bool,
    pub answered: bool,
    /// Bytes of parameters, gradients and states; of the arena whatever the batch; and of the arena for each sample.
    memory: (usize, usize, usize),
    /// Since when it is paused.
    pub paused: Option<Instant>,
    /// Which metrics are shown, where not all have room.
    pub page: usize,
    begun: Option<Instant>,
    /// The part of the run that had been done when it began or went on.
    from: f64,
    /// How long it has been paused before, in the run and in the epoch.
    rested: Duration,
    rested_epoch: Duration,
    lines: Vec<String>,
}

impl State {
    pub(super) fn new(event: &Event<'_>) -> Self {
        let program = event.program;
        let vectors = 2 + program.states.len();
        let memory = program
            .train
            .as_ref()
            .map_or((0, 0, 0), |s| (program.parameter_floats * vectors * 4, s.fixed_floats * 4, s.sample_floats * 4));
        let curves = event.names().map(|name| Curve { name: name.to_owned(), ..Curve::default() }).collect();
        let mut state = State {
            network: program.name,
            device: event.net().map_or(String::new(), |net| net.device().name()),
            curves,
            memory,
            begun: Some(Instant::now()),
            ..State::default()
        };
        state.progress(event);
        state.from = state.part();
        state.doing = "starting";
        state
    }

    /// Steps have ended.
    pub(super) fn progress(&mut self, event: &Event<'_>) {
        if (event.epoch, event.batch) < (self.epoch, self.batch) || event.epoch > self.epoch {
            self.rested_epoch = Duration::ZERO;
        }
        (self.epoch, self.epochs) = (event.epoch, event.epochs);
        (self.batch, self.batches, self.samples) = (event.batch, event.batches, event.samples);
        (self.steps, self.learning_rate, self.seconds) = (event.steps, event.learning_rate, event.seconds);
        self.doing = "training";
        if std::mem::take(&mut self.answered) {
            match event.saved {
                Some(path) => self.message = format!("saved {}", path.display()),
                None if self.asked => self.message = "nothing is saved, since no checkpoints were asked for".into(),
                None => {}
            }
            self.asked = false;
        }
        if event.batch > 0
            && let Some(values) = event.train
        {
            let at = self.place();
            for (curve, &value) in self.curves.iter_mut().zip(values) {
                push(&mut curve.train, (at, value));
            }
        }
    }

    /// An epoch has ended.
    pub(super) fn epoch(&mut self, event: &Event<'_>) {
        self.progress(event);
        let at = self.place();
        for (curve, &value) in self.curves.iter_mut().zip(event.validation.into_iter().flatten()) {
            push(&mut curve.validation, (at, value));
        }
        let describe = |values: Option<Numbers<'_>>| {
            let values = event.names().zip(values.into_iter().flatten());
            values.map(|(name, &value)| format!("{name} {}", short(value))).collect::<Vec<_>>().join(", ")
        };
        let mut line = format!("epoch {}/{}: {}", event.epoch, event.epochs, describe(event.train));
        if event.validation.is_some() {
            line = format!("{line}; validation {}", describe(event.validation));
        }
        if event.skipped > 0 {
            line = format!("{line}; {} skipped", event.skipped);
            self.message = format!("{} steps of epoch {} skipped", event.skipped, event.epoch);
        }
        self.lines.push(line);
    }

    /// Pauses, or goes on.
    pub(super) fn pause(&mut self) {
        match self.paused {
            None => self.paused = Some(Instant::now()),
            Some(_) => self.resume(),
        }
    }

    /// Goes on.
    pub(super) fn resume(&mut self) {
        if let Some(since) = self.paused.take() {
            self.rested += since.elapsed();
            self.rested_epoch += since.elapsed();
        }
    }

    /// Epochs done, with the part of the current one.
    fn place(&self) -> f64 {
        self.epoch.saturating_sub(1) as f64 + self.batch as f64 / self.batches.max(1) as f64
    }

    /// The part of the run that is done.
    pub(super) fn part(&self) -> f64 {
        (self.place() / self.epochs.max(1) as f64).clamp(0.0, 1.0)
    }

    /// Seconds since the run began here, without pauses.
    pub(super) fn elapsed(&self) -> f64 {
        let paused = self.paused.map_or(Duration::ZERO, |since| since.elapsed());
        self.begun.map_or(0.0, |begun| begun.elapsed().saturating_sub(self.rested + paused).as_secs_f64())
    }

    /// Seconds that the rest will take, as far as can be known.
    pub(super) fn left(&self) -> Option<f64> {
        let done = self.part() - self.from;
        (done > 1e-3).then(|| self.elapsed() * (1.0 - self.part()) / done)
    }

    /// Samples a second in this epoch.
    pub(super) fn speed(&self) -> Option<f64> {
        let seconds = self.seconds - self.rested_epoch.as_secs_f64();
        (seconds > 0.0 && self.samples > 0).then(|| self.samples as f64 / seconds)
    }

    /// Bytes that the plan asks of the device: parameters, gradients, optimizer's states and the arena.
    pub(super) fn bytes(&self) -> usize {
        let (vectors, fixed, sample) = self.memory;
        let batch = self.samples.div_ceil(self.batch.max(1));
        vectors + fixed + sample * crate::plan::capacity(batch)
    }

    /// A line for each of the last epochs.
    pub(super) fn lines(&self) -> impl Iterator<Item = &str> {
        let skipped = self.lines.len().saturating_sub(20);
        self.lines.iter().skip(skipped).map(String::as_str)
    }
}

/// Adds a point behind the others; what cannot be drawn is left out.
fn push(points: &mut Vec<(f64, f64)>, point: (f64, f64)) {
    if !point.1.is_finite() {
        return;
    }
    match points.last_mut() {
        Some(last) if last.0 >= point.0 => *last = point,
        _ => points.push(point),
    }
    if points.len() > POINTS {
        let mut number = 0;
        points.retain(|_| {
            number += 1;
            number % 2 == 0
        });
    }
}
