//! Early stopping, falling rates, and the options that decide how much is trained.

use super::*;

/// Stops by a number that has these values, one for each epoch, in a run of 20 that learns nothing. Gives how many epochs it had.
fn epochs(values: &[f64], rules: impl FnOnce(EarlyStopping<Report>) -> EarlyStopping<Report>) -> usize {
    let owned = values.to_vec();
    let mut next = owned.into_iter();
    let rules = rules(EarlyStopping::on(move |_| next.next().unwrap_or(0.0)));
    fit(Fit::default().epochs(20).early_stopping(rules)).unwrap().epochs.len()
}

#[test]
fn training_stops_by_the_rules_of_keras() {
    let falling = [5.0, 4.0, 3.0, 3.5, 2.9, 3.0, 3.0, 3.0];
    assert_eq!(epochs(&falling, |rules| rules), 4, "the first that is no better");
    assert_eq!(epochs(&falling, |rules| rules.patience(1)), 4);
    assert_eq!(epochs(&falling, |rules| rules.patience(2)), 7);
    assert_eq!(epochs(&falling, |rules| rules.patience(2).min_delta(0.2)), 5, "2.9 is not better by 0.2");
    assert_eq!(epochs(&falling, |rules| rules.patience(3)), 8);
    let rising: Vec<f64> = falling.iter().map(|value| -value).collect();
    assert_eq!(epochs(&rising, |rules| rules.maximum().patience(2)), 7);
    assert_eq!(epochs(&falling, |rules| rules.maximum().patience(3)), 4, "less is not better");
    // Nothing beats the baseline, and the third epoch that does not is no better either; epochs that are better go on.
    assert_eq!(epochs(&falling, |rules| rules.baseline(2.0).patience(2)), 4);
    assert_eq!(epochs(&falling, |rules| rules.baseline(3.2).patience(2)), 7);
    assert_eq!(epochs(&falling, |rules| rules.start_from_epoch(4)), 6, "3.5, 2.9, and 3.0 is no better");
    let noise = [f64::NAN, f64::NAN, 3.0, f64::NAN, f64::NAN];
    assert_eq!(epochs(&noise, |rules| rules.patience(2)), 2, "what is no number is not better");
    assert_eq!(epochs(&noise, |rules| rules.patience(3)), 9, "three after the sixth, which is 0");
    let error = fit(Fit::default().early_stopping(EarlyStopping::on(|r: &Report| r.loss).min_delta(-1.0)));
    let message = "early stopping: min_delta is -1, but it must be a number, at least 0";
    assert_eq!(error.unwrap_err().to_string(), message);
    let error = fit(Fit::default().early_stopping(EarlyStopping::on(|r: &Report| r.loss).baseline(f64::NAN)));
    assert!(error.unwrap_err().to_string().contains("the baseline is NaN"));
}

#[test]
fn the_best_weights_are_restored_bit_for_bit() {
    // The rate is too high from the fourth epoch on: the loss grows.
    let spoil = |epoch: &Epoch<Report>, control: &mut Control| {
        control.learning_rate = if epoch.number < 3 { 0.1 } else { 3.0 };
    };
    let run = |epochs, rules: Option<EarlyStopping<Report>>| {
        let mut net = net(1);
        let options = Fit::default().epochs(epochs).validation_split(0.2).on_epoch(spoil).quiet();
        let options = match rules {
            Some(rules) => options.early_stopping(rules),
            None => options,
        };
        let history = net.fit(&Set(data(100)), options).unwrap();
        (history, net.parameter("dense.weight").unwrap(), net.parameter("dense.bias").unwrap())
    };
    let rules = || EarlyStopping::on(|report: &Report| report.loss).patience(3);
    let (history, weight, bias) = run(20, Some(rules().restore_best()));
    let losses: Vec<f64> = history.epochs.iter().map(|epoch| epoch.validation.as_ref().unwrap().loss).collect();
    let best = (0..losses.len()).min_by(|&a, &b| losses[a].total_cmp(&losses[b])).unwrap() + 1;
    assert_eq!((losses.len(), history.stopped), (best + 3, Some(Stopped::Callback("early stopping"))), "{losses:?}");
    let (_, expected_weight, expected_bias) = run(best, None);
    assert_eq!((&weight, &bias), (&expected_weight, &expected_bias));
    let (_, last, _) = run(20, Some(rules()));
    assert_ne!(last, weight, "without the option they stay");
    // Also where the run ends by itself.
    let (history, weight, _) = run(best + 1, Some(rules().restore_best()));
    assert_eq!((history.stopped, weight), (None, expected_weight));
}

