//! What expansion costs and gives.

use std::cell::Cell;
use std::io::Write;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use proc_macro2::{LexError, TokenStream, TokenTree};

use super::{checked, expanded};
use crate::expand;

const MLP: &str = "pub network Mlp {
    input  image: [784];
    target label: class(10);
    logits = image >> dense(128) >> relu >> dense(64) >> relu >> dense(10);
    output    probability = softmax(logits);
    loss      cross_entropy(logits, label);
    metric    accuracy(logits, label);
    optimizer adam(learning_rate = 1e-3);
}";

/// The crate that has only this network.
const RESNET50: &str = include_str!("../../../tests/resnet50/src/lib.rs");

/// What stands in the crate's `network! { … }`.
pub fn resnet50() -> &'static str {
    let (_, rest) = RESNET50.split_once("network! {").unwrap();
    rest.trim_end().strip_suffix('}').unwrap()
}

/// The budget in the dev profile, on the reference machine, is 50 ms for a small network and 500 ms for one of ResNet-50's size.
/// Other machines are slower, so the fastest of several runs counts, and only a multiple of the budget fails.
fn expansion_takes_at_most(what: &str, source: &str, budget: Duration) {
    let expansion = || {
        let reading = Cell::new(Duration::ZERO);
        let lexer = |text: &str| {
            let start = now();
            let tokens = text.parse().map_err(|e: LexError| e.to_string());
            reading.set(reading.get() + (now() - start));
            tokens
        };
        let start = now();
        let tokens = expand(source.parse().unwrap(), &lexer);
        let time = now() - start;
        assert!(!tokens.is_empty());
        (time, reading.get())
    };
    let (fastest, reading) = (0..5).map(|_| expansion()).min().unwrap();
    let [all, reading] = [fastest, reading].map(|time| time.as_secs_f64() * 1e3);
    // Not by `println!`: the test harness would keep it to itself.
    writeln!(
        std::io::stderr(),
        "expansion of {what} in this profile: {all:.1} ms, of which proc_macro2's lexer takes {reading:.1} (the compiler's own: a tenth)"
    )
    .unwrap();
    assert!(fastest < 10 * budget);
}

/// For how long this thread has run, where Linux tells: other work on the machine does not count. Elsewhere, the time of day.
fn now() -> Duration {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    let processor = || {
        let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
        Some(Duration::from_nanos(text.split_whitespace().next()?.parse().ok()?))
    };
    processor().unwrap_or_else(|| START.elapsed())
}

#[test]
fn expansion_takes_little_time() {
    expansion_takes_at_most("mlp", MLP, Duration::from_millis(50));
}

#[test]
fn expansion_of_resnet50_takes_less_than_a_breath() {
    expansion_takes_at_most("ResNet-50", resnet50(), Duration::from_millis(500));
}

/// Networks over sequences of some length: a recurrent layer, and a cell of the user's own.
const OVER_TIME: [(&str, &str); 2] = [
    (
        "lstm",
        "pub network Steps { input x: [STEPS, 5]; target y: [3]; p = x >> lstm(7, layers = 2) >> last >> dense(3);         output p = p; loss mse(p, y); optimizer adam; }",
    ),
    (
        "scan",
        "pub network Steps { input x: [STEPS, 5]; target y: [3];         scan cell(x_t in x, h = zeros(7)) { h = tanh(linear(x_t, 7) + linear(h, 7, bias = false)); h }         p = cell >> last >> dense(3); output p = p; loss mse(p, y); optimizer adam; }",
    ),
];

#[test]
fn a_sequence_of_512_steps_expands_to_as_much_as_one_of_8() {
    for (what, source) in OVER_TIME {
        let [few, many] = ["8", "512"].map(|steps| {
            let source = source.replace("STEPS", steps);
            let network = &checked(&source).network;
            let plan = nn_kernels::compile(network, &nn_kernels::Options::default());
            let schedules = [Some(&plan.predict), plan.evaluate.as_ref(), plan.train.as_ref(), plan.gradients.as_ref()];
            let kernels: Vec<usize> = schedules.into_iter().flatten().map(|schedule| schedule.kernels.len()).collect();
            (network.graph.len(), kernels, count(expanded(source.parse().unwrap())))
        });
        assert_eq!((few.0, &few.1), (many.0, &many.1), "{what}: nodes and kernels");
        // Numbers have more digits, and that is all.
        assert!(many.2 * 100 <= few.2 * 101, "{what}: {} tokens, and {} for 8 steps", many.2, few.2);
    }
}

/// How many tokens there are, those in groups as well.
fn count(tokens: TokenStream) -> usize {
    let inside = |token| if let TokenTree::Group(group) = token { count(group.stream()) } else { 0 };
    tokens.into_iter().map(|token| 1 + inside(token)).sum()
}

#[test]
fn the_same_tokens_give_the_same_bytes() {
    let broken = MLP.replace("dense(10)", "dense(9)").replace("softmax", "sofmax");
    for source in [MLP, &broken] {
        let [first, second] = [(); 2].map(|()| expanded(source.parse().unwrap()).to_string());
        assert!(first == second);
    }
}
