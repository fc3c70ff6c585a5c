//! The plan as data: a reader of the text that a network's `plan()` gives.
//!
//! The text is all that a program carries of its plan, so that whoever does not look at it pays nothing for it. Pictures and
//! profiles read it here.

use crate::error::{Error, Result};

/// What was decided about a network at build time: its programs, their kernels, and where every tensor lies.
///
/// ```
/// # const TEXT: &str = "Curve\nplaces: …\n\npredict: 1 kernel in 1 dispatch, arena of 0 floats and 2 for each sample\n  dispatch 1\n    \
/// #     predict_00_y_dense_contract  over [batch, 1]\n      does    y.dense: contract, add\n      reads   x [batch, 1] at sample 0\n      \
/// #     writes  y.dense #3 [batch, 1] at sample 1\n";
/// # struct Curve;
/// # impl Curve { fn plan() -> &'static str { TEXT } }
/// # fn main() -> nn_runtime::Result<()> {
/// let plan = nn_runtime::plan::Plan::read(Curve::plan())?;
/// let predict = plan.program("predict")?;
/// assert_eq!(predict.kernels[0].name, "predict_00_y_dense_contract");
/// assert_eq!(predict.kernels[0].writes[0].dims, [1]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// The network's name.
    pub name: String,
    /// `predict`, and as far as there is a loss and an optimizer, `evaluate`, `train` and `gradients`; then `step`, if there are steps.
    pub programs: Vec<Program>,
}

/// The kernels of a program, and the size of its arena.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Program {
    /// `predict`, `evaluate`, `train`, `gradients` or `step`.
    pub name: String,
    /// Floats in the arena whatever the batch.
    pub fixed_floats: usize,
    /// Floats in the arena for each sample of capacity (the batch, rounded up to a multiple of 4).
    pub sample_floats: usize,
    /// Numbers of two bytes in the arena for those, whatever the batch: with mixed precision.
    pub fixed_halves: usize,
    /// And for each sample of capacity.
    pub sample_halves: usize,
    /// The kernels in order of execution.
    pub kernels: Vec<Kernel>,
}

/// A fused kernel.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Kernel {
    /// Its name, as shaders and profiles have it: `train_03_hidden_dense_contract`.
    pub name: String,
    /// The number of its dispatch on the GPU, from 1.
    pub dispatch: usize,
    /// How often it runs in one pass: the steps of the loop that it is in, or 1.
    pub steps: usize,
    /// The layers that have a part in it, each with its operations: `("hidden.dense", "contract, add")`.
    pub does: Vec<(String, String)>,
    /// Floating-point operations whatever the batch, and for each sample; a multiply-add counts as two.
    pub flops: (f64, f64),
    /// What it reads.
    pub reads: Vec<Tensor>,
    /// What it reads and writes.
    pub updates: Vec<Tensor>,
    /// What it writes.
    pub writes: Vec<Tensor>,
}

/// A tensor that a kernel touches.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// Its name: `hidden.dense #9`.
    pub name: String,
    /// Whether it has the batch in front.
    pub batch: bool,
    /// Its dimensions without the batch.
    pub dims: Vec<usize>,
    /// Bytes of one of its numbers.
    pub width: usize,
    /// Which memory it lies in.
    pub place: Place,
    /// Where in that memory it begins, in its numbers; in numbers for each sample of capacity in zones for samples.
    pub offset: usize,
    /// What a run of the kernel touches of it.
    pub view: View,
}

/// What one run of a kernel touches of a tensor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum View {
    /// All of it.
    #[default]
    Whole,
    /// In a loop, the row of its step: one of the first dimension.
    OneRow,
    /// In a loop, one of the two places that a state has in turns.
    Turns,
}

/// Memories that tensors lie in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The arena's zone that grows with the batch.
    Sample,
    /// The arena's zone in front of that.
    Fixed,
    /// The zone for samples of the arena for numbers of two bytes.
    HalfSample,
    /// The zone in front of that.
    HalfFixed,
    /// The vector of all parameters.
    Parameters,
    /// The vector of all gradients.
    Gradients,
    /// One of the optimizer's vectors.
    State,
    /// What a step tells about itself: its loss and its metrics.
    Results,
}

