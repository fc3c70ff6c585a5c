//! Files as bytes that can be read at any place: plain ones where they lie, gzipped ones unpacked.

use std::fmt;
use std::fs::{self, File};
use std::io::{BufReader, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use flate2::read::MultiGzDecoder;

use super::source::wrong;
use crate::error::{Error, Result};

/// How every gzipped file begins.
const GZIP: [u8; 2] = [0x1f, 0x8b];
/// What is unpacked into memory; what is larger goes to a temporary file.
pub(super) const IN_MEMORY: u64 = 256 << 20;

/// A file's bytes, unpacked.
pub(super) struct Bytes {
    name: String,
    storage: Storage,
    /// Where they begin in the storage.
    start: u64,
    length: u64,
    /// Why there is not more, where a gzipped file is damaged.
    damage: Option<std::io::Error>,
}

enum Storage {
    Memory(Vec<u8>),
    /// The file itself.
    File(Mutex<File>),
    /// A temporary file.
    Unpacked {
        file: Mutex<File>,
        _temporary: Temporary,
    },
}

impl Bytes {
    /// Opens a file; whether it is gzipped shows in its first bytes, not in its name.
    pub(super) fn open(path: &Path) -> Result<Self> {
        Self::open_with(path, IN_MEMORY)
    }

    fn open_with(path: &Path, in_memory: u64) -> Result<Self> {
        let failed = |source| Error::File { path: path.display().to_string(), source };
        let mut file = File::open(path).map_err(failed)?;
        let metadata = file.metadata().map_err(failed)?;
        if metadata.is_dir() {
            return Err(wrong(path.display(), "a file", "a folder"));
        }
        let mut start = Vec::new();
        Read::by_ref(&mut file).take(GZIP.len() as u64).read_to_end(&mut start).map_err(failed)?;
        file.seek(SeekFrom::Start(0)).map_err(failed)?;
        let name = path.display().to_string();
        if start == GZIP {
            Self::unpack(name, MultiGzDecoder::new(BufReader::new(file)), in_memory)
        } else {
            let length = metadata.len();
            Ok(Bytes { name, storage: Storage::File(Mutex::new(file)), start: 0, length, damage: None })
        }
    }

    /// Some bytes of a file, as they lie there.
    #[cfg(feature = "npy")]
    pub(super) fn part(path: &Path, name: String, start: u64, length: u64) -> Result<Self> {
        let file = File::open(path).map_err(|source| Error::File { path: path.display().to_string(), source })?;
        Ok(Bytes { name, storage: Storage::File(Mutex::new(file)), start, length, damage: None })
    }

    /// Everything that the reader gives. Where that is damaged, what comes before the damage.
    pub(super) fn unpack(name: String, mut packed: impl Read, in_memory: u64) -> Result<Self> {
        let failed = |source| Error::File { path: name.clone(), source };
        let mut bytes = Vec::new();
        let mut damage = Read::by_ref(&mut packed).take(in_memory).read_to_end(&mut bytes).err();
        let mut length = bytes.len() as u64;
        if damage.is_some() || length < in_memory {
            return Ok(Bytes { name, storage: Storage::Memory(bytes), start: 0, length, damage });
        }
        let (temporary, mut file) = Temporary::new().map_err(failed)?;
        loop {
            file.write_all(&bytes).map_err(failed)?;
            bytes.clear();
            match damage {
                None => damage = Read::by_ref(&mut packed).take(1 << 20).read_to_end(&mut bytes).err(),
                Some(_) => break,
            }
            if bytes.is_empty() {
                break;
            }
            length += bytes.len() as u64;
        }
        Ok(Bytes {
            name,
            storage: Storage::Unpacked { file: Mutex::new(file), _temporary: temporary },
            start: 0,
            length,
            damage,
        })
    }

    /// The file's path, and what part of it this is.
    pub(super) fn name(&self) -> String {
        self.name.clone()
    }

    /// How many bytes there are.
    pub(super) fn len(&self) -> u64 {
        self.length
    }

    /// An error, if there should be more than there is.
    pub(super) fn whole(&self) -> Result<()> {
        match &self.damage {
            Some(error) => Err(wrong(self.name(), "a whole compressed file", format!("a damaged one: {error}"))),
            None => Ok(()),
        }
    }

    /// Checks that there are exactly so many records of so many bytes behind a header.
    pub(super) fn holds(&self, header: u64, records: u64, size: u64) -> Result<()> {
        let expected = records.saturating_mul(size).saturating_add(header);
        if self.length < expected {
            let record = self.length.saturating_sub(header) / size.max(1);
            let place = format!("{}, truncated in record {record} of {records}", self.name());
            return Err(wrong(place, format!("{expected} bytes"), self.length));
        }
        self.whole()?;
        if self.length > expected {
            let expected = format!("{expected} bytes for {records} records");
            return Err(wrong(self.name(), expected, format!("{}: the file goes on", self.length)));
        }
        Ok(())
    }

    /// Fills the buffer with the bytes that begin there.
    pub(super) fn read_at(&self, offset: u64, buffer: &mut [u8]) -> Result<()> {
        let start = self.start.saturating_add(offset);
        let mut read = |file: &Mutex<File>| {
            let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
            file.seek(SeekFrom::Start(start)).and_then(|_| file.read_exact(buffer))
        };
        let ended = || std::io::Error::from(ErrorKind::UnexpectedEof);
        let result = match &self.storage {
            Storage::File(file) | Storage::Unpacked { file, .. } => read(file),
            Storage::Memory(bytes) => {
                let part = usize::try_from(start).ok().and_then(|start| bytes.get(start..start + buffer.len()));
                part.map(|part| buffer.copy_from_slice(part)).ok_or_else(ended)
            }
        };
        result.map_err(|error| {
            let expected = format!("{} bytes from byte {offset} on", buffer.len());
            wrong(self.name(), expected, format!("{error} (has the file changed?)"))
        })
    }
}

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes of {}", self.length, self.name())
    }
}

