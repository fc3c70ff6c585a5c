//! What the facade's documentation of functions says.

use super::checked;
use crate::functions::{self, Apply, Function};

/// The facade's items for functions, all files of them.
pub const LANGUAGE: &str = concat!(
    include_str!("../../../src/language/activations.rs"),
    include_str!("../../../src/language/arithmetic.rs"),
    include_str!("../../../src/language/convolution.rs"),
    include_str!("../../../src/language/data.rs"),
    include_str!("../../../src/language/decisions.rs"),
    include_str!("../../../src/language/initializers.rs"),
    include_str!("../../../src/language/layers.rs"),
    include_str!("../../../src/language/losses.rs"),
    include_str!("../../../src/language/metrics.rs"),
    include_str!("../../../src/language/movement.rs"),
    include_str!("../../../src/language/normalization.rs"),
    include_str!("../../../src/language/optimizers.rs"),
    include_str!("../../../src/language/pooling.rs"),
    include_str!("../../../src/language/regularizers.rs"),
    include_str!("../../../src/language/sequences.rs"),
    include_str!("../../../src/language/tokens.rs"),
);

/// A function's documentation, line by line.
fn documentation(function: &Function) -> Vec<&'static str> {
    let end = format!("\n    {};\n", function.name);
    let before = LANGUAGE.split_once(&end).unwrap_or_else(|| panic!("no item `{}`", function.name)).0;
    let mut lines: Vec<&str> = before.lines().rev().map_while(|line| line.trim().strip_prefix("///")).collect();
    lines.reverse();
    lines
}

/// Examples read "`expression` of `[3, 8, 8]` is `[16, 6, 6]`."
fn example(line: &str) -> Option<(&str, &str, &str)> {
    let (expression, rest) = line.strip_prefix(" `")?.split_once("` of `")?;
    let (from, rest) = rest.split_once("` is `")?;
    Some((expression, from, rest.strip_suffix("`.")?))
}

#[test]
fn examples_have_the_shapes_that_they_say() {
    let mut count = 0;
    for function in functions::all() {
        for (expression, from, to) in documentation(function).into_iter().filter_map(example) {
            let source = format!("network N {{ input x: {from}; output y = {expression}; }}");
            let network = checked(&source).network;
            assert_eq!(format!("{}", network.graph.shape(network.outputs[0].1)), to, "{expression}");
            count += 1;
        }
    }
    assert!(count > 30, "{count} examples");
}

#[test]
fn signatures_are_those_of_the_functions() {
    for function in functions::all().filter(|f| !matches!(f.apply, Apply::Optimizer(_))) {
        let text = documentation(function).concat();
        let signature = text.split('`').nth(1).expect("a signature");
        for parameter in function.parameters.iter().filter(|p| !p.is_data() && p.positional) {
            assert!(signature.contains(parameter.name) || signature.contains(']'), "{signature}: {}", parameter.name);
        }
        for parameter in function.parameters.iter().filter(|p| !p.positional) {
            assert!(signature.contains(&format!("{} = ", parameter.name)), "{signature}: {}", parameter.name);
        }
    }
}
