//! Weights as safetensors, with PyTorch's names and layouts. Loading is strict: a file that does not fit in every
//! tensor is refused as a whole, with everything that is wrong with it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use safetensors::tensor::{Dtype, Metadata, TensorInfo, View};

use crate::error::{Error, Result};
use crate::program::{Parameter, Program};

/// The key of our entry among the file's metadata.
const KEY: &str = "nn";
/// The version of what the entry says.
const FORMAT: &str = "1";

/// The bytes of a file with all parameters. `values` is the vector of all parameters.
pub(crate) fn to_bytes(program: &Program, values: &[f32]) -> Result<Vec<u8>> {
    let tensors = program.parameters.iter().map(|p| (p.name, Tensor { parameter: p, values: slice(p, values) }));
    let entry = format!("format {FORMAT}, architecture {:016x}", program.hash);
    safetensors::serialize(tensors, Some([(KEY.to_owned(), entry)].into_iter().collect()))
        .map_err(|e| Error::Weights(format!("the weights of `{}` cannot be written: {e}", program.name)))
}

/// The vector of all parameters, from the bytes of a file. `source` names the file in errors.
pub(crate) fn from_bytes(program: &Program, bytes: &[u8], source: &str) -> Result<Vec<f32>> {
    let refuse = |problems: &[String]| {
        let list = problems.iter().map(|p| format!("\n  {p}")).collect::<String>();
        Error::Weights(format!("{source} does not fit `{}`:{list}", program.name))
    };
    let (header, data) = header(bytes).map_err(|problem| refuse(&[problem]))?;
    let found: BTreeMap<String, &TensorInfo> = header.tensors().into_iter().collect();
    let mut problems = Vec::new();
    let mut values = vec![0.0; program.parameter_floats];
    for parameter in program.parameters {
        match found.get(parameter.name) {
            None => problems.push(missing(parameter, &found)),
            Some(info) => match tensor(parameter, info, data) {
                Ok(bytes) => {
                    let numbers = bytes.as_chunks::<4>().0.iter().map(|&b| f32::from_le_bytes(b));
                    let target = values[parameter.offset..].iter_mut();
                    target.zip(numbers).for_each(|(v, n)| *v = n);
                }
                Err(problem) => problems.push(problem),
            },
        }
    }
    let unknown = |(name, _): &(&String, _)| program.parameters.iter().all(|p| p.name != name.as_str());
    let unknown = found.iter().filter(|tensor| unknown(tensor) && !counts_batches(program, tensor.0));
    problems
        .extend(unknown.map(|(name, info)| {
            format!("`{name}`: the file has it with shape {:?}, the network does not", info.shape)
        }));
    if problems.is_empty()
        && let Some(problem) = header.metadata().as_ref().and_then(|m| other_architecture(program, m.get(KEY)?))
    {
        problems.push(problem);
    }
    if problems.is_empty() { Ok(values) } else { Err(refuse(&problems)) }
}

/// Whether this is PyTorch's count of a batch norm's batches, which nothing here depends on: `num_batches_tracked` beside a
/// `running_mean` that the network has. It is the only tensor that a file may have and the network may not.
fn counts_batches(program: &Program, name: &str) -> bool {
    let path = name.strip_suffix("num_batches_tracked").filter(|path| path.is_empty() || path.ends_with('.'));
    path.is_some_and(|path| program.parameters.iter().any(|p| p.name.strip_prefix(path) == Some("running_mean")))
}

/// The file's table of tensors, and the bytes behind it. Unlike the format's own reader, this one is content with a
/// file that ends too early, so that the error can name the tensor that suffers.
fn header(bytes: &[u8]) -> Result<(Metadata, &[u8]), String> {
    let not = |why: String| format!("it is no safetensors file, or a damaged one: {why}");
    let Some((length, rest)) = bytes.split_first_chunk::<8>() else {
        return Err(not(format!("it has only {} bytes", bytes.len())));
    };
    let length = u64::from_le_bytes(*length);
    let header = usize::try_from(length).ok().and_then(|n| rest.split_at_checked(n));
    let Some((header, data)) = header else {
        return Err(not(format!("its header should have {length} bytes, but the file ends after {}", rest.len())));
    };
    let header: Metadata =
        serde_json::from_slice(header).map_err(|e| not(format!("its header cannot be read: {e}")))?;
    Ok((header, data))
}

