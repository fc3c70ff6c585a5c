//! The `stepwise` statement.

use super::{checked, expanded, mistakes};

/// What is wrong with these statements, without what may help.
fn wrong(statements: &str) -> Vec<String> {
    let inputs = "input x: [6, 4]; input z: [5, 4]; input s: []; target t: [6, 4];";
    let outputs = "output y = 2 * x; output _z = z; output _s = s; loss mse(y, t);";
    let found = mistakes(&format!("network N {{ {inputs} {statements} {outputs} }}"));
    found.into_iter().map(|message| message.lines().next().unwrap_or_default().to_owned()).collect()
}

#[test]
fn inputs_are_named_in_any_order_and_noted_in_theirs() {
    let source = "network N { input x: [6, 4]; input w: [3]; input z: [6]; stepwise z, x; output y = x + reshape(z, [6, 1]); output v = w; }";
    assert_eq!(checked(source).network.stepwise, [0, 2]);
    assert!(checked("network N { input x: [6, 4]; output y = x; }").network.stepwise.is_empty());
    // The word is a name where no other name follows it.
    assert!(checked("network N { input stepwise: [6, 4]; output y = stepwise; }").network.stepwise.is_empty());
    assert_eq!(
        checked("network N { input x: [6, 4]; stepwise = 2 * x; output y = stepwise; stepwise x; }").network.stepwise,
        [0]
    );
}

#[test]
fn what_no_step_can_be_made_of_is_explained() {
    assert_eq!(wrong("stepwise x;"), Vec::<String>::new());
    assert_eq!(wrong("stepwise a;"), ["1: cannot find input `a`"]);
    assert_eq!(wrong("stepwise t;"), ["1: `t` is a target, and predicting needs none"]);
    assert_eq!(wrong("v = 3 * x; output _v = v; stepwise v;"), ["1: `v` is no input"]);
    assert_eq!(wrong("stepwise s;"), ["1: `s` is one number, but what arrives stepwise is a sequence"]);
    assert_eq!(wrong("stepwise x, z;"), ["1: `z` has 5 rows and `x` has 6, but at each step both give one"]);
    assert_eq!(wrong("stepwise x, x;"), ["1: `x` stands here twice"]);
    assert_eq!(wrong("stepwise x; stepwise z;"), ["1: `stepwise` stands at most once, and there is one on line 1"]);
    assert_eq!(wrong("stepwise x z;").len(), 1);
    assert_eq!(
        wrong("far = x >> gru(3, bidirectional = true); output _far = far; stepwise x;"),
        ["1: this network cannot work step by step: `far.gru` goes from the last position to the first one"]
    );
    assert_eq!(
        wrong("mixed = x >> self_attention(2); output _mixed = mixed; stepwise x;"),
        [
            "1: this network cannot work step by step: `mixed.self_attention` depends on all positions, also on those that are yet to come"
        ]
    );
    // Neither a state's beginning nor a number for all positions hides those to come.
    for ahead in [
        "scan ahead(x_t in x, all = x, h = zeros(4)) { h = x_t + sum(all * h, axis = 0); h }",
        "ahead = matmul(softmax(matmul(x, permute(x, [1, 0])) - 2e9), x);",
    ] {
        let found = wrong(&format!("{ahead} output _ahead = ahead; stepwise x;"));
        assert!(found.len() == 1 && found[0].contains("yet to come"), "{ahead}: {found:?}");
    }
    // What is wrong already is not said twice.
    assert_eq!(wrong("mixed = x >> self_attention(3); output _mixed = mixed; stepwise x;").len(), 1);
}

#[test]
fn only_networks_with_steps_carry_them() {
    let tokens = |statement: &str| {
        let source = format!("network N {{ input x: [6, 4]; output y = x >> gru(3); {statement} }}");
        expanded(source.parse().unwrap()).to_string()
    };
    let (without, with) = (tokens(""), tokens("stepwise x;"));
    assert!(!without.contains("NSteps") && !without.contains("StepProgram") && !without.contains("step_00"));
    assert!(with.contains("struct NSteps") && with.contains("step_00"));
    assert_eq!(with, tokens("stepwise x;"));
    // A network with a mistake has the type and its methods all the same.
    let stub = tokens("stepwise x; output z = undefined;");
    assert!(stub.contains("struct NSteps") && stub.contains("fn stepwise") && stub.contains("static STEPS"));
}
