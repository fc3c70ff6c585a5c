//! As `main.rs`, for what changes parameters: optimizers and their options, penalties and constraints, learning rates.

mod learning_rates;
mod optimizers;
mod plateaus;
mod regularizers;

/// Every fixture has its test: a case that only Python knows would pass unseen.
#[test]
fn every_fixture_is_tested() {
    nn_tests::parity::assert_all_named("learning_rates", include_str!("learning_rates.rs"));
    nn_tests::parity::assert_all_named("optimizers", include_str!("optimizers.rs"));
    nn_tests::parity::assert_all_named("plateaus", include_str!("plateaus.rs"));
    nn_tests::parity::assert_all_named("regularizers", include_str!("regularizers.rs"));
}
