//! Loops, choices, blocks as arguments, and sharing.

use std::io::Write;
use std::time::{Duration, Instant};

use nn_kernels::graph::{Leaf, Op};

use super::expansion::resnet50;
use super::{checked, in_network, mistakes};

/// The paths of the weights of a network, with the first dimension of each.
fn weights(source: &str) -> Vec<String> {
    let network = checked(source).network;
    let weights = network.parameters.iter().filter_map(|p| Some((p.name.strip_suffix(".weight")?, p.dims[0])));
    weights.map(|(path, n)| format!("{path} {n}")).collect()
}

/// The dimensions of an expression.
fn dims(value: &str) -> Vec<usize> {
    let network = checked(&in_network(&format!("output value = {value};"))).network;
    network.graph.shape(network.outputs[0].1).dims.clone()
}

/// The nodes of a network with this output.
fn nodes(value: &str) -> Vec<String> {
    let network = checked(&in_network(&format!("output v = {value};"))).network;
    network.graph.nodes().map(|(_, node)| format!("{:?} {:?} {:?}", node.op, node.args, node.shape)).collect()
}

/// The golden test: statement, then bindings of blocks and indices of loops, then the layer, then the tensor.
#[test]
fn parameters_are_named_after_bindings_and_indices() {
    let found = weights(
        "block bottleneck(x, n) { body = x >> dense(n) >> relu; (body >> dense(4)) + x }
        block stage(x, n, block_: block) { first = x >> block_; first >> repeat(n, block_) }
        network N {
            input x: [4];
            stage_1 = x >> stage(2, bottleneck(8)) >> dense(4);
            output y = stage_1 >> repeat(2, |x, i| x >> dense(3 + i) >> repeat(2, dense(5))) >> repeat(1, dense(6));
            loss mean(if true { inner = y >> dense(7); inner >> dense(8) } else { y });
        }",
    );
    let expected = "\
stage_1.first.body.dense 8
stage_1.first.dense 4
stage_1.0.body.dense 8
stage_1.0.dense 4
stage_1.1.body.dense 8
stage_1.1.dense 4
stage_1.dense 4
y.0.dense 3
y.0.0.dense 5
y.0.1.dense 5
y.1.dense 4
y.1.0.dense 5
y.1.1.dense 5
y.0.dense_1 6
loss.inner.dense 7
loss.dense 8";
    assert_eq!(found.join("\n"), expected);
}

#[test]
fn repeating_is_writing_out() {
    assert_eq!(nodes("x >> repeat(3, tanh)"), nodes("x >> tanh >> tanh >> tanh"));
    assert_eq!(
        nodes("x >> repeat(2, leaky_relu(negative_slope = 0.1))"),
        nodes("x >> repeat(2, |v| v >> leaky_relu(negative_slope = 0.1))")
    );
    assert_eq!(nodes("repeat(x, 2, |v, i| v * (i + 1))"), nodes("x * 1 * 2"));
    assert_eq!(nodes("repeat(x, n = 1, block = |_, i| x + i)"), nodes("if false { x + 1 } else { x + 0 }"));
    assert_eq!(nodes("x >> repeat(0, dense(1000)) >> relu"), nodes("x >> relu"));
    assert_eq!(nodes("x >> repeat(2, repeat(2, tanh))"), nodes("x >> repeat(4, tanh)"));
    // Shapes may change from one application to the next.
    assert_eq!(dims("x >> repeat(3, |v, i| v >> dense(10 - i))"), [8]);
    assert_eq!(dims("x >> repeat(2, |v| concat(v, v))"), [16]);
}

#[test]
fn closures_see_where_they_are_written() {
    let source = |apply: &str| {
        format!(
            "block apply(x, n, body: block) {{ const WIDTH = 5; inside = x >> dense(WIDTH * n); {apply} }}
            network N {{ const WIDTH = 3; input x: [4]; input z: [3];
                output y = x >> apply(2, |v| {{ const HALF = WIDTH / 2 + 1; v >> dense(WIDTH) + z >> dense(HALF) }}); }}"
        )
        .replace("v >> dense(WIDTH) + z", "(v >> dense(WIDTH)) + z")
    };
    assert_eq!(weights(&source("inside >> body")), ["y.inside.dense 10", "y.dense 3", "y.dense_1 2"]);
    assert_eq!(weights(&source("body(inside) >> body"))[3..], ["y.dense_2 3", "y.dense_3 2"]);
}

#[test]
fn blocks_are_passed_on_and_have_defaults() {
    let found = weights(
        "block inner(x, body: block = dense(2), n = 1) { x >> repeat(n, body) }
        block outer(x, body: block, act: block = relu) { x >> inner(body = body, n = 2) >> act >> inner >> inner(act) }
        network N { input x: [4]; output y = x >> outer(dense(3)); output z = outer(x, act = linear(6), body = relu); }",
    );
    assert_eq!(found, ["y.0.dense 3", "y.1.dense 3", "y.0.dense_1 2", "z.linear 6", "z.0.dense 2", "z.0.linear 6"]);
}

