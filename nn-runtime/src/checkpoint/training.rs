//! Checkpoints: a network in training as one file, from which training goes on with the same bits.
//!
//! Beside the weights, by their names, a checkpoint has
//!
//! - `optimizer.<i>.<name>`: the parameter's part of the optimizer's vector number `i` (Adam: 0 is the first moment, 1 the second),
//! - `optimizer.<number>`: what training keeps beside, such as the scale of the loss,
//! - `nn:results`: what the steps of the current epoch have measured,
//! - `nn:kept:<name>`: what stateful layers remember of each sample of the batch, if there has been one,
//! - `nn:memory:<callback>:<i>`: what callbacks keep in numbers, such as the best weights so far,
//!
//! and among the metadata, as text, `nn.checkpoint` (the version of all this), `nn.seed`, `nn.steps`, `nn.updates`, `nn.epochs`, `nn.frozen`,
//! `nn.epoch_steps`, `nn.first_epoch`, `nn.learning_rate`, `nn.optimizer`, `nn.fit.<option>` and `nn.memory.<callback>`. Floats
//! are printed so that they come back with the same bits.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::str::FromStr;

use super::file::{Contents, File, Tensor};
use super::{Load, weights};
use crate::error::Result;
use crate::network::{Kept, Memory, Position, State};
use crate::program::{KeptTensor, Parameter, Program};

/// The key of the format's version, which only checkpoints have.
const CHECKPOINT: &str = "nn.checkpoint";
const FORMAT: &str = "1";
const OPTION: &str = "nn.fit.";
const MEMORY: &str = "nn.memory.";
/// What names of tensors begin with that are no weights.
const STATE: &str = "optimizer.";
const RESULTS: &str = "nn:results";
const VECTOR: &str = "nn:memory:";
const KEPT: &str = "nn:kept:";

/// Whether a file is a checkpoint, and not weights alone.
pub(super) fn is_checkpoint(file: &File<'_>) -> bool {
    file.metadata.contains_key(CHECKPOINT)
}

/// Whether a tensor of a checkpoint belongs to training, not to the weights.
pub(super) fn is_of_training(name: &str) -> bool {
    name.starts_with(STATE) || name == RESULTS || name.starts_with(VECTOR) || name.starts_with(KEPT)
}

/// A checkpoint to be written.
pub(crate) fn contents<'a>(program: &'a Program, state: &'a State) -> Contents<'a> {
    let State { seed, steps, updates, epochs, learning_rate, position, kept, frozen, parameters, states } = state;
    let Position { first_epoch, steps: epoch_steps, results, conditions, memories } = position;
    let mut metadata = BTreeMap::from([weights::entry(program), (CHECKPOINT.to_owned(), FORMAT.to_owned())]);
    let mut say = |key: &str, value: String| metadata.insert(format!("nn.{key}"), value);
    say("network", program.name.to_owned());
    say("optimizer", optimizer(program));
    say("seed", seed.to_string());
    say("steps", steps.to_string());
    say("updates", updates.to_string());
    say("epochs", epochs.to_string());
    say("epoch_steps", epoch_steps.to_string());
    say("first_epoch", first_epoch.to_string());
    say("learning_rate", format!("{learning_rate:?}"));
    let frozen = program.parameters.iter().zip(frozen).filter(|(_, frozen)| **frozen);
    say("frozen", frozen.map(|(parameter, _)| parameter.name).collect::<Vec<_>>().join(","));
    metadata.extend(conditions.iter().map(|(option, value)| (format!("{OPTION}{option}"), value.clone())));
    metadata.extend(memories.iter().map(|(name, memory)| (format!("{MEMORY}{name}"), memory.text.clone())));

    let vector = |name: String, values: &'a [f32]| -> Tensor<'a> { (name.into(), vec![values.len()].into(), values) };
    let mut tensors: Vec<Tensor<'a>> = weights::tensors(program, parameters).collect();
    for (number, state) in states.iter().enumerate() {
        let part = |(name, dims, values)| (Cow::Owned(format!("{STATE}{number}.{name}")), dims, values);
        tensors.extend(weights::tensors(program, state).map(part));
    }
    let number =
        |p: &'a Parameter| (Cow::Owned(format!("{STATE}{}", p.name)), p.dims.into(), weights::slice(p, parameters));
    tensors.extend(program.control.iter().map(number));
    tensors.push(vector(RESULTS.to_owned(), results));
    for tensor in program.kept.iter().filter(|_| kept.batch > 0) {
        let dims = std::iter::once(kept.batch).chain(tensor.dims.iter().copied()).collect::<Vec<_>>();
        let values = &kept.values[kept.batch * tensor.offset..][..kept.batch * tensor.size()];
        tensors.push((format!("{KEPT}{}", tensor.name).into(), dims.into(), values));
    }
    for (name, memory) in memories {
        let vectors = memory.vectors.iter().enumerate();
        tensors.extend(vectors.map(|(number, values)| vector(format!("{VECTOR}{name}:{number}"), values)));
    }
    Contents::new(metadata, tensors)
}

