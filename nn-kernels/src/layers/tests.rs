//! Values against plain f64 formulas, declarations, facts.
//!
//! That the formulas are PyTorch's is shown by the parity tests, which compare with its numbers.

mod counting;
mod images;
mod optimizers;

use super::*;
use crate::graph::{Graph, Leaf, NodeId, Op, Shape};
use crate::network::{Initializer, MetricKind, Network, Optimizer, Rule};
use crate::reference::{Environment, evaluate};
use crate::shape::{Allowed, Fact, Sized};

/// The elements of `node`, where field `i` has the elements `fields[i]`.
fn value(g: &Graph, node: NodeId, batch: usize, fields: &[&[f64]], training: bool) -> Vec<f64> {
    let leaf = |leaf: &Leaf| match leaf {
        Leaf::Field(i) => fields[*i].to_vec(),
        Leaf::Parameter(_) => vec![0.5],
        _ => unreachable!("no optimizer here"),
    };
    let env = Environment { batch, leaf: &leaf, learning_rate: 0.0, step: 0, seed: 1, training };
    evaluate(g, &env)[node.index()].clone()
}

fn close(found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len());
    for (f, e) in found.iter().zip(expected) {
        assert!((f - e).abs() <= 1e-9 * (1.0 + e.abs()), "{found:?}, expected {expected:?}");
    }
}

fn field(g: &mut Graph, i: usize, dims: &[usize]) -> NodeId {
    g.leaf(Leaf::Field(i), Shape::batched(dims))
}

/// Applies a function of `fields.len()` tensors of dimensions `dims` to one sample.
fn apply(
    dims: &[usize],
    fields: &[&[f64]],
    f: impl Fn(&mut Graph, &[NodeId]) -> Result<NodeId, Fact>,
) -> Result<Vec<f64>, Fact> {
    let mut g = Graph::new();
    let nodes: Vec<NodeId> = (0..fields.len()).map(|i| field(&mut g, i, dims)).collect();
    let y = f(&mut g, &nodes)?;
    Ok(value(&g, y, 1, fields, true))
}

#[test]
fn activations_are_their_formulas() {
    type Activation = fn(&mut Graph, NodeId) -> Result<NodeId, Fact>;
    let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
    let elu = |x: f64, alpha: f64| if x > 0.0 { x } else { alpha * (x.exp() - 1.0) };
    let softplus = |x: f64| (1.0 + x.exp()).ln();
    type Row<'a> = (&'a str, Activation, &'a dyn Fn(f64) -> f64);
    let table: [Row<'_>; 24] = [
        ("identity", super::identity, &|x| x),
        ("step", super::step, &|x| f64::from(x > 0.0)),
        ("sigmoid", super::sigmoid, &sigmoid),
        ("hard_sigmoid", super::hard_sigmoid, &|x| (x / 6.0 + 0.5).clamp(0.0, 1.0)),
        ("tanh", super::tanh, &f64::tanh),
        ("relu", super::relu, &|x| x.max(0.0)),
        ("relu6", super::relu6, &|x| x.clamp(0.0, 6.0)),
        ("leaky_relu", |g, x| leaky_relu(g, x, 0.01), &|x| if x > 0.0 { x } else { 0.01 * x }),
        ("elu", |g, x| super::elu(g, x, 1.0), &|x| elu(x, 1.0)),
        ("elu, alpha", |g, x| super::elu(g, x, 0.3), &|x| elu(x, 0.3)),
        ("selu", super::selu, &|x| 1.0507009873554805 * elu(x, 1.6732632423543772)),
        ("celu, alpha", |g, x| super::celu(g, x, 0.5), &|x| x.max(0.0) + (0.5 * ((x / 0.5).exp() - 1.0)).min(0.0)),
        ("gelu", |g, x| gelu(g, x, false), &|x| 0.5 * x * (1.0 + libm::erf(x / 2_f64.sqrt()))),
        ("gelu, tanh", |g, x| gelu(g, x, true), &|x| {
            0.5 * x * (1.0 + ((2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x.powi(3))).tanh())
        }),
        ("silu", super::silu, &|x| x * sigmoid(x)),
        ("mish", super::mish, &|x| x * softplus(x).tanh()),
        ("softplus", |g, x| super::softplus(g, x, 1.0, 20.0), &softplus),
        ("softplus, options", |g, x| super::softplus(g, x, 2.0, 3.0), &|x| {
            if 2.0 * x > 3.0 { x } else { softplus(2.0 * x) / 2.0 }
        }),
        ("softsign", super::softsign, &|x| x / (1.0 + x.abs())),
        ("hard_swish", super::hard_swish, &|x| x * (x / 6.0 + 0.5).clamp(0.0, 1.0)),
        ("square", super::square, &|x| x * x),
        ("clamp", |g, x| clamp(g, x, Some(-1.0), Some(2.0)), &|x| x.clamp(-1.0, 2.0)),
        ("clamp, one side", |g, x| clamp(g, x, None, Some(2.0)), &|x| x.min(2.0)),
        (
            "pow",
            |g, x| {
                let e = g.constant(3.0);
                pow(g, x, e)
            },
            &|x| x.powi(3),
        ),
    ];
    let points: Vec<f64> = (-40..=40).map(|i| f64::from(i) * 0.25).collect();
    for (name, f, formula) in table {
        let found = apply(&[points.len()], &[&points], |g, x| f(g, x[0])).unwrap();
        let expected: Vec<f64> = points.iter().map(|&x| formula(x)).collect();
        println!("{name}");
        close(&found, &expected);
    }
}

