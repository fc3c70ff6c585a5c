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
/// `[groups, filters / groups, …]`, without the axes that have one element only.
///
/// Such axes are left out everywhere: a depthwise convolution has no axis for the one channel of a group, and a kernel of 1 is
/// a plain matrix product.
fn contract(g: &mut Graph, x: NodeId, weight: NodeId, windows: &[Windows], groups: usize, transposed: bool) -> NodeId {
    let (from, weight_dims) = (g.shape(x).clone(), g.shape(weight).dims.clone());
    let channels = from.dims[0] / groups;
    let filters = if transposed { weight_dims[1] } else { weight_dims[0] / groups };

    let mut axes = Axes { first: usize::from(from.batch), sizes: vec![] };
    let group = axes.add_if(groups > 1, groups);
    let filter = axes.add_if(filters > 1, filters);
    let positions: Vec<usize> =
        windows.iter().map(|w| axes.add(if transposed { w.size } else { w.positions })).collect();
    let results = axes.sizes.len();
    // Something must be summed, even if it is one product.
    let channel = axes.add_if(channels > 1 || windows.iter().all(|w| w.kernel == 1), channels);
    let taps: Vec<Option<usize>> = windows.iter().map(|w| axes.add_if(w.kernel > 1, w.kernel)).collect();

    let spatial = windows.iter().zip(&positions).zip(&taps).map(|((w, &position), tap)| {
        let of = if transposed { Access::window_of } else { Access::window };
        let mut access = of(position, w.stride, tap.unwrap_or(position), w.dilation, w.before);
        access.terms.truncate(1 + usize::from(tap.is_some()));
        access
    });
    let batch = from.batch.then_some(0);
    let outer: Vec<usize> = group.into_iter().chain(channel).collect();
    let a = batch.into_iter().chain(outer.iter().copied()).map(Access::axis).chain(spatial).collect();
    let matrix = if transposed { [channel, filter] } else { [filter, channel] };
    let weight_axes: Vec<usize> = [group].into_iter().chain(matrix).chain(taps).flatten().collect();

    let x_dims: Vec<usize> = axes.sizes_of(&outer).chain(from.dims[1..].iter().copied()).collect();
    let weight_dims: Vec<usize> = axes.sizes_of(&weight_axes).collect();
    let (x, weight) = (g.reshape(x, &x_dims), g.reshape(weight, &weight_dims));
    let reduced = axes.sizes.split_off(results).into_iter().map(Extent::Size).collect();
    let b = weight_axes.into_iter().map(Access::axis).collect();
    g.contract(x, weight, Contraction { reduced, a, b }, Shape { batch: from.batch, dims: axes.sizes })
}

/// The axes of a contraction in the making, behind the batch.
struct Axes {
    /// The number of the first one.
    first: usize,
    sizes: Vec<usize>,
}

impl Axes {
    fn add(&mut self, size: usize) -> usize {
        self.sizes.push(size);
        self.first + self.sizes.len() - 1
    }

    fn add_if(&mut self, is_there: bool, size: usize) -> Option<usize> {
        is_there.then(|| self.add(size))
    }

    fn sizes_of(&self, axes: &[usize]) -> impl Iterator<Item = usize> {
        axes.iter().map(|axis| self.sizes[axis - self.first])
    }
}
