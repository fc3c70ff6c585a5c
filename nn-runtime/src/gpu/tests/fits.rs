//! What `fit` asks of a device: no readback but at an epoch's end, unless somebody wants to hear of batches.

use std::sync::{Arc, Mutex};

use super::gpu;
use super::line::{LINE, Points};
use crate::backend::{Backend, Columns, Gradients, Progress, Resident, Steps};
use crate::data::DataSet;
use crate::error::Result;
use crate::fit::{Data, Dataset, Fit, Report};
use crate::gpu::loaded::Counters;
use crate::gpu::{Gpu, GpuBackend};
use crate::network::Net;
use crate::profile::{KernelRun, TrainKernels};
use crate::program::StepUniform;
use crate::{Callback, Control, Device, Event};

/// A backend whose counters can be looked at from outside.
#[derive(Debug)]
struct Spied {
    backend: GpuBackend,
    counters: Arc<Mutex<Counters>>,
}

impl Backend for Spied {
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
    fn upload<'a>(&self, data: Columns<'a>) -> Result<Resident<'a>> {
        self.backend.upload(data)
    }
    fn train(&mut self, steps: Steps<'_>, results: &mut Vec<f32>, progress: Progress<'_>) -> Result<usize> {
        let ended = self.backend.train(steps, results, progress);
        *self.counters.lock().unwrap() = self.backend.counters();
        ended
    }
    fn profile(&mut self, steps: Steps<'_>, kernels: TrainKernels) -> Result<Vec<KernelRun>> {
        self.backend.profile(steps, kernels)
    }
    fn evaluate(&self, steps: Steps<'_>, results: &mut Vec<f32>) -> Result<()> {
        self.backend.evaluate(steps, results)
    }
    fn predict(&self, data: Columns<'_>, step: StepUniform) -> Result<Vec<Vec<f32>>> {
        self.backend.predict(data, step)
    }
    fn gradients(&self, data: Columns<'_>, step: StepUniform) -> Result<Gradients> {
        self.backend.gradients(data, step)
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

/// Trains, and says what it cost, and the losses.
fn counted(gpu: &Gpu, fit: Fit<'_, Loss>) -> (Counters, Vec<f32>) {
    let mut net = Net::new(&Device::cpu(), &LINE, 1).unwrap();
    let counters = Arc::default();
    net.backend = Box::new(Spied { backend: super::backend(gpu, &LINE), counters: Arc::clone(&counters) });
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
