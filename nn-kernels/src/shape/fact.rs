//! What a failed rule has to say.

use super::{Margin, PaddingMode, Windows};

/// Why a function cannot be applied, as data. Operands are numbered as the function's tensor arguments, from 0.
#[derive(Clone, Debug, PartialEq)]
pub enum Fact {
    /// A parameter exists once, for all applications of a layer, but this one needs another shape.
    Shared {
        /// Its path.
        parameter: String,
        /// The dimensions that it has since the first application.
        first: Vec<usize>,
        /// Those that this one needs.
        dims: Vec<usize>,
    },
    /// A parameter exists once, for all applications of a layer, but this one would start it in another way.
    SharedStart {
        /// Its path.
        parameter: String,
    },
    /// A vector is wanted (`dense`).
    NotAVector {
        /// Which operand.
        operand: usize,
        /// What it is.
        shape: Vec<usize>,
        /// What `flatten` would make of it.
        features: usize,
    },
    /// A sequence, `[length, features]`, is wanted (`lstm`).
    NotASequence {
        /// Which operand.
        operand: usize,
        /// What it is.
        shape: Vec<usize>,
    },
    /// What a recurrent layer shall begin with has another shape than its state.
    State {
        /// The option.
        option: &'static str,
        /// What is given.
        shape: Vec<usize>,
        /// What the state is.
        expected: Vec<usize>,
    },
    /// A recurrent layer is to go on where the batch before ended, which this option contradicts: something to begin with, or a second
    /// direction.
    Stateful {
        /// The option.
        option: &'static str,
    },
    /// A scalar, `[]`, is wanted (`loss`).
    NotAScalar {
        /// What it is.
        shape: Vec<usize>,
    },
    /// More axes are wanted than the operand has.
    TooFewAxes {
        /// Which operand.
        operand: usize,
        /// What it is.
        shape: Vec<usize>,
        /// How many axes it must have.
        needed: usize,
    },
    /// There is no such axis.
    AxisOutOfRange {
        /// The axis as written; negative ones count from the end.
        axis: i64,
        /// The shape that lacks it.
        shape: Vec<usize>,
    },
    /// Two of the axes given are one.
    AxisTwice {
        /// The second one, as written.
        axis: i64,
        /// The same axis, from 0.
        resolved: usize,
        /// The shape it belongs to.
        shape: Vec<usize>,
    },
    /// Two shapes do not broadcast against each other.
    Broadcast {
        /// The first operand.
        left: Vec<usize>,
        /// The second operand.
        right: Vec<usize>,
        /// The last axis of the first operand that does not fit.
        left_axis: usize,
        /// Its counterpart in the second operand.
        right_axis: usize,
    },
    /// Two shapes must be equal and are not (losses and metrics never broadcast).
    Differ {
        /// The first operand.
        left: Vec<usize>,
        /// The second operand.
        right: Vec<usize>,
        /// Whether a `reshape` of either would do: both have the same number of elements.
        same_size: bool,
        /// Whether they would broadcast, which is what is prevented here.
        would_broadcast: bool,
    },
    /// The new shape has another number of elements than the old one.
    ReshapeSize {
        /// What is to be reshaped.
        shape: Vec<usize>,
        /// Its elements.
        elements: usize,
        /// The shape wanted; -1 stands for "what remains".
        wanted: Vec<i64>,
        /// The product of the wanted dimensions, -1 left out.
        product: usize,
        /// The axis of `wanted` that is -1, if there is one (then `elements` is no multiple of `product`).
        inferred: Option<usize>,
    },
    /// A wanted dimension is negative and not -1, or there is more than one -1.
    ReshapeDimension {
        /// The shape wanted.
        wanted: Vec<i64>,
        /// The dimension at fault.
        axis: usize,
    },
    /// Nothing to concatenate.
    NoParts,
    /// Parts differ in an axis other than the one along which they are concatenated, or in their number of axes.
    Concat {
        /// The part that differs from part 0.
        operand: usize,
        /// Part 0.
        first: Vec<usize>,
        /// The part that differs.
        shape: Vec<usize>,
        /// The axis along which they are concatenated.
        along: usize,
        /// The first axis that differs; `None` if the numbers of axes do.
        axis: Option<usize>,
    },
    /// The last axis of the first matrix is not the last but one of the second.
    MatmulInner {
        /// The first operand.
        left: Vec<usize>,
        /// The second operand.
        right: Vec<usize>,
        /// Size of the last axis of the first.
        left_size: usize,
        /// Size of the last but one axis of the second.
        right_size: usize,
        /// Whether the product with the first operand transposed exists.
        transposed_left_fits: bool,
        /// Whether the product with the second operand transposed exists.
        transposed_right_fits: bool,
    },
    /// The logits' class axis has another size than the label has classes.
    Classes {
        /// The logits.
        logits: Vec<usize>,
        /// Their class axis.
        axis: usize,
        /// Its size.
        width: usize,
        /// The label's classes.
        classes: usize,
        /// Axes of the logits with which it would work.
        fitting_axes: Vec<usize>,
    },
    /// The label's shape is not the logits' without their class axis.
    Positions {
        /// The logits.
        logits: Vec<usize>,
        /// Their class axis.
        axis: usize,
        /// The label's shape.
        label: Vec<usize>,
        /// What the label's shape would have to be.
        expected: Vec<usize>,
        /// Axes of the logits with which it would work.
        fitting_axes: Vec<usize>,
    },
    /// A label must have exactly two classes here.
    NotBinary {
        /// How many it has.
        classes: usize,
    },
    /// An axis cannot be cut into equal groups.
    NotDivisible {
        /// The operand.
        shape: Vec<usize>,
        /// The axis.
        axis: usize,
        /// Its size.
        size: usize,
        /// What it should be a multiple of.
        divisor: usize,
        /// The size's divisors nearest to `divisor`, ascending: at most one below and one above.
        divisors: Vec<usize>,
    },
    /// An operand has other axes than the function's layout: an image is `[channels, height, width]`.
    Layout {
        /// Which operand.
        operand: usize,
        /// What it is.
        shape: Vec<usize>,
        /// What its axes would be.
        layout: &'static [&'static str],
    },
    /// A list of numbers, one for each axis, has another length.
    AxisCount {
        /// The option.
        option: &'static str,
        /// How many numbers it has.
        given: usize,
        /// The axes.
        axes: &'static [&'static str],
    },
    /// A window is larger than the padded axis.
    Window {
        /// The operand.
        shape: Vec<usize>,
        /// The axis.
        axis: usize,
        /// The window; it has no position.
        windows: Windows,
    },
    /// `padding = same` has no meaning with a stride.
    SameStride {
        /// The stride.
        stride: usize,
    },
    /// Windows that could lie wholly in the padding.
    PoolPadding {
        /// The padding.
        padding: usize,
        /// The window, from its first to its last element.
        extent: usize,
    },
    /// Channels or filters are no multiple of the groups.
    Groups {
        /// Which of the two.
        what: Grouped,
        /// How many there are.
        size: usize,
        /// The groups.
        groups: usize,
        /// Numbers of groups that would do, nearest to `groups`, ascending.
        divisors: Vec<usize>,
    },
    /// `output_padding` must be smaller than the stride or the dilation.
    OutputPadding {
        /// What it is.
        output_padding: usize,
        /// The stride.
        stride: usize,
        /// The dilation.
        dilation: usize,
    },
    /// A transposed convolution would cut off everything.
    TransposedPadding {
        /// The operand.
        shape: Vec<usize>,
        /// The axis.
        axis: usize,
        /// How long the axis would be without padding.
        spread: usize,
        /// What is cut off on both sides.
        padding: usize,
    },
    /// More margins than axes.
    Margins {
        /// The option.
        option: &'static str,
        /// The operand.
        shape: Vec<usize>,
        /// How many margins are given.
        given: usize,
    },
    /// There is not enough to reflect or to repeat.
    PaddingTooLarge {
        /// What lies beyond the edges.
        mode: PaddingMode,
        /// The operand.
        shape: Vec<usize>,
        /// The axis.
        axis: usize,
        /// The padding.
        padding: usize,
        /// The largest possible one.
        limit: usize,
    },
    /// Nothing would remain.
    Crop {
        /// The operand.
        shape: Vec<usize>,
        /// The axis.
        axis: usize,
        /// What is to be cut off before and after.
        margin: Margin,
    },
    /// An order of axes lacks some of them.
    Permutation {
        /// The operand.
        shape: Vec<usize>,
        /// The order as written.
        given: Vec<i64>,
    },
    /// Sizes of parts do not add up to their axis.
    Parts {
        /// The operand.
        shape: Vec<usize>,
        /// The axis.
        axis: usize,
        /// The sizes.
        sizes: Vec<usize>,
        /// Their sum.
        sum: usize,
    },
    /// Parts that are stacked must have one shape.
    Stack {
        /// The part that differs from part 0.
        operand: usize,
        /// Part 0.
        first: Vec<usize>,
        /// The part that differs.
        shape: Vec<usize>,
    },
    /// A range of elements that is empty or reaches beyond its axis.
    Range {
        /// The operand.
        shape: Vec<usize>,
        /// The axis.
        axis: usize,
        /// The first element, as written.
        start: i64,
        /// The end, as written.
        end: Option<i64>,
    },
    /// `prelu` takes one slope, or one for each channel (axis 0).
    Slopes {
        /// The operand.
        shape: Vec<usize>,
        /// How many slopes are wanted.
        slopes: usize,
    },
    /// A dimension or a count is 0.
    Zero {
        /// The dimensions at fault.
        dims: Vec<usize>,
        /// Which of them is 0.
        axis: usize,
    },
    /// Too many elements.
    TooLarge {
        /// What has too many.
        what: Sized,
        /// Its dimensions (all of them together, for [`Sized::AllParameters`]).
        dims: Vec<usize>,
        /// The number of elements stays below this.
        limit: usize,
    },
    /// Too many classes.
    TooManyClasses {
        /// How many.
        classes: usize,
        /// Their number stays below this.
        limit: usize,
    },
    /// An initializer needs a fan-in and a fan-out, and the tensor has less than two axes.
    NoFans {
        /// The initializer's name in the language.
        initializer: &'static str,
        /// The tensor's dimensions.
        dims: Vec<usize>,
    },
    /// An option has a value that makes no sense.
    Option {
        /// The option's name.
        name: &'static str,
        /// What it was given.
        value: f64,
        /// What it may be.
        allowed: Allowed,
    },
    /// Something about sequences.
    Sequence(super::SequenceFact),
    /// There are not as many weights as classes.
    ClassWeights {
        /// How many weights are given.
        given: usize,
        /// How many classes there are.
        classes: usize,
    },
    /// A mask has the shape of what it masks, or of its first axes.
    Mask {
        /// The mask.
        mask: Vec<usize>,
        /// The positions that it is for.
        positions: Vec<usize>,
    },
    /// A class is to be ignored where targets are numbers.
    IgnoredNumbers,
    /// What is made of a mean over positions that count differently cannot be averaged over batches.
    CurvedMean,
    /// A metric would have to keep too much.
    TooMuchToKeep {
        /// What it keeps: "numbers of each sample".
        what: &'static str,
        /// How many there are.
        numbers: usize,
        /// There can be so many.
        limit: usize,
    },
    /// An option that needs another one: `nesterov` needs a momentum and no dampening.
    Conflict {
        /// The option that was given.
        option: &'static str,
        /// The option it depends on.
        other: &'static str,
        /// What the other option would have to be.
        allowed: Allowed,
    },
}

