//! Activations and losses, in the middle of a graph.

use super::*;

#[test]
fn activations() {
    unary("identity", REAL, layers::identity);
    unary("step", REAL, layers::step);
    unary("sigmoid", REAL, layers::sigmoid);
    unary("hard_sigmoid", (-6.0, 6.0), layers::hard_sigmoid);
    unary("tanh", REAL, layers::tanh);
    unary("relu", REAL, layers::relu);
    unary("relu6", (-10.0, 10.0), layers::relu6);
    for slope in [0.01, 0.3, -0.2, 0.0, 1.0] {
        unary("leaky_relu", REAL, |g, x| layers::leaky_relu(g, x, slope));
    }
    for alpha in [1.0, 0.4] {
        unary("elu", REAL, |g, x| layers::elu(g, x, alpha));
        unary("celu", REAL, |g, x| layers::celu(g, x, alpha));
    }
    unary("selu", REAL, layers::selu);
    unary("gelu", REAL, |g, x| layers::gelu(g, x, false));
    unary("gelu, tanh", REAL, |g, x| layers::gelu(g, x, true));
    unary("silu", REAL, layers::silu);
    unary("mish", REAL, layers::mish);
    unary("softplus", REAL, |g, x| layers::softplus(g, x, 1.0, 20.0));
    unary("softplus, options", REAL, |g, x| layers::softplus(g, x, 2.0, 1.5));
    unary("softsign", REAL, layers::softsign);
    unary("hard_swish", (-6.0, 6.0), layers::hard_swish);
}

#[test]
fn activations_with_axes_and_parameters() {
    for seed in 0..2 * TRIALS {
        let mut bench = Bench::new(seed);
        let dims = bench.rng.dims(1..=3);
        let x = bench.batched(&dims, REAL);
        let axis = bench.rng.below(dims.len()) as i64 - if seed % 2 == 0 { dims.len() as i64 } else { 0 };
        let y = layers::softmax(bench.graph(), x, axis).unwrap();
        bench.check("softmax", y);

        let mut bench = Bench::new(seed);
        let x = bench.batched(&dims, REAL);
        let y = layers::log_softmax(bench.graph(), x, axis).unwrap();
        bench.check("log_softmax", y);

        let mut bench = Bench::new(seed);
        let slopes = if seed % 2 == 0 { 1 } else { dims[0] };
        let x = bench.batched(&dims, REAL);
        let y = layers::prelu(&mut bench.network, "prelu", x, slopes, 0.25).unwrap();
        bench.check("prelu", y);

        let mut bench = Bench::new(seed);
        let pieces = 1 + bench.rng.below(3);
        let mut wide = dims.clone();
        *wide.last_mut().unwrap() *= pieces;
        let x = bench.batched(&wide, REAL);
        let y = layers::maxout(bench.graph(), x, pieces).unwrap();
        bench.check("maxout", y);
    }
    let mut bench = Bench::new(1);
    let x = bench.batched(&[], REAL);
    let y = layers::prelu(&mut bench.network, "prelu", x, 1, 0.25).unwrap();
    bench.check("prelu of a scalar", y);
}

#[test]
fn losses() {
    type Loss = fn(&mut Graph, NodeId, NodeId) -> Result<NodeId, Fact>;
    let regression: [(&str, Loss); 11] = [
        ("mse", layers::mse),
        ("mae", layers::mae),
        ("huber", |g, x, t| layers::huber(g, x, t, 0.7)),
        ("smooth_l1", |g, x, t| layers::smooth_l1(g, x, t, 0.7)),
        ("log_cosh", layers::log_cosh),
        ("hinge", |g, x, t| layers::hinge(g, x, Target::Values(t))),
        ("kl_divergence, log_target", |g, x, t| layers::kl_divergence(g, x, t, true)),
        ("poisson_nll", |g, x, t| layers::poisson_nll(g, x, t, true, false, 1e-8)),
        ("bce_with_logits", |g, x, t| layers::binary_cross_entropy_with_logits(g, x, Target::Values(t))),
        ("multiply, as a control", |g, x, t| {
            let y = layers::multiply(g, x, t)?;
            layers::mean(g, y, None, false)
        }),
        ("max, as a control", |g, x, t| {
            let y = layers::maximum(g, x, t)?;
            layers::max(g, y, None, false)
        }),
    ];
    let positive: [(&str, Loss); 3] = [
        ("kl_divergence", |g, x, t| layers::kl_divergence(g, x, t, false)),
        ("poisson_nll, rates", |g, x, t| layers::poisson_nll(g, x, t, false, false, 1e-8)),
        ("poisson_nll, full", |g, x, t| layers::poisson_nll(g, x, t, true, true, 1e-8)),
    ];
    let probabilities: [(&str, Loss); 1] = [("bce", |g, x, t| layers::binary_cross_entropy(g, x, Target::Values(t)))];
    let all = (regression.iter().map(|c| (c, REAL)))
        .chain(positive.iter().map(|c| (c, POSITIVE)))
        .chain(probabilities.iter().map(|c| (c, (0.1, 1.0))));
    for (&(name, loss), range) in all {
        for seed in 0..TRIALS {
            let mut bench = Bench::new(seed);
            let dims = bench.rng.dims(0..=3);
            let x = bench.batched(&dims, range);
            let t = bench.batched(&dims, range);
            let y = loss(bench.graph(), x, t).unwrap();
            assert!(bench.graph().shape(y).dims.is_empty());
            bench.check(name, y);
        }
    }
}

#[test]
fn losses_against_classes() {
    for seed in 0..2 * TRIALS {
        for smoothing in [0.0, 0.1, 1.0] {
            let mut bench = Bench::new(seed);
            let dims = bench.rng.dims(1..=3);
            let axis = bench.rng.below(dims.len());
            let mut positions = dims.clone();
            let classes = positions.remove(axis);
            let x = bench.batched(&dims, REAL);
            let node = bench.labels(&positions, classes);
            let target = Target::Classes { node, classes };
            let y = layers::cross_entropy(bench.graph(), x, target, axis as i64, smoothing).unwrap();
            bench.check("cross_entropy", y);

            let mut bench = Bench::new(seed);
            let x = bench.batched(&dims, REAL);
            let t = bench.batched(&dims, POSITIVE);
            let y = layers::cross_entropy(bench.graph(), x, Target::Values(t), axis as i64, smoothing).unwrap();
            bench.check("cross_entropy, soft", y);
        }
        type Loss = fn(&mut Graph, NodeId, Target) -> Result<NodeId, Fact>;
        let losses: [(&str, Loss, (f64, f64)); 3] = [
            ("bce", layers::binary_cross_entropy, (0.1, 1.0)),
            ("bce_with_logits", layers::binary_cross_entropy_with_logits, REAL),
            ("hinge", layers::hinge, REAL),
        ];
        for (name, loss, range) in losses {
            let mut bench = Bench::new(seed);
            let dims = if seed % 2 == 0 { vec![1] } else { vec![] };
            let x = bench.batched(&dims, range);
            let node = bench.labels(&[], 2);
            let y = loss(bench.graph(), x, Target::Classes { node, classes: 2 }).unwrap();
            bench.check(name, y);
        }
    }
}
