//! The third twin: plays a schedule's kernels in f64, for tests.
//!
//! It takes the plan at its word: every tensor is read and written where [`Place`] says, in one arena, so a mistake of
//! the memory plan gives a wrong result here too. Floats that nothing has written yet are poisoned, and reading one is
//! an error, as is an index outside its tensor.

mod random;

use crate::graph::{Extent, StepScalar, Unary, row_number};
use crate::ir::{Index, Kernel, TensorId, Value};
use crate::plan::{Place, Plan, Schedule};

pub use random::{pcg4d, uniform};

/// The memory that a schedule works on.
#[derive(Clone, Debug)]
pub struct Memory {
    /// Activations: `fixed_floats + capacity * sample_floats` floats.
    pub arena: Vec<f64>,
    /// What mixed precision stores as f16: `fixed_halves + capacity * sample_halves` numbers.
    pub halves: Vec<f64>,
    /// All parameters.
    pub parameters: Vec<f64>,
    /// All gradients, in the same layout.
    pub gradients: Vec<f64>,
    /// The optimizer's state vectors, in the same layout.
    pub states: Vec<Vec<f64>>,
    /// The step's results.
    pub results: Vec<f64>,
}

/// What changes from step to step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StepNumbers {
    /// Keys the random numbers.
    pub seed: u32,
    /// Training steps so far, this one not counted.
    pub step: u32,
    /// The current learning rate.
    pub learning_rate: f64,
}

/// A NaN that arithmetic does not produce: an arena's float that nothing has written yet.
const POISON: u64 = 0x7ff8_dead_beef_dead;

impl Memory {
    /// Memory for a schedule: parameters and gradients 0, states as the optimizer wants them, the rest poisoned.
    pub fn new(plan: &Plan, schedule: &Schedule, capacity: usize) -> Self {
        let poison = f64::from_bits(POISON);
        Memory {
            arena: vec![poison; schedule.fixed_floats + capacity * schedule.sample_floats],
            halves: vec![poison; schedule.fixed_halves + capacity * schedule.sample_halves],
            parameters: vec![0.0; plan.parameter_floats],
            gradients: vec![0.0; plan.parameter_floats],
            states: plan.states.iter().map(|&start| vec![start; plan.parameter_floats]).collect(),
            results: vec![poison; schedule.result_floats + capacity * schedule.result_sample_floats],
        }
    }

    /// Forgets the arena and the results, as if nothing had been written to them.
    pub fn poison(&mut self) {
        self.arena.fill(f64::from_bits(POISON));
        self.halves.fill(f64::from_bits(POISON));
        self.results.fill(f64::from_bits(POISON));
    }

    /// A tensor's elements for a batch.
    pub fn read(&self, schedule: &Schedule, tensor: TensorId, batch: usize, capacity: usize) -> &[f64] {
        let (start, len) = range(schedule, tensor, batch, capacity);
        &self.vector(schedule.tensors[tensor.0 as usize].place)[start..start + len]
    }

    /// Puts a tensor's elements where they belong: a field before the run.
    pub fn write(&mut self, schedule: &Schedule, tensor: TensorId, capacity: usize, elements: &[f64]) {
        let (start, _) = range(schedule, tensor, 0, capacity);
        self.vector_mut(schedule.tensors[tensor.0 as usize].place)[start..start + elements.len()]
            .copy_from_slice(elements);
    }

    fn vector(&self, place: Place) -> &[f64] {
        match place {
            Place::Sample(_) | Place::Fixed(_) => &self.arena,
            Place::HalfSample(_) | Place::HalfFixed(_) => &self.halves,
            Place::Parameters(_) => &self.parameters,
            Place::Gradients(_) => &self.gradients,
            Place::State(i, _) => &self.states[i],
            Place::Results(_) => &self.results,
        }
    }

    fn vector_mut(&mut self, place: Place) -> &mut [f64] {
        match place {
            Place::Sample(_) | Place::Fixed(_) => &mut self.arena,
            Place::HalfSample(_) | Place::HalfFixed(_) => &mut self.halves,
            Place::Parameters(_) => &mut self.parameters,
            Place::Gradients(_) => &mut self.gradients,
            Place::State(i, _) => &mut self.states[i],
            Place::Results(_) => &mut self.results,
        }
    }
}

