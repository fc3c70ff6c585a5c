//! Two printers of the same kernel IR.

pub mod rust;
pub mod wgsl;
