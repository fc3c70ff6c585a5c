//! Weights: saved, loaded, and refused.

use std::path::PathBuf;

use nn::{Device, Fit};
use nn_tests::networks::{Branches, Digits, Plain};
use nn_tests::{data, on_each_device};
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};

/// A file that goes away with the test.
struct Temporary(PathBuf);

impl Temporary {
    fn new(name: &str) -> Self {
        let thread = format!("{:?}", std::thread::current().id());
        let thread: String = thread.chars().filter(char::is_ascii_digit).collect();
        Temporary(std::env::temp_dir().join(format!("nn-tests-{}-{thread}-{name}", std::process::id())))
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn bits(net: &Plain) -> Vec<(String, Vec<u32>)> {
    net.parameters()
        .map(|p| (p.name.to_owned(), net.parameter(p.name).unwrap().iter().map(|v| v.to_bits()).collect()))
        .collect()
}

/// A safetensors file of f32 tensors.
fn file(tensors: &[(&str, &[usize], &[f32])]) -> Vec<u8> {
    let bytes: Vec<Vec<u8>> = tensors.iter().map(|t| t.2.iter().flat_map(|v| v.to_le_bytes()).collect()).collect();
    let views = tensors.iter().zip(&bytes).map(|(t, b)| (t.0, TensorView::new(Dtype::F32, t.1.to_vec(), b).unwrap()));
    safetensors::serialize(views, None).unwrap()
}

on_each_device! {
    fn what_is_saved_is_loaded(device) {
        let path = Temporary::new("round-trip.safetensors");
        let train = data::plain(40, 1).unwrap();
        let mut a = Plain::new(device, 1).unwrap();
        a.fit(&train, Fit::default().epochs(2).batch_size(8).quiet()).unwrap();
        a.save(&path.0).unwrap();
        let mut b = Plain::new(device, 2).unwrap();
        assert_ne!(bits(&a), bits(&b));
        b.load(&path.0).unwrap();
        assert_eq!(bits(&a), bits(&b));
        assert_eq!(a.predict(train.x()).unwrap(), b.predict(train.x()).unwrap());
        let mut bytes = vec![];
        a.save_to(&mut bytes).unwrap();
        let mut c = Plain::new(device, 3).unwrap();
        c.load_bytes(&bytes).unwrap();
        assert_eq!(bits(&a), bits(&c));
        let mut d = Plain::new(device, 4).unwrap();
        d.load_from(&bytes[..]).unwrap();
        assert_eq!(bits(&a), bits(&d));
    }

    fn a_wrong_file_is_refused_and_changes_nothing(device) {
        let mut source = Plain::new(device, 1).unwrap();
        source.train_batch(&data::plain(8, 1).unwrap()).unwrap();
        let mut good = vec![];
        source.save_to(&mut good).unwrap();
        let mut net = Plain::new(device, 2).unwrap();
        let before = bits(&net);
        // Cut anywhere, it is no longer a file of weights.
        for len in [0, 1, 7, 8, 9, 60, good.len() / 2, good.len() - 4, good.len() - 1] {
            let error = net.load_bytes(&good[..len]).expect_err("a truncated file").to_string();
            assert!(!error.is_empty());
            assert_eq!(bits(&net), before, "after {len} bytes");
        }
        assert!(net.load_bytes(b"not a file of weights at all").is_err());
        assert!(net.load_bytes(&[0xff; 64]).is_err(), "an absurd length of the header");

        // A tensor of another shape, the transposed one, a missing one: each with its name and both shapes.
        let (w, b) = ([0.1f32; 40], [0.1f32; 8]);
        let (v, c) = ([0.2f32; 24], [0.2f32; 3]);
        let rest: [(&str, &[usize], &[f32]); 3] =
            [("h.dense.bias", &[8], &b), ("p.dense.weight", &[3, 8], &v), ("p.dense.bias", &[3], &c)];
        let with = |t| file(&[&[t][..], &rest[..]].concat());
        let error = net.load_bytes(&with(("h.dense.weight", &[5, 8], &w))).unwrap_err().to_string();
        for part in ["h.dense.weight", "[5, 8]", "[8, 5]"] {
            assert!(error.contains(part), "`{part}` is missing in: {error}");
        }
        let error = net.load_bytes(&file(&rest)).unwrap_err().to_string();
        assert!(error.contains("h.dense.weight"), "{error}");
        assert_eq!(bits(&net), before);
        // The same names and shapes, written by somebody else (PyTorch): welcome.
        net.load_bytes(&with(("h.dense.weight", &[8, 5], &w))).unwrap();
        assert_eq!(net.parameter("h.dense.weight").unwrap(), w);

        let missing = Temporary::new("missing.safetensors");
        let error = net.load(&missing.0).unwrap_err().to_string();
        assert!(error.contains("missing.safetensors"), "{error}");
    }

    fn another_network_refuses_the_weights(device) {
        let mut bytes = vec![];
        Plain::new(device, 1).unwrap().save_to(&mut bytes).unwrap();
        assert!(Digits::new(device, 1).unwrap().load_bytes(&bytes).is_err());
        assert!(Branches::new(device, 1).unwrap().load_bytes(&bytes).is_err());
    }

    fn parameters_are_readable_and_writable_by_name(device) {
        let mut net = Plain::new(device, 1).unwrap();
        let listed: Vec<(String, Vec<usize>)> = net.parameters().map(|p| (p.name.to_owned(), p.dims.to_vec())).collect();
        let expected = [
            ("h.dense.weight", vec![8, 5]),
            ("h.dense.bias", vec![8]),
            ("p.dense.weight", vec![3, 8]),
            ("p.dense.bias", vec![3]),
        ];
        assert_eq!(listed, expected.map(|(n, d)| (n.to_owned(), d)));
        assert_eq!(listed.iter().map(|(_, d)| d.iter().product::<usize>()).sum::<usize>(), Plain::PARAMETERS);
        let before = bits(&net);
        net.set_parameter("p.dense.bias", &[1.0, 2.0, 3.0]).unwrap();
        assert_eq!(net.parameter("p.dense.bias").unwrap(), [1.0, 2.0, 3.0]);
        for (name, old) in before.iter().filter(|(n, _)| n != "p.dense.bias") {
            let now: Vec<u32> = net.parameter(name).unwrap().iter().map(|v| v.to_bits()).collect();
            assert_eq!(now, *old, "{name}");
        }
    }
}

#[test]
fn a_saved_file_is_plain_safetensors() {
    let net = Plain::new(&Device::cpu(), 1).unwrap();
    let mut bytes = vec![];
    net.save_to(&mut bytes).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    for p in net.parameters() {
        let t = file.tensor(p.name).unwrap();
        assert_eq!((t.dtype(), t.shape()), (Dtype::F32, p.dims));
        let values: Vec<f32> = t.data().as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect();
        assert_eq!(values, net.parameter(p.name).unwrap());
    }
    assert_eq!(file.len(), 4, "and nothing else");
    let (_, metadata) = SafeTensors::read_metadata(&bytes).unwrap();
    assert!(metadata.metadata().is_some(), "a hash of the architecture goes with it");
}

#[test]
fn weights_move_between_devices() {
    let Some(gpu) = nn_tests::gpu() else { return };
    let mut a = Plain::new(gpu, 1).unwrap();
    a.train_batch(&data::plain(8, 1).unwrap()).unwrap();
    let mut bytes = vec![];
    a.save_to(&mut bytes).unwrap();
    let mut b = Plain::new(&Device::cpu(), 2).unwrap();
    b.load_bytes(&bytes).unwrap();
    assert_eq!(bits(&a), bits(&b));
}
