//! Rules of what slides over axes: convolutions, pooling, padding.

use super::{Allowed, ELEMENT_LIMIT, Fact, Grouped, SequenceFact, dims};

/// The axes of a sequence, an image and a volume, as facts name them.
pub const LAYOUTS: [&[&str]; 3] =
    [&["channels", "length"], &["channels", "height", "width"], &["channels", "depth", "height", "width"]];

/// One number for all spatial axes, or one for each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PerAxis {
    /// The same for all.
    All(usize),
    /// One for each, in the order of the axes.
    Each(Vec<usize>),
}

impl PerAxis {
    /// One number for each of the spatial axes of `layout`, none of them below `least`.
    pub fn resolve(
        &self,
        option: &'static str,
        layout: &'static [&'static str],
        least: usize,
    ) -> Result<Vec<usize>, Fact> {
        let axes = &layout[1..];
        let numbers = match self {
            PerAxis::All(n) => vec![*n; axes.len()],
            PerAxis::Each(list) if list.len() == axes.len() => list.clone(),
            PerAxis::Each(list) => return Err(Fact::AxisCount { option, given: list.len(), axes }),
        };
        // Larger numbers than there can be elements are of no use, and would overflow what is computed from them.
        match numbers.iter().find(|n| **n < least || **n >= ELEMENT_LIMIT) {
            Some(&n) => {
                let allowed = Allowed::Between(least as f64, (ELEMENT_LIMIT - 1) as f64);
                Err(Fact::Option { name: option, value: n as f64, allowed })
            }
            None => Ok(numbers),
        }
    }
}

/// How far a window may reach over the edges.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Padding {
    /// Not at all.
    Valid,
    /// So far that the result has the size of the input; only with a stride of 1.
    Same,
    /// Before the first element only, and so far that a window ends where it stands: what comes later is not seen. Of sequences only.
    Causal,
    /// By so many elements on both sides.
    Numbers(PerAxis),
}

/// What lies beyond the edges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PaddingMode {
    /// A number.
    Constant,
    /// The mirror image, without the edge itself.
    Reflect,
    /// The edge, repeated.
    Replicate,
    /// The opposite side.
    Circular,
}

impl PaddingMode {
    /// Its name in the language.
    pub fn name(self) -> &'static str {
        match self {
            PaddingMode::Constant => "constant",
            PaddingMode::Reflect => "reflect",
            PaddingMode::Replicate => "replicate",
            PaddingMode::Circular => "circular",
        }
    }
}

/// The windows along one axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Windows {
    /// Elements of the axis.
    pub size: usize,
    /// Elements of a window.
    pub kernel: usize,
    /// How far apart neighbouring windows are.
    pub stride: usize,
    /// How far apart neighbouring elements of a window are.
    pub dilation: usize,
    /// How far the first window reaches over the near edge.
    pub before: usize,
    /// How far the last window may reach over the far edge.
    pub after: usize,
    /// How many windows there are.
    pub positions: usize,
}

impl Windows {
    /// From the first to the last element of a window.
    pub fn extent(&self) -> usize {
        (self.kernel - 1) * self.dilation + 1
    }

    /// Whether every element of every window lies in the axis.
    pub fn stay_inside(&self) -> bool {
        self.before == 0 && (self.positions - 1) * self.stride + self.extent() <= self.size
    }

    /// Whether the windows cut the whole axis into pieces.
    pub fn tile(&self) -> bool {
        self.stay_inside()
            && self.stride == self.kernel
            && self.dilation == 1
            && self.positions * self.kernel == self.size
    }
}

/// What decides about windows.
#[derive(Clone, Debug, PartialEq)]
pub struct WindowOptions {
    /// Elements of a window.
    pub kernel: PerAxis,
    /// How far apart neighbouring windows are.
    pub stride: PerAxis,
    /// How far they may reach over the edges.
    pub padding: Padding,
    /// How far apart neighbouring elements of a window are.
    pub dilation: PerAxis,
    /// Whether a last window that reaches over the far edge counts (PyTorch's `ceil_mode`).
    pub ceil: bool,
}

