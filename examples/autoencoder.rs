//! Squeezes handwritten digits through a few numbers and draws them again from these.
//!
//! ```text
//! cargo run --release --example autoencoder
//! cargo run --release --example autoencoder -- --data DIR --epochs 20
//! ```

use std::path::PathBuf;

use clap::Parser;
use nn_examples::charts::{Sheet, sheet};
use nn_examples::cli::Training;
use nn_examples::datasets::Digits;
use nn_examples::drawn_digits::SIDE;

nn::network! {
    /// Convolutions shrink the image to a code, transposed convolutions make an image of it again.
    network Autoencoder {
        const CODE = 16;

        input image: [1, 28, 28];

        block shrink(x, filters) { x >> conv2d(filters, 3, stride = 2, padding = 1) >> batch_norm >> relu }
        block grow(x, filters) { x >> conv_transpose2d(filters, 3, stride = 2, padding = 1, output_padding = 1) }

        shrunk = image >> shrink(16) >> shrink(32);
        small  = shrunk >> flatten >> dense(CODE);
        grown  = small >> dense(32 * 7 * 7) >> reshape([32, 7, 7]) >> batch_norm >> relu;
        logits = grown >> grow(16) >> batch_norm >> relu >> grow(1);

        output    code = small;
        output    restored = sigmoid(logits);
        loss      binary_cross_entropy_with_logits(logits, image);
        metric    mse(sigmoid(logits), image);
        optimizer adam(learning_rate = 2e-3);
    }
}

const BATCH: usize = 64;
/// Digits in a row of the picture, and how many pairs of rows there are.
const COLUMNS: usize = 12;
const ROWS: usize = 3;

/// Trains an autoencoder on handwritten digits.
#[derive(Debug, Parser)]
struct Options {
    #[command(flatten)]
    digits: Digits,
    #[command(flatten)]
    training: Training<10>,
    /// Where to write the picture of digits and what the network made of them
    #[arg(long, value_name = "FILE", default_value = "autoencoder.png")]
    out: PathBuf,
}

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let [training, test] = options.digits.load(options.training.seed)?;
    let [training, test] = [AutoencoderData::new(training.images)?, AutoencoderData::new(test.images)?];
    let device = options.training.device.open()?;
    println!("{} digits for training, {} for the test, on {}", training.len(), test.len(), device.name());

    let mut network = Autoencoder::new(&device, options.training.seed)?;
    network.set_learning_rate(options.training.rate(network.learning_rate()))?;
    let fit = options.training.fit(BATCH);
    print!("{}", network.fit(&training, fit)?);

    let shown = &test.image()[..test.len().min(COLUMNS * ROWS)];
    let AutoencoderOutput { code, restored } = network.predict(shown)?;
    println!("{} pixels as {} numbers; the first digit's:", SIDE * SIDE, code[0].len());
    println!("{}", code[0].map(|number| format!("{number:.2}")).join(" "));
    let mut picture = Sheet::new(SIDE);
    for (digits, restored) in shown.chunks(COLUMNS).zip(restored.chunks(COLUMNS)) {
        picture.row(digits.iter().map(|digit| sheet::inked(digit.as_flattened().as_flattened())));
        picture.row(restored.iter().map(|digit| sheet::inked(digit.as_flattened().as_flattened())));
    }
    picture.save(&options.out)?;
    println!("picture: {}: digits, and below them what the network made of each", options.out.display());

    let report = network.evaluate(&test)?;
    println!("test loss: {:.6}", report.loss);
    println!("test mse: {:.6}", report.mse);
    Ok(())
}
