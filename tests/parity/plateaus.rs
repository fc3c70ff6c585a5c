//! Rates that fall on a plateau, against PyTorch's scheduler.

use nn::ReduceOnPlateau;
use nn_tests::Fixture;

nn::network! {
    network Line {
        input x: [1];
        target y: [1];
        fitted = x >> dense(1);
        output fitted = fitted;
        loss mse(fitted, y);
        optimizer sgd(learning_rate = 0.1);
    }
}

/// Trains epochs whose reports have the fixture's values, and compares each one's learning rate.
fn check(case: &str, rules: impl FnOnce(ReduceOnPlateau<LineReport>) -> ReduceOnPlateau<LineReport>) {
    let fixture = Fixture::read("plateaus");
    let values = fixture.case(case).only("values").to_vec();
    let expected = fixture.case(case).only("rates");
    let mut next = values.clone().into_iter().map(f64::from);
    let plateau = rules(ReduceOnPlateau::on(move |_: &LineReport| next.next().unwrap_or(f64::NAN)));
    let data = LineData::new(vec![[1.0]], vec![[1.0]]).unwrap();
    let mut net = Line::new(&nn::Device::cpu(), 0).unwrap();
    let history = net.fit(&data, nn::Fit::default().epochs(values.len()).reduce_on_plateau(plateau).quiet()).unwrap();
    assert_eq!(history.epochs.len(), expected.len());
    for (epoch, expected) in history.epochs.iter().zip(expected) {
        let found = epoch.learning_rate;
        assert!((found - expected).abs() < 1e-6 * expected, "{case}, epoch {}: {found}, not {expected}", epoch.number);
    }
    assert!(expected[0] > expected[expected.len() - 1], "{case}: the rate falls");
}

#[test]
fn rates_fall_as_those_of_pytorch() {
    check("defaults", |plateau| plateau.patience(10));
    check("impatient", |plateau| plateau.factor(0.5).patience(0));
    check("patient", |plateau| plateau.factor(0.3).patience(3));
    check("cooling", |plateau| plateau.factor(0.5).patience(1).cooldown(4));
    check("absolute", |plateau| plateau.factor(0.5).patience(1).threshold(0.05).absolute());
    check("relative", |plateau| plateau.factor(0.5).patience(1).threshold(0.1));
    check("floor", |plateau| plateau.patience(0).minimum_rate(0.003));
    check("maximum", |plateau| plateau.factor(0.5).patience(2).maximum());
    check("maximum_absolute", |plateau| plateau.factor(0.5).patience(2).maximum().threshold(0.04).absolute());
}