/// What decides about the meaning of the optimizer's vectors: what they start from, and which numbers each step needs.
fn optimizer(program: &Program) -> String {
    format!("one with states from {:?} and the numbers {:?}", program.states, program.scalars)
}

/// Reads a checkpoint. With `conditions`, what was chosen for the run must be the same. Says everything at once that is wrong.
pub(crate) fn read(
    program: &Program,
    bytes: &[u8],
    source: &str,
    conditions: Option<&BTreeMap<String, String>>,
) -> Result<State> {
    let refuse = |problems: &[String]| weights::refused(program, source, problems);
    let file = valid(bytes).map_err(|problem| refuse(&[problem]))?;
    let mut problems = Vec::new();
    let mut parameters = vec![0.0; program.parameter_floats];
    weights::read(program, &file, &Load::strict(), &mut parameters, &mut problems);
    for number in program.control {
        part(&format!("{STATE}{}", number.name), number, &file, &mut parameters, &mut problems);
    }
    let mut text = Text { metadata: &file.metadata, problems: &mut problems };
    let (seed, steps, epochs) = (text.number("nn.seed"), text.number("nn.steps"), text.number("nn.epochs"));
    let (updates, learning_rate) = (text.number("nn.updates"), text.number("nn.learning_rate"));
    let frozen: Vec<&str> = file.metadata.get("nn.frozen").map_or(vec![], |names| names.split(',').collect());
    let frozen = program.parameters.iter().map(|parameter| frozen.contains(&parameter.name)).collect();
    let (first_epoch, epoch_steps) = (text.number("nn.first_epoch"), text.number("nn.epoch_steps"));
    text.same("nn.optimizer", "optimizer", &optimizer(program));
    // Tensors of a network that is another one would only be named a second time.
    let states = if problems.is_empty() { states(program, &file, &mut problems) } else { Vec::new() };
    let results = vector(&file, RESULTS, &mut problems);
    let kept = kept(program, &file, &mut problems);
    let chosen = below(&file.metadata, OPTION);
    if let Some(conditions) = conditions {
        differences(conditions, &chosen, &mut problems);
    }
    let memories = memories(&file, &mut problems);
    if !problems.is_empty() {
        return Err(refuse(&problems));
    }
    let position = Position { first_epoch, steps: epoch_steps, results, conditions: chosen, memories };
    Ok(State { seed, steps, updates, epochs, learning_rate, position, kept, frozen, parameters, states })
}

/// The header of a checkpoint that is whole; or why it is none.
pub(super) fn valid(bytes: &[u8]) -> Result<File<'_>, String> {
    let file = File::parse(bytes)?;
    file.check(bytes)?;
    match file.metadata.get(CHECKPOINT).map(String::as_str) {
        Some(FORMAT) => Ok(file),
        Some(other) => Err(format!(
            "expected a checkpoint of format {FORMAT}, found format {other}: it was saved by another version of `nn`"
        )),
        None => {
            Err("it holds weights only, without an optimizer's state and a position in a run: `load` reads it, and \
                     `save_checkpoint` writes what `load_checkpoint` and `resume` need"
                .to_owned())
        }
    }
}

/// Each of the optimizer's vectors. Between tensors, where nothing is kept, they are as they start.
fn states(program: &Program, file: &File<'_>, problems: &mut Vec<String>) -> Vec<Vec<f32>> {
    let one = |(number, &start): (usize, &f32)| {
        let mut values = vec![start; program.parameter_floats];
        for parameter in program.parameters {
            part(&format!("{STATE}{number}.{}", parameter.name), parameter, file, &mut values, problems);
        }
        values
    };
    program.states.iter().enumerate().map(one).collect()
}

/// Puts a tensor of the file into a parameter's part of a vector.
fn part(name: &str, parameter: &Parameter, file: &File<'_>, values: &mut [f32], problems: &mut Vec<String>) {
    let numbers = match file.tensors.get(name) {
        Some(info) => weights::numbers(name, parameter.dims, info, file.data),
        None => Err(format!("`{name}`: expected shape {:?}, but the file does not have it", parameter.dims)),
    };
    match numbers {
        Ok(numbers) => values[parameter.offset..].iter_mut().zip(numbers).for_each(|(v, n)| *v = n),
        Err(problem) => problems.push(problem),
    }
}

