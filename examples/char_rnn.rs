//! Learns to write like a text, character by character, and continues a prompt.
//!
//! ```text
//! cargo run --release --example char_rnn -- --text FILE --prompt "Once "
//! cargo run --release --example char_rnn -- --load char_rnn.safetensors --prompt "Once "
//! ```

use std::path::PathBuf;

use clap::Parser;
use nn_examples::cli::Training;
use nn_examples::text::{TextOptions, continued, windows};

const EPOCHS: u32 = 60;
const BATCH: usize = 32;
/// How many characters the network learns from at once.
const LENGTH: usize = 64;
/// How often a sample is shown while it learns.
const SAMPLES: u32 = 4;
const SAMPLE_LENGTH: usize = 160;

nn::network! {
    /// Scores of the next character at each position. It learns from many characters at once, and writes one at a time: then it keeps its state.
    network CharRnn {
        input  text: class(97)[64];
        target next: class(97)[64];

        letters = text >> embedding(64);
        memory  = letters >> lstm(128);
        scores  = memory >> linear(97);

        output    likely = scores;
        loss      cross_entropy(scores, next);
        metric    perplexity(scores, next);
        metric    accuracy(scores, next);
        optimizer adam(learning_rate = 4e-3, clip_norm = 1.0);
        stepwise  text;
    }
}

/// Learns to write like a text, character by character.
#[derive(Debug, Parser)]
struct Options {
    #[command(flatten)]
    text: TextOptions,
    #[command(flatten)]
    training: Training<EPOCHS>,
    /// Where to save the trained network
    #[arg(long, value_name = "FILE", default_value = "char_rnn.safetensors")]
    save: PathBuf,
    /// Writes with a network that was saved, and learns nothing
    #[arg(long, value_name = "FILE")]
    load: Option<PathBuf>,
}

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let (training, text) = (&options.training, &options.text);
    let device = training.device.open()?;
    let mut network = CharRnn::new(&device, training.seed)?;
    let mut sampler = text.sampler(training.seed);
    if let Some(path) = &options.load {
        network.load(path)?;
    } else {
        let [tokens, test] = text.load(LENGTH + 1)?;
        let data = |tokens: &[u32]| {
            let (inputs, targets) = windows::<LENGTH>(tokens);
            CharRnnData::new(inputs, targets)
        };
        let (data, test) = (data(&tokens)?, data(&test)?);
        println!("text: {} characters to learn from, {} windows of {LENGTH}", tokens.len(), data.len());
        println!("network: {} parameters, on {}", CharRnn::PARAMETERS, device.name());
        network.set_learning_rate(training.rate(network.learning_rate()))?;
        let part = training.epochs.div_ceil(SAMPLES);
        for first in (0..training.epochs).step_by(part as usize) {
            let epochs = part.min(training.epochs - first);
            // The learning rate falls, so that the last steps are small ones.
            let decay = 0.1_f32.powf(1.0 / training.epochs as f32);
            let history = network.fit(
                &data,
                training
                    .fit(BATCH)
                    .epochs(epochs as usize)
                    .quiet()
                    .on_epoch(|_, control| control.learning_rate *= decay),
            )?;
            let learnt = history.epochs.last().map_or(f64::NAN, |epoch| epoch.train.loss);
            let report = network.evaluate(&test)?;
            println!(
                "\nafter {} epochs: loss {learnt:.3}, of the text's end {:.3} (perplexity {:.2}, {:.1} % right)",
                first + epochs,
                report.loss,
                report.perplexity,
                100.0 * report.accuracy
            );
            println!("  {}", write(&network, &text.prompt, SAMPLE_LENGTH, &mut sampler)?.replace('\n', "\n  "));
        }
        network.save(&options.save)?;
        println!("\nsaved {}", options.save.display());
    }
    println!("\n{}", write(&network, &text.prompt, text.length, &mut sampler)?);
    Ok(())
}

/// The prompt and so many characters more, one after the other.
fn write(network: &CharRnn, prompt: &str, length: usize, sampler: &mut nn::Sampler) -> nn::Result<String> {
    let mut steps = network.stepwise(1)?;
    continued(prompt, length, sampler, |tokens| {
        let scores = steps.step(&tokens[tokens.len() - 1..])?;
        Ok(scores[0])
    })
}
