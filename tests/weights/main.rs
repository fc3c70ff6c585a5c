//! What counts, and how much: weights of samples and classes, masks, and classes that are none; PyTorch's and scikit-learn's numbers,
//! and what `fit` makes of them, on each device.

mod fitting;
mod losses;
mod metrics;

/// Every fixture has its test.
#[test]
fn every_fixture_is_tested() {
    nn_tests::parity::assert_all_named("weights", include_str!("losses.rs"));
    nn_tests::parity::assert_all_named("counting", include_str!("metrics.rs"));
}
