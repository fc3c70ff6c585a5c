//! Reads handwritten digits: MNIST's files, or digits that the example draws itself.
//!
//! ```text
//! cargo run --release --example digits
//! cargo run --release --example digits -- --data DIR --epochs 10
//! ```

use std::path::PathBuf;

use clap::Parser;
use nn_examples::cli::{DeviceChoice, positive};
use nn_examples::confusion::{Confusion, argmax};
use nn_examples::{datasets, text_art};

nn::network! {
    /// 784-128-64-10, the classic network for 28 x 28 pixels.
    network Reader {
        const CLASSES = 10;

        input  image: [28, 28];
        target digit: class(CLASSES);

        hidden = image  >> flatten >> dense(128) >> relu >> dense(64) >> relu;
        logits = hidden >> dense(CLASSES);

        output    probability = softmax(logits);
        loss      cross_entropy(logits, digit);
        metric    accuracy(logits, digit);
        optimizer adam(learning_rate = 2e-3);
    }
}

const BATCH: usize = 64;
/// How many misread digits are shown.
const SHOWN: usize = 6;

/// Trains a network to read handwritten digits.
#[derive(Debug, Parser)]
struct Options {
    /// A folder with MNIST's four files, gzipped or not: train-images-idx3-ubyte, train-labels-idx1-ubyte,
    /// t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte; without it, digits are drawn
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// How often training goes over all digits
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=100_000), default_value_t = 10)]
    epochs: u32,
    /// Where to train
    #[arg(long, value_enum, default_value_t)]
    device: DeviceChoice,
    /// Draws the first weights, the order of training, and the digits if they are drawn
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// The learning rate, instead of the declared one
    #[arg(long, value_parser = positive)]
    learning_rate: Option<f32>,
    /// Where to save the trained network
    #[arg(long, value_name = "FILE", default_value = "digits.safetensors")]
    save: PathBuf,
    /// Prints the losses of this many steps, with all their digits
    #[arg(long, value_name = "N", default_value_t = 0)]
    print_losses: usize,
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
    for (step, loss) in history.step_losses.iter().take(options.print_losses).enumerate() {
        println!("step {}: loss {loss:?}", step + 1);
    }
    for epoch in &history.epochs {
        println!("{epoch}");
    }
    network.save(&options.save)?;
    println!("saved {}", options.save.display());

    let scores = network.predict(test.image())?;
    print_misread(&test, &scores);
    println!("{}\n", Confusion::of_scores(&test.digit(), &scores));
    let report = network.evaluate(&test)?;
    println!("test loss: {:.6}", report.loss);
    println!("test accuracy: {:.4}", report.accuracy);
    Ok(())
}

/// Shows the first digits that were misread.
fn print_misread(test: &ReaderData, scores: &[[f32; 10]]) {
    let predicted = scores.iter().map(|scores| argmax(scores));
    let read = test.digit().into_iter().map(|digit| digit as usize).zip(predicted).zip(test.image());
    let wrong = read.filter(|((digit, predicted), _)| digit != predicted).take(SHOWN);
    let shown = wrong.map(|((digit, predicted), image)| (format!("{digit} read as {predicted}"), image));
    for row in shown.collect::<Vec<_>>().chunks(3) {
        println!("{}", text_art::side_by_side(row));
    }
}