#[test]
fn a_nan_stays_one() {
    type Activation = fn(&mut Graph, NodeId) -> Result<NodeId, Fact>;
    let table: [Activation; 7] = [
        relu,
        relu6,
        hard_swish,
        selu,
        |g, x| softplus(g, x, 1.0, 20.0),
        |g, x| clamp(g, x, Some(0.0), Some(1.0)),
        |g, x| leaky_relu(g, x, 0.1),
    ];
    for f in table {
        assert!(apply(&[1], &[&[f64::NAN]], |g, x| f(g, x[0])).unwrap()[0].is_nan());
    }
}

#[test]
fn softmax_is_stable() {
    let x = [1000.0, 1001.0, 999.0];
    let e = [(-1_f64).exp(), 1.0, (-2_f64).exp()];
    let sum: f64 = e.iter().sum();
    close(&apply(&[3], &[&x], |g, x| softmax(g, x[0], -1)).unwrap(), &e.map(|e| e / sum));
    close(&apply(&[3], &[&x], |g, x| log_softmax(g, x[0], -1)).unwrap(), &[-1.0, 0.0, -2.0].map(|z| z - sum.ln()));
    let columns = apply(&[2, 2], &[&[0.0, 1.0, 0.0, 3.0]], |g, x| softmax(g, x[0], 0)).unwrap();
    close(&[columns[0] + columns[2], columns[1] + columns[3], columns[0]], &[1.0, 1.0, 0.5]);
}

#[test]
fn maxout_takes_consecutive_features() {
    let y = apply(&[6], &[&[1.0, 4.0, 2.0, -1.0, -5.0, -3.0]], |g, x| maxout(g, x[0], 3)).unwrap();
    assert_eq!(y, [4.0, -1.0]);
    let fact = apply(&[6], &[&[0.0; 6]], |g, x| maxout(g, x[0], 4)).unwrap_err();
    assert!(matches!(fact, Fact::NotDivisible { size: 6, divisor: 4, .. }));
}

