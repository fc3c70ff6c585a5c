mod batches;
mod callbacks;
mod checkpoints;
mod finite;
mod logs;
mod resuming;
mod stopping;
mod streams;
mod verbosity;

use super::*;
use crate::device::Device;
use crate::history::{Epoch, Stopped};
use crate::testing::{PROGRAM, data};

/// As the macro prints them.
struct Set(DataSet);

#[derive(Debug, Clone, PartialEq)]
struct Report {
    loss: f64,
    r2: f64,
}

impl Dataset for Set {
    type Report = Report;
    fn data(&self) -> Data<'_> {
        Data::Memory(&self.0)
    }
}

impl super::Report for Report {
    fn from_measured(measured: &crate::metrics::Measured) -> Self {
        Report { loss: measured.numbers[0], r2: measured.numbers[2] }
    }
    fn scalars(&self) -> Vec<(&'static str, f64)> {
        vec![("loss", self.loss), ("r2", self.r2)]
    }
}

fn net(seed: u64) -> Net {
    Net::new(&Device::cpu(), &PROGRAM, seed).unwrap()
}

fn fit(fit: Fit<'_, Report>) -> Result<History<Report>> {
    net(7).fit(&Set(data(100)), fit.quiet())
}

#[test]
fn training_fits() {
    let history = fit(Fit::default().epochs(30).batch_size(16)).unwrap();
    let last = history.last().unwrap();
    assert_eq!((history.epochs.len(), last.number), (30, 30));
    assert_eq!(history.step_losses.len(), 30 * 7);
    assert!(last.train.loss < history.epochs[0].train.loss / 10.0 && last.train.r2 > 0.9, "{last:?}");
}