/// An operand that must have the axes of `layout`.
pub fn layout(operand: usize, shape: &[usize], layout: &'static [&'static str]) -> Result<(), Fact> {
    if shape.len() == layout.len() { Ok(()) } else { Err(Fact::Layout { operand, shape: shape.to_vec(), layout }) }
}

/// The windows over the spatial axes of `shape`, whose axis 0 is the channels'.
pub fn windows(shape: &[usize], names: &'static [&'static str], options: &WindowOptions) -> Result<Vec<Windows>, Fact> {
    layout(0, shape, names)?;
    let kernel = options.kernel.resolve("kernel", names, 1)?;
    let stride = options.stride.resolve("stride", names, 1)?;
    let dilation = options.dilation.resolve("dilation", names, 1)?;
    let numbers = match &options.padding {
        Padding::Numbers(numbers) => Some(numbers.resolve("padding", names, 0)?),
        Padding::Valid => Some(vec![0; kernel.len()]),
        Padding::Same | Padding::Causal => None,
    };
    let is_causal = options.padding == Padding::Causal;
    if is_causal && kernel.len() > 1 {
        return Err(SequenceFact::CausalPadding { shape: shape.to_vec() }.into());
    }
    let window = |i: usize| {
        let (size, kernel, stride, dilation) = (shape[i + 1], kernel[i], stride[i], dilation[i]);
        let reach = (kernel - 1) * dilation;
        let (before, after) = match &numbers {
            Some(padding) => (padding[i], padding[i]),
            None if is_causal => (reach, 0),
            None if stride != 1 => return Err(Fact::SameStride { stride }),
            None => (reach / 2, reach - reach / 2),
        };
        let mut windows = Windows { size, kernel, stride, dilation, before, after, positions: 1 };
        let Some(room) = (size + before + after).checked_sub(reach + 1) else {
            return Err(Fact::Window { shape: shape.to_vec(), axis: i + 1, windows });
        };
        windows.positions = 1 + room / stride;
        // As in PyTorch, one more window must begin inside of the input or of the padding before it.
        if options.ceil && room % stride != 0 && windows.positions * stride < size + before {
            windows.positions += 1;
        }
        Ok(windows)
    };
    (0..kernel.len()).map(window).collect()
}

/// Padding of a maximum or mean must be at most half of the window, as in PyTorch, so that no window lies outside.
pub fn pool_padding(windows: &[Windows]) -> Result<(), Fact> {
    match windows.iter().find(|w| w.before > w.extent() / 2) {
        Some(w) => Err(Fact::PoolPadding { padding: w.before, extent: w.extent() }),
        None => Ok(()),
    }
}

/// The dimensions of a convolution's result, and the channels of each group.
pub fn convolution(
    shape: &[usize],
    windows: &[Windows],
    filters: usize,
    groups: usize,
) -> Result<(Vec<usize>, usize), Fact> {
    let result: Vec<usize> = std::iter::once(filters).chain(windows.iter().map(|w| w.positions)).collect();
    dims(&result)?;
    Ok((result, group_channels(shape, filters, groups)?))
}

/// The channels of each group. Both channels and filters must be multiples of the groups.
pub fn group_channels(shape: &[usize], filters: usize, groups: usize) -> Result<usize, Fact> {
    divide(Grouped::Channels, shape[0], groups)?;
    divide(Grouped::Filters, filters, groups)?;
    Ok(shape[0] / groups)
}

fn divide(what: Grouped, size: usize, groups: usize) -> Result<(), Fact> {
    if groups > 0 && size.is_multiple_of(groups) {
        return Ok(());
    }
    Err(Fact::Groups { what, size, groups, divisors: super::rules::nearest_divisors(size, groups) })
}

/// What decides about the result of a transposed convolution.
#[derive(Clone, Debug, PartialEq)]
pub struct TransposedOptions {
    /// Elements of a window.
    pub kernel: PerAxis,
    /// How far apart the windows of neighbouring inputs are.
    pub stride: PerAxis,
    /// How much is cut off on both sides.
    pub padding: PerAxis,
    /// How much is added at the far side.
    pub output_padding: PerAxis,
    /// How far apart neighbouring elements of a window are.
    pub dilation: PerAxis,
}

