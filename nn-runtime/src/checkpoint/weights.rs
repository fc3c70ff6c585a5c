//! Weights, with PyTorch's names and layouts. A file that does not fit is refused as a whole, with everything that is wrong
//! with it.

use std::collections::{BTreeMap, BTreeSet};

use half::{bf16, f16};
use safetensors::tensor::{Dtype, TensorInfo};

use super::file::{Contents, File, Tensor};
use super::training::{self, is_of_training};
use super::{Load, Loaded};
use crate::error::{Error, Result};
use crate::program::{Parameter, Program};

/// The key of what we say about the network, among the file's metadata.
const KEY: &str = "nn";
/// The version of what stands there.
const FORMAT: &str = "1";

/// A file with all parameters. `values` is the vector of all parameters.
pub(crate) fn contents<'a>(program: &'a Program, values: &'a [f32]) -> Contents<'a> {
    Contents::new(BTreeMap::from([entry(program)]), tensors(program, values))
}

/// What a file says about the network that it was saved by.
pub(super) fn entry(program: &Program) -> (String, String) {
    (KEY.to_owned(), format!("format {FORMAT}, architecture {:016x}", program.hash))
}

/// All parameters.
pub(super) fn tensors<'a>(program: &'a Program, values: &'a [f32]) -> impl Iterator<Item = Tensor<'a>> {
    program.parameters.iter().map(|p| (p.name.into(), p.dims.into(), slice(p, values)))
}

/// A parameter's part of the vector of all parameters.
pub(crate) fn slice<'a>(parameter: &Parameter, values: &'a [f32]) -> &'a [f32] {
    let size = parameter.dims.iter().product::<usize>();
    values.get(parameter.offset..parameter.offset + size).unwrap_or_default()
}

/// Puts the weights of a file into the vector of all parameters. `source` names the file in errors.
pub(crate) fn load(program: &Program, bytes: &[u8], source: &str, load: &Load, values: &mut [f32]) -> Result<Loaded> {
    let refuse = |problems: &[String]| refused(program, source, problems);
    let file = File::parse(bytes).map_err(|problem| refuse(&[problem]))?;
    // Tensors that are cut off are named below.
    if file.truncated().is_none() {
        file.check(bytes).map_err(|problem| refuse(&[problem]))?;
    }
    let mut problems = Vec::new();
    let loaded = read(program, &file, load, values, &mut problems);
    if problems.is_empty() { Ok(loaded) } else { Err(refuse(&problems)) }
}

/// The error that lists all of it.
pub(super) fn refused(program: &Program, source: &str, problems: &[String]) -> Error {
    let list = problems.iter().map(|p| format!("\n  {p}")).collect::<String>();
    Error::Weights(format!("{source} does not fit `{}`:{list}", program.name))
}

/// [`load`] from a file whose header has been read; says everything that is wrong.
pub(super) fn read(
    program: &Program,
    file: &File<'_>,
    load: &Load,
    values: &mut [f32],
    problems: &mut Vec<String>,
) -> Loaded {
    let training = training::is_checkpoint(file);
    let of_weights = file.tensors.keys().map(String::as_str).filter(|name| !(training && is_of_training(name)));
    let (names, idle) = load.names(of_weights);
    problems.extend(idle);
    let mut found: BTreeMap<&str, (&str, &TensorInfo)> = BTreeMap::new();
    for (theirs, ours) in names.iter().filter_map(|(theirs, ours)| Some((*theirs, ours.as_deref()?))) {
        if let Some((other, _)) = found.insert(ours, (theirs, &file.tensors[theirs])) {
            problems.push(format!("`{other}` and `{theirs}` of the file would both be `{ours}`"));
        }
    }
    let mut report = Loaded::default();
    for parameter in program.parameters {
        match found.get(parameter.name) {
            None if load.partial => report.missing.push(parameter.name.to_owned()),
            None => problems.push(missing(parameter, &found)),
            Some(&(theirs, info)) => match numbers(parameter.name, parameter.dims, info, file.data) {
                Ok(numbers) => {
                    values[parameter.offset..].iter_mut().zip(numbers).for_each(|(v, n)| *v = n);
                    report.loaded.push(parameter.name.to_owned());
                }
                Err(problem) if theirs == parameter.name => problems.push(problem),
                Err(problem) => problems.push(format!("{problem} (`{theirs}` in the file)")),
            },
        }
    }
    let known: BTreeSet<&str> = program.parameters.iter().map(|p| p.name).collect();
    for (theirs, ours) in &names {
        match ours.as_deref() {
            Some(ours) if known.contains(ours) || counts_batches(&known, ours) => {}
            Some(ours) if !load.partial => {
                let renamed = if ours == *theirs { String::new() } else { format!(" (renamed to `{ours}`)") };
                let shape = &file.tensors[*theirs].shape;
                problems
                    .push(format!("`{theirs}`{renamed}: the file has it with shape {shape:?}, the network does not"));
            }
            _ => report.unexpected.push((*theirs).to_owned()),
        }
    }
    if load.partial && report.loaded.is_empty() && problems.is_empty() {
        problems.push(nothing_in_common(program, &names));
    }
    if load.is_plain() && problems.is_empty() {
        problems.extend(file.metadata.get(KEY).and_then(|entry| other_architecture(program, entry)));
    }
    report
}