#[test]
fn losses_are_their_formulas() {
    type Loss = fn(&mut Graph, &[NodeId]) -> Result<NodeId, Fact>;
    let (x, t) = ([0.3, -1.2, 2.5, 0.0], [0.5, 0.7, -1.0, 1.0]);
    let p = [0.2, 0.9, 0.5, 0.7];
    let mean = |f: &dyn Fn(f64, f64) -> f64, x: [f64; 4], t: [f64; 4]| {
        x.iter().zip(t).map(|(&x, t)| f(x, t)).sum::<f64>() / 4.0
    };
    let huber_formula = |d: f64| if d.abs() < 0.8 { 0.5 * d * d } else { 0.8 * (d.abs() - 0.4) };
    type Row<'a> = (Loss, [f64; 4], [f64; 4], &'a dyn Fn(f64, f64) -> f64);
    let table: [Row<'_>; 12] = [
        (|g, x| mse(g, x[0], x[1]), x, t, &|x, t| (x - t).powi(2)),
        (|g, x| mae(g, x[0], x[1]), x, t, &|x, t| (x - t).abs()),
        (|g, x| huber(g, x[0], x[1], 0.8), x, t, &|x, t| huber_formula(x - t)),
        (|g, x| smooth_l1(g, x[0], x[1], 0.8), x, t, &|x, t| huber_formula(x - t) / 0.8),
        (|g, x| log_cosh(g, x[0], x[1]), x, t, &|x, t| (x - t).cosh().ln()),
        (|g, x| binary_cross_entropy(g, x[0], Target::Values(x[1])), p, t, &|p, t| {
            -(t * p.ln() + (1.0 - t) * (1.0 - p).ln())
        }),
        (|g, x| binary_cross_entropy_with_logits(g, x[0], Target::Values(x[1])), x, t, &|x, t| {
            let p = 1.0 / (1.0 + (-x).exp());
            -(t * p.ln() + (1.0 - t) * (1.0 - p).ln())
        }),
        (|g, x| hinge(g, x[0], Target::Values(x[1])), x, [1.0, 1.0, -1.0, -1.0], &|x, t| (1.0 - t * x).max(0.0)),
        (|g, x| kl_divergence(g, x[0], x[1], false), x, [0.1, 0.0, 0.6, 0.3], &|x, t| {
            if t == 0.0 { 0.0 } else { t * (t.ln() - x) }
        }),
        (|g, x| kl_divergence(g, x[0], x[1], true), x, t, &|x, t| t.exp() * (t - x)),
        (|g, x| poisson_nll(g, x[0], x[1], true, true, 1e-8), x, [0.0, 1.0, 2.0, 7.0], &|x, t: f64| {
            let stirling = t * t.ln() - t + 0.5 * (2.0 * std::f64::consts::PI * t).ln();
            x.exp() - t * x + if t > 1.0 { stirling } else { 0.0 }
        }),
        (|g, x| poisson_nll(g, x[0], x[1], false, false, 1e-8), p, [0.0, 1.0, 2.0, 7.0], &|x, t| {
            x - t * (x + 1e-8).ln()
        }),
    ];
    for (loss, x, t, formula) in table {
        close(&apply(&[4], &[&x, &t], loss).unwrap(), &[mean(formula, x, t)]);
    }
}

#[test]
fn cross_entropy_takes_indices_and_distributions() {
    // Two positions with three classes, as [2, 3] and, with classes as channels, as [3, 2].
    let rows: [f64; 6] = [0.1, 2.0, -1.0, 0.5, 0.5, 3.0];
    let columns = [0.1, 0.5, 2.0, 0.5, -1.0, 3.0];
    let labels = [1.0, 0.0];
    let log_p = |position: usize, class: usize| {
        let z = &rows[position * 3..position * 3 + 3];
        z[class] - z.iter().map(|z| z.exp()).sum::<f64>().ln()
    };
    for smoothing in [0.0, 0.1] {
        let target = |position: usize, class: usize| {
            f64::from(labels[position] == class as f64) * (1.0 - smoothing) + smoothing / 3.0
        };
        let all = (0..2).flat_map(|p| (0..3).map(move |c| (p, c)));
        let expected = -all.clone().map(|(p, c)| target(p, c) * log_p(p, c)).sum::<f64>() / 2.0;
        for (axis, dims, logits) in [(-1, [2, 3], rows), (1, [2, 3], rows), (0, [3, 2], columns)] {
            let mut g = Graph::new();
            let (x, node) = (field(&mut g, 0, &dims), field(&mut g, 1, &[2]));
            let y = cross_entropy(&mut g, x, Target::Classes { node, classes: 3 }, axis, smoothing).unwrap();
            close(&value(&g, y, 1, &[&logits, &labels], true), &[expected]);
        }
        let one_hot: Vec<f64> = all.map(|(p, c)| f64::from(labels[p] == c as f64)).collect();
        let soft =
            apply(&[2, 3], &[&rows, &one_hot], |g, x| cross_entropy(g, x[0], Target::Values(x[1]), -1, smoothing));
        close(&soft.unwrap(), &[expected]);
    }
}

