//! What the examples share: command line options, data that is drawn or read, and pictures of what was learned.
//! The networks themselves stand in the examples.

pub mod charts;
pub mod cli;
pub mod confusion;
pub mod datasets;
pub mod drawn_digits;
pub mod drawn_shapes;
pub mod points;
pub mod process;
pub mod report;
pub mod text;
pub mod text_art;
