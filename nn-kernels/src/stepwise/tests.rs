//! Streamed = whole, row by row, in f64; and what has no step program.

use super::{Reason, Stepwise, stepwise};
use crate::graph::{Graph, Leaf, NodeId, Shape};
use crate::layers::{self, Affine, Attention, Cell, Convolution, MultiHead, Recurrent, Transformer};
use crate::network::{Field, Network};
use crate::reference::{Environment, evaluate};
use crate::shape::{Fact, Padding, PerAxis};

const LENGTH: usize = 7;
const BATCH: usize = 2;

/// A network with inputs of these dimensions.
fn network<const N: usize>(inputs: [&[usize]; N]) -> (Network, [NodeId; N]) {
    let mut n = Network { name: "Test".into(), inputs: N, ..Network::default() };
    let mut number = 0;
    let inputs = inputs.map(|dims| {
        n.fields.push(Field { name: format!("x{number}"), dims: dims.to_vec(), classes: None });
        number += 1;
        n.graph.leaf(Leaf::Field(number - 1), Shape::batched(dims))
    });
    (n, inputs)
}

fn output(n: &mut Network, name: &str, x: NodeId) {
    let x = layers::output(&mut n.graph, x);
    n.outputs.push((name.into(), x));
}

/// Numbers between -1 and 1 that look random.
fn numbers(seed: usize, count: usize) -> Vec<f64> {
    (0..count).map(|i| ((seed * 7919 + i * 104_729) as f64 * 0.618_034).fract() * 2.0 - 1.0).collect()
}

fn size(dims: &[usize]) -> usize {
    dims.iter().product()
}

/// All outputs of one run of a network: fields by number, and what is kept.
fn run(n: &Network, step: u32, fields: &[Vec<f64>], kept: &[Vec<f64>]) -> (Vec<Vec<f64>>, Vec<Vec<f64>>) {
    let leaf = |leaf: &Leaf| match leaf {
        Leaf::Field(number) => fields[*number].clone(),
        Leaf::Parameter(number) => numbers(100 + number, size(&n.parameters[*number].dims)),
        Leaf::Kept(number) => kept[*number].clone(),
        _ => unreachable!("no network has other leaves"),
    };
    let environment = Environment { batch: BATCH, leaf: &leaf, learning_rate: 0.0, step, seed: 0, training: false };
    let mut values = evaluate(&n.graph, &environment);
    let outputs = n.outputs.iter().map(|(_, id)| values[id.index()].clone()).collect();
    (outputs, n.kept.iter().map(|k| std::mem::take(&mut values[k.next.index()])).collect())
}

/// Rows of a tensor `[batch, rows, …]`.
fn row(x: &[f64], row: usize) -> Vec<f64> {
    let width = x.len() / BATCH / LENGTH;
    (0..BATCH).flat_map(|sample| &x[(sample * LENGTH + row) * width..][..width]).copied().collect()
}

/// Compares each row of each output with what the step program gives. Outputs that are no sequences are compared behind the last step.
fn check(n: &Network, inputs: &[usize]) -> Stepwise {
    let steps = stepwise(n, inputs).unwrap_or_else(|obstacle| panic!("{obstacle:?}"));
    let fields: Vec<Vec<f64>> =
        n.fields.iter().enumerate().map(|(i, field)| numbers(i, BATCH * size(&field.dims))).collect();
    let (whole, _) = run(n, 0, &fields, &[]);
    let own = &steps.network;
    let mut kept: Vec<Vec<f64>> = own.kept.iter().map(|k| vec![0.0; BATCH * size(&k.dims)]).collect();
    for step in 0..LENGTH {
        let of_step = |(i, all): (usize, &Vec<f64>)| if inputs.contains(&i) { row(all, step) } else { all.clone() };
        let fields: Vec<Vec<f64>> = fields.iter().enumerate().map(of_step).collect();
        let outputs;
        (outputs, kept) = run(own, step as u32, &fields, &kept);
        for ((whole, (name, id)), own) in whole.iter().zip(&n.outputs).zip(&outputs) {
            let is_sequence = own.len() < whole.len();
            let expected = if is_sequence { row(whole, step) } else { whole.clone() };
            assert_eq!(expected.len(), own.len(), "{name}, {:?}", n.graph.shape(*id));
            if is_sequence || step + 1 == LENGTH {
                for (a, b) in expected.iter().zip(own) {
                    assert!((a - b).abs() < 1e-9 * (1.0 + a.abs()), "{name}, step {step}: {expected:?} but {own:?}");
                }
            }
        }
    }
    steps
}

fn kept(steps: &Stepwise) -> Vec<(&str, &[usize])> {
    steps.network.kept.iter().map(|k| (k.name.as_str(), &k.dims[..])).collect()
}

