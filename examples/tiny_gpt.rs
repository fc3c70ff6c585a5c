//! Learns to write like a text: a small transformer that sees the last 64 characters and says what comes next.
//!
//! ```text
//! cargo run --release --example tiny_gpt                              the project's own README
//! cargo run --release --example tiny_gpt -- --text FILE --epochs 10
//! cargo run --release --example tiny_gpt -- --load tiny_gpt.safetensors --prompt "Once upon"
//! ```

use std::path::PathBuf;

use clap::Parser;
use nn_examples::cli::Training;
use nn_examples::report;
use nn_examples::text::{self, TextOptions};

nn::network! {
    /// Three blocks of a GPT. The table of characters is used twice: for what is read and for what is said.
    network TinyGpt {
        const VOCABULARY = 97;
        const LENGTH = 64;
        const WIDTH = 96;

        input  characters: class(VOCABULARY)[LENGTH];
        target next: class(VOCABULARY)[LENGTH];

        read   = characters >> embedding(WIDTH, init = normal(std = 0.02));
        placed = read >> position_embedding(init = normal(std = 0.02)) >> dropout(0.1);
        blocks = placed >> repeat(3, |x| x >> transformer_encoder_layer(
            4, feedforward = 4 * WIDTH, causal = true, norm_first = true, activation = gelu
        ));
        logits = blocks >> layer_norm >> tied_linear("read.embedding");

        output    scores = logits;
        loss      cross_entropy(logits, next);
        metric    accuracy(logits, next);
        optimizer adamw(learning_rate = 2e-3, weight_decay = 0.05, clip_norm = 1.0);
        stepwise  characters;
    }
}

/// The network's `LENGTH`.
const LENGTH: usize = 64;
const BATCH: usize = 32;
/// How many characters are written after each epoch.
const GLIMPSE: usize = 120;

/// Trains a small transformer on any text, and lets it write.
#[derive(Debug, Parser)]
struct Options {
    #[command(flatten)]
    text: TextOptions,
    #[command(flatten)]
    training: Training<10>,
    /// Where to save the trained network
    #[arg(long, value_name = "FILE", default_value = "tiny_gpt.safetensors")]
    save: PathBuf,
    /// Writes with this network instead of training one
    #[arg(long, value_name = "FILE")]
    load: Option<PathBuf>,
}

fn main() -> anyhow::Result<()> {
    let Options { text, training, save, load } = Options::parse();
    let device = training.device.open()?;
    let mut network = TinyGpt::new(&device, training.seed)?;
    if let Some(file) = load {
        network.load(file)?;
        println!("{}", write(&network, &text, text.length)?);
        return Ok(());
    }
    let [train, test] = text.load(LENGTH + 1)?.map(|tokens| text::windows(&tokens));
    let train = TinyGptData::new(train.0, train.1)?;
    let test = TinyGptData::new(test.0, test.1)?;
    report::opening([train.len(), test.len()], TinyGpt::PARAMETERS, TinyGpt::FLOPS_PER_SAMPLE, &device);
    network.set_learning_rate(training.rate(network.learning_rate()))?;
    for epoch in 1..=training.epochs {
        let history = network.fit(&train, nn::Fit::default().epochs(1).batch_size(BATCH).quiet())?;
        let learned = history.epochs.last().map_or(f64::NAN, |epoch| epoch.train.loss);
        let tested = network.evaluate(&test)?;
        println!(
            "epoch {epoch}: loss {learned:.3}, of unseen text {:.3} ({:.1} % of the characters right)",
            tested.loss,
            100.0 * tested.accuracy
        );
        println!("    {}", write(&network, &text, GLIMPSE)?.replace('\n', "\n    "));
    }
    network.save(&save)?;
    println!("saved {}\n\n{}", save.display(), write(&network, &text, text.length)?);
    Ok(())
}

/// Continues the prompt by so many characters, one after the other: keys and values of those before are kept. When there is room for no
/// more of them, the network begins anew with the last ones.
fn write(network: &TinyGpt, options: &TextOptions, length: usize) -> nn::Result<String> {
    let mut steps = network.stepwise(1)?;
    text::continued(&options.prompt, length, &mut options.sampler(1), |tokens| {
        let mut unread = &tokens[tokens.len() - 1..];
        if steps.limit() == Some(steps.position()) {
            steps.reset();
            unread = &tokens[tokens.len() - LENGTH / 2..];
        }
        let mut scores = Vec::new();
        for &token in unread {
            scores = steps.step(&[token])?;
        }
        Ok(scores[0])
    })
}
