//! Rules of what reads sequences, `[length, features]`: embeddings, attention, masks.

use super::Fact;
use super::rules::{nearest_divisors, sequence};

/// Why a function of sequences cannot be applied. Operands are numbered as in [`Fact`].
#[derive(Clone, Debug, PartialEq)]
pub enum SequenceFact {
    /// The features are no multiple of the heads.
    Heads {
        /// Which operand.
        operand: usize,
        /// Its features.
        width: usize,
        /// The option: `heads` or `kv_heads`.
        option: &'static str,
        /// What it is.
        heads: usize,
        /// Numbers that would do, nearest to it, ascending.
        divisors: Vec<usize>,
    },
    /// The heads of the queries are no multiple of those of keys and values.
    KvHeads {
        /// Heads of the queries.
        heads: usize,
        /// Heads of keys and values.
        kv_heads: usize,
        /// Numbers that would do, nearest to `kv_heads`, ascending.
        divisors: Vec<usize>,
    },
    /// Queries and keys are compared head by head, so their heads must have one width.
    KeyWidth {
        /// The queries.
        queries: Vec<usize>,
        /// The keys.
        keys: Vec<usize>,
        /// Features that the keys would need.
        expected: usize,
    },
    /// Two sequences must have one length.
    Lengths {
        /// Which operands.
        operands: [usize; 2],
        /// Their shapes.
        shapes: [Vec<usize>; 2],
        /// Whether it is `causal` that asks for it.
        causal: bool,
    },
    /// A mask fits nothing.
    Mask {
        /// The mask.
        mask: Vec<usize>,
        /// The shapes that it may have.
        allowed: Vec<Vec<usize>>,
    },
    /// Two features are turned together, so there must be an even number of them in each head.
    OddHead {
        /// Which operand.
        operand: usize,
        /// Its features.
        width: usize,
        /// The heads.
        heads: usize,
    },
    /// There is no such token.
    PaddingIndex {
        /// The option's value.
        index: i64,
        /// How many tokens there are.
        classes: usize,
    },
    /// No layer has declared such a parameter.
    NoParameter {
        /// The name that was looked for.
        name: String,
        /// Those that there are.
        known: Vec<String>,
    },
    /// A parameter that is used again does not fit.
    Tied {
        /// The operand.
        shape: Vec<usize>,
        /// The parameter.
        name: String,
        /// Its dimensions.
        dims: Vec<usize>,
    },
    /// Only a sequence has an order in which one element comes before another one.
    CausalPadding {
        /// What is no sequence.
        shape: Vec<usize>,
    },
    /// A length is one number for each sample.
    NotALength {
        /// The argument.
        option: &'static str,
        /// What it is.
        shape: Vec<usize>,
        /// How long the sequence is.
        length: usize,
    },
    /// A sequence of labels is wanted.
    Labels {
        /// What it is.
        shape: Vec<usize>,
        /// How many classes there are.
        classes: usize,
    },
    /// The blank is none of the classes.
    Blank {
        /// The option's value.
        blank: i64,
        /// How many classes the logits have.
        classes: usize,
    },
    /// Labels have other classes than the logits, even without the blank.
    Spelling {
        /// Classes of the logits.
        classes: usize,
        /// Classes of the labels.
        of_labels: usize,
        /// The blank's number.
        blank: usize,
    },
    /// A length may be larger than the sequence.
    TooLong {
        /// The argument.
        option: &'static str,
        /// The largest length.
        longest: usize,
        /// How long the sequence is.
        length: usize,
    },
}

impl From<SequenceFact> for Fact {
    fn from(fact: SequenceFact) -> Self {
        Fact::Sequence(fact)
    }
}

/// Length and features of a sequence.
pub fn length_and_features(operand: usize, shape: &[usize]) -> Result<[usize; 2], Fact> {
    sequence(operand, shape)?;
    Ok([shape[0], shape[1]])
}

/// The width of each of so many heads.
pub fn head_width(operand: usize, width: usize, option: &'static str, heads: usize) -> Result<usize, Fact> {
    if heads > 0 && width.is_multiple_of(heads) {
        return Ok(width / heads);
    }
    let divisors = nearest_divisors(width, heads);
    Err(SequenceFact::Heads { operand, width, option, heads, divisors }.into())
}

/// How many heads of the queries share one head of keys and values.
pub fn head_groups(heads: usize, kv_heads: usize) -> Result<usize, Fact> {
    if kv_heads > 0 && heads.is_multiple_of(kv_heads) {
        return Ok(heads / kv_heads);
    }
    Err(SequenceFact::KvHeads { heads, kv_heads, divisors: nearest_divisors(heads, kv_heads) }.into())
}

/// Two sequences of one length.
pub fn same_length(operands: [usize; 2], shapes: [&[usize]; 2], causal: bool) -> Result<(), Fact> {
    if shapes[0].first() == shapes[1].first() {
        return Ok(());
    }
    Err(SequenceFact::Lengths { operands, shapes: shapes.map(<[usize]>::to_vec), causal }.into())
}

/// The dimensions of a mask among ones, so that it broadcasts to `[heads, queries, keys]`.
pub fn attention_mask(mask: &[usize], [heads, queries, keys]: [usize; 3]) -> Result<Vec<usize>, Fact> {
    match *mask {
        [k] if k == keys => Ok(vec![1, 1, k]),
        [q, k] if [q, k] == [queries, keys] => Ok(vec![1, q, k]),
        [h, q, k] if [h, q, k] == [heads, queries, keys] => Ok(mask.to_vec()),
        _ => {
            let allowed = vec![vec![keys], vec![queries, keys], vec![heads, queries, keys]];
            Err(SequenceFact::Mask { mask: mask.to_vec(), allowed }.into())
        }
    }
}

/// A number of each sample that says how much of a sequence is there: from 0 to all `length` of it.
pub fn length_up_to(option: &'static str, shape: &[usize], classes: usize, length: usize) -> Result<(), Fact> {
    if !shape.is_empty() {
        return Err(SequenceFact::NotALength { option, shape: shape.to_vec(), length }.into());
    }
    if classes > length + 1 {
        return Err(SequenceFact::TooLong { option, longest: classes - 1, length }.into());
    }
    Ok(())
}

/// A mask of a sequence's positions.
pub fn position_mask(mask: &[usize], length: usize) -> Result<(), Fact> {
    if *mask == [length] {
        return Ok(());
    }
    Err(SequenceFact::Mask { mask: mask.to_vec(), allowed: vec![vec![length]] }.into())
}