#[test]
fn the_same_seed_is_the_same_run() {
    let run = |seed| {
        let mut net = net(seed);
        let history = net.fit(&Set(data(100)), Fit::default().epochs(3).quiet()).unwrap();
        (history.step_losses, net.parameter("dense.weight").unwrap())
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}

#[test]
fn two_short_runs_are_one_long_run() {
    let data = Set(data(100));
    let (mut once, mut twice) = (net(1), net(1));
    let whole = once.fit(&data, Fit::default().epochs(4).quiet()).unwrap();
    let first = twice.fit(&data, Fit::default().epochs(2).quiet()).unwrap();
    let second = twice.fit(&data, Fit::default().epochs(2).quiet()).unwrap();
    assert_eq!(whole.step_losses, [first.step_losses, second.step_losses].concat());
}

#[test]
fn an_epochs_loss_counts_samples_and_not_batches() {
    // With a learning rate of zero, the epoch's loss is the loss over all samples.
    let (mut net, data) = (net(1), Set(data(10)));
    net.set_learning_rate(0.0).unwrap();
    let history = net.fit(&data, Fit::default().batch_size(7).quiet()).unwrap();
    let expected = net.evaluate(&data.0).unwrap();
    assert!((history.epochs[0].train.loss - expected.numbers[0]).abs() < 1e-6 * expected.numbers[0]);
    assert!((history.epochs[0].train.r2 - expected.numbers[2]).abs() < 1e-5);
}

#[test]
fn validation_takes_the_last_samples() {
    let all = data(100);
    let (train, validation) = all.split_at(80);
    let (train, validation) = (Set(train), Set(validation));
    let (mut split, mut given) = (net(1), net(1));
    let a = split.fit(&Set(all), Fit::default().epochs(2).validation_split(0.2).quiet()).unwrap();
    let b = given.fit(&train, Fit::default().epochs(2).validation_data(&validation).quiet()).unwrap();
    for (a, b) in a.epochs.iter().zip(&b.epochs) {
        assert_eq!((&a.train, &a.validation), (&b.train, &b.validation));
    }
    let after = given.evaluate(&validation.0).unwrap();
    assert_eq!(b.last().unwrap().validation.as_ref().unwrap().loss, after.numbers[0]);
}

#[test]
fn without_shuffling_samples_come_in_order() {
    let (mut fitted, mut stepped, data) = (net(1), net(1), data(20));
    fitted.fit(&Set(data.clone()), Fit::default().batch_size(8).shuffle(false).quiet()).unwrap();
    for range in [0..8, 8..16, 16..20] {
        stepped.train_batch(&data.slice(range)).unwrap();
    }
    assert_eq!(fitted.parameter("dense.weight").unwrap(), stepped.parameter("dense.weight").unwrap());
}

#[test]
fn a_call_sets_the_learning_rate_and_stops() {
    let mut rates = vec![];
    let history = fit(Fit::default().epochs(10).on_epoch(|epoch, control| {
        rates.push(epoch.learning_rate);
        control.learning_rate *= 0.5;
        control.stop = epoch.number == 3;
    }));
    assert_eq!(history.unwrap().epochs.len(), 3);
    assert_eq!(rates, [0.1, 0.05, 0.025]);
    assert!(fit(Fit::default().epochs(2).on_epoch(|_, control| control.learning_rate = f32::NAN)).is_err());
}

#[test]
fn a_curve_sets_the_learning_rate_of_each_epoch_or_step() {
    // What the curve gives, set by hand, over two runs of 7 steps an epoch.
    let by_hand = |rates: &[f32]| {
        let (mut net, data) = (net(7), data(100));
        let batches: Vec<DataSet> =
            (0..100).step_by(16).map(|start| data.slice(start..(start + 16).min(100))).collect();
        for (rate, batch) in rates.iter().zip(batches.iter().cycle()) {
            net.set_learning_rate(*rate).unwrap();
            net.train_batch(batch).unwrap();
        }
        net.parameter("dense.weight").unwrap()
    };
    let by_curve = |rate: LearningRate| {
        let (mut net, data) = (net(7), Set(data(100)));
        let mut rates = vec![];
        for epochs in [2, 1] {
            let fit = Fit::default().epochs(epochs).batch_size(16).shuffle(false).learning_rate(rate.clone()).quiet();
            rates.extend(net.fit(&data, fit).unwrap().epochs.iter().map(|epoch| epoch.learning_rate));
        }
        (net.parameter("dense.weight").unwrap(), rates, net.learning_rate())
    };
    let per_epoch = LearningRate::step(0.1, 1, 0.5);
    let rates: Vec<f32> = (0..21).map(|step| per_epoch.at(step / 7) as f32).collect();
    assert_eq!(by_curve(per_epoch), (by_hand(&rates), vec![0.1, 0.05, 0.025], 0.025));
    let per_step = LearningRate::linear(0.1, 0.0, 20).per_step();
    let rates: Vec<f32> = (0..21).map(|step| per_step.at(step) as f32).collect();
    assert_eq!(by_curve(per_step), (by_hand(&rates), [6, 13, 20].map(|step| rates[step]).to_vec(), 0.0));
}

#[test]
fn options_that_make_no_sense_are_errors() {
    let error = |options: Fit<'_, Report>| fit(options).unwrap_err().to_string();
    assert_eq!(error(Fit::default().batch_size(0)), "batch_size is 0, but a step needs at least one sample");
    for fraction in [1.0, -0.1, f64::NAN] {
        assert!(error(Fit::default().validation_split(fraction)).starts_with("validation_split is "));
    }
    assert!(error(Fit::default().validation_split(1e-12)).contains("nothing would be validated"));
    assert!(error(Fit::default().validation_split(0.999)).contains("takes 100 of them: nothing would be trained on"));
    let rate = LearningRate::constant(f64::INFINITY);
    let message = "learning rate: the rate is inf, but it must be a number, at least 0";
    assert_eq!(error(Fit::default().learning_rate(rate)), message);
    let (none, some) = (Set(data(0)), Set(data(5)));
    assert_eq!(error(Fit::default().validation_data(&none)), "the validation data has no samples");
    assert!(error(Fit::default().validation_data(&some).validation_split(0.5)).contains("both set"));
    let empty = net(1).fit(&none, Fit::default().quiet());
    assert_eq!(empty.unwrap_err().to_string(), "there are no samples");
    assert_eq!(fit(Fit::default().epochs(0)).unwrap().epochs, []);
}

#[test]
fn batches_larger_than_the_data_and_numbers_that_are_none_are_no_panic() {
    assert_eq!(fit(Fit::default().batch_size(usize::MAX)).unwrap().step_losses.len(), 1);
    let x = vec![[f32::NAN; 3]; 4];
    let nan = DataSet::new(crate::testing::FIELDS).with::<f32, 3, [f32; 3]>(x).unwrap();
    let nan = nan.with::<f32, 2, [f32; 2]>(vec![[0.0; 2]; 4]).unwrap();
    let history = net(1).fit(&Set(nan), Fit::default().quiet()).unwrap();
    assert!(history.epochs[0].train.loss.is_nan());
}
