//! Predicting one position after another: what plays a network's step program.

use std::fmt;

use super::Net;
use crate::backend::Backend;
use crate::data::Input;
use crate::error::{Error, Result};
use crate::program::{Program, StepScalar, StepUniform};

/// Inputs and outputs whose slices need no memory of their own.
const FEW: usize = 8;

/// What the macro says about a step program.
#[derive(Debug, Clone, Copy)]
pub struct StepProgram {
    /// The program; it only predicts. Its parameters are those of the network.
    pub program: &'static Program,
    /// The numbers of the inputs that arrive one row at a time.
    pub inputs: &'static [usize],
    /// How many steps there can be, if there is an end.
    pub limit: Option<usize>,
}

/// Sequences that a network is given one position at a time: its weights as they were at the beginning, and what it keeps of the
/// positions so far.
pub struct Stepwise {
    what: StepProgram,
    backend: Box<dyn Backend>,
    batch: usize,
    /// Steps so far.
    position: usize,
    /// Whether a step has failed: nobody knows what it has left behind.
    failed: bool,
    /// The inputs that are given at the beginning; those that arrive row by row are empty.
    fixed: Vec<Vec<f32>>,
    seed: u32,
}

impl Stepwise {
    /// Begins with so many sequences. `fixed` are the inputs that do not arrive row by row, in order of declaration.
    ///
    /// # Errors
    /// If there are no sequences, if an input has another number of samples or a class out of range, or if the device fails.
    pub fn new(net: &Net, what: StepProgram, batch: usize, fixed: &[Input<'_>]) -> Result<Self> {
        let fields = what.program.fields;
        if batch == 0 {
            return Err(Error::Data(format!(
                "`{}` cannot step through a batch of 0: there must be at least one sequence",
                what.program.name
            )));
        }
        let mut all = vec![Vec::new(); fields.len()];
        let given = (0..fields.len()).filter(|number| !what.inputs.contains(number));
        for (number, input) in given.zip(fixed) {
            check(input, what.program, number, batch)?;
            all[number] = input.values.to_vec();
        }
        let mut backend = net.device().backend(what.program)?;
        backend.set_parameters(&net.backend.parameters()?)?;
        Ok(Stepwise { what, backend, batch, position: 0, failed: false, fixed: all, seed: net.pass(batch).seed })
    }

    /// How many sequences there are.
    pub fn batch(&self) -> usize {
        self.batch
    }

    /// How many positions have been given.
    pub fn position(&self) -> usize {
        self.position
    }

    /// How many there can be; `None` if there is no end.
    pub fn limit(&self) -> Option<usize> {
        self.what.limit
    }

    /// Forgets all positions: the next one is the first of new sequences.
    pub fn reset(&mut self) {
        (self.position, self.failed) = (0, false);
    }

    /// The next row of each input that arrives so, in order of declaration, into one row of each output.
    ///
    /// # Errors
    /// If there is no place for another position, if there are not as many rows as sequences, if a class is out of range, or if the device
    /// fails.
    pub fn step_into(&mut self, rows: &[Input<'_>], outputs: &mut [&mut [f32]]) -> Result<()> {
        let program = self.what.program;
        let position = self.position;
        if self.failed {
            return Err(Error::Data(format!("a step of `{}` has failed; `reset()` begins anew", program.name)));
        }
        if let Some(limit) = self.what.limit.filter(|limit| position >= *limit) {
            return Err(Error::Data(format!(
                "`{}` has taken {limit} steps, and has no place for more positions: `reset()` begins new sequences",
                program.name
            )));
        }
        for (&number, input) in self.what.inputs.iter().zip(rows) {
            check(input, program, number, self.batch)?;
        }
        for (output, room) in program.outputs.iter().zip(&*outputs) {
            let expected = self.batch * output.dims.iter().product::<usize>();
            if room.len() != expected {
                return Err(Error::Data(format!(
                    "`{}` of `{}` has room for {} numbers, but {} sequences give {expected}",
                    output.name,
                    program.name,
                    room.len(),
                    self.batch
                )));
            }
        }
        let mut step = StepUniform { batch: self.batch as u32, seed: self.seed, ..StepUniform::default() };
        for (slot, scalar) in step.scalars.iter_mut().zip(program.scalars) {
            *slot = match scalar {
                StepScalar::Position => position as f32,
                StepScalar::InverseBatch => 1.0 / self.batch as f32,
                _ => 0.0,
            };
        }
        let slice = |number: usize| match self.what.inputs.iter().position(|&input| input == number) {
            Some(row) => rows.get(row).map_or(&[][..], |input| &*input.values),
            None => self.fixed.get(number).map_or(&[][..], |values| values),
        };
        self.failed = true;
        let count = program.inputs;
        if count <= FEW {
            let few: [&[f32]; FEW] = std::array::from_fn(slice);
            self.backend.step(&few[..count], step, position == 0, outputs)?;
        } else {
            let many: Vec<&[f32]> = (0..count).map(slice).collect();
            self.backend.step(&many, step, position == 0, outputs)?;
        }
        (self.position, self.failed) = (position + 1, false);
        Ok(())
    }

    /// [`Stepwise::step_into`] new vectors.
    ///
    /// # Errors
    /// As there.
    pub fn step(&mut self, rows: &[Input<'_>]) -> Result<Vec<Vec<f32>>> {
        let width = |output: &crate::program::Output| output.dims.iter().product::<usize>();
        let mut outputs: Vec<Vec<f32>> =
            self.what.program.outputs.iter().map(|output| vec![0.0; self.batch * width(output)]).collect();
        let mut slices: Vec<&mut [f32]> = outputs.iter_mut().map(|output| &mut output[..]).collect();
        self.step_into(rows, &mut slices)?;
        Ok(outputs)
    }
}

impl fmt::Debug for Stepwise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Stepwise { what, batch, position, .. } = self;
        write!(f, "steps of `{}`: {batch} sequences at position {position}", what.program.name)
    }
}

/// Whether an input has a row for each sequence, and its classes are in range.
fn check(input: &Input<'_>, program: &Program, number: usize, batch: usize) -> Result<()> {
    let field = &program.fields[number];
    let samples = Input::count(std::slice::from_ref(input), std::slice::from_ref(field))?;
    if samples != batch {
        return Err(Error::Data(format!(
            "`{}` has {samples} samples, but `{}` steps through a batch of {batch}",
            field.name, program.name
        )));
    }
    Ok(())
}
