//! safetensors files: how they are written and read, and how they get onto a disk.
//!
//! A file is the header's length (8 bytes), the header (JSON: metadata, and each tensor's type, shape and place), and the
//! tensors' bytes. Ours have a checksum among their metadata, of everything but itself, so that a file that a crash or a
//! disk has damaged is known as such.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs::{self, File as Handle};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use crc32fast::Hasher;
use safetensors::tensor::{Metadata, TensorInfo};
use serde_json::{Map, Value, json};

use crate::error::{Error, Result};

/// The key of the checksum among the metadata, and what stands there while it is computed.
const CHECKSUM: &str = "nn.checksum";
const NO_CHECKSUM: &str = "00000000";

/// A tensor to be written: its name, its dimensions and its numbers.
pub(super) type Tensor<'a> = (Cow<'a, str>, Cow<'a, [usize]>, &'a [f32]);

/// A file to be written.
#[derive(Debug)]
pub(super) struct Contents<'a> {
    header: Vec<u8>,
    tensors: Vec<&'a [f32]>,
}

impl<'a> Contents<'a> {
    /// From metadata and tensors; the same ones give the same bytes.
    pub(super) fn new(metadata: BTreeMap<String, String>, tensors: impl IntoIterator<Item = Tensor<'a>>) -> Self {
        let (mut table, mut data, mut end) = (Map::new(), Vec::new(), 0);
        let mut metadata: Map<String, Value> = metadata.into_iter().map(|(k, v)| (k, v.into())).collect();
        metadata.insert(CHECKSUM.into(), NO_CHECKSUM.into());
        table.insert("__metadata__".into(), metadata.into());
        // By name, as the format's own writer does.
        let tensors: BTreeMap<_, _> = tensors.into_iter().map(|(name, dims, values)| (name, (dims, values))).collect();
        for (name, (dims, values)) in tensors {
            let start = end;
            end += size_of_val(values);
            table.insert(name.into_owned(), json!({ "dtype": "F32", "shape": dims, "data_offsets": [start, end] }));
            data.push(values);
        }
        let mut header = Value::from(table).to_string().into_bytes();
        // As other writers do, so that tensors lie at multiples of 8 bytes.
        header.resize(header.len().next_multiple_of(8), b' ');
        let mut contents = Contents { header, tensors: data };
        if let Some(place) = checksum_at(&contents.header) {
            let mut hasher = Hasher::new();
            contents.parts().for_each(|part| hasher.update(&part));
            contents.header[place..place + NO_CHECKSUM.len()]
                .copy_from_slice(format!("{:08x}", hasher.finalize()).as_bytes());
        }
        contents
    }

    /// All bytes, in order.
    fn parts(&self) -> impl Iterator<Item = Cow<'_, [u8]>> {
        let length = (self.header.len() as u64).to_le_bytes().to_vec();
        [Cow::Owned(length), Cow::Borrowed(&self.header[..])].into_iter().chain(self.tensors.iter().map(|v| bytes(v)))
    }

    /// Writes them.
    pub(super) fn write_to(&self, writer: &mut dyn Write) -> io::Result<()> {
        self.parts().try_for_each(|part| writer.write_all(&part))
    }

    /// Writes a file as a whole or not at all: under another name beside it, synced, then renamed, and the folder synced. What
    /// was there before stays until then.
    pub(super) fn write(&self, path: &Path) -> Result<()> {
        write(path, |file| self.write_to(file))
    }
}

/// Numbers as they lie in a file.
pub(crate) fn bytes(values: &[f32]) -> Cow<'_, [u8]> {
    match cfg!(target_endian = "little") {
        true => Cow::Borrowed(bytemuck::cast_slice(values)),
        false => Cow::Owned(values.iter().flat_map(|v| v.to_le_bytes()).collect()),
    }
}

/// Where the checksum stands in a header, if it has one.
fn checksum_at(header: &[u8]) -> Option<usize> {
    let key = format!("\"{CHECKSUM}\":\"");
    let at = header.windows(key.len()).position(|window| window == key.as_bytes())? + key.len();
    (at + NO_CHECKSUM.len() <= header.len()).then_some(at)
}

/// A file that has been read.
#[derive(Debug)]
pub(super) struct File<'a> {
    pub(super) metadata: BTreeMap<String, String>,
    pub(super) tensors: BTreeMap<String, TensorInfo>,
    /// The bytes of all tensors.
    pub(super) data: &'a [u8],
}

