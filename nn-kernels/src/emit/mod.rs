//! Two printers of the same kernel IR.

pub mod wgsl;
