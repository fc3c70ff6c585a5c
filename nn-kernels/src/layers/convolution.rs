//! Convolutions of every kind. Each is one contraction, whatever its stride, padding, dilation and groups.

use super::init::{Fan, Init, Nonlinearity, add_parameter};
use super::padding;
use crate::graph::{Access, Contraction, Extent, Graph, NodeId, Shape};
use crate::network::{Initializer, Network};
use crate::shape::{self, Fact, LAYOUTS, Padding, PaddingMode, PerAxis, TransposedOptions, WindowOptions, Windows};

/// The options of [`convolution`] and [`separable_convolution`].
#[derive(Clone, Debug, PartialEq)]
pub struct Convolution {
    /// Channels of the result.
    pub filters: usize,
    /// Elements of a window.
    pub kernel: PerAxis,
    /// How far apart neighbouring windows are.
    pub stride: PerAxis,
    /// How far windows reach over the edges.
    pub padding: Padding,
    /// What lies there; [`PaddingMode::Constant`] is PyTorch's `zeros`.
    pub padding_mode: PaddingMode,
    /// How far apart neighbouring elements of a window are.
    pub dilation: PerAxis,
    /// Into how many groups channels are cut; filters of a group see its channels only.
    pub groups: usize,
    /// Whether a bias is added.
    pub bias: bool,
    /// How the weight starts. `None` is PyTorch's default: uniform within ± 1 / sqrt(fan-in).
    pub init: Option<Init>,
    /// How the bias starts. `None` is PyTorch's default: uniform within ± 1 / sqrt(fan-in of the weight).
    pub bias_init: Option<Init>,
}

impl Convolution {
    /// So many filters of a size, and PyTorch's defaults.
    pub fn new(filters: usize, kernel: usize) -> Self {
        Convolution {
            filters,
            kernel: PerAxis::All(kernel),
            stride: PerAxis::All(1),
            padding: Padding::Valid,
            padding_mode: PaddingMode::Constant,
            dilation: PerAxis::All(1),
            groups: 1,
            bias: true,
            init: None,
            bias_init: None,
        }
    }

    fn windows(&self) -> WindowOptions {
        WindowOptions {
            kernel: self.kernel.clone(),
            stride: self.stride.clone(),
            padding: self.padding.clone(),
            dilation: self.dilation.clone(),
            ceil: false,
        }
    }
}

/// The options of [`transposed_convolution`].
#[derive(Clone, Debug, PartialEq)]
pub struct TransposedConvolution {
    /// Channels of the result.
    pub filters: usize,
    /// The windows.
    pub windows: TransposedOptions,
    /// Into how many groups channels are cut.
    pub groups: usize,
    /// Whether a bias is added.
    pub bias: bool,
    /// As [`Convolution::init`].
    pub init: Option<Init>,
    /// As [`Convolution::bias_init`].
    pub bias_init: Option<Init>,
}

/// A convolution (as in PyTorch, a cross-correlation) over the spatial axes of `[channels, …]`, of which there are `axes`:
/// 1 for sequences, 2 for images, 3 for volumes. The weight is `[filters, channels / groups, kernel…]`.
pub fn convolution(n: &mut Network, path: &str, x: NodeId, axes: usize, options: &Convolution) -> Result<NodeId, Fact> {
    let dims = n.graph.shape(x).dims.clone();
    let mut windows = shape::windows(&dims, LAYOUTS[axes - 1], &options.windows())?;
    let (result, channels) = shape::convolution(&dims, &windows, options.filters, options.groups)?;
    let margins: Vec<_> = std::iter::once((0, 0)).chain(windows.iter().map(|w| (w.before, w.after))).collect();
    let padded = shape::pad(&dims, &margins, options.padding_mode)?;

    let mut weight_dims = vec![options.filters, channels];
    weight_dims.extend(windows.iter().map(|w| w.kernel));
    let parameters = Parameters::resolve(&weight_dims, options.filters, &options.init, &options.bias_init)?;
    let (weight, bias) = parameters.declare(n, path, options.bias)?;

    let g = &mut n.graph;
    // Zeros cost nothing: the contraction takes them for what lies outside. Anything else is put there before.
    let x = match options.padding_mode {
        PaddingMode::Constant => x,
        mode => {
            for (window, &size) in windows.iter_mut().zip(&padded[1..]) {
                *window = Windows { size, before: 0, after: 0, ..*window };
            }
            padding::extend(g, x, &margins, mode)
        }
    };
    let y = contract(g, x, weight, &windows, options.groups, false);
    let y = g.reshape(y, &result);
    Ok(add_bias(g, y, bias))
}