#[test]
fn the_validation_is_watched_where_there_is_one() {
    let seen = |training: bool, split: f64| {
        let shared = std::rc::Rc::new(std::cell::RefCell::new(vec![]));
        let kept = std::rc::Rc::clone(&shared);
        let rules = EarlyStopping::on(move |report: &Report| {
            kept.borrow_mut().push(report.loss);
            report.loss
        });
        let rules = if training { rules.training() } else { rules };
        let options = Fit::default().epochs(4).validation_split(split).validation_every(3);
        let history = fit(options.early_stopping(rules.patience(9))).unwrap();
        (history, shared.take())
    };
    let validated = |history: &History<Report>| -> Vec<f64> {
        history.epochs.iter().filter_map(|epoch| epoch.validation.as_ref().map(|v| v.loss)).collect()
    };
    let (history, seen_losses) = seen(false, 0.2);
    assert_eq!((validated(&history).len(), seen_losses), (2, validated(&history)), "epochs 3 and 4, the last");
    let trained = |history: &History<Report>| history.epochs.iter().map(|epoch| epoch.train.loss).collect::<Vec<_>>();
    let (history, seen_losses) = seen(true, 0.2);
    assert_eq!(seen_losses, trained(&history));
    let (history, seen_losses) = seen(false, 0.0);
    assert_eq!(seen_losses, trained(&history));
}

#[test]
fn a_plateau_lowers_the_rate() {
    let rules = || ReduceOnPlateau::on(|_: &Report| 1.0).factor(0.5).patience(1);
    let history = fit(Fit::default().epochs(6).reduce_on_plateau(rules())).unwrap();
    let rates: Vec<f32> = history.epochs.iter().map(|epoch| epoch.learning_rate).collect();
    assert_eq!(rates, [0.1, 0.1, 0.1, 0.05, 0.05, 0.025]);
    let error = |options: Fit<'_, Report>| fit(options).unwrap_err().to_string();
    let wrong = Fit::default().reduce_on_plateau(rules().factor(1.0));
    assert_eq!(error(wrong), "reduce_on_plateau: the factor is 1, but it must be at least 0 and less than 1");
    assert!(error(Fit::default().reduce_on_plateau(rules().threshold(f64::NAN))).contains("the threshold is NaN"));
}

#[test]
fn a_plateau_lowers_a_curve_behind_its_warm_up() {
    let rules = || ReduceOnPlateau::on(|_: &Report| 1.0).factor(0.5).patience(1).minimum_rate(0.04);
    let warm = LearningRate::constant(0.1).warm_up(4);
    let options = || Fit::default().epochs(12).reduce_on_plateau(rules()).learning_rate(warm.clone()).quiet();
    let rates = |history: &History<Report>| history.epochs.iter().map(|epoch| epoch.learning_rate).collect::<Vec<_>>();
    let whole = fit(options()).unwrap();
    // The fifth epoch is the best, the next two are no better; the minimum stops the second fall.
    let expected = [0.025, 0.05, 0.075, 0.1, 0.1, 0.1, 0.1, 0.05, 0.05, 0.04, 0.04, 0.04];
    for (rate, expected) in rates(&whole).iter().zip(expected) {
        assert!((rate - expected).abs() < 1e-7, "{:?}", rates(&whole));
    }
    // Each time of a curve is lowered, and what is known goes on with the run.
    let falling =
        || options().learning_rate(LearningRate::exponential(0.1, 0.9)).reduce_on_plateau(rules().minimum_rate(0.0));
    let data = Set(data(100));
    let (mut once, mut twice) = (net(7), net(7));
    let whole = once.fit(&data, falling()).unwrap();
    assert!(rates(&whole)[11] < 0.1 * 0.9_f32.powi(11) * 0.26, "twice halved: {:?}", rates(&whole));
    let first = twice.fit(&data, falling().on_epoch(|epoch, control| control.stop = epoch.number == 6)).unwrap();
    let second = twice.fit(&data, falling().resumed()).unwrap();
    assert_eq!([rates(&first), rates(&second)].concat(), rates(&whole));
    assert_eq!(once.parameter("dense.weight").unwrap(), twice.parameter("dense.weight").unwrap());
}

