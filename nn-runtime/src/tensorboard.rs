//! Event files for TensorBoard.
//!
//! A file is a row of records: length, its checksum, a protobuf message, its checksum. Of the messages, `Event`, `Summary` and
//! `HistogramProto`, only the few fields that are used are written, by hand.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::checkpoint;
use crate::error::{Error, Result};
use crate::fit::{Callback, Control, Event, Numbers};

/// Buckets of a histogram.
const BUCKETS: usize = 40;

/// Writes event files that TensorBoard shows: `.callback(nn::TensorBoard::to("runs/digits"))`, then `tensorboard --logdir runs`.
///
/// The folder gets two parts, `train` and `validation`, which TensorBoard draws into common charts, as those of Keras: the loss and each metric
/// over the epochs, and the learning rate. Each run adds files of its own, so that a resumed run goes on in the same charts. Files are
/// brought up to date after every epoch.
///
/// ```no_run
/// # fn f<R>() -> nn_runtime::Fit<'static, R> {
/// use nn_runtime::{Fit, TensorBoard};
/// let log = TensorBoard::to("runs/digits").every_batches(10).histograms();
/// let fit = Fit::default().epochs(20).callback(log);
/// # fit
/// # }
/// ```
#[derive(Debug)]
pub struct TensorBoard {
    folder: PathBuf,
    batches: usize,
    histograms: bool,
    train: Option<EventFile>,
    validation: Option<EventFile>,
}

impl TensorBoard {
    /// Into this folder, which is made if it does not exist.
    pub fn to(folder: impl Into<PathBuf>) -> Self {
        TensorBoard { folder: folder.into(), batches: 0, histograms: false, train: None, validation: None }
    }

    /// Also the loss and the metrics of every n-th step alone, as `batch/loss` and so on over the network's steps. On the GPU each
    /// of those costs a readback. Default: none.
    #[must_use]
    pub fn every_batches(mut self, n: usize) -> Self {
        self.batches = n;
        self
    }

    /// Also a histogram of each parameter after each epoch. Default: none.
    #[must_use]
    pub fn histograms(mut self) -> Self {
        self.histograms = true;
        self
    }

    /// The file of a part, made when it is first needed.
    fn file<'a>(folder: &Path, part: &str, file: &'a mut Option<EventFile>) -> Result<&'a mut EventFile> {
        let opened = match file.take() {
            Some(file) => file,
            None => EventFile::create(&folder.join(part))?,
        };
        Ok(file.insert(opened))
    }
}

impl Callback for TensorBoard {
    fn name(&self) -> &'static str {
        "TensorBoard"
    }

    fn batch_events(&self) -> usize {
        self.batches
    }

    fn on_train_begin(&mut self, _: &Event<'_>, _: &mut Control) -> Result<()> {
        // A folder that cannot be written is an error now, not after an hour.
        Self::file(&self.folder, "train", &mut self.train).map(|_| ())
    }

    fn on_batch_end(&mut self, event: &Event<'_>, _: &mut Control) -> Result<()> {
        let file = Self::file(&self.folder, "train", &mut self.train)?;
        let values = event.names().zip(event.last.into_iter().flatten());
        let values = values.map(|(name, value)| Value::Scalar(format!("batch/{name}"), *value as f32));
        file.write(event.steps, &values.collect::<Vec<_>>())
    }

    fn on_epoch_end(&mut self, event: &Event<'_>, _: &mut Control) -> Result<()> {
        let scalars = |values: Option<Numbers<'_>>| -> Vec<Value> {
            let values = event.names().zip(values.into_iter().flatten());
            values.map(|(name, value)| Value::Scalar(name.to_owned(), *value as f32)).collect()
        };
        let mut values = scalars(event.train);
        values.push(Value::Scalar("learning_rate".into(), event.learning_rate));
        if self.histograms {
            let net = event.net()?;
            let all = net.backend.parameters()?;
            let parameters = net.program.parameters.iter();
            values.extend(
                parameters.map(|p| Value::Histogram(p.name.to_owned(), Histogram::of(checkpoint::slice(p, &all)))),
            );
        }
        let epoch = event.epoch as u64;
        let file = Self::file(&self.folder, "train", &mut self.train)?;
        file.write(epoch, &values)?;
        file.flush()?;
        if event.validation.is_some() {
            let file = Self::file(&self.folder, "validation", &mut self.validation)?;
            file.write(epoch, &scalars(event.validation))?;
            file.flush()?;
        }
        Ok(())
    }

    fn on_train_end(&mut self, _: &Event<'_>, _: &mut Control) -> Result<()> {
        self.train.iter_mut().chain(&mut self.validation).try_for_each(EventFile::flush)
    }
}

