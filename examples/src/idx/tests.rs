use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::*;

/// A folder of its own for a test, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str) -> Self {
        let path = std::env::temp_dir().join(format!("nn-idx-{test}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn header(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_be_bytes()).collect()
}

fn images(count: u32) -> Vec<u8> {
    let mut bytes = header(&[0x803, count, 28, 28]);
    bytes.extend((0..count as usize * PIXELS).map(|i| (i % 256) as u8));
    bytes
}

fn labels(values: &[u8]) -> Vec<u8> {
    let mut bytes = header(&[0x801, values.len() as u32]);
    bytes.extend(values);
    bytes
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn plain_and_gzipped_files_read_alike() {
    let plain = Folder::new("plain");
    plain.write("train-images-idx3-ubyte", &images(3));
    plain.write("train-labels-idx1-ubyte", &labels(&[7, 0, 9]));
    let packed = Folder::new("packed");
    packed.write("train-images-idx3-ubyte.gz", &gzip(&images(3)));
    packed.write("train-labels-idx1-ubyte.gz", &gzip(&labels(&[7, 0, 9])));

    let digits = read_train(&plain.0).unwrap();
    assert_eq!(digits, read_train(&packed.0).unwrap());
    assert_eq!(digits.labels, [7, 0, 9]);
    assert_eq!(digits.images[0][255], 1.0);
    assert_eq!(digits.images[1][0], (PIXELS % 256) as f32 / 255.0);
}

#[test]
fn what_is_gzipped_shows_in_the_bytes_not_in_the_name() {
    let folder = Folder::new("names");
    assert_eq!(read_labels(&folder.write("a", &gzip(&labels(&[1])))).unwrap(), [1]);
    assert_eq!(read_labels(&folder.write("b.gz", &labels(&[2]))).unwrap(), [2]);
}

#[test]
fn a_missing_file_is_named_with_its_folder() {
    let folder = Folder::new("missing");
    let message = read_test(&folder.0).unwrap_err().to_string();
    assert!(message.contains(folder.0.to_str().unwrap()), "{message}");
    assert!(message.contains("`t10k-images-idx3-ubyte.gz`"), "{message}");
}

/// Every damaged file, and what its error must say beside the file's name.
#[test]
fn damage_is_refused_with_what_was_expected_and_found() {
    let folder = Folder::new("damage");
    let huge = header(&[0x803, u32::MAX, 28, 28]);
    let packed = gzip(&images(3));
    let cases: [(&str, Vec<u8>, &[&str]); 11] = [
        ("magic", labels(&[1; 40]), &["0x00000803", "0x00000801", "images"]),
        ("dims", header(&[0x803, 1, 32, 28]), &["28 x 28", "32 x 28"]),
        ("empty-file", vec![], &["the header", "16", "0"]),
        ("header", images(1)[..10].to_vec(), &["the header", "16", "10"]),
        ("none", header(&[0x803, 0, 28, 28]), &["at least one record"]),
        ("truncated", images(3)[..16 + 784 + 10].to_vec(), &["record 1 of 3", "2368", "810"]),
        ("too-long", [images(2), vec![0]].concat(), &["1584", "2 records"]),
        ("huge", huge, &["record 0 of 4294967295", "3367254359296", "16"]),
        ("gzip-header", packed[..12].to_vec(), &["the header", "expected 16"]),
        ("gzip-middle", packed[..packed.len() / 2].to_vec(), &["truncated in record", "expected 2368"]),
        ("gzip-end", packed[..packed.len() - 4].to_vec(), &[]),
    ];
    for (name, bytes, words) in cases {
        let path = folder.write(name, &bytes);
        let message = read_images(&path).expect_err(name).to_string();
        assert!(message.starts_with(path.to_str().unwrap()), "{name}: {message}");
        for word in words {
            assert!(message.contains(word), "{name}: `{word}` is not in: {message}");
        }
    }
}

#[test]
fn a_label_out_of_range_is_named_with_its_record() {
    let folder = Folder::new("label");
    let path = folder.write("labels", &labels(&[3, 9, 10, 255]));
    let message = read_labels(&path).unwrap_err().to_string();
    assert!(message.contains("record 2") && message.contains("found 10"), "{message}");
}

#[test]
fn a_different_number_of_labels_names_both_files() {
    let folder = Folder::new("count");
    folder.write("t10k-images-idx3-ubyte", &images(3));
    folder.write("t10k-labels-idx1-ubyte", &labels(&[1, 2]));
    let message = read_test(&folder.0).unwrap_err().to_string();
    for word in ["t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte", "expected 3", "found 2"] {
        assert!(message.contains(word), "`{word}` is not in: {message}");
    }
}

#[test]
fn a_folder_in_the_place_of_a_file_is_an_error() {
    let folder = Folder::new("folder");
    std::fs::create_dir(folder.0.join("t10k-images-idx3-ubyte")).unwrap();
    folder.write("t10k-labels-idx1-ubyte", &labels(&[1, 2]));
    assert!(matches!(read_test(&folder.0), Err(IdxError::Read { .. })));
}