/// A transposed convolution: what a convolution with the same options does to gradients. The weight is
/// `[channels, filters / groups, kernel…]`.
pub fn transposed_convolution(
    n: &mut Network,
    path: &str,
    x: NodeId,
    axes: usize,
    options: &TransposedConvolution,
) -> Result<NodeId, Fact> {
    let dims = n.graph.shape(x).dims.clone();
    let windows = shape::transposed_windows(&dims, LAYOUTS[axes - 1], &options.windows)?;
    let result: Vec<usize> = std::iter::once(options.filters).chain(windows.iter().map(|w| w.size)).collect();
    shape::dims(&result)?;
    shape::group_channels(&dims, options.filters, options.groups)?;

    let mut weight_dims = vec![dims[0], options.filters / options.groups];
    weight_dims.extend(windows.iter().map(|w| w.kernel));
    let parameters = Parameters::resolve(&weight_dims, options.filters, &options.init, &options.bias_init)?;
    let (weight, bias) = parameters.declare(n, path, options.bias)?;

    let g = &mut n.graph;
    let y = contract(g, x, weight, &windows, options.groups, true);
    let y = g.reshape(y, &result);
    Ok(add_bias(g, y, bias))
}

/// A convolution of each channel by itself (`path.depthwise`, no bias: the next one has one), then one over all channels with
/// a kernel of 1 (`path.pointwise`). Images only.
pub fn separable_convolution(n: &mut Network, path: &str, x: NodeId, options: &Convolution) -> Result<NodeId, Fact> {
    let dims = n.graph.shape(x).dims.clone();
    shape::layout(0, &dims, LAYOUTS[1])?;
    let depthwise = Convolution { filters: dims[0], groups: dims[0], bias: false, bias_init: None, ..options.clone() };
    let pointwise = Convolution {
        bias: options.bias,
        init: options.init.clone(),
        bias_init: options.bias_init.clone(),
        ..Convolution::new(options.filters, 1)
    };
    // Both are checked before either declares anything.
    let windows = shape::windows(&dims, LAYOUTS[1], &depthwise.windows())?;
    shape::convolution(&dims, &windows, options.filters, 1)?;
    Parameters::resolve(&[options.filters, dims[0], 1, 1], options.filters, &pointwise.init, &pointwise.bias_init)?;
    let between = convolution(n, &format!("{path}.depthwise"), x, 2, &depthwise)?;
    convolution(n, &format!("{path}.pointwise"), between, 2, &pointwise)
}

/// Weight and bias of a convolution, before they are declared.
struct Parameters {
    weight: Vec<usize>,
    weight_init: Initializer,
    filters: usize,
    bias_init: Initializer,
}

impl Parameters {
    fn resolve(weight: &[usize], filters: usize, init: &Option<Init>, bias_init: &Option<Init>) -> Result<Self, Fact> {
        shape::parameter(weight)?;
        let default = Init::KaimingUniform { a: 5_f64.sqrt(), mode: Fan::In, nonlinearity: Nonlinearity::LeakyRelu };
        let weight_init = init.as_ref().unwrap_or(&default).resolve(weight)?;
        let fan_in: f64 = weight[1..].iter().map(|&d| d as f64).product();
        let bound = 1.0 / fan_in.sqrt();
        let default = Init::Uniform { low: -bound, high: bound };
        let bias_init = bias_init.as_ref().unwrap_or(&default).resolve(&[filters])?;
        Ok(Parameters { weight: weight.to_vec(), weight_init, filters, bias_init })
    }