#[test]
fn labels_are_checked_against_logits() {
    let mut g = Graph::new();
    let (logits, node) = (field(&mut g, 0, &[12]), field(&mut g, 1, &[]));
    let fact = cross_entropy(&mut g, logits, Target::Classes { node, classes: 10 }, -1, 0.0).unwrap_err();
    let expected = Fact::Classes { logits: vec![12], axis: 0, width: 12, classes: 10, fitting_axes: vec![] };
    assert_eq!(fact, expected);
    let fact = binary_cross_entropy(&mut g, logits, Target::Classes { node, classes: 3 }).unwrap_err();
    assert_eq!(fact, Fact::NotBinary { classes: 3 });
    let fact = binary_cross_entropy(&mut g, logits, Target::Classes { node, classes: 2 }).unwrap_err();
    assert!(matches!(fact, Fact::Differ { .. }));
    let fact = mse(&mut g, logits, node).unwrap_err();
    assert!(matches!(fact, Fact::Differ { would_broadcast: true, .. }));
    let fact = cross_entropy(&mut g, logits, Target::Classes { node, classes: 12 }, -1, 1.5).unwrap_err();
    assert!(matches!(fact, Fact::Option { name: "label_smoothing", .. }));
    assert_eq!(per_sample_loss(&mut g, logits), Err(Fact::NotAScalar { shape: vec![12] }));
}

#[test]
fn a_binary_label_may_lack_the_last_axis_of_size_one() {
    for dims in [vec![], vec![1]] {
        let mut g = Graph::new();
        let (x, node) = (field(&mut g, 0, &dims), field(&mut g, 1, &[]));
        let target = Target::Classes { node, classes: 2 };
        let y = binary_cross_entropy(&mut g, x, target).unwrap();
        close(&value(&g, y, 2, &[&[0.25, 0.25], &[1.0, 0.0]], true), &[-(0.25_f64.ln()), -(0.75_f64.ln())]);
        let y = hinge(&mut g, x, target).unwrap();
        close(&value(&g, y, 2, &[&[0.25, 0.25], &[1.0, 0.0]], true), &[0.75, 1.25]);
    }
}

#[test]
fn dense_reads_one_vector_and_linear_any_shape() {
    let mut n = Network::default();
    let image = field(&mut n.graph, 0, &[16, 14, 14]);
    let fact = dense(&mut n, "a.dense", image, &Affine::new(10)).unwrap_err();
    assert_eq!(fact, Fact::NotAVector { operand: 0, shape: vec![16, 14, 14], features: 3136 });
    let bias_init = Some(Init::XavierUniform { gain: 1.0 });
    let fact = linear(&mut n, "a.linear", image, &Affine { bias_init, ..Affine::new(10) }).unwrap_err();
    assert_eq!(fact, Fact::NoFans { initializer: "xavier_uniform", dims: vec![10] });
    assert!(n.parameters.is_empty(), "a layer that fails declares nothing");
    let y = linear(&mut n, "a.linear", image, &Affine::new(10)).unwrap();
    assert_eq!(n.graph.shape(y), &Shape::batched(&[16, 14, 10]));
    let x = flatten(&mut n.graph, image).unwrap();
    let y = dense(&mut n, "b.dense", x, &Affine { bias: false, ..Affine::new(5) }).unwrap();
    assert_eq!(n.graph.shape(y), &Shape::batched(&[5]));
    let declared: Vec<(&str, &[usize])> = n.parameters.iter().map(|p| (p.name.as_str(), &p.dims[..])).collect();
    let expected: [(&str, &[usize]); 3] =
        [("a.linear.weight", &[10, 14]), ("a.linear.bias", &[10]), ("b.dense.weight", &[5, 3136])];
    assert_eq!(declared, expected);
    let bound = 1.0 / 14_f64.sqrt();
    for p in &n.parameters[..2] {
        let Initializer::Uniform { low, high } = p.init else { panic!("{:?}", p.init) };
        close(&[low, high], &[-bound, bound]);
    }
}