/// Where a tensor begins in its vector, and how many elements it has for a batch, in a step of a kernel's loop.
fn range_at(schedule: &Schedule, tensor: TensorId, batch: usize, capacity: usize, loop_step: usize) -> (usize, usize) {
    let (of, first) = schedule.tensor_at(tensor, loop_step);
    let (start, len) = range(schedule, of, batch, capacity);
    (start + first, len - first)
}

/// Where a tensor that is no view begins in its vector, and how many elements it has for a batch.
fn range(schedule: &Schedule, tensor: TensorId, batch: usize, capacity: usize) -> (usize, usize) {
    let t = &schedule.tensors[tensor.0 as usize];
    let start = match t.place {
        Place::Sample(o) => schedule.fixed_floats + capacity * o,
        Place::HalfSample(o) => schedule.fixed_halves + capacity * o,
        Place::HalfFixed(o)
        | Place::Fixed(o)
        | Place::Parameters(o)
        | Place::Gradients(o)
        | Place::State(_, o)
        | Place::Results(o) => o,
    };
    (start, t.size() * if t.batch { batch } else { 1 })
}

/// Plays all kernels of a schedule for a batch of `batch` samples in an arena for `capacity` samples.
///
/// Says what went wrong if a kernel reads a float that nothing has written or leaves a tensor's bounds; both are
/// mistakes of the compiler.
pub fn run(
    plan: &Plan,
    schedule: &Schedule,
    batch: usize,
    capacity: usize,
    memory: &mut Memory,
    step: &StepNumbers,
) -> Result<(), String> {
    let mut first = 0;
    while first < schedule.kernels.len() {
        let (body, steps) = schedule.loop_of(first).map_or((first..first + 1, 1), |l| (l.kernels.clone(), l.steps));
        for loop_step in 0..steps {
            for kernel in &schedule.kernels[body.clone()] {
                run_kernel_at(plan, schedule, kernel, loop_step, (batch, capacity), memory, step)?;
            }
        }
        first = body.end;
    }
    Ok(())
}

/// Plays one kernel that is in no loop; see [`run`].
pub fn run_kernel(
    plan: &Plan,
    schedule: &Schedule,
    kernel: &Kernel,
    batch: usize,
    capacity: usize,
    memory: &mut Memory,
    step: &StepNumbers,
) -> Result<(), String> {
    run_kernel_at(plan, schedule, kernel, 0, (batch, capacity), memory, step)
}

fn run_kernel_at(
    plan: &Plan,
    schedule: &Schedule,
    kernel: &Kernel,
    loop_step: usize,
    (batch, capacity): (usize, usize),
    memory: &mut Memory,
    step: &StepNumbers,
) -> Result<(), String> {
    debug_assert!(plan.states.len() == memory.states.len());
    Player { schedule, kernel, loop_step, batch, capacity, memory, step }.run()
}

struct Player<'a> {
    schedule: &'a Schedule,
    kernel: &'a Kernel,
    /// Which step of the kernel's loop it is.
    loop_step: usize,
    batch: usize,
    capacity: usize,
    memory: &'a mut Memory,
    step: &'a StepNumbers,
}

