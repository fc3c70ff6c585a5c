//! As `main.rs`, for recurrent layers, for loops with a body of the user's own, and for the loss that is a loop.

mod ctc;
mod recurrent;
mod scans;
mod stateful;

/// `case [shape] { more inputs } { statements } (tensors)`: of `s`, which is between a tanh before and a dense layer behind. The
/// first tensor is an output, and all of them go into the loss.
macro_rules! sequences {
    ($($case:ident $shape:tt { $($inputs:tt)* } { $($statements:tt)+ } ($a:ident $(, $more:expr)*) $optimizer:expr;)+) => { $(
        nn_tests::parity! { "sequences" $case {
            input x: $shape;
            $($inputs)*
            target y: [2];
            s = tanh(x);
            $($statements)+
            p = concat([$a >> flatten $(, $more >> flatten)*]) >> dense(2);
            output a = $a;
            output p = p;
            loss mse(p, y);
            optimizer $optimizer;
        } }
    )+ };
}
pub(crate) use sequences;

/// Every fixture has its test: a case that only Python knows would pass unseen.
#[test]
fn every_fixture_is_tested() {
    let sources = concat!(include_str!("recurrent.rs"), include_str!("scans.rs"));
    nn_tests::parity::assert_all_named("sequences", sources);
    nn_tests::parity::assert_all_named("ctc", include_str!("ctc.rs"));
    nn_tests::parity::assert_all_named("stateful", include_str!("stateful.rs"));
}
