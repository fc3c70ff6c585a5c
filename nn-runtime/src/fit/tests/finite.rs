//! Numbers that are none: where they begin, and what is done about them.

use super::*;

/// 60 samples, of which these have something else in their first number.
fn spoilt(samples: &[usize], number: f32) -> Set {
    let data = data(60);
    let mut x = data.floats::<3, [f32; 3]>(0).to_vec();
    samples.iter().for_each(|&sample| x[sample][1] = number);
    let y = data.floats::<2, [f32; 2]>(1);
    let fields = DataSet::new(crate::testing::FIELDS).with::<f32, 3, [f32; 3]>(x).unwrap();
    Set(fields.with::<f32, 2, [f32; 2]>(y).unwrap())
}

fn options(policy: OnNonFinite) -> Fit<'static, Report> {
    Fit::default().batch_size(4).shuffle(false).quiet().on_non_finite(policy)
}

/// The parameters after these batches of four, each a step.
fn after(data: &Set, batches: impl Iterator<Item = usize>) -> Vec<f32> {
    let mut net = net(1);
    for batch in batches {
        net.train_batch(&data.0.slice(batch * 4..batch * 4 + 4)).unwrap();
    }
    net.backend.parameters().unwrap()
}

#[test]
fn a_run_stops_with_the_weights_from_before_the_step_and_says_where_it_began() {
    let data = spoilt(&[38], f32::NAN);
    let mut stopped = net(1);
    let history = stopped.fit(&data, options(OnNonFinite::Stop).epochs(3)).unwrap();
    let Some(Stopped::NonFinite(found)) = &history.stopped else { panic!("{:?}", history.stopped) };
    assert_eq!((found.epoch, found.batch, found.loss.is_nan()), (1, 10, true));
    assert_eq!(
        found.to_string(),
        "batch 10 of epoch 1, whose loss is NaN, is not finite, first in the data: `x` of sample 38 has NaN"
    );
    assert_eq!((stopped.steps(), history.step_losses.len(), history.epochs.len()), (9, 9, 0));
    assert!(history.step_losses.iter().all(|loss| loss.is_finite()));
    assert_eq!(stopped.backend.parameters().unwrap(), after(&data, 0..9), "bit for bit");
}

#[test]
fn a_step_can_be_left_out() {
    let data = spoilt(&[5, 38, 39, 59], f32::INFINITY);
    let mut skipping = net(1);
    let history = skipping.fit(&data, options(OnNonFinite::Skip)).unwrap();
    assert_eq!((history.stopped, skipping.steps(), history.step_losses.len()), (None, 15, 15));
    let bad: Vec<usize> = (0..15).filter(|&step| !history.step_losses[step].is_finite()).collect();
    assert_eq!(bad, [1, 9, 14]);
    let good = (0..15).filter(|step| !bad.contains(step));
    assert_eq!(skipping.backend.parameters().unwrap(), after(&data, good), "as if they had not been there");
    let mean =
        history.step_losses.iter().filter(|loss| loss.is_finite()).map(|&loss| f64::from(loss)).sum::<f64>() / 12.0;
    assert!((history.epochs[0].train.loss - mean).abs() < 1e-6);
}

#[test]
fn gradients_and_updates_that_overflow_are_found_by_name_although_the_loss_is_finite() {
    let run = |data: &Set, rate, parameter: (&str, &[f32])| {
        let mut net = net(1);
        net.set_learning_rate(rate).unwrap();
        net.set_parameter(parameter.0, parameter.1).unwrap();
        let before = net.backend.parameters().unwrap();
        let history = net.fit(data, options(OnNonFinite::Stop).epochs(9)).unwrap();
        assert_eq!((net.steps(), net.backend.parameters().unwrap()), (0, before));
        let Some(Stopped::NonFinite(found)) = history.stopped else { panic!("{:?}", history.stopped) };
        assert!(found.loss.is_finite() && found.batch == 1, "{found}");
        found.place
    };
    // Squared, what is fitted is below the largest number; times the input, it is not.
    let weight = [0.0, 0.1, 0.0, 0.0, 0.1, 0.0];
    let place = run(&spoilt(&[2], 1.5e20), 0.1, ("dense.weight", &weight));
    assert_eq!(place, "the gradient of `dense.weight`: 2 of 6 numbers, the first is inf");
    let place = run(&spoilt(&[], 0.0), 3e38, ("dense.bias", &[100.0; 2]));
    assert!(place.starts_with("the update of `dense.weight`: "), "{place}");
}

#[test]
fn weights_that_were_bad_before_are_named_and_end_the_run() {
    for policy in [OnNonFinite::Stop, OnNonFinite::Skip] {
        let mut bad = net(1);
        bad.set_parameter("dense.bias", &[0.0, f32::NAN]).unwrap();
        let history = bad.fit(&spoilt(&[], 0.0), options(policy)).unwrap();
        let Some(Stopped::NonFinite(found)) = &history.stopped else { panic!("{:?}", history.stopped) };
        assert_eq!(found.place, "`dense.bias`: 1 of 2 numbers, the first is NaN, before the step");
        assert_eq!(bad.steps(), 0);
    }
}

#[test]
fn streams_are_searched_too_and_runs_without_such_numbers_keep_their_bits() {
    let spoilt = spoilt(&[38], f32::NAN);
    let stream = streams::stream(&spoilt.0, 0.0);
    let (mut a, mut b) = (net(1), net(1));
    for policy in [OnNonFinite::Skip, OnNonFinite::Stop] {
        let resident = a.fit(&spoilt, options(policy).epochs(2)).unwrap();
        let streamed = b.fit(&stream, options(policy).epochs(2)).unwrap();
        let bits = |losses: &[f32]| losses.iter().map(|loss| loss.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&resident.step_losses), bits(&streamed.step_losses));
        assert_eq!(resident.stopped.map(|s| format!("{s:?}")), streamed.stopped.map(|s| format!("{s:?}")));
        assert_eq!(a.backend.parameters().unwrap(), b.backend.parameters().unwrap());
    }
    let run = |policy| fit(options(policy).epochs(3)).unwrap().step_losses;
    assert_eq!(run(OnNonFinite::Skip), run(OnNonFinite::Ignore));
    assert_eq!(run(OnNonFinite::Stop), run(OnNonFinite::Ignore));
}
