//! Functions of tensors: arithmetic, activations, layers and losses.

use nn_kernels::graph::{Graph, NodeId};
use nn_kernels::layers::{self, Affine, Ctc, Positions, losses};
use nn_kernels::network::Network;
use nn_kernels::shape::{Fact, PerAxis};

use super::Default::{Integer, Nothing, Number, Required};
use super::regularizers::{BIAS_CONSTRAINT, BIAS_REGULARIZER, CONSTRAINT, REGULARIZER};
use super::{Apply, Arguments, Function, Kind, Parameter};

type Pure = fn(&mut Graph, &Arguments) -> Result<NodeId, Fact>;

pub const fn value(name: &'static str, parameters: &'static [Parameter], apply: Pure) -> Function {
    Function { name, parameters, apply: Apply::Value(apply) }
}

const fn arithmetic(name: &'static str, parameters: &'static [Parameter], apply: Pure) -> Function {
    Function { name, parameters, apply: Apply::Arithmetic(apply) }
}

pub const fn layer(
    name: &'static str,
    parameters: &'static [Parameter],
    apply: fn(&mut Network, &str, &Arguments) -> Result<NodeId, Fact>,
) -> Function {
    Function { name, parameters, apply: Apply::Layer(apply) }
}

pub const X: Parameter = Parameter::tensor("x");
const OPERAND: Parameter = Parameter::operand("x");
const OTHER: Parameter = Parameter::operand("y");
pub const PREDICTION: Parameter = Parameter::tensor("prediction");
pub const VALUES: Parameter = Parameter::tensor("target");
pub const TARGET: Parameter = Parameter { name: "target", kind: Kind::Target, default: Required, positional: true };
const PARTS: Parameter = Parameter { name: "parts", kind: Kind::Tensors, default: Required, positional: true };
const FIRST_AXIS: Parameter = Parameter::option("axis", Kind::Axis, Integer(0));
/// Where the axis has a meaning of its own if it is not given.
pub const SOME_AXIS: Parameter = Parameter::option("axis", Kind::Axis, Nothing);
pub const LAST_AXIS: Parameter = Parameter::option("axis", Kind::Axis, Integer(-1));
/// `axis` and `axes` are two spellings of one option.
pub const AXIS: Parameter = Parameter::option("axis", Kind::Axes, Nothing);
pub const AXES: Parameter = Parameter::option("axes", Kind::Axes, Nothing);
const KEEP_DIMS: Parameter = Parameter::flag("keep_dims", false);
pub const NAME: Parameter = Parameter::option("name", Kind::Name, Nothing);
const AFFINE: &[Parameter] = &[
    X,
    Parameter::positional("n", Kind::Count, Required),
    Parameter::flag("bias", true),
    Parameter::option("init", Kind::Init, Nothing),
    Parameter::option("bias_init", Kind::Init, Nothing),
    REGULARIZER,
    BIAS_REGULARIZER,
    CONSTRAINT,
    BIAS_CONSTRAINT,
    NAME,
];

pub static ELEMENTWISE: &[Function] = &[
    arithmetic("exp", &[OPERAND], |g, a| layers::exp(g, a.tensor("x"))),
    arithmetic("log", &[OPERAND], |g, a| layers::log(g, a.tensor("x"))),
    arithmetic("sqrt", &[OPERAND], |g, a| layers::sqrt(g, a.tensor("x"))),
    arithmetic("abs", &[OPERAND], |g, a| layers::abs(g, a.tensor("x"))),
    arithmetic("square", &[OPERAND], |g, a| layers::square(g, a.tensor("x"))),
    arithmetic("pow", &[OPERAND, Parameter::operand("exponent")], |g, a| {
        layers::pow(g, a.tensor("x"), a.tensor("exponent"))
    }),
    arithmetic("minimum", &[OPERAND, OTHER], |g, a| layers::minimum(g, a.tensor("x"), a.tensor("y"))),
    arithmetic("maximum", &[OPERAND, OTHER], |g, a| layers::maximum(g, a.tensor("x"), a.tensor("y"))),
    value(
        "clamp",
        &[X, Parameter::positional("min", Kind::Number, Nothing), Parameter::positional("max", Kind::Number, Nothing)],
        |g, a| layers::clamp(g, a.tensor("x"), a.number_or_none("min"), a.number_or_none("max")),
    ),
    value("sum", &[X, AXIS, AXES, KEEP_DIMS], |g, a| layers::sum(g, a.tensor("x"), a.axes(), a.flag("keep_dims"))),
    value("mean", &[X, AXIS, AXES, KEEP_DIMS], |g, a| layers::mean(g, a.tensor("x"), a.axes(), a.flag("keep_dims"))),
    value("max", &[X, AXIS, AXES, KEEP_DIMS], |g, a| layers::max(g, a.tensor("x"), a.axes(), a.flag("keep_dims"))),
    value("concat", &[PARTS, FIRST_AXIS], |g, a| layers::concat(g, a.tensors("parts"), a.integer("axis"))),
    value("matmul", &[X, Parameter::tensor("y")], |g, a| layers::matmul(g, a.tensor("x"), a.tensor("y"))),
];

