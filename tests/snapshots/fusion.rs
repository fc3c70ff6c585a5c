//! Convolutions get few kernels, and what follows them is part of these: read from the plan.

use nn_tests::networks::{Cnn, Convolutions, Mlp};

nn::network! {
    /// What reads digits, with convolutions large enough for dispatches of their own.
    network Digits {
        input  image: [1, 28, 28];
        target digit: class(10);
        stem   = image >> conv2d(16, 5, padding = 2) >> batch_norm >> relu >> max_pool2d(2);
        body   = stem >> conv2d(32, 5, padding = 2) >> batch_norm >> relu >> max_pool2d(2);
        logits = body >> flatten >> dense(10);
        output    scores = logits;
        loss      cross_entropy(logits, digit);
        optimizer adam;
    }
}

/// One kernel of a plan: its name, and the lines that say what it does.
struct Kernel<'a> {
    name: &'a str,
    does: Vec<&'a str>,
}

impl Kernel<'_> {
    /// Whether it computes a part of this layer.
    fn does(&self, layer: &str) -> bool {
        self.does.iter().any(|line| line.starts_with(&format!("{layer}:")))
    }

    /// Whether it multiplies and sums for this layer.
    fn contracts(&self, layer: &str) -> bool {
        self.does.iter().any(|line| line.starts_with(&format!("{layer}:")) && line.contains("contract"))
    }
}

/// The kernels of one program.
fn kernels<'a>(plan: &'a str, program: &str) -> Vec<Kernel<'a>> {
    let (head, prefix) = (format!("{program}: "), format!("    {program}_"));
    let mut kernels = vec![];
    for line in plan.lines().skip_while(|line| !line.starts_with(&head)).skip(1).take_while(|line| !line.is_empty()) {
        if line.starts_with(&prefix) {
            kernels.push(Kernel { name: line.split_whitespace().next().unwrap(), does: vec![] });
        } else if let (Some(does), Some(kernel)) = (line.strip_prefix("      does    "), kernels.last_mut()) {
            kernel.does.push(does);
        }
    }
    assert!(!kernels.is_empty(), "{program} has no kernels");
    kernels
}

/// In inference, one kernel computes the convolution and all that follows it.
fn assert_epilogue(plan: &str, convolution: &str, followers: &[&str]) {
    let kernels = kernels(plan, "predict");
    let of_convolution: Vec<&Kernel> = kernels.iter().filter(|k| k.does(convolution)).collect();
    let [kernel] = of_convolution[..] else {
        panic!("{convolution} is in {:?}", of_convolution.iter().map(|k| k.name).collect::<Vec<_>>());
    };
    assert!(kernel.contracts(convolution), "{}: {:?}", kernel.name, kernel.does);
    for follower in followers {
        assert!(kernel.does(follower), "{follower} is not in {}: {:?}", kernel.name, kernel.does);
        assert_eq!(kernels.iter().filter(|k| k.does(follower)).count(), 1, "{follower}");
    }
}

/// In training, forward pass, both gradients and the bias are at most this many kernels. (`gradients` begins with the kernels of
/// `train`, and the plan does not list them again.)
fn assert_kernels(plan: &str, convolution: &str, at_most: usize) {
    let kernels = kernels(plan, "train");
    let names: Vec<&str> = kernels.iter().filter(|k| k.does(convolution)).map(|k| k.name).collect();
    assert!(names.len() <= at_most, "{convolution} is in {names:?}");
    let contractions = kernels.iter().filter(|k| k.contracts(convolution)).count();
    assert_eq!(contractions, 3, "{convolution}");
}

#[test]
fn activations_and_norms_are_epilogues_of_convolutions() {
    let plan = Convolutions::plan();
    assert_epilogue(plan, "plain.conv2d", &["plain.relu"]);
    assert_epilogue(plan, "strided.conv2d", &["strided.silu"]);
    assert_epilogue(plan, "normed.conv2d", &["normed.batch_norm", "normed.relu"]);
    assert_epilogue(plan, "depthwise.conv2d", &["depthwise.batch_norm", "depthwise.relu6"]);
    assert_epilogue(plan, "pointwise.conv2d", &["pointwise.batch_norm", "pointwise.hard_swish"]);
    assert_epilogue(plan, "up.conv_transpose2d", &["up.relu"]);
    let plan = Cnn::plan();
    assert_epilogue(plan, "a.conv2d", &["a.batch_norm", "a.relu"]);
    assert_epilogue(plan, "b.conv2d", &["b.batch_norm", "b.relu"]);
}

#[test]
fn a_convolution_and_its_gradients_are_at_most_four_kernels() {
    let plan = Convolutions::plan();
    for layer in ["strided.conv2d", "pointwise.conv2d", "up.conv_transpose2d"] {
        assert_kernels(plan, layer, 4);
    }
    for layer in ["normed.conv2d", "depthwise.conv2d"] {
        assert_kernels(plan, layer, 3);
    }
    assert_kernels(Cnn::plan(), "b.conv2d", 4);
}

/// How many dispatches a training step has, with the one that gathers its samples, as the plan says.
fn dispatches(plan: &str) -> usize {
    let (_, train) = plan.split_once("\ntrain: ").expect("a plan for training");
    let words: Vec<&str> = train.lines().next().unwrap().split_whitespace().collect();
    let [_, "kernels", "in", dispatches, "dispatches", "and", "one", "that", "gathers", ..] = words[..] else {
        panic!("{words:?}")
    };
    dispatches.parse::<usize>().unwrap() + 1
}

#[test]
fn only_true_dependencies_separate_dispatches() {
    assert_eq!((dispatches(Mlp::plan()), dispatches(Cnn::plan())), (9, 17));
    assert_eq!(dispatches(Digits::plan()), 19, "two kernels have a dispatch to themselves");
    let shaders = Mlp::shaders().iter().filter(|s| s.name.starts_with("train_") && s.variant.is_none());
    assert_eq!(shaders.count() + 1, dispatches(Mlp::plan()), "a shader for each dispatch");
}
