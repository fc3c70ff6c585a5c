//! Tells whether a sentence is pleased or not: sentences of different lengths in one batch, each with its length, and attention that does not
//! see what only fills up.
//!
//! ```text
//! cargo run --release --example sentiment
//! cargo run --release --example sentiment -- --sentence "the soup was not bad but the waiter was rude"
//! ```

use anyhow::{Context, ensure};
use clap::Parser;
use nn_examples::cli::Training;
use nn_examples::report;
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

nn::network! {
    /// Words become vectors, look at each other, and their mean decides.
    network Sentiment {
        const WORDS = 48;
        const LONGEST = 16;

        input  words: class(WORDS)[LONGEST];
        input  length: class(LONGEST + 1);
        target pleased: class(2);

        there  = mask_from(length, LONGEST);
        read   = words >> embedding(32, padding_index = 0) >> positional_encoding;
        seen   = read >> transformer_encoder_layer(4, feedforward = 64, mask = there);
        logits = masked_mean(seen, there) >> dense(2);

        output    probability = softmax(logits);
        loss      cross_entropy(logits, pleased);
        metric    accuracy(logits, pleased);
        optimizer adam(learning_rate = 1e-3);
    }
}

/// The network's `WORDS` and `LONGEST`.
const WORDS: usize = 48;
const LONGEST: usize = 16;
const BATCH: usize = 32;

/// What fills up; then the words, by their numbers.
const VOCABULARY: [&str; WORDS] = [
    "", "the", "a", "was", "not", "but", "and", "very", "quite", "rather", "food", "soup", "waiter", "film", "room",
    "music", "view", "bread", "wine", "story", "bed", "coffee", "good", "great", "lovely", "warm", "friendly", "fresh",
    "tasty", "funny", "clean", "quiet", "bad", "awful", "cold", "rude", "stale", "boring", "dirty", "loud", "bitter",
    "slow", "dull", "sour", "here", "today", "again", "indeed",
];
const THINGS: std::ops::Range<usize> = 10..22;
const GOOD: std::ops::Range<usize> = 22..32;
const BAD: std::ops::Range<usize> = 32..44;
const ENDINGS: std::ops::Range<usize> = 44..48;

/// Trains a small transformer on sentences that the example makes itself.
#[derive(Debug, Parser)]
struct Options {
    #[command(flatten)]
    training: Training<8>,
    /// How many sentences to learn from
    #[arg(long, default_value_t = 6000)]
    sentences: usize,
    /// Judges this one, too
    #[arg(long)]
    sentence: Option<String>,
}

/// A sentence: its words, filled up, and how many they are.
type Sentence = ([u32; LONGEST], u32);

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    // A sentence with an unknown word is better refused now than after training.
    let asked = options.sentence.as_deref().map(parse).transpose()?;
    let mut rng = ChaCha8Rng::seed_from_u64(options.training.seed);
    let [train, test] = [options.sentences.max(BATCH), 1000].map(|count| made(count, &mut rng));
    let (train, (test_words, test_lengths, test_labels)) = (train, test);
    let train = SentimentData::new(train.0, train.1, train.2)?;
    let test = SentimentData::new(test_words.clone(), test_lengths.clone(), test_labels.clone())?;
    let device = options.training.device.open()?;
    report::opening([train.len(), test.len()], Sentiment::PARAMETERS, Sentiment::FLOPS_PER_SAMPLE, &device);

    let mut network = Sentiment::new(&device, options.training.seed)?;
    network.set_learning_rate(options.training.rate(network.learning_rate()))?;
    let history = network.fit(&train, options.training.fit(BATCH))?;
    for epoch in &history.epochs {
        println!("{epoch}");
    }
    let measured = network.evaluate(&test)?;
    println!("of unseen sentences: loss {:.4}, {:.1} % right", measured.loss, 100.0 * measured.accuracy);
    for i in 0..5 {
        judge(&network, &(test_words[i], test_lengths[i]))?;
    }
    asked.map_or(Ok(()), |sentence| judge(&network, &sentence))
}

fn judge(network: &Sentiment, (words, length): &Sentence) -> anyhow::Result<()> {
    let [_, pleased] = network.predict(&[*words], &[*length])?[0];
    let text: Vec<&str> = words[..*length as usize].iter().map(|&word| VOCABULARY[word as usize]).collect();
    println!("{:3.0} % pleased: {}", 100.0 * pleased, text.join(" "));
    Ok(())
}

/// Words, lengths, and whether each sentence is pleased.
fn made(count: usize, rng: &mut impl Rng) -> (Vec<[u32; LONGEST]>, Vec<u32>, Vec<u32>) {
    let mut all = (vec![], vec![], vec![]);
    for _ in 0..count {
        let ((words, length), pleased) = sentence(rng);
        all.0.push(words);
        all.1.push(length);
        all.2.push(pleased);
    }
    all
}

/// "the soup was not bad but the waiter was rude": one or two judgements, of which the last one counts; "not" turns one around.
fn sentence(rng: &mut impl Rng) -> (Sentence, u32) {
    let mut words: Vec<usize> = vec![];
    let mut pleased = false;
    for clause in 0..rng.random_range(1..=2) {
        if clause > 0 {
            words.push(5); // but
        }
        let (is_good, is_turned) = (rng.random_bool(0.5), rng.random_bool(0.4));
        words.extend([1, rng.random_range(THINGS), 3]);
        words.extend(is_turned.then_some(4));
        if rng.random_bool(0.3) {
            words.push(rng.random_range(7..10));
        }
        words.push(rng.random_range(if is_good { GOOD } else { BAD }));
        pleased = is_good != is_turned;
    }
    if rng.random_bool(0.4) {
        words.push(rng.random_range(ENDINGS));
    }
    let filled = std::array::from_fn(|i| words.get(i).map_or(0, |&word| word as u32));
    ((filled, words.len() as u32), u32::from(pleased))
}

/// A sentence of known words.
fn parse(text: &str) -> anyhow::Result<Sentence> {
    let number = |word: &str| {
        let known = VOCABULARY.iter().skip(1).position(|known| *known == word);
        known.map(|at| at as u32 + 1).with_context(|| format!("`{word}` is not among the {} words", WORDS - 1))
    };
    let words =
        text.split_whitespace().map(|word| number(&word.to_lowercase())).collect::<anyhow::Result<Vec<u32>>>()?;
    ensure!((1..=LONGEST).contains(&words.len()), "a sentence has 1 to {LONGEST} words");
    Ok((std::array::from_fn(|i| words.get(i).copied().unwrap_or(0)), words.len() as u32))
}
