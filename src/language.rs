//! The functions of the language that [`network!`](crate::network) reads: layers, activations, arithmetic, losses,
//! metrics, initializers and optimizers.
//!
//! The items here are documentation and nothing else: editors show it where a network mentions a function. They cannot be
//! called.
//!
//! In signatures, what comes before the comma-separated options can be passed by position, `x >> f(a)` is `f(x, a)`, and
//! `option = value` is an option with its default. Axes count per sample: 0 is the first one after the batch, -1 the last.
//! Defaults are PyTorch's. Images are `[channels, height, width]`, sequences `[channels, length]`, volumes `[channels, depth,
//! height, width]`; where a layer says "positions", it means all axes but the channels'.

/// An item for each function; its documentation begins with its signature.
macro_rules! functions {
    ($($(#[doc = $doc:literal])+ $name:ident;)+) => {
        $(
            $(#[doc = $doc])+
            pub fn $name() {}
        )+
    };
}

mod activations;
mod arithmetic;
mod convolution;
mod data;
mod decisions;
mod initializers;
mod layers;
mod losses;
mod metrics;
mod movement;
mod normalization;
mod optimizers;
mod pooling;
mod regularizers;
mod sequences;
mod tokens;

pub use activations::*;
pub use arithmetic::*;
pub use convolution::*;
pub use data::*;
pub use decisions::*;
pub use initializers::*;
pub use layers::*;
pub use losses::*;
pub use metrics::*;
pub use movement::*;
pub use normalization::*;
pub use optimizers::*;
pub use pooling::*;
pub use regularizers::*;
pub use sequences::*;
pub use tokens::*;