/// The windows that the result of a transposed convolution has over it: `size` is the result's, `positions` the input's.
pub fn transposed_windows(
    shape: &[usize],
    names: &'static [&'static str],
    options: &TransposedOptions,
) -> Result<Vec<Windows>, Fact> {
    layout(0, shape, names)?;
    let kernel = options.kernel.resolve("kernel", names, 1)?;
    let stride = options.stride.resolve("stride", names, 1)?;
    let padding = options.padding.resolve("padding", names, 0)?;
    let output_padding = options.output_padding.resolve("output_padding", names, 0)?;
    let dilation = options.dilation.resolve("dilation", names, 1)?;
    let window = |i: usize| {
        let (positions, kernel, stride, dilation) = (shape[i + 1], kernel[i], stride[i], dilation[i]);
        let (before, extra) = (padding[i], output_padding[i]);
        if extra >= stride.max(dilation) {
            return Err(Fact::OutputPadding { output_padding: extra, stride, dilation });
        }
        let mut windows = Windows { size: 0, kernel, stride, dilation, before, after: before, positions };
        let spread = ((positions - 1).saturating_mul(stride)).saturating_add(windows.extent() + extra);
        match spread.checked_sub(2 * before) {
            Some(size) if size > 0 => {
                windows.size = size;
                Ok(windows)
            }
            _ => Err(Fact::TransposedPadding { shape: shape.to_vec(), axis: i + 1, spread, padding: before }),
        }
    };
    (0..kernel.len()).map(window).collect()
}

/// How much is put before and after an axis, or cut off.
pub type Margin = (usize, usize);

/// Margins as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Margins {
    /// The same on both sides of all axes but the first one, which is the channels' (of a vector, its only axis).
    All(usize),
    /// One for each of the last axes.
    Each(Vec<Margin>),
}

impl Margins {
    /// One margin for each axis of `shape`.
    pub fn resolve(&self, option: &'static str, shape: &[usize]) -> Result<Vec<Margin>, Fact> {
        super::rank_at_least(1, 0, shape)?;
        let rank = shape.len();
        match self {
            Margins::All(n) => {
                Ok((0..rank).map(|axis| if axis == 0 && rank > 1 { (0, 0) } else { (*n, *n) }).collect())
            }
            Margins::Each(list) if list.len() <= rank => {
                Ok(std::iter::repeat_n((0, 0), rank - list.len()).chain(list.iter().copied()).collect())
            }
            Margins::Each(list) => Err(Fact::Margins { option, shape: shape.to_vec(), given: list.len() }),
        }
    }
}

/// The dimensions after padding. A reflection is narrower than its axis; a circle at most as wide.
pub fn pad(shape: &[usize], margins: &[Margin], mode: PaddingMode) -> Result<Vec<usize>, Fact> {
    let mut result = shape.to_vec();
    for (axis, &(before, after)) in margins.iter().enumerate() {
        let size = shape[axis];
        let limit = match mode {
            PaddingMode::Constant | PaddingMode::Replicate => usize::MAX,
            PaddingMode::Reflect => size - 1,
            PaddingMode::Circular => size,
        };
        let padding = before.max(after);
        if padding > limit {
            return Err(Fact::PaddingTooLarge { mode, shape: shape.to_vec(), axis, padding, limit });
        }
        result[axis] = size.saturating_add(before).saturating_add(after);
    }
    dims(&result)?;
    Ok(result)
}

/// The dimensions after cropping.
pub fn crop(shape: &[usize], margins: &[Margin]) -> Result<Vec<usize>, Fact> {
    let rest = |axis: usize| {
        let (before, after) = margins[axis];
        shape[axis].checked_sub(before.saturating_add(after)).filter(|&size| size > 0)
    };
    (0..shape.len())
        .map(|axis| rest(axis).ok_or_else(|| Fact::Crop { shape: shape.to_vec(), axis, margin: margins[axis] }))
        .collect()
}
