//! A run that stops after any step of an epoch and goes on in a new network has the bits of one that has never stopped.

use std::path::PathBuf;

use nn::{Checkpoints, Dataset, Device, Fit, LearningRate, network};
use nn_tests::on_each_device;

network! {
    /// All that a run keeps: moments, running statistics, random numbers.
    network Run {
        input  x: [6];
        target y: [2];
        hidden = x >> dense(8) >> batch_norm >> relu >> dropout(0.3);
        p = hidden >> dense(2);
        output    p = p;
        loss      mse(p, y);
        metric    mae(p, y);
        metric    r2(p, y);
        optimizer adamw(learning_rate = 1e-2);
    }
}

/// A folder that goes away with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let thread = format!("{:?}", std::thread::current().id());
        let thread: String = thread.chars().filter(char::is_ascii_digit).collect();
        let folder = std::env::temp_dir().join(format!("nn-tests-{}-{thread}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        Folder(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn samples() -> (Vec<[f32; 6]>, Vec<[f32; 2]>) {
    let wave = |sample: usize, i: usize| ((sample * 13 + i * 7) as f32 * 0.3).sin();
    let x: Vec<[f32; 6]> = (0..34).map(|sample| std::array::from_fn(|i| wave(sample, i))).collect();
    let y = x.iter().map(|x| [x[0] * x[1], x[2] - x[3]]).collect();
    (x, y)
}

fn bits(net: &Run) -> Vec<u32> {
    net.parameters().flat_map(|p| net.parameter(p.name).unwrap()).map(f32::to_bits).collect()
}

/// 4 steps an epoch, the last one smaller.
fn fit<'a>() -> Fit<'a, RunReport> {
    let rate = LearningRate::cosine(1e-2, 12).per_step();
    Fit::default().epochs(3).batch_size(8).validation_split(0.1).learning_rate(rate).quiet()
}

/// Stops after each step of an epoch, and once more three steps later.
fn goes_on<D: Dataset<Report = RunReport>>(device: &Device, data: &D, name: &str) {
    let mut whole = Run::new(device, 3).unwrap();
    let expected = whole.fit(data, fit()).unwrap();
    assert_eq!(expected.step_losses.len(), 12);
    let weights = bits(&whole);
    // Moments and all else: what comes after is the same, too.
    let second = whole.fit(data, fit()).unwrap().step_losses;
    for stop in 1..=5 {
        let folder = Folder::new(name);
        let stopping = |after: usize| {
            let mut steps = 0;
            fit().checkpoints(Checkpoints::to(&folder.0).every_epochs(100)).on_batch_end(move |_, control| {
                steps += 1;
                control.stop = steps == after;
            })
        };
        Run::new(device, 3).unwrap().fit(data, stopping(stop)).unwrap();
        Run::new(device, 4).unwrap().resume(data, &folder.0, stopping(3)).unwrap();
        let mut last = Run::new(device, 5).unwrap();
        let rest = last.resume(data, &folder.0, fit()).unwrap();
        assert_eq!(rest.step_losses, expected.step_losses[stop + 3..], "losses, stopped after {stop}");
        assert_eq!(bits(&last), weights, "weights, stopped after {stop}");
        let (ours, theirs) = (rest.last().unwrap(), expected.last().unwrap());
        assert_eq!(
            (&ours.train, &ours.validation),
            (&theirs.train, &theirs.validation),
            "reports, stopped after {stop}"
        );
        assert_eq!(last.fit(data, fit()).unwrap().step_losses, second, "a second run, stopped after {stop}");
    }
}

on_each_device! {
    fn in_memory(device) {
        let (x, y) = samples();
        goes_on(device, &RunData::new(x, y).unwrap(), "memory");
    }

    fn from_a_stream(device) {
        let (x, y) = samples();
        goes_on(device, &RunStream::new(x, y).unwrap(), "stream");
    }

    fn a_checkpoint_is_all_there_is_to_a_network(device) {
        let folder = Folder::new("whole");
        let path = folder.0.join("net.safetensors");
        std::fs::create_dir_all(&folder.0).unwrap();
        let (x, y) = samples();
        let data = RunData::new(x, y).unwrap();
        let mut first = Run::new(device, 1).unwrap();
        first.fit(&data, fit()).unwrap();
        first.set_learning_rate(0.5).unwrap();
        first.save_checkpoint(&path).unwrap();
        let mut second = Run::new(device, 2).unwrap();
        second.load_checkpoint(&path).unwrap();
        assert_eq!((second.seed(), second.steps(), second.learning_rate()), (1, first.steps(), 0.5));
        for _ in 0..3 {
            assert_eq!(first.train_batch(&data).unwrap(), second.train_batch(&data).unwrap());
        }
        assert_eq!(bits(&first), bits(&second));
        // Its weights alone are weights, and weights alone are no checkpoint.
        let mut third = Run::new(device, 3).unwrap();
        third.load(&path).unwrap();
        assert_eq!((third.seed(), third.steps()), (3, 0));
        third.save(&path).unwrap();
        let error = second.load_checkpoint(&path).unwrap_err().to_string();
        assert!(error.contains("net.safetensors") && error.contains("it holds weights only"), "{error}");
        assert_eq!(bits(&first), bits(&second), "it is as it was");
    }
}
