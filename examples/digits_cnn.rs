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
use nn_examples::cli::Training;
use nn_examples::confusion::Confusion;
use nn_examples::datasets::Digits;
use nn_examples::report;

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
    #[command(flatten)]
    digits: Digits,
    #[command(flatten)]
    training: Training<5>,
    /// Where to save the trained network
    #[arg(long, value_name = "FILE", default_value = "digits_cnn.safetensors")]
    save: PathBuf,
    /// Where to write the picture of the filters and of what was taken for what
    #[arg(long, value_name = "FILE", default_value = "digits_cnn.svg")]
    out: PathBuf,
}

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let [training, test] = options.digits.load(options.training.seed)?;
    let training = ReaderData::new(training.images, training.labels)?;
    let test = ReaderData::new(test.images, test.labels)?;
    let device = options.training.device.open()?;
    report::opening([training.len(), test.len()], Reader::PARAMETERS, Reader::FLOPS_PER_SAMPLE, &device);

    let mut network = Reader::new(&device, options.training.seed)?;
    network.set_learning_rate(options.training.rate(network.learning_rate()))?;
    let fit = options.training.fit(BATCH);
    let history = network.fit(&training, fit)?;
    print!("{history}");
    network.save(&options.save)?;
    println!("saved {}", options.save.display());

    let confusion = Confusion::of_scores(&test.label(), &network.predict(test.image())?);
    let filters = network.parameter("stem.conv2d.weight")?;
    LearntChart { filters: &filters, side: FILTER, confusion: &confusion }.save(&options.out)?;
    println!("picture: {}", options.out.display());
    let measured = network.evaluate(&test)?;
    report::closing(&confusion, measured.loss, measured.accuracy);
    Ok(())
}