fn reason(n: &Network) -> (String, Reason) {
    let obstacle = stepwise(n, &[0]).expect_err("looks ahead");
    (obstacle.label, obstacle.reason)
}

#[test]
fn recurrent_layers_keep_their_states() {
    for (cell, states) in [(Cell::Tanh, 1), (Cell::Lstm, 2), (Cell::Gru, 1)] {
        let (mut n, [x]) = network([&[LENGTH, 3]]);
        let options = Recurrent { layers: 2, ..Recurrent::new(4) };
        n.graph.set_label("all.layer");
        let all = layers::recurrent(&mut n, "all.layer", x, cell, &options, &vec![None; states], None).unwrap();
        let y = layers::linear(&mut n, "y.linear", all.outputs, &Affine::new(5)).unwrap();
        output(&mut n, "y", y);
        output(&mut n, "end", all.states[0].1);
        let last = layers::last(&mut n.graph, y, 0).unwrap();
        output(&mut n, "last", last);
        let steps = check(&n, &[0]);
        assert_eq!((steps.network.kept.len(), steps.limit), (2 * states, None));
        assert_eq!(kept(&steps)[0], ("all.layer.state", &[4][..]));
    }
}

#[test]
fn states_begin_with_what_is_given() {
    let (mut n, [x, h]) = network([&[LENGTH, 3], &[4]]);
    let all = layers::recurrent(&mut n, "gru", x, Cell::Gru, &Recurrent::new(4), &[Some(h)], None).unwrap();
    output(&mut n, "y", all.outputs);
    check(&n, &[0]);
}

#[test]
fn lengths_are_known_from_the_beginning() {
    let (mut n, [x, length]) = network([&[LENGTH, 3], &[]]);
    let all = layers::recurrent(
        &mut n,
        "lstm",
        x,
        Cell::Lstm,
        &Recurrent { layers: 2, ..Recurrent::new(4) },
        &[None, None],
        Some((length, LENGTH + 1)),
    )
    .unwrap();
    output(&mut n, "y", all.outputs);
    output(&mut n, "end", all.states[1].1);
    assert_eq!(check(&n, &[0]).limit, Some(LENGTH), "positions are counted");
}

/// h = h * 0.5 + x[t] * weight[t], with weights by position and a mean over the features.
#[test]
fn loops_read_what_is_fixed_by_position() {
    let (mut n, [x, weight]) = network([&[LENGTH, 3], &[LENGTH, 3]]);
    let g = &mut n.graph;
    let zero = g.filled(0.0, &Shape::fixed(&[3]));
    let index = g.iota(0, &Shape::fixed(&[LENGTH, 3]));
    let steps = g.begin_loop(LENGTH, false);
    let (weight, index) = (g.at(steps, weight), g.at(steps, index));
    let x = g.at(steps, x);
    let h = g.carry(steps, zero);
    let kept = g.scale(h, 0.5);
    let product = g.mul(x, weight);
    let next = g.add2(kept, product);
    let next = g.add2(next, index);
    let end = g.end_loop(steps, &[(h, next)])[0];
    let all = g.stacked(steps, next);
    output(&mut n, "y", all);
    output(&mut n, "end", end);
    assert_eq!(check(&n, &[0]).limit, Some(LENGTH));
}

fn causal(heads: usize, kv_heads: Option<usize>) -> MultiHead {
    MultiHead { attention: Attention { causal: true, kv_heads, ..Attention::new(heads) }, ..MultiHead::new(heads) }
}

#[test]
fn causal_attention_keeps_keys_and_values() {
    let options = [
        causal(2, None),
        causal(4, Some(2)),
        MultiHead { rotary: Some(10_000.0), ..causal(2, None) },
        MultiHead { rotary: Some(100.0), ..causal(4, Some(1)) },
    ];
    for options in options {
        let (mut n, [x]) = network([&[LENGTH, 8]]);
        n.graph.set_label("y.self_attention");
        let y = layers::self_attention(&mut n, "y.self_attention", x, &options).unwrap();
        output(&mut n, "y", y);
        let steps = check(&n, &[0]);
        assert_eq!(steps.limit, Some(LENGTH));
        let [k, v] = [0, 1].map(|i| size(kept(&steps)[i].1));
        let width =
            LENGTH * 8 / options.attention.heads * options.attention.kv_heads.unwrap_or(options.attention.heads);
        assert_eq!((kept(&steps).len(), k, v), (2, width, width), "nothing but keys and values");
    }
}

#[test]
fn masks_of_lengths_stand_beside_the_causal_one() {
    let (mut n, [x, mask]) = network([&[LENGTH, 4], &[LENGTH]]);
    let mut options = causal(2, None);
    options.attention.mask = Some(mask);
    let y = layers::self_attention(&mut n, "y", x, &options).unwrap();
    output(&mut n, "y", y);
    check(&n, &[0]);
}

