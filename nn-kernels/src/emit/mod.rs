//! Two printers of the same kernel IR, and one for people.

pub mod rust;
pub mod text;
pub mod wgsl;
