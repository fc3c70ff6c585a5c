//! Reading labels out of the scores of a network that `ctc` has trained.

use crate::{Error, Result};

/// The labels that the likeliest path spells: the best class of each step, repetitions merged, blanks removed. (The likeliest labels may be
/// others, which many unlikely paths spell; after a good training they hardly ever are.)
///
/// `scores` are one sample's, a row for each step that is there: logits or probabilities. Of equal scores the first class wins.
///
/// ```
/// # use nn_runtime as nn;
/// let scores = [[0.1, 0.9, 0.0], [0.2, 0.8, 0.0], [0.9, 0.1, 0.0], [0.1, 0.7, 0.2], [0.0, 0.1, 0.9]];
/// assert_eq!(nn::ctc_greedy(&scores, 0)?, [1, 1, 2]);
/// # Ok::<(), nn::Error>(())
/// ```
///
/// # Errors
/// If `blank` is none of the classes.
pub fn ctc_greedy<const CLASSES: usize>(scores: &[[f32; CLASSES]], blank: usize) -> Result<Vec<u32>> {
    if blank >= CLASSES {
        return Err(Error::Option(format!(
            "the blank is {blank}, but there are {CLASSES} classes, 0 to {}",
            CLASSES.saturating_sub(1)
        )));
    }
    let mut labels = vec![];
    let mut before = blank;
    for scores in scores {
        let mut best = 0;
        for (class, score) in scores.iter().enumerate() {
            // A NaN is never above anything; nothing is above one, so it gives way to all others.
            if *score > scores[best] || scores[best].is_nan() {
                best = class;
            }
        }
        if best != before && best != blank {
            labels.push(best as u32);
        }
        before = best;
    }
    Ok(labels)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scores by which a path says these classes.
    fn says<const CLASSES: usize>(path: &[usize]) -> Vec<[f32; CLASSES]> {
        path.iter().map(|class| std::array::from_fn(|i| if i == *class { 0.5 } else { -1.0 })).collect()
    }

    #[test]
    fn repetitions_are_merged_and_blanks_removed() {
        for (path, blank, labels) in [
            (&[0, 1, 1, 0, 1, 2, 2, 0][..], 0, &[1, 1, 2][..]),
            (&[0, 0, 0], 0, &[]),
            (&[2, 2, 1], 0, &[2, 1]),
            (&[0, 0, 2, 0, 1], 2, &[0, 0, 1]),
            (&[], 1, &[]),
        ] {
            assert_eq!(ctc_greedy(&says::<3>(path), blank).unwrap(), labels, "{path:?}, blank {blank}");
        }
    }

    #[test]
    fn odd_scores_and_a_blank_that_is_none() {
        assert_eq!(ctc_greedy(&[[f32::NAN, 1.0, 1.0]], 0).unwrap(), [1]);
        assert_eq!(ctc_greedy(&[[f32::NAN; 3]], 0).unwrap(), [2]);
        let error = ctc_greedy(&[[0.0; 3]], 3).unwrap_err();
        assert_eq!(error.to_string(), "the blank is 3, but there are 3 classes, 0 to 2");
        assert!(ctc_greedy::<0>(&[], 0).is_err());
    }
}
