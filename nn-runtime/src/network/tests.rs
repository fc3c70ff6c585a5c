use super::*;
use crate::data::rows;
use crate::testing::{FIELDS, PROGRAM, data};

fn net(seed: u64) -> Net {
    Net::new(&Device::cpu(), &PROGRAM, seed).unwrap()
}

fn predict(net: &Net, x: &[[f32; 3]]) -> Vec<f32> {
    net.predict(&[rows::<f32, 3, [f32; 3], _>(x)]).unwrap().remove(0)
}

#[test]
fn the_seed_decides_about_the_first_weights() {
    let weight = |seed| net(seed).parameter("dense.weight").unwrap();
    assert_eq!(weight(1), weight(1));
    assert_ne!(weight(1), weight(2));
    assert_eq!(net(1).parameter("dense.bias").unwrap(), [0.0, 0.0]);
}

#[test]
fn parameters_are_read_and_written_by_name() {
    let mut net = net(0);
    let listed: Vec<ParameterInfo> = net.parameters().collect();
    assert_eq!(listed[0], ParameterInfo { name: "dense.weight", dims: &[2, 3] });
    assert_eq!(listed.len(), 2);
    net.set_parameter("dense.weight", &[1.0, 0.0, 0.0, 0.0, 2.0, 0.0]).unwrap();
    net.set_parameter("dense.bias", &[0.5, -0.5]).unwrap();
    assert_eq!(predict(&net, &[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]), [1.5, 3.5, 4.5, 9.5]);
    let error = net.set_parameter("dense.bias", &[0.0; 3]).unwrap_err().to_string();
    assert_eq!(error, "`dense.bias` of `Test` has shape [2], which is 2 numbers, but 3 were given");
    let error = net.parameter("dense.bais").unwrap_err().to_string();
    assert_eq!(error, "`Test` has no parameter `dense.bais`; it has `dense.weight`, `dense.bias`");
}

#[test]
fn a_network_predicts_from_many_threads() {
    fn shared<T: Send + Sync>(_: &T) {}
    let net = net(3);
    shared(&net);
    let x: Vec<[f32; 3]> = (0..1000).map(|i| [i as f32, 1.0, -0.5]).collect();
    let expected = predict(&net, &x);
    std::thread::scope(|scope| {
        let runs: Vec<_> = (0..4).map(|_| scope.spawn(|| predict(&net, &x))).collect();
        assert!(runs.into_iter().all(|run| run.join().unwrap() == expected));
    });
    assert_eq!(predict(&net, &[]), [] as [f32; 0]);
}

#[test]
fn a_step_is_gradient_descent() {
    let (mut net, data) = (net(5), data(7));
    let before = net.parameter("dense.weight").unwrap();
    let gradients = net.gradients(&data).unwrap();
    let report = net.train_batch(&data).unwrap();
    assert!((report.numbers[0] - f64::from(gradients.loss())).abs() < 1e-6);
    let slopes = gradients.parameter("dense.weight").unwrap();
    for ((b, g), a) in before.iter().zip(slopes).zip(net.parameter("dense.weight").unwrap()) {
        assert!((b - 0.1 * g - a).abs() < 1e-6);
    }
    assert_eq!(net.steps(), 1);
    assert!(net.train_batch(&data).unwrap().numbers[0] < report.numbers[0]);
}

#[test]
fn the_learning_rate_changes_the_next_step() {
    let (mut net, data) = (net(5), data(7));
    assert_eq!(net.learning_rate(), 0.1);
    net.set_learning_rate(0.0).unwrap();
    let before = net.parameter("dense.weight").unwrap();
    net.train_batch(&data).unwrap();
    assert_eq!(net.parameter("dense.weight").unwrap(), before);
    for wrong in [f32::NAN, -1.0, f32::INFINITY] {
        assert!(net.set_learning_rate(wrong).is_err());
    }
    assert_eq!(net.learning_rate(), 0.0);
}

#[test]
fn gradients_of_inputs_are_read_by_name() {
    let (net, data) = (net(5), data(3));
    let gradients = net.gradients(&data).unwrap();
    let slopes = gradients.input("x").unwrap();
    assert_eq!(slopes.len(), 9);
    // Central differences of the loss by one input number.
    let loss = |delta: f32| {
        let mut x = data.floats::<3, [f32; 3]>(0).to_vec();
        x[1][2] += delta;
        let y = data.floats::<2, [f32; 2]>(1);
        let moved = DataSet::new(FIELDS).with::<f32, 3, [f32; 3]>(x).unwrap().with::<f32, 2, [f32; 2]>(y).unwrap();
        net.evaluate(&moved).unwrap().numbers[0]
    };
    let slope = (loss(0.05) - loss(-0.05)) / 0.1;
    assert!((slope - f64::from(slopes[5])).abs() < 1e-3, "{slope} {}", slopes[5]);
    assert!(gradients.input("y").unwrap_err().to_string().contains("no gradient with respect to `y`"));
    assert!(gradients.input("z").unwrap_err().to_string().contains("it has `x`, `y`"));
    assert!(gradients.parameter("z").is_err());
}

