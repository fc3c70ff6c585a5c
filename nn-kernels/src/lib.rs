//! The compiler behind `nn`, as an ordinary library: a declared [`network::Network`] goes in, a [`plan::Plan`] comes
//! out, and two printers make WGSL and Rust of it. The modules stand in the order of the pipeline.

pub mod graph;
pub mod layers;
pub mod levels;
pub mod network;
pub mod shape;

pub mod autodiff;
pub mod simplify;
pub mod stepwise;

pub mod ir;
pub mod lower;
pub mod memory;
pub mod plan;

mod compile;
pub mod emit;
mod hash;
pub mod interpret;
pub mod random_graph;
pub mod reference;

pub use compile::{Options, compile};
