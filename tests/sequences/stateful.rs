//! Stateful layers: a long sequence in pieces, batch after batch, is the sequence at once.

use nn::{Checkpoints, Fit, OnNonFinite};
use nn_tests::{Noise, on_each_device};

nn::network! {
    network Whole {
        input x: [12, 3];
        a = x >> lstm(6, layers = 2);
        scan b(x_t in a, h = zeros(5), n = 0.0) {
            n = n + 1;
            h = tanh(linear(concat([x_t, h]), 5)) + 0.01 * n;
            h
        }
        (c, end) = b >> gru(4);
        output y = c >> linear(2);
        output end = end;
    }
    network Pieces {
        input x: [4, 3];
        target t: [4, 2];
        a = x >> lstm(6, layers = 2, stateful = true);
        scan b(x_t in a, h = zeros(5), n = 0.0, stateful = true) {
            n = n + 1;
            h = tanh(linear(concat([x_t, h]), 5)) + 0.01 * n;
            h
        }
        (c, end) = b >> gru(4, stateful = true);
        y = c >> linear(2);
        output y = y;
        output end = end;
        loss mse(y, t);
        metric mae(y, t);
        optimizer adam(learning_rate = 0.01);
    }
    /// Predicts from one layer alone; the other one is only of the loss.
    network Aside {
        input x: [4, 3];
        target t: [4, 3];
        a = x >> rnn(3, stateful = true);
        b = x >> gru(3, stateful = true);
        output y = a;
        loss mse(a, t) + mse(b, t);
        optimizer sgd(learning_rate = 0.1);
    }
}

fn long(samples: usize) -> Vec<[[f32; 3]; 12]> {
    let mut noise = Noise::new(5);
    (0..samples).map(|_| std::array::from_fn(|_| noise.array())).collect()
}

fn piece(long: &[[[f32; 3]; 12]], number: usize) -> Vec<[[f32; 3]; 4]> {
    long.iter().map(|x| std::array::from_fn(|t| x[number * 4 + t])).collect()
}

/// So many windows of one wave, each with what comes two steps later.
fn wave(windows: usize) -> PiecesData {
    let at = |i: usize| [(i as f32 * 0.3).sin(), (i as f32 * 0.11).cos(), 0.5];
    let x: Vec<[[f32; 3]; 4]> = (0..windows).map(|w| std::array::from_fn(|t| at(4 * w + t))).collect();
    let t =
        (0..windows).map(|w| std::array::from_fn(|t| [at(4 * w + t + 2)[0], at(4 * w + t + 2)[1]])).collect::<Vec<_>>();
    PiecesData::new(x, t).unwrap()
}

fn bits(net: &Pieces) -> Vec<u32> {
    let parameters = net.parameters().flat_map(|p| net.parameter(p.name).unwrap());
    let kept = net.kept_states().flat_map(|(name, _)| net.kept_state(name).unwrap());
    parameters.chain(kept).map(f32::to_bits).collect()
}

fn fit<'a>() -> Fit<'a, PiecesReport> {
    Fit::default().epochs(3).batch_size(6).validation_split(0.2).quiet()
}

