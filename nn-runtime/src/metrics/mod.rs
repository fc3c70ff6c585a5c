//! How the results of steps become one report: exactly, whatever the batch sizes.
//!
//! [`Combined`] adds up what steps leave; [`Measured`] is what becomes of it. What is no number of its own has a type:
//! [`ConfusionMatrix`], [`RocCurve`], [`PrCurve`], and a `Vec<f64>` with a number for each class.

mod confusion;
mod curve;
mod measured;
mod rate;
mod text;

pub use confusion::ConfusionMatrix;
pub use curve::{PrCurve, RocCurve};
pub use measured::{Figure, Measured, figure_names, names};
pub use text::display;
pub(crate) use text::short;

use crate::program::{Average, LossTerm, Metric, MetricKind, Program, Summary};

/// Combines the results of steps: the mean loss first, then the metrics' statistics, then numbers of each sample.
#[derive(Debug, Clone)]
pub(crate) struct Combined {
    metrics: &'static [Metric],
    /// Floats of a step's results, and how many follow for each of its samples.
    slot: (usize, usize),
    samples: f64,
    /// The mean over samples of what is no term of its own.
    loss: f64,
    terms: Vec<Mean>,
    states: Vec<State>,
}

/// What is known of a metric so far.
#[derive(Debug, Clone)]
enum State {
    /// The mean of each column.
    Means(Vec<f64>),
    R2(Vec<Column>),
    /// Sums of the statistics.
    Sums(Vec<f64>),
    /// Numbers of all samples.
    Samples(Vec<f32>),
}

/// A term of the loss so far.
#[derive(Debug, Clone, Copy)]
struct Mean {
    term: LossTerm,
    /// What has counted.
    weight: f64,
    mean: f64,
}

impl Mean {
    /// Adds a step's; gives its value.
    fn add(&mut self, results: &[f32]) -> f64 {
        let [value, weight] =
            [self.term.value, self.term.weight].map(|at| results.get(at).map_or(0.0, |&x| f64::from(x)));
        self.weight += weight;
        // As long as nothing has counted, the last value stands.
        let share = if self.weight == 0.0 { 1.0 } else { weight / self.weight };
        self.mean += (value - self.mean) * share;
        value
    }
}

/// What is known of one column of an R2.
#[derive(Debug, Clone, Copy, Default)]
struct Column {
    /// Mean squared error.
    error: f64,
    /// Mean of the target.
    mean: f64,
    /// Sum of the target's squared deviations from its mean.
    deviation: f64,
    /// How many numbers there are, or how much they count.
    weight: f64,
}

/// Floats that steps leave: some, and so many for each of their samples.
fn slot(program: &Program) -> (usize, usize) {
    let schedule = program.evaluate.as_ref().or(program.train.as_ref());
    schedule.map_or((0, 0), |schedule| (schedule.result_floats, schedule.result_sample_floats))
}

/// The losses of steps over so many samples each, one after another.
pub(crate) fn losses<'r, B: IntoIterator<Item = usize>>(
    program: &Program,
    batches: B,
    results: &'r [f32],
) -> impl Iterator<Item = f32> + use<'r, B> {
    slots(program, batches, results).filter_map(|(_, results)| results.first().copied())
}