pub static ACTIVATIONS: &[Function] = &[
    value("identity", &[X], |g, a| layers::identity(g, a.tensor("x"))),
    value("step", &[X], |g, a| layers::step(g, a.tensor("x"))),
    value("sigmoid", &[X], |g, a| layers::sigmoid(g, a.tensor("x"))),
    value("hard_sigmoid", &[X], |g, a| layers::hard_sigmoid(g, a.tensor("x"))),
    value("tanh", &[X], |g, a| layers::tanh(g, a.tensor("x"))),
    value("relu", &[X], |g, a| layers::relu(g, a.tensor("x"))),
    value("relu6", &[X], |g, a| layers::relu6(g, a.tensor("x"))),
    value("leaky_relu", &[X, Parameter::number("negative_slope", 0.01)], |g, a| {
        layers::leaky_relu(g, a.tensor("x"), a.number("negative_slope"))
    }),
    layer(
        "prelu",
        &[X, Parameter::option("num_parameters", Kind::Count, Integer(1)), Parameter::number("init", 0.25), NAME],
        |n, path, a| layers::prelu(n, path, a.tensor("x"), a.count("num_parameters"), a.number("init")),
    ),
    value("elu", &[X, Parameter::number("alpha", 1.0)], |g, a| layers::elu(g, a.tensor("x"), a.number("alpha"))),
    value("selu", &[X], |g, a| layers::selu(g, a.tensor("x"))),
    value("celu", &[X, Parameter::number("alpha", 1.0)], |g, a| layers::celu(g, a.tensor("x"), a.number("alpha"))),
    value(
        "gelu",
        &[X, Parameter::option("approximate", Kind::Word(&["none", "tanh"]), super::Default::Word("none"))],
        |g, a| layers::gelu(g, a.tensor("x"), a.word("approximate") == "tanh"),
    ),
    value("silu", &[X], |g, a| layers::silu(g, a.tensor("x"))),
    value("swish", &[X], |g, a| layers::silu(g, a.tensor("x"))),
    value("mish", &[X], |g, a| layers::mish(g, a.tensor("x"))),
    value("softplus", &[X, Parameter::number("beta", 1.0), Parameter::number("threshold", 20.0)], |g, a| {
        layers::softplus(g, a.tensor("x"), a.number("beta"), a.number("threshold"))
    }),
    value("softsign", &[X], |g, a| layers::softsign(g, a.tensor("x"))),
    value("hard_swish", &[X], |g, a| layers::hard_swish(g, a.tensor("x"))),
    value("softmax", &[X, LAST_AXIS], |g, a| layers::softmax(g, a.tensor("x"), a.integer("axis"))),
    value("log_softmax", &[X, LAST_AXIS], |g, a| layers::log_softmax(g, a.tensor("x"), a.integer("axis"))),
    value("maxout", &[X, Parameter::positional("pieces", Kind::Count, Required)], |g, a| {
        layers::maxout(g, a.tensor("x"), a.count("pieces"))
    }),
];

