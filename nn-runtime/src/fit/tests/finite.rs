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
    assert_eq!(history.epochs[0].skipped, 3);
    let found: Vec<(usize, &str)> = history.left_out.iter().map(|found| (found.batch, &*found.place)).collect();
    assert_eq!((found.len(), found[1]), (3, (10, "the data: `x` of sample 38 has inf")));
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

#[test]
fn whole_updates_are_left_out_where_gradients_are_summed() {
    let data = spoilt(&[17, 29, 58], f32::NAN);
    // Batches of 4, three to an update: batches 5 (of the second update), 8 (of the third) and 15 (of the last one) are bad.
    let good = [0..12, 36..48];
    let run = |data: &dyn Dataset<Report = Report>, policy| {
        let mut net = net(1);
        let mut skipped = vec![];
        let fit = options(policy).accumulate(3).on_epoch(|epoch, _| skipped.push(epoch.skipped));
        let history = net.fit(&data, fit).unwrap();
        (net, history, skipped)
    };
    let (net, history, skipped) = run(&data, OnNonFinite::Skip);
    assert_eq!((net.steps(), net.updates(), history.step_losses.len(), skipped), (15, 5, 15, vec![9]));
    let bad: Vec<usize> = (0..15).filter(|&step| history.step_losses[step].is_nan()).collect();
    assert_eq!(bad, [3, 4, 5, 6, 7, 8, 12, 13, 14]);
    let found: Vec<usize> = history.left_out.iter().map(|found| found.batch).collect();
    assert_eq!(found, [5, 8, 15]);
    let mut twin = super::net(1);
    for range in good {
        twin.train_batch(&data.0.slice(range)).unwrap();
    }
    for (a, b) in net.backend.parameters().unwrap().iter().zip(twin.backend.parameters().unwrap()) {
        assert!((a - b).abs() < 1e-6, "{a} {b}");
    }
    let stream = streams::stream(&data.0, 0.0);
    let (streamed, again, _) = run(&stream, OnNonFinite::Skip);
    assert_eq!(streamed.backend.parameters().unwrap(), net.backend.parameters().unwrap(), "bit for bit");
    // Losses among them are NaN.
    assert_eq!(format!("{:?}", again.left_out), format!("{:?}", history.left_out));

    let (net, history, _) = run(&data, OnNonFinite::Stop);
    let Some(Stopped::NonFinite(found)) = &history.stopped else { panic!("{:?}", history.stopped) };
    assert_eq!((found.batch, found.place.as_str()), (5, "the data: `x` of sample 17 has NaN"));
    assert_eq!((net.steps(), net.updates(), history.step_losses.len()), (3, 1, 3), "from before the update");
    let good = |policy| run(&spoilt(&[], 0.0), policy).1.step_losses;
    assert_eq!(good(OnNonFinite::Skip), good(OnNonFinite::Ignore));
}

#[test]
fn updates_are_not_cut_by_portions_of_a_stream() {
    // Two batches fill a portion, and three make an update.
    let data = data(700_000);
    let mut x = data.floats::<3, [f32; 3]>(0).to_vec();
    x[250_000][0] = f32::NAN;
    let fields = DataSet::new(crate::testing::FIELDS).with::<f32, 3, [f32; 3]>(x).unwrap();
    let data = Set(fields.with::<f32, 2, [f32; 2]>(data.floats::<2, [f32; 2]>(1)).unwrap());
    let stream = streams::stream(&data.0, 0.0);
    let run = |data: &dyn Dataset<Report = Report>| {
        let mut net = net(1);
        let history = net.fit(&data, options(OnNonFinite::Skip).batch_size(100_000).accumulate(3)).unwrap();
        let batches: Vec<usize> = history.left_out.iter().map(|found| found.batch).collect();
        (batches, net.backend.parameters().unwrap(), history.epochs[0].skipped)
    };
    let resident = run(&data);
    assert_eq!((resident.0.as_slice(), resident.2), (&[3][..], 3));
    assert_eq!(run(&stream), resident);
}

#[test]
fn what_begins_in_one_epoch_is_found_there_although_the_state_is_from_an_earlier_one() {
    // 15 steps an epoch; states are noted once in a thousand.
    let data = spoilt(&[], 0.0);
    let mut net = net(1);
    let rate = |epoch: &Epoch<Report>, control: &mut Control| {
        control.learning_rate = if epoch.number == 4 { 3e38 } else { 0.1 }
    };
    let mut after = vec![];
    let fit = options(OnNonFinite::Stop).epochs(9).on_epoch(rate);
    let history = net.fit(&data, fit.on_train_end(|event, _| after.push(event.steps))).unwrap();
    let Some(Stopped::NonFinite(found)) = history.stopped else { panic!("{:?}", history.stopped) };
    assert_eq!((found.epoch, history.epochs.len(), after.as_slice()), (5, 4, &[net.steps()][..]));
    let twin = after_epochs(&data, 4, found.batch - 1);
    assert_eq!(net.backend.parameters().unwrap(), twin, "batch {}", found.batch);
}

/// The parameters after so many epochs at the usual rate, and some steps at a large one.
fn after_epochs(data: &Set, epochs: usize, steps: usize) -> Vec<f32> {
    let mut net = net(1);
    for step in 0..epochs * 15 + steps {
        net.set_learning_rate(if step < epochs * 15 { 0.1 } else { 3e38 }).unwrap();
        net.train_batch(&data.0.slice(step % 15 * 4..step % 15 * 4 + 4)).unwrap();
    }
    net.backend.parameters().unwrap()
}

#[test]
fn a_number_that_no_loss_shows_ends_the_epoch_within_it() {
    // Between the tensors lie floats that nothing reads, which stand for what the loss does not see.
    let mut net = net(1);
    let mut parameters = net.backend.parameters().unwrap();
    parameters[7] = f32::INFINITY;
    net.backend.set_parameters(&parameters).unwrap();
    net.backend.watch(true);
    let data = data(4000);
    let (columns, order) = (data.columns(), (0..4000).collect::<Vec<u32>>());
    let resident = net.backend.upload(columns).unwrap();
    let steps = vec![net.step(1, 0, 0); 4000];
    let steps = crate::backend::Steps { data: &resident, order: &order, steps: &steps };
    let ended = net.backend.train(steps, &mut [], &mut vec![], &mut crate::backend::unheard).unwrap();
    assert!((256..=512).contains(&ended), "{ended}");
    assert!(!net.backend.is_finite().unwrap());
    net.backend.watch(false);
    assert_eq!(net.backend.train(steps, &mut [], &mut vec![], &mut crate::backend::unheard).unwrap(), 4000);
}