#[test]
fn an_epoch_can_be_shorter_than_the_data() {
    let steps = |options: Fit<'_, Report>| net(1).fit(&Set(data(100)), options.batch_size(16).quiet());
    let losses = |options| steps(options).unwrap().step_losses;
    let whole = losses(Fit::default());
    assert_eq!(losses(Fit::default().drop_last(true)), whole[..6]);
    assert_eq!(losses(Fit::default().steps_per_epoch(4)), whole[..4]);
    assert_eq!(losses(Fit::default().steps_per_epoch(7)), whole);
    let second = losses(Fit::default().epochs(2));
    assert_eq!(losses(Fit::default().epochs(2).steps_per_epoch(2)).len(), 4);
    assert_ne!(losses(Fit::default().epochs(2).steps_per_epoch(2))[2..], whole[2..4], "another order");
    assert_eq!(second.len(), 14);
    // A stream has the same steps.
    let stream = streams::stream(&data(100), 0.0);
    for options in [|| Fit::default().drop_last(true), || Fit::default().epochs(3).steps_per_epoch(4)] {
        let streamed = net(1).fit(&stream, options().batch_size(16).quiet()).unwrap();
        assert_eq!(streamed.step_losses, losses(options()));
    }
    let error = |options| steps(options).unwrap_err().to_string();
    let message = "steps_per_epoch is 8, but 100 samples are only 7 batches of 16";
    assert_eq!(error(Fit::default().steps_per_epoch(8)), message);
    assert_eq!(error(Fit::default().steps_per_epoch(0)), "steps_per_epoch is 0, but an epoch needs at least one step");
    let few = net(1).fit(&Set(data(10)), Fit::default().drop_last(true).quiet()).unwrap_err().to_string();
    assert_eq!(few, "drop_last leaves nothing to train on: there are 10 samples, fewer than a batch of 32");
}

#[test]
fn epochs_can_be_counted_from_where_another_run_ended() {
    let all = Set(data(100));
    let rate = || LearningRate::step(0.1, 2, 0.5);
    let options = |epochs| Fit::default().epochs(epochs).learning_rate(rate()).quiet();
    let (mut once, mut twice) = (net(1), net(1));
    let whole = once.fit(&all, options(5)).unwrap();
    twice.fit(&all, options(3)).unwrap();
    let rest = twice.fit(&all, options(5).initial_epoch(3)).unwrap();
    assert_eq!(rest.epochs.iter().map(|epoch| epoch.number).collect::<Vec<_>>(), [4, 5]);
    assert_eq!(rest.step_losses, whole.step_losses[3 * 4..]);
    assert_eq!(once.parameter("dense.weight").unwrap(), twice.parameter("dense.weight").unwrap());
    // Weights that come from elsewhere: shuffles and rates are those of the numbers all the same.
    let mut loaded = net(1);
    let history = loaded.fit(&all, options(5).initial_epoch(3)).unwrap();
    assert_eq!((history.epochs.len(), history.epochs[0].learning_rate, loaded.epochs), (2, 0.05, 5));
    let error = loaded.fit(&all, options(2).initial_epoch(3)).unwrap_err().to_string();
    assert_eq!(error, "initial_epoch is 3, but the last epoch is 2: `epochs` counts those before, too");
    assert!(loaded.fit(&all, options(3).initial_epoch(3)).unwrap().epochs.is_empty());
}

#[test]
fn a_seed_of_its_own_changes_orders_and_not_the_weights_from_before() {
    let run = |seed: Option<u64>| {
        let (mut net, options) = (net(1), Fit::default().batch_size(16).quiet());
        let options = seed.map_or(Fit::default().batch_size(16).quiet(), |seed| options.seed(seed));
        (net.fit(&Set(data(100)), options).unwrap().step_losses, net.seed())
    };
    assert_eq!(run(None), run(Some(1)));
    assert_ne!(run(None).0, run(Some(2)).0);
    assert_eq!((run(Some(2)), run(Some(2)).1), (run(Some(2)), 2));
}

#[test]
fn validation_can_be_rarer_than_epochs() {
    let validated = |every| {
        let history = fit(Fit::default().epochs(7).validation_split(0.2).validation_every(every)).unwrap();
        history.epochs.iter().filter(|e| e.validation.is_some()).map(|e| e.number).collect::<Vec<_>>()
    };
    assert_eq!(validated(1), [1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(validated(3), [3, 6, 7]);
    assert_eq!(validated(100), [7]);
    let error = fit(Fit::default().validation_every(0)).unwrap_err().to_string();
    assert_eq!(error, "validation_every is 0, but it counts epochs: 1 validates after each");
}
