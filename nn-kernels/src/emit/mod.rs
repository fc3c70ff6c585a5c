//! Two printers of the same kernel IR, one for people, and one of the graph for other runtimes.

#[cfg(feature = "onnx")]
pub mod onnx;
pub mod rust;
pub mod text;
pub mod wgsl;
