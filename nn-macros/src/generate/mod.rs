//! From a checked network to the tokens that the user's crate compiles.

use proc_macro2::TokenStream;

use crate::checked::{Checked, Partial};

/// The type, its API and its program.
pub fn network(_checked: &Checked) -> TokenStream {
    TokenStream::new()
}

/// The type and its API without a program, where the network has mistakes.
pub fn stub(_partial: &Partial) -> TokenStream {
    TokenStream::new()
}
