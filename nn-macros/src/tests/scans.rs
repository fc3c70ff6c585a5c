//! Scans and recurrent layers.

use nn_kernels::graph::Op;

use super::{checked, mistakes};

const INPUTS: &str = "input x: [6, 4]; input z: [5, 4]; input s: []; input w: [4]; input tokens: class(9)[6];";

/// What is wrong with these statements.
fn wrong(statements: &str) -> Vec<String> {
    mistakes(&format!("network N {{ {INPUTS}\n{statements}\noutput _x = x; }}"))
}

/// The dimensions of a value behind these statements.
fn dims(statements: &str, value: &str) -> Vec<usize> {
    let network = checked(&format!("network N {{ {INPUTS} {statements} output value = {value}; }}")).network;
    network.graph.shape(network.outputs[0].1).dims.clone()
}

const LSTM: &str = "
    scan memory(x_t in x, h = zeros(8), c = zeros(8)) {
        gates = linear(concat([x_t, h]), 4 * 8);
        (i, f, g, o) = chunk(gates, 4);
        c = sigmoid(f) * c + sigmoid(i) * tanh(g);
        h = sigmoid(o) * tanh(c);
        h
    }";

#[test]
fn a_scan_has_values_at_all_steps_and_final_states() {
    assert_eq!(dims(LSTM, "memory"), [6, 8]);
    assert_eq!(dims(LSTM, "memory >> last"), [8]);
    assert_eq!(dims(LSTM, "concat([memory.h, memory.c])"), [16]);
    assert_eq!(dims(&format!("{LSTM} (all, h, c) = memory;"), "concat([all >> last, h, c])"), [24]);
    // Several values of each step, and a state that is a scalar.
    let two = "scan m(x_t in x, n = 0.0, reverse = true) { n = n + mean(x_t); (n, x_t * n) } (ns, xs) = m;";
    assert_eq!(dims(two, "ns"), [6]);
    assert_eq!(dims(two, "xs"), [6, 4]);
    assert_eq!(dims(two, "m.n"), Vec::<usize>::new());
    // No state: a body for each step.
    assert_eq!(dims("scan m(x_t in x) { x_t >> dense(3) }", "m"), [6, 3]);
    // Constants and blocks around it can be seen, and what each step reads as a whole is passed.
    let around = "const N = 3; block cell(v, n) { v >> dense(n) } scan m(x_t in x, v = w, h = zeros(N)) {
        h = (x_t + v >> cell(N)) + h;
        h
    }";
    assert_eq!(dims(around, "m"), [6, 3]);
}

#[test]
fn scans_stand_in_blocks_and_repeat() {
    let block = "block memory(x, n) {
        scan all(x_t in x, h = zeros(n)) { h = tanh(linear(x_t, n) + linear(h, n, bias = false)); h }
        all
    }";
    let network =
        checked(&format!("network N {{ input x: [6, 4]; {block} output y = x >> repeat(2, memory(5)) >> last; }}"))
            .network;
    let names: Vec<&str> = network.parameters.iter().map(|p| p.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "y.0.all.h.linear.weight",
            "y.0.all.h.linear.bias",
            "y.0.all.h.linear_1.weight",
            "y.1.all.h.linear.weight",
            "y.1.all.h.linear.bias",
            "y.1.all.h.linear_1.weight",
        ]
    );
    let loops = network.graph.nodes().filter(|(_, node)| matches!(node.op, Op::Carry(..))).count();
    assert_eq!(loops, 2);
}

#[test]
fn recurrent_layers_give_sequences_and_states() {
    for layer in ["rnn(8)", "gru(8)", "lstm(8)", "rnn(8, activation = relu, layers = 3, dropout = 0.5)"] {
        assert_eq!(dims("", &format!("x >> {layer}")), [6, 8], "{layer}");
    }
    assert_eq!(dims("", "x >> lstm(8, bidirectional = true, layers = 2)"), [6, 16]);
    assert_eq!(dims("y = x >> lstm(8, bidirectional = true, layers = 2);", "y.c"), [4, 8]);
    assert_eq!(dims("(y, h, c) = x >> lstm(8);", "concat([y >> last, h, c])"), [24]);
    assert_eq!(dims("(y, h) = x >> gru(8); (v, k) = x >> gru(8, h = h);", "concat([y, v]) >> last"), [8]);
    assert_eq!(dims("y = x >> lstm(8, h = zeros(8), c = ones(8));", "y"), [6, 8]);
    assert_eq!(dims("y = x >> gru(3, layers = 2, h = zeros([2, 3]));", "y.h"), [2, 3]);
}