impl Plan {
    /// Reads what a network's `plan()` gives.
    ///
    /// # Errors
    /// If the text is not a plan; the error names the line.
    pub fn read(text: &str) -> Result<Self> {
        let mut lines = text.lines().enumerate();
        let name = lines.next().map_or("", |(_, line)| line).trim().to_owned();
        let mut plan = Plan { name, programs: vec![] };
        let mut at = At::default();
        for (number, line) in lines {
            plan.line(line, &mut at).ok_or_else(|| {
                Error::Data(format!("line {} of the plan is none that a plan has: `{line}`", number + 1))
            })?;
        }
        if plan.programs.is_empty() {
            return Err(Error::Data("this text is no plan: it names no program".into()));
        }
        Ok(plan)
    }

    /// A program by its name.
    ///
    /// # Errors
    /// If the network has no such program; the error lists those that it has.
    pub fn program(&self, name: &str) -> Result<&Program> {
        self.programs.iter().find(|p| p.name == name).ok_or_else(|| {
            let names: Vec<String> = self.programs.iter().map(|p| format!("`{}`", p.name)).collect();
            Error::Option(format!("`{}` has no program `{name}`; it has {}", self.name, names.join(", ")))
        })
    }

    /// Takes a line in; `None` if it does not fit where it stands.
    fn line(&mut self, line: &str, at: &mut At) -> Option<()> {
        let depth = line.len() - line.trim_start().len();
        let line = line.trim();
        match depth {
            _ if line.is_empty() || line.starts_with("places:") => {}
            0 => {
                let (name, rest) = line.split_once(':')?;
                let (_, rest) = rest.split_once("arena of ")?;
                let (fixed_floats, rest) = rest.split_once(" floats and ")?;
                let (sample_floats, _) = rest.split_once(" for each sample")?;
                let [fixed_floats, sample_floats] = [count(fixed_floats)?, count(sample_floats)?];
                *at = At::default();
                self.programs.push(Program {
                    name: name.to_owned(),
                    fixed_floats,
                    sample_floats,
                    ..Program::default()
                });
            }
            2 => {
                if let Some(number) = line.strip_prefix("dispatch ") {
                    at.dispatch = number.parse().ok()?;
                } else if let Some((steps, dispatches)) =
                    line.strip_prefix("loop of ").and_then(|rest| rest.split_once(" steps: "))
                {
                    at.repeated = (count(steps)?, count(dispatches.rsplit(' ').next()?)?);
                } else if let Some((_, rest)) = line.split_once(": arena of ") {
                    let (fixed, rest) = rest.split_once(" halves and ")?;
                    let program = self.programs.last_mut()?;
                    program.fixed_halves = count(fixed)?;
                    program.sample_halves = count(rest.strip_suffix(" for each sample")?)?;
                } else if let Some((shared, _)) =
                    line.strip_prefix("the first ").and_then(|rest| rest.split_once(" kernel"))
                {
                    let train = self.programs.iter().find(|p| p.name == "train")?;
                    let kernels = train.kernels.get(..count(shared)?)?.to_vec();
                    self.programs.last_mut()?.kernels = kernels;
                }
            }
            4 => {
                let name = line.split_whitespace().next()?.to_owned();
                let steps = if at.dispatch <= at.repeated.1 { at.repeated.0 } else { 1 };
                let kernel = Kernel { name, dispatch: at.dispatch, steps, ..Kernel::default() };
                self.programs.last_mut()?.kernels.push(kernel);
            }
            _ => {
                let kernel = self.programs.last_mut()?.kernels.last_mut()?;
                let (verb, rest) = line.split_once(' ')?;
                let rest = rest.trim();
                match verb {
                    "does" => {
                        let (layer, operations) = rest.split_once(": ").unwrap_or(("", rest));
                        kernel.does.push((layer.to_owned(), operations.to_owned()));
                    }
                    "FLOPs" => kernel.flops = flops(rest)?,
                    "reads" => kernel.reads.push(tensor(rest)?),
                    "updates" => kernel.updates.push(tensor(rest)?),
                    "writes" => kernel.writes.push(tensor(rest)?),
                    // Remarks about how a device does it.
                    _ => {}
                }
            }
        }
        Some(())
    }
}

/// Where in the text a line stands.
#[derive(Default)]
struct At {
    dispatch: usize,
    /// The steps of the last loop, and its last dispatch.
    repeated: (usize, usize),
}

/// `12 and 1,536 for each sample`.
fn flops(text: &str) -> Option<(f64, f64)> {
    let (fixed, sample) = text.strip_suffix(" for each sample")?.split_once(" and ")?;
    Some((count(fixed)? as f64, count(sample)? as f64))
}

