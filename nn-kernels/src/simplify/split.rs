//! Cuts a reduction of one huge vector to one number into two, so that it runs in parallel.

use crate::graph::{Graph, NodeId, Op};

/// Vectors at least this long are cut.
const LONG: usize = 1 << 15;
/// How long the pieces are. A fixed number: the order of sums must not depend on the machine.
const PIECE: usize = 4096;

/// A copy of the graph in which long reductions to a single number (of tensors without batch) go by pieces.
pub fn split_reductions(graph: &Graph, roots: &[NodeId]) -> (Graph, Vec<NodeId>) {
    let mut copy = Graph::new();
    let mut map: Vec<Option<NodeId>> = vec![None; graph.len()];
    for (id, node) in graph.nodes() {
        copy.set_label(graph.label(id));
        let mut new = super::copy_node(&mut copy, graph, id, &map);
        if let Op::Reduce { how, .. } = node.op
            && node.shape.size() == 1
            && !graph.shape(node.args[0]).batch
            && graph.shape(node.args[0]).size() >= LONG
        {
            let x = map[node.args[0].index()].expect("arguments come earlier");
            let n = graph.shape(node.args[0]).size();
            let flat = copy.reshape(x, &[n]);
            let (pieces, rest) = (n / PIECE, n % PIECE);
            let main = copy.slice(flat, &[0], &[pieces * PIECE]);
            let main = copy.reshape(main, &[pieces, PIECE]);
            let partial = copy.reduce(how, main, &[1], false);
            let partial = if rest == 0 {
                partial
            } else {
                let tail = copy.slice(flat, &[pieces * PIECE], &[rest]);
                let tail = copy.reduce(how, tail, &[0], false);
                let tail = copy.reshape(tail, &[1]);
                copy.concat(&[partial, tail], 0)
            };
            let whole = copy.reduce(how, partial, &[0], false);
            new = copy.reshape(whole, &node.shape.dims);
        }
        map[id.index()] = Some(new);
    }
    (copy, roots.iter().map(|r| map[r.index()].expect("every node has a counterpart")).collect())
}
