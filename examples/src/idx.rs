//! Reads the IDX files that MNIST and its relatives come in, gzipped or not.
//!
//! A file is one big-endian header (a magic number, then one count for each dimension) and one byte for each element. It
//! is read whole or not at all: whatever is wrong is an error that names the file, what was expected and what was found.

use std::fs::File;
use std::io::{BufReader, ErrorKind, Read};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;

/// Pixels along one side of an image.
pub const SIDE: usize = 28;
/// Pixels of an image.
pub const PIXELS: usize = SIDE * SIDE;
/// Labels run from 0 to 9.
pub const CLASSES: usize = 10;

/// Unsigned bytes (0x08) in three dimensions.
const IMAGES_MAGIC: u32 = 0x0000_0803;
/// Unsigned bytes (0x08) in one dimension.
const LABELS_MAGIC: u32 = 0x0000_0801;
/// How every gzipped file begins.
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// Images, from 0.0 (paper) to 1.0 (ink), and what they show.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Digits {
    /// The images, row after row.
    pub images: Vec<[f32; PIXELS]>,
    /// The digit that each of them shows.
    pub labels: Vec<u32>,
}

/// Why a file could not be used.
#[derive(Debug, thiserror::Error)]
pub enum IdxError {
    /// Neither the plain nor the gzipped file is there.
    #[error("{}: no `{name}` and no `{name}.gz` in this folder", folder.display())]
    Missing {
        /// Where it was looked for.
        folder: PathBuf,
        /// The standard name.
        name: String,
    },
    /// The file cannot be opened, read or unpacked.
    #[error("{}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file begins with something else.
    #[error("{}: expected the magic number 0x{expected:08x} ({kind}), found 0x{found:08x}", path.display())]
    Magic {
        /// The file.
        path: PathBuf,
        /// What it should hold.
        kind: &'static str,
        /// What stands at the beginning of such files.
        expected: u32,
        /// What stands there.
        found: u32,
    },
    /// The images have another size.
    #[error("{}: expected images of {SIDE} x {SIDE} pixels, found {rows} x {columns}", path.display())]
    Dimensions {
        /// The file.
        path: PathBuf,
        /// Rows that the header declares.
        rows: u32,
        /// Columns that the header declares.
        columns: u32,
    },
    /// The file ends in the middle.
    #[error("{}: truncated in {place}: expected {expected} bytes, found {found}", path.display())]
    Truncated {
        /// The file.
        path: PathBuf,
        /// The header, or the number of the record.
        place: String,
        /// How long the file (unpacked) should be.
        expected: u64,
        /// How long it is.
        found: u64,
    },
    /// The file goes on after its last record.
    #[error("{}: expected {expected} bytes for {records} records, but the file goes on", path.display())]
    TooLong {
        /// The file.
        path: PathBuf,
        /// How many records the header declares.
        records: u32,
        /// How long the file (unpacked) should be.
        expected: u64,
    },
    /// The file has no records.
    #[error("{}: expected at least one record, found none", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// A label is no digit.
    #[error("{}: record {record}: expected a label from 0 to {}, found {found}", path.display(), CLASSES - 1)]
    Label {
        /// The file.
        path: PathBuf,
        /// The record, counted from 0.
        record: usize,
        /// What stands there.
        found: u8,
    },
    /// The two files do not belong together.
    #[error("{}: expected {images} labels, one for each image in {}, found {labels}", label_file.display(), image_file.display())]
    Count {
        /// The file of images.
        image_file: PathBuf,
        /// The file of labels.
        label_file: PathBuf,
        /// How many images there are.
        images: usize,
        /// How many labels there are.
        labels: usize,
    },
}

/// Reads the training set from a folder with MNIST's standard names.
pub fn read_train(folder: &Path) -> Result<Digits, IdxError> {
    read_pair(folder, "train-images-idx3-ubyte", "train-labels-idx1-ubyte")
}

