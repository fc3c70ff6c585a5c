//! Samples that are read while they are needed.

use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

use super::*;
use crate::data::{Draw, Samples, Source};
use crate::error::Error;
use crate::testing::FIELDS;

pub(super) struct Streamed(Stream);

impl Dataset for Streamed {
    type Report = Report;
    fn data(&self) -> Data<'_> {
        Data::Stream(&self.0)
    }
}

/// The same samples, to be read.
pub(super) fn stream(data: &DataSet, noise: f32) -> Streamed {
    let [x, y] = [0, 1].map(|field| {
        let size = FIELDS[field].dims[0];
        Samples::numbers([size], &*data.input(field).values).unwrap()
    });
    let x = x.map(move |values, draw| {
        (0..).zip(values).for_each(|(i, v)| *v += noise * (draw.unit(i).unwrap_or(0.5) - 0.5));
    });
    Streamed(Stream::new(FIELDS).with::<f32, 3, [f32; 3]>(x).unwrap().with::<f32, 2, [f32; 2]>(y).unwrap())
}

fn options() -> Fit<'static, Report> {
    Fit::default().epochs(3).batch_size(16).validation_split(0.2).quiet()
}

#[test]
fn a_stream_trains_as_the_same_data_in_memory_does() {
    for (samples, shuffle) in [(100, true), (100, false), (5, true)] {
        let data = data(samples);
        let (mut resident, mut streamed) = (net(3), net(3));
        let a = resident.fit(&Set(data.clone()), options().shuffle(shuffle)).unwrap();
        let b = streamed.fit(&stream(&data, 0.0), options().shuffle(shuffle)).unwrap();
        assert_eq!(a.step_losses, b.step_losses);
        for (a, b) in a.epochs.iter().zip(&b.epochs) {
            assert_eq!((&a.train, &a.validation), (&b.train, &b.validation));
        }
        assert_eq!(resident.parameter("dense.weight").unwrap(), streamed.parameter("dense.weight").unwrap());
        assert_eq!((resident.steps, resident.epochs), (streamed.steps, streamed.epochs));
        let [a, b] = [&resident, &streamed].map(|net| net.evaluate(&data).unwrap());
        assert_eq!((&a, a.clone()), (&b, streamed.evaluate(stream(&data, 0.0).data()).unwrap()));
    }
}

#[test]
fn what_is_random_depends_on_the_seed_and_not_on_threads() {
    // Enough samples for several portions of 4 MiB.
    let data = data(250_000);
    let run = |seed, threads| {
        let fit = Fit::default().epochs(2).batch_size(5000).workers(threads).quiet();
        net(seed).fit(&stream(&data, 0.3), fit).unwrap().step_losses
    };
    let one = run(1, 1);
    assert_eq!(one.len(), 100);
    assert!([0, 4].iter().all(|&threads| run(1, threads) == one));
    assert_ne!(run(2, 1), one);
    assert_ne!(one[..50], one[50..], "each epoch is another");
}

#[test]
fn two_short_runs_on_a_stream_are_one_long_run() {
    let data = stream(&data(100), 0.2);
    let (mut once, mut twice) = (net(1), net(1));
    let whole = once.fit(&data, Fit::default().epochs(4).quiet()).unwrap();
    let first = twice.fit(&data, Fit::default().epochs(2).quiet()).unwrap();
    let second = twice.fit(&data, Fit::default().epochs(2).quiet()).unwrap();
    assert_eq!(whole.step_losses, [first.step_losses, second.step_losses].concat());
}

#[test]
fn validation_and_evaluation_see_nothing_random() {
    let data = data(300);
    let mut net = net(1);
    let noisy = stream(&data, 5.0);
    net.set_learning_rate(0.0).unwrap();
    let validation = Set(data.clone());
    let history = net.fit(&noisy, Fit::default().validation_data(&validation).quiet()).unwrap();
    let expected = net.evaluate(&data).unwrap().numbers[0];
    assert_eq!(history.epochs[0].validation.as_ref().unwrap().loss, expected);
    assert_eq!(net.evaluate(noisy.data()).unwrap().numbers[0], expected);
    assert!((history.epochs[0].train.loss - expected).abs() > 0.1);
    let history = net.fit(&validation, Fit::default().validation_data(&noisy).quiet()).unwrap();
    assert_eq!(history.epochs[0].validation.as_ref().unwrap().loss, expected);
}

/// Counts reads, and fails at one sample.
#[derive(Debug)]
struct Counting {
    reads: Arc<AtomicUsize>,
    fails: Option<usize>,
    samples: usize,
    seen: Arc<Mutex<Vec<u8>>>,
}

impl Source for Counting {
    fn name(&self) -> String {
        "counting".into()
    }
    fn samples(&self) -> usize {
        self.samples
    }
    fn dims(&self) -> &[usize] {
        &[3]
    }
    fn read(&self, sample: usize, _: Draw, values: &mut [f32]) -> Result<()> {
        self.reads.fetch_add(1, SeqCst);
        self.seen.lock().unwrap()[sample] += 1;
        values.fill(0.5);
        match self.fails {
            Some(fails) if fails == sample => Err(Error::Data(format!("{} is broken", self.place(sample)))),
            _ => Ok(()),
        }
    }
}

fn counting(samples: usize, fails: Option<usize>) -> (Streamed, Arc<AtomicUsize>, Arc<Mutex<Vec<u8>>>) {
    let (reads, seen) = (Arc::default(), Arc::new(Mutex::new(vec![0; samples])));
    let x = Counting { reads: Arc::clone(&reads), fails, samples, seen: Arc::clone(&seen) };
    let y = Samples::numbers([2], vec![0.0; 2 * samples]).unwrap();
    let stream = Stream::new(FIELDS).with::<f32, 3, [f32; 3]>(Samples::new(x)).unwrap();
    (Streamed(stream.with::<f32, 2, [f32; 2]>(y).unwrap()), reads, seen)
}

#[test]
fn each_sample_is_read_once_in_each_epoch() {
    let (stream, _, seen) = counting(1000, None);
    net(1).fit(&stream, Fit::default().epochs(3).quiet()).unwrap();
    assert!(seen.lock().unwrap().iter().all(|&n| n == 3));
}

#[test]
fn an_error_ends_the_run_and_stopping_ends_the_reading() {
    let (stream, _, _) = counting(1000, Some(700));
    let error = net(1).fit(&stream, Fit::default().epochs(3).quiet()).unwrap_err();
    assert_eq!(error.to_string(), "counting, record 700 is broken");
    let error = net(1).evaluate(stream.data()).unwrap_err();
    assert_eq!(error.to_string(), "counting, record 700 is broken");
    // Portions of one batch: what is read ahead is bounded by the threads.
    let (stream, reads, _) = counting(400_000, None);
    let stop = Fit::default().epochs(1000).batch_size(400_000).workers(2).quiet();
    net(1).fit(&stream, stop.on_epoch(|epoch, control| control.stop = epoch.number == 2)).unwrap();
    let epochs = reads.load(SeqCst).div_ceil(400_000);
    assert!((2..=6).contains(&epochs), "2 epochs, and at most 4 portions ahead: {epochs}");
    let (none, _, _) = counting(0, None);
    assert_eq!(net(1).fit(&none, Fit::default().quiet()).unwrap_err().to_string(), "there are no samples");
    assert!(net(1).evaluate(none.data()).is_err());
}
