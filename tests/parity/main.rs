//! The same numbers as PyTorch: outputs, losses, gradients of parameters and inputs, and ten optimizer steps, for every
//! activation, function, loss and optimizer; and scikit-learn's metrics. `make_fixtures.py` makes the fixtures and says
//! what they hold; the networks here are its networks. Those of `spatial.rs` are, too.

mod activations;
mod layers;
mod learning_rates;
mod losses;
mod metrics;
mod optimizers;
mod plateaus;
mod regularizers;

/// Every fixture has its test: a case that only Python knows would pass unseen.
#[test]
fn every_fixture_is_tested() {
    nn_tests::parity::assert_all_named("activations", include_str!("activations.rs"));
    nn_tests::parity::assert_all_named("layers", include_str!("layers.rs"));
    nn_tests::parity::assert_all_named("losses", include_str!("losses.rs"));
    nn_tests::parity::assert_all_named("optimizers", include_str!("optimizers.rs"));
    nn_tests::parity::assert_all_named("regularizers", include_str!("regularizers.rs"));
    nn_tests::parity::assert_all_named("metrics", include_str!("metrics.rs"));
    nn_tests::parity::assert_all_named("learning_rates", include_str!("learning_rates.rs"));
    nn_tests::parity::assert_all_named("plateaus", include_str!("plateaus.rs"));
}
