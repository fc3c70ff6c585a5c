//! Reads handwritten digits: MNIST's files, or digits that the example draws itself.
//!
//! ```text
//! cargo run --release --example digits
//! cargo run --release --example digits -- --data DIR --epochs 10
//! ```

use std::path::PathBuf;

use clap::Parser;
use nn_examples::cli::Training;
use nn_examples::confusion::{Confusion, argmax};
use nn_examples::datasets::Digits;
use nn_examples::{report, text_art};

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
    #[command(flatten)]
    digits: Digits,
    #[command(flatten)]
    training: Training<10>,
    /// Where to save the trained network
    #[arg(long, value_name = "FILE", default_value = "digits.safetensors")]
    save: PathBuf,
    /// Prints the losses of this many steps, with all their digits
    #[arg(long, value_name = "N", default_value_t = 0)]
    print_losses: usize,
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
    let measured = network.evaluate(&test)?;
    report::closing(&Confusion::of_scores(&test.digit(), &scores), measured.loss, measured.accuracy);
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
