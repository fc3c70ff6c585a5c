//! What `fit` asks of a device: no readback but at an epoch's end, unless somebody wants to hear of batches.

use std::sync::{Arc, Mutex};

use super::gpu;
use super::line::{LINE, Points};
use crate::backend::{Backend, Columns, Gradients, Progress, Resident, Steps};
use crate::data::DataSet;
use crate::error::Result;
use crate::fit::{Data, Dataset, Fit, OnNonFinite, Report};
use crate::gpu::loaded::Counters;
use crate::gpu::{Gpu, GpuBackend};
use crate::history::Stopped;
use crate::network::Net;
use crate::profile::{KernelRun, TrainKernels};
use crate::program::StepUniform;
use crate::{Callback, Control, Device, Event};

/// What was done, as far as anybody wants to know.
type Seen<T> = Arc<Mutex<T>>;

/// A backend whose counters can be looked at from outside.
#[derive(Debug)]
struct Spied {
    backend: GpuBackend,
    counters: Seen<Counters>,
    /// Runs of steps, and readbacks within them.
    within: Seen<[u64; 2]>,
}

impl Backend for Spied {
    fn draw_parameters(&mut self, draw: &dyn Fn(&mut [f32])) -> Result<()> {
        self.backend.draw_parameters(draw)
    }
    fn set_parameters(&mut self, values: &[f32]) -> Result<()> {
        self.backend.set_parameters(values)
    }
    fn parameters(&self) -> Result<Vec<f32>> {
        self.backend.parameters()
    }
    fn set_states(&mut self, values: &[Vec<f32>]) -> Result<()> {
        self.backend.set_states(values)
    }
    fn states(&self) -> Result<Vec<Vec<f32>>> {
        self.backend.states()
    }
    fn set_frozen(&mut self, ranges: Vec<std::ops::Range<usize>>) -> Result<()> {
        self.backend.set_frozen(ranges)
    }
    fn watch(&mut self, watched: bool) {
        self.backend.watch(watched);
    }
    fn is_finite(&self) -> Result<bool> {
        self.backend.is_finite()
    }
    fn note(&mut self) -> Result<()> {
        self.backend.note()
    }
    fn recall(&mut self) -> Result<()> {
        self.backend.recall()
    }
    fn upload<'a>(&self, data: Columns<'a>) -> Result<Resident<'a>> {
        self.backend.upload(data)
    }
    fn train(
        &mut self,
        steps: Steps<'_>,
        kept: &mut [f32],
        results: &mut Vec<f32>,
        progress: Progress<'_>,
    ) -> Result<usize> {
        let before = self.backend.counters().readbacks;
        let ended = self.backend.train(steps, kept, results, progress);
        let [runs, readbacks] = &mut *self.within.lock().unwrap();
        (*runs, *readbacks) = (*runs + 1, *readbacks + self.backend.counters().readbacks - before);
        *self.counters.lock().unwrap() = self.backend.counters();
        ended
    }
    fn profile(&mut self, steps: Steps<'_>, kept: &mut [f32], kernels: TrainKernels) -> Result<Vec<KernelRun>> {
        self.backend.profile(steps, kept, kernels)
    }
    fn evaluate(&self, steps: Steps<'_>, kept: &mut [f32], results: &mut Vec<f32>) -> Result<()> {
        self.backend.evaluate(steps, kept, results)
    }
    fn predict(&self, data: Columns<'_>, step: StepUniform, kept: &mut [f32]) -> Result<Vec<Vec<f32>>> {
        self.backend.predict(data, step, kept)
    }
    fn step(&mut self, fields: &[&[f32]], step: StepUniform, is_first: bool, outputs: &mut [&mut [f32]]) -> Result<()> {
        self.backend.step(fields, step, is_first, outputs)
    }
    fn gradients(&self, data: Columns<'_>, step: StepUniform, kept: &[f32]) -> Result<Gradients> {
        self.backend.gradients(data, step, kept)
    }
}

struct Set(DataSet);

#[derive(Debug, PartialEq)]
struct Loss(f64);

impl Dataset for Set {
    type Report = Loss;
    fn data(&self) -> Data<'_> {
        Data::Memory(&self.0)
    }
}

impl Report for Loss {
    fn from_measured(measured: &crate::metrics::Measured) -> Self {
        Loss(measured.numbers[0])
    }
    fn scalars(&self) -> Vec<(&'static str, f64)> {
        vec![("loss", self.0)]
    }
}

/// Points as a data set.
fn set(samples: usize) -> Set {
    let points = Points::new(samples);
    let x: Vec<[f32; 2]> = points.x.as_chunks::<2>().0.to_vec();
    Set(DataSet::new(LINE.fields).with::<f32, 2, [f32; 2]>(x).unwrap().with::<f32, 1, f32>(points.y).unwrap())
}

/// A network that is spied upon.
fn spied(gpu: &Gpu) -> (Net, Seen<Counters>, Seen<[u64; 2]>) {
    let mut net = Net::new(&Device::cpu(), &LINE, 1).unwrap();
    let (counters, within) = <(Seen<Counters>, Seen<[u64; 2]>)>::default();
    let (to, runs) = (Arc::clone(&counters), Arc::clone(&within));
    net.backend = Box::new(Spied { backend: super::backend(gpu, &LINE), counters: to, within: runs });
    (net, counters, within)
}

