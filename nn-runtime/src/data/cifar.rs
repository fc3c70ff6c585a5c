//! The binary files of CIFAR-10 and CIFAR-100: one record for each image, with one or two labels and 32 x 32 pixels in red, then
//! green, then blue.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::file::Bytes;
use super::labelled::Labelled;
use super::records::{RecordFile, Records};
use super::samples::Samples;
use super::source::{Kind, wrong};
use crate::error::{Error, Result};

/// Bytes of an image.
const PIXELS: usize = 3 * 32 * 32;

/// Which labels of CIFAR-100.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Labels {
    /// 100 classes, such as `bee`.
    Fine,
    /// 20 superclasses, such as `insects`.
    Coarse,
}

/// One label of a record.
struct Label {
    /// Its place among the record's labels, and how many there are.
    number: u64,
    of: u64,
    classes: usize,
    /// The file with the classes' names.
    names: &'static str,
}

const CIFAR10: Label = Label { number: 0, of: 1, classes: 10, names: "batches.meta.txt" };

impl From<Labels> for Label {
    fn from(labels: Labels) -> Self {
        match labels {
            Labels::Coarse => Label { number: 0, of: 2, classes: 20, names: "coarse_label_names.txt" },
            Labels::Fine => Label { number: 1, of: 2, classes: 100, names: "fine_label_names.txt" },
        }
    }
}

/// CIFAR-10's training set: `data_batch_1.bin` to `data_batch_5.bin` in this folder. Images have the shape `[3, 32, 32]`.
///
/// # Errors
/// If a file is missing, is empty, or is not made of whole records with labels below 10.
pub fn cifar10_train(folder: impl AsRef<Path>) -> Result<Labelled> {
    let names: Vec<String> = (1..=5).map(|i| format!("data_batch_{i}.bin")).collect();
    cifar10_files(&in_folder(folder.as_ref(), &names)?)
}

/// CIFAR-10's test set: `test_batch.bin` in this folder.
///
/// # Errors
/// As [`cifar10_train`].
pub fn cifar10_test(folder: impl AsRef<Path>) -> Result<Labelled> {
    cifar10_files(&in_folder(folder.as_ref(), &["test_batch.bin"])?)
}

/// Files of CIFAR-10's format, one after another, gzipped or not.
///
/// # Errors
/// As [`cifar10_train`].
pub fn cifar10_files(files: &[impl AsRef<Path>]) -> Result<Labelled> {
    read(files, &CIFAR10)
}

/// CIFAR-100's training set: `train.bin` in this folder. Images have the shape `[3, 32, 32]`.
///
/// # Errors
/// If the file is missing, is empty, or is not made of whole records with labels below 20 and 100.
pub fn cifar100_train(folder: impl AsRef<Path>, labels: Labels) -> Result<Labelled> {
    cifar100_files(&in_folder(folder.as_ref(), &["train.bin"])?, labels)
}

/// CIFAR-100's test set: `test.bin` in this folder.
///
/// # Errors
/// As [`cifar100_train`].
pub fn cifar100_test(folder: impl AsRef<Path>, labels: Labels) -> Result<Labelled> {
    cifar100_files(&in_folder(folder.as_ref(), &["test.bin"])?, labels)
}

/// Files of CIFAR-100's format, one after another, gzipped or not.
///
/// # Errors
/// As [`cifar100_train`].
pub fn cifar100_files(files: &[impl AsRef<Path>], labels: Labels) -> Result<Labelled> {
    read(files, &labels.into())
}

/// Files of a folder, which must be there.
fn in_folder(folder: &Path, names: &[impl AsRef<str>]) -> Result<Vec<PathBuf>> {
    let path = |name: &str| match folder.join(name) {
        path if path.is_file() => Ok(path),
        _ => {
            let expected = format!("a file `{name}` of CIFAR's binary version, unpacked");
            Err(wrong(folder.display().to_string(), expected, "none"))
        }
    };
    names.iter().map(|name| path(name.as_ref())).collect()
}

fn read(files: &[impl AsRef<Path>], label: &Label) -> Result<Labelled> {
    let Some(first) = files.first() else {
        return Err(Error::Data("no CIFAR files: expected at least one".into()));
    };
    let classes = names(first.as_ref(), label);
    let files = Arc::new(files.iter().map(|path| open(path.as_ref(), label)).collect::<Result<Vec<_>>>()?);
    let size = label.of + PIXELS as u64;
    let part = |at, dims, kind| Samples::new(Records { files: Arc::clone(&files), size, at, dims, kind });
    let images = part(label.of, vec![3, 32, 32], Kind::Numbers);
    Labelled::new(images, part(label.number, vec![], Kind::Classes(label.classes)), classes)
}

