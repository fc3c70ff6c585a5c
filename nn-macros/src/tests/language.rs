//! What the language means.

use nn_kernels::graph::Shape;
use nn_kernels::network::Rule;

use super::{checked, in_network, mistakes};

/// The per-sample shape of `value` among other statements.
fn shape(statements: &str, value: &str) -> Shape {
    let source = in_network(&format!("{statements} output value = {value};"));
    let network = checked(&source).network;
    network.graph.shape(network.outputs[0].1).clone()
}

fn dims(statements: &str, value: &str) -> Vec<usize> {
    shape(statements, value).dims
}

#[test]
fn everything_at_once() {
    let network = checked(
        "crate = crate::renamed;
        block pair(a, b = 0.5) { const K = 3; h = a >> dense(K); (h, h * b) }
        /// Docs.
        pub(crate) network N {
            const CLASSES = 10; const RATE = 1.0 / CLASSES;
            /// An image.
            input image: [1, 28, 28];
            input extra: [];
            target label: class(CLASSES);
            target tags: class(2)[4];
            block stage(x, n, bias = true) { x >> dense(n, bias = bias) >> relu }
            (a, b) = image >> flatten >> pair;
            (c, _) = pair(a = image >> flatten, b = RATE);
            body = concat([a, b, c]) >> stage(16) >> stage(n = 8, bias = false);
            logits = body >> dense(CLASSES, init = kaiming_uniform(nonlinearity = relu), name = \"head\") + 0.0 * extra;
            output probability = softmax(logits);
            output logits;
            loss cross_entropy(logits, label) + 0.1 * binary_cross_entropy(body >> dense(4) >> sigmoid, tags);
            metric accuracy(logits, label);
            metric half = 0.5 * accuracy(logits, label);
            optimizer sgd(learning_rate = RATE, momentum = 0.9, nesterov = true, clip_norm = 1);
        }"
        .replace(
            "dense(CLASSES, init = kaiming_uniform(nonlinearity = relu), name = \"head\") + 0.0 * extra",
            "dense(CLASSES, init = kaiming_uniform(nonlinearity = relu), name = \"head\"); _e = 0.0 * extra",
        )
        .as_str(),
    );
    assert_eq!(network.header.name, "N");
    let network = network.network;
    assert_eq!(network.inputs, 2);
    assert_eq!(network.fields.iter().map(|f| f.name.as_str()).collect::<Vec<_>>(), ["image", "extra", "label", "tags"]);
    assert_eq!(network.fields[3].dims, [4]);
    assert_eq!(network.fields[3].classes, Some(2));
    assert_eq!(network.outputs.len(), 2);
    assert!(network.loss.is_some());
    assert_eq!(network.metrics.iter().map(|m| m.name.as_str()).collect::<Vec<_>>(), ["accuracy", "half"]);
    let optimizer = network.optimizer.unwrap();
    assert_eq!(optimizer.rule, Rule::Sgd { momentum: 0.9, dampening: 0.0, nesterov: true });
    assert_eq!((optimizer.learning_rate, optimizer.clip_norm, optimizer.clip_value), (0.1, Some(1.0), None));
}

#[test]
fn constants_follow_rusts_arithmetic() {
    let network = checked(
        "network N {
            const A = 7; const B = -7 / 2; const C = A % 4 * 2 + (A - 1) / 2; const D = A / 2.0; const E = 1_000;
            input x: [A / 2, B + 4, C];
            output y = x * D + -E;
        }",
    );
    assert_eq!(network.network.fields[0].dims, [3, 1, 9]);
}

#[test]
fn shapes_of_functions() {
    assert_eq!(dims("", "image >> flatten"), [784]);
    assert_eq!(dims("", "image >> reshape([2, -1, 14])"), [2, 28, 14]);
    assert_eq!(dims("", "image >> linear(5)"), [1, 28, 5]);
    assert_eq!(dims("", "sum(image, axis = -1)"), [1, 28]);
    assert_eq!(dims("", "mean(image, axes = [0, 2])"), [28]);
    assert_eq!(dims("", "max(image, axis = 1, keep_dims = true)"), [1, 1, 28]);
    assert_eq!(dims("", "image >> sum"), []);
    assert_eq!(dims("", "concat(x, x, x)"), [12]);
    assert_eq!(dims("", "concat([image, image], axis = -1)"), [1, 28, 56]);
    assert_eq!(dims("", "matmul(image, image)"), [1, 28, 28]);
    assert_eq!(dims("", "x >> maxout(2)"), [2]);
    assert_eq!(dims("", "image + (x >> reshape([4, 1, 1]))"), [4, 28, 28]);
    assert_eq!(dims("", "2 * x - 1"), [4]);
    assert_eq!(dims("const R = sqrt(16.0);", "x / R"), [4]);
    assert_eq!(dims("", "pow(x, 2) + maximum(x, 0) + minimum(1, x)"), [4]);
    assert_eq!(dims("", "x >> clamp(min = 0) >> clamp(-1, 1)"), [4]);
    // A constant is an output too: one for each sample.
    assert_eq!(shape("", "3"), Shape::batched(&[]));
}

#[test]
fn a_pipe_puts_its_left_side_first() {
    let both = |a: &str, b: &str| {
        let nodes = |value: &str| {
            let network = checked(&in_network(&format!("output v = {value};"))).network;
            network.graph.nodes().map(|(_, node)| node.clone()).collect::<Vec<_>>()
        };
        assert!(nodes(a) == nodes(b), "{a} is not {b}");
    };
    both("x >> dense(3, bias = false)", "dense(x, 3, bias = false)");
    both("x >> relu", "relu(x)");
    both("x >> relu()", "relu(x)");
    both("x >> maximum(0)", "maximum(x, 0)");
    both("x + 1 >> relu", "relu(x + 1)");
    both("-x >> relu", "relu(-x)");
}

#[test]
fn blocks_see_only_themselves() {
    let found = mistakes(
        "network N { const K = 3; input x: [K];
            block a(v) { v >> dense(K) }
            block b(v) { w = v * 2; w }
            output y = x >> b;
            output z = x >> a;
        }",
    );
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(found[0].starts_with("2: block `a` does not see `K` of line 1"), "{}", found[0]);
}

#[test]
fn a_mistake_in_a_block_is_reported_once() {
    let found = mistakes(
        "block f(v, n) { v >> dense(n) }
        network N { input x: [2, 3]; input y: [3];
            a = x >> f(3);
            b = x >> f(4) >> relu;
            c = y >> f(4) >> relu;
            output d = concat([a, b, c >> dense(1)]);
        }",
    );
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(found[0].contains("as it is used on line 3"), "{}", found[0]);
}

#[test]
fn unused_names_are_known() {
    let unused = |source: &str| checked(source).unused.iter().map(|i| i.to_string()).collect::<Vec<_>>();
    let names = unused(
        "block used(x, w) { h = x; x } block idle(x) { x }
        network N { const C = 1; input x: [2]; input z: [2]; target t: [2]; h = x >> used(1); _g = x; output o = x; }",
    );
    assert_eq!(names, ["w", "h", "C", "z", "t", "h", "_g", "idle"]);
}
