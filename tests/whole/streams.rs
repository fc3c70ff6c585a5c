//! Data that is read while a network trains: the same as data in memory, on each device.

use nn::data::{Augment, Normalization, Samples, idx};
use nn::{Fit, History};
use nn_tests::networks::{Branches, BranchesData, BranchesReport, BranchesStream, Digits, DigitsData, DigitsStream};
use nn_tests::{data, on_each_device};

/// The same samples, to be read one after another.
fn stream(data: &BranchesData) -> BranchesStream {
    BranchesStream::new(data.left(), data.right(), data.label(), data.value()).unwrap()
}

fn bits(history: &History<BranchesReport>) -> Vec<u64> {
    let losses = history.step_losses.iter().map(|&loss| u64::from(loss.to_bits()));
    let validation = history.epochs.iter().filter_map(|epoch| epoch.validation.as_ref());
    losses.chain(validation.map(|report| report.loss.to_bits())).collect()
}

on_each_device! {
    /// Dropout and shuffling included; the last batch of an epoch is smaller.
    fn a_stream_gives_the_losses_of_the_same_data_in_memory(device) {
        let (train, test) = (data::branches(50, 1).unwrap(), data::branches(21, 2).unwrap());
        let run = |streamed: bool| {
            let mut net = Branches::new(device, 3).unwrap();
            let fit = Fit::default().epochs(3).batch_size(9).quiet();
            let history = match streamed {
                true => net.fit(&stream(&train), fit.validation_data(&stream(&test))),
                false => net.fit(&train, fit.validation_data(&test)),
            };
            let weights: Vec<Vec<f32>> = net.parameters().map(|p| net.parameter(p.name).unwrap()).collect();
            (bits(&history.unwrap()), weights, net.evaluate(&stream(&test)).unwrap())
        };
        let (resident, streamed) = (run(false), run(true));
        assert!(resident == streamed);
        let whole = stream(&train);
        assert_eq!(whole.split_at(20).1.read().unwrap().label(), train.slice(20..).label());
    }

    fn augmented_images_train_and_threads_change_nothing(device) {
        let set = data::digits(200, 1).unwrap();
        let pixels: Vec<f32> = set.image().as_flattened().as_flattened().as_flattened().to_vec();
        let images = Samples::numbers([1, 8, 8], pixels).unwrap();
        let seen = Normalization::learn(&images).unwrap();
        let augment = Augment::new().shift(1).flip().rotate(10.0);
        let images = images.augmented(&augment).unwrap().normalized(&seen).unwrap();
        let run = |threads| {
            let train = DigitsStream::new(images.clone(), set.label()).unwrap();
            let mut net = Digits::new(device, 5).unwrap();
            let fit = Fit::default().epochs(4).batch_size(64).workers(threads).quiet();
            net.fit(&train, fit).unwrap().step_losses
        };
        let losses = run(1);
        assert!(losses[losses.len() - 1] < losses[0]);
        assert!([0, 3].iter().all(|&threads| run(threads) == losses));
    }
}

/// A folder with MNIST's names, whose images have this many rows and columns.
fn files(name: &str, [height, width]: [u32; 2], labels: &[u8]) -> std::path::PathBuf {
    let folder = std::env::temp_dir().join(format!("nn-streams-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let count = labels.len() as u32;
    let write = |name: &str, words: &[u32], bytes: &[u8]| {
        let header: Vec<u8> = words.iter().flat_map(|word| word.to_be_bytes()).collect();
        std::fs::write(folder.join(name), [&header, bytes].concat()).unwrap();
    };
    let pixels: Vec<u8> = (0..count * height * width).map(|i| (i * 37 % 256) as u8).collect();
    write("train-images-idx3-ubyte", &[0x803, count, height, width], &pixels);
    write("train-labels-idx1-ubyte", &[0x801, count], labels);
    folder
}

#[test]
fn files_fit_the_fields_that_they_are_for() {
    let folder = files("fit", [8, 8], &[3, 0, 9]);
    let set = idx::train(&folder).unwrap();
    let resident = DigitsData::new(set.images.clone(), set.labels.clone()).unwrap();
    let streamed = DigitsStream::new(set.images, set.labels).unwrap().read().unwrap();
    assert_eq!((resident.label(), resident.image()[1][0][0][1]), (vec![3, 0, 9], (65 * 37 % 256) as f32 / 255.0));
    assert_eq!((streamed.label(), streamed.image()), (resident.label(), resident.image()));
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn files_that_do_not_fit_are_refused_with_both_names() {
    let folder = files("label", [8, 8], &[3, 10, 9]);
    let set = idx::train(&folder).unwrap();
    let place = folder.join("train-labels-idx1-ubyte").display().to_string();
    let expected = format!("{place}, record 1: expected a class from 0 to 9 for `label`, found 10");
    let refused = DigitsData::new(set.images.clone(), set.labels.clone()).unwrap_err();
    assert_eq!(refused.to_string(), expected);
    assert_eq!(DigitsStream::new(set.images, set.labels).unwrap_err().to_string(), expected);
    std::fs::remove_dir_all(folder).unwrap();

    let folder = files("size", [8, 9], &[3, 1, 9]);
    let set = idx::train(&folder).unwrap();
    let place = folder.join("train-images-idx3-ubyte").display().to_string();
    let expected = format!("{place}: expected numbers of shape [1, 8, 8] for `image`, found numbers of shape [8, 9]");
    let refused = DigitsData::new(set.images.clone(), set.labels.clone()).unwrap_err();
    assert_eq!(refused.to_string(), expected);
    assert_eq!(DigitsStream::new(set.images, set.labels).unwrap_err().to_string(), expected);
    std::fs::remove_dir_all(folder).unwrap();
}
