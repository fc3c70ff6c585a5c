//! Numbers that are not finite: found, named, left out or a reason to stop, on each device.

use nn::{Dataset, Device, Fit, History, OnNonFinite, Stopped};
use nn_tests::{Noise, on_each_device};

nn::network! {
    /// It has what can be lost: moments and running statistics.
    pub network Normed {
        input  x: [5];
        target y: [3];
        h = x >> dense(24) >> batch_norm >> relu;
        p = h >> dense(3);
        output    p = p;
        loss      mse(p, y);
        optimizer adam(learning_rate = 0.01);
    }

    /// Its gradient is infinite where its loss is not.
    pub network Rooted {
        input  x: [2];
        target y: [1];
        r = x >> dense(4) >> sqrt;
        p = r >> dense(1);
        output    p = p;
        loss      mse(p, y);
        optimizer sgd(learning_rate = 0.01);
    }
}

nn::network! {
    /// Clipping makes a finite number of every gradient.
    pub network Clipping {
        input  x: [1];
        input  scale: [1];
        target y: [1];
        p = (x >> dense(1)) * scale;
        output    p = p;
        loss      mae(sqrt(abs(p)), y);
        optimizer sgd(learning_rate = 1e-3, clip_value = 0.5);
    }

    /// A weight that is NaN becomes 0.
    pub network Positive {
        input  x: [1];
        input  scale: [1];
        target y: [1];
        p = (x >> dense(1, bias = false, constraint = non_negative)) * scale;
        output    p = p;
        loss      mae(sqrt(abs(p)), y);
        optimizer sgd(learning_rate = 1e-3);
    }
}

const SAMPLES: usize = 64;

fn samples(bad: &[usize]) -> (Vec<[f32; 5]>, Vec<[f32; 3]>) {
    let mut noise = Noise::new(7);
    let mut all: (Vec<[f32; 5]>, Vec<[f32; 3]>) = (0..SAMPLES).map(|_| (noise.array(), noise.array())).unzip();
    bad.iter().for_each(|&sample| all.1[sample][1] = f32::INFINITY);
    all
}

fn bits(net: &Normed) -> Vec<u32> {
    net.parameters().flat_map(|p| net.parameter(p.name).unwrap()).map(f32::to_bits).collect()
}

fn run<D: Dataset<Report = NormedReport>>(
    device: &Device,
    data: &D,
    policy: OnNonFinite,
    together: usize,
) -> (Vec<u32>, History<NormedReport>, [u64; 2]) {
    let mut net = Normed::new(device, 3).unwrap();
    let fit = Fit::default().epochs(2).batch_size(4).shuffle(false).accumulate(together).on_non_finite(policy).quiet();
    let history = net.fit(data, fit).unwrap();
    (bits(&net), history, [net.steps(), net.updates()])
}