impl Player<'_> {
    fn run(&mut self) -> Result<(), String> {
        let kernel = self.kernel;
        let mut point = vec![];
        for outer in points(&kernel.outer, self.batch) {
            let mut reduced: Vec<Vec<f64>> = vec![];
            for stage in &kernel.stages {
                let mut results: Vec<f64> = stage.reduce.iter().map(|(how, _)| how.identity()).collect();
                for inner in points(&stage.inner, self.batch) {
                    point.clear();
                    point.extend(outer.iter().chain(&inner));
                    let values = self.body(&stage.body, &point, &reduced)?;
                    for ((how, value), result) in stage.reduce.iter().zip(&mut results) {
                        *result = how.eval(*result, values[value.0 as usize]);
                    }
                    for store in &stage.stores {
                        let at = self.address(store.tensor, &store.index, &point)?;
                        let place = self.schedule.tensors[store.tensor.0 as usize].place;
                        let value = values[store.value.0 as usize];
                        if place.is_half() && Unary::ToHalf.eval(value).to_bits() != value.to_bits() && !value.is_nan()
                        {
                            return Err(format!("kernel `{}` stores {value} as f16", kernel.name));
                        }
                        self.memory.vector_mut(place)[at] = value;
                    }
                }
                reduced.push(results);
            }
        }
        Ok(())
    }

    fn body(&self, body: &[Value], point: &[usize], reduced: &[Vec<f64>]) -> Result<Vec<f64>, String> {
        let mut values: Vec<f64> = Vec::with_capacity(body.len());
        for value in body {
            let v = |id: crate::ir::ValueId| values[id.0 as usize];
            values.push(match value {
                Value::Constant(c) => *c,
                Value::Scalar(scalar) => self.scalar(*scalar),
                Value::Index(index) => index.eval_at(point, self.loop_step) as f64,
                Value::Load { within, .. } if !within.iter().all(|b| b.holds(point)) => 0.0,
                Value::Load { tensor, index, .. } => self.load(*tensor, index, point)?,
                Value::Gather { tensor, row, rows, stride, index } => {
                    let row = Index::constant((row_number(v(*row), *rows) * stride) as i64);
                    self.load(*tensor, &row.plus(index), point)?
                }
                Value::Within(within) => f64::from(u8::from(within.iter().all(|b| b.holds(point)))),
                Value::Random { stream, index } => {
                    let element = index.eval_at(point, self.loop_step);
                    uniform(element as u32, *stream, self.step.step, self.step.seed)
                }
                Value::Reduced { stage, slot } => reduced[*stage][*slot],
                Value::Unary(op, a) => op.eval(v(*a)),
                Value::Binary(op, a, b) => op.eval(v(*a), v(*b)),
                Value::Select(c, a, b) => v(if v(*c) != 0.0 { *a } else { *b }),
            });
        }
        Ok(values)
    }

    fn scalar(&self, scalar: StepScalar) -> f64 {
        match scalar {
            StepScalar::InverseBatch => 1.0 / self.batch as f64,
            StepScalar::LearningRate => self.step.learning_rate,
            StepScalar::BiasCorrection(beta) => 1.0 - beta.powf(f64::from(self.step.step) + 1.0),
            StepScalar::Step => f64::from(self.step.step) + 1.0,
            StepScalar::Position => f64::from(self.step.step),
        }
    }

    fn load(&self, tensor: TensorId, index: &Index, point: &[usize]) -> Result<f64, String> {
        let at = self.address(tensor, index, point)?;
        let t = &self.schedule.tensors[tensor.0 as usize];
        let value = self.memory.vector(t.place)[at];
        if value.to_bits() == POISON {
            return Err(format!(
                "kernel `{}` reads `{}` where nothing has been written, at {point:?}",
                self.kernel.name, t.name
            ));
        }
        Ok(value)
    }

    fn address(&self, tensor: TensorId, index: &Index, point: &[usize]) -> Result<usize, String> {
        let (start, len) = range_at(self.schedule, tensor, self.batch, self.capacity, self.loop_step);
        match usize::try_from(index.eval(point)) {
            Ok(i) if i < len => Ok(start + i),
            _ => Err(format!(
                "kernel `{}` leaves `{}`, which has {len} elements: element {} at {point:?}",
                self.kernel.name,
                self.schedule.tensors[tensor.0 as usize].name,
                index.eval(point)
            )),
        }
    }
}

