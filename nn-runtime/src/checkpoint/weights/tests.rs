use std::borrow::Cow;

use safetensors::tensor::View;

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

fn to_bytes(values: &[f32]) -> Vec<u8> {
    let mut bytes = Vec::new();
    contents(&PROGRAM, values).write_to(&mut bytes).unwrap();
    bytes
}

fn from_bytes(program: &Program, bytes: &[u8], source: &str) -> Result<Vec<f32>> {
    let mut values = vec![0.0; program.parameter_floats];
    load(program, bytes, source, &Load::strict(), &mut values).map(|_| values)
}

fn error(bytes: &[u8]) -> String {
    from_bytes(&PROGRAM, bytes, "net.safetensors").unwrap_err().to_string()
}

#[test]
fn what_was_saved_comes_back() {
    let bytes = to_bytes(&values());
    let loaded = from_bytes(&PROGRAM, &bytes, "").unwrap();
    for parameter in PROGRAM.parameters {
        assert_eq!(slice(parameter, &loaded), slice(parameter, &values()));
    }
    assert_eq!(bytes, to_bytes(&values()), "the same weights are the same bytes");
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

/// A file with the test network's tensors, all numbers of this type and these bytes.
fn of_type(dtype: &str, number: &[u8]) -> Vec<u8> {
    let (weight, bias) = (6 * number.len(), 2 * number.len());
    let end = weight + bias;
    let header = format!(
        r#"{{"dense.weight":{{"dtype":"{dtype}","shape":[2,3],"data_offsets":[0,{weight}]}},"dense.bias":{{"dtype":"{dtype}","shape":[2],"data_offsets":[{weight},{end}]}}}}"#
    );
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &number.repeat(8)].concat()
}

#[test]
fn other_floats_are_converted_and_integers_refused() {
    let third = 1.0 / 3.0;
    let cases: [(&str, Vec<u8>, f32); 3] = [
        ("F16", 0x3555_u16.to_le_bytes().to_vec(), 0.333_251_95),
        ("BF16", 0x3eab_u16.to_le_bytes().to_vec(), 0.333_984_38),
        ("F64", f64::to_le_bytes(third).to_vec(), third as f32),
    ];
    for (dtype, number, expected) in cases {
        let values = from_bytes(&PROGRAM, &of_type(dtype, &number), "").unwrap();
        assert!(PROGRAM.parameters.iter().all(|p| slice(p, &values).iter().all(|&v| v == expected)), "{dtype}");
    }
    let message = error(&of_type("I32", &[0; 4]));
    assert!(message.contains("`dense.weight` [2, 3]: expected F32, F16, BF16 or F64, found I32"), "{message}");
    assert!(message.contains("`dense.bias` [2]: expected"), "and all of them: {message}");
}

#[test]
fn every_truncation_is_an_error_that_says_so() {
    let bytes = to_bytes(&values());
    for end in 0..bytes.len() {
        let error = error(&bytes[..end]);
        assert!(error.contains("truncated") || error.contains("damaged"), "{end}: {error}");
    }
    let cut = error(&bytes[..bytes.len() - 1]);
    assert!(cut.contains("`dense.weight`: expected shape [2, 3] in bytes"), "{cut}");
}

#[test]
fn mangled_files_are_never_a_panic() {
    let bytes = to_bytes(&values());
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
fn a_partial_load_takes_what_fits_and_reports_the_rest() {
    let bytes = file(&[("stem.fc.weight", &[2, 3]), ("stem.other", &[7])], None);
    let mut values = values();
    let before = values.clone();
    let partial = Load::partial().rename("stem.fc", "dense");
    let loaded = load(&PROGRAM, &bytes, "", &partial, &mut values).unwrap();
    assert_eq!(loaded.to_string(), "1 tensor loaded; not in the file: dense.bias; not in the network: stem.other");
    assert_eq!(slice(&PROGRAM.parameters[0], &values), [0.0; 6]);
    assert_eq!(slice(&PROGRAM.parameters[1], &values), slice(&PROGRAM.parameters[1], &before));
}

#[test]
fn what_a_renaming_load_cannot_do_is_listed_at_once() {
    let bytes = file(&[("fc.weight", &[3, 2]), ("fc.bias", &[2]), ("bias", &[2]), ("extra", &[1])], None);
    let choice = Load::strict().rename("fc", "dense").rename("bias", "dense.bias").rename("typo", "dense");
    let error = load(&PROGRAM, &bytes, "their.safetensors", &choice, &mut values()).unwrap_err().to_string();
    assert_eq!(
        error,
        "their.safetensors does not fit `Test`:\
         \n  rename(\"typo\"): the file has no tensor of this name or below this path\
         \n  `bias` and `fc.bias` of the file would both be `dense.bias`\
         \n  `dense.weight`: expected shape [2, 3], found [3, 2] (`fc.weight` in the file)\
         \n  `extra`: the file has it with shape [1], the network does not"
    );
    let error = load(&PROGRAM, &bytes, "", &Load::partial(), &mut values()).unwrap_err().to_string();
    assert!(error.contains("no tensor of the file is one of the network: the file has `bias`"), "{error}");
    // Partial or not, another shape is a mistake until it is skipped.
    let head = Load::partial().rename("fc", "dense");
    assert!(load(&PROGRAM, &bytes, "", &head, &mut values()).is_err());
    let loaded = load(&PROGRAM, &bytes, "", &head.skip("dense.weight"), &mut values()).unwrap();
    assert_eq!(loaded.loaded, ["dense.bias"]);
    assert_eq!(loaded.unexpected, ["bias", "extra", "fc.weight"]);
}