#[test]
fn positions_are_read_where_the_step_is() {
    let (mut n, [x]) = network([&[LENGTH, 6]]);
    let learnt = layers::position_embedding(&mut n, "learnt", x, None).unwrap();
    let both = layers::positional_encoding(&mut n.graph, learnt, 10_000.0).unwrap();
    output(&mut n, "y", both);
    let steps = check(&n, &[0]);
    assert_eq!((steps.limit, steps.network.kept.len()), (Some(LENGTH), 0));
}

fn transformer(heads: usize, causal: bool) -> Transformer {
    let attention = Attention { causal, ..Attention::new(heads) };
    Transformer {
        attention: MultiHead { attention, ..MultiHead::new(heads) },
        feedforward: 6,
        dropout: 0.1,
        gelu: true,
        norm_first: true,
        eps: 1e-5,
        memory_mask: None,
    }
}

#[test]
fn transformers_stream_layer_by_layer() {
    let (mut n, [tokens]) = network([&[LENGTH]]);
    n.fields[0].classes = Some(5);
    let mut x = layers::embedding(&mut n, "embedding", (tokens, 5), 8, None, None).unwrap();
    x = layers::position_embedding(&mut n, "position", x, None).unwrap();
    for block in ["a", "b"] {
        x = layers::transformer_encoder_layer(&mut n, block, x, &transformer(2, true)).unwrap();
    }
    let scores = layers::tied_linear(&mut n, "scores", x, "embedding", true).unwrap();
    let likely = layers::softmax(&mut n.graph, scores, -1).unwrap();
    output(&mut n, "scores", scores);
    output(&mut n, "likely", likely);
    assert_eq!(check(&n, &[0]).network.kept.len(), 4);
}

#[test]
fn decoders_look_at_all_of_another_sequence() {
    let (mut n, [x, memory]) = network([&[LENGTH, 4], &[5, 6]]);
    let x = layers::transformer_decoder_layer(&mut n, "decoder", [x, memory], &transformer(2, true)).unwrap();
    output(&mut n, "y", x);
    check(&n, &[0]);
}

/// A convolution of a sequence `[length, features]`.
fn convolution(n: &mut Network, path: &str, x: NodeId, options: &Convolution) -> NodeId {
    let channels_first = n.graph.permute(x, &[1, 0]);
    n.graph.set_label(path);
    let y = layers::convolution(n, path, channels_first, 1, options).unwrap();
    n.graph.permute(y, &[1, 0])
}

/// WaveNet-like: each layer looks twice as far back as the one before.
#[test]
fn causal_windows_keep_the_rows_behind_them() {
    let (mut n, [x]) = network([&[LENGTH, 2]]);
    let mut y = x;
    for (layer, dilation) in [1, 2, 4].into_iter().enumerate() {
        let options = Convolution {
            padding: Padding::Causal,
            dilation: PerAxis::All(dilation),
            groups: layer.clamp(1, 2),
            ..Convolution::new(4, 3)
        };
        y = convolution(&mut n, &format!("layer{layer}"), y, &options);
        y = n.graph.unary(crate::graph::Unary::Tanh, y);
    }
    let y = convolution(&mut n, "mixed", y, &Convolution::new(3, 1));
    output(&mut n, "y", y);
    let steps = check(&n, &[0]);
    assert_eq!(kept(&steps)[1..], [("layer1.last", &[4, 4][..]), ("layer2.last", &[2, 2, 8][..])]);
    assert_eq!(steps.limit, None, "windows have no end");
}

#[test]
fn two_sequences_step_together() {
    let (mut n, [a, b]) = network([&[LENGTH, 3], &[LENGTH, 3]]);
    let sum = n.graph.add2(a, b);
    let all = layers::recurrent(&mut n, "rnn", sum, Cell::Tanh, &Recurrent::new(2), &[None], None).unwrap();
    output(&mut n, "y", all.outputs);
    check(&n, &[0, 1]);
}

fn looking_ahead(of: impl FnOnce(&mut Graph, NodeId) -> Result<NodeId, Fact>) -> Reason {
    let (mut n, [x]) = network([&[LENGTH, 4]]);
    n.graph.set_label("culprit");
    let y = of(&mut n.graph, x).unwrap();
    n.graph.set_label("");
    let y = n.graph.scale(y, 2.0);
    output(&mut n, "y", y);
    let (label, reason) = reason(&n);
    assert_eq!(label, "culprit");
    reason
}