impl<'a> File<'a> {
    /// Reads the header. Unlike the format's own reader, this one is content with a file that ends too early, so that the
    /// error can name the tensor that suffers; [`File::check`] looks at the rest.
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, String> {
        let not = |why: String| format!("it is no safetensors file, or a damaged one: {why}");
        let (header, data) = cut(bytes).map_err(not)?;
        let header: Metadata =
            serde_json::from_slice(header).map_err(|e| not(format!("its header cannot be read: {e}")))?;
        let tensors = header.tensors().into_iter().map(|(name, info)| (name, info.clone())).collect();
        let metadata = header.metadata().clone().unwrap_or_default().into_iter().collect();
        Ok(File { metadata, tensors, data })
    }

    /// Whether tensors reach behind the end of the file, and if they do, by how much.
    pub(super) fn truncated(&self) -> Option<String> {
        let end = self.tensors.values().map(|t| t.data_offsets.1).max().unwrap_or(0);
        let there = self.data.len();
        (end > there).then(|| format!("it is truncated: {there} bytes of tensors are there, of {end}"))
    }

    /// What is wrong with the file as a whole: too short, or changed since it was written. Files of others have no checksum.
    pub(super) fn check(&self, bytes: &[u8]) -> Result<(), String> {
        if let Some(problem) = self.truncated() {
            return Err(problem);
        }
        let Some(expected) = self.metadata.get(CHECKSUM) else {
            let end = self.tensors.values().map(|t| t.data_offsets.1).max().unwrap_or(0);
            return match self.data.len() - end {
                0 => Ok(()),
                more => Err(format!("it is damaged: {more} bytes follow its last tensor")),
            };
        };
        let header = cut(bytes).map_or(&[][..], |(header, _)| header);
        let mut hasher = Hasher::new();
        match checksum_at(header) {
            Some(at) => {
                let at = at + size_of::<u64>();
                hasher.update(&bytes[..at]);
                hasher.update(NO_CHECKSUM.as_bytes());
                hasher.update(&bytes[at + NO_CHECKSUM.len()..]);
            }
            None => hasher.update(bytes),
        }
        let found = format!("{:08x}", hasher.finalize());
        match found == *expected {
            true => Ok(()),
            false => Err(format!("it is damaged: its checksum is {found}, but {expected} when it was written")),
        }
    }
}

/// The header and what follows it.
fn cut(bytes: &[u8]) -> Result<(&[u8], &[u8]), String> {
    let Some((length, rest)) = bytes.split_first_chunk::<8>() else {
        return Err(format!("it has only {} bytes", bytes.len()));
    };
    let length = u64::from_le_bytes(*length);
    usize::try_from(length)
        .ok()
        .and_then(|n| rest.split_at_checked(n))
        .ok_or_else(|| format!("its header should have {length} bytes, but the file ends after {}", rest.len()))
}

/// Reads a file.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(|source| Error::File { path: path.display().to_string(), source })
}

