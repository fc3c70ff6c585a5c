use super::LearningRate;

fn at(rate: &LearningRate, times: &[u64]) -> Vec<f64> {
    times.iter().map(|t| (rate.at(*t) * 1e9).round() / 1e9).collect()
}

#[test]
fn curves_hold_their_last_value() {
    assert_eq!(at(&LearningRate::linear(1.0, 0.5, 10), &[0, 5, 10, 11, u64::MAX]), [1.0, 0.75, 0.5, 0.5, 0.5]);
    assert_eq!(at(&LearningRate::cosine(1.0, 4).minimum(0.2), &[0, 2, 4, 5]), [1.0, 0.6, 0.2, 0.2]);
    let cycle = LearningRate::one_cycle(1.0, 10);
    assert_eq!(cycle.at(9), cycle.at(1000));
}

#[test]
fn warm_up_comes_before_the_curve() {
    let rate = LearningRate::step(1.0, 2, 0.5).warm_up(4);
    assert_eq!(at(&rate, &[0, 1, 3, 4, 5, 6]), [0.25, 0.5, 1.0, 1.0, 1.0, 0.5]);
    assert_eq!(LearningRate::constant(0.1).warm_up(0).at(0), 0.1);
}

#[test]
fn options_of_a_cosine_reach_it_behind_a_warm_up() {
    let before = LearningRate::cosine(1.0, 4).minimum(0.1).restarts(2).warm_up(3);
    let behind = LearningRate::cosine(1.0, 4).warm_up(3).minimum(0.1).restarts(2);
    assert_eq!(before, behind);
}

#[test]
fn numbers_that_make_no_sense_are_errors() {
    let error = |rate: LearningRate| rate.check().unwrap_err().to_string();
    assert_eq!(
        error(LearningRate::constant(-1.0)),
        "learning rate: the rate is -1, but it must be a number, at least 0"
    );
    assert_eq!(error(LearningRate::cosine(1.0, 0)), "learning rate: the length is 0, but it must be at least 1");
    assert_eq!(
        error(LearningRate::cosine(1.0, 5).restarts(0).warm_up(2)),
        "learning rate: the factor of restarts is 0, but it must be at least 1"
    );
    assert!(error(LearningRate::step(1.0, 3, f64::NAN)).contains("`gamma` is NaN"));
    assert!(error(LearningRate::constant(1.0).then(3, LearningRate::step(1.0, 0, 0.1))).contains("`every` is 0"));
    assert!(LearningRate::one_cycle(0.1, 100).per_step().check().is_ok());
    let message = "learning rate: `minimum` is an option of `cosine`, but it was given to another curve";
    assert_eq!(error(LearningRate::step(1.0, 3, 0.5).minimum(0.1).warm_up(2)), message);
    let behind = LearningRate::cosine(1.0, 5).then(5, LearningRate::constant(0.1).restarts(2)).minimum(0.1);
    assert!(error(behind).contains("`minimum` is an option"), "the curve named last is the constant");
    assert!(
        error(LearningRate::cosine(1.0, 5).then(5, LearningRate::constant(0.1).restarts(2))).contains("`restarts`")
    );
    assert!(LearningRate::constant(1.0).then(3, LearningRate::cosine(1.0, 5)).minimum(0.1).check().is_ok());
}

#[test]
fn no_number_is_a_panic() {
    for length in [0, 1, 2, u64::MAX] {
        for t in [0, 1, u64::MAX] {
            let curves = [
                LearningRate::step(1.0, length, 0.5),
                LearningRate::linear(1.0, 0.0, length),
                LearningRate::cosine(1.0, length).restarts(2),
                LearningRate::cosine(1.0, length).restarts(1),
                LearningRate::one_cycle(1.0, length).warm_up(length),
                LearningRate::constant(1.0).then(length, LearningRate::cosine(1.0, length)),
            ];
            assert!(curves.iter().all(|curve| curve.at(t).is_finite()));
        }
    }
}
