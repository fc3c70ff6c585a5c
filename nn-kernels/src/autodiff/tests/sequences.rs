//! Gathers, attention and what else reads sequences.

use super::*;
use crate::layers::{Attention, MultiHead, Transformer};

impl Bench {
    /// A mask with at least one position of each kind, where there are several.
    fn mask(&mut self, dims: &[usize]) -> NodeId {
        self.leaf(&Shape::batched(dims), None, |rng| if rng.below(3) == 0 { 0.0 } else { 1.0 }).1
    }
}

#[test]
fn rows_by_number() {
    for seed in 0..2 * TRIALS {
        for padding in [None, Some(0), Some(-1)] {
            let mut bench = Bench::new(seed);
            let dims = bench.rng.dims(0..=2);
            let (classes, width) = (1 + bench.rng.below(6), 1 + bench.rng.below(5));
            let tokens = bench.labels(&dims, classes);
            let y =
                layers::embedding(&mut bench.network, "embedding", (tokens, classes), width, padding, None).unwrap();
            assert_eq!(bench.network.graph.shape(y).dims, [&dims[..], &[width]].concat());
            if padding.is_none() {
                // Rows of a padding have no gradient, and differences would find one.
                bench.check("embedding", y);
            }
        }
        // Of a table that is computed, and the gradient of that gradient's operation.
        let mut bench = Bench::new(seed);
        let table = bench.operand(&Shape::fixed(&[4, 3]), REAL);
        let tokens = bench.labels(&[5], 4);
        let g = bench.graph();
        let rows = g.gather(table, tokens);
        let sums = g.scatter(tokens, rows, 6);
        let sums = g.broadcast(sums, &Shape::batched(&[6, 3]));
        bench.check("gather and scatter", sums);
    }
}

#[test]
fn a_padding_row_gets_no_gradient() {
    let mut bench = Bench::new(1);
    let tokens = bench.leaf(&Shape::batched(&[4]), Some(3), |rng| rng.below(3) as f64).1;
    let n = &mut bench.network;
    let y = layers::embedding(n, "embedding", (tokens, 3), 2, Some(1), None).unwrap();
    assert_eq!((n.parameters[0].zero_row, n.parameters[0].dims.as_slice()), (Some(1), [3, 2].as_slice()));
    let total = n.graph.sum_sample(y);
    let seed = n.graph.filled(1.0, &Shape::batched(&[]));
    let weight = find(&n.graph, &Leaf::Parameter(0)).unwrap();
    let gradient = gradients(&mut n.graph, total, seed, &[weight])[0].unwrap();
    let batch = bench.batch;
    let numbers = [2.0, 1.0, 1.0, 0.0].repeat(batch);
    let leaf = |leaf: &Leaf| if *leaf == Leaf::Field(0) { numbers.clone() } else { vec![0.5; 6] };
    let environment = Environment { batch, leaf: &leaf, learning_rate: 0.0, step: 0, seed: 0, training: true };
    let b = batch as f64;
    assert_eq!(evaluate(&bench.network.graph, &environment)[gradient.index()], [b, b, 0.0, 0.0, b, b]);
}

#[test]
fn attention_of_every_form() {
    for seed in 0..4 * TRIALS {
        let mut bench = Bench::new(seed);
        let rng = &mut bench.rng;
        let (kv_heads, groups) = (1 + rng.below(2), 1 + rng.below(2));
        let [mut queries, keys, width, values] = [(); 4].map(|()| 1 + rng.below(3));
        let causal = rng.below(2) == 0;
        if causal {
            queries = keys;
        }
        let heads = kv_heads * groups;
        let mask = rng.below(4);
        let q = bench.batched(&[queries, heads * width], REAL);
        let k = bench.batched(&[keys, kv_heads * width], REAL);
        let v = bench.batched(&[keys, kv_heads * values], REAL);
        let mask = match mask {
            0 => None,
            1 => Some(bench.mask(&[keys])),
            2 => Some(bench.mask(&[queries, keys])),
            _ => Some(bench.mask(&[heads, queries, keys])),
        };
        let options = Attention { kv_heads: Some(kv_heads), causal, mask, dropout: 0.3, ..Attention::new(heads) };
        let y = layers::attention(bench.graph(), [q, k, v], &options).unwrap();
        assert_eq!(bench.network.graph.shape(y).dims, [queries, heads * values]);
        bench.check("attention", y);
    }
}

#[test]
fn attention_layers() {
    for seed in 0..TRIALS {
        let options = |heads| MultiHead { rotary: (seed % 2 == 0).then_some(100.0), ..MultiHead::new(heads) };
        let mut bench = Bench::new(seed);
        let x = bench.batched(&[3, 4], REAL);
        let grouped = Attention { kv_heads: Some(1), causal: seed % 3 == 0, ..Attention::new(2) };
        let grouped = MultiHead { attention: grouped, ..options(2) };
        let y = layers::self_attention(&mut bench.network, "attention", x, &grouped).unwrap();
        assert_eq!(bench.network.parameters[0].dims, [8, 4]);
        bench.check("self_attention", y);

        let mut bench = Bench::new(seed);
        let x = bench.batched(&[3, 4], REAL);
        let memory = bench.batched(&[2, if seed % 2 == 0 { 4 } else { 3 }], REAL);
        let y = layers::cross_attention(&mut bench.network, "attention", [x, memory], &MultiHead::new(2)).unwrap();
        bench.check("cross_attention", y);
    }
}

