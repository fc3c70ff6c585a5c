//! Learns to write like a text, character by character, and continues a prompt.
//!
//! ```text
//! cargo run --release --example char_rnn -- --text FILE --prompt "Once "
//! cargo run --release --example char_rnn -- --load char_rnn.safetensors --prompt "Once "
//! ```

use std::path::PathBuf;

use clap::Parser;
use nn_examples::cli::Training;
use nn_examples::text::{TextOptions, VOCABULARY, decode, encode, sample, windows};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

const EPOCHS: u32 = 60;
const BATCH: usize = 32;
/// How many characters the network learns from at once.
const LENGTH: usize = 64;
const UNITS: usize = 128;
/// How often a sample is shown while it learns.
const SAMPLES: u32 = 4;
const SAMPLE_LENGTH: usize = 160;

nn::network! {
    /// Scores of the next character at each position, and the state behind the last one.
    block language_model(text, h = zeros(128), c = zeros(128)) {
        letters = text >> embedding(64);
        (memory, h_last, c_last) = letters >> lstm(128, h = h, c = c);
        (memory >> linear(97), h_last, c_last)
    }

    /// What is trained, on many characters at once.
    network CharRnn {
        input  text: class(97)[64];
        target next: class(97)[64];
        (scores, _h, _c) = text >> language_model;
        output    scores = scores;
        loss      cross_entropy(scores, next);
        metric    perplexity(scores, next);
        metric    accuracy(scores, next);
        optimizer adam(learning_rate = 4e-3, clip_norm = 1.0);
    }

    /// The same one character at a time: its state is an input and an output. Parameters have the same names.
    network NextChar {
        input  text: class(97)[1];
        input  h: [128];
        input  c: [128];
        (scores, h_last, c_last) = text >> language_model(h = h, c = c);
        output likely = scores >> flatten;
        output h_next = h_last;
        output c_next = c_last;
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
    let mut writer = Writer::new(&device, training.seed, text.temperature)?;
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
            writer.learn_from(&network)?;
            println!("  {}", writer.write(&text.prompt, SAMPLE_LENGTH)?.replace('\n', "\n  "));
        }
        network.save(&options.save)?;
        println!("\nsaved {}", options.save.display());
    }
    writer.learn_from(&network)?;
    println!("\n{}", writer.write(&text.prompt, text.length)?);
    Ok(())
}

/// Writes one character after the other, and keeps the network's state between them.
struct Writer {
    network: NextChar,
    rng: ChaCha8Rng,
    temperature: f32,
}

impl Writer {
    fn new(device: &nn::Device, seed: u64, temperature: f32) -> nn::Result<Self> {
        Ok(Writer { network: NextChar::new(device, seed)?, rng: ChaCha8Rng::seed_from_u64(seed), temperature })
    }

    /// Takes over what a network has learnt.
    fn learn_from(&mut self, network: &CharRnn) -> nn::Result<()> {
        for parameter in network.parameters() {
            self.network.set_parameter(parameter.name, &network.parameter(parameter.name)?)?;
        }
        Ok(())
    }

    /// The prompt and so many characters more.
    fn write(&mut self, prompt: &str, length: usize) -> nn::Result<String> {
        // An empty prompt continues a line's end.
        let mut tokens = if prompt.is_empty() { vec![0] } else { encode(prompt) };
        let begin = tokens.len() - usize::from(prompt.is_empty());
        let (mut h, mut c) = ([0.0; UNITS], [0.0; UNITS]);
        let mut read = 0;
        while tokens.len() < begin + length {
            let mut scores = [0.0; VOCABULARY];
            for &token in &tokens[read..] {
                let next = self.network.predict(&[[token]], &[h], &[c])?;
                (scores, h, c) = (next.likely[0], next.h_next[0], next.c_next[0]);
            }
            read = tokens.len();
            tokens.push(sample(&scores, self.temperature, &mut self.rng));
        }
        Ok(decode(&tokens))
    }
}