/// Writes a file as a whole or not at all, see [`Contents::write`].
pub(crate) fn write(path: &Path, contents: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<()> {
    let failed = |source| Error::File { path: path.display().to_string(), source };
    let temporary = beside(path);
    let write = || {
        let mut file = BufWriter::new(Handle::create(&temporary)?);
        contents(&mut file)?;
        file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
        fs::rename(&temporary, path)
    };
    let written = write();
    if written.is_err() {
        // The error that matters is the first one.
        let _ = fs::remove_file(&temporary);
    }
    written.and_then(|()| sync_folder(path)).map_err(failed)
}

/// Makes a renaming or a removal last: the names of a folder are written when it is synced. Windows has no such call, and
/// needs none.
pub(super) fn sync_folder(path: &Path) -> io::Result<()> {
    if !cfg!(unix) {
        return Ok(());
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match Handle::open(folder).and_then(|folder| folder.sync_all()) {
        // Some file systems do not sync folders, and some folders may be written but not read.
        Err(e) if matches!(e.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::PermissionDenied) => Ok(()),
        synced => synced,
    }
}

/// How the names of files end that are being written.
pub(super) const TEMPORARY: &str = "tmp";

/// A name in the same folder that nobody else uses: this process and this call alone.
fn beside(path: &Path) -> PathBuf {
    use std::sync::atomic::{AtomicU64, Ordering};
    static CALLS: AtomicU64 = AtomicU64::new(0);
    let call = CALLS.fetch_add(1, Ordering::Relaxed);
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}-{call}.{TEMPORARY}", std::process::id()));
    path.with_file_name(name)
}

#[cfg(test)]
mod tests {
    use safetensors::SafeTensors;

    use super::*;

    fn contents() -> Contents<'static> {
        let metadata = [("b".to_owned(), "2".to_owned()), ("a".to_owned(), "1 \"quoted\"".to_owned())];
        let tensors: [Tensor<'_>; 2] =
            [("z.weight".into(), (&[2, 2][..]).into(), &[1.0, 2.0, 3.0, 4.0]), ("a".into(), (&[][..]).into(), &[5.0])];
        Contents::new(metadata.into(), tensors)
    }

    fn all(contents: &Contents<'_>) -> Vec<u8> {
        let mut bytes = Vec::new();
        contents.write_to(&mut bytes).unwrap();
        bytes
    }

    #[test]
    fn the_formats_own_reader_reads_it() {
        let bytes = all(&contents());
        let file = SafeTensors::deserialize(&bytes).unwrap();
        let weight = file.tensor("z.weight").unwrap();
        assert_eq!(weight.shape(), [2, 2]);
        assert_eq!(weight.data(), bytemuck::cast_slice::<f32, u8>(&[1.0, 2.0, 3.0, 4.0]));
        assert_eq!(file.tensor("a").unwrap().shape(), [0usize; 0]);
        let (length, metadata) = SafeTensors::read_metadata(&bytes).unwrap();
        assert!(length.is_multiple_of(8));
        assert_eq!(metadata.metadata().as_ref().unwrap()["a"], "1 \"quoted\"");
        assert_eq!(bytes, all(&contents()), "the same contents are the same bytes");
    }

    #[test]
    fn every_damage_is_found() {
        let bytes = all(&contents());
        let check = |bytes: &[u8]| File::parse(bytes).and_then(|file| file.check(bytes));
        assert_eq!(check(&bytes), Ok(()));
        for at in 0..bytes.len() {
            for flip in [1, 0x20, 0x80] {
                let mut damaged = bytes.clone();
                damaged[at] ^= flip;
                // A key of another name is a file of somebody else, without a checksum.
                let renamed = String::from_utf8_lossy(&damaged).matches(CHECKSUM).count() == 0;
                assert!(renamed || check(&damaged).is_err(), "byte {at} ^ {flip}");
            }
        }
        for end in 0..bytes.len() {
            let problem = check(&bytes[..end]).unwrap_err();
            assert!(problem.contains("damaged") || problem.contains("truncated"), "{end}: {problem}");
        }
        assert!(check(&[&bytes[..], &[0]].concat()).unwrap_err().contains("damaged"), "and something behind it");
        let others = safetensors::tensor::TensorView::new(safetensors::Dtype::F32, vec![1], &[0; 4]).unwrap();
        let mut others = safetensors::serialize([("a", others)], None).unwrap();
        assert_eq!(check(&others), Ok(()));
        others.push(0);
        assert_eq!(check(&others).unwrap_err(), "it is damaged: 1 bytes follow its last tensor");
    }

    #[test]
    fn files_are_written_whole_or_not_at_all() {
        let folder = std::env::temp_dir().join(format!("nn-checkpoint-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join("net.safetensors");
        write(&path, |file| file.write_all(b"first")).unwrap();
        write(&path, |file| file.write_all(b"second")).unwrap();
        assert_eq!(read(&path).unwrap(), b"second");
        let failing = |file: &mut dyn Write| file.write_all(b"third").and(Err(io::Error::other("disk full")));
        assert!(write(&path, failing).unwrap_err().to_string().contains("disk full"));
        assert_eq!(read(&path).unwrap(), b"second", "what was there stays");
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "no temporary file stays");
        let nowhere = folder.join("no such folder").join("net.safetensors");
        assert!(write(&nowhere, |_| Ok(())).unwrap_err().to_string().contains("no such folder"));
        assert!(read(&nowhere).unwrap_err().to_string().contains("no such folder"));
        fs::remove_dir_all(&folder).unwrap();
    }
}