/// Whether this is PyTorch's count of a batch norm's batches, which nothing here depends on: `num_batches_tracked` beside a
/// `running_mean` that the network has. It is the only tensor that a file may have and the network may not.
fn counts_batches(known: &BTreeSet<&str>, name: &str) -> bool {
    let path = name.strip_suffix("num_batches_tracked").filter(|path| path.is_empty() || path.ends_with('.'));
    path.is_some_and(|path| known.contains(format!("{path}running_mean").as_str()))
}

/// The numbers of one tensor as f32, or what is wrong with it.
pub(super) fn numbers<'a>(
    name: &str,
    dims: &[usize],
    info: &TensorInfo,
    data: &'a [u8],
) -> Result<Box<dyn Iterator<Item = f32> + 'a>, String> {
    if info.shape != *dims {
        return Err(format!("`{name}`: expected shape {dims:?}, found {:?}", info.shape));
    }
    let width = match info.dtype {
        Dtype::F16 | Dtype::BF16 => 2,
        Dtype::F32 => 4,
        Dtype::F64 => 8,
        other => return Err(format!("`{name}` {dims:?}: expected F32, F16, BF16 or F64, found {other:?}")),
    };
    let (start, end) = info.data_offsets;
    let size = dims.iter().product::<usize>() * width;
    if end.checked_sub(start) != Some(size) {
        return Err(format!("`{name}` {dims:?}: expected {size} bytes, found the range {start}..{end}"));
    }
    let bytes = data.get(start..end).ok_or_else(|| {
        format!(
            "`{name}`: expected shape {dims:?} in bytes {start}..{end} of the data, but the file is truncated: only {} are there",
            data.len()
        )
    })?;
    Ok(match info.dtype {
        Dtype::F16 => Box::new(bytes.as_chunks().0.iter().map(|&b| f16::from_le_bytes(b).to_f32())),
        Dtype::BF16 => Box::new(bytes.as_chunks().0.iter().map(|&b| bf16::from_le_bytes(b).to_f32())),
        Dtype::F64 => Box::new(bytes.as_chunks().0.iter().map(|&b| f64::from_le_bytes(b) as f32)),
        _ => Box::new(bytes.as_chunks().0.iter().map(|&b| f32::from_le_bytes(b))),
    })
}

/// A parameter that the file does not have, and one that may be it under another name.
fn missing(parameter: &Parameter, found: &BTreeMap<&str, (&str, &TensorInfo)>) -> String {
    let last = parameter.name.rsplit('.').next().unwrap_or_default();
    let alike = |(name, (_, info)): &(&&str, &(&str, &TensorInfo))| {
        info.shape == parameter.dims && name.rsplit('.').next().is_some_and(|l| l == last)
    };
    let candidates: Vec<&str> = found.iter().filter(alike).map(|(_, (theirs, _))| *theirs).collect();
    let hint = match candidates[..] {
        [one] => format!(" (`{one}` has this shape: rename it?)"),
        _ => String::new(),
    };
    format!("`{}`: expected shape {:?}, but the file does not have it{hint}", parameter.name, parameter.dims)
}

/// That a file and a network share no name, with some of both.
fn nothing_in_common(program: &Program, names: &[(&str, Option<String>)]) -> String {
    const SHOWN: usize = 3;
    let list = |names: &mut dyn Iterator<Item = &str>| {
        let names: Vec<String> = names.take(SHOWN).map(|n| format!("`{n}`")).collect();
        if names.is_empty() { "nothing".to_owned() } else { format!("{}, …", names.join(", ")) }
    };
    let theirs = list(&mut names.iter().map(|(theirs, ours)| ours.as_deref().unwrap_or(theirs)));
    let ours = list(&mut program.parameters.iter().map(|p| p.name));
    format!("no tensor of the file is one of the network: the file has {theirs} and the network has {ours}")
}

/// What a file of ours says about the network that it was saved by, where that contradicts this one. Files of others
/// say nothing.
fn other_architecture(program: &Program, entry: &str) -> Option<String> {
    let said = |word: &str| entry.split(", ").find_map(|part| part.strip_prefix(word)).unwrap_or("unknown").to_owned();
    let (format, architecture) = (said("format "), said("architecture "));
    let ours = format!("{:016x}", program.hash);
    if format != FORMAT {
        return Some(format!("expected format {FORMAT}, found {format}: it was saved by another version of `nn`"));
    }
    (architecture != ours).then(|| {
        format!(
            "expected architecture {ours}, found {architecture}: all parameters fit, but it was saved by a network with \
             inputs or outputs of other shapes"
        )
    })
}

#[cfg(test)]
mod tests;
