//! Texts as classes, a character each: what language models of characters read and write.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use clap::Args;

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
    /// Chooses among so many of the likeliest characters
    #[arg(long, value_name = "N")]
    pub top_k: Option<usize>,
    /// Chooses among the likeliest characters whose probabilities come to this
    #[arg(long, default_value_t = 1.0, value_name = "P")]
    pub top_p: f32,
}

impl TextOptions {
    /// What draws characters as these options say.
    pub fn sampler(&self, seed: u64) -> nn::Sampler {
        let sampler = nn::Sampler::new(seed).temperature(self.temperature).top_p(self.top_p);
        match self.top_k {
            Some(classes) => sampler.top_k(classes),
            None => sampler,
        }
    }

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

/// Writes so many characters behind a prompt: `next` is told a character and gives the scores of the one that follows. An empty prompt
/// continues the end of a line.
pub fn continued(
    prompt: &str,
    length: usize,
    sampler: &mut nn::Sampler,
    mut next: impl FnMut(&[u32]) -> nn::Result<[f32; VOCABULARY]>,
) -> nn::Result<String> {
    let mut tokens = if prompt.is_empty() { vec![0] } else { encode(prompt) };
    let begin = tokens.len();
    let mut scores = [0.0; VOCABULARY];
    for read in 1..=begin {
        scores = next(&tokens[..read])?;
    }
    for written in 0..length {
        tokens.push(sampler.sample(&scores[..OTHER as usize])?);
        if written + 1 < length {
            scores = next(&tokens)?;
        }
    }
    Ok(decode(&tokens[usize::from(prompt.is_empty())..]))
}

#[cfg(test)]
mod tests {
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
    fn texts_go_on_behind_their_prompt() {
        // What follows a letter is the next letter; what stands for others has the highest score and is never written.
        let next = |so_far: &[u32]| {
            let mut scores = [0.0; VOCABULARY];
            scores[so_far.last().map_or(0, |last| *last as usize + 1)] = 50.0;
            scores[OTHER as usize] = 100.0;
            Ok(scores)
        };
        let write = |prompt: &str| continued(prompt, 4, &mut nn::Sampler::greedy(), next).unwrap();
        assert_eq!(write("xab"), "xabcdef");
        assert_eq!(write(""), decode(&[1, 2, 3, 4]));
    }
}