/// The results of each step over so many samples, one after another, as far as there are some.
pub(crate) fn slots<'r, B: IntoIterator<Item = usize>>(
    program: &Program,
    batches: B,
    results: &'r [f32],
) -> impl Iterator<Item = (usize, &'r [f32])> + use<'r, B> {
    slots_of(slot(program), batches, results)
}

fn slots_of<'r, B: IntoIterator<Item = usize>>(
    (floats, sample_floats): (usize, usize),
    batches: B,
    mut results: &'r [f32],
) -> impl Iterator<Item = (usize, &'r [f32])> + use<'r, B> {
    batches.into_iter().map_while(move |batch| {
        let (now, rest) = results.split_at_checked(floats + batch * sample_floats)?;
        results = rest;
        Some((batch, now))
    })
}

impl Combined {
    /// Nothing yet.
    pub(crate) fn new(program: &'static Program) -> Self {
        Combined::of(program.metrics, slot(program), program.loss_terms)
    }

    fn of(metrics: &'static [Metric], slot: (usize, usize), terms: &'static [LossTerm]) -> Self {
        let state = |m: &Metric| match m.kind {
            MetricKind::Mean | MetricKind::RootMean | MetricKind::ExpMean => State::Means(vec![0.0; m.len]),
            MetricKind::R2 => State::R2(vec![Column::default(); m.len / 3]),
            MetricKind::WeightedR2 => State::R2(vec![Column::default(); m.len / 4]),
            _ if m.sample_len > 0 => State::Samples(vec![]),
            _ => State::Sums(vec![0.0; m.len]),
        };
        let states = metrics.iter().map(state).collect();
        let terms = terms.iter().map(|&term| Mean { term, weight: 0.0, mean: 0.0 }).collect();
        Combined { metrics, slot, samples: 0.0, loss: 0.0, terms, states }
    }

    /// Adds the results of one step over `batch` samples.
    pub(crate) fn add(&mut self, batch: usize, results: &[f32]) {
        let n = batch as f64;
        let total = self.samples + n;
        if total == 0.0 {
            return;
        }
        let part = n / total;
        let mean = |mean: &mut f64, value: f32| *mean += (f64::from(value) - *mean) * part;
        if let Some(&loss) = results.first() {
            let rest = self.terms.iter_mut().fold(f64::from(loss), |rest, mean| rest - mean.add(results));
            // Nothing is left where the loss is one term, also if that is infinite.
            let is_one = self.terms.iter().any(|mean| mean.term.value == 0);
            self.loss += if is_one { 0.0 } else { (rest - self.loss) * part };
        }
        let (floats, sample_floats) = self.slot;
        let of_samples = results.get(floats..).unwrap_or_default();
        for (metric, state) in self.metrics.iter().zip(&mut self.states) {
            let Some(statistics) = results.get(metric.offset..metric.offset + metric.len) else { continue };
            match state {
                State::Means(means) => means.iter_mut().zip(statistics).for_each(|(m, &s)| mean(m, s)),
                State::R2(columns) => {
                    let count = columns.len();
                    for (i, column) in columns.iter_mut().enumerate() {
                        let [error, target, deviation] = [0, 1, 2].map(|k| f64::from(statistics[k * count + i]));
                        let weight = statistics.get(3 * count + i).map_or(n, |&weight| f64::from(weight));
                        column.add(weight, error, target, deviation);
                    }
                }
                State::Sums(sums) => sums.iter_mut().zip(statistics).for_each(|(sum, &s)| *sum += f64::from(s)),
                State::Samples(numbers) => {
                    for sample in of_samples.chunks_exact(sample_floats.max(1)) {
                        numbers.extend(&sample[metric.sample_offset..metric.sample_offset + metric.sample_len]);
                    }
                }
            }
        }
        self.samples = total;
    }

    /// Adds steps one after another, as far as their results are there.
    pub(crate) fn add_all(&mut self, batches: impl IntoIterator<Item = usize>, results: &[f32]) {
        for (batch, results) in slots_of(self.slot, batches, results) {
            self.add(batch, results);
        }
    }

    /// Floats of the results of so many steps, over so many samples together.
    pub(crate) fn floats(&self, steps: usize, samples: usize) -> usize {
        let (floats, sample_floats) = self.slot;
        steps * floats + samples * sample_floats
    }

    /// The loss, then each metric.
    pub(crate) fn values(&self) -> Measured {
        let mut measured = Measured { numbers: Vec::with_capacity(1 + self.metrics.len()), figures: vec![] };
        measured.numbers.push(self.loss + self.terms.iter().map(|mean| mean.mean).sum::<f64>());
        for (metric, state) in self.metrics.iter().zip(&self.states) {
            match self.value(metric.kind, state) {
                Value::Number(number) => measured.numbers.push(number),
                Value::Figure(figure) => measured.figures.push(figure),
            }
        }
        measured
    }

    fn value(&self, kind: MetricKind, state: &State) -> Value {
        let average = |numbers: &mut dyn ExactSizeIterator<Item = f64>| {
            let count = numbers.len().max(1);
            numbers.sum::<f64>() / count as f64
        };
        match (state, kind) {
            (State::Means(means), MetricKind::RootMean) => {
                Value::Number(average(&mut means.iter().map(|mean| mean.sqrt())))
            }
            (State::Means(means), MetricKind::ExpMean) => Value::Number(average(&mut means.iter().map(|m| m.exp()))),
            (State::Means(means), _) => Value::Number(average(&mut means.iter().copied())),
            (State::R2(columns), _) => {
                let present: Vec<f64> = columns.iter().filter(|c| c.weight != 0.0).map(Column::r2).collect();
                Value::Number(average(&mut present.into_iter()))
            }
            (State::Sums(sums), MetricKind::Rate { rate, average, decisions }) => {
                rate::value(rate, average, sums, decisions.map(|decisions| self.samples * decisions as f64))
            }
            (State::Sums(counts), MetricKind::ConfusionMatrix { classes }) => {
                Value::Figure(Figure::ConfusionMatrix(ConfusionMatrix::of_counts(classes, counts)))
            }
            (State::Samples(numbers), MetricKind::ConfusionMatrix { classes }) => {
                Value::Figure(Figure::ConfusionMatrix(ConfusionMatrix::of_decisions(classes, numbers)))
            }
            (State::Samples(numbers), MetricKind::Scores { summary, classes, positions, indexed }) => {
                curve::value(summary, numbers, classes, positions, indexed)
            }
            (State::Sums(sums), MetricKind::SumOfRatios) => {
                let (over, under) = sums.split_at(sums.len() / 2);
                let present = over.iter().zip(under).filter(|(_, under)| **under != 0.0);
                Value::Number(present.map(|(over, under)| over / under).sum())
            }
            (State::Sums(sums), kind) => {
                let (over, under) = sums.split_at(sums.len() / 2);
                let finish = |mean: f64| match kind {
                    MetricKind::RootRatio => mean.sqrt(),
                    MetricKind::ExpRatio => mean.exp(),
                    _ => mean,
                };
                let present: Vec<f64> =
                    over.iter().zip(under).filter(|(_, u)| **u != 0.0).map(|(o, u)| finish(o / u)).collect();
                Value::Number(average(&mut present.into_iter()))
            }
            (State::Samples(_), _) => Value::Number(f64::NAN),
        }
    }
}

/// What a metric comes to.
enum Value {
    Number(f64),
    Figure(Figure),
}

impl MetricKind {
    /// Whether it comes to one number.
    pub(crate) fn is_number(self) -> bool {
        match self {
            MetricKind::Rate { average, .. } => average != Average::None,
            MetricKind::ConfusionMatrix { .. } => false,
            MetricKind::Scores { summary: Summary::Auc(average) | Summary::AveragePrecision(average), .. } => {
                average != Average::None
            }
            MetricKind::Scores { .. } => false,
            _ => true,
        }
    }
}

impl Column {
    /// Adds numbers that count so much together, by their means.
    fn add(&mut self, weight: f64, error: f64, target: f64, deviation: f64) {
        let total = self.weight + weight;
        if total == 0.0 {
            return;
        }
        let part = weight / total;
        self.error += (error - self.error) * part;
        // Chan, Golub and LeVeque: two sets' deviations, and that of their means.
        let delta = target - self.mean;
        self.deviation += deviation * weight + delta * delta * self.weight * part;
        self.mean += delta * part;
        self.weight = total;
    }

    /// As scikit-learn's `r2_score`, which gives 1 or 0 where the target is constant. Means of f32 are rounded: a deviation within that is none.
    fn r2(&self) -> f64 {
        let errors = self.error * self.weight;
        let rounding = self.mean * 4.0 * f64::from(f32::EPSILON);
        let is_constant = self.deviation <= rounding * rounding * self.weight;
        match (errors, if is_constant { 0.0 } else { self.deviation }) {
            (0.0, 0.0) => 1.0,
            (_, 0.0) => 0.0,
            (errors, deviation) => 1.0 - errors / deviation,
        }
    }
}

#[cfg(test)]
mod tests;
