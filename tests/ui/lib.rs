//! The cases lie in the folders beside this file; `ui.rs` runs them.
