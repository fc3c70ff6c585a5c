//! As `main.rs`, for what knows where elements lie: convolutions, pooling, normalization, resampling, and whole networks.

mod convolutions;
mod images;
mod networks;
mod norms;
mod pools;
mod random_convolutions;

/// `case [shape] { more inputs } (expression of h)`: between a tanh before, and a tanh and a dense layer behind.
macro_rules! spatial {
    ($family:literal; $($case:ident $shape:tt $({ $($inputs:tt)* })? ($($expression:tt)+))+) => { $(
        nn_tests::parity! { $family $case {
            input x: $shape;
            $($($inputs)*)?
            target y: [2];
            h = tanh(x);
            a = $($expression)+;
            p = a >> tanh >> flatten >> dense(2);
            output a = a;
            output p = p;
            loss mse(p, y);
            optimizer sgd(learning_rate = 0.02);
        } }
    )+ };
}
pub(crate) use spatial;

/// Every fixture has its test: a case that only Python knows would pass unseen.
#[test]
fn every_fixture_is_tested() {
    let convolutions = concat!(include_str!("convolutions.rs"), include_str!("random_convolutions.rs"));
    nn_tests::parity::assert_all_named("convolutions", convolutions);
    nn_tests::parity::assert_all_named("pools", include_str!("pools.rs"));
    nn_tests::parity::assert_all_named("norms", include_str!("norms.rs"));
    nn_tests::parity::assert_all_named("images", include_str!("images.rs"));
    nn_tests::parity::assert_all_named("networks", include_str!("networks.rs"));
}
