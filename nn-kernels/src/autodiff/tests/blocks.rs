//! What is computed by blocks of rows, beside the same as a whole.

use super::*;
use crate::layers::Attention;
use crate::network::{LossScale, Precision};
use crate::simplify::{Blocks, compute_by_blocks};

/// Blocks of two or three rows of whatever is larger than what it is made of.
const SMALL: Blocks = Blocks { from: 1, size: 1, rows: 2, times: 0 };

impl Bench {
    /// Attention of `heads` heads, each of one feature, with a mask of this kind.
    fn long(&mut self, [heads, groups]: [usize; 2], [queries, keys]: [usize; 2], mask: usize, causal: bool) -> NodeId {
        let all = heads * groups;
        let q = self.batched(&[queries, all], REAL);
        let k = self.batched(&[keys, heads], REAL);
        let v = self.batched(&[keys, heads], REAL);
        let dims = &[all, queries, keys][3 - mask..];
        let mask = (mask > 0)
            .then(|| self.leaf(&Shape::batched(dims), None, |rng| if rng.below(3) == 0 { 0.0 } else { 1.0 }).1);
        let options = Attention { kv_heads: Some(heads), causal, mask, dropout: 0.3, ..Attention::new(all) };
        layers::attention(self.graph(), [q, k, v], &options).unwrap()
    }

    /// Computed by blocks, it is the same.
    fn is_by_blocks(&self, y: NodeId) {
        let (graph, roots) = specialize(&self.network.graph, &[y], Phase::Training);
        let (blocked, new) = compute_by_blocks(&graph, &roots, &self.network.blocks).expect("it is large");
        assert!(blocked.has_loops());
        let ([plain, blocked], roots) = ([&graph, &blocked].map(|g| self.results(g)), [roots[0], new[0]]);
        let [plain, blocked] = [&plain[roots[0].index()], &blocked[roots[1].index()]];
        let close = |(a, b): (&f64, &f64)| (a - b).abs() <= 1e-12 * (1.0 + a.abs());
        assert!(plain.iter().zip(blocked).all(close), "{plain:?}, by blocks {blocked:?}");
        assert_eq!(plain.len(), blocked.len());
    }
}

#[test]
fn attention_by_blocks_is_attention() {
    for seed in 0..12 {
        let mut bench = Bench::new(seed);
        bench.network.blocks = SMALL;
        bench.batch = 1 + seed as usize % 2;
        let causal = seed % 3 == 0;
        // Lengths with whole blocks, and with rows that are left over.
        let keys = [6, 5][seed as usize / 6];
        let queries = if causal { keys } else { 7 };
        let heads = [[1, 1], [2, 1], [1, 2]][seed as usize % 3];
        let y = bench.long(heads, [queries, keys], seed as usize % 4, causal);
        bench.is_by_blocks(y);
        bench.check(&format!("attention by blocks, seed {seed}"), y);
    }
}

#[test]
fn what_a_loop_reads_in_each_step_stays_whole() {
    let mut bench = Bench::new(2);
    bench.network.blocks = SMALL;
    let (q, k) = (bench.batched(&[8, 1], REAL), bench.batched(&[1, 8], REAL));
    let (begin, rows) = (bench.batched(&[8, 1], REAL), bench.batched(&[3, 8, 1], REAL));
    let g = bench.graph();
    let matrix = layers::matmul(g, q, k).unwrap();
    let steps = g.begin_loop(3, false);
    let (h, row) = (g.carry(steps, begin), g.at(steps, rows));
    let product = layers::matmul(g, matrix, h).unwrap();
    let next = g.add2(product, row);
    let y = g.end_loop(steps, &[(h, next)])[0];
    let (graph, roots) = specialize(&bench.network.graph, &[y], Phase::Inference);
    assert!(compute_by_blocks(&graph, &roots, &bench.network.blocks).is_none());
    bench.check("a loop that reads a matrix", y);
}

#[test]
fn what_is_wanted_as_a_whole_stays_whole() {
    let mut bench = Bench::new(1);
    bench.network.blocks = SMALL;
    let y = bench.long([1, 1], [8, 8], 0, false);
    let (graph, roots) = specialize(&bench.network.graph, &[y], Phase::Inference);
    let weights = |(id, node): (NodeId, &crate::graph::Node)| {
        (node.op == Op::Binary(Binary::Divide) && node.shape.dims == [1, 8, 8]).then_some(id)
    };
    let weights = graph.nodes().find_map(weights).expect("scores become weights");
    assert!(compute_by_blocks(&graph, &[roots[0], weights], &SMALL).is_none());
    assert!(compute_by_blocks(&graph, &roots, &SMALL).is_some());
    assert!(compute_by_blocks(&graph, &roots, &Blocks::default()).is_none(), "short sequences have no loop");
}

#[test]
fn blocks_may_be_in_mixed_precision() {
    for seed in 0..3 {
        let mut bench = Bench::new(seed);
        let y = bench.long([1, 2], [7, 6], seed as usize, false);
        let g = bench.graph();
        let loss = g.mean_sample(y);
        bench.network.loss = Some(g.broadcast(loss, &Shape::batched(&[])));
        let [whole, by_blocks] = [Blocks::default(), SMALL].map(|blocks| {
            bench.network.blocks = blocks;
            bench.network.precision = Precision::Mixed(LossScale::default());
            let plan = compile(&bench.network, &Options { fuse: true });
            let schedule = plan.gradients.as_ref().expect("it has a loss");
            let capacity = bench.batch.next_multiple_of(4);
            let mut memory = Memory::new(&plan, schedule, capacity);
            for &(field, tensor) in &schedule.fields {
                memory.write(schedule, tensor, capacity, &bench.leaves[&Leaf::Field(field)]);
            }
            run(&plan, schedule, bench.batch, capacity, &mut memory, &STEP).unwrap();
            let gradient = |(_, t): &(usize, _)| memory.read(schedule, *t, bench.batch, capacity).to_vec();
            (schedule.loops.len(), schedule.field_gradients.iter().flat_map(gradient).collect::<Vec<f64>>())
        });
        assert!(whole.0 == 0 && by_blocks.0 > 0);
        let largest = whole.1.iter().fold(0.0_f64, |a, x| a.max(x.abs()));
        let close = |(a, b): (&f64, &f64)| (a - b).abs() <= 4e-3 * largest;
        assert!(whole.1.iter().zip(&by_blocks.1).all(close), "{:?}, by blocks {:?}", whole.1, by_blocks.1);
    }
}
