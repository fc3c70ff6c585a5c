//! Loops over time as ONNX's `Scan`: the body is a graph of its own, whose inputs are the states and a row of each sequence, and which
//! sees everything around it.

use std::collections::{BTreeMap, BTreeSet};

use crate::graph::{Graph, Loop, Node, NodeId, Op};

use super::proto::{Attribute, Message, inner_value, node_of};
use super::{Printer, Value};

/// What is printed one after another.
pub(super) enum Piece {
    /// A node outside of all loops.
    Node(NodeId),
    /// A loop, with its body and with what leads out of it.
    Loop(Loop),
}

/// The graph in pieces: each one stands behind all that it reads.
pub(super) fn pieces(graph: &Graph) -> Vec<Piece> {
    let loops: Vec<Option<Loop>> = graph.nodes().zip(graph.loops()).map(|((_, n), of)| of.or(left_by(n))).collect();
    // Each piece is called by its first node.
    let mut first = BTreeMap::new();
    let piece: Vec<usize> =
        (0..graph.len()).map(|i| loops[i].map_or(i, |of| *first.entry(of.number).or_insert(i))).collect();
    let mut reads = vec![BTreeSet::new(); graph.len()];
    let mut readers = vec![BTreeSet::new(); graph.len()];
    for (id, node) in graph.nodes() {
        let to = piece[id.index()];
        for from in node.args.iter().map(|a| piece[a.index()]).filter(|from| *from != to) {
            reads[to].insert(from);
            readers[from].insert(to);
        }
    }
    let mut ready: BTreeSet<usize> = (0..graph.len()).filter(|&i| piece[i] == i && reads[i].is_empty()).collect();
    let mut pieces = Vec::new();
    while let Some(next) = ready.pop_first() {
        pieces.push(loops[next].map_or(Piece::Node(graph.id(next)), Piece::Loop));
        for &reader in &readers[next] {
            reads[reader].remove(&next);
            if reads[reader].is_empty() {
                ready.insert(reader);
            }
        }
    }
    pieces
}

/// The loop that a node leads out of.
fn left_by(node: &Node) -> Option<Loop> {
    match node.op {
        Op::Stacked(of, _) | Op::Final(of, _) => Some(of),
        _ => None,
    }
}

impl Printer<'_> {
    /// A loop, whose values are those of its body and of all that leads out of it.
    pub(super) fn scan(&mut self, of: Loop) -> Result<(), String> {
        let graph = self.graph;
        let inside: Vec<(NodeId, &Node)> =
            graph.nodes().zip(graph.loops()).filter(|(_, l)| *l == Some(of)).map(|(node, _)| node).collect();
        let ends: Vec<(NodeId, &Node)> = graph.nodes().filter(|(_, n)| left_by(n) == Some(of)).collect();
        let nexts = graph.nexts(of);
        // Asked for here: what a body computes is seen by nobody around it.
        self.batch_size();

        let (mut inputs, mut parameters) = (Vec::new(), Vec::new());
        for (&k, &next) in &nexts {
            let shape = graph.shape(next).clone();
            let carry = inside.iter().find(|(_, n)| matches!(n.op, Op::Carry(_, number) if number == k));
            let begin = match carry {
                Some((_, node)) => self.full_arg(node, 0),
                // Nobody reads it before it has its first value.
                None => {
                    let zero = self.number(0.0, &shape);
                    self.full(zero, &shape.dims)
                }
            };
            let begin = self.batched(begin);
            let name = self.name("state");
            inputs.push(begin.name);
            parameters.push(name.clone());
            if let Some((id, _)) = carry {
                self.values[id.index()] = Some(Value { name, ..begin });
            }
        }
        let mut axes = Vec::new();
        for (id, node) in inside.iter().filter(|(_, n)| matches!(n.op, Op::At(_))) {
            let rows = self.full_arg(node, 0);
            let name = self.name("row");
            axes.push(rows.lead() as i64);
            inputs.push(rows.name);
            parameters.push(name.clone());
            self.values[id.index()] = Some(Value { name, batch: rows.batch, dims: rows.dims[1..].to_vec() });
        }
        if axes.is_empty() {
            // Something must say how many steps there are.
            axes.push(0);
            inputs.push(self.floats(&[of.steps], vec![0.0; of.steps]));
            parameters.push(self.name("row"));
        }

        let body = parameters.iter().fold(Message::default().text(2, "steps"), |m, p| m.message(11, &inner_value(p)));
        let around = std::mem::replace(&mut self.message, body);
        for (id, node) in inside.iter().filter(|(_, n)| !matches!(n.op, Op::At(_) | Op::Carry(..))) {
            self.print(*id, node)?;
        }
        let mut outputs = Vec::new();
        for &next in nexts.values() {
            let value = self.whole(next);
            let value = self.batched(value);
            self.result_of_body(&value);
            outputs.push(self.name("state"));
        }
        let mut stacked = Vec::new();
        for (id, node) in ends.iter().filter(|(_, n)| matches!(n.op, Op::Stacked(..))) {
            let value = self.whole(node.args[0]);
            self.result_of_body(&value);
            let name = self.name("rows");
            outputs.push(name.clone());
            let dims = std::iter::once(of.steps).chain(value.dims.iter().copied()).collect();
            stacked.push((*id, Value { name, batch: value.batch, dims }));
        }
        let body = std::mem::replace(&mut self.message, around);

        let name = self.name("Scan");
        let towards = i64::from(of.reverse);
        let scanned = stacked.iter().map(|(_, value)| value.lead() as i64).collect();
        let attributes = [
            Attribute::Graph("body", body),
            Attribute::Int("num_scan_inputs", axes.len() as i64),
            Attribute::Ints("scan_input_directions", vec![towards; axes.len()]),
            Attribute::Ints("scan_input_axes", axes),
            Attribute::Ints("scan_output_directions", vec![towards; stacked.len()]),
            Attribute::Ints("scan_output_axes", scanned),
        ];
        let part = node_of("Scan", &name, &inputs, &outputs, &attributes);
        self.append(1, &part);
        for (id, value) in stacked {
            self.values[id.index()] = Some(value);
        }
        for (id, node) in ends {
            if let Op::Final(_, carries) = &node.op {
                let number =
                    nexts.keys().position(|k| *k == carries[0]).expect("its next value is among its arguments");
                let (name, dims) = (outputs[number].clone(), node.shape.dims.clone());
                self.values[id.index()] = Some(Value { name, batch: Some(true), dims });
            }
        }
        Ok(())
    }

    /// A node's value with all its dimensions, but for the batch.
    fn whole(&mut self, id: NodeId) -> Value {
        let (value, dims) = (self.value(id), self.graph.shape(id).dims.clone());
        self.full(value, &dims)
    }

    /// Makes a value the next result of the body that is printed; also one from outside, or one of its inputs.
    fn result_of_body(&mut self, value: &Value) {
        let name = self.op("Identity", std::slice::from_ref(&value.name), &[]);
        self.append(12, &inner_value(&name));
    }
}
