//! What is printed for a small network, without the front end and without a compiler.

use nn_kernels::graph::{Leaf, Shape};
use nn_kernels::layers;
use nn_kernels::network::{self, Network, Optimizer, Rule};
use quote::format_ident;
use syn::parse_quote;

use super::*;
use crate::checked::{Header, Name, PartialField, PartialOutput};

fn header() -> Header {
    let visibility = parse_quote!(pub);
    Header { name: format_ident!("Digits"), attributes: vec![], visibility, path: parse_quote!(::nn) }
}

fn name(name: &str) -> Name {
    Name { ident: format_ident!("{name}"), attributes: vec![] }
}

/// 784-128-64-10, relu, cross-entropy, adam.
fn mlp() -> Checked {
    let mut n = Network { name: "Digits".into(), inputs: 1, ..Network::default() };
    let field = |name: &str, dims: &[usize], classes| network::Field { name: name.into(), dims: dims.into(), classes };
    n.fields = vec![field("image", &[1, 28, 28], None), field("label", &[], Some(10))];
    let image = n.graph.leaf(Leaf::Field(0), Shape::batched(&[1, 28, 28]));
    let label = n.graph.leaf(Leaf::Field(1), Shape::batched(&[]));
    let mut x = layers::flatten(&mut n.graph, image).unwrap();
    for (path, features) in [("first", 128), ("second", 64), ("logits", 10)] {
        let dense = format!("{path}.dense");
        n.graph.set_label(&dense);
        x = layers::dense(&mut n, &dense, x, &layers::Affine::new(features)).unwrap();
        if path != "logits" {
            n.graph.set_label(path);
            x = layers::relu(&mut n.graph, x).unwrap();
        }
    }
    n.graph.set_label("probability");
    let probability = layers::softmax(&mut n.graph, x, -1).unwrap();
    n.outputs = vec![("probability".into(), probability)];
    n.graph.set_label("loss");
    let target = layers::Target::Classes { node: label, classes: 10 };
    n.loss = Some(layers::cross_entropy(&mut n.graph, x, target, -1, 0.0).unwrap());
    let accuracy = layers::accuracy(&mut n.graph, x, target, -1, None).unwrap();
    n.metrics = vec![layers::mean_metric(&mut n.graph, "accuracy", accuracy).unwrap()];
    n.optimizer = Some(Optimizer {
        rule: Rule::Adam { beta1: 0.9, beta2: 0.999, eps: 1e-8, amsgrad: false },
        learning_rate: 1e-3,
        weight_decay: 0.0,
        clip_norm: None,
        clip_value: None,
        skip_non_finite: false,
        ema: None,
        groups: vec![],
    });
    Checked {
        header: header(),
        network: n,
        fields: vec![name("image"), name("label")],
        outputs: vec![name("probability")],
        words: vec![],
        unused: vec![format_ident!("spare")],
    }
}

/// The same network as a stub.
fn stubbed() -> Partial {
    let field =
        |n: &str, dims: Option<&[usize]>, classes| PartialField { name: name(n), dims: dims.map(Into::into), classes };
    Partial {
        header: header(),
        fields: vec![field("image", Some(&[1, 28, 28]), None), field("label", Some(&[]), Some(10))],
        inputs: 1,
        outputs: vec![PartialOutput { name: name("probability"), dims: None }],
        metrics: vec![("accuracy".into(), network::MetricValue::Number)],
        loss: true,
        optimizer: true,
        stateful: false,
        stepwise: None,
        weighted: false,
        error: quote!(::core::compile_error!("the mistake")),
    }
}

fn lexer(text: &str) -> Result<TokenStream, String> {
    text.parse().map_err(|e: proc_macro2::LexError| e.to_string())
}

/// The names of all functions and constants behind the generated module, in order.
fn names(tokens: TokenStream) -> Vec<String> {
    let text = tokens.to_string();
    let (_, api) = text.split_once("impl Digits").unwrap();
    let words: Vec<&str> = api.split_whitespace().collect();
    words.windows(2).filter(|w| matches!(w[0], "fn" | "impl" | "const")).map(|w| w.join(" ")).collect()
}

