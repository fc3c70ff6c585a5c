//! Weights of other networks and of PyTorch: under other names, in other types, in part.

use nn::{Device, Load, network};
use safetensors::SafeTensors;

network! {
    /// The network of `make_state_dict.py`, with names of our own.
    network Torch {
        input image: [2, 4, 4];
        stem = image >> conv2d(4, kernel = 3, padding = 1) >> batch_norm >> relu >> flatten;
        head = stem >> dense(6) >> dense(3);
        output head = head;
    }

    /// The same stem, and a head for other classes.
    network Tuned {
        input image: [2, 4, 4];
        target label: class(5);
        stem = image >> conv2d(4, kernel = 3, padding = 1) >> batch_norm >> relu >> flatten;
        head = stem >> dense(5);
        output probability = softmax(head);
        loss cross_entropy(head, label);
        optimizer adam(learning_rate = 1e-2);
    }
}

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/whole/fixtures/state_dict.safetensors");

/// What the network of PyTorch saw, or what it predicted.
fn fixture(name: &str) -> Vec<f32> {
    let file = SafeTensors::deserialize(include_bytes!("fixtures/state_dict_predicted.safetensors")).unwrap();
    let bytes = file.tensor(name).unwrap().data().as_chunks().0;
    bytes.iter().map(|&b| f32::from_le_bytes(b)).collect()
}

fn stem(load: Load) -> Load {
    load.rename("features.0", "stem.conv2d").rename("features.1", "stem.batch_norm")
}

#[test]
fn a_state_dict_of_pytorch_predicts_what_it_did_there() {
    let mut net = Torch::new(&Device::cpu(), 1).unwrap();
    let load = stem(Load::strict()).rename("fc1", "head.dense").rename("fc2", "head.dense_1");
    let loaded = net.load_with(FILE, load).unwrap();
    assert_eq!(loaded.loaded.len(), net.parameters().len());
    assert!(loaded.missing.is_empty() && loaded.unexpected.is_empty(), "{loaded}");
    let images: Vec<[f32; 32]> = fixture("images").as_chunks().0.to_vec();
    let predicted = net.predict(&images).unwrap();
    let expected = fixture("predicted");
    assert_eq!(predicted.len() * 3, expected.len());
    for (ours, theirs) in predicted.as_flattened().iter().zip(&expected) {
        assert!((ours - theirs).abs() < 1e-5, "{ours} is not {theirs}");
    }
}

#[test]
fn a_part_of_it_is_taken_and_the_rest_reported() {
    let mut net = Tuned::new(&Device::cpu(), 1).unwrap();
    let head = net.parameter("head.dense.weight").unwrap();
    let loaded = net.load_with(FILE, stem(Load::partial())).unwrap();
    assert_eq!(
        loaded.to_string(),
        "6 tensors loaded; not in the file: head.dense.weight, head.dense.bias; \
         not in the network: fc1.bias, fc1.weight, fc2.bias, fc2.weight"
    );
    assert_eq!(net.parameter("head.dense.weight").unwrap(), head, "what is missing stays");
    assert_ne!(net.parameter("stem.batch_norm.running_mean").unwrap(), [0.0; 4]);
}

#[test]
fn everything_that_does_not_fit_is_listed_at_once_and_nothing_changes() {
    let mut net = Tuned::new(&Device::cpu(), 1).unwrap();
    let before = net.parameter("stem.conv2d.weight").unwrap();
    let error = net.load_with(FILE, stem(Load::strict()).rename("fc1", "head.dense")).unwrap_err().to_string();
    let problems = [
        "`head.dense.weight`: expected shape [5, 64], found [6, 64] (`fc1.weight` in the file)",
        "`head.dense.bias`: expected shape [5], found [6] (`fc1.bias` in the file)",
        "`fc2.bias`: the file has it with shape [3], the network does not",
        "`fc2.weight`: the file has it with shape [3, 6], the network does not",
    ];
    let expected = problems.map(|problem| format!("\n  {problem}")).concat();
    assert_eq!(error, format!("{FILE} does not fit `Tuned`:{expected}"));
    assert_eq!(net.parameter("stem.conv2d.weight").unwrap(), before);
    let load = stem(Load::strict()).rename("fc1", "head.dense").skip("head.dense").skip("fc2");
    let error = net.load_with(FILE, load).unwrap_err().to_string();
    assert!(error.contains("`head.dense.weight`: expected shape [5, 64], but the file does not have it"), "{error}");
}