/// Something that is shown under a name.
enum Value {
    Scalar(String, f32),
    Histogram(String, Histogram),
}

/// Counts in equal buckets; what is infinite or no number is left out.
struct Histogram {
    min: f64,
    max: f64,
    count: f64,
    sum: f64,
    squares: f64,
    /// Upper limits, and counts.
    buckets: Vec<(f64, f64)>,
}

impl Histogram {
    fn of(values: &[f32]) -> Self {
        let finite = || values.iter().filter(|v| v.is_finite()).map(|&v| f64::from(v));
        let (min, max) = finite().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
        let (min, max) = if min <= max { (min, max) } else { (0.0, 0.0) };
        let count = if max > min { BUCKETS } else { 1 };
        let limit = |i: usize| if i + 1 == count { max } else { min + (max - min) * (i + 1) as f64 / count as f64 };
        let mut buckets: Vec<(f64, f64)> = (0..count).map(|i| (limit(i), 0.0)).collect();
        for value in finite() {
            let bucket = if max > min { ((value - min) / (max - min) * count as f64) as usize } else { 0 };
            buckets[bucket.min(count - 1)].1 += 1.0;
        }
        let squares = finite().map(|v| v * v).sum();
        Histogram { min, max, count: finite().count() as f64, sum: finite().sum(), squares, buckets }
    }

    /// `HistogramProto`.
    fn message(&self) -> Vec<u8> {
        let mut bytes = vec![];
        for (field, value) in [(1, self.min), (2, self.max), (3, self.count), (4, self.sum), (5, self.squares)] {
            double(&mut bytes, field, value);
        }
        let packed = |part: fn(&(f64, f64)) -> f64| -> Vec<u8> {
            self.buckets.iter().flat_map(|bucket| part(bucket).to_le_bytes()).collect()
        };
        nested(&mut bytes, 6, &packed(|bucket| bucket.0));
        nested(&mut bytes, 7, &packed(|bucket| bucket.1));
        bytes
    }
}

/// A file of events.
#[derive(Debug)]
struct EventFile {
    path: PathBuf,
    file: BufWriter<File>,
}

impl EventFile {
    /// A new file in a folder, with a name that no other has.
    fn create(folder: &Path) -> Result<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let failed = |path: &Path, source| Error::File { path: path.display().to_string(), source };
        fs::create_dir_all(folder).map_err(|source| failed(folder, source))?;
        let (seconds, process) = (now() as u64, std::process::id());
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = folder.join(format!("events.out.tfevents.{seconds:010}.nn.{process}.{number}"));
        let file = File::create_new(&path).map_err(|source| failed(&path, source))?;
        let mut file = EventFile { path, file: BufWriter::new(file) };
        let mut event = vec![];
        double(&mut event, 1, now());
        nested(&mut event, 3, b"brain.Event:2");
        file.record(&event)?;
        Ok(file)
    }

    /// An event at a step, with these values.
    fn write(&mut self, step: u64, values: &[Value]) -> Result<()> {
        let mut summary = vec![];
        for value in values {
            let mut message = vec![];
            match value {
                Value::Scalar(name, value) => {
                    nested(&mut message, 1, name.as_bytes());
                    key(&mut message, 2, 5);
                    message.extend(value.to_le_bytes());
                }
                Value::Histogram(name, histogram) => {
                    nested(&mut message, 1, name.as_bytes());
                    nested(&mut message, 5, &histogram.message());
                }
            }
            nested(&mut summary, 1, &message);
        }
        let mut event = vec![];
        double(&mut event, 1, now());
        key(&mut event, 2, 0);
        varint(&mut event, step);
        nested(&mut event, 5, &summary);
        self.record(&event)
    }

    fn record(&mut self, message: &[u8]) -> Result<()> {
        let length = (message.len() as u64).to_le_bytes();
        let parts = [&length[..], &masked(&length), message, &masked(message)];
        let written = parts.into_iter().try_for_each(|part| self.file.write_all(part));
        written.map_err(|source| self.failed(source))
    }

    fn flush(&mut self) -> Result<()> {
        self.file.flush().map_err(|source| self.failed(source))
    }

    fn failed(&self, source: std::io::Error) -> Error {
        Error::File { path: self.path.display().to_string(), source }
    }
}