#[test]
fn products_are_those_of_the_layouts() {
    let mut n = Network::default();
    let x = field(&mut n.graph, 0, &[2]);
    let y = dense(&mut n, "dense", x, &Affine::new(3)).unwrap();
    let leaf = |leaf: &Leaf| match leaf {
        Leaf::Field(_) => vec![1.0, 10.0, 2.0, 20.0],
        Leaf::Parameter(0) => vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0],
        _ => vec![0.1, 0.2, 0.3],
    };
    let env = Environment { batch: 2, leaf: &leaf, learning_rate: 0.0, step: 0, seed: 0, training: true };
    close(&evaluate(&n.graph, &env)[y.index()], &[21.1, 43.2, 65.3, 42.1, 86.2, 130.3]);

    let y = apply(&[2, 2], &[&[1.0, 2.0, 3.0, 4.0], &[5.0, 6.0, 7.0, 8.0]], |g, x| matmul(g, x[0], x[1]));
    assert_eq!(y.unwrap(), [19.0, 22.0, 43.0, 50.0]);
}

#[test]
fn sizes_of_parameters_are_bounded() {
    let mut n = Network::default();
    let x = field(&mut n.graph, 0, &[1 << 16]);
    let large = dense(&mut n, "a", x, &Affine::new(1 << 15)).unwrap_err();
    assert!(matches!(large, Fact::TooLarge { what: Sized::Parameter, .. }));
    dense(&mut n, "a", x, &Affine::new(1 << 14)).unwrap();
    let fact = dense(&mut n, "b", x, &Affine::new(1 << 14)).unwrap_err();
    assert!(matches!(fact, Fact::TooLarge { what: Sized::AllParameters, .. }));
    let fact = dense(&mut n, "c", x, &Affine::new(usize::MAX)).unwrap_err();
    assert!(matches!(fact, Fact::TooLarge { what: Sized::Tensor, .. }));
    let fact = dense(&mut n, "c", x, &Affine::new(0)).unwrap_err();
    assert!(matches!(fact, Fact::Zero { .. }));
}

#[test]
fn a_shared_parameter_exists_once() {
    let mut n = Network::default();
    let mut add = |sharing: bool, dims: &[usize], value: f64| {
        n.sharing = sharing;
        let node = add_parameter(&mut n, "a.weight".to_owned(), dims, Initializer::Constant(value));
        (node, n.parameters.len())
    };
    let (first, _) = add(true, &[2, 3], 0.0);
    assert_eq!(add(true, &[2, 3], 0.0), (first.clone(), 1));
    let shared = Fact::Shared { parameter: "a.weight".to_owned(), first: vec![2, 3], dims: vec![2, 4] };
    assert_eq!(add(true, &[2, 4], 0.0), (Err(shared), 1));
    assert_eq!(add(true, &[2, 3], 1.0), (Err(Fact::SharedStart { parameter: "a.weight".to_owned() }), 1));
    let (another, count) = add(false, &[2, 3], 0.0);
    assert!(another != first && count == 2, "otherwise names do not matter");
}