/// A file whose size and labels are right.
fn open(path: &Path, label: &Label) -> Result<RecordFile> {
    let bytes = Bytes::open(path)?;
    let size = label.of + PIXELS as u64;
    if bytes.len() == 0 {
        return Err(wrong(bytes.name(), format!("at least one record of {size} bytes"), "an empty file"));
    }
    let (records, rest) = (bytes.len() / size, bytes.len() % size);
    if rest > 0 {
        // A label more or less in each record is the other data set.
        let other = 3 - label.of;
        let hint = match bytes.len().is_multiple_of(other + PIXELS as u64) {
            true => format!(" (are these records of CIFAR-{}?)", if other == 1 { 10 } else { 100 }),
            false => String::new(),
        };
        let place = format!("{}, truncated in record {records}", bytes.name());
        return Err(wrong(place, format!("{size} bytes"), format!("{rest}{hint}")));
    }
    bytes.whole()?;
    for record in 0..records {
        let mut labels = [0; 2];
        let labels = &mut labels[..label.of as usize];
        bytes.read_at(record * size, labels)?;
        let found = labels[label.number as usize];
        if usize::from(found) >= label.classes {
            let place = format!("{}, record {record}", bytes.name());
            return Err(wrong(place, format!("a class from 0 to {}", label.classes - 1), found));
        }
    }
    Ok(RecordFile { bytes, header: 0, records: records as usize })
}

/// The classes' names, if their file lies beside the data and has as many.
fn names(path: &Path, label: &Label) -> Vec<String> {
    let text = std::fs::read_to_string(path.with_file_name(label.names)).unwrap_or_default();
    let names: Vec<String> = text.lines().map(str::trim).filter(|l| !l.is_empty()).map(str::to_owned).collect();
    if names.len() == label.classes { names } else { vec![] }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::testing::{Folder, gzip, says};

    /// Records whose pixels count from their label.
    fn records(labels: &[&[u8]]) -> Vec<u8> {
        let record =
            |labels: &&[u8]| [labels.to_vec(), (0..PIXELS).map(|i| (i / 12) as u8 ^ labels[0]).collect()].concat();
        labels.iter().flat_map(record).collect()
    }

    #[test]
    fn several_files_are_one_set() {
        let folder = Folder::new("cifar10");
        for i in 1..=5 {
            folder.write(&format!("data_batch_{i}.bin"), &records(&[&[i], &[i + 1]]));
        }
        folder.write("batches.meta.txt", b"airplane\nautomobile\nbird\ncat\ndeer\ndog\nfrog\nhorse\nship\ntruck\n\n");
        let set = cifar10_train(folder.path()).unwrap();
        assert_eq!((set.len(), set.images.dims(), set.labels.kind()), (10, &[3, 32, 32][..], Kind::Classes(10)));
        assert_eq!(set.classes[9], "truck");
        assert_eq!(set.labels.read_all().unwrap(), [1., 2., 2., 3., 3., 4., 4., 5., 5., 6.]);
        assert_eq!(set.images.read(9).unwrap()[24], 4.0 / 255.0, "pixel 24 of label 6: 2 ^ 6");
        assert_eq!(set.images.place(9), format!("{}, record 1", folder.path().join("data_batch_5.bin").display()));
        let words = "expected a file `test_batch.bin` of CIFAR's binary version, unpacked, found none";
        says(cifar10_test(folder.path()), &[folder.path().to_str().unwrap(), words]);
    }

    #[test]
    fn both_labels_of_cifar100_are_read() {
        let folder = Folder::new("cifar100");
        folder.write("train.bin", &gzip(&records(&[&[19, 99], &[0, 1]])));
        let fine = cifar100_train(folder.path(), Labels::Fine).unwrap();
        let coarse = cifar100_train(folder.path(), Labels::Coarse).unwrap();
        assert_eq!((fine.labels.read_all().unwrap(), fine.labels.kind()), (vec![99.0, 1.0], Kind::Classes(100)));
        assert_eq!((coarse.labels.read_all().unwrap(), coarse.labels.kind()), (vec![19.0, 0.0], Kind::Classes(20)));
        assert_eq!(fine.images.read(0).unwrap(), coarse.images.read(0).unwrap());
        assert_eq!(fine.images.read(0).unwrap()[0], 19.0 / 255.0);
        assert!(fine.classes.is_empty());
    }

    #[test]
    fn damage_is_refused_with_file_and_record() {
        let folder = Folder::new("cifar-damage");
        let open = |name: &str, bytes: &[u8]| cifar10_files(&[folder.write(name, bytes)]);
        says(open("empty", &[]), &["empty: expected at least one record of 3073 bytes"]);
        says(
            open("cut", &records(&[&[1], &[2]])[..5000]),
            &["cut, truncated in record 1: expected 3073 bytes, found 1927"],
        );
        says(open("label", &records(&[&[1], &[10]])), &["label, record 1: expected a class from 0 to 9, found 10"]);
        // Files of CIFAR-100 are no files of CIFAR-10.
        says(
            open("other", &records(&[&[1, 2], &[3, 4]])),
            &["truncated in record 2: expected 3073 bytes, found 2 (are these records of CIFAR-100?)"],
        );
        let packed = gzip(&records(&[&[1], &[2]]));
        says(open("packed", &packed[..packed.len() - 4]), &["a whole compressed file"]);
        let path = folder.write("fine", &records(&[&[1, 2], &[3, 100]]));
        says(cifar100_files(&[&path], Labels::Fine), &["record 1: expected a class from 0 to 99, found 100"]);
        says(cifar10_files(&[] as &[&Path]), &["at least one"]);
    }
}
