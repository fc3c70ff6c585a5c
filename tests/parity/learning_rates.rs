//! Learning rates against PyTorch's schedulers.

use nn::LearningRate;
use nn_tests::Fixture;

fn check(case: &str, rate: &LearningRate) {
    let fixture = Fixture::read("learning_rates");
    let expected = fixture.case(case).only("rates");
    for (time, expected) in (0..).zip(expected) {
        let found = rate.at(time);
        let bound = 1e-6 * f64::from(*expected).abs() + 1e-9;
        assert!((found - f64::from(*expected)).abs() < bound, "{case}, epoch {time}: {found} instead of {expected}");
    }
}

macro_rules! learning_rates {
    ($($case:ident: $rate:expr;)+) => { $(
        #[test]
        fn $case() {
            check(stringify!($case), &$rate);
        }
    )+ };
}

learning_rates! {
    step: LearningRate::step(0.1, 7, 0.5);
    multi_step: LearningRate::multi_step(0.1, [5, 11, 12, 30], 0.3);
    exponential: LearningRate::exponential(0.1, 0.9);
    linear: LearningRate::linear(0.025, 0.1, 10);
    polynomial: LearningRate::polynomial(0.1, 0.0, 20, 2.0);
    cosine: LearningRate::cosine(0.1, 44).minimum(0.001);
    restarts: LearningRate::cosine(0.1, 6).minimum(0.002).restarts(2);
    equal_restarts: LearningRate::cosine(0.1, 8).restarts(1);
    one_cycle: LearningRate::one_cycle(0.1, 46);
    short_cycle: LearningRate::one_cycle(0.1, 7);
    warm_up: LearningRate::cosine(0.1, 40).warm_up(5);
    then: LearningRate::exponential(0.1, 0.9).then(9, LearningRate::step(0.1, 4, 0.1));
}
