//! Gradients at kinks and far from 0, where they end, and what they read.

use super::*;

/// The derivative of an elementwise function at one point, and its value.
fn derivative(f: impl Fn(&mut Graph, NodeId) -> Result<NodeId, Fact>, at: f64) -> (f64, f64) {
    let mut g = Graph::new();
    let x = g.leaf(Leaf::Field(0), Shape::batched(&[]));
    let y = f(&mut g, x).unwrap();
    let seed = g.filled(1.0, &Shape::batched(&[]));
    let gradient = gradients(&mut g, y, seed, &[x])[0];
    let leaf = |_: &Leaf| vec![at];
    let env = Environment { batch: 1, leaf: &leaf, learning_rate: 0.0, step: 0, seed: 0, training: true };
    let results = evaluate(&g, &env);
    (results[y.index()][0], gradient.map_or(0.0, |d| results[d.index()][0]))
}

#[test]
fn gradients_at_kinks_are_pytorchs() {
    let at = |expected: f64, point: f64, f: &dyn Fn(&mut Graph, NodeId) -> Result<NodeId, Fact>| {
        let (_, found) = derivative(f, point);
        assert!((found - expected).abs() < 1e-12, "at {point}: {found}, expected {expected}");
    };
    at(0.0, 0.0, &layers::relu);
    at(0.0, 0.0, &layers::relu6);
    at(0.0, 6.0, &layers::relu6);
    at(0.25, 0.0, &|g, x| layers::leaky_relu(g, x, 0.25));
    at(0.7, 0.0, &|g, x| layers::elu(g, x, 0.7));
    at(1.0, 0.0, &|g, x| layers::celu(g, x, 0.7));
    at(1.050_700_987_355_480_5 * 1.673_263_242_354_377_2, 0.0, &layers::selu);
    at(0.5, 0.0, &|g, x| layers::softplus(g, x, 1.0, 20.0));
    at(0.6, 0.0, &layers::mish);
    at(0.0, -3.0, &layers::hard_sigmoid);
    at(0.0, 3.0, &layers::hard_sigmoid);
    at(0.0, -3.0, &layers::hard_swish);
    at(1.0, 3.0, &layers::hard_swish);
    at(1.0, 0.0, &layers::softsign);
    at(0.0, 0.0, &layers::abs);
    at(1.0, -1.0, &|g, x| layers::clamp(g, x, Some(-1.0), Some(1.0)));
    at(1.0, 1.0, &|g, x| layers::clamp(g, x, Some(-1.0), Some(1.0)));
    at(0.0, 0.0, &layers::step);
    for f in [layers::maximum, layers::minimum] {
        at(0.5, 0.0, &|g, x| {
            let zero = g.constant(0.0);
            f(g, x, zero)
        });
    }
    for exponent in [0.0, 1.0, 2.0, 3.0] {
        at(if exponent == 1.0 { 1.0 } else { 0.0 }, 0.0, &|g, x| {
            let e = g.constant(exponent);
            layers::pow(g, x, e)
        });
    }
    // As an exponent of 0.
    at(0.0, 2.0, &|g, x| {
        let base = g.constant(0.0);
        layers::pow(g, base, x)
    });
    // A loss of 0.5 from both sides of zero.
    let zero_logit = |t: f64| {
        derivative(
            |g, x| {
                let t = g.filled(t, &Shape::batched(&[]));
                layers::binary_cross_entropy_with_logits(g, x, Target::Values(t))
            },
            0.0,
        )
        .1
    };
    assert_eq!((zero_logit(0.0), zero_logit(1.0)), (0.5, -0.5));
}

#[test]
fn extreme_values_stay_finite() {
    let finite = |name: &str, f: &dyn Fn(&mut Graph, NodeId) -> Result<NodeId, Fact>, points: &[f64]| {
        for &x in points {
            let (y, d) = derivative(f, x);
            assert!(y.is_finite() && d.is_finite(), "{name} at {x}: {y}, gradient {d}");
        }
    };
    let wide = [-1e4, -800.0, -90.0, 0.0, 90.0, 800.0, 1e4];
    type Activation = fn(&mut Graph, NodeId) -> Result<NodeId, Fact>;
    let activations: [(&str, Activation); 10] = [
        ("elu", |g, x| layers::elu(g, x, 1.0)),
        ("selu", layers::selu),
        ("celu", |g, x| layers::celu(g, x, 1.0)),
        ("gelu", |g, x| layers::gelu(g, x, false)),
        ("gelu, tanh", |g, x| layers::gelu(g, x, true)),
        ("mish", layers::mish),
        ("softplus", |g, x| layers::softplus(g, x, 1.0, 20.0)),
        ("softplus, steep", |g, x| layers::softplus(g, x, 30.0, 2000.0)),
        ("bce_with_logits", |g, x| {
            let t = g.filled(1.0, &Shape::batched(&[]));
            layers::binary_cross_entropy_with_logits(g, x, Target::Values(t))
        }),
        ("log_cosh", |g, x| {
            let t = g.filled(0.0, &Shape::batched(&[]));
            layers::log_cosh(g, x, t)
        }),
    ];
    for (name, f) in activations {
        finite(name, &f, &wide);
    }
    for t in [0.0, 1.0] {
        let f = |g: &mut Graph, x: NodeId| {
            let t = g.filled(t, &Shape::batched(&[]));
            layers::binary_cross_entropy(g, x, Target::Values(t))
        };
        finite("bce", &f, &[0.0, 1.0, 0.5]);
        assert_eq!(derivative(f, 1.0 - t).0, 100.0, "logarithms are bounded by -100");
    }
    let f = |g: &mut Graph, x: NodeId| {
        let input = g.filled(-1.0, &Shape::batched(&[]));
        layers::kl_divergence(g, input, x, false)
    };
    finite("kl_divergence with a zero target", &f, &[0.0]);
}

