//! Functions that know where elements lie: convolutions, pooling, padding and resampling.

use nn_kernels::layers::{self, Convolution, Interpolation, TransposedConvolution};
use nn_kernels::shape::{PaddingMode, TransposedOptions, WindowOptions};

use super::Default::{Integer, Nothing, Number, Required, Word};
use super::regularizers::{BIAS_CONSTRAINT, BIAS_REGULARIZER, CONSTRAINT, REGULARIZER};
use super::values::{NAME, X, layer, value};
use super::{Arguments, Function, Kind, Parameter};

const FILTERS: Parameter = Parameter::positional("filters", Kind::Count, Required);
const KERNEL: Parameter = Parameter::positional("kernel", Kind::PerAxis(1), Required);
const STRIDE: Parameter = Parameter::option("stride", Kind::PerAxis(1), Integer(1));
const DILATION: Parameter = Parameter::option("dilation", Kind::PerAxis(1), Integer(1));
const GROUPS: Parameter = Parameter::option("groups", Kind::Count, Integer(1));
const BIAS: Parameter = Parameter::flag("bias", true);
const INIT: Parameter = Parameter::option("init", Kind::Init, Nothing);
const BIAS_INIT: Parameter = Parameter::option("bias_init", Kind::Init, Nothing);
const PADDING: Parameter = Parameter::option("padding", Kind::Padding, Integer(0));
const PADDING_MODE: Parameter =
    Parameter::option("padding_mode", Kind::Word(&["zeros", "reflect", "replicate", "circular"]), Word("zeros"));

const CONVOLUTION: &[Parameter] = &[
    X,
    FILTERS,
    KERNEL,
    STRIDE,
    PADDING,
    PADDING_MODE,
    DILATION,
    GROUPS,
    BIAS,
    INIT,
    BIAS_INIT,
    REGULARIZER,
    BIAS_REGULARIZER,
    CONSTRAINT,
    BIAS_CONSTRAINT,
    NAME,
];
const SEPARABLE: &[Parameter] = &[
    X,
    FILTERS,
    KERNEL,
    STRIDE,
    PADDING,
    PADDING_MODE,
    DILATION,
    BIAS,
    INIT,
    BIAS_INIT,
    REGULARIZER,
    BIAS_REGULARIZER,
    CONSTRAINT,
    BIAS_CONSTRAINT,
    NAME,
];
const TRANSPOSED: &[Parameter] = &[
    X,
    FILTERS,
    KERNEL,
    STRIDE,
    NUMBERS_ONLY,
    Parameter::option("output_padding", Kind::PerAxis(0), Integer(0)),
    DILATION,
    GROUPS,
    BIAS,
    INIT,
    BIAS_INIT,
    REGULARIZER,
    BIAS_REGULARIZER,
    CONSTRAINT,
    BIAS_CONSTRAINT,
    NAME,
];

/// Padding that is no word.
const NUMBERS_ONLY: Parameter = Parameter::option("padding", Kind::PerAxis(0), Integer(0));
/// By default, windows do not overlap.
const POOL_STRIDE: Parameter = Parameter::option("stride", Kind::PerAxis(1), Nothing);
const CEIL_MODE: Parameter = Parameter::flag("ceil_mode", false);
const MAX_POOL: &[Parameter] = &[X, KERNEL, POOL_STRIDE, NUMBERS_ONLY, DILATION, CEIL_MODE];
const AVG_POOL: &[Parameter] =
    &[X, KERNEL, POOL_STRIDE, NUMBERS_ONLY, CEIL_MODE, Parameter::flag("count_include_pad", true)];
const FACTOR: Parameter = Parameter::positional("factor", Kind::Count, Required);

