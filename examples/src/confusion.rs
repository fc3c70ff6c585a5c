//! The confusion matrix: how often each class was taken for which.

use std::fmt::{Display, Formatter, Result};

/// Counts of (true class, predicted class).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confusion {
    counts: Vec<Vec<usize>>,
    names: Vec<String>,
}

impl Confusion {
    /// Counts pairs; pairs outside of the classes are left out.
    pub fn new(classes: usize, pairs: impl IntoIterator<Item = (usize, usize)>) -> Self {
        let mut counts = vec![vec![0; classes]; classes];
        for (truth, predicted) in pairs {
            if let Some(count) = counts.get_mut(truth).and_then(|row| row.get_mut(predicted)) {
                *count += 1;
            }
        }
        Self { counts, names: Vec::new() }
    }

    /// Counts the classes with the highest scores, against the true ones.
    pub fn of_scores<const CLASSES: usize>(truth: &[u32], scores: &[[f32; CLASSES]]) -> Self {
        let truth = truth.iter().map(|&class| class as usize);
        Self::new(CLASSES, truth.zip(scores.iter().map(|scores| argmax(scores))))
    }

    /// Names of the classes, to be printed below the counts.
    #[must_use]
    pub fn with_names(mut self, names: Vec<String>) -> Self {
        self.names = names;
        self
    }

    /// How often, for each true class, each class was predicted.
    pub fn counts(&self) -> &[Vec<usize>] {
        &self.counts
    }

    /// The share of pairs that agree.
    pub fn accuracy(&self) -> f64 {
        let total: usize = self.counts.iter().flatten().sum();
        let right: usize = self.counts.iter().enumerate().map(|(class, row)| row[class]).sum();
        right as f64 / total.max(1) as f64
    }
}

/// A row for each true class, a column for each predicted one.
impl Display for Confusion {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "true \\ read as")?;
        for class in 0..self.counts.len() {
            write!(f, "{class:6}")?;
        }
        for (class, row) in self.counts.iter().enumerate() {
            write!(f, "\n{class:14}")?;
            for count in row {
                match count {
                    0 => write!(f, "{:>6}", ".")?,
                    _ => write!(f, "{count:6}")?,
                }
            }
        }
        let names = self.names.iter().enumerate().map(|(class, name)| format!("{class} {name}"));
        match self.names.is_empty() {
            true => Ok(()),
            false => write!(f, "\n{}", names.collect::<Vec<_>>().join(", ")),
        }
    }
}

/// The class with the highest score; the first of equals.
pub fn argmax(scores: &[f32]) -> usize {
    let mut best = 0;
    for (class, score) in scores.iter().enumerate() {
        if *score > scores[best] {
            best = class;
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_rows_by_truth_and_columns_by_prediction() {
        let confusion = Confusion::new(3, [(0, 0), (0, 0), (1, 2), (2, 2)]);
        assert_eq!(confusion.accuracy(), 0.75);
        let text = confusion.to_string();
        assert_eq!(text.lines().nth(2).unwrap().split_whitespace().collect::<Vec<_>>(), ["1", ".", ".", "1"]);
    }

    #[test]
    fn scores_are_counted_by_the_highest_and_names_stand_below() {
        let confusion = Confusion::of_scores(&[1, 0], &[[0.1, 0.9], [0.2, 0.8]]);
        assert_eq!(confusion, Confusion::new(2, [(1, 1), (0, 1)]));
        let text = confusion.with_names(vec!["cat".into(), "dog".into()]).to_string();
        assert_eq!(text.lines().last(), Some("0 cat, 1 dog"));
    }

    #[test]
    fn the_first_of_equals_wins() {
        assert_eq!(argmax(&[0.1, 0.7, 0.7]), 1);
    }
}