on_each_device! {
    fn updates_are_left_out(device) {
        // 16 batches; two of them are bad.
        let (x, y) = samples(&[21, 50]);
        let (data, stream) = (NormedData::new(&x, &y).unwrap(), NormedStream::new(&x, &y).unwrap());
        for (together, skipped, batches) in [(1, 2, [6, 13]), (4, 8, [6, 13]), (5, 10, [6, 13])] {
            let (weights, history, counts) = run(device, &data, OnNonFinite::Skip, together);
            assert!(weights.iter().all(|&bits| f32::from_bits(bits).is_finite()));
            let found: Vec<usize> = history.left_out.iter().map(|found| found.batch).collect();
            assert_eq!((found, history.stopped), ([batches, batches].concat(), None), "{together} together");
            assert_eq!(counts, [32, 2 * 16_u64.div_ceil(together as u64)]);
            assert!(history.left_out[0].place.starts_with("the data: `y` of sample 21 has inf"), "{:?}", history.left_out);
            for epoch in &history.epochs {
                assert!(epoch.skipped == skipped && epoch.train.loss.is_finite(), "{epoch}");
            }
            let (streamed, again, _) = run(device, &stream, OnNonFinite::Skip, together);
            assert!(streamed == weights && again.left_out.len() == 4, "{together} together, from a stream");
        }
    }

    fn a_run_stops_before_the_update(device) {
        let (x, y) = samples(&[21]);
        let data = NormedData::new(&x, &y).unwrap();
        for (together, steps) in [(1, 5), (3, 3), (8, 0)] {
            let (weights, history, counts) = run(device, &data, OnNonFinite::Stop, together);
            let Some(Stopped::NonFinite(found)) = &history.stopped else { panic!("{:?}", history.stopped) };
            assert_eq!((found.epoch, found.batch, history.step_losses.len()), (1, 6, steps));
            assert_eq!(counts, [steps as u64, steps as u64 / together as u64]);
            let (good, good_y) = samples(&[]);
            let mut twin = Normed::new(device, 3).unwrap();
            if steps > 0 {
                let data = NormedData::new(&good[..4 * steps], &good_y[..4 * steps]).unwrap();
                twin.fit(&data, Fit::default().batch_size(4).shuffle(false).accumulate(together).quiet()).unwrap();
            }
            assert!(bits(&twin) == weights, "{together} together: bit for bit those from before");
        }
    }

    fn runs_without_such_numbers_keep_their_bits(device) {
        let (x, y) = samples(&[]);
        let data = NormedData::new(&x, &y).unwrap();
        for together in [1, 3] {
            let runs = [OnNonFinite::Ignore, OnNonFinite::Stop, OnNonFinite::Skip];
            let [ignored, stopping, skipping] = runs.map(|policy| run(device, &data, policy, together));
            assert!(ignored.0 == stopping.0 && ignored.0 == skipping.0);
            assert_eq!(ignored.1.step_losses, skipping.1.step_losses);
        }
    }

    fn a_gradient_that_leaves_no_trace_is_found(device) {
        // The root of 0 * p has no slope; the loss of such a sample is finite, and so is what clipping makes of its gradient.
        macro_rules! check {
            ($network:ident, $data:ident) => {
                for together in [1, 3] {
                    let part = |from: usize, to: usize, bad: usize| {
                        let x: Vec<[f32; 1]> = (from..to).map(|i| [1.0 + i as f32 / 64.0]).collect();
                        let scale: Vec<[f32; 1]> = (from..to).map(|i| [if i == bad { 0.0 } else { 1.0 }]).collect();
                        $data::new(&x, &scale, vec![[1.0f32]; to - from]).unwrap()
                    };
                    let fit = |policy| Fit::default().batch_size(4).shuffle(false).accumulate(together).quiet().on_non_finite(policy);
                    let new = || {
                        let mut net = $network::new(device, 1).unwrap();
                        net.set_parameter("p.dense.weight", &[0.7]).unwrap();
                        net
                    };
                    let weights = |net: &$network| -> Vec<u32> {
                        net.parameters().flat_map(|p| net.parameter(p.name).unwrap()).map(f32::to_bits).collect()
                    };
                    // Batch 6 of 16 is bad.
                    let data = part(0, 64, 21);
                    let first = 5 / together * together;
                    let mut stopped = new();
                    let history = stopped.fit(&data, fit(OnNonFinite::Stop)).unwrap();
                    let Some(Stopped::NonFinite(found)) = &history.stopped else { panic!("{:?}", history.stopped) };
                    assert!(found.batch == 6 && found.loss.is_finite(), "{found}");
                    assert!(found.place.starts_with("the gradient of `p.dense.weight`: 1 of 1 numbers, the first is "), "{found}");
                    assert_eq!((stopped.steps(), history.step_losses.len()), (first as u64, first));
                    let mut twin = new();
                    twin.fit(&part(0, 4 * first, 99), fit(OnNonFinite::Ignore)).unwrap();
                    assert_eq!(weights(&stopped), weights(&twin));

                    let mut skipping = new();
                    let history = skipping.fit(&data, fit(OnNonFinite::Skip).epochs(2)).unwrap();
                    let batches: Vec<usize> = history.left_out.iter().map(|found| found.batch).collect();
                    assert_eq!((batches, history.stopped), (vec![6, 6], None));
                    assert!(history.epochs.iter().all(|epoch| epoch.skipped == together && epoch.train.loss.is_finite()));

                    // Who asks for nothing gets what PyTorch's clipping gives: a number.
                    let mut ignoring = new();
                    ignoring.fit(&data, fit(OnNonFinite::Ignore)).unwrap();
                    assert_ne!(weights(&ignoring), weights(&new()));
                }
            };
        }
        check!(Clipping, ClippingData);
        check!(Positive, PositiveData);
    }

    fn a_gradient_is_named(device) {
        // sqrt(1 - 1) is 0, and its derivative infinite.
        let x = [[0.5f32, 0.5], [0.2, 0.1]].repeat(8);
        let data = RootedData::new(&x, vec![[1.0f32]; 16]).unwrap();
        let mut net = Rooted::new(device, 1).unwrap();
        net.set_parameter("r.dense.weight", &[-1.0; 8]).unwrap();
        net.set_parameter("r.dense.bias", &[1.0; 4]).unwrap();
        let fit = Fit::default().batch_size(2).shuffle(false).quiet().on_non_finite(OnNonFinite::Stop);
        let history = net.fit(&data, fit).unwrap();
        let Some(Stopped::NonFinite(found)) = &history.stopped else { panic!("{:?}", history.stopped) };
        assert!(found.loss.is_finite() && found.batch == 1, "{found}");
        assert!(found.place.starts_with("the gradient of `r.dense.weight`: "), "{found}");
        assert_eq!(net.parameter("r.dense.weight").unwrap(), [-1.0; 8]);
    }
}
