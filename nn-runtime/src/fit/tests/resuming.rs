//! Runs that go on where another one stopped, at any step: the same bits as one that never stopped.

use super::*;
use crate::network::State;

/// What a run is judged by.
type Outcome = (Vec<f32>, Vec<(usize, Report, Option<Report>, f32)>, Vec<f32>);

fn epochs(history: &History<Report>) -> Vec<(usize, Report, Option<Report>, f32)> {
    let epoch = |e: &Epoch<Report>| (e.number, e.train.clone(), e.validation.clone(), e.learning_rate);
    history.epochs.iter().map(epoch).collect()
}

/// Runs with these options, stops after so many steps, goes on in another network, and says what both together have done.
fn interrupted<D: Dataset<Report = Report>>(
    data: &D,
    at: usize,
    options: impl Fn() -> Fit<'static, Report>,
) -> Outcome {
    struct Stop {
        at: u64,
        state: Option<State>,
    }
    impl Callback for Stop {
        fn batch_events(&self) -> usize {
            1
        }
        fn on_batch_end(&mut self, event: &Event<'_>, control: &mut Control) -> Result<()> {
            control.save = event.steps == self.at;
            control.stop = event.steps == self.at;
            Ok(())
        }
        fn on_save(&mut self, event: &Event<'_>, _: &mut Control) -> Result<()> {
            self.state = Some(event.net()?.state()?);
            Ok(())
        }
    }
    let mut stop = Stop { at: at as u64, state: None };
    let first = net(5).fit(data, options().callback(&mut stop)).unwrap();
    assert_eq!(first.step_losses.len(), at);
    let mut other = net(99);
    let state = stop.state.unwrap();
    // What the last epoch of the first run reported, the second one reports again if it was saved before the epoch's end.
    let known = state.position.first_epoch..state.epochs;
    other.restore(state).unwrap();
    let second = other.fit(data, options().resumed()).unwrap();
    let kept = epochs(&first).into_iter().take((known.end - known.start) as usize);
    (
        [first.step_losses, second.step_losses.clone()].concat(),
        kept.chain(epochs(&second)).collect(),
        other.parameter("dense.weight").unwrap(),
    )
}

/// Every step of a run is a good one to stop at.
fn check<D: Dataset<Report = Report>>(data: &D, options: impl Fn() -> Fit<'static, Report>) {
    check_at(data, |_| true, options);
}

/// Every such step.
fn check_at<D: Dataset<Report = Report>>(
    data: &D,
    stops: impl Fn(usize) -> bool,
    options: impl Fn() -> Fit<'static, Report>,
) {
    let mut whole = net(5);
    let history = whole.fit(data, options()).unwrap();
    let expected = (history.step_losses.clone(), epochs(&history), whole.parameter("dense.weight").unwrap());
    for at in (1..=history.step_losses.len()).filter(|&at| stops(at)) {
        assert_eq!(interrupted(data, at, &options), expected, "after step {at}");
    }
}

#[test]
fn a_run_resumed_after_any_step_is_the_run_that_never_stopped() {
    check(&Set(data(50)), || Fit::default().epochs(3).batch_size(8).validation_split(0.2).quiet());
}

#[test]
fn so_are_runs_of_streams() {
    let options = || Fit::default().epochs(2).batch_size(8).validation_split(0.2).quiet();
    check(&streams::stream(&data(50), 0.3), || options().workers(0));
    check(&streams::stream(&data(50), 0.3), || options().workers(2).steps_per_epoch(4));
}

#[test]
fn so_are_runs_with_several_batches_to_an_update_and_a_curve_that_counts_updates() {
    // 7 batches an epoch, in updates of 3, 3 and 1; a run stops between two of them.
    let between = |at: usize| [0, 3, 6].contains(&(at % 7));
    let options = || {
        let rate = LearningRate::cosine(0.1, 6).warm_up(3).per_step();
        Fit::default().epochs(3).batch_size(6).validation_split(0.2).accumulate(3).learning_rate(rate).quiet()
    };
    check_at(&Set(data(50)), between, options);
    check_at(&streams::stream(&data(50), 0.3), between, || options().on_non_finite(OnNonFinite::Skip));
}

#[test]
fn a_stream_is_resumed_in_the_middle_of_a_portion() {
    // Portions of 4 MiB: 20 batches, and then 5.
    let data = streams::stream(&data(250_000), 0.3);
    let options = || Fit::default().epochs(2).batch_size(10_000).workers(1).quiet();
    let mut whole = net(5);
    let history = whole.fit(&data, options()).unwrap();
    let expected = (history.step_losses.clone(), epochs(&history), whole.parameter("dense.weight").unwrap());
    for at in [21, 25, 30] {
        assert_eq!(interrupted(&data, at, options), expected, "after step {at}");
    }
}

#[test]
fn what_decides_during_a_run_is_remembered() {
    // Rates that fall, and a stop, by what was before the interruption.
    let options = || {
        let plateau = ReduceOnPlateau::on(|report: &Report| report.loss).factor(0.5).patience(1).threshold(0.1);
        let stopping = EarlyStopping::on(|report: &Report| report.loss).min_delta(0.02).patience(2).restore_best();
        let options = Fit::default().epochs(40).batch_size(16).validation_split(0.2).quiet();
        options.reduce_on_plateau(plateau).early_stopping(stopping)
    };
    check(&Set(data(40)), options);
    let epochs = fit(options()).unwrap().epochs.len();
    assert!((3..40).contains(&epochs), "{epochs}");
    check(&Set(data(40)), || {
        Fit::default().epochs(3).batch_size(16).learning_rate(LearningRate::one_cycle(0.1, 9).per_step()).quiet()
    });
}

#[test]
fn a_run_that_would_have_other_bits_is_refused() {
    let mut net = net(1);
    let options = || Fit::default().epochs(2).batch_size(16).quiet();
    net.fit(&Set(data(100)), options().on_batch_end(|batch, control| control.stop = batch.number == 2)).unwrap();
    let error = net.fit(&Set(data(90)), options().batch_size(8).shuffle(false).resumed()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the run cannot go on as if it had never stopped, since it was begun otherwise:\
         \n  batch_size was 16, and is 8\
         \n  samples was 100, and is 90\
         \n  shuffle was true, and is false"
    );
    assert_eq!(net.fit(&Set(data(100)), options().resumed()).unwrap().step_losses.len(), 14 - 2);
}