#[test]
fn conditions_are_constants() {
    let takes = |condition: &str| {
        let source = format!("if {condition} {{ x >> reshape([2, 2]) }} else {{ x >> reshape([4, 1]) }}");
        dims(&source) == [2, 2]
    };
    for yes in [
        "true",
        "!false",
        "1 < 2",
        "2 <= 2",
        "3 != 2",
        "2 == 2.0",
        "1.5 > 1",
        "-1 >= -1",
        "dim(x, 0) == 4",
        "dim(image, -1) == 28",
        "true && !false || false",
        "false || true && true",
        "\"a\" == \"a\"",
        "true == true",
        "(1 < 2) != (2 < 1)",
        "1 + 1 == 2",
        "if true { 1 } else { 2 } == 1",
    ] {
        assert!(takes(yes), "{yes}");
        assert!(!takes(&format!("!({yes})")), "!({yes})");
    }
    // What does not matter is not evaluated.
    assert!(!takes("false && 1 / 0 == 1"));
    assert!(takes("true || 1 / 0 == 1"));
    assert!(takes("if 1 == 2 { x + image + 1 / 0 == 3 } else if 2 == 2 { true } else { x >> dense(0) }"));
}

#[test]
fn flags_are_constants_and_arguments() {
    let found = weights(
        "block maybe(x, wide = false) { if wide { x >> dense(8) } else { x >> dense(2) } }
        network N { const WIDE = 3 > 2; input x: [4]; output y = x >> maybe(WIDE) >> maybe >> dense(1, bias = !WIDE); }",
    );
    assert_eq!(found, ["y.dense 8", "y.dense_1 2", "y.dense_2 1"]);
}

/// A siamese pair: the parameters exist once, and the gradients of both sides meet in them.
#[test]
fn a_shared_block_has_its_parameters_once() {
    let source =
        "shared block encode(x) { h = x >> dense(3) >> relu >> dense(3); h >> repeat(2, dense(5)) >> dropout(0.5) }
        network N { input left: [4]; input right: [4]; target same: [5];
            a = left >> encode;
            b = right >> encode;
            output distance = (a - b) >> dense(5);
            loss mse(distance, same);
            optimizer adam; }";
    assert_eq!(
        weights(source),
        ["encode.h.dense 3", "encode.h.dense_1 3", "encode.0.dense 5", "encode.1.dense 5", "distance.dense 5"]
    );
    let graph = checked(source).network.graph;
    let readers = |index| {
        let (leaf, _) = graph.nodes().find(|(_, n)| n.op == Op::Leaf(Leaf::Parameter(index))).unwrap();
        graph.nodes().filter(|(_, n)| n.args.contains(&leaf)).count()
    };
    assert_eq!((readers(0), readers(8)), (2, 1), "both sides read the first weight");
    // Each application draws its own random numbers.
    assert_eq!(graph.nodes().filter(|(_, n)| matches!(n.op, Op::Random(_))).count(), 2);
}

#[test]
fn a_shared_block_may_be_repeated_and_nested() {
    let found = weights(
        "shared block inner(x) { x >> dense(4) }
        shared block outer(x, body: block) { x >> inner >> repeat(2, inner) >> dense(4) >> body }
        network N { input x: [4]; a = x >> repeat(5, inner) >> outer(dense(4)); output y = a >> outer(dense(4)) >> inner; }
        network M { input x: [4]; output y = x >> inner; }"
            .split_once("network M")
            .unwrap()
            .0,
    );
    assert_eq!(found, ["inner.dense 4", "outer.dense 4", "outer.dense_1 4"]);
}

#[test]
fn unused_names_in_braces_are_known_once() {
    let unused = |source: &str| checked(source).unused.iter().map(|i| i.to_string()).collect::<Vec<_>>();
    let names = unused(
        "block idle(x) { x }
        block only_untaken(x) { x }
        block both(x, n) { a = x; b = x; if n { c = a; x } else { d = b >> relu; d } }
        network N { input x: [2]; const C = 1; const D = 2;
            h = x >> repeat(3, |v, i| { w = v; v });
            g = if true { h } else { x >> only_untaken >> dense(C) };
            output o = g >> both(true) >> repeat(0, |v| v >> dense(D)); }",
    );
    assert_eq!(names, ["c", "i", "w", "idle"]);
}