/// Reads the test set from a folder with MNIST's standard names.
pub fn read_test(folder: &Path) -> Result<Digits, IdxError> {
    read_pair(folder, "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
}

fn read_pair(folder: &Path, image_name: &str, label_name: &str) -> Result<Digits, IdxError> {
    let image_file = find(folder, image_name)?;
    let label_file = find(folder, label_name)?;
    let images = read_images(&image_file)?;
    let labels = read_labels(&label_file)?;
    if images.len() != labels.len() {
        return Err(IdxError::Count { image_file, label_file, images: images.len(), labels: labels.len() });
    }
    Ok(Digits { images, labels })
}

/// The plain file if it is there, else the gzipped one.
fn find(folder: &Path, name: &str) -> Result<PathBuf, IdxError> {
    [folder.join(name), folder.join(format!("{name}.gz"))]
        .into_iter()
        .find(|path| path.exists())
        .ok_or_else(|| IdxError::Missing { folder: folder.to_owned(), name: name.to_owned() })
}

/// Reads a file of images.
pub fn read_images(path: &Path) -> Result<Vec<[f32; PIXELS]>, IdxError> {
    let mut reader = open(path)?;
    let [count, rows, columns] = read_header(path, &mut reader, "images", IMAGES_MAGIC)?;
    if (rows as usize, columns as usize) != (SIDE, SIDE) {
        return Err(IdxError::Dimensions { path: path.to_owned(), rows, columns });
    }
    let bytes = read_records(path, reader, count, PIXELS, 16)?;
    let (images, _) = bytes.as_chunks::<PIXELS>();
    Ok(images.iter().map(|image| image.map(|pixel| f32::from(pixel) / 255.0)).collect())
}

/// Reads a file of labels.
pub fn read_labels(path: &Path) -> Result<Vec<u32>, IdxError> {
    let mut reader = open(path)?;
    let [count] = read_header(path, &mut reader, "labels", LABELS_MAGIC)?;
    let bytes = read_records(path, reader, count, 1, 8)?;
    match bytes.iter().position(|&label| usize::from(label) >= CLASSES) {
        Some(record) => Err(IdxError::Label { path: path.to_owned(), record, found: bytes[record] }),
        None => Ok(bytes.into_iter().map(u32::from).collect()),
    }
}

/// Opens a file, and unpacks it when it begins as gzipped files do, whatever it is called.
fn open(path: &Path) -> Result<Box<dyn Read>, IdxError> {
    let error = |source| IdxError::Read { path: path.to_owned(), source };
    let mut file = BufReader::new(File::open(path).map_err(error)?);
    let mut start = [0; GZIP_MAGIC.len()];
    let found = fill(&mut file, &mut start).map_err(error)?;
    let whole = start.into_iter().take(found).collect::<Vec<_>>();
    let whole = std::io::Cursor::new(whole).chain(file);
    Ok(if start == GZIP_MAGIC { Box::new(MultiGzDecoder::new(whole)) } else { Box::new(whole) })
}

/// Reads until the buffer is full or the file ends; says how much there was.
fn fill(reader: &mut impl Read, buffer: &mut [u8]) -> std::io::Result<usize> {
    let mut found = 0;
    while found < buffer.len() {
        match reader.read(&mut buffer[found..]) {
            Ok(0) => break,
            Ok(n) => found += n,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            // A gzipped file that ends in the middle.
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => break,
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}

/// Reads the magic number, checks it, and gives the `N` dimensions behind it; the first counts the records.
fn read_header<const N: usize>(
    path: &Path,
    reader: &mut impl Read,
    kind: &'static str,
    expected: u32,
) -> Result<[u32; N], IdxError> {
    let mut bytes = vec![0; 4 * (N + 1)];
    let found = fill(reader, &mut bytes).map_err(|source| IdxError::Read { path: path.to_owned(), source })?;
    let word = |i: usize| u32::from_be_bytes([bytes[4 * i], bytes[4 * i + 1], bytes[4 * i + 2], bytes[4 * i + 3]]);
    if found >= 4 && word(0) != expected {
        return Err(IdxError::Magic { path: path.to_owned(), kind, expected, found: word(0) });
    }
    if found < bytes.len() {
        return Err(IdxError::Truncated {
            path: path.to_owned(),
            place: "the header".to_owned(),
            expected: bytes.len() as u64,
            found: found as u64,
        });
    }
    Ok(std::array::from_fn(|i| word(i + 1)))
}

/// Reads exactly `count` records of `size` bytes. Memory grows with what the file holds, not with what it promises.
fn read_records(path: &Path, reader: impl Read, count: u32, size: usize, header: u64) -> Result<Vec<u8>, IdxError> {
    let path = path.to_owned();
    if count == 0 {
        return Err(IdxError::Empty { path });
    }
    let expected = u64::from(count) * size as u64;
    let mut bytes = Vec::new();
    let result = reader.take(expected + 1).read_to_end(&mut bytes);
    let found = bytes.len() as u64;
    match result {
        // A gzipped file that ends in the middle is an error of its own; what was unpacked until there is in `bytes`.
        Err(source) if source.kind() != ErrorKind::UnexpectedEof || found >= expected => {
            Err(IdxError::Read { path, source })
        }
        _ if found < expected => Err(IdxError::Truncated {
            path,
            place: format!("record {} of {count}", bytes.len() / size),
            expected: header + expected,
            found: header + found,
        }),
        _ if found > expected => Err(IdxError::TooLong { path, records: count, expected: header + expected }),
        _ => Ok(bytes),
    }
}

#[cfg(test)]
mod tests;
