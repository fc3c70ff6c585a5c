//! The same numbers as PyTorch: outputs, losses, gradients of parameters and inputs, and ten optimizer steps, for every
//! activation, function and loss; and scikit-learn's metrics. `make_fixtures.py` makes the fixtures and says
//! what they hold; the networks here are its networks. Those of `training.rs` and `spatial.rs` are, too: targets of their own,
//! since one is minutes of compiling.

mod activations;
mod layers;
mod losses;
mod metrics;

/// Every fixture has its test: a case that only Python knows would pass unseen.
#[test]
fn every_fixture_is_tested() {
    nn_tests::parity::assert_all_named("activations", include_str!("activations.rs"));
    nn_tests::parity::assert_all_named("layers", include_str!("layers.rs"));
    nn_tests::parity::assert_all_named("losses", include_str!("losses.rs"));
    nn_tests::parity::assert_all_named("metrics", include_str!("metrics.rs"));
}
