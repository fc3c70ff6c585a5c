//! Nothing panics, whatever the tokens.
