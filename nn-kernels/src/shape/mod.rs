//! Shape rules: one function for what each user-visible function demands of its operands' shapes.
//!
//! A rule that holds returns the result's shape (or what the caller needs to build it). A rule that fails returns a
//! [`Fact`]: plain data about which operand, which dimension, and what would fit. The front end makes sentences of
//! facts; nothing here is prose.
//!
//! Shapes are per-sample dimensions throughout. All arithmetic on sizes is checked, so that no declared number, however
//! large, can overflow.

mod fact;
mod rules;
mod sequence;
#[cfg(test)]
mod tests;
mod window;

pub use fact::{Allowed, Fact, Grouped, Sized};
pub use rules::{
    all_axes, axes, axis, broadcast, class_count, classes, concat, dims, divide_axis, matmul, option, parameter, parts,
    permutation, range, rank_at_least, reshape, same, scalar, sequence, stack, vector,
};
pub use sequence::{
    SequenceFact, attention_mask, head_groups, head_width, length_and_features, length_up_to, position_mask,
    same_length,
};
pub use window::{
    LAYOUTS, Margin, Margins, Padding, PaddingMode, PerAxis, TransposedOptions, WindowOptions, Windows, convolution,
    crop, group_channels, layout, pad, pool_padding, transposed_windows, windows,
};

/// Elements of one sample of a tensor, of one parameter, and of all parameters together stay below this.
pub const ELEMENT_LIMIT: usize = 1 << 31;

/// Class counts stay below this: class indices travel as f32, which is exact up to here.
pub const CLASS_LIMIT: usize = 1 << 24;