/// Seconds since 1970.
fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |time| time.as_secs_f64())
}

/// A field's number and how its value is written: 0 varint, 1 eight bytes, 2 length and bytes, 5 four bytes.
fn key(bytes: &mut Vec<u8>, field: u64, kind: u64) {
    varint(bytes, field << 3 | kind);
}

/// Seven bits a byte, the lowest first; the highest bit says that more follow.
fn varint(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

fn double(bytes: &mut Vec<u8>, field: u64, value: f64) {
    key(bytes, field, 1);
    bytes.extend(value.to_le_bytes());
}

/// A string, a message or packed numbers.
fn nested(bytes: &mut Vec<u8>, field: u64, value: &[u8]) {
    key(bytes, field, 2);
    varint(bytes, value.len() as u64);
    bytes.extend(value);
}

/// The checksum of a record's part: CRC-32C, turned and moved, as TensorFlow does so that checksums of checksums are no problem.
fn masked(bytes: &[u8]) -> [u8; 4] {
    crc32c(bytes).rotate_right(15).wrapping_add(0xa282_ead8).to_le_bytes()
}

/// CRC-32 with Castagnoli's polynomial.
fn crc32c(bytes: &[u8]) -> u32 {
    const TABLE: [u32; 256] = {
        let mut table = [0; 256];
        let mut i = 0;
        while i < 256 {
            let (mut crc, mut bit) = (i as u32, 0);
            while bit < 8 {
                crc = if crc & 1 == 1 { crc >> 1 ^ 0x82f6_3b78 } else { crc >> 1 };
                bit += 1;
            }
            table[i] = crc;
            i += 1;
        }
        table
    };
    !bytes.iter().fold(!0, |crc, byte| crc >> 8 ^ TABLE[usize::from(crc as u8 ^ byte)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_those_of_the_standard() {
        assert_eq!(crc32c(b"123456789"), 0xe306_9283); // RFC 3720 and every catalogue of CRCs
        assert_eq!(crc32c(&[0; 32]), 0x8a91_36aa); // RFC 3720, B.4
        // The checksum of a length of 24 bytes, as TensorFlow begins its files.
        assert_eq!(masked(&24_u64.to_le_bytes()), [0xa3, 0x7f, 0x4b, 0x22]);
    }

    #[test]
    fn numbers_are_written_as_protobuf_has_them() {
        let mut bytes = vec![];
        varint(&mut bytes, 300);
        assert_eq!(bytes, [0xac, 0x02]);
        bytes.clear();
        nested(&mut bytes, 2, b"testing");
        assert_eq!(bytes, *b"\x12\x07testing");
    }

    #[test]
    fn histograms_count_every_finite_value() {
        let histogram = Histogram::of(&[1.0, 2.0, 3.0, f32::NAN, f32::INFINITY]);
        assert_eq!(
            (histogram.min, histogram.max, histogram.count, histogram.sum, histogram.squares),
            (1.0, 3.0, 3.0, 6.0, 14.0)
        );
        assert_eq!(histogram.buckets.iter().map(|b| b.1).sum::<f64>(), 3.0);
        assert_eq!(Histogram::of(&[0.5; 4]).buckets, [(0.5, 4.0)]);
        assert_eq!(Histogram::of(&[]).buckets, [(0.0, 0.0)]);
    }
}