/// `1,234`.
fn count(text: &str) -> Option<usize> {
    text.trim().replace(',', "").parse().ok()
}

/// `hidden.dense #9 [batch, 128] at sample 784`, perhaps with a type in front of `at`.
fn tensor(text: &str) -> Option<Tensor> {
    let (rest, place) = text.rsplit_once(" at ")?;
    let (name, rest) = rest.rsplit_once(" [")?;
    let (dims, kind) = rest.split_once(']')?;
    let mut dims: Vec<&str> = dims.split(", ").filter(|d| !d.is_empty()).collect();
    let batch = dims.first() == Some(&"batch");
    if batch {
        dims.remove(0);
    }
    let (memory, offset) = place.rsplit_once(' ')?;
    let place = match memory {
        "sample" => Place::Sample,
        "fixed" => Place::Fixed,
        "half sample" => Place::HalfSample,
        "half fixed" => Place::HalfFixed,
        "parameters" => Place::Parameters,
        "gradients" => Place::Gradients,
        "results" => Place::Results,
        state if state.starts_with("state") => Place::State,
        _ => return None,
    };
    Some(Tensor {
        name: name.to_owned(),
        batch,
        dims: dims.into_iter().map(count).collect::<Option<_>>()?,
        width: if kind.contains("f16") { 2 } else { 4 },
        place,
        offset: count(offset)?,
        view: match kind {
            row if row.contains(" row") => View::OneRow,
            turns if turns.contains(" in turns") => View::Turns,
            _ => View::Whole,
        },
    })
}

impl Program {
    /// Bytes of the arena for a batch, that for numbers of two bytes included.
    pub fn arena_bytes(&self, batch: usize) -> usize {
        let halves = self.sample_halves.saturating_mul(capacity(batch)).saturating_add(self.fixed_halves);
        self.float_bytes(batch).saturating_add(halves.saturating_mul(2))
    }

    /// Bytes of the arena for floats.
    pub(crate) fn float_bytes(&self, batch: usize) -> usize {
        self.sample_floats.saturating_mul(capacity(batch)).saturating_add(self.fixed_floats).saturating_mul(4)
    }
}

impl Kernel {
    /// The layer that the time of the kernel counts for: the one that gave it its name.
    pub fn layer(&self) -> &str {
        let named = |layer: &&(String, String)| {
            let clean = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' };
            let layer: String = layer.0.chars().map(clean).collect();
            !layer.is_empty() && self.name.contains(&format!("_{layer}_"))
        };
        let found = self.does.iter().filter(named).max_by_key(|layer| layer.0.len());
        found.or(self.does.first()).map_or("", |layer| &layer.0)
    }

    /// Floating-point operations of a run for a batch.
    pub fn flops(&self, batch: usize) -> f64 {
        self.flops.0 + self.flops.1 * batch as f64
    }

    /// Bytes that have to come and go in a run for a batch, if everything that is touched is touched once: what a kernel cannot do without.
    pub fn bytes(&self, batch: usize) -> f64 {
        let of = |tensors: &[Tensor], times: f64| tensors.iter().map(|t| t.touched(batch) * times).sum::<f64>();
        of(&self.reads, 1.0) + of(&self.updates, 2.0) + of(&self.writes, 1.0)
    }
}

impl Tensor {
    /// Its size for a batch.
    pub fn bytes(&self, batch: usize) -> usize {
        self.dims.iter().product::<usize>().saturating_mul(self.width).saturating_mul(if self.batch {
            batch
        } else {
            1
        })
    }

    /// Bytes that a run touches for a batch.
    fn touched(&self, batch: usize) -> f64 {
        let rows = if self.view == View::OneRow { self.dims.first().map_or(1, |&rows| rows.max(1)) } else { 1 };
        self.bytes(batch) as f64 / rows as f64
    }

    /// `[batch, 128]`.
    pub fn shape(&self) -> String {
        let batch = self.batch.then(|| "batch".to_owned());
        let dims: Vec<String> = batch.into_iter().chain(self.dims.iter().map(usize::to_string)).collect();
        format!("[{}]", dims.join(", "))
    }
}

/// The arena's capacity for a batch.
pub(crate) fn capacity(batch: usize) -> usize {
    batch.checked_next_multiple_of(4).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests;