pub static LAYERS: &[Function] = &[
    layer("dense", AFFINE, |n, path, a| layers::dense(n, path, a.tensor("x"), &affine(a))),
    layer("linear", AFFINE, |n, path, a| layers::linear(n, path, a.tensor("x"), &affine(a))),
    value("flatten", &[X], |g, a| layers::flatten(g, a.tensor("x"))),
    value("reshape", &[X, Parameter::positional("dims", Kind::Dims, Required)], |g, a| {
        layers::reshape(g, a.tensor("x"), a.integers("dims"))
    }),
    value("dropout", &[X, Parameter::positional("p", Kind::Number, Number(0.5))], |g, a| {
        layers::dropout(g, a.tensor("x"), a.number("p"))
    }),
    value("dropout2d", &[X, Parameter::positional("p", Kind::Number, Number(0.5))], |g, a| {
        layers::dropout2d(g, a.tensor("x"), a.number("p"))
    }),
    value("gaussian_noise", &[X, Parameter::positional("std", Kind::Number, Required)], |g, a| {
        layers::gaussian_noise(g, a.tensor("x"), a.number("std"))
    }),
    value("permute", &[X, Parameter::positional("axes", Kind::Axes, Required)], |g, a| {
        layers::permute(g, a.tensor("x"), a.integers("axes"))
    }),
    value(
        "slice",
        &[
            X,
            Parameter::positional("start", Kind::Axis, Integer(0)),
            Parameter::positional("end", Kind::Axis, Nothing),
            FIRST_AXIS,
            Parameter::option("step", Kind::Count, Integer(1)),
        ],
        |g, a| {
            let (start, end) = (a.integer("start"), a.integer_or_none("end"));
            layers::slice(g, a.tensor("x"), start, end, a.integer("axis"), a.count("step"))
        },
    ),
    Function {
        name: "split",
        parameters: &[X, Parameter::positional("size", Kind::PerAxis(1), Required), FIRST_AXIS],
        apply: Apply::Several(|g, a| {
            let (sizes, equal) = match a.per_axis("size") {
                PerAxis::All(size) => (vec![*size], true),
                PerAxis::Each(sizes) => (sizes.clone(), false),
            };
            layers::split(g, a.tensor("x"), &sizes, equal, a.integer("axis"))
        }),
    },
    Function {
        name: "chunk",
        parameters: &[X, Parameter::positional("parts", Kind::Count, Required), FIRST_AXIS],
        apply: Apply::Several(|g, a| layers::chunk(g, a.tensor("x"), a.count("parts"), a.integer("axis"))),
    },
    value("first", &[X, FIRST_AXIS], |g, a| layers::first(g, a.tensor("x"), a.integer("axis"))),
    value("last", &[X, FIRST_AXIS, Parameter::option("length", Kind::Tokens, Nothing)], |g, a| {
        match a.tokens_or_none("length") {
            Some(length) => layers::last_of(g, a.tensor("x"), a.integer("axis"), length),
            None => layers::last(g, a.tensor("x"), a.integer("axis")),
        }
    }),
    value("flip", &[X, FIRST_AXIS], |g, a| layers::flip(g, a.tensor("x"), a.integer("axis"))),
    value("stack", &[PARTS, FIRST_AXIS], |g, a| layers::stack(g, a.tensors("parts"), a.integer("axis"))),
];

fn affine(a: &Arguments) -> Affine {
    Affine { features: a.count("n"), bias: a.flag("bias"), init: a.init("init"), bias_init: a.init("bias_init") }
}

/// What counts, and how much.
pub const MASK: Parameter = Parameter::option("mask", Kind::Mask, Nothing);
/// The class that is none.
pub const IGNORE_INDEX: Parameter = Parameter::option("ignore_index", Kind::Axis, Nothing);

/// The mean of what counts.
pub fn mean(g: &mut Graph, a: &Arguments, positions: Positions) -> Result<NodeId, Fact> {
    positions.counting(g, a.compared(), a.counting()).map(|positions| positions.mean(g))
}