pub static TABLE: &[Function] = &[
    layer("conv1d", CONVOLUTION, |n, path, a| layers::convolution(n, path, a.tensor("x"), 1, &convolution(a))),
    layer("conv2d", CONVOLUTION, |n, path, a| layers::convolution(n, path, a.tensor("x"), 2, &convolution(a))),
    layer("conv3d", CONVOLUTION, |n, path, a| layers::convolution(n, path, a.tensor("x"), 3, &convolution(a))),
    layer("conv_transpose1d", TRANSPOSED, |n, path, a| {
        layers::transposed_convolution(n, path, a.tensor("x"), 1, &transposed(a))
    }),
    layer("conv_transpose2d", TRANSPOSED, |n, path, a| {
        layers::transposed_convolution(n, path, a.tensor("x"), 2, &transposed(a))
    }),
    layer("separable_conv2d", SEPARABLE, |n, path, a| {
        layers::separable_convolution(n, path, a.tensor("x"), &convolution(a))
    }),
    value("max_pool1d", MAX_POOL, |g, a| layers::max_pool(g, a.tensor("x"), 1, &pool(a))),
    value("max_pool2d", MAX_POOL, |g, a| layers::max_pool(g, a.tensor("x"), 2, &pool(a))),
    value("avg_pool1d", AVG_POOL, |g, a| layers::avg_pool(g, a.tensor("x"), 1, &pool(a), a.flag("count_include_pad"))),
    value("avg_pool2d", AVG_POOL, |g, a| layers::avg_pool(g, a.tensor("x"), 2, &pool(a), a.flag("count_include_pad"))),
    value("global_max_pool", &[X], |g, a| layers::global_max_pool(g, a.tensor("x"))),
    value("global_avg_pool", &[X], |g, a| layers::global_avg_pool(g, a.tensor("x"))),
    value("adaptive_avg_pool2d", &[X, Parameter::positional("size", Kind::PerAxis(1), Required)], |g, a| {
        layers::adaptive_avg_pool2d(g, a.tensor("x"), a.per_axis("size"))
    }),
    value(
        "upsample",
        &[
            X,
            Parameter::positional("scale", Kind::PerAxis(1), Required),
            Parameter::option("mode", Kind::Word(&["nearest", "bilinear"]), Word("nearest")),
        ],
        |g, a| {
            let nearest = a.word("mode") == "nearest";
            let mode = if nearest { Interpolation::Nearest } else { Interpolation::Bilinear };
            layers::upsample(g, a.tensor("x"), a.per_axis("scale"), mode)
        },
    ),
    value(
        "pad",
        &[
            X,
            Parameter::positional("padding", Kind::Margins, Required),
            Parameter::option("mode", Kind::Word(&["constant", "reflect", "replicate", "circular"]), Word("constant")),
            Parameter::option("value", Kind::Number, Number(0.0)),
        ],
        |g, a| layers::pad(g, a.tensor("x"), a.margins("padding"), mode(a.word("mode")), a.number("value")),
    ),
    value("crop", &[X, Parameter::positional("margins", Kind::Margins, Required)], |g, a| {
        layers::crop(g, a.tensor("x"), a.margins("margins"))
    }),
    value("pixel_shuffle", &[X, FACTOR], |g, a| layers::pixel_shuffle(g, a.tensor("x"), a.count("factor"))),
    value("pixel_unshuffle", &[X, FACTOR], |g, a| layers::pixel_unshuffle(g, a.tensor("x"), a.count("factor"))),
    value("channel_shuffle", &[X, Parameter::positional("groups", Kind::Count, Required)], |g, a| {
        layers::channel_shuffle(g, a.tensor("x"), a.count("groups"))
    }),
];

fn convolution(a: &Arguments) -> Convolution {
    Convolution {
        filters: a.count("filters"),
        kernel: a.per_axis("kernel").clone(),
        stride: a.per_axis("stride").clone(),
        padding: a.padding("padding").clone(),
        padding_mode: mode(a.word("padding_mode")),
        dilation: a.per_axis("dilation").clone(),
        // Only `separable_conv2d` has no groups.
        groups: if a.bound.contains_key("groups") { a.count("groups") } else { 1 },
        bias: a.flag("bias"),
        init: a.init("init"),
        bias_init: a.init("bias_init"),
    }
}

fn transposed(a: &Arguments) -> TransposedConvolution {
    TransposedConvolution {
        filters: a.count("filters"),
        windows: TransposedOptions {
            kernel: a.per_axis("kernel").clone(),
            stride: a.per_axis("stride").clone(),
            padding: a.per_axis("padding").clone(),
            output_padding: a.per_axis("output_padding").clone(),
            dilation: a.per_axis("dilation").clone(),
        },
        groups: a.count("groups"),
        bias: a.flag("bias"),
        init: a.init("init"),
        bias_init: a.init("bias_init"),
    }
}

fn pool(a: &Arguments) -> WindowOptions {
    let given = |name: &str| a.bound.contains_key(name);
    WindowOptions {
        kernel: a.per_axis("kernel").clone(),
        stride: a.per_axis(if given("stride") { "stride" } else { "kernel" }).clone(),
        padding: nn_kernels::shape::Padding::Numbers(a.per_axis("padding").clone()),
        // Only maxima have a dilation.
        dilation: if given("dilation") { a.per_axis("dilation").clone() } else { nn_kernels::shape::PerAxis::All(1) },
        ceil: a.flag("ceil_mode"),
    }
}

fn mode(word: &str) -> PaddingMode {
    match word {
        "reflect" => PaddingMode::Reflect,
        "replicate" => PaddingMode::Replicate,
        "circular" => PaddingMode::Circular,
        _ => PaddingMode::Constant,
    }
}
