//! Confusion matrices.

use std::fmt;

/// How often each class has been decided for where each class is right: a row for each true class, a column for each predicted
/// one, as in scikit-learn. For yes or no, the classes are 0 (no) and 1 (yes).
///
/// As text it is a table, with the numbers of the classes; [`with_names`](Self::with_names) has names in their place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConfusionMatrix {
    classes: usize,
    counts: Vec<u64>,
}

impl ConfusionMatrix {
    /// From counts, row by row.
    pub(crate) fn of_counts(classes: usize, counts: &[f64]) -> Self {
        let mut counts: Vec<u64> = counts.iter().map(|&count| count as u64).collect();
        counts.resize(classes * classes, 0);
        ConfusionMatrix { classes, counts }
    }

    /// From pairs of what was decided and what is right.
    pub(super) fn of_decisions(classes: usize, decisions: &[f32]) -> Self {
        let mut matrix = ConfusionMatrix { classes, counts: vec![0; classes * classes] };
        for pair in decisions.chunks_exact(2) {
            let [predicted, truth] = [pair[0] as usize, pair[1] as usize];
            // What is no number is no decision.
            if predicted < classes && truth < classes {
                matrix.counts[truth * classes + predicted] += 1;
            }
        }
        matrix
    }

    /// How many classes there are.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// How many decisions for the class `predicted` there were where `truth` was right; 0 where there is no such class.
    pub fn count(&self, truth: usize, predicted: usize) -> u64 {
        if truth.max(predicted) < self.classes { self.counts[truth * self.classes + predicted] } else { 0 }
    }

    /// All counts, row by row: `classes()` times `classes()` of them.
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// How many decisions there were.
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The share of right decisions; 0 where there was none.
    pub fn accuracy(&self) -> f64 {
        over((0..self.classes).map(|class| self.count(class, class)).sum(), self.total())
    }

    /// The share of right ones among the decisions for this class; 0 where there was none.
    pub fn precision(&self, class: usize) -> f64 {
        over(self.count(class, class), (0..self.classes).map(|truth| self.count(truth, class)).sum())
    }

    /// The share of right ones among the decisions where this class is right; 0 where it never is.
    pub fn recall(&self, class: usize) -> f64 {
        over(self.count(class, class), (0..self.classes).map(|predicted| self.count(class, predicted)).sum())
    }

    /// The table with the classes' names. Classes without one have their numbers.
    pub fn with_names<'t, N: AsRef<str>>(&'t self, names: &'t [N]) -> impl fmt::Display + 't {
        Table {
            matrix: self,
            names: (0..self.classes)
                .map(|class| names.get(class).map_or_else(|| class.to_string(), |n| n.as_ref().to_owned()))
                .collect(),
        }
    }
}

fn over(part: u64, all: u64) -> f64 {
    if all == 0 { 0.0 } else { part as f64 / all as f64 }
}

impl fmt::Display for ConfusionMatrix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.with_names::<&str>(&[]))
    }
}

/// A matrix as text.
struct Table<'t> {
    matrix: &'t ConfusionMatrix,
    names: Vec<String>,
}

impl fmt::Display for Table<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const CORNER: &str = "truth \\ predicted";
        let (matrix, names) = (self.matrix, &self.names);
        let length = |text: &str| text.chars().count();
        let first = names.iter().map(|n| length(n)).chain([length(CORNER)]).max().unwrap_or(0);
        let most = matrix.counts.iter().max().map_or(0, |count| length(&count.to_string()));
        let width = |class: usize| most.max(length(&names[class]));
        write!(f, "{CORNER:first$}")?;
        (0..matrix.classes).try_for_each(|class| write!(f, "  {:>1$}", names[class], width(class)))?;
        write!(f, "  {:>6}", "recall")?;
        for (truth, name) in names.iter().enumerate() {
            write!(f, "\n{name:>first$}")?;
            for predicted in 0..matrix.classes {
                write!(f, "  {:>1$}", matrix.count(truth, predicted), width(predicted))?;
            }
            write!(f, "  {:>6.4}", matrix.recall(truth))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::ConfusionMatrix;

    #[test]
    fn counts_and_decisions_are_the_same_table() {
        let decisions = [0.0, 0.0, 1.0, 0.0, 1.0, 1.0, 2.0, 1.0, 1.0, 1.0];
        let matrix = ConfusionMatrix::of_decisions(3, &decisions);
        assert_eq!(matrix, ConfusionMatrix::of_counts(3, &[1.0, 1.0, 0.0, 0.0, 2.0, 1.0, 0.0, 0.0, 0.0]));
        assert_eq!((matrix.total(), matrix.count(0, 1), matrix.count(1, 2), matrix.count(3, 0)), (5, 1, 1, 0));
        assert_eq!(
            (matrix.accuracy(), matrix.precision(1), matrix.recall(1), matrix.recall(2)),
            (0.6, 2.0 / 3.0, 2.0 / 3.0, 0.0)
        );
        assert_eq!(ConfusionMatrix::default().accuracy(), 0.0);
        // What is no number is no class.
        assert_eq!(ConfusionMatrix::of_decisions(2, &[2.0, 0.0, f32::NAN, 1.0, 0.0, 0.0]).total(), 2);
    }

    #[test]
    fn it_is_a_table() {
        let matrix = ConfusionMatrix::of_counts(2, &[1234.0, 5.0, 6.0, 78.0]);
        let expected = "\
truth \\ predicted   cat  a dog  recall
              cat  1234      5  0.9960
            a dog     6     78  0.9286";
        assert_eq!(matrix.with_names(&["cat", "a dog"]).to_string(), expected);
        assert!(matrix.to_string().starts_with("truth \\ predicted     0     1  recall\n"));
    }
}
