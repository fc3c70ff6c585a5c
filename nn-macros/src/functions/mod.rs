//! The functions of the language: what they are called, what they take, and what they add to the graph.
//!
//! All knowledge about a function is one entry of a table. What it computes is `nn_kernels::layers`' business, and its
//! documentation is the item of the same name in the facade's `language` module.

mod arguments;
mod forms;
mod initializers;
mod metrics;
mod norms;
mod optimizers;
mod precisions;
mod recurrent;
mod regularizers;
mod sequence;
mod spatial;
mod values;

use nn_kernels::graph::{Graph, NodeId};
use nn_kernels::layers::{Init, Sequence};
use nn_kernels::network::{Constraint, Group, MetricDeclaration, Network, Optimizer, Penalty, Precision};
use nn_kernels::shape::Fact;

pub use arguments::{Arguments, Bound};

/// A function of the language.
pub struct Function {
    /// Its name.
    pub name: &'static str,
    /// What it takes, in order; tensors first.
    pub parameters: &'static [Parameter],
    /// What it does.
    pub apply: Apply,
}

/// What a function does.
pub enum Apply {
    /// A tensor from tensors.
    Value(fn(&mut Graph, &Arguments) -> Result<NodeId, Fact>),
    /// As `Value`, and of numbers it gives a number.
    Arithmetic(fn(&mut Graph, &Arguments) -> Result<NodeId, Fact>),
    /// As `Value`, but no gradient flows through it, so it cannot be a loss.
    Decision(fn(&mut Graph, &Arguments) -> Result<NodeId, Fact>),
    /// A tensor from tensors and from parameters, which are named after the path given.
    Layer(fn(&mut Network, &str, &Arguments) -> Result<NodeId, Fact>),
    /// As `Layer`, for what goes through a sequence: results at all steps, and final states.
    Recurrent(fn(&mut Network, &str, &Arguments) -> Result<Sequence, Fact>),
    /// Several tensors from tensors.
    Several(fn(&mut Graph, &Arguments) -> Result<Vec<NodeId>, Fact>),
    /// A constant: what is known of a tensor while compiling.
    Size(fn(&Graph, &Arguments) -> Result<usize, Fact>),
    /// `repeat`, which is applied by the language itself.
    Repeat,
    /// `time_distributed`, too.
    TimeDistributed,
    /// `sample_weight`: how much each sample counts, which comes with the data.
    SampleWeight,
    /// A metric that is no mean over samples, of the name given.
    Metric(fn(&mut Graph, &str, &Arguments) -> Result<MetricDeclaration, Fact>),
    /// How a parameter starts.
    Initializer(fn(&Arguments) -> Init),
    /// What a parameter costs by its size.
    Regularizer(fn(&Arguments) -> Penalty),
    /// What each update brings a parameter back to.
    Constraint(fn(&Arguments) -> Constraint),
    /// How parameters are updated.
    Optimizer(fn(&Arguments) -> Optimizer),
    /// In which precision contractions compute.
    Precision(fn(&Arguments) -> Precision),
    /// Options of some of an optimizer's parameters.
    Group(fn(&Arguments) -> Group),
}

impl Apply {
    /// What it is, with an article.
    pub fn noun(&self) -> &'static str {
        match self {
            Apply::Value(_)
            | Apply::Arithmetic(_)
            | Apply::Layer(_)
            | Apply::Recurrent(_)
            | Apply::Decision(_)
            | Apply::Several(_)
            | Apply::Size(_)
            | Apply::Repeat
            | Apply::TimeDistributed => "a function",
            Apply::SampleWeight => "a value",
            Apply::Metric(_) => "a metric",
            Apply::Initializer(_) => "an initializer",
            Apply::Regularizer(_) => "a regularizer",
            Apply::Constraint(_) => "a constraint",
            Apply::Optimizer(_) => "an optimizer",
            Apply::Precision(_) => "a precision",
            Apply::Group(_) => "a group of parameters",
        }
    }

    /// Whether it is no computation, but a setting that an option takes: an initializer, a regularizer, a constraint.
    pub fn is_setting(&self) -> bool {
        matches!(self, Apply::Initializer(_) | Apply::Regularizer(_) | Apply::Constraint(_))
    }

    /// Whether the result is a value that expressions can go on with.
    pub fn is_value(&self) -> bool {
        let other = matches!(self, Apply::Metric(_) | Apply::Optimizer(_) | Apply::Precision(_) | Apply::Group(_));
        !other && !self.is_setting()
    }
}

/// What a function takes.
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// What it may be.
    pub kind: Kind,
    /// What it is when the call does not say.
    pub default: Default,
    /// Whether its place in the call may say which one it is. Options must be named.
    pub positional: bool,
}

