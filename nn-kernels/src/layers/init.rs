//! Initializers as users write them, and parameters.

use crate::graph::{Leaf, NodeId, Op, Shape};
use crate::network::{Initializer, Network, ParameterDeclaration};
use crate::shape::{self, Allowed, ELEMENT_LIMIT, Fact, Sized};

/// An initializer as written; fans and gains come from the tensor it is applied to. Formulas and defaults are those of
/// `torch.nn.init`.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs)] // the options are PyTorch's
pub enum Init {
    /// 0 everywhere.
    Zeros,
    /// 1 everywhere.
    Ones,
    /// `value` everywhere.
    Constant { value: f64 },
    /// Uniform in [low, high); PyTorch's defaults are 0 and 1.
    Uniform { low: f64, high: f64 },
    /// Normal; the defaults are 0 and 1.
    Normal { mean: f64, std: f64 },
    /// Normal, drawn again until it lies in [low, high]; the defaults are 0, 1, -2 and 2.
    TruncatedNormal { mean: f64, std: f64, low: f64, high: f64 },
    /// Uniform within ± gain * sqrt(6 / (fan_in + fan_out)); gain is 1 by default.
    XavierUniform { gain: f64 },
    /// Normal with std = gain * sqrt(2 / (fan_in + fan_out)); gain is 1 by default.
    XavierNormal { gain: f64 },
    /// Uniform within ± gain * sqrt(3 / fan); a = 0, mode = fan_in and nonlinearity = leaky_relu by default.
    KaimingUniform { a: f64, mode: Fan, nonlinearity: Nonlinearity },
    /// Normal with std = gain / sqrt(fan); the defaults are those of `KaimingUniform`.
    KaimingNormal { a: f64, mode: Fan, nonlinearity: Nonlinearity },
    /// Truncated at two standard deviations, and widened so that its variance is 1 / fan_in (as in JAX and Keras;
    /// PyTorch has none).
    LecunNormal,
    /// Orthonormal rows or columns, times gain (1 by default).
    Orthogonal { gain: f64 },
}

/// Which fan of a weight a Kaiming initializer preserves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fan {
    /// Inputs of one output: keeps the variance in the forward pass.
    In,
    /// Outputs of one input: keeps the variance in the backward pass.
    Out,
}

/// What follows a layer, for the gain of a Kaiming initializer (`torch.nn.init.calculate_gain`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // the names are PyTorch's
pub enum Nonlinearity {
    Linear,
    Sigmoid,
    Tanh,
    Relu,
    /// With the slope `a`.
    LeakyRelu,
    Selu,
}

impl Nonlinearity {
    fn gain(self, a: f64) -> f64 {
        match self {
            Nonlinearity::Linear | Nonlinearity::Sigmoid => 1.0,
            Nonlinearity::Tanh => 5.0 / 3.0,
            Nonlinearity::Relu => 2_f64.sqrt(),
            Nonlinearity::LeakyRelu => (2.0 / (1.0 + a * a)).sqrt(),
            Nonlinearity::Selu => 0.75,
        }
    }
}

