//! Runs that end before their last epoch, on each device: with the best weights, or because a number is none.

use nn::{EarlyStopping, Epoch, Fit, OnNonFinite, Stopped, network};
use nn_tests::on_each_device;

network! {
    /// Moments and running statistics must come back, too.
    network Best {
        input  x: [4];
        target y: [2];
        p = x >> dense(8) >> batch_norm >> relu >> dense(2);
        output    p = p;
        loss      mse(p, y);
        metric    mae(p, y);
        optimizer adam(learning_rate = 1e-2);
    }
}

fn samples() -> (Vec<[f32; 4]>, Vec<[f32; 2]>) {
    let wave = |sample: usize, i: usize| ((sample * 13 + i * 7) as f32 * 0.3).sin();
    let x: Vec<[f32; 4]> = (0..40).map(|sample| std::array::from_fn(|i| wave(sample, i))).collect();
    let y = x.iter().map(|x| [x[0] * x[1], x[2] - x[3]]).collect();
    (x, y)
}

fn bits(net: &Best) -> Vec<u32> {
    net.parameters().flat_map(|p| net.parameter(p.name).unwrap()).map(f32::to_bits).collect()
}

/// Gets worse after the third epoch.
fn spoiling<'a>(epochs: usize) -> Fit<'a, BestReport> {
    let rate = |epoch: &Epoch<BestReport>, control: &mut nn::Control| {
        control.learning_rate = if epoch.number < 3 { 0.01 } else { 0.5 };
    };
    Fit::default().epochs(epochs).batch_size(8).validation_split(0.2).on_epoch(rate).quiet()
}

on_each_device! {
    fn the_best_weights_and_states_come_back(device) {
        let (x, y) = samples();
        let data = BestData::new(x, y).unwrap();
        let mut stopped = Best::new(device, 1).unwrap();
        let rules = EarlyStopping::on(|report: &BestReport| report.mae).patience(2).restore_best();
        let history = stopped.fit(&data, spoiling(30).early_stopping(rules)).unwrap();
        assert_eq!(history.stopped, Some(Stopped::Callback("early stopping")));
        let maes: Vec<f64> = history.epochs.iter().map(|epoch| epoch.validation.unwrap().mae).collect();
        let best = (0..maes.len()).min_by(|&a, &b| maes[a].total_cmp(&maes[b])).unwrap() + 1;
        assert_eq!(best + 2, maes.len(), "{maes:?}");
        assert_eq!(stopped.evaluate(&data.slice(32..)).unwrap(), history.epochs[best - 1].validation.unwrap());
        let mut other = Best::new(device, 1).unwrap();
        other.fit(&data, spoiling(best)).unwrap();
        assert_eq!(bits(&stopped), bits(&other), "bit for bit those of epoch {best}");
        // The moments, too: the optimizer counts its updates from there.
        for net in [&mut stopped, &mut other] {
            net.set_learning_rate(0.01).unwrap();
            net.train_batch(&data).unwrap();
        }
        assert_eq!(stopped.updates(), other.updates());
        assert_eq!(bits(&stopped), bits(&other), "a step later");
    }

    fn numbers_that_are_none_end_a_run_before_their_step(device) {
        let (mut x, y) = samples();
        x[21][2] = f32::NAN;
        let data = BestData::new(x, y).unwrap();
        let options = |policy| Fit::default().epochs(2).batch_size(4).shuffle(false).on_non_finite(policy).quiet();
        let mut stopped = Best::new(device, 1).unwrap();
        let history = stopped.fit(&data, options(OnNonFinite::Stop)).unwrap();
        let Some(Stopped::NonFinite(found)) = &history.stopped else { panic!("{:?}", history.stopped) };
        assert_eq!((found.epoch, found.batch, history.step_losses.len()), (1, 6, 5));
        assert_eq!(found.place, "the data: `x` of sample 21 has NaN");
        let mut other = Best::new(device, 1).unwrap();
        other.fit(&data.slice(..20), Fit::default().batch_size(4).shuffle(false).quiet()).unwrap();
        assert_eq!(bits(&stopped), bits(&other), "those from before the step");

        let mut skipping = Best::new(device, 1).unwrap();
        let history = skipping.fit(&data, options(OnNonFinite::Skip)).unwrap();
        assert_eq!((history.stopped, skipping.steps(), history.step_losses.len()), (None, 20, 20));
        let bad: Vec<usize> = (0..20).filter(|&step| !history.step_losses[step].is_finite()).collect();
        assert_eq!(bad, [5, 15]);
        assert!(history.epochs.iter().all(|epoch| epoch.train.loss.is_finite()));
        assert!(bits(&skipping).iter().all(|&bits| f32::from_bits(bits).is_finite()));
    }
}

#[test]
fn a_range_test_leaves_no_trace() {
    let (x, y) = samples();
    let data = BestData::new(x, y).unwrap();
    let mut net = Best::new(&nn::Device::cpu(), 1).unwrap();
    net.fit(&data, Fit::default().batch_size(8).quiet()).unwrap();
    let before = (bits(&net), net.steps(), net.learning_rate());
    let test = net.range_test(&data, 1e-6..1.0, 50, Fit::default().batch_size(8).quiet()).unwrap();
    assert_eq!((bits(&net), net.steps(), net.learning_rate()), before);
    assert_eq!(test.points.len(), 50);
    assert!((test.points[0].0 - 1e-6).abs() < 1e-12 && (test.points[49].0 - 1.0).abs() < 1e-9);
}