/// The bytes of one tensor, or what is wrong with it.
fn tensor<'a>(parameter: &Parameter, info: &TensorInfo, data: &'a [u8]) -> Result<&'a [u8], String> {
    let Parameter { name, dims, .. } = parameter;
    if info.shape != *dims {
        return Err(format!("`{name}`: expected shape {dims:?}, found {:?}", info.shape));
    }
    if info.dtype != Dtype::F32 {
        return Err(format!("`{name}` {dims:?}: expected F32, found {:?}", info.dtype));
    }
    let (start, end) = info.data_offsets;
    let size = dims.iter().product::<usize>() * 4;
    if end.checked_sub(start) != Some(size) {
        return Err(format!("`{name}` {dims:?}: expected {size} bytes, found the range {start}..{end}"));
    }
    data.get(start..end).ok_or_else(|| {
        format!(
            "`{name}`: expected shape {dims:?} in bytes {start}..{end} of the data, but the file is truncated: only {} are there",
            data.len()
        )
    })
}

/// A parameter that the file does not have, and one that may be it under another name.
fn missing(parameter: &Parameter, found: &BTreeMap<String, &TensorInfo>) -> String {
    let last = parameter.name.rsplit('.').next().unwrap_or_default();
    let alike = |(name, info): &(&String, &&TensorInfo)| {
        info.shape == parameter.dims && name.rsplit('.').next().is_some_and(|l| l == last)
    };
    let candidates: Vec<&String> = found.iter().filter(alike).map(|(name, _)| name).collect();
    let hint = match candidates[..] {
        [one] => format!(" (`{one}` has this shape: rename it?)"),
        _ => String::new(),
    };
    format!("`{}`: expected shape {:?}, but the file does not have it{hint}", parameter.name, parameter.dims)
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

/// Writes a file as a whole or not at all: under another name beside it, then renamed.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let failed = |source| Error::File { path: path.display().to_string(), source };
    let temporary = beside(path);
    let written = File::create(&temporary)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        // The error that matters is the first one.
        let _ = fs::remove_file(&temporary);
    }
    written.map_err(failed)
}

/// A name in the same folder that nobody else uses: this process and this call alone.
fn beside(path: &Path) -> PathBuf {
    use std::sync::atomic::{AtomicU64, Ordering};
    static CALLS: AtomicU64 = AtomicU64::new(0);
    let call = CALLS.fetch_add(1, Ordering::Relaxed);
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}-{call}.tmp", std::process::id()));
    path.with_file_name(name)
}

/// Reads a file.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(|source| Error::File { path: path.display().to_string(), source })
}

/// A parameter's part of the vector of all parameters.
pub(crate) fn slice<'a>(parameter: &Parameter, values: &'a [f32]) -> &'a [f32] {
    let size = parameter.dims.iter().product::<usize>();
    values.get(parameter.offset..parameter.offset + size).unwrap_or_default()
}

/// A parameter as safetensors wants to see it.
struct Tensor<'a> {
    parameter: &'a Parameter,
    values: &'a [f32],
}

