//! What embeddings, positions and attention become: no products with ones and zeros, tables of sines once, shaders that are valid everywhere.

mod common;

use nn_kernels::emit::rust::{Items, print};
use nn_kernels::emit::wgsl::print_schedule;
use nn_kernels::graph::{Extent, Leaf, Shape, Unary};
use nn_kernels::ir::{Kernel, Value};
use nn_kernels::layers::{self, Affine, Attention, MultiHead, Target, Transformer};
use nn_kernels::network::{Field, Network, Optimizer, Rule};
use nn_kernels::plan::{Plan, Schedule};
use nn_kernels::{Options, compile};

const VOCABULARY: usize = 50_000;

/// Tokens with their positions through a block of a transformer, and the next token from the same table.
fn gpt(vocabulary: usize) -> Network {
    let tokens = |name: &str| Field { name: name.into(), dims: vec![6], classes: Some(vocabulary) };
    let mut n =
        Network { name: "Gpt".into(), fields: vec![tokens("tokens"), tokens("next")], inputs: 1, ..Network::default() };
    let [tokens, next] = [0, 1].map(|field| n.graph.leaf(Leaf::Field(field), Shape::batched(&[6])));
    n.graph.set_label("x.embedding");
    let x = layers::embedding(&mut n, "x.embedding", (tokens, vocabulary), 8, Some(0), None).unwrap();
    n.graph.set_label("placed");
    let x = layers::positional_encoding(&mut n.graph, x, 10_000.0).unwrap();
    let block = Transformer {
        attention: MultiHead { attention: Attention { causal: true, ..Attention::new(2) }, ..MultiHead::new(2) },
        feedforward: 16,
        dropout: 0.1,
        gelu: true,
        norm_first: true,
        eps: 1e-5,
        memory_mask: None,
    };
    let x = layers::transformer_encoder_layer(&mut n, "block", x, &block).unwrap();
    n.graph.set_label("logits");
    let logits = layers::linear(&mut n, "logits.linear", x, &Affine::new(12)).unwrap();
    n.outputs = vec![("logits".into(), logits)];
    let target = Target::Classes { node: next, classes: 12 };
    n.fields[1].classes = Some(12);
    n.loss = Some(layers::cross_entropy(&mut n.graph, logits, target, -1, 0.0).unwrap());
    n.optimizer = Some(Optimizer {
        rule: Rule::Sgd { momentum: 0.0, dampening: 0.0, nesterov: false },
        learning_rate: 0.1,
        weight_decay: 0.0,
        clip_norm: None,
        clip_value: None,
        skip_non_finite: false,
        ema: None,
        groups: vec![],
    });
    n
}

fn train(plan: &Plan) -> &Schedule {
    plan.train.as_ref().unwrap()
}

fn values(kernel: &Kernel) -> impl Iterator<Item = &Value> {
    kernel.stages.iter().flat_map(|stage| &stage.body)
}

#[test]
fn the_gradient_of_a_table_is_a_walk_over_the_tokens() {
    let plan = compile(&gpt(VOCABULARY), &Options::default());
    let schedule = train(&plan);
    let views: Vec<_> = schedule.kernels.iter().filter_map(Kernel::scatter).collect();
    assert_eq!(views.len(), 1);
    assert_eq!((views[0].rows, views[0].columns), (VOCABULARY, 8));
    assert_eq!(views[0].positions, [Extent::Batch, Extent::Size(6)]);
    let text = print(&plan, schedule, "train", "rt", &mut Items::default(), &[]).source;
    assert!(text.contains("rt::scatter([50000, 8], batch * 6, "), "{text}");
    // Nothing else, but for the update, has a point for each row.
    let large = schedule.kernels[..schedule.update].iter().filter(|k| k.outer.contains(&Extent::Size(VOCABULARY)));
    assert_eq!(large.count(), 1);
    assert!(plan.flops_per_sample < 100_000, "{}", plan.flops_per_sample);
}

#[test]
fn rows_are_read_where_they_are_needed() {
    let plan = compile(&gpt(40), &Options::default());
    let gathers = |k: &&Kernel| values(k).any(|v| matches!(v, Value::Gather { .. }));
    let kernels: Vec<&Kernel> = plan.predict.kernels.iter().filter(gathers).collect();
    assert!(!kernels.is_empty());
    // With the positions, in one kernel: there is none that does nothing but copy rows.
    assert!(kernels.iter().all(|k| values(k).any(|v| matches!(v, Value::Binary(..)))), "{kernels:?}");
}

#[test]
fn sines_of_positions_are_computed_once_for_all_samples() {
    let plan = compile(&gpt(40), &Options::default());
    for schedule in [&plan.predict, train(&plan)] {
        let has_sines = |k: &&Kernel| values(k).any(|v| matches!(v, Value::Unary(Unary::Sin, _)));
        let kernels: Vec<&Kernel> = schedule.kernels.iter().filter(has_sines).collect();
        assert_eq!(kernels.len(), 1);
        assert!(!kernels[0].outer.contains(&Extent::Batch));
    }
}

#[test]
fn shaders_are_valid_everywhere() {
    let plan = compile(&gpt(40), &Options::default());
    for (name, schedule) in [("predict", &plan.predict), ("train", train(&plan))] {
        print_schedule(&plan, schedule, name, 0).iter().for_each(common::check_shader);
    }
}
