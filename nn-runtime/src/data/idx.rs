//! The IDX files that MNIST and its relatives come in, gzipped or not.
//!
//! A file is one big-endian header (a magic number, then one count for each dimension) and one byte for each element.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::file::Bytes;
use super::labelled::Labelled;
use super::records::{RecordFile, Records};
use super::samples::Samples;
use super::source::{Kind, wrong};
use crate::error::Result;

/// The training set in a folder with MNIST's standard names: `train-images-idx3-ubyte` and `train-labels-idx1-ubyte`, each
/// with or without `.gz`.
///
/// # Errors
/// If a file is missing, damaged or empty, or if there are not as many labels as images.
pub fn train(folder: impl AsRef<Path>) -> Result<Labelled> {
    pair(folder.as_ref(), "train-images-idx3-ubyte", "train-labels-idx1-ubyte")
}

/// The test set in a folder with MNIST's standard names: `t10k-images-idx3-ubyte` and `t10k-labels-idx1-ubyte`, each with
/// or without `.gz`.
///
/// # Errors
/// If a file is missing, damaged or empty, or if there are not as many labels as images.
pub fn test(folder: impl AsRef<Path>) -> Result<Labelled> {
    pair(folder.as_ref(), "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
}

/// Images of shape `[height, width]`, from 0 to 1.
///
/// # Errors
/// If the file cannot be read, or is no whole file of images with at least one of them.
pub fn images(path: impl AsRef<Path>) -> Result<Samples> {
    let bytes = Bytes::open(path.as_ref())?;
    // Unsigned bytes (0x08) in three dimensions.
    let [count, height, width] = header(&bytes, "images", 0x0803)?;
    let (height, width) = (height as usize, width as usize);
    if height == 0 || width == 0 {
        return Err(wrong(bytes.name(), "images of at least one pixel", format!("{height} x {width}")));
    }
    records(bytes, 16, count, vec![height, width], Kind::Numbers)
}

/// Classes, from 0; how many there are is what the network declares.
///
/// # Errors
/// If the file cannot be read, or is no whole file of labels with at least one of them.
pub fn labels(path: impl AsRef<Path>) -> Result<Samples> {
    let bytes = Bytes::open(path.as_ref())?;
    // Unsigned bytes (0x08) in one dimension.
    let [count] = header(&bytes, "labels", 0x0801)?;
    records(bytes, 8, count, vec![], Kind::AnyClasses)
}

fn pair(folder: &Path, image_name: &str, label_name: &str) -> Result<Labelled> {
    let (image_file, label_file) = (find(folder, image_name)?, find(folder, label_name)?);
    Labelled::new(images(image_file)?, labels(label_file)?, vec![])
}

/// The plain file if it is there, else the gzipped one.
fn find(folder: &Path, name: &str) -> Result<PathBuf> {
    let paths = [folder.join(name), folder.join(format!("{name}.gz"))];
    paths
        .into_iter()
        .find(|path| path.exists())
        .ok_or_else(|| wrong(folder.display(), format!("a file `{name}` or `{name}.gz`"), "neither"))
}

/// Checks the magic number, and gives the dimensions behind it; the first counts the records.
fn header<const N: usize>(bytes: &Bytes, kind: &str, magic: u32) -> Result<[u32; N]> {
    let word = |at: usize| {
        let mut word = [0; 4];
        bytes.read_at(4 * at as u64, &mut word).map(|()| u32::from_be_bytes(word))
    };
    let size = 4 * (N as u64 + 1);
    if bytes.len() >= 4 && word(0)? != magic {
        let expected = format!("the magic number 0x{magic:08x} ({kind})");
        return Err(wrong(bytes.name(), expected, format!("0x{:08x}", word(0)?)));
    }
    if bytes.len() < size {
        let place = format!("{}, truncated in the header", bytes.name());
        return Err(wrong(place, format!("{size} bytes"), bytes.len()));
    }
    let mut dims = [0; N];
    for (i, dim) in dims.iter_mut().enumerate() {
        *dim = word(i + 1)?;
    }
    Ok(dims)
}

fn records(bytes: Bytes, header: u64, count: u32, dims: Vec<usize>, kind: Kind) -> Result<Samples> {
    if count == 0 {
        return Err(wrong(bytes.name(), "at least one record", "none"));
    }
    let size = dims.iter().map(|&dim| dim as u64).product();
    bytes.holds(header, u64::from(count), size)?;
    let files = Arc::new(vec![RecordFile { bytes, header, records: count as usize }]);
    Ok(Samples::new(Records { files, size, at: 0, dims, kind }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::testing::{Folder, gzip, says};
    use crate::program::Field;

    const PIXELS: usize = 28 * 28;
    const DIGIT: Field = Field { name: "digit", dims: &[], classes: Some(10) };

    fn words(words: &[u32]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_be_bytes()).collect()
    }

    fn image_bytes(count: u32) -> Vec<u8> {
        let mut bytes = words(&[0x803, count, 28, 28]);
        bytes.extend((0..count as usize * PIXELS).map(|i| (i % 256) as u8));
        bytes
    }

    fn label_bytes(values: &[u8]) -> Vec<u8> {
        [words(&[0x801, values.len() as u32]), values.to_vec()].concat()
    }

    #[test]
    fn plain_and_gzipped_files_read_alike() {
        let (plain, packed) = (Folder::new("plain"), Folder::new("packed"));
        plain.write("train-images-idx3-ubyte", &image_bytes(3));
        plain.write("train-labels-idx1-ubyte", &label_bytes(&[7, 0, 9]));
        packed.write("train-images-idx3-ubyte.gz", &gzip(&image_bytes(3)));
        packed.write("train-labels-idx1-ubyte.gz", &gzip(&label_bytes(&[7, 0, 9])));
        for folder in [plain, packed] {
            let digits = train(folder.path()).unwrap();
            assert_eq!((digits.len(), digits.images.dims()), (3, &[28, 28][..]));
            assert_eq!(digits.labels.read_all().unwrap(), [7.0, 0.0, 9.0]);
            assert_eq!(digits.images.read(0).unwrap()[255], 1.0);
            assert_eq!(digits.images.read(1).unwrap()[0], (PIXELS % 256) as f32 / 255.0);
            let (front, back) = digits.split_at(1);
            assert_eq!((front.len(), back.labels.read(0).unwrap()), (1, vec![0.0]));
        }
    }

    #[test]
    fn what_is_gzipped_shows_in_the_bytes_not_in_the_name() {
        let folder = Folder::new("names");
        assert_eq!(labels(folder.write("a", &gzip(&label_bytes(&[1])))).unwrap().read(0).unwrap(), [1.0]);
        assert_eq!(labels(folder.write("b.gz", &label_bytes(&[2]))).unwrap().read(0).unwrap(), [2.0]);
    }

    #[test]
    fn a_missing_file_is_named_with_its_folder() {
        let folder = Folder::new("missing");
        says(test(folder.path()), &[folder.path().to_str().unwrap(), "`t10k-images-idx3-ubyte.gz`"]);
        says(images(folder.path().join("nothing")), &["nothing: "]);
        says(images(folder.path()), &["expected a file, found a folder"]);
    }

    /// Every damaged file, and what its error must say beside the file's name.
    #[test]
    fn damage_is_refused_with_what_was_expected_and_found() {
        let folder = Folder::new("damage");
        let packed = gzip(&image_bytes(3));
        let cases: [(&str, Vec<u8>, &[&str]); 12] = [
            ("magic", label_bytes(&[1; 40]), &["0x00000803", "0x00000801", "images"]),
            ("dims", words(&[0x803, 1, 0, 28]), &["at least one pixel", "0 x 28"]),
            ("empty-file", vec![], &["the header", "expected 16", "found 0"]),
            ("header", image_bytes(1)[..10].to_vec(), &["the header", "expected 16", "found 10"]),
            ("none", words(&[0x803, 0, 28, 28]), &["at least one record"]),
            ("truncated", image_bytes(3)[..16 + 784 + 10].to_vec(), &["record 1 of 3", "2368", "810"]),
            ("too-long", [image_bytes(2), vec![0]].concat(), &["1584", "2 records", "found 1585"]),
            ("huge", words(&[0x803, u32::MAX, 28, 28]), &["record 0 of 4294967295", "3367254359296", "16"]),
            ("huger", words(&[0x803, u32::MAX, u32::MAX, u32::MAX]), &["record 0 of 4294967295"]),
            ("gzip-header", packed[..12].to_vec(), &["the header", "expected 16"]),
            ("gzip-middle", packed[..packed.len() / 2].to_vec(), &["truncated in record", "expected 2368"]),
            ("gzip-end", packed[..packed.len() - 4].to_vec(), &["a whole compressed file"]),
        ];
        for (name, bytes, words) in cases {
            let path = folder.write(name, &bytes);
            says(images(&path), &[words, &[path.to_str().unwrap()]].concat());
        }
    }

    #[test]
    fn a_label_out_of_range_is_named_with_its_record() {
        let folder = Folder::new("label");
        let path = folder.write("labels", &label_bytes(&[3, 9, 10, 255]));
        let expected = format!("{}, record 2: expected a class from 0 to 9 for `digit`, found 10", path.display());
        assert_eq!(labels(path).unwrap().fitted(&DIGIT).unwrap_err().to_string(), expected);
    }

    #[test]
    fn a_different_number_of_labels_names_both_files() {
        let folder = Folder::new("count");
        folder.write("t10k-images-idx3-ubyte", &image_bytes(3));
        folder.write("t10k-labels-idx1-ubyte", &label_bytes(&[1, 2]));
        says(test(folder.path()), &["t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte", "expected 3", "found 2"]);
    }
}