#[test]
fn positions_and_masks() {
    for seed in 0..TRIALS {
        let mut bench = Bench::new(seed);
        let (length, width) = (1 + bench.rng.below(4), 1 + bench.rng.below(5));
        let x = bench.batched(&[length, width], REAL);
        let y = layers::positional_encoding(bench.graph(), x, 10_000.0).unwrap();
        bench.check("positional_encoding", y);

        let mut bench = Bench::new(seed);
        let x = bench.batched(&[length, width], REAL);
        let y = layers::position_embedding(&mut bench.network, "position", x, None).unwrap();
        bench.check("position_embedding", y);

        let mut bench = Bench::new(seed);
        let x = bench.batched(&[length, 8], REAL);
        let y = layers::rotary(bench.graph(), x, 2, 10.0, seed % 2 == 0).unwrap();
        bench.check("rotary", y);

        let mut bench = Bench::new(seed);
        let x = bench.batched(&[length, width], REAL);
        let lengths = bench.labels(&[], length + 1);
        let g = bench.graph();
        let mask = layers::mask_from(g, (lengths, length + 1), length).unwrap();
        let (kept, mean) = (layers::masking(g, x, mask).unwrap(), layers::masked_mean(g, x, mask).unwrap());
        let y = g.add2(kept, mean);
        bench.check("masking", y);
    }
}

#[test]
fn transformer_layers() {
    for seed in 0..4 {
        let options = |bench: &mut Bench| Transformer {
            attention: MultiHead {
                attention: Attention { mask: Some(bench.mask(&[3])), ..Attention::new(2) },
                ..MultiHead::new(2)
            },
            feedforward: 3,
            dropout: 0.1,
            gelu: seed % 2 == 0,
            norm_first: seed >= 2,
            eps: 1e-5,
            memory_mask: None,
        };
        let mut bench = Bench::new(seed);
        let options_of = options(&mut bench);
        let x = bench.batched(&[3, 4], REAL);
        let y = layers::transformer_encoder_layer(&mut bench.network, "block", x, &options_of).unwrap();
        bench.check("transformer_encoder_layer", y);

        let mut bench = Bench::new(seed);
        let options_of = options(&mut bench);
        let x = bench.batched(&[3, 4], REAL);
        let memory = bench.batched(&[2, 4], REAL);
        let y = layers::transformer_decoder_layer(&mut bench.network, "block", [x, memory], &options_of).unwrap();
        bench.check("transformer_decoder_layer", y);
    }
}

#[test]
fn labels_whose_places_are_not_known() {
    for seed in 0..TRIALS {
        let mut bench = Bench::new(seed);
        let rng = &mut bench.rng;
        let (count, classes) = (1 + rng.below(3), 2 + rng.below(3));
        // Repeated labels need a step between them.
        let steps = 2 * count + rng.below(3);
        let logits = bench.batched(&[steps, classes], REAL);
        let labels = bench.leaf(&Shape::batched(&[count]), Some(classes), |rng| 1.0 + rng.below(classes - 1) as f64).1;
        let options = if seed % 2 == 0 {
            layers::Ctc::default()
        } else {
            let input = bench.leaf(&Shape::batched(&[]), Some(steps + 1), |rng| (steps - rng.below(2)) as f64).1;
            let target = bench.labels(&[], count + 1);
            let (input_length, target_length) = (Some((input, steps + 1)), Some((target, count + 1)));
            layers::Ctc { input_length, target_length, ..layers::Ctc::default() }
        };
        let y = layers::ctc(bench.graph(), logits, (labels, classes), &options).unwrap();
        bench.check("ctc", y);
    }
}

/// What no path spells has no gradient, and neither has anything a NaN.
#[test]
fn labels_that_no_path_spells() {
    for zero_infinity in [false, true] {
        let mut bench = Bench::new(1);
        let logits = bench.batched(&[3, 3], REAL);
        // Two equal labels need three steps, and so four with another one.
        let labels = bench.leaf(&Shape::batched(&[3]), Some(3), |_| 1.0).1;
        let options = layers::Ctc { zero_infinity, ..layers::Ctc::default() };
        let y = layers::ctc(bench.graph(), logits, (labels, 3), &options).unwrap();
        let g = &mut bench.network.graph;
        let seed = g.filled(1.0, &Shape::batched(&[]));
        let gradient = gradients(g, y, seed, &[logits])[0].unwrap();
        let leaf = |leaf: &Leaf| bench.leaves[leaf].clone();
        let batch = bench.batch;
        let environment = Environment { batch, leaf: &leaf, learning_rate: 0.0, step: 0, seed: 0, training: true };
        let values = evaluate(&bench.network.graph, &environment);
        assert!(values[gradient.index()].iter().all(|x| *x == 0.0), "{:?}", values[gradient.index()]);
        let loss = values[y.index()][0] as f32;
        assert_eq!(loss, if zero_infinity { 0.0 } else { f32::INFINITY });
    }
}