#[test]
fn everything_printed_is_rust_without_unsafe() {
    for tokens in [network(&mlp(), &lexer), stub(&stubbed(), &lexer)] {
        assert!(!tokens.to_string().contains("unsafe"));
        syn::parse2::<syn::File>(tokens).unwrap();
    }
}

#[test]
fn the_same_network_is_the_same_text() {
    assert_eq!(network(&mlp(), &lexer).to_string(), network(&mlp(), &lexer).to_string());
}

#[test]
fn a_stub_has_the_api_of_the_network() {
    let mut checked = mlp();
    checked.unused.clear();
    // A stub does not know whether there is an average: it has the method that looks at it.
    checked.network.optimizer.as_mut().unwrap().ema = Some(0.99);
    let api = names(network(&checked, &lexer));
    assert!(api.len() > 30, "{api:?}");
    assert_eq!(names(stub(&stubbed(), &lexer)), api);
}

#[test]
fn without_a_loss_there_is_prediction_only() {
    let mut checked = mlp();
    checked.network.loss = None;
    checked.network.metrics.clear();
    checked.network.optimizer = None;
    checked.network.fields.truncate(1);
    checked.fields.truncate(1);
    let text = network(&checked, &lexer).to_string();
    assert!(text.contains("fn predict") && text.contains("fn load"));
    let methods = ["fn fit", "fn evaluate", "fn gradients", "fn train_batch", "fn steps"];
    for absent in methods.iter().chain(&["DigitsData", "DigitsStream", "DigitsReport"]) {
        assert!(!text.contains(*absent), "{absent}");
    }
}

#[test]
fn without_an_optimizer_there_are_gradients_and_no_update() {
    let mut checked = mlp();
    checked.network.optimizer = None;
    let text = network(&checked, &lexer).to_string();
    for present in ["fn evaluate", "fn gradients", "DigitsData", "DigitsStream", "DigitsReport"] {
        assert!(text.contains(present), "{present}");
    }
    for absent in ["fn fit", "fn train_batch", "fn set_learning_rate"] {
        assert!(!text.contains(absent), "{absent}");
    }
}

#[test]
fn the_table_of_layers_counts() {
    let checked = mlp();
    let plan = compile(&checked.network, &Options::default());
    let summary = text::summary(&checked.network, &plan);
    let row = |layer: &str| -> Vec<&str> {
        summary.lines().find(|l| l.starts_with(layer)).unwrap_or_default().split_whitespace().collect()
    };
    assert_eq!(row("image"), ["image", "(input)", "[1,", "28,", "28]"]);
    assert_eq!(row("label"), ["label", "(target)", "class(10)"]);
    // 784 * 128 weights and 128 biases; a multiply-add is two operations, and a bias is one.
    assert_eq!(row("first.dense"), ["first.dense", "[128]", "100,480", "200,832"]);
    assert_eq!(row("first "), ["first", "[128]", "256"]);
    assert_eq!(row("total")[1], "109,386");
    assert!(summary.contains("memory of training for a batch of 64: "), "{summary}");
    let kernels = text::plan(&plan);
    assert!(kernels.contains("train: ") && kernels.contains("reads   first.dense.weight"), "{kernels}");
}

#[test]
fn the_hash_is_of_what_weights_must_fit() {
    let hash = |change: fn(&mut Checked)| {
        let mut checked = mlp();
        change(&mut checked);
        let plan = compile(&checked.network, &Options::default());
        tables::hash(&plan)
    };
    let plain = hash(|_| ());
    assert_eq!(hash(|c| c.network.fields[0].name = "picture".into()), plain);
    assert_ne!(hash(|c| c.network.fields[0].dims = vec![784]), plain);
    assert_ne!(hash(|c| c.network.parameters[0].name = "stem.weight".into()), plain);
}

#[test]
fn every_function_has_an_item_for_editors_to_show() {
    let items = crate::tests::documentation::LANGUAGE;
    for function in crate::functions::all() {
        assert!(items.contains(&format!("\n    /// `{}(", function.name)), "{} in src/language", function.name);
    }
}