/// A file that goes with the value.
struct Temporary(PathBuf);

impl Temporary {
    fn new() -> std::io::Result<(Self, File)> {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("nn-unpacked-{}-{number}", std::process::id()));
        // Nobody else's file is ever opened.
        let file = File::options().read(true).write(true).create_new(true).open(&path)?;
        Ok((Temporary(path), file))
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_file(&self.0) {
            log::warn!("{}: {error}", self.0.display());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::testing::{Folder, gzip};

    #[test]
    fn plain_and_unpacked_bytes_are_the_same_wherever_they_lie() {
        let folder = Folder::new("bytes");
        let content: Vec<u8> = (0..5_000_000u32).map(|i| (i.wrapping_mul(i) >> 7) as u8).collect();
        let (plain, packed) = (folder.write("plain", &content), folder.write("packed", &gzip(&content)));
        // With a megabyte of memory, what is unpacked goes to a file.
        let all = [Bytes::open(&plain), Bytes::open(&packed), Bytes::open_with(&packed, 1 << 20)].map(Result::unwrap);
        assert!(matches!(all[0].storage, Storage::File(_)) && matches!(all[1].storage, Storage::Memory(_)));
        let Storage::Unpacked { _temporary: Temporary(path), .. } = &all[2].storage else { panic!("it is in memory") };
        let path = path.clone();
        for bytes in &all {
            assert_eq!(bytes.len(), 5_000_000);
            for offset in [0, 1_048_570, 4_999_990] {
                let mut read = [0; 10];
                bytes.read_at(offset, &mut read).unwrap();
                assert_eq!(read, content[offset as usize..][..10]);
            }
            assert!(bytes.read_at(4_999_991, &mut [0; 10]).is_err());
            bytes.holds(0, 5, 1_000_000).unwrap();
        }
        assert!(path.exists());
        drop(all);
        assert!(!path.exists(), "the temporary file goes with the bytes");
    }

    #[test]
    fn damaged_gzip_is_an_error_wherever_the_damage_is() {
        let folder = Folder::new("gzip");
        let content: Vec<u8> = (0..300_000u32).map(|i| (i.wrapping_mul(i) >> 7) as u8).collect();
        let packed = gzip(&content);
        for (name, in_memory) in [("memory", 1 << 28), ("file", 1 << 12)] {
            let bytes = Bytes::open_with(&folder.write(name, &packed[..packed.len() - 4]), in_memory).unwrap();
            let text = bytes.holds(0, 3, 100_000).unwrap_err().to_string();
            assert!(text.contains("a whole compressed file"), "{text}");
            let bytes = Bytes::open_with(&folder.write(name, &packed[..packed.len() / 2]), in_memory).unwrap();
            let text = bytes.holds(0, 3, 100_000).unwrap_err().to_string();
            assert!(text.contains("truncated in record 1 of 3: expected 300000 bytes"), "{text}");
        }
    }
}
