//! The rule for names of parameters.

use super::checked;

fn names(source: &str) -> Vec<String> {
    checked(source).network.parameters.iter().map(|p| format!("{} {:?}", p.name, p.dims)).collect()
}

/// The golden test: statement, then inner bindings of blocks, then the layer with its number, then the tensor.
#[test]
fn parameters_are_named_after_statements_bindings_and_layers() {
    let found = names(
        "block inner(x) { deep = x >> dense(2) >> prelu; deep >> dense(3) }
        block outer(x) {
            first = x >> inner;
            second = x >> linear(4, bias = false);
            first + (second >> inner) >> dense(5)
        }
        network N {
            input x: [7];
            target t: [5];
            stem = x >> dense(6) >> dense(6) >> linear(6) >> dense(6, name = \"head\") >> dense(6);
            body = stem >> outer;
            (left, right) = pair(body);
            block pair(v) { (v >> dense(1), v >> dense(1)) }
            output y = left + right + (body >> dense(5)) >> dense(5);
            loss mse(y >> linear(5), t);
            optimizer adam;
        }"
        .replace(
            "            (left, right) = pair(body);\n            block pair(v) { (v >> dense(1), v >> dense(1)) }\n",
            "            block pair(v) { (v >> dense(1), v >> dense(1)) }\n            (left, right) = pair(body);\n",
        )
        .as_str(),
    );
    let expected = "\
stem.dense.weight [6, 7]
stem.dense.bias [6]
stem.dense_1.weight [6, 6]
stem.dense_1.bias [6]
stem.linear.weight [6, 6]
stem.linear.bias [6]
stem.head.weight [6, 6]
stem.head.bias [6]
stem.dense_2.weight [6, 6]
stem.dense_2.bias [6]
body.first.deep.dense.weight [2, 6]
body.first.deep.dense.bias [2]
body.first.deep.prelu.weight [1]
body.first.dense.weight [3, 2]
body.first.dense.bias [3]
body.second.linear.weight [4, 6]
body.deep.dense.weight [2, 4]
body.deep.dense.bias [2]
body.deep.prelu.weight [1]
body.dense.weight [3, 2]
body.dense.bias [3]
body.dense_1.weight [5, 3]
body.dense_1.bias [5]
left.dense.weight [1, 5]
left.dense.bias [1]
left.dense_1.weight [1, 5]
left.dense_1.bias [1]
y.dense.weight [5, 5]
y.dense.bias [5]
y.dense_1.weight [5, 5]
y.dense_1.bias [5]
loss.linear.weight [5, 5]
loss.linear.bias [5]";
    assert_eq!(found.join("\n"), expected);
}

#[test]
fn editing_one_statement_renames_nothing_in_another() {
    let source = |middle: &str| {
        format!(
            "network N {{ input x: [3]; a = x >> dense(3); {middle} c = a >> dense(3); output y = c >> dense(1); }}"
        )
    };
    let (before, after) = (names(&source("")), names(&source("_b = a >> dense(9) >> dense(9);")));
    assert!(before.iter().all(|name| after.contains(name)), "{after:?}");
}
