//! What the language says about images.

use nn_kernels::network::MetricKind;

use super::{checked, mistakes};

fn dims(input: &str, value: &str) -> Vec<usize> {
    let network = checked(&format!("network N {{ input x: {input}; output y = {value}; }}")).network;
    network.graph.shape(network.outputs[0].1).dims.clone()
}

#[test]
fn the_network_of_the_design() {
    let network = checked(
        "pub network Digits {
            const CLASSES = 10;
            input  image: [1, 28, 28];
            target label: class(CLASSES);
            block conv_bn(x, filters, kernel) {
                x >> conv2d(filters, kernel = kernel, padding = kernel / 2) >> batch_norm >> relu
            }
            stem   = image >> conv_bn(16, 5) >> max_pool2d(2);
            body   = stem  >> conv_bn(32, 5) >> max_pool2d(2);
            logits = body  >> flatten >> dense(CLASSES);
            output    probability = softmax(logits);
            loss      cross_entropy(logits, label);
            metric    accuracy(logits, label);
            optimizer adam(learning_rate = 1e-3);
        }",
    )
    .network;
    let declared: Vec<(&str, &[usize], bool)> =
        network.parameters.iter().map(|p| (p.name.as_str(), &p.dims[..], p.trainable)).collect();
    let expected: [(&str, &[usize], bool); 14] = [
        ("stem.conv2d.weight", &[16, 1, 5, 5], true),
        ("stem.conv2d.bias", &[16], true),
        ("stem.batch_norm.weight", &[16], true),
        ("stem.batch_norm.bias", &[16], true),
        ("stem.batch_norm.running_mean", &[16], false),
        ("stem.batch_norm.running_var", &[16], false),
        ("body.conv2d.weight", &[32, 16, 5, 5], true),
        ("body.conv2d.bias", &[32], true),
        ("body.batch_norm.weight", &[32], true),
        ("body.batch_norm.bias", &[32], true),
        ("body.batch_norm.running_mean", &[32], false),
        ("body.batch_norm.running_var", &[32], false),
        ("logits.dense.weight", &[10, 1568], true),
        ("logits.dense.bias", &[10], true),
    ];
    assert_eq!(declared, expected);
}

#[test]
fn classes_of_pixels() {
    let network = checked(
        "network Segment {
            input image: [3, 16, 12];
            target mask: class(4)[16, 12];
            target outline: [1, 16, 12];
            logits = image >> conv2d(4, 3, padding = same);
            edges = image >> conv2d(1, 1);
            loss cross_entropy(logits, mask, axis = 0) + dice_loss(softmax(logits, axis = 0), mask, axis = 0)
                + focal_loss(logits, mask, axis = 0, gamma = 1.5) + focal_loss(edges, outline)
                + dice_loss(edges >> sigmoid, outline);
            metric accuracy(logits, mask, axis = 0);
            metric iou(logits, mask, axis = 0);
            metric edge_iou = iou(edges, outline, threshold = 0.0);
            output classes = softmax(logits, axis = 0);
        }",
    )
    .network;
    let metrics: Vec<(&str, MetricKind)> = network.metrics.iter().map(|m| (m.name.as_str(), m.kind)).collect();
    let expected = [("accuracy", MetricKind::Mean), ("iou", MetricKind::Ratio), ("edge_iou", MetricKind::Ratio)];
    assert_eq!(metrics, expected);
    assert_eq!(network.graph.shape(network.metrics[1].statistics[0]).dims, [4]);
}

#[test]
fn numbers_for_axes_come_alone_or_in_lists() {
    assert_eq!(dims("[3, 9, 12]", "x >> conv2d(4, [1, 3])"), [4, 9, 10]);
    assert_eq!(dims("[3, 9, 12]", "x >> conv2d(4, kernel = 3, stride = [1, 2], padding = [0, 1])"), [4, 7, 6]);
    assert_eq!(dims("[3, 9, 12]", "x >> conv2d(filters = 4, kernel = 3, padding = \"same\")"), [4, 9, 12]);
    assert_eq!(dims("[3, 9, 12]", "x >> conv2d(4, 3, padding = valid, groups = 1)"), [4, 7, 10]);
    assert_eq!(dims("[3, 9, 12]", "x >> max_pool2d([3, 2], stride = 3)"), [3, 3, 4]);
    assert_eq!(dims("[3, 9, 12]", "x >> pad([1, [2, 0]])"), [3, 11, 14]);
}

#[test]
fn a_residual_sum_that_does_not_fit_says_how_it_would() {
    let found = mistakes(
        "network N { input x: [16, 8, 8];
            block down(x) { (x >> conv2d(32, 3, stride = 2, padding = 1)) + x }
            output y = x >> down; }",
    );
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(found[0].contains("`(x >> conv2d(32, 1, stride = 2))`"), "{}", found[0]);
}

#[test]
fn a_mistake_in_a_list_is_reported_once() {
    let found = mistakes("network N { input x: [3, 8, 8]; output y = x >> conv2d(4, [3, K]) >> pad([[1, L], 0]); }");
    assert_eq!(found.len(), 2, "{found:#?}");
    assert!(found.iter().all(|f| f.contains("cannot find")), "{found:#?}");
}
