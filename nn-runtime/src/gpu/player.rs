//! A network on a GPU. Here, at the edge, is where the caller's thread waits for the device.

use std::ops::Range;

use super::between::Between;
use super::context::Gpu;
use super::data_set::DataSet;
use super::direct;
use super::loaded::{Counters, Loaded};
use super::steps::{self, Beside};
use super::track::Track;
use super::watch::Watch;
use crate::backend::{self, Backend, Columns, Gradients, Progress, Resident, Steps};
use crate::error::{Error, Result};
use crate::profile::{KernelRun, TrainKernels};
use crate::program::{Program, Schedule, StepUniform};

/// A network on a GPU.
#[derive(Debug)]
pub struct GpuBackend {
    loaded: Loaded,
    predict: Track,
    evaluate: Option<Track>,
    train: Option<Track>,
    gradients: Option<Track>,
    between: Between,
    watch: Watch,
}

impl GpuBackend {
    /// Brings a network to a GPU: its vectors, with parameters of zero and states as the optimizer starts them. Whatever
    /// of its plan the device cannot hold is an error here; kernels are compiled when they first run.
    pub fn new(gpu: &Gpu, program: &'static Program) -> Result<Self> {
        let loaded = pollster::block_on(Loaded::new(gpu, program))?;
        let forward =
            |name, schedule: &'static Schedule| Track::new(&loaded, name, schedule, 0, program.flops_per_sample);
        let backward = |name, schedule: &'static Schedule| {
            // The backward pass is two products for each of the forward pass.
            let flops = program.flops_per_sample.saturating_mul(3);
            Track::new(&loaded, name, schedule, program.parameter_floats as u64, flops)
        };
        let predict = forward("predict", &program.predict);
        let evaluate = program.evaluate.as_ref().map(|schedule| forward("evaluate", schedule));
        let train = program.train.as_ref().map(|schedule| backward("train", schedule));
        let gradients = program.gradients.as_ref().map(|schedule| backward("gradients", schedule));
        Ok(Self { loaded, predict, evaluate, train, gradients, between: Between::default(), watch: Watch::default() })
    }

    /// What was done so far.
    #[doc(hidden)]
    pub fn counters(&self) -> Counters {
        self.loaded.counters()
    }

    fn track<'a>(&self, track: &'a Option<Track>, what: &str) -> Result<&'a Track> {
        let network = self.loaded.program.name;
        track.as_ref().ok_or_else(|| Error::Option(format!("`{network}` declares nothing to {what} with")))
    }
}

impl Backend for GpuBackend {
    fn draw_parameters(&mut self, draw: &dyn Fn(&mut [f32])) -> Result<()> {
        let mut values = vec![0.0; self.loaded.program.parameter_floats];
        draw(&mut values);
        self.set_parameters(&values)
    }

    fn set_parameters(&mut self, values: &[f32]) -> Result<()> {
        let Some(parameters) = self.loaded.vectors().next() else { return Ok(()) };
        pollster::block_on(self.loaded.write(parameters, values))
    }

    fn parameters(&self) -> Result<Vec<f32>> {
        let Some(parameters) = self.loaded.vectors().next() else { return Ok(vec![]) };
        pollster::block_on(self.loaded.read(parameters))
    }

    fn set_states(&mut self, values: &[Vec<f32>]) -> Result<()> {
        let (network, kept, given) = (self.loaded.program.name, self.loaded.program.states.len(), values.len());
        if given != kept {
            let error = format!("the optimizer of `{network}` keeps {kept} vectors of state, but {given} were given");
            return Err(Error::Weights(error));
        }
        self.loaded
            .vectors()
            .skip(1)
            .zip(values)
            .try_for_each(|(state, v)| pollster::block_on(self.loaded.write(state, v)))
    }

    fn states(&self) -> Result<Vec<Vec<f32>>> {
        self.loaded.vectors().skip(1).map(|state| pollster::block_on(self.loaded.read(state))).collect()
    }

    fn set_frozen(&mut self, ranges: Vec<Range<usize>>) -> Result<()> {
        pollster::block_on(self.between.freeze(&self.loaded, ranges))
    }

    fn watch(&mut self, watched: bool) {
        self.watch.on = watched;
    }

    fn is_finite(&self) -> Result<bool> {
        pollster::block_on(self.watch.is_finite(&self.loaded))
    }

    fn note(&mut self) -> Result<()> {
        pollster::block_on(self.watch.note(&self.loaded))
    }

    fn recall(&mut self) -> Result<()> {
        pollster::block_on(self.watch.recall(&self.loaded))
    }

    fn upload<'a>(&self, data: Columns<'a>) -> Result<Resident<'a>> {
        let upload = DataSet::upload(&self.loaded.budget, self.loaded.program, data);
        Ok(Resident::Gpu(pollster::block_on(upload)?))
    }

    fn train(
        &mut self,
        steps: Steps<'_>,
        kept: &mut [f32],
        results: &mut Vec<f32>,
        progress: Progress<'_>,
    ) -> Result<usize> {
        self.track(&self.train, "train")?;
        let Self { loaded, train: Some(track), between, watch, .. } = self else { return Ok(0) };
        pollster::block_on(async {
            let needed = between.begin(loaded, steps.steps).await?;
            let beside = Beside { between: needed.then_some(&*between), watch: watch.on.then_some(&*watch) };
            let played = steps::play(loaded, track, steps, kept, results, beside, progress).await;
            if let Some(between) = beside.between {
                between.end(loaded).await?;
            }
            played
        })
    }

    fn profile(&mut self, steps: Steps<'_>, kept: &mut [f32], _: TrainKernels) -> Result<Vec<KernelRun>> {
        let gpu = self.loaded.gpu().clone();
        gpu.timed(|| self.train(steps, kept, &mut Vec::new(), &mut backend::unheard))
    }

    fn evaluate(&self, steps: Steps<'_>, kept: &mut [f32], results: &mut Vec<f32>) -> Result<()> {
        let track = self.track(&self.evaluate, "evaluate")?;
        let beside = Beside::default();
        pollster::block_on(steps::play(&self.loaded, track, steps, kept, results, beside, &mut backend::unheard))?;
        Ok(())
    }

    fn predict(&self, data: Columns<'_>, step: StepUniform, kept: &mut [f32]) -> Result<Vec<Vec<f32>>> {
        pollster::block_on(direct::predict(&self.loaded, &self.predict, data, step, kept))
    }

    fn step(&mut self, fields: &[&[f32]], step: StepUniform, is_first: bool, outputs: &mut [&mut [f32]]) -> Result<()> {
        pollster::block_on(direct::step(&self.loaded, &self.predict, fields, step, is_first, outputs))
    }

    fn gradients(&self, data: Columns<'_>, step: StepUniform, kept: &[f32]) -> Result<Gradients> {
        let track = self.track(&self.gradients, "compute gradients")?;
        pollster::block_on(direct::gradients(&self.loaded, track, data, step, kept))
    }
}