/// PyTorch's names and layouts.
#[test]
fn recurrent_parameters_are_named_as_pytorchs() {
    let network =
        checked("network N { input x: [6, 4]; output y = x >> lstm(3, layers = 2, bidirectional = true); }").network;
    let found: Vec<String> = network.parameters.iter().map(|p| format!("{} {:?}", p.name, p.dims)).collect();
    let mut expected = Vec::new();
    for (layer, features) in [(0, 4), (1, 6)] {
        for direction in ["", "_reverse"] {
            expected.push(format!("y.lstm.weight_ih_l{layer}{direction} [12, {features}]"));
            expected.push(format!("y.lstm.weight_hh_l{layer}{direction} [12, 3]"));
            expected.push(format!("y.lstm.bias_ih_l{layer}{direction} [12]"));
            expected.push(format!("y.lstm.bias_hh_l{layer}{direction} [12]"));
        }
    }
    assert_eq!(found, expected);
}

#[test]
fn mistakes_of_scans_are_told() {
    let tells = |statements: &str, expected: &[&str]| {
        let found = wrong(statements);
        let first: Vec<&str> = found.iter().map(|m| m.split_once(": ").map_or("", |m| m.1)).collect();
        assert_eq!(first.len(), expected.len(), "{statements}: {found:#?}");
        for (found, expected) in first.iter().zip(expected) {
            assert!(found.starts_with(expected), "{statements}: {found}");
        }
    };
    tells("scan m(x_t in x, h = zeros(8)) { h = x_t; h }", &["state `h` begins as [8], but its new value is [4]"]);
    tells("scan m(x_t in x, h = zeros(8)) { x_t + sum(h) }", &["state `h` is never given a new value"]);
    tells(
        "scan m(x_t in x, h = zeros(4)) { h = h + x_t; h = h * 2.0; h }",
        &["state `h` is given a new value already, on line 2"],
    );
    tells(
        "scan m(x_t in x, z_t in z, h = zeros(4)) { h = h + x_t + z_t; h }",
        &["`z` is [5, 4] and so has 5 steps, but `x` has 6 steps"],
    );
    tells(
        "scan m(x_t in x, h = zeros(4)) { scan k(a in x) { a } h = h + x_t; h }",
        &["a scan cannot stand in another one"],
    );
    let inner = "block f(x) { scan k(a in x, s = 0.0) { s = s + sum(a); a } k }";
    tells(
        &format!("{inner} scan m(x_t in x, h = zeros(4), v = x) {{ h = h + x_t; q = v >> f; h + sum(q) }}"),
        &["a scan cannot stand in another one"],
    );
    tells("scan m(x_t in x, h = zeros(4)) { h = h + x_t >> batch_norm; h }", &["`batch_norm` cannot stand in a scan"]);
    tells("scan m(x_t in x, h = zeros(4)) { h = h + x_t * w; h }", &["scan `m` does not see `w` of line 1"]);
    tells(
        "scan m(x_t in x, h = zeros(4), revers = true) { h = h + x_t; h }",
        &["a scan has no option `revers`\nhelp: did you mean `reverse`?"],
    );
    tells(
        "scan m(x_t in s, h = zeros(4)) { h = h + x_t; h }",
        &["a scan goes over the first axis of a tensor, but `s` is []"],
    );
    tells("scan m(h = zeros(4)) { h = h + 1.0; h }", &["scan `m` goes over nothing"]);
    tells("scan m(x_t in x, h) { h = h + 1.0; h + x_t }", &["`h` has no value"]);
    tells("scan m(x_t in x, h = zeros(4)) { x_t = h + x_t; h = x_t; h }", &["`x_t` is each step's part of `x`"]);
    tells("scan m(x_t in x, h = zeros) { h = h + x_t; h }", &["state `h` begins with a tensor"]);
    tells(
        "scan m(x_t in x, h = zeros(4)) { h = if true { h = x_t; h } else { h }; h }",
        &["state `h` is given a new value in braces"],
    );
    tells("scan m(x_t in x, h = zeros(4)) { h = h + x_t; }", &["scan `m` has no value"]);
    tells(
        "scan m(x_t in x, h = zeros(4)) { loss mean(x_t); h = h + x_t; h }",
        &["`loss` stands in a network, not in a scan"],
    );
    tells("scan m(x_t in x, h = zeros(4)) h", &["scan `m` needs a body in braces"]);
    tells("scan m(x_t in x, h = zeros(4)) { h = h + x_t; h } _q = m.hh + m.h;", &["`m` has no state `hh`"]);
    tells(
        "scan m(x_t in x, h = zeros(4)) { h = h + x_t; h } (_a, _b, _c) = m;",
        &["these are 3 names for one value, or for 2"],
    );
    tells(
        "scn m(x_t in x, h = zeros(4)) { h = h + x_t; h } _q = m;",
        &["`scn` begins no statement\nhelp: did you mean `scan`?"],
    );
    tells("_q = scan(x);", &["cannot find function `scan`\nhelp: it is a statement"]);
    tells(
        "scan m(x_t in x, h = zeros([40000, 20000])) { h = h + sum(x_t); h }",
        &["one sample of `scan m`, [6, 40000, 20000], has too many elements"],
    );
    tells("scan m(x_t in x) { reshape(x_t, [1, 2, 1, 2, 1, 1]) }", &["a shape has at most 6 axes, but here are 7"]);
    tells("_q = w.h;", &["only what loops give has fields"]);
}

