//! Reads handwritten digits with convolutions: MNIST's files, or digits that the example draws itself. Draws the filters
//! that it learnt.
//!
//! ```text
//! cargo run --release --example digits_cnn
//! cargo run --release --example digits_cnn -- --data DIR --epochs 10
//! ```

use std::path::PathBuf;

use clap::Parser;
use nn_examples::charts::LearntChart;
use nn_examples::cli::{DeviceChoice, positive};
use nn_examples::confusion::Confusion;
use nn_examples::datasets;

nn::network! {
    /// Two convolutions with batch normalization and pooling, and one dense layer.
    network Reader {
        const CLASSES = 10;

        input  image: [1, 28, 28];
        target label: class(CLASSES);

        block conv_bn(x, filters, kernel) {
            x >> conv2d(filters, kernel = kernel, padding = kernel / 2) >> batch_norm >> relu
        }

        stem   = image >> conv_bn(16, 5) >> max_pool2d(2);
        body   = stem  >> conv_bn(32, 5) >> max_pool2d(2);
        logits = body  >> flatten >> dense(CLASSES);

        output    probability = softmax(logits);
        loss      cross_entropy(logits, label);
        metric    accuracy(logits, label);
        optimizer adam(learning_rate = 1e-3);
    }
}

const BATCH: usize = 64;
/// Weights along one side of a filter of the stem.
const FILTER: usize = 5;

/// Trains a convolutional network to read handwritten digits.
#[derive(Debug, Parser)]
struct Options {
    /// A folder with MNIST's four files, gzipped or not: train-images-idx3-ubyte, train-labels-idx1-ubyte,
    /// t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte; without it, digits are drawn
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// How often training goes over all digits
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=100_000), default_value_t = 5)]
    epochs: u32,
    /// Where to train
    #[arg(long, value_enum, default_value_t)]
    device: DeviceChoice,
    /// Draws the first weights, the order of training, and the digits if they are drawn
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// The learning rate of the first epoch, instead of the declared one
    #[arg(long, value_parser = positive)]
    learning_rate: Option<f32>,
    /// Where to save the trained network
    #[arg(long, value_name = "FILE", default_value = "digits_cnn.safetensors")]
    save: PathBuf,
    /// Where to write the picture of the filters and of what was taken for what
    #[arg(long, value_name = "FILE", default_value = "digits_cnn.svg")]
    out: PathBuf,
}

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let [training, test] = datasets::digits(options.data.as_deref(), options.seed)?;
    let training = ReaderData::new(training.images, training.labels)?;
    let test = ReaderData::new(test.images, test.labels)?;
    let device = options.device.open()?;
    println!("{} digits for training, {} for the test, on {}", training.len(), test.len(), device.name());

    let mut network = Reader::new(&device, options.seed)?;
    if let Some(rate) = options.learning_rate {
        network.set_learning_rate(rate)?;
    }
    let fit = nn::Fit::default().epochs(options.epochs as usize).batch_size(BATCH);
    let history = network.fit(&training, fit)?;
    print!("{history}");
    network.save(&options.save)?;
    println!("saved {}", options.save.display());

    let confusion = Confusion::of_scores(&test.label(), &network.predict(test.image())?);
    println!("{confusion}\n");
    let filters = network.parameter("stem.conv2d.weight")?;
    LearntChart { filters: &filters, side: FILTER, confusion: &confusion }.save(&options.out)?;
    println!("picture: {}", options.out.display());

    let report = network.evaluate(&test)?;
    println!("test loss: {:.6}", report.loss);
    println!("test accuracy: {:.4}", report.accuracy);
    Ok(())
}