/// What an argument may be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// A tensor of plain numbers.
    Tensor,
    /// A tensor of plain numbers, or a number.
    Operand,
    /// A tensor of plain numbers or of classes.
    Target,
    /// A tensor of classes: tokens, a length.
    Tokens,
    /// Several tensors, in brackets or one after another.
    Tensors,
    /// A tensor of plain numbers that is an option, and so is named.
    State,
    /// How many: a whole number above 0.
    Count,
    /// An axis, or a position along one; negative ones count from the end.
    Axis,
    /// One axis, or several in brackets.
    Axes,
    /// Dimensions in brackets; one of them may be -1.
    Dims,
    /// One whole number for all axes, or one for each in brackets, none of them below this.
    PerAxis(i64),
    /// As `PerAxis(0)`, or one of [`PADDING_WORDS`].
    Padding,
    /// One whole number for both sides of all axes, or one for each axis in brackets, or pairs of them for the sides.
    Margins,
    /// A tensor that says what counts.
    Mask,
    /// A number.
    Number,
    /// Numbers in brackets.
    Numbers,
    /// `true` or `false`.
    Flag,
    /// One of these words.
    Word(&'static [&'static str]),
    /// An initializer.
    Init,
    /// A regularizer.
    Regularizer,
    /// A constraint.
    Constraint,
    /// A name in quotes.
    Name,
    /// The path of a layer or parameter in quotes.
    Path,
    /// A pattern of names in quotes, or several in brackets.
    Patterns,
    /// Groups of parameters in brackets.
    Groups,
    /// A block: what may stand right of `>>`.
    Block,
}

/// Words for the padding of a convolution.
pub const PADDING_WORDS: &[&str] = &["same", "valid", "causal"];

/// What is taken for an argument that is missing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Default {
    /// There is none.
    Required,
    /// Nothing, which the function understands.
    Nothing,
    /// A count or an axis.
    Integer(i64),
    /// A number.
    Number(f64),
    /// `true` or `false`.
    Flag(bool),
    /// A word.
    Word(&'static str),
}

impl Parameter {
    const fn tensor(name: &'static str) -> Self {
        Parameter { name, kind: Kind::Tensor, default: Default::Required, positional: true }
    }

    const fn operand(name: &'static str) -> Self {
        Parameter { name, kind: Kind::Operand, default: Default::Required, positional: true }
    }

    const fn positional(name: &'static str, kind: Kind, default: Default) -> Self {
        Parameter { name, kind, default, positional: true }
    }

    const fn option(name: &'static str, kind: Kind, default: Default) -> Self {
        Parameter { name, kind, default, positional: false }
    }

    const fn number(name: &'static str, default: f64) -> Self {
        Parameter::option(name, Kind::Number, Default::Number(default))
    }

    const fn flag(name: &'static str, default: bool) -> Self {
        Parameter::option(name, Kind::Flag, Default::Flag(default))
    }

    /// Whether it is data that flows through the network.
    pub fn is_data(&self) -> bool {
        self.positional
            && matches!(self.kind, Kind::Tensor | Kind::Operand | Kind::Target | Kind::Tokens | Kind::Tensors)
    }
}

/// All functions.
pub fn all() -> impl Iterator<Item = &'static Function> {
    [
        forms::TABLE,
        values::ELEMENTWISE,
        values::ACTIVATIONS,
        values::LAYERS,
        spatial::TABLE,
        norms::TABLE,
        recurrent::TABLE,
        sequence::TABLE,
        values::LOSSES,
        metrics::TABLE,
        initializers::TABLE,
        regularizers::TABLE,
        optimizers::TABLE,
        precisions::TABLE,
    ]
    .into_iter()
    .flatten()
}

/// The function of this name.
pub fn find(name: &str) -> Option<&'static Function> {
    all().find(|f| f.name == name)
}