#[test]
fn initializers_are_resolved_by_fans() {
    let resolve = |init: Init| init.resolve(&[6, 10, 3]).unwrap();
    let (fan_in, fan_out) = (30.0_f64, 18.0_f64);
    let uniform = |init: Init, bound: f64| {
        let Initializer::Uniform { low, high } = resolve(init) else { panic!("not uniform") };
        close(&[low, high], &[-bound, bound]);
    };
    let normal = |init: Init, expected: f64| {
        let Initializer::Normal { mean, std } = resolve(init) else { panic!("not normal") };
        close(&[mean, std], &[0.0, expected]);
    };
    uniform(Init::XavierUniform { gain: 2.0 }, 2.0 * (6.0 / (fan_in + fan_out)).sqrt());
    normal(Init::XavierNormal { gain: 2.0 }, 2.0 * (2.0 / (fan_in + fan_out)).sqrt());
    let (a, mode) = (0.0, Fan::In);
    uniform(Init::KaimingUniform { a, mode, nonlinearity: Nonlinearity::LeakyRelu }, (6.0 / fan_in).sqrt());
    normal(Init::KaimingNormal { a, mode, nonlinearity: Nonlinearity::Relu }, (2.0 / fan_in).sqrt());
    let mode = Fan::Out;
    normal(Init::KaimingNormal { a, mode, nonlinearity: Nonlinearity::Tanh }, 5.0 / 3.0 / fan_out.sqrt());
    let a = 5_f64.sqrt();
    uniform(Init::KaimingUniform { a, mode, nonlinearity: Nonlinearity::LeakyRelu }, 1.0 / fan_out.sqrt());
    let Initializer::TruncatedNormal { std, low, high, .. } = resolve(Init::LecunNormal) else {
        panic!("not truncated")
    };
    // The variance of a normal distribution truncated at two standard deviations, by its formula.
    let density = (-2.0_f64).exp() / (2.0 * std::f64::consts::PI).sqrt();
    let variance = 1.0 - 4.0 * density / libm::erf(2_f64.sqrt());
    close(&[std * std * variance, low, high], &[1.0 / fan_in, -2.0 * std, 2.0 * std]);
    assert_eq!(resolve(Init::Ones), Initializer::Constant(1.0));
    assert_eq!(
        Init::Orthogonal { gain: 1.0 }.resolve(&[4]),
        Err(Fact::NoFans { initializer: "orthogonal", dims: vec![4] })
    );
    let fact = Init::Normal { mean: 0.0, std: -1.0 }.resolve(&[4]).unwrap_err();
    assert_eq!(fact, Fact::Option { name: "std", value: -1.0, allowed: Allowed::AtLeast(0.0) });
}

#[test]
fn prelu_has_one_slope_or_one_for_each_channel() {
    let mut n = Network::default();
    let x = field(&mut n.graph, 0, &[4, 3]);
    prelu(&mut n, "a", x, 1, 0.25).unwrap();
    prelu(&mut n, "b", x, 4, 0.1).unwrap();
    assert_eq!(prelu(&mut n, "c", x, 3, 0.1), Err(Fact::Slopes { shape: vec![4, 3], slopes: 3 }));
    let declared: Vec<(&str, &[usize], Initializer)> =
        n.parameters.iter().map(|p| (p.name.as_str(), &p.dims[..], p.init)).collect();
    let expected: [(&str, &[usize], Initializer); 2] =
        [("a.weight", &[1], Initializer::Constant(0.25)), ("b.weight", &[4], Initializer::Constant(0.1))];
    assert_eq!(declared, expected);
}

#[test]
fn dropout_keeps_the_mean_and_does_nothing_in_inference() {
    let mut g = Graph::new();
    let x = field(&mut g, 0, &[10_000]);
    let once = dropout(&mut g, x, 0.25).unwrap();
    let again = dropout(&mut g, x, 0.25).unwrap();
    assert_ne!(once, again, "each call has a stream of its own");
    let ones = vec![1.0; 10_000];
    let y = value(&g, once, 1, &[&ones], true);
    assert!(y.iter().all(|&y| y == 0.0 || (y - 4.0 / 3.0).abs() < 1e-12));
    let kept = y.iter().filter(|&&y| y != 0.0).count();
    assert!((7300..7700).contains(&kept), "{kept}");
    assert_ne!(y, value(&g, again, 1, &[&ones], true));
    assert_eq!(value(&g, once, 1, &[&ones], false), ones);
    assert_eq!(dropout(&mut g, x, 0.0), Ok(x));
    let all = dropout(&mut g, x, 1.0).unwrap();
    assert!(value(&g, all, 1, &[&ones], true).iter().all(|&y| y == 0.0));
    assert!(matches!(dropout(&mut g, x, 1.1), Err(Fact::Option { name: "p", .. })));
}

