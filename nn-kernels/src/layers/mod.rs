//! Layers, activations, losses, metrics and optimizers, as functions that add primitives to a graph.
//!
//! Each function checks its operands by the rules of [`crate::shape`] and its options, and returns the node of its
//! result or the [`Fact`](crate::shape::Fact) that speaks against it. Names, meanings and defaults are PyTorch's; axes
//! count per sample, negative ones from the end.
//!
//! Pure functions take the graph. Layers with parameters take the whole network and the layer's path, to which they
//! append `.weight` and `.bias`. The caller has set the graph's label before.

mod activation;
mod attention;
mod convolution;
mod dense;
mod elementwise;
mod embedding;
mod init;
mod loss;
mod metric;
mod movement;
mod noise;
mod norm;
mod normalize;
mod optimizer;
mod padding;
mod pool;
mod position;
mod recurrent;
mod reduce;
mod regularize;
mod resample;
mod segment;
#[cfg(test)]
mod tests;
mod transformer;

pub use activation::{
    celu, elu, gelu, hard_sigmoid, hard_swish, identity, leaky_relu, maxout, mish, prelu, relu, relu6, selu, sigmoid,
    silu, softplus, softsign, step, tanh,
};
pub use attention::{Attention, MultiHead, attention, cross_attention, self_attention};
pub use convolution::{Convolution, TransposedConvolution, convolution, separable_convolution, transposed_convolution};
pub use dense::{Affine, dense, linear, matmul};
pub use elementwise::{
    abs, add, clamp, divide, exp, log, maximum, minimum, multiply, negate, pow, sqrt, square, subtract,
};
pub use embedding::{embedding, last_of, mask_from, masked_mean, masking, tied_linear};
pub use init::{Fan, Init, Nonlinearity, add_buffer, add_parameter};
pub use loss::{
    Counting, Ctc, Positions, Target, Term, binary_cross_entropy, binary_cross_entropy_with_logits,
    binary_cross_entropy_with_pos_weight, cross_entropy, ctc, focal_loss, hinge, huber, is_counted, kl_divergence,
    log_cosh, losses, mae, mse, per_sample_loss, poisson_nll, smooth_l1, terms, weighted_mean,
};
pub use metric::{accuracy, confusion_matrix, mean_metric, perplexity, r2, rate, right, rmse, scores, top_k_accuracy};
pub use movement::{chunk, concat, element, first, flatten, flip, last, output, permute, reshape, slice, split, stack};
pub use noise::{dropout, dropout2d, gaussian_noise};
pub use norm::{BatchNorm, batch_norm, group_norm, instance_norm, layer_norm, local_response_norm, rms_norm};
pub use normalize::{log_softmax, softmax};
pub use optimizer::{
    OptimizerStep, Update, check_group, check_optimizer, check_precision, clip_by_value, clip_factor,
    optimizer_average, optimizer_step, state_init,
};
pub use padding::{crop, pad};
pub use pool::{adaptive_avg_pool2d, avg_pool, global_avg_pool, global_max_pool, max_pool};
pub use position::{position_embedding, positional_encoding, rotary};
pub use recurrent::{Cell, Recurrent, Sequence, recurrent};
pub use reduce::{max, mean, sum};
pub use regularize::{check_constraint, check_penalty, constrain, penalty, penalty_gradient};
pub use resample::{Interpolation, channel_shuffle, pixel_shuffle, pixel_unshuffle, upsample};
pub use segment::{dice_loss, iou};
pub use transformer::{Transformer, transformer_decoder_layer, transformer_encoder_layer};