/// What stateful layers remember; nothing, where no batch has been.
fn kept(program: &Program, file: &File<'_>, problems: &mut Vec<String>) -> Kept {
    let mut kept = Kept::default();
    let name = |tensor: &KeptTensor| format!("{KEPT}{}", tensor.name);
    let found = program.kept.iter().find_map(|tensor| file.tensors.get(&name(tensor)));
    let Some(&batch) = found.and_then(|info| info.shape.first()) else { return kept };
    kept.batch = batch;
    for tensor in program.kept {
        let (name, dims) =
            (name(tensor), std::iter::once(batch).chain(tensor.dims.iter().copied()).collect::<Vec<_>>());
        let numbers = match file.tensors.get(&name) {
            Some(info) => weights::numbers(&name, &dims, info, file.data),
            None => Err(format!("`{name}`: expected shape {dims:?}, but the file does not have it")),
        };
        match numbers {
            Ok(numbers) => kept.values.extend(numbers),
            Err(problem) => problems.push(problem),
        }
    }
    kept
}

/// A vector of any length.
fn vector(file: &File<'_>, name: &str, problems: &mut Vec<String>) -> Vec<f32> {
    let numbers = match file.tensors.get(name) {
        Some(info) => weights::numbers(name, &info.shape, info, file.data),
        None => Err(format!("`{name}`: the file does not have it")),
    };
    match numbers {
        Ok(numbers) => numbers.collect(),
        Err(problem) => {
            problems.push(problem);
            Vec::new()
        }
    }
}

/// What callbacks knew.
fn memories(file: &File<'_>, problems: &mut Vec<String>) -> BTreeMap<String, Memory> {
    let mut memories = BTreeMap::new();
    for (name, text) in below(&file.metadata, MEMORY) {
        let vectors = (0..).map(|number| format!("{VECTOR}{name}:{number}"));
        let vectors = vectors.take_while(|tensor| file.tensors.contains_key(tensor));
        let vectors = vectors.map(|tensor| vector(file, &tensor, problems)).collect();
        memories.insert(name, Memory { text, vectors });
    }
    memories
}

/// Entries whose keys begin so, without that beginning.
fn below(metadata: &BTreeMap<String, String>, prefix: &str) -> BTreeMap<String, String> {
    metadata.iter().filter_map(|(key, value)| Some((key.strip_prefix(prefix)?.to_owned(), value.clone()))).collect()
}

/// Options that must be as they were.
fn differences(ours: &BTreeMap<String, String>, theirs: &BTreeMap<String, String>, problems: &mut Vec<String>) {
    let all: BTreeSet<&String> = ours.keys().chain(theirs.keys()).collect();
    for option in all {
        let [ours, theirs] = [ours, theirs].map(|side| side.get(option).map_or("nothing", String::as_str));
        if ours != theirs {
            problems.push(format!("{option}: the run has {theirs}, but {ours} was asked for"));
        }
    }
}

/// Metadata that must be there.
struct Text<'a> {
    metadata: &'a BTreeMap<String, String>,
    problems: &'a mut Vec<String>,
}

impl Text<'_> {
    fn number<T: FromStr + Default>(&mut self, key: &str) -> T {
        let found = self.metadata.get(key);
        found.and_then(|text| text.parse().ok()).unwrap_or_else(|| {
            self.problems.push(format!("`{key}`: expected a number, found {}", quoted(found)));
            T::default()
        })
    }

    fn same(&mut self, key: &str, what: &str, expected: &str) {
        let found = self.metadata.get(key);
        if found.is_none_or(|found| found != expected) {
            let found = found.map_or("nothing", String::as_str);
            self.problems.push(format!("{what}: expected {expected}, found {found}"));
        }
    }
}