/// What others call it: names from elsewhere, for "did you mean".
pub fn known_elsewhere_as(name: &str) -> Option<&'static str> {
    #[rustfmt::skip]
    const NAMES: &[(&str, &str)] = &[
        ("bce", "binary_cross_entropy"), ("bce_loss", "binary_cross_entropy"),
        ("bce_with_logits", "binary_cross_entropy_with_logits"), ("categorical_cross_entropy", "cross_entropy"),
        ("sparse_categorical_cross_entropy", "cross_entropy"), ("mean_squared_error", "mse"), ("mse_loss", "mse"),
        ("l2_loss", "mse"), ("mean_absolute_error", "mae"), ("l1_loss", "mae"), ("kl_div", "kl_divergence"),
        ("poisson_nll", "poisson"), ("poisson_nll_loss", "poisson"), ("fc", "dense"), ("fully_connected", "dense"),
        ("affine", "linear"), ("view", "reshape"), ("cat", "concat"), ("concatenate", "concat"), ("mm", "matmul"),
        ("bmm", "matmul"), ("amax", "max"), ("power", "pow"), ("ln", "log"), ("r2_score", "r2"),
        ("shape", "dim"), ("size", "dim"), ("times", "repeat"), ("loop", "repeat"),
        ("glorot_uniform", "xavier_uniform"), ("he_normal", "kaiming_normal"),
        ("conv", "conv2d"), ("convolution", "conv2d"), ("convolution2d", "conv2d"), ("convolution1d", "conv1d"),
        ("depthwise_conv2d", "conv2d"), ("conv_transpose", "conv_transpose2d"), ("conv2d_transpose", "conv_transpose2d"),
        ("convtranspose2d", "conv_transpose2d"), ("deconv", "conv_transpose2d"), ("deconv2d", "conv_transpose2d"),
        ("conv1d_transpose", "conv_transpose1d"), ("convtranspose1d", "conv_transpose1d"),
        ("separableconv2d", "separable_conv2d"), ("max_pool", "max_pool2d"), ("maxpool", "max_pool2d"),
        ("maxpool2d", "max_pool2d"), ("maxpooling2d", "max_pool2d"), ("maxpool1d", "max_pool1d"),
        ("avg_pool", "avg_pool2d"), ("avgpool", "avg_pool2d"), ("avgpool2d", "avg_pool2d"),
        ("averagepooling2d", "avg_pool2d"), ("average_pool2d", "avg_pool2d"), ("avgpool1d", "avg_pool1d"),
        ("globalaveragepooling2d", "global_avg_pool"), ("global_average_pool", "global_avg_pool"),
        ("gap", "global_avg_pool"), ("globalmaxpooling2d", "global_max_pool"),
        ("adaptiveavgpool2d", "adaptive_avg_pool2d"), ("adaptive_avg_pool", "adaptive_avg_pool2d"),
        ("batchnorm", "batch_norm"), ("batch_norm2d", "batch_norm"), ("batch_norm1d", "batch_norm"),
        ("batchnorm2d", "batch_norm"), ("batchnorm1d", "batch_norm"), ("batch_normalization", "batch_norm"),
        ("batchnormalization", "batch_norm"), ("bn", "batch_norm"), ("layernorm", "layer_norm"),
        ("groupnorm", "group_norm"), ("instancenorm2d", "instance_norm"), ("rmsnorm", "rms_norm"),
        ("lrn", "local_response_norm"), ("spatial_dropout2d", "dropout2d"), ("interpolate", "upsample"),
        ("transpose", "permute"), ("jaccard", "iou"), ("mean_iou", "iou"),
        ("binary_accuracy", "accuracy"), ("categorical_accuracy", "accuracy"), ("accuracy_score", "accuracy"),
        ("top_k", "top_k_accuracy"), ("top_k_categorical_accuracy", "top_k_accuracy"), ("top5", "top_k_accuracy"),
        ("f1", "f_beta"), ("f1_score", "f_beta"), ("fbeta", "f_beta"), ("fbeta_score", "f_beta"), ("sensitivity", "recall"),
        ("tpr", "recall"), ("true_positive_rate", "recall"), ("fpr", "false_positive_rate"), ("tnr", "specificity"),
        ("roc", "roc_curve"), ("roc_auc", "auc"), ("roc_auc_score", "auc"), ("precision_recall_curve", "pr_curve"),
        ("root_mean_squared_error", "rmse"), ("mean_absolute_percentage_error", "mape"), ("cosine", "cosine_similarity"),
        ("confusion", "confusion_matrix"),
        ("maxnorm", "max_norm"), ("unitnorm", "unit_norm"), ("nonneg", "non_negative"), ("l1l2", "l1_l2"),
        ("simplernn", "rnn"), ("embed", "embedding"), ("multiheadattention", "self_attention"),
        ("multi_head_attention", "self_attention"), ("multihead_attention", "self_attention"), ("mha", "self_attention"),
        ("scaled_dot_product_attention", "attention"), ("sdpa", "attention"),
        ("transformerencoderlayer", "transformer_encoder_layer"), ("transformer_encoder", "transformer_encoder_layer"),
        ("transformerdecoderlayer", "transformer_decoder_layer"), ("transformer_decoder", "transformer_decoder_layer"),
        ("transformer", "transformer_encoder_layer"), ("ctc_loss", "ctc"), ("ctcloss", "ctc"), ("rope", "rotary"), ("sequence_mask", "mask_from"), ("simple_rnn", "rnn"), ("reverse", "flip"),
    ];
    let plain = name.to_ascii_lowercase();
    NAMES.iter().find(|(other, _)| *other == plain).map(|(_, ours)| *ours)
}

#[cfg(test)]
mod tests {
    use super::{Default, all, find, known_elsewhere_as};

    #[test]
    fn names_are_unique_and_positions_come_before_options() {
        for f in all() {
            assert!(std::ptr::eq(find(f.name).unwrap(), f), "{} is there twice", f.name);
            let positions: Vec<bool> = f.parameters.iter().map(|p| p.positional).collect();
            assert!(positions.is_sorted_by(|a, b| a >= b), "{}", f.name);
            for (i, p) in f.parameters.iter().enumerate() {
                assert!(f.parameters[..i].iter().all(|q| q.name != p.name), "{}: {} twice", f.name, p.name);
                assert!(p.positional || p.default != Default::Required, "{}: option {} is required", f.name, p.name);
            }
        }
        for other in ["bce", "he_normal", "View"] {
            assert!(find(known_elsewhere_as(other).unwrap()).is_some());
        }
    }
}
