//! Normalizations.

use nn_kernels::layers::{self, BatchNorm};

use super::Default::Required;
use super::values::{AXES, AXIS, NAME, X, layer, value};
use super::{Function, Kind, Parameter};

const EPS: Parameter = Parameter::number("eps", 1e-5);
const AFFINE: Parameter = Parameter::flag("affine", true);
/// The smallest difference of an f32 from 1, which is PyTorch's default for `rms_norm`.
const RMS_EPS: Parameter = Parameter::number("eps", f32::EPSILON as f64);

pub static TABLE: &[Function] = &[
    layer("batch_norm", &[X, Parameter::number("momentum", 0.1), EPS, AFFINE, NAME], |n, path, a| {
        let options = BatchNorm { momentum: a.number("momentum"), eps: a.number("eps"), affine: a.flag("affine") };
        layers::batch_norm(n, path, a.tensor("x"), &options)
    }),
    layer("layer_norm", &[X, AXIS, AXES, EPS, AFFINE, NAME], |n, path, a| {
        layers::layer_norm(n, path, a.tensor("x"), a.axes(), a.number("eps"), a.flag("affine"))
    }),
    layer("rms_norm", &[X, AXIS, AXES, RMS_EPS, AFFINE, NAME], |n, path, a| {
        layers::rms_norm(n, path, a.tensor("x"), a.axes(), a.number("eps"), a.flag("affine"))
    }),
    layer(
        "group_norm",
        &[X, Parameter::positional("groups", Kind::Count, Required), EPS, AFFINE, NAME],
        |n, path, a| layers::group_norm(n, path, a.tensor("x"), a.count("groups"), a.number("eps"), a.flag("affine")),
    ),
    layer("instance_norm", &[X, EPS, Parameter::flag("affine", false), NAME], |n, path, a| {
        layers::instance_norm(n, path, a.tensor("x"), a.number("eps"), a.flag("affine"))
    }),
    value(
        "local_response_norm",
        &[
            X,
            Parameter::positional("size", Kind::Count, Required),
            Parameter::number("alpha", 1e-4),
            Parameter::number("beta", 0.75),
            Parameter::number("k", 1.0),
        ],
        |g, a| {
            let (alpha, beta, k) = (a.number("alpha"), a.number("beta"), a.number("k"));
            layers::local_response_norm(g, a.tensor("x"), a.count("size"), alpha, beta, k)
        },
    ),
];