#[test]
fn a_mistake_says_in_which_application() {
    let found = mistakes(
        "block halve(x) { x >> reshape([2, -1]) >> max(axis = 0) }
        network N { input x: [8]; output y = x >> repeat(5, halve) >> dense(1); output z = x >> repeat(5, |v| v >> dense(3)); }",
    );
    assert_eq!(found.len(), 1, "{found:#?}");
    for part in [
        "`x` is [1]",
        "in block `halve`, as it is used on line 2",
        "in application 4 of 5, on the result of application 3",
    ] {
        assert!(found[0].contains(part), "{part} in {}", found[0]);
    }
}

#[test]
fn mistakes_of_blocks_are_found_though_nothing_applies_them() {
    let found = mistakes(
        "block never(x, body: block = |v| v >> dnese(1)) { x }
        network N { input x: [4]; output a = x >> never(|v| v >> dnese(2)); output b = x >> repeat(0, dnese(3));
            output c = unknown >> repeat(3, |v| v >> dnese(4)); output d = x >> repeat(many, |v| v >> dnese(5));
            output e = x >> unknown(|v| v >> dnese(6), relu, dense(3)); }",
    );
    assert_eq!(found.iter().filter(|m| m.contains("`dnese`")).count(), 6, "{found:#?}");
    assert_eq!(found.len(), 9, "{found:#?}");
}

#[test]
fn loops_are_bounded() {
    for value in [
        "x >> repeat(9223372036854775807, |v| v)",
        "x >> repeat(9223372036854775807, |v, i| v + i)",
        "x >> repeat(1000000, repeat(1000000, repeat(0, relu)))",
        "x >> repeat(9999, |v| if true { v } else { v })",
        "x >> repeat(4000, |v| [v, v, v, v] >> concat >> reshape([4, 4]) >> sum(axis = 0))",
        "x >> repeat(5000, dense(4))",
    ] {
        let start = Instant::now();
        let found = mistakes(&format!("network N {{ input x: [4]; output y = {value}; }}"));
        assert_eq!(found.len(), 1, "{value}: {found:#?}");
        assert!(found[0].contains("more than 10000"), "{}", found[0]);
        assert!(start.elapsed() < Duration::from_secs(30), "{value}");
    }
    // Lists cost, too, though they are no operations.
    let list = "1, ".repeat(1000);
    let found = mistakes(&format!(
        "network N {{ input x: [4]; output y = x >> repeat(900, |v| if [{list}] == 1 {{ v }} else {{ v }}); }}"
    ));
    assert_eq!(found.len(), 1);
    let found = mistakes(&format!(
        "network N {{ input x: [4]; output y = x >> repeat(900, |v| if true {{ concat(parts = [{list}]) }} else {{ v }}); }}"
    ));
    assert_eq!(found.len(), 1);
}

#[test]
fn resnet_50_reads_like_the_papers_table() {
    let mut fastest = Duration::MAX;
    for _ in 0..3 {
        let start = Instant::now();
        let found = mistakes(resnet50());
        fastest = fastest.min(start.elapsed());
        assert!(found.is_empty(), "{found:#?}");
    }
    // Not by `println!`: the test harness would keep it to itself.
    let milliseconds = fastest.as_secs_f64() * 1e3;
    writeln!(std::io::stderr(), "elaborating ResNet-50 in this profile: {milliseconds:.1} ms").unwrap();
    // The budget is 60 ms; other work on the machine makes it slower.
    assert!(fastest < Duration::from_millis(600));
    let network = checked(resnet50()).network;
    let trained = network.parameters.iter().filter(|p| p.trainable);
    assert_eq!(trained.map(|p| p.dims.iter().product::<usize>()).sum::<usize>(), 25_557_032);
    let names: Vec<&str> = network.parameters.iter().map(|p| p.name.as_str()).collect();
    for name in ["stem.conv2d.weight", "layer3.5.middle.batch_norm.running_mean", "layer4.0.shortcut.conv2d.weight"] {
        assert!(names.contains(&name), "{name}");
    }
}

/// The statistics of a shared normalization exist once, too, and each application goes on where the one before ended.
#[test]
fn a_shared_block_has_its_buffers_once() {
    let network = checked(
        "shared block encode(x) { x >> dense(3) >> batch_norm }
        network N { input left: [4]; input right: [4]; target y: [3];
            output difference = (left >> encode) - (right >> encode);
            loss mse(difference, y);
            optimizer adam; }",
    )
    .network;
    let names: Vec<&str> = network.parameters.iter().map(|p| p.name.as_str()).collect();
    let batch_norm = ["weight", "bias", "running_mean", "running_var"].map(|name| format!("encode.batch_norm.{name}"));
    assert_eq!(names[..2], ["encode.dense.weight", "encode.dense.bias"]);
    assert_eq!(names[2..], batch_norm);
    assert_eq!(network.updates.len(), 2);
}