/// All points of a space of axes, the last one fastest.
fn points(axes: &[Extent], batch: usize) -> impl Iterator<Item = Vec<usize>> {
    let extents: Vec<usize> = axes.iter().map(|e| e.at(batch)).collect();
    (0..extents.iter().product()).map(move |mut flat: usize| {
        let mut point = vec![0; extents.len()];
        for (p, extent) in point.iter_mut().zip(&extents).rev() {
            *p = flat % extent;
            flat /= extent;
        }
        point
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{Binary, Reduction};
    use crate::ir::{Stage, Store, ValueId};
    use crate::plan::Tensor;

    /// `y = x / Σ x` over rows of 3, with x and y in the arena and a number in the results.
    fn normalize() -> (Plan, Schedule) {
        let tensor =
            |name: &str, dims: &[usize], place| Tensor { name: name.into(), batch: true, dims: dims.into(), place };
        let (x, y) = (TensorId(0), TensorId(1));
        let at = Index::axis(0).times(3).plus(&Index::axis(1));
        let stage = |body: Vec<Value>, reduce, stores| Stage { inner: vec![Extent::Size(3)], body, reduce, stores };
        let load = Value::Load { tensor: x, index: at.clone(), within: vec![] };
        let divide = Value::Binary(Binary::Divide, ValueId(0), ValueId(1));
        let kernel = Kernel {
            name: "normalize".into(),
            outer: vec![Extent::Batch],
            stages: vec![
                stage(vec![load.clone()], vec![(Reduction::Sum, ValueId(0))], vec![]),
                stage(
                    vec![load, Value::Reduced { stage: 0, slot: 0 }, divide],
                    vec![],
                    vec![Store { tensor: y, index: at, value: ValueId(2) }],
                ),
            ],
            covers: vec![],
        };
        let schedule = Schedule {
            kernels: vec![kernel],
            update: 1,
            tensors: vec![tensor("x", &[3], Place::Sample(0)), tensor("y", &[3], Place::Sample(3))],
            fixed_floats: 4,
            sample_floats: 6,
            ..Schedule::default()
        };
        let plan = Plan { predict: schedule.clone(), ..crate::compile(&Default::default(), &Default::default()) };
        (plan, schedule)
    }

    const STEP: StepNumbers = StepNumbers { seed: 1, step: 0, learning_rate: 0.1 };

    #[test]
    fn tensors_lie_where_the_plan_says() {
        let (plan, schedule) = normalize();
        let mut memory = Memory::new(&plan, &schedule, 4);
        memory.write(&schedule, TensorId(0), 4, &[1.0, 2.0, 5.0, 4.0, 4.0, 8.0]);
        run(&plan, &schedule, 2, 4, &mut memory, &STEP).unwrap();
        assert_eq!(memory.read(&schedule, TensorId(1), 2, 4), [0.125, 0.25, 0.625, 0.25, 0.25, 0.5]);
        // Behind the fixed zone and four samples of x.
        assert_eq!(memory.arena[4 + 4 * 3..][..2], [0.125, 0.25]);
        assert!(memory.arena[..4].iter().all(|x| x.to_bits() == POISON), "nothing else is touched");
    }

    #[test]
    fn reading_what_nobody_wrote_is_an_error() {
        let (plan, schedule) = normalize();
        let mut memory = Memory::new(&plan, &schedule, 4);
        memory.write(&schedule, TensorId(0), 4, &[1.0, 2.0, 5.0]);
        let error = run(&plan, &schedule, 2, 4, &mut memory, &STEP).unwrap_err();
        assert_eq!(error, "kernel `normalize` reads `x` where nothing has been written, at [1, 0]");
    }

    #[test]
    fn leaving_a_tensor_is_an_error() {
        let (plan, mut schedule) = normalize();
        schedule.kernels[0].outer = vec![Extent::Size(3)];
        let mut memory = Memory::new(&plan, &schedule, 4);
        memory.arena.fill(1.0);
        let error = run(&plan, &schedule, 2, 4, &mut memory, &STEP).unwrap_err();
        assert_eq!(error, "kernel `normalize` leaves `x`, which has 6 elements: element 6 at [2, 0]");
    }

    #[test]
    fn scalars_follow_the_step() {
        let (plan, mut schedule) = normalize();
        let store = |i: i64, value| Store { tensor: TensorId(2), index: Index::constant(i), value: ValueId(value) };
        schedule.tensors.push(Tensor { name: "scalars".into(), batch: false, dims: vec![3], place: Place::Results(1) });
        schedule.result_floats = 4;
        schedule.kernels[0].outer = vec![];
        schedule.kernels[0].stages = vec![Stage {
            body: vec![
                Value::Scalar(StepScalar::InverseBatch),
                Value::Scalar(StepScalar::LearningRate),
                Value::Scalar(StepScalar::BiasCorrection(0.9)),
            ],
            stores: (0..3).map(|i| store(i, i as u32)).collect(),
            ..Stage::default()
        }];
        let mut memory = Memory::new(&plan, &schedule, 4);
        let step = StepNumbers { step: 2, ..STEP };
        run(&plan, &schedule, 4, 4, &mut memory, &step).unwrap();
        assert_eq!(memory.results[1..3], [0.25, 0.1]);
        assert!((memory.results[3] - (1.0 - 0.9_f64.powi(3))).abs() < 1e-12);
    }
}