on_each_device! {
    fn pieces_are_the_sequence_at_once_bit_for_bit(device) {
        let mut net = Pieces::new(device, 1).unwrap();
        let mut whole = Whole::new(device, 2).unwrap();
        for p in net.parameters() {
            whole.set_parameter(p.name, &net.parameter(p.name).unwrap()).unwrap();
        }
        for samples in [1, 5, 300] {
            let xs = long(samples);
            let at_once = whole.predict(&xs).unwrap();
            for _ in 0..2 {
                net.reset_states();
                for number in 0..3 {
                    let out = net.predict(&piece(&xs, number)).unwrap();
                    for (y, all) in out.y.iter().zip(&at_once.y) {
                        assert_eq!(y[..], all[4 * number..4 * number + 4], "piece {number} of {samples}");
                    }
                    assert!(number < 2 || out.end == at_once.end);
                }
                assert_eq!(net.kept_state("c.gru.h").unwrap(), at_once.end.as_flattened());
                assert!(net.kept_state("b.n").unwrap().iter().all(|n| *n == 12.0));
            }
        }
    }

    fn every_method_goes_on_and_evaluations_of_data_do_not(device) {
        let data = wave(8);
        let batch = data.in_streams(2).unwrap().slice(..2);
        let mut net = Pieces::new(device, 1).unwrap();
        let first = net.forward(&batch).unwrap();
        let n = |net: &Pieces| net.kept_state("b.n").unwrap()[0];
        assert_ne!(net.forward(&batch).unwrap().y, first.y, "it goes on");
        assert_eq!(n(&net), 8.0);
        net.evaluate_batch(&batch).unwrap();
        net.train_batch(&batch).unwrap();
        assert_eq!(n(&net), 16.0);
        net.gradients(&batch).unwrap();
        let here = bits(&net);
        let evaluated = net.evaluate(&data.in_streams(2).unwrap()).unwrap();
        assert_eq!(net.evaluate(&data.in_streams(2).unwrap()).unwrap(), evaluated, "from zeros, each time");
        assert_eq!(bits(&net), here);
        net.reset_states();
        assert!(net.kept_state("b.n").unwrap().is_empty());
        net.set_parameter("y.linear.bias", &[0.0, 0.0]).unwrap();
        let error = net.kept_state("b.m").unwrap_err().to_string();
        assert!(error.contains("`Pieces` has no state `b.m`; it has `a.lstm.h`"), "{error}");
    }

    fn fit_learns_from_streams_and_validates_with_states_of_its_own(device) {
        let data = wave(64 * 6).in_streams(6).unwrap();
        let mut net = Pieces::new(device, 3).unwrap();
        let history = net.fit(&data, fit().epochs(6)).unwrap();
        let (first, last) = (&history.epochs[0], &history.epochs[5]);
        assert!(last.train.loss < 0.3 * first.train.loss, "{} to {}", first.train.loss, last.train.loss);
        // The last windows of each stream: whole batches.
        let (_, rest) = data.split_at(51 * 6);
        assert_eq!(last.validation.as_ref().unwrap(), &net.evaluate(&rest).unwrap());
        // An epoch by hand.
        let mut by_hand = Pieces::new(device, 3).unwrap();
        for batch in 0..51 {
            let measured = by_hand.train_batch(&data.slice(6 * batch..6 * batch + 6)).unwrap();
            assert_eq!(measured.loss as f32, history.step_losses[batch], "batch {batch}");
        }
    }

    fn a_run_goes_on_within_an_epoch(device) {
        let data = wave(10 * 6).in_streams(6).unwrap();
        let mut whole = Pieces::new(device, 3).unwrap();
        let expected = whole.fit(&data, fit()).unwrap();
        for stop in [1, 5, 8, 11] {
            let folder = std::env::temp_dir().join(format!("nn-stateful-{}-{stop}-{}", std::process::id(), device.name()));
            let _ = std::fs::remove_dir_all(&folder);
            let mut steps = 0;
            let stopping = fit().checkpoints(Checkpoints::to(&folder).every_epochs(100)).on_batch_end(move |_, control| {
                steps += 1;
                control.stop = steps == stop;
            });
            Pieces::new(device, 3).unwrap().fit(&data, stopping).unwrap();
            let mut last = Pieces::new(device, 5).unwrap();
            let rest = last.resume(&data, &folder, fit()).unwrap();
            assert_eq!(rest.step_losses, expected.step_losses[stop..], "losses, stopped after {stop}");
            assert_eq!(bits(&last), bits(&whole), "stopped after {stop}");
            let _ = std::fs::remove_dir_all(&folder);
        }
    }

    fn looking_for_numbers_that_are_not_finite_changes_nothing(device) {
        let data = wave(10 * 6).in_streams(6).unwrap();
        let [plain, watched] = [OnNonFinite::Ignore, OnNonFinite::Skip].map(|policy| {
            let mut net = Pieces::new(device, 3).unwrap();
            net.fit(&data, fit().on_non_finite(policy)).unwrap();
            bits(&net)
        });
        assert_eq!(plain, watched);
    }

    fn prediction_keeps_only_what_it_reads(device) {
        let mut net = Aside::new(device, 1).unwrap();
        let x = [[[0.1, -0.2, 0.3]; 4]; 2];
        net.predict(&x).unwrap();
        assert!(net.kept_state("b.gru.h").unwrap().iter().all(|h| *h == 0.0));
        net.train_batch(&AsideData::new(x.to_vec(), x.to_vec()).unwrap()).unwrap();
        assert!(net.kept_state("b.gru.h").unwrap().iter().all(|h| *h != 0.0));
    }

    fn mistakes_say_what_to_do(device) {
        let data = wave(70);
        let mut net = Pieces::new(device, 1).unwrap();
        let says = |error: nn::Error, what: &str| assert!(error.to_string().contains(what), "{error}");
        says(net.fit(&data, Fit::default().shuffle(true)).unwrap_err(), "shuffle(true), but `Pieces` goes on where the batch before ended");
        says(net.fit(&data, Fit::default()).unwrap_err(), "the last batch has 6 samples of 32");
        says(net.fit(&data.in_streams(7).unwrap(), Fit::default()).unwrap_err(), "batch_size is 32, but the data was put into 7 streams");
        says(net.evaluate(&data).unwrap_err(), "put the data into streams with `in_streams(n)`");
        says(data.in_streams(0).unwrap_err(), "70 samples cannot be cut into 0 streams");
        says(data.in_streams(71).unwrap_err(), "70 samples cannot be cut into 71 streams");
        net.train_batch(&data.slice(..5)).unwrap();
        says(net.train_batch(&data.slice(..6)).unwrap_err(), "had 5 samples; this one has 6");
        says(net.predict(&[[[0.0; 3]; 4]; 4]).unwrap_err(), "`reset_states()`, which begins anew");
        net.reset_states();
        net.train_batch(&data.slice(..6)).unwrap();
        // The whole fits with what is left over left out.
        net.fit(&data, Fit::default().drop_last(true).quiet()).unwrap();
    }
}

#[test]
fn streams_lie_side_by_side() {
    let data = wave(11).in_streams(3).unwrap();
    assert_eq!(data.len(), 9, "two of eleven are left over");
    let all = wave(11);
    let order = [0, 3, 6, 1, 4, 7, 2, 5, 8];
    assert!(order.iter().enumerate().all(|(i, &w)| data.x()[i] == all.x()[w] && data.t()[i] == all.t()[w]));
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let data = wave(300 * 2).in_streams(300).unwrap();
            let mut net = Pieces::new(&nn::Device::cpu(), 3).unwrap();
            net.fit(&data, Fit::default().epochs(2).batch_size(300).quiet()).unwrap();
            bits(&net)
        })
    };
    assert_eq!(run(1), run(2));
}