#[test]
fn accuracy_decides_by_what_it_is_given() {
    let metric = |dims: &[usize], label: &[usize], classes: Option<usize>, x: &[f64], t: &[f64], threshold| {
        let mut g = Graph::new();
        let (p, node) = (field(&mut g, 0, dims), field(&mut g, 1, label));
        let target = classes.map_or(Target::Values(node), |classes| Target::Classes { node, classes });
        let y = accuracy(&mut g, p, target, -1, threshold)?;
        let batch = t.len() / label.iter().product::<usize>();
        Ok::<_, Fact>(value(&g, y, batch, &[x, t], false))
    };
    // Integer labels, three samples; the first of two maxima counts.
    let x = [0.1, 0.8, 0.1, 0.5, 0.5, 0.0, 0.2, 0.3, 0.5];
    assert_eq!(metric(&[3], &[], Some(3), &x, &[1.0, 1.0, 2.0], None), Ok(vec![1.0, 0.0, 1.0]));
    // One-hot targets.
    let t = [0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0, 0.0];
    assert_eq!(metric(&[3], &[3], None, &x, &t, None), Ok(vec![1.0, 1.0, 0.0]));
    // Binary, against numbers and against class(2), with and without a last axis of size 1.
    let (x, t) = ([0.4, 0.5, 0.6, 0.9], [0.0, 1.0, 1.0, 0.0]);
    for (dims, label) in [(vec![1], vec![1]), (vec![], vec![])] {
        assert_eq!(metric(&dims, &label, None, &x, &t, None), Ok(vec![1.0, 0.0, 1.0, 0.0]));
    }
    for dims in [vec![1], vec![]] {
        assert_eq!(metric(&dims, &[], Some(2), &x, &t, None), Ok(vec![1.0, 0.0, 1.0, 0.0]));
        assert_eq!(metric(&dims, &[], Some(2), &x, &t, Some(0.45)), Ok(vec![1.0, 1.0, 1.0, 0.0]));
    }
    // Two logits for two classes are a decision between them.
    assert_eq!(metric(&[2], &[], Some(2), &[1.0, 2.0, 3.0, 0.0], &[1.0, 1.0], None), Ok(vec![1.0, 0.0]));
    // Several binary decisions a sample count in part.
    assert_eq!(metric(&[4], &[4], Some(2), &x, &t, None), Ok(vec![0.5]));
    assert_eq!(metric(&[4], &[4], None, &x, &t, Some(0.5)), Ok(vec![0.5]));
    assert!(matches!(metric(&[4], &[], Some(5), &x, &[0.0], None), Err(Fact::Classes { .. })));
    // A NaN is never right.
    assert_eq!(metric(&[2], &[], Some(2), &[f64::NAN, f64::NAN], &[0.0], None), Ok(vec![0.0]));
}

#[test]
fn metrics_are_reduced_over_the_batch() {
    let mut g = Graph::new();
    let (x, t) = (field(&mut g, 0, &[2]), field(&mut g, 1, &[2]));
    let per_sample = mse(&mut g, x, t).unwrap();
    let metric = mean_metric(&mut g, "mse", per_sample).unwrap();
    let (xs, ts) = ([1.0, 2.0, 3.0, 4.0], [1.0, 1.0, 1.0, 8.0]);
    assert_eq!(metric.kind, MetricKind::Mean);
    close(&value(&g, metric.statistics[0], 2, &[&xs, &ts], false), &[(0.0 + 1.0 + 4.0 + 16.0) / 4.0]);
    assert!(matches!(mean_metric(&mut g, "x", x), Err(Fact::NotAScalar { .. })));

    let metric = r2(&mut g, "r2", x, t, Counting::default()).unwrap();
    assert_eq!(metric.kind, MetricKind::R2);
    let statistics: Vec<Vec<f64>> = metric.statistics.iter().map(|&s| value(&g, s, 2, &[&xs, &ts], false)).collect();
    close(&statistics.concat(), &[2.0, 8.5, 1.0, 4.5, 0.0, 12.25]);
    assert!(metric.statistics.iter().all(|&s| g.shape(s) == &Shape::fixed(&[2])));
}