pub static LOSSES: &[Function] = &[
    value("mse", &[PREDICTION, VALUES, MASK], |g, a| {
        let errors = losses::mse(g, a.tensor("prediction"), a.tensor("target"))?;
        mean(g, a, errors)
    }),
    value("mae", &[PREDICTION, VALUES, MASK], |g, a| {
        let errors = losses::mae(g, a.tensor("prediction"), a.tensor("target"))?;
        mean(g, a, errors)
    }),
    value("mape", &[PREDICTION, VALUES, MASK], |g, a| {
        let errors = losses::mape(g, a.tensor("prediction"), a.tensor("target"))?;
        mean(g, a, errors)
    }),
    value("cosine_similarity", &[PREDICTION, VALUES, LAST_AXIS, MASK], |g, a| {
        let cosines = losses::cosine_similarity(g, a.tensor("prediction"), a.tensor("target"), a.integer("axis"))?;
        mean(g, a, cosines)
    }),
    value("huber", &[PREDICTION, VALUES, Parameter::number("delta", 1.0), MASK], |g, a| {
        let errors = losses::huber(g, a.tensor("prediction"), a.tensor("target"), a.number("delta"))?;
        mean(g, a, errors)
    }),
    value("smooth_l1", &[PREDICTION, VALUES, Parameter::number("beta", 1.0), MASK], |g, a| {
        let errors = losses::smooth_l1(g, a.tensor("prediction"), a.tensor("target"), a.number("beta"))?;
        mean(g, a, errors)
    }),
    value("log_cosh", &[PREDICTION, VALUES, MASK], |g, a| {
        let errors = losses::log_cosh(g, a.tensor("prediction"), a.tensor("target"))?;
        mean(g, a, errors)
    }),
    value("binary_cross_entropy", &[PREDICTION, TARGET, MASK], |g, a| {
        let surprise = losses::binary_cross_entropy(g, a.tensor("prediction"), a.target("target"))?;
        mean(g, a, surprise)
    }),
    value(
        "binary_cross_entropy_with_logits",
        &[Parameter::tensor("logits"), TARGET, Parameter::option("pos_weight", Kind::Number, Nothing), MASK],
        |g, a| {
            let (logits, target) = (a.tensor("logits"), a.target("target"));
            let surprise = match a.number_or_none("pos_weight") {
                Some(weight) => losses::binary_cross_entropy_with_pos_weight(g, logits, target, weight),
                None => losses::binary_cross_entropy_with_logits(g, logits, target),
            }?;
            mean(g, a, surprise)
        },
    ),
    value(
        "cross_entropy",
        &[
            Parameter::tensor("logits"),
            TARGET,
            LAST_AXIS,
            Parameter::number("label_smoothing", 0.0),
            Parameter::option("class_weights", Kind::Numbers, Nothing),
            IGNORE_INDEX,
            MASK,
        ],
        |g, a| {
            let (logits, target, axis) = (a.tensor("logits"), a.target("target"), a.integer("axis"));
            let (smoothing, weights) = (a.number("label_smoothing"), a.numbers("class_weights"));
            let surprise = losses::cross_entropy(g, logits, target, axis, smoothing, weights, a.counting())?;
            Ok(surprise.mean(g))
        },
    ),
    value(
        "ctc",
        &[
            Parameter::tensor("logits"),
            Parameter::positional("target", Kind::Tokens, Required),
            Parameter::option("blank", Kind::Axis, Integer(0)),
            Parameter::option("input_length", Kind::Tokens, Nothing),
            Parameter::option("target_length", Kind::Tokens, Nothing),
            Parameter::flag("zero_infinity", false),
        ],
        |g, a| {
            let (input_length, target_length) = (a.tokens_or_none("input_length"), a.tokens_or_none("target_length"));
            let (blank, zero_infinity) = (a.integer("blank"), a.flag("zero_infinity"));
            let options = Ctc { blank, input_length, target_length, zero_infinity };
            layers::ctc(g, a.tensor("logits"), a.tokens("target"), &options)
        },
    ),
    value("hinge", &[PREDICTION, TARGET, MASK], |g, a| {
        let margins = losses::hinge(g, a.tensor("prediction"), a.target("target"))?;
        mean(g, a, margins)
    }),
    value("kl_divergence", &[PREDICTION, VALUES, Parameter::flag("log_target", false), MASK], |g, a| {
        let terms = losses::kl_divergence(g, a.tensor("prediction"), a.tensor("target"), a.flag("log_target"))?;
        mean(g, a, terms)
    }),
    value(
        "poisson",
        &[
            PREDICTION,
            VALUES,
            Parameter::flag("log_input", true),
            Parameter::flag("full", false),
            Parameter::number("eps", 1e-8),
            MASK,
        ],
        |g, a| {
            let (prediction, target) = (a.tensor("prediction"), a.tensor("target"));
            let (log_input, full) = (a.flag("log_input"), a.flag("full"));
            let terms = losses::poisson_nll(g, prediction, target, log_input, full, a.number("eps"))?;
            mean(g, a, terms)
        },
    ),
    value(
        "dice_loss",
        &[PREDICTION, TARGET, SOME_AXIS, Parameter::number("smooth", 1e-5), IGNORE_INDEX, MASK],
        |g, a| {
            let (prediction, target) = (a.tensor("prediction"), a.target("target"));
            layers::dice_loss(g, prediction, target, a.integer_or_none("axis"), a.number("smooth"), a.counting())
        },
    ),
    value(
        "focal_loss",
        &[
            Parameter::tensor("logits"),
            TARGET,
            Parameter::number("gamma", 2.0),
            Parameter::option("alpha", Kind::Number, Nothing),
            SOME_AXIS,
            IGNORE_INDEX,
            MASK,
        ],
        |g, a| {
            let (logits, target, alpha) = (a.tensor("logits"), a.target("target"), a.number_or_none("alpha"));
            let axis = a.integer_or_none("axis");
            let terms = losses::focal_loss(g, logits, target, a.number("gamma"), alpha, axis)?;
            mean(g, a, terms)
        },
    ),
];