#[test]
fn evaluation_is_exact_for_every_number_of_samples() {
    let net = net(2);
    for samples in [1, 255, 256, 257, 700] {
        let data = data(samples);
        let fitted = predict(&net, data.floats(0));
        let y = data.floats::<2, [f32; 2]>(1).as_flattened();
        let errors = fitted.iter().zip(y).map(|(a, b)| f64::from(a - b).abs());
        let expected = errors.sum::<f64>() / y.len() as f64;
        assert!((net.evaluate(&data).unwrap().numbers[1] - expected).abs() < 1e-6 * expected, "{samples}");
    }
}

#[test]
fn no_samples_are_an_error_where_a_mean_is_taken() {
    let mut net = net(0);
    let none = data(0);
    assert!(net.evaluate(&none).is_err());
    assert!(net.gradients(&none).is_err());
    assert!(net.train_batch(&none).is_err());
    assert_eq!(net.steps(), 0);
}

#[test]
fn a_network_without_training_says_so() {
    static FROZEN: Program = Program {
        train: None,
        evaluate: None,
        gradients: None,
        learning_rate: None,
        predict: crate::testing::PREDICT,
        ..crate::testing::NETWORK
    };
    let mut net = Net::new(&Device::cpu(), &FROZEN, 0).unwrap();
    assert_eq!(net.train_batch(&data(1)).unwrap_err().to_string(), "`Test` declares nothing to train");
    assert!(net.evaluate(&data(1)).is_err() && net.gradients(&data(1)).is_err());
    assert_eq!(predict(&net, &[[0.0; 3]]).len(), 2);
}

#[test]
fn weights_go_to_files_and_back() {
    let (mut trained, data) = (net(1), data(50));
    for _ in 0..20 {
        trained.train_batch(&data).unwrap();
    }
    let path = std::env::temp_dir().join(format!("nn-network-{}.safetensors", std::process::id()));
    trained.save(&path).unwrap();
    let mut bytes = Vec::new();
    trained.save_to(&mut bytes).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), bytes);

    let x = data.floats(0);
    let mut loaded = [net(2), net(3), net(4)];
    loaded[0].load(&path).unwrap();
    loaded[1].load_from(&mut &bytes[..]).unwrap();
    loaded[2].load_bytes(&bytes).unwrap();
    for net in loaded {
        assert_eq!(predict(&net, x), predict(&trained, x));
    }
    std::fs::remove_file(path).unwrap();
}

#[test]
fn a_refused_file_leaves_the_network_as_it_was() {
    let (mut net, data) = (net(1), data(20));
    net.train_batch(&data).unwrap();
    let mut bytes = Vec::new();
    net.save_to(&mut bytes).unwrap();
    net.train_batch(&data).unwrap();
    let before = predict(&net, data.floats(0));
    bytes.truncate(bytes.len() - 4);
    let error = net.load_bytes(&bytes).unwrap_err().to_string();
    assert!(error.contains("truncated") && error.contains("`dense.weight`"), "{error}");
    assert_eq!((predict(&net, data.floats(0)), net.steps()), (before, 2));
}

#[test]
fn memory_counts_in_bytes_and_never_overflows() {
    // Twice 12 floats of parameters; an arena of 4 and 7 for each sample, capacity in fours.
    assert_eq!(memory(2, 12, 4, 7, 5), 4 * (24 + 4 + 7 * 8));
    assert_eq!(memory(2, 12, 4, 7, 0), 4 * 28);
    assert_eq!(memory(usize::MAX, 2, 1, 1, usize::MAX), usize::MAX);
}

#[test]
fn an_evaluation_ends_when_somebody_stops_it_and_is_the_same_where_nobody_does() {
    let (net, set) = (Net::new(&Device::cpu(), &PROGRAM, 3).unwrap(), data(200));
    let resident = net.backend.upload(set.columns()).unwrap();
    let asked = std::cell::Cell::new(0);
    let stops_at = |part: usize| {
        asked.set(0);
        let stops = || {
            asked.set(asked.get() + 1);
            asked.get() == part
        };
        net.evaluate_resident(&resident, 200, 3, Some(&stops)).unwrap()
    };
    let whole = net.evaluate_resident(&resident, 200, 3, None).unwrap().unwrap();
    assert_eq!(stops_at(usize::MAX).unwrap().numbers, whole.numbers);
    assert!(asked.get() >= 3, "67 batches in parts of 16, 32 at most, and the rest");
    for part in 1..=3 {
        assert!(stops_at(part).is_none());
        assert_eq!(asked.get(), part);
    }
}