#[test]
fn arithmetic_broadcasts_and_says_where_it_cannot() {
    let mut g = Graph::new();
    let (a, b) = (field(&mut g, 0, &[3, 1]), field(&mut g, 1, &[4]));
    let y = add(&mut g, a, b).unwrap();
    assert_eq!(g.shape(y), &Shape::batched(&[3, 4]));
    let c = field(&mut g, 2, &[3]);
    for f in [add, subtract, multiply, divide, minimum, maximum, pow] {
        let expected = Fact::Broadcast { left: vec![4], right: vec![3], left_axis: 0, right_axis: 0 };
        assert_eq!(f(&mut g, b, c), Err(expected));
    }
    let two = g.constant(2.0);
    let y = multiply(&mut g, two, c).unwrap();
    assert_eq!(g.shape(y), &Shape::batched(&[3]));
    let parts = [a, y];
    assert!(matches!(concat(&mut g, &parts, 0), Err(Fact::Concat { operand: 1, axis: None, .. })));
    assert!(matches!(sum(&mut g, a, Some(&[0, -2]), false), Err(Fact::AxisTwice { axis: -2, .. })));
    assert!(matches!(clamp(&mut g, a, Some(1.0), Some(0.0)), Err(Fact::Option { name: "max", .. })));
}

#[test]
fn outputs_exist_for_each_sample() {
    let mut g = Graph::new();
    let c = g.constant(2.0);
    let y = output(&mut g, c);
    assert_eq!(g.shape(y), &Shape::batched(&[]));
    assert!(matches!(g.node(y).op, Op::Broadcast));
    let loss = per_sample_loss(&mut g, c).unwrap();
    assert_eq!(loss, y);
}

fn weighted_cross_entropy(
    g: &mut Graph,
    x: NodeId,
    target: Target,
    smoothing: f64,
    weights: &[f64],
) -> Result<NodeId, Fact> {
    let positions = losses::cross_entropy(g, x, target, -1, smoothing, Some(weights), Counting::default())?;
    Ok(positions.mean(g))
}

#[test]
fn weights_of_classes_are_pytorchs() {
    let (xs, labels): ([f64; 9], [f64; 3]) = ([0.5, -1.0, 2.0, 1.0, 0.0, -0.5, 0.25, 0.25, 0.0], [2.0, 0.0, 1.0]);
    let weights = [1.0, 4.0, 0.5];
    let log_p = |row: usize, class: usize| {
        let row = &xs[3 * row..3 * row + 3];
        row[class] - row.iter().map(|x| x.exp()).sum::<f64>().ln()
    };
    let mut g = Graph::new();
    let (x, node) = (field(&mut g, 0, &[3]), field(&mut g, 1, &[]));
    let target = Target::Classes { node, classes: 3 };
    for smoothing in [0.0, 0.1] {
        let y = weighted_cross_entropy(&mut g, x, target, smoothing, &weights).unwrap();
        let got = value(&g, y, 3, &[&xs, &labels], true);
        let total: f64 = labels.iter().map(|&l| weights[l as usize]).sum();
        let loss = |row: usize| {
            let label = labels[row] as usize;
            let own = -(1.0 - smoothing) * weights[label] * log_p(row, label);
            let all: f64 = (0..3).map(|class| -weights[class] * log_p(row, class)).sum();
            own + smoothing / 3.0 * all
        };
        let expected = (0..3).map(loss).sum::<f64>() / total;
        close(&[got.iter().sum::<f64>() / 3.0], &[expected]);
    }
    // Where nothing weighs anything, nothing is lost.
    let y = weighted_cross_entropy(&mut g, x, target, 0.0, &[0.0; 3]).unwrap();
    close(&value(&g, y, 3, &[&xs, &labels], true), &[0.0; 3]);
    let wrong = weighted_cross_entropy(&mut g, x, target, 0.0, &[1.0, 2.0]);
    assert_eq!(wrong, Err(Fact::ClassWeights { given: 2, classes: 3 }));
    // What is true weighs three times as much.
    let (logits, t) = (field(&mut g, 2, &[1]), field(&mut g, 3, &[1]));
    let y = binary_cross_entropy_with_pos_weight(&mut g, logits, Target::Values(t), 3.0).unwrap();
    let softplus = |x: f64| x.exp().ln_1p();
    let got = value(&g, y, 2, &[&xs[..6], &labels[..2], &[0.7, -2.0], &[1.0, 0.0]], true);
    close(&got, &[3.0 * softplus(-0.7), softplus(-2.0)]);
}