#[test]
fn classes_that_are_out_of_the_question_have_no_gradient() {
    // What they are behind the largest logit: exp(-50) counts, and exp(-70) would become a subnormal number some layers down.
    let of_second = |behind: f64| {
        let logits = |g: &mut Graph, x: NodeId| {
            let x = g.reshape(x, &[1]);
            let zero = g.filled(0.0, &Shape::batched(&[1]));
            let logits = layers::concat(g, &[zero, x], 0)?;
            let node = g.filled(0.0, &Shape::batched(&[]));
            layers::cross_entropy(g, logits, Target::Classes { node, classes: 2 }, -1, 0.0)
        };
        derivative(logits, -behind).1
    };
    assert!((of_second(50.0) / (-50.0_f64).exp() - 1.0).abs() < 1e-12);
    assert_eq!(of_second(70.0), 0.0);
}

#[test]
fn the_first_of_equal_maxima_takes_the_gradient() {
    let mut g = Graph::new();
    let x = g.leaf(Leaf::Field(0), Shape::batched(&[2, 3]));
    let y = layers::max(&mut g, x, None, false).unwrap();
    let seed = g.filled(1.0, &Shape::batched(&[]));
    let gradient = gradients(&mut g, y, seed, &[x])[0].unwrap();
    let leaf = |_: &Leaf| vec![0.0, 5.0, 1.0, 5.0, 5.0, 2.0];
    let env = Environment { batch: 1, leaf: &leaf, learning_rate: 0.0, step: 0, seed: 0, training: true };
    assert_eq!(evaluate(&g, &env)[gradient.index()], [0.0, 1.0, 0.0, 0.0, 0.0, 0.0]);
}

#[test]
fn relu_and_its_like_forget_their_argument() {
    // Whether the backward pass reads the pre-activation: if it does not, only the result has to be stored.
    type Activation = fn(&mut Graph, NodeId) -> Result<NodeId, Fact>;
    let activations: [Activation; 5] =
        [layers::relu, layers::relu6, |g, x| layers::leaky_relu(g, x, 0.01), layers::tanh, layers::sigmoid];
    for f in activations {
        let mut g = Graph::new();
        let x = g.leaf(Leaf::Field(0), Shape::batched(&[3]));
        let x = g.unary(Unary::Sin, x);
        let y = f(&mut g, x).unwrap();
        let forward = g.len();
        let seed = g.leaf(Leaf::Field(1), Shape::batched(&[3]));
        gradients(&mut g, y, seed, &[x]);
        let reads_x = g.nodes().skip(forward).any(|(_, n)| n.args.contains(&x));
        assert!(!reads_x, "{g:#?}");
    }
}

#[test]
fn gradients_stop_where_they_must() {
    let mut g = Graph::new();
    let x = g.leaf(Leaf::Field(0), Shape::batched(&[]));
    let other = g.leaf(Leaf::Field(1), Shape::batched(&[]));
    let stopped = g.detach(x);
    let y = g.mul(stopped, x);
    let seed = g.filled(1.0, &Shape::batched(&[]));
    let found = gradients(&mut g, y, seed, &[x, other]);
    assert_eq!(found[0], Some(stopped), "only the factor that is not detached has a gradient");
    assert_eq!(found[1], None);
}

#[test]
fn gradients_carry_the_label_of_their_node() {
    let mut n = Network::default();
    n.graph.set_label("input");
    let x = n.graph.leaf(Leaf::Field(0), Shape::batched(&[3]));
    n.graph.set_label("first.dense");
    let h = layers::dense(&mut n, "first.dense", x, &Affine::new(2)).unwrap();
    n.graph.set_label("second.tanh");
    let y = layers::tanh(&mut n.graph, h).unwrap();
    let forward = n.graph.len();
    let seed = n.graph.leaf(Leaf::Field(1), Shape::batched(&[2]));
    gradients(&mut n.graph, y, seed, &[x]);
    let labels: Vec<&str> = n.graph.nodes().skip(forward + 1).map(|(id, _)| n.graph.label(id)).collect();
    assert_eq!(labels.first(), Some(&"second.tanh"));
    assert_eq!(labels.last(), Some(&"first.dense"));
}