/// What has a size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sized {
    /// A tensor, in one sample.
    Tensor,
    /// One parameter.
    Parameter,
    /// All parameters together.
    AllParameters,
}

/// What is cut into groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grouped {
    /// The channels of the operand.
    Channels,
    /// The filters of the result.
    Filters,
}

/// The numbers that an option may be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Allowed {
    /// low <= x <= high.
    Between(f64, f64),
    /// low <= x < high.
    FromBelow(f64, f64),
    /// low <= x.
    AtLeast(f64),
    /// low < x.
    Above(f64),
    /// Exactly this.
    Exactly(f64),
    /// Any finite number.
    Finite,
    /// Any finite number but 0.
    NotZero,
}

impl Allowed {
    /// Whether a number is allowed. It must be finite as f32; and where 0 is not allowed, what f32 cannot tell from 0 (or
    /// whose inverse it cannot hold) is not either.
    pub fn holds(self, x: f64) -> bool {
        let single = x as f32;
        single.is_finite()
            && match self {
                Allowed::Between(low, high) => low <= x && x <= high,
                Allowed::FromBelow(low, high) => low <= x && x < high,
                Allowed::AtLeast(low) => low <= x,
                Allowed::Above(low) => low < x && (low != 0.0 || single.is_normal()),
                Allowed::Exactly(value) => x == value,
                Allowed::Finite => true,
                Allowed::NotZero => single.is_normal(),
            }
    }
}