#[test]
fn a_block_works_at_each_position() {
    let source = |body: &str| format!("network N {{ input x: [5, 1, 6, 6]; input t: class(9)[5, 3]; {body} }}");
    let shape = |body: &str| {
        let network =
            checked(&source(&format!("{body} output _y = y; output _x = x; output _t = t >> embedding(2);"))).network;
        (
            network.graph.shape(network.outputs[0].1).to_string(),
            network.parameters.iter().map(|p| p.name.clone()).collect::<Vec<_>>(),
        )
    };
    let (dims, names) =
        shape("y = x >> time_distributed(|frame| frame >> conv2d(4, 3) >> relu >> flatten >> dense(7));");
    assert_eq!(dims, "[5, 7]");
    assert_eq!(names[..4], ["y.conv2d.weight", "y.conv2d.bias", "y.dense.weight", "y.dense.bias"]);
    assert_eq!(shape("y = t >> time_distributed(|words| words >> embedding(4) >> mean(axis = 0));").0, "[5, 4]");
    assert_eq!(
        shape("block two(f) { (f + 1, flatten(f)) } (y, z) = x >> time_distributed(two); output _z = z;").0,
        "[5, 36]"
    );
    let wrong = |body: &str| mistakes(&source(&format!("{body} output _x = x; output _t = t >> embedding(2);")));
    let found = wrong("y = x >> time_distributed(dense(3)); output _y = y;");
    assert!(found[0].starts_with("1: `dense(3)` takes a vector, but `x` is [1, 6, 6]"), "{found:?}");
    assert!(found[0].contains("on each row of the first axis, by `time_distributed` on line 1"), "{found:?}");
    for inner in ["lstm(2)", "batch_norm", "time_distributed(relu)"] {
        let found = wrong(&format!("y = x >> time_distributed(|f| f >> reshape([6, 6]) >> {inner}); output _y = y;"));
        assert!(
            found.len() == 1 && found[0].contains("cannot stand in a scan: this is in `time_distributed`"),
            "{found:?}"
        );
    }
    let found =
        wrong("scan s(r in x, h = zeros(6)) { h = h + (r >> reshape([6, 6]) >> gru(6) >> last); h } output _y = s;");
    assert!(
        found.len() == 1 && found[0].starts_with("1: `gru` cannot stand in a scan: this is in `s` of line 1"),
        "{found:?}"
    );
    let found = wrong("y = mean(x) >> time_distributed(relu); output _y = y;");
    assert!(found[0].contains("`time_distributed` goes over the first axis of a tensor, but"), "{found:?}");
}
