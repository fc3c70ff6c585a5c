//! One batch through all programs of a network: in the f64 interpreter, and on a device.

use nn::Device;
use nn_kernels::interpret::{self, Memory, StepNumbers};
use nn_kernels::network::Initializer;
use nn_kernels::plan::{Plan, Schedule};
use nn_runtime::private::{DataSet, Net};
use nn_runtime::program::Program;

use crate::{Noise, distance};

/// What a network starts from, and a batch for it.
pub struct Sample {
    /// Keys the random numbers.
    seed: u32,
    /// All parameters, in the plan's layout.
    parameters: Vec<f32>,
    /// One vector for each input and target.
    fields: Vec<Vec<f32>>,
    /// How many samples they hold.
    batch: usize,
}

/// What comes out: tensors by name.
#[derive(Debug)]
pub struct Results(Vec<(String, Vec<f32>)>);

impl Sample {
    /// Parameters and fields from a seed: floats in -1..1, classes in their range.
    pub fn new(plan: &Plan, seed: u32) -> Self {
        let mut noise = Noise::new(u64::from(seed) + 1);
        let batch = 1 + noise.below(7) as usize;
        let mut parameters = vec![0.0; plan.parameter_floats];
        for p in &plan.parameters {
            let size: usize = p.dims.iter().product();
            // Buffers may be variances, which are never negative.
            let next = || if p.trainable { noise.next() } else { noise.next().abs() };
            parameters[p.offset..p.offset + size].fill_with(next);
        }
        for p in &plan.control {
            let Initializer::Constant(start) = p.init else { panic!("`{}` starts from {:?}", p.name, p.init) };
            parameters[p.offset] = start as f32;
        }
        let fields = plan.fields.iter().map(|f| {
            let size = batch * f.dims.iter().product::<usize>();
            match f.classes {
                Some(n) => (0..size).map(|_| noise.below(n as u32) as f32).collect(),
                None => (0..size).map(|_| noise.next()).collect(),
            }
        });
        let fields = fields.collect();
        Sample { seed, parameters, fields, batch }
    }

    /// The results in f64, rounded at the end. Says what the interpreter found wrong with the plan.
    pub fn interpret(&self, plan: &Plan) -> Result<Results, String> {
        let mut all = vec![];
        let read = |memory: &Memory, s: &Schedule, t| round(memory.read(s, t, self.batch, self.capacity()));
        let predict = self.run(plan, &plan.predict)?;
        for (output, t) in plan.outputs.iter().zip(&plan.predict.outputs) {
            all.push((format!("output {}", output.name), read(&predict, &plan.predict, *t)));
        }
        if let Some(s) = &plan.evaluate {
            all.push(("evaluated loss".into(), round(&self.run(plan, s)?.results[..1])));
        }
        if let Some(s) = &plan.gradients {
            let memory = self.run(plan, s)?;
            all.push(("loss".into(), round(&memory.results[..1])));
            for p in plan.parameters.iter().filter(|p| p.trainable) {
                let size = p.dims.iter().product::<usize>();
                let gradient = round(&memory.gradients[p.offset..p.offset + size]);
                all.push((format!("gradient of {}", p.name), gradient));
            }
            for (field, t) in &s.field_gradients {
                all.push((format!("gradient of input {}", plan.fields[*field].name), read(&memory, s, *t)));
            }
        }
        if let Some(s) = &plan.train {
            let memory = self.run(plan, s)?;
            all.push(("training loss".into(), round(&memory.results[..1])));
            for p in &plan.parameters {
                let size = p.dims.iter().product::<usize>();
                let after = round(&memory.parameters[p.offset..p.offset + size]);
                all.push((format!("{} after a step", p.name), after));
            }
        }
        Ok(Results(all))
    }

    fn run(&self, plan: &Plan, schedule: &Schedule) -> Result<Memory, String> {
        let mut memory = Memory::new(plan, schedule, self.capacity());
        memory.parameters = self.parameters.iter().map(|v| f64::from(*v)).collect();
        for (field, t) in &schedule.fields {
            let elements: Vec<f64> = self.fields[*field].iter().map(|v| f64::from(*v)).collect();
            memory.write(schedule, *t, self.capacity(), &elements);
        }
        let step = StepNumbers { seed: self.seed, step: 0, learning_rate: plan.learning_rate.unwrap_or_default() };
        interpret::run(plan, schedule, self.batch, self.capacity(), &mut memory, &step)?;
        Ok(memory)
    }

    fn capacity(&self) -> usize {
        self.batch.next_multiple_of(4)
    }

    /// The results on a device. Without `all_programs`, only those of `predict` and `gradients`, whose kernels are nearly all that the
    /// other programs have.
    pub fn play(&self, program: &'static Program, device: &Device, all_programs: bool) -> nn::Result<Results> {
        let mut net = Net::new(device, program, self.seed.into())?;
        for p in program.parameters {
            let size = p.dims.iter().product::<usize>();
            net.set_parameter(p.name, &self.parameters[p.offset..p.offset + size])?;
        }
        let data = DataSet::from_flat(program.fields, self.fields.clone())?;
        let mut all = vec![];
        let inputs: Vec<_> = (0..program.inputs).map(|i| data.input(i)).collect();
        for (output, values) in program.outputs.iter().zip(net.predict(&inputs)?) {
            all.push((format!("output {}", output.name), values));
        }
        if all_programs && program.evaluate.is_some() {
            all.push(("evaluated loss".into(), vec![net.evaluate(&data)?.numbers[0] as f32]));
        }
        if let Some(s) = &program.gradients {
            let gradients = net.gradients(&data)?;
            all.push(("loss".into(), vec![gradients.loss()]));
            for p in program.parameters.iter().filter(|p| p.trainable) {
                all.push((format!("gradient of {}", p.name), gradients.parameter(p.name)?.to_vec()));
            }
            for (field, _) in s.field_gradients {
                let name = program.fields[*field].name;
                all.push((format!("gradient of input {name}"), gradients.input(name)?.to_vec()));
            }
        }
        if all_programs && program.train.is_some() {
            all.push(("training loss".into(), vec![net.train_batch(&data)?.numbers[0] as f32]));
            for p in program.parameters {
                all.push((format!("{} after a step", p.name), net.parameter(p.name)?));
            }
        }
        Ok(Results(all))
    }
}

impl Results {
    /// Says where these results differ from the expected ones of the same names by more than `tolerance` of a tensor's
    /// largest number.
    pub fn differences(&self, expected: &Results, tolerance: f64) -> Vec<String> {
        let pairs = self.0.iter().map(|(name, got)| {
            let expected = expected.0.iter().find(|(n, _)| n == name);
            (name, got, &expected.unwrap_or_else(|| panic!("nothing is expected of {name}")).1)
        });
        pairs
            .filter(|(_, a, b)| a.len() != b.len() || distance(a, b) > tolerance)
            .map(|(name, a, b)| {
                let distance = distance(a, b);
                let (a, b) = (&a[..a.len().min(8)], &b[..b.len().min(8)]);
                format!("{name} differs by {distance:.1e}: {a:?} instead of {b:?}")
            })
            .collect()
    }
}

fn round(values: &[f64]) -> Vec<f32> {
    values.iter().map(|v| *v as f32).collect()
}