impl View for Tensor<'_> {
    fn dtype(&self) -> Dtype {
        Dtype::F32
    }

    fn shape(&self) -> &[usize] {
        self.parameter.dims
    }

    fn data(&self) -> Cow<'_, [u8]> {
        match cfg!(target_endian = "little") {
            true => Cow::Borrowed(bytemuck::cast_slice(self.values)),
            false => Cow::Owned(self.values.iter().flat_map(|v| v.to_le_bytes()).collect()),
        }
    }

    fn data_len(&self) -> usize {
        size_of_val(self.values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::PROGRAM;

    fn values() -> Vec<f32> {
        (0..PROGRAM.parameter_floats).map(|v| v as f32).collect()
    }

    /// A file with these tensors of f32, and this entry of ours.
    fn file(tensors: &[(&str, &[usize])], entry: Option<&str>) -> Vec<u8> {
        struct Zeros<'a>(&'a [usize]);
        impl View for Zeros<'_> {
            fn dtype(&self) -> Dtype {
                Dtype::F32
            }
            fn shape(&self) -> &[usize] {
                self.0
            }
            fn data(&self) -> Cow<'_, [u8]> {
                vec![0; self.data_len()].into()
            }
            fn data_len(&self) -> usize {
                self.0.iter().product::<usize>() * 4
            }
        }
        let metadata = entry.map(|e| [(KEY.to_owned(), e.to_owned())].into_iter().collect());
        safetensors::serialize(tensors.iter().map(|&(name, dims)| (name, Zeros(dims))), metadata).unwrap()
    }

    fn error(bytes: &[u8]) -> String {
        from_bytes(&PROGRAM, bytes, "net.safetensors").unwrap_err().to_string()
    }

    #[test]
    fn what_was_saved_comes_back() {
        let bytes = to_bytes(&PROGRAM, &values()).unwrap();
        let loaded = from_bytes(&PROGRAM, &bytes, "").unwrap();
        for parameter in PROGRAM.parameters {
            assert_eq!(slice(parameter, &loaded), slice(parameter, &values()));
        }
        assert_eq!(bytes, to_bytes(&PROGRAM, &values()).unwrap(), "the same weights are the same bytes");
    }

    #[test]
    fn a_file_of_pytorch_loads_without_our_entry() {
        assert!(from_bytes(&PROGRAM, &file(&[("dense.weight", &[2, 3]), ("dense.bias", &[2])], None), "").is_ok());
    }

    #[test]
    fn counts_of_batches_are_left_out_where_there_is_a_batch_norm() {
        static NORMED: Program = Program {
            parameters: &[Parameter { name: "stem.batch_norm.running_mean", ..crate::testing::NETWORK.parameters[1] }],
            ..crate::testing::NETWORK
        };
        let load = |count: &'static str| {
            let bytes = file(&[("stem.batch_norm.running_mean", &[2]), (count, &[])], None);
            from_bytes(&NORMED, &bytes, "").map(|_| ()).map_err(|e| e.to_string())
        };
        assert_eq!(load("stem.batch_norm.num_batches_tracked"), Ok(()));
        for other in [
            "num_batches_tracked",
            "stem.num_batches_tracked",
            "stem.batch_norm.batches",
            "stem.batch_norm.x_num_batches_tracked",
        ] {
            assert!(load(other).unwrap_err().contains("the network does not"), "{other}");
        }
    }

    #[test]
    fn everything_wrong_is_listed() {
        let bytes = file(&[("dense.weight", &[3, 2]), ("fc.bias", &[2]), ("extra", &[1])], None);
        assert_eq!(
            error(&bytes),
            "net.safetensors does not fit `Test`:\
             \n  `dense.weight`: expected shape [2, 3], found [3, 2]\
             \n  `dense.bias`: expected shape [2], but the file does not have it (`fc.bias` has this shape: rename it?)\
             \n  `extra`: the file has it with shape [1], the network does not\
             \n  `fc.bias`: the file has it with shape [2], the network does not"
        );
    }

    #[test]
    fn other_types_are_refused() {
        let header = r#"{"dense.weight":{"dtype":"F16","shape":[2,3],"data_offsets":[0,12]},"dense.bias":{"dtype":"F32","shape":[2],"data_offsets":[12,20]}}"#;
        let bytes = [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &[0; 20]].concat();
        assert!(error(&bytes).contains("`dense.weight` [2, 3]: expected F32, found F16"), "{}", error(&bytes));
    }

    #[test]
    fn every_truncation_is_an_error_that_says_so() {
        let bytes = to_bytes(&PROGRAM, &values()).unwrap();
        for end in 0..bytes.len() {
            let error = error(&bytes[..end]);
            assert!(error.contains("truncated") || error.contains("damaged"), "{end}: {error}");
        }
        let cut = error(&bytes[..bytes.len() - 1]);
        assert!(cut.contains("`dense.weight`: expected shape [2, 3] in bytes"), "{cut}");
    }

    #[test]
    fn mangled_files_are_never_a_panic() {
        let bytes = to_bytes(&PROGRAM, &values()).unwrap();
        for at in 0..bytes.len() {
            for flip in [1, 0x10, 0xff] {
                let mut mangled = bytes.clone();
                mangled[at] ^= flip;
                let _ = from_bytes(&PROGRAM, &mangled, "");
            }
        }
    }

    #[test]
    fn another_architecture_with_the_same_parameters_is_refused() {
        let tensors: &[(&str, &[usize])] = &[("dense.weight", &[2, 3]), ("dense.bias", &[2])];
        let message = error(&file(tensors, Some("format 1, architecture 00000000000000ff")));
        assert!(message.contains("found 00000000000000ff"), "{message}");
        let message = error(&file(tensors, Some("format 9")));
        assert!(message.contains("expected format 1, found 9"), "{message}");
    }

    #[test]
    fn files_are_written_whole_or_not_at_all() {
        let folder = std::env::temp_dir().join(format!("nn-checkpoint-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join("net.safetensors");
        write(&path, b"first").unwrap();
        write(&path, b"second").unwrap();
        assert_eq!(read(&path).unwrap(), b"second");
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "no temporary file stays");
        let nowhere = folder.join("no such folder").join("net.safetensors");
        assert!(write(&nowhere, b"").unwrap_err().to_string().contains("no such folder"));
        assert!(read(&nowhere).unwrap_err().to_string().contains("no such folder"));
        fs::remove_dir_all(&folder).unwrap();
    }
}