impl Init {
    /// The initializer's name in the language.
    pub fn name(&self) -> &'static str {
        match self {
            Init::Zeros => "zeros",
            Init::Ones => "ones",
            Init::Constant { .. } => "constant",
            Init::Uniform { .. } => "uniform",
            Init::Normal { .. } => "normal",
            Init::TruncatedNormal { .. } => "truncated_normal",
            Init::XavierUniform { .. } => "xavier_uniform",
            Init::XavierNormal { .. } => "xavier_normal",
            Init::KaimingUniform { .. } => "kaiming_uniform",
            Init::KaimingNormal { .. } => "kaiming_normal",
            Init::LecunNormal => "lecun_normal",
            Init::Orthogonal { .. } => "orthogonal",
        }
    }

    /// With everything known that a tensor of these dimensions decides.
    pub fn resolve(&self, dims: &[usize]) -> Result<Initializer, Fact> {
        let finite = |name, value| shape::option(name, value, Allowed::Finite);
        Ok(match *self {
            Init::Zeros => Initializer::Constant(0.0),
            Init::Ones => Initializer::Constant(1.0),
            Init::Constant { value } => {
                finite("value", value)?;
                Initializer::Constant(value)
            }
            Init::Uniform { low, high } => {
                finite("low", low)?;
                shape::option("high", high, Allowed::AtLeast(low))?;
                Initializer::Uniform { low, high }
            }
            Init::Normal { mean, std } => {
                finite("mean", mean)?;
                shape::option("std", std, Allowed::AtLeast(0.0))?;
                Initializer::Normal { mean, std }
            }
            Init::TruncatedNormal { mean, std, low, high } => {
                finite("mean", mean)?;
                finite("low", low)?;
                shape::option("std", std, Allowed::Above(0.0))?;
                shape::option("high", high, Allowed::Above(low))?;
                Initializer::TruncatedNormal { mean, std, low, high }
            }
            Init::XavierUniform { gain } => {
                finite("gain", gain)?;
                let (fan_in, fan_out) = self.fans(dims)?;
                symmetric(gain * (6.0 / (fan_in + fan_out)).sqrt())
            }
            Init::XavierNormal { gain } => {
                shape::option("gain", gain, Allowed::AtLeast(0.0))?;
                let (fan_in, fan_out) = self.fans(dims)?;
                Initializer::Normal { mean: 0.0, std: gain * (2.0 / (fan_in + fan_out)).sqrt() }
            }
            Init::KaimingUniform { a, mode, nonlinearity } => {
                symmetric(self.kaiming_std(a, mode, nonlinearity, dims)? * 3_f64.sqrt())
            }
            Init::KaimingNormal { a, mode, nonlinearity } => {
                Initializer::Normal { mean: 0.0, std: self.kaiming_std(a, mode, nonlinearity, dims)? }
            }
            Init::LecunNormal => {
                let (fan_in, _) = self.fans(dims)?;
                // A standard normal truncated at ± 2 has this standard deviation.
                let std = fan_in.recip().sqrt() / 0.879_625_661_034_239_8;
                Initializer::TruncatedNormal { mean: 0.0, std, low: -2.0 * std, high: 2.0 * std }
            }
            Init::Orthogonal { gain } => {
                finite("gain", gain)?;
                self.fans(dims)?;
                Initializer::Orthogonal { gain }
            }
        })
    }

    fn kaiming_std(&self, a: f64, mode: Fan, nonlinearity: Nonlinearity, dims: &[usize]) -> Result<f64, Fact> {
        shape::option("a", a, Allowed::Finite)?;
        let (fan_in, fan_out) = self.fans(dims)?;
        let fan = if mode == Fan::In { fan_in } else { fan_out };
        Ok(nonlinearity.gain(a) / fan.sqrt())
    }

    /// Fan-in and fan-out of a weight [out, in, …].
    fn fans(&self, dims: &[usize]) -> Result<(f64, f64), Fact> {
        let [outputs, inputs, receptive @ ..] = dims else {
            return Err(Fact::NoFans { initializer: self.name(), dims: dims.to_vec() });
        };
        let receptive: f64 = receptive.iter().map(|&d| d as f64).product();
        Ok((*inputs as f64 * receptive, *outputs as f64 * receptive))
    }
}

/// Uniform within ± bound.
fn symmetric(bound: f64) -> Initializer {
    Initializer::Uniform { low: -bound.abs(), high: bound.abs() }
}

/// Declares a parameter and returns its node. While the network is [sharing](Network::sharing), a parameter of this name
/// that exists already is returned; it must be of the same dimensions and start in the same way.
pub fn add_parameter(n: &mut Network, name: String, dims: &[usize], init: Initializer) -> Result<NodeId, Fact> {
    add_table(n, name, dims, init, None)
}

/// As [`add_parameter`], with one row that starts as zeros.
pub(super) fn add_table(
    n: &mut Network,
    name: String,
    dims: &[usize],
    init: Initializer,
    zero_row: Option<usize>,
) -> Result<NodeId, Fact> {
    if n.sharing
        && let Some(index) = n.parameter(&name)
    {
        let first = &n.parameters[index];
        if first.dims != dims {
            return Err(Fact::Shared { first: first.dims.clone(), dims: dims.to_vec(), parameter: name });
        }
        if (first.init, first.zero_row) != (init, zero_row) {
            return Err(Fact::SharedStart { parameter: name });
        }
        return Ok(n.graph.leaf(Leaf::Parameter(index), Shape::fixed(dims)));
    }
    let size = shape::parameter(dims)?;
    let total = n.parameter_floats();
    if total + size >= ELEMENT_LIMIT {
        let (what, limit) = (Sized::AllParameters, ELEMENT_LIMIT);
        return Err(Fact::TooLarge { what, dims: vec![total.saturating_add(size)], limit });
    }
    Ok(n.declare(ParameterDeclaration { name, dims: dims.to_vec(), init, zero_row, trainable: true }))
}

/// Declares a buffer: a tensor that is saved with the parameters, but that the layer changes itself while it trains
/// ([`Network::update`]).
pub fn add_buffer(n: &mut Network, name: String, dims: &[usize], init: Initializer) -> Result<NodeId, Fact> {
    let buffer = add_parameter(n, name, dims, init)?;
    if let Op::Leaf(Leaf::Parameter(index)) = n.graph.node(buffer).op {
        n.parameters[index].trainable = false;
    }
    Ok(buffer)
}
