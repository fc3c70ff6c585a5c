//! Texts as classes, a character each: what language models of characters read and write.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use clap::Args;
use rand::{Rng, RngExt};

/// How many characters there are: those of ASCII that can be printed, line breaks, and one for all others.
pub const VOCABULARY: usize = 97;
/// Stands for all others, and is never written.
const OTHER: u32 = 96;

/// The project's own text, where no other is given.
const README: &str = include_str!("../../README.md");

/// Where a text comes from, and how one is written.
#[derive(Args, Clone, Debug)]
pub struct TextOptions {
    /// The text to learn from; the project's README if none is given
    #[arg(long, value_name = "FILE")]
    pub text: Option<PathBuf>,
    /// Continues this
    #[arg(long, default_value = "The ")]
    pub prompt: String,
    /// How many characters to write
    #[arg(long, default_value_t = 400)]
    pub length: usize,
    /// Below 1, likely characters become likelier; at 0 only the likeliest is written
    #[arg(long, default_value_t = 0.7)]
    pub temperature: f32,
}

impl TextOptions {
    /// Reads the text: nine tenths to learn from, and the end to test with. Each has at least `least` characters.
    pub fn load(&self, least: usize) -> anyhow::Result<[Vec<u32>; 2]> {
        let tokens = match &self.text {
            Some(path) => encode(&read(path)?),
            None => encode(README),
        };
        let (training, test) = tokens.split_at(tokens.len() / 10 * 9);
        ensure!(
            test.len() >= least,
            "the text has {} characters, and the last tenth must have at least {least}",
            tokens.len()
        );
        Ok([training.to_vec(), test.to_vec()])
    }
}

fn read(path: &Path) -> anyhow::Result<String> {
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// A text as classes below [`VOCABULARY`].
pub fn encode(text: &str) -> Vec<u32> {
    let class = |c: char| match c {
        '\n' => Some(0),
        '\r' => None,
        '\t' => Some(1),
        ' '..='~' => Some(c as u32 - 31),
        _ => Some(OTHER),
    };
    text.chars().filter_map(class).collect()
}

/// The opposite of [`encode`].
pub fn decode(tokens: &[u32]) -> String {
    let character = |&class: &u32| match class {
        0 => '\n',
        1..OTHER => char::from_u32(class + 31).unwrap_or(' '),
        _ => '·',
    };
    tokens.iter().map(character).collect()
}

/// Windows of so many tokens, and for each token of a window the one that follows it. A long text is cut into windows that do not
/// overlap; of a short one there are more of them.
pub fn windows<const LENGTH: usize>(tokens: &[u32]) -> (Vec<[u32; LENGTH]>, Vec<[u32; LENGTH]>) {
    let step = (tokens.len() / 20_000).clamp(LENGTH.div_ceil(4), LENGTH);
    let starts = (0..tokens.len().saturating_sub(LENGTH)).step_by(step);
    starts
        .map(|start| (std::array::from_fn(|i| tokens[start + i]), std::array::from_fn(|i| tokens[start + i + 1])))
        .unzip()
}

/// Draws the next token from its scores.
pub fn sample(scores: &[f32], temperature: f32, rng: &mut impl Rng) -> u32 {
    let scores = &scores[..scores.len().min(OTHER as usize)];
    let best = scores.iter().copied().fold(f32::MIN, f32::max);
    let likeliest = || scores.iter().position(|&score| score == best).unwrap_or(0) as u32;
    if temperature <= 0.0 {
        return likeliest();
    }
    let weights: Vec<f32> = scores.iter().map(|score| ((score - best) / temperature).exp()).collect();
    let mut left = rng.random_range(0.0..1.0) * weights.iter().sum::<f32>();
    for (class, weight) in weights.iter().enumerate() {
        left -= weight;
        if left < 0.0 {
            return class as u32;
        }
    }
    likeliest()
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;

    #[test]
    fn texts_come_back() {
        assert_eq!(decode(&encode("Hello,\r\n\tworld ~ µ")), "Hello,\n world ~ ·");
        assert!(encode("Hello µ").iter().all(|&class| (class as usize) < VOCABULARY));
    }

    #[test]
    fn targets_are_what_follows() {
        let tokens: Vec<u32> = (0..50).collect();
        let (inputs, targets) = windows::<8>(&tokens);
        assert_eq!(
            (inputs[1], targets[1]),
            (std::array::from_fn(|i| 2 + i as u32), std::array::from_fn(|i| 3 + i as u32))
        );
        assert!(targets.iter().flatten().max().is_some_and(|last| *last >= 48));
    }

    #[test]
    fn likely_tokens_are_drawn_often() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let mut scores = [0.0; VOCABULARY];
        scores[5] = 8.0;
        scores[VOCABULARY - 1] = 100.0;
        let drawn: Vec<u32> = (0..100).map(|_| sample(&scores, 1.0, &mut rng)).collect();
        assert!(drawn.iter().filter(|&&class| class == 5).count() > 80);
        assert!(!drawn.contains(&OTHER), "what stands for others is never written");
        assert_eq!(sample(&scores, 0.0, &mut rng), 5);
    }
}