fn quoted(text: Option<&impl Display>) -> String {
    text.map_or("nothing".to_owned(), |text| format!("`{text}`"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::NETWORK;

    const H: KeptTensor = KeptTensor { name: "body.lstm.h", dims: &[2], offset: 0 };
    static PROGRAM: Program =
        Program { states: &[0.0, 0.5], kept: &[H, KeptTensor { name: "step", dims: &[], offset: 2 }], ..NETWORK };

    fn values(seed: f32) -> Vec<f32> {
        (0..PROGRAM.parameter_floats).map(|v| (v as f32 + seed).sin()).collect()
    }

    fn state() -> State {
        let memory = Memory { text: "best 0.1, \"since\" 3".into(), vectors: vec![values(7.0), vec![1.5]] };
        State {
            seed: u64::MAX,
            steps: 1 << 60,
            updates: 1 << 58,
            epochs: 12,
            learning_rate: f32::from_bits(0x3dcc_cccd),
            position: Position {
                first_epoch: 4,
                steps: 3,
                results: vec![0.1, -0.0, f32::MIN_POSITIVE / 3.0],
                conditions: [("batch_size".to_owned(), "64".to_owned()), ("shuffle".to_owned(), "true".to_owned())]
                    .into(),
                memories: [("early_stopping".to_owned(), memory), ("none".to_owned(), Memory::default())].into(),
            },
            kept: Kept { batch: 2, values: vec![0.5, -0.0, 1e-40, 3.0, 7.0, 8.0] },
            frozen: vec![false, true],
            parameters: values(1.0),
            states: vec![values(2.0), values(3.0)],
        }
    }

    fn bytes(state: &State) -> Vec<u8> {
        let mut bytes = Vec::new();
        contents(&PROGRAM, state).write_to(&mut bytes).unwrap();
        bytes
    }

    fn error(program: &Program, bytes: &[u8], conditions: Option<&BTreeMap<String, String>>) -> String {
        read(program, bytes, "step-3.safetensors", conditions).unwrap_err().to_string()
    }

    #[test]
    fn a_state_comes_back_bit_for_bit() {
        let (saved, read) =
            (state(), read(&PROGRAM, &bytes(&state()), "", Some(&state().position.conditions)).unwrap());
        for parameter in PROGRAM.parameters {
            let same = |a: &[f32], b: &[f32]| assert_eq!(weights::slice(parameter, a), weights::slice(parameter, b));
            same(&saved.parameters, &read.parameters);
            saved.states.iter().zip(&read.states).for_each(|(a, b)| same(a, b));
        }
        assert_eq!(read.states.len(), 2);
        let results = |state: &State| state.position.results.iter().map(|r| r.to_bits()).collect::<Vec<_>>();
        assert_eq!(results(&saved), results(&read));
        let without_vectors = |state: State| State { parameters: vec![], states: vec![], ..state };
        assert_eq!(without_vectors(saved), without_vectors(read));
    }

    #[test]
    fn weights_and_checkpoints_read_each_other_as_far_as_they_can() {
        let checkpoint = bytes(&state());
        let mut loaded = vec![0.0; PROGRAM.parameter_floats];
        let report = weights::load(&PROGRAM, &checkpoint, "", &Load::strict(), &mut loaded).unwrap();
        assert_eq!((report.loaded.len(), report.unexpected.len()), (2, 0));
        assert_eq!(weights::slice(&PROGRAM.parameters[0], &loaded), &values(1.0)[..6]);
        let mut weights = Vec::new();
        weights::contents(&PROGRAM, &values(1.0)).write_to(&mut weights).unwrap();
        assert!(error(&PROGRAM, &weights, None).contains("it holds weights only"));
    }

    #[test]
    fn everything_that_differs_is_named_at_once() {
        static OTHER: Program = Program {
            parameters: &[crate::program::Parameter { dims: &[3, 2], ..NETWORK.parameters[0] }, NETWORK.parameters[1]],
            ..NETWORK
        };
        let asked = [("batch_size", "32"), ("shuffle", "true"), ("samples", "100")];
        let asked = asked.map(|(option, value)| (option.to_owned(), value.to_owned())).into();
        assert_eq!(
            error(&OTHER, &bytes(&state()), Some(&asked)),
            "step-3.safetensors does not fit `Test`:\
             \n  `dense.weight`: expected shape [3, 2], found [2, 3]\
             \n  optimizer: expected one with states from [] and the numbers [InverseBatch, LearningRate], found \
             one with states from [0.0, 0.5] and the numbers [InverseBatch, LearningRate]\
             \n  batch_size: the run has 64, but 32 was asked for\
             \n  samples: the run has nothing, but 100 was asked for"
        );
    }

    #[test]
    fn damaged_checkpoints_are_errors() {
        let bytes = bytes(&state());
        for end in 0..bytes.len() {
            let error = error(&PROGRAM, &bytes[..end], None);
            assert!(error.contains("truncated") || error.contains("damaged"), "{end}: {error}");
        }
        for at in (0..bytes.len()).step_by(3) {
            let mut damaged = bytes.clone();
            damaged[at] ^= 4;
            let _ = read(&PROGRAM, &damaged, "", None);
        }
    }
}