    fn declare(&self, n: &mut Network, path: &str, bias: bool) -> Result<(NodeId, Option<NodeId>), Fact> {
        let weight = add_parameter(n, format!("{path}.weight"), &self.weight, self.weight_init)?;
        let bias = match bias {
            true => Some(add_parameter(n, format!("{path}.bias"), &[self.filters], self.bias_init)?),
            false => None,
        };
        Ok((weight, bias))
    }
}

fn add_bias(g: &mut Graph, y: NodeId, bias: Option<NodeId>) -> NodeId {
    let Some(bias) = bias else { return y };
    let mut aligned = vec![1; g.shape(y).rank()];
    aligned[0] = g.shape(bias).size();
    let bias = g.reshape(bias, &aligned);
    g.add2(y, bias)
}

/// The contraction of a convolution or, with the roles of windows and elements swapped, of a transposed one. The result is
/// `[groups, filters / groups, …]`, without the first axis where there is one group.
fn contract(g: &mut Graph, x: NodeId, weight: NodeId, windows: &[Windows], groups: usize, transposed: bool) -> NodeId {
    let (from, weight_dims) = (g.shape(x).clone(), g.shape(weight).dims.clone());
    let channels = from.dims[0] / groups;
    let filters = if transposed { weight_dims[1] } else { weight_dims[0] / groups };
    let grouped = (groups > 1).then_some(groups);
    // A kernel of 1 has no axis, so that it is a plain matrix product.
    let taps: Vec<usize> = windows.iter().map(|w| w.kernel).filter(|&k| k > 1).collect();

    let spatial = windows.iter().map(|w| if transposed { w.size } else { w.positions });
    let dims: Vec<usize> = grouped.into_iter().chain([filters]).chain(spatial).collect();
    let reduced: Vec<usize> = std::iter::once(channels).chain(taps.iter().copied()).collect();

    // Axes: [batch?, group?, filter, positions…], then [channel, taps…].
    let batch = from.batch.then_some(0);
    let first = usize::from(from.batch);
    let group = grouped.map(|_| first);
    let filter = first + usize::from(group.is_some());
    let channel = first + dims.len();
    let mut tap = channel;
    let spatial = windows.iter().enumerate().map(|(i, w)| {
        let position = filter + 1 + i;
        if w.kernel > 1 {
            tap += 1;
        }
        let mut access = if transposed {
            Access::window_of(position, w.stride, tap, w.dilation, w.before)
        } else {
            Access::window(position, w.stride, tap, w.dilation, w.before)
        };
        if w.kernel == 1 {
            access.terms.truncate(1);
        }
        access
    });
    let a: Vec<Access> = batch.into_iter().chain(group).chain([channel]).map(Access::axis).chain(spatial).collect();
    let matrix = if transposed { [channel, filter] } else { [filter, channel] };
    let taps_axes = channel + 1..channel + 1 + taps.len();
    let b: Vec<Access> = group.into_iter().chain(matrix).chain(taps_axes).map(Access::axis).collect();

    let x_dims: Vec<usize> = grouped.into_iter().chain([channels]).chain(from.dims[1..].iter().copied()).collect();
    let matrix = if transposed { [channels, filters] } else { [filters, channels] };
    let weight_dims: Vec<usize> = grouped.into_iter().chain(matrix).chain(taps).collect();
    let (x, weight) = (g.reshape(x, &x_dims), g.reshape(weight, &weight_dims));
    let reduced = reduced.into_iter().map(Extent::Size).collect();
    g.contract(x, weight, Contraction { reduced, a, b }, Shape { batch: from.batch, dims })
}