/// Trains, and says what it cost, and the losses.
fn counted(gpu: &Gpu, fit: Fit<'_, Loss>) -> (Counters, Vec<f32>) {
    let (mut net, counters, _) = spied(gpu);
    let history = net.fit(&set(1000), fit.batch_size(10).quiet()).unwrap();
    let counters = *counters.lock().unwrap();
    (counters, history.step_losses)
}

#[test]
fn nothing_is_read_back_between_steps_unless_somebody_asks() {
    let Some(gpu) = gpu() else { return };
    /// Hears of everything but batches.
    struct Epochs;
    impl Callback for Epochs {
        fn on_epoch_end(&mut self, event: &Event<'_>, control: &mut Control) -> Result<()> {
            assert!(event.train.is_some());
            control.learning_rate *= 0.9;
            Ok(())
        }
    }
    let (silent, losses) = counted(&gpu, Fit::default().epochs(3));
    assert_eq!((silent.readbacks, losses.len()), (3, 300), "one an epoch");
    let (listening, _) = counted(&gpu, Fit::default().epochs(3).callback(Epochs).stop_on_ctrl_c());
    assert_eq!(listening, silent, "no dispatch, submission or readback more");
    let (each, heard) = counted(&gpu, Fit::default().epochs(3).on_batch_end(|_, _| ()));
    assert_eq!((each.readbacks, each.dispatches), (300, silent.dispatches));
    assert_eq!(heard, losses, "the same bits");
    let (tenth, heard) = counted(&gpu, Fit::default().epochs(3).on_batch_end_every(10, |_, _| ()));
    assert_eq!((tenth.readbacks, heard), (30, losses));
}

/// Points of which one is not finite.
fn spoilt(samples: usize, at: usize) -> Set {
    let mut points = Points::new(samples);
    points.y[at] = f32::INFINITY;
    let x: Vec<[f32; 2]> = points.x.as_chunks::<2>().0.to_vec();
    Set(DataSet::new(LINE.fields).with::<f32, 2, [f32; 2]>(x).unwrap().with::<f32, 1, f32>(points.y).unwrap())
}

#[test]
fn numbers_that_are_not_finite_end_a_run_within_its_epoch() {
    let Some(gpu) = gpu() else { return };
    let run = |data: &Set, policy| {
        let (mut net, counters, _) = spied(&gpu);
        let history = net.fit(data, Fit::default().shuffle(false).batch_size(1).on_non_finite(policy).quiet()).unwrap();
        let counters = *counters.lock().unwrap();
        (history, counters, net.backend.parameters().unwrap())
    };
    // Far more steps than a submission has.
    let (data, bad) = (set(8000), spoilt(8000, 700));
    let (history, blind, _) = run(&data, OnNonFinite::Ignore);
    let (watched, counters, _) = run(&data, OnNonFinite::Stop);
    assert_eq!(watched.step_losses, history.step_losses, "the same bits");
    assert_eq!((counters.readbacks, blind.readbacks), (1, 1), "nothing but the results is read back");
    assert!(counters.flags >= 4 && blind.flags == 0, "{counters:?}");
    let (looks, notes) = (counters.dispatches - blind.dispatches, counters.submissions - blind.submissions);
    assert!(looks <= counters.flags + 3 && notes <= 2, "{counters:?} {blind:?}");

    let (history, counters, stopped) = run(&bad, OnNonFinite::Stop);
    let Some(Stopped::NonFinite(found)) = &history.stopped else { panic!("{:?}", history.stopped) };
    assert_eq!((found.batch, history.step_losses.len()), (701, 700));
    assert!(counters.dispatches < 2 * blind.dispatches / 3, "searched and all, {counters:?} against {blind:?}");
    let (_, _, before) = run(&Set(data.0.slice(0..700)), OnNonFinite::Ignore);
    assert_eq!(stopped, before, "bit for bit");
    let (history, _, _) = run(&bad, OnNonFinite::Skip);
    assert_eq!((history.stopped, history.left_out.len(), history.epochs[0].skipped), (None, 1, 1));
    assert_eq!(history.step_losses.len(), 8000);
}

#[test]
fn nothing_is_read_back_between_steps_with_everything_on() {
    let Some(gpu) = gpu() else { return };
    let folder = std::env::temp_dir().join(format!("nn-gpu-all-on-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    let watched = Fit::default()
        .epochs(3)
        .validation_split(0.1)
        .learning_rate(crate::LearningRate::one_cycle(1e-3, 270).per_step())
        .early_stopping(crate::EarlyStopping::on(|loss: &Loss| loss.0).patience(9).restore_best())
        .checkpoints(crate::Checkpoints::to(folder.join("checkpoints")).best(|loss: &Loss| loss.0))
        .callback(crate::CsvLog::to(folder.join("run.csv")))
        .callback(crate::JsonLines::to(folder.join("run.jsonl")))
        .callback(crate::TensorBoard::to(folder.join("board")))
        .stop_on_ctrl_c()
        .on_non_finite(OnNonFinite::Stop)
        .on_epoch(|epoch, control| control.stop = epoch.train.0.is_nan());
    let (mut net, _, within) = spied(&gpu);
    let history = net.fit(&set(1000), watched.batch_size(10).quiet()).unwrap();
    let _ = std::fs::remove_dir_all(&folder);
    assert_eq!(history.step_losses.len(), 270);
    assert_eq!(
        *within.lock().unwrap(),
        [3, 3],
        "one run of steps for each epoch, whose results come behind its last step"
    );
}