#[test]
fn what_looks_ahead_is_found() {
    assert_eq!(looking_ahead(|g, x| layers::flip(g, x, 0)), Reason::Backwards);
    assert_eq!(looking_ahead(|g, x| layers::mean(g, x, Some(&[0]), false)), Reason::LooksAhead);
    assert_eq!(looking_ahead(|g, x| layers::softmax(g, x, 0)), Reason::LooksAhead);
    assert_eq!(looking_ahead(layers::flatten), Reason::Merged);
    assert_eq!(looking_ahead(|g, x| layers::slice(g, x, 1, None, 0, 1)), Reason::Length);
    assert_eq!(
        looking_ahead(|g, x| {
            let last = layers::last(g, x, 0)?;
            Ok(g.add2(x, last))
        }),
        Reason::End
    );
    let (mut n, [x]) = network([&[LENGTH, 4]]);
    let same = Convolution { padding: Padding::Same, ..Convolution::new(2, 3) };
    let y = convolution(&mut n, "same", x, &same);
    output(&mut n, "y", y);
    assert_eq!(reason(&n), ("same".into(), Reason::Window(1)));
    let attention = |options: MultiHead| {
        let (mut n, [x]) = network([&[LENGTH, 8]]);
        n.graph.set_label("y.self_attention");
        let y = layers::self_attention(&mut n, "y.self_attention", x, &options).unwrap();
        output(&mut n, "y", y);
        reason(&n)
    };
    assert_eq!(attention(MultiHead::new(2)), ("y.self_attention".into(), Reason::LooksAhead));
    let (mut n, [x]) = network([&[LENGTH, 8]]);
    let options = Recurrent { bidirectional: true, ..Recurrent::new(2) };
    let all = layers::recurrent(&mut n, "gru", x, Cell::Gru, &options, &[None], None).unwrap();
    output(&mut n, "y", all.outputs);
    assert_eq!(reason(&n).1, Reason::Backwards);
}

/// One of the layers that look back only, on one of the values so far; all of them are `[LENGTH, 8]`.
fn random_layer(n: &mut Network, values: &[NodeId], path: &str, mut random: impl FnMut(usize) -> usize) -> NodeId {
    let x = values[random(values.len())];
    let other = values[random(values.len())];
    let g = &mut n.graph;
    g.set_label(path);
    match random(13) {
        0 => layers::linear(n, path, x, &Affine::new(8)).unwrap(),
        1 => layers::softmax(g, x, -1).unwrap(),
        2 => g.unary(crate::graph::Unary::Tanh, x),
        3 => g.add2(x, other),
        4 => g.mul(x, other),
        5 => {
            let cell = [Cell::Tanh, Cell::Lstm, Cell::Gru][random(3)];
            let states = if cell == Cell::Lstm { 2 } else { 1 };
            let options = Recurrent { layers: 1 + random(2), ..Recurrent::new(8) };
            layers::recurrent(n, path, x, cell, &options, &vec![None; states], None).unwrap().outputs
        }
        6 => {
            let rotary = [None, Some(100.0)][random(2)];
            let options = MultiHead { rotary, ..causal(4, [None, Some(1), Some(2)][random(3)]) };
            layers::self_attention(n, path, x, &options).unwrap()
        }
        7 => {
            let dilation = PerAxis::All(1 + random(3));
            let options = Convolution { padding: Padding::Causal, dilation, ..Convolution::new(8, 1 + random(3)) };
            convolution(n, path, x, &options)
        }
        8 => layers::position_embedding(n, path, x, None).unwrap(),
        9 => layers::positional_encoding(g, x, 50.0).unwrap(),
        10 => layers::transformer_encoder_layer(n, path, x, &transformer(1 + random(2), true)).unwrap(),
        11 => {
            // Features as a matrix of their own, summed over one of its axes.
            let matrix = g.reshape(x, &[LENGTH, 2, 4]);
            let turned = g.permute(matrix, &[1, 0, 2]);
            let sum = layers::sum(g, turned, Some(&[0]), false).unwrap();
            g.concat(&[sum, sum], 1)
        }
        _ => {
            // Queries of one value, keys and values of another.
            let options = Attention { causal: true, ..Attention::new(2) };
            layers::attention(g, [x, other, other], &options).unwrap()
        }
    }
}

#[test]
fn random_networks_that_look_back_stream() {
    for seed in 0..60 {
        let mut state = seed * 2_654_435_761 + 12_345;
        let mut random = move |below: usize| {
            state = (state * 6_364_136_223_846_793_005_u128 + 1_442_695_040_888_963_407) % (1 << 64);
            (state >> 33) as usize % below
        };
        let (mut n, [x]) = network([&[LENGTH, 8]]);
        let mut values = vec![x];
        for layer in 0..6 {
            let value = random_layer(&mut n, &values, &format!("layer{layer}"), &mut random);
            values.push(value);
        }
        let all = values.into_iter().reduce(|a, b| n.graph.add2(a, b)).unwrap();
        output(&mut n, "y", all);
        check(&n, &[0]);
    }
}
