//! Samples that are records of bytes, all of one size: IDX and CIFAR.

use std::sync::Arc;

use super::file::Bytes;
use super::source::{Draw, Kind, Source};
use crate::error::Result;

/// A file that has been checked: so many records behind a header.
#[derive(Debug)]
pub(super) struct RecordFile {
    pub(super) bytes: Bytes,
    pub(super) header: u64,
    pub(super) records: usize,
}

/// A part of each record: pixels, from 0 to 1, or classes.
#[derive(Debug, Clone)]
pub(super) struct Records {
    /// One after another.
    pub(super) files: Arc<Vec<RecordFile>>,
    /// Bytes in a record.
    pub(super) size: u64,
    /// Where the part begins in its record.
    pub(super) at: u64,
    pub(super) dims: Vec<usize>,
    pub(super) kind: Kind,
}

impl Records {
    /// The file that holds a sample, and its number there.
    fn find(&self, mut sample: usize) -> (&RecordFile, usize) {
        for file in self.files.iter() {
            if sample < file.records {
                return (file, sample);
            }
            sample -= file.records;
        }
        // Not reached for samples that there are; reading behind the end is an error of its own.
        let last = &self.files[self.files.len() - 1];
        (last, last.records + sample)
    }
}

impl Source for Records {
    fn name(&self) -> String {
        self.files[0].bytes.name()
    }
    fn samples(&self) -> usize {
        self.files.iter().map(|f| f.records).sum()
    }
    fn dims(&self) -> &[usize] {
        &self.dims
    }
    fn kind(&self) -> Kind {
        self.kind
    }
    fn place(&self, sample: usize) -> String {
        let (file, record) = self.find(sample);
        format!("{}, record {record}", file.bytes.name())
    }
    fn read(&self, sample: usize, _: Draw, values: &mut [f32]) -> Result<()> {
        let (file, record) = self.find(sample);
        let mut bytes = vec![0; values.len()];
        file.bytes.read_at(file.header + record as u64 * self.size + self.at, &mut bytes)?;
        let scale = if self.kind.is_classes() { 1.0 } else { 255.0 };
        values.iter_mut().zip(bytes).for_each(|(value, byte)| *value = f32::from(byte) / scale);
        Ok(())
    }
}
