//! Mixed precision: what contractions read is rounded to f16.
//!
//! The operands of a contraction are views of a tensor (moves and windows of it), and the tensor behind them is what is rounded, by
//! [`Unary::ToHalf`]. Where it is computed, everybody else who reads it reads the rounded numbers too, so that it has to be
//! stored once, in half the memory. Where it comes from outside (a parameter, an input), the others read it as it is, and so does
//! whoever gets it as a result.
//!
//! A product with a comparison's zeros and ones picks numbers instead of computing any; it reads them as they are.

use crate::graph::{Binary, Graph, Node, NodeId, Op, Unary};

/// Which numbers of a node are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// Those that it computes.
    Exact,
    /// What everybody reads: rounded, if a contraction reads them and they are computed.
    Shared,
    /// Rounded: a contraction reads them.
    Half,
}

const FORMS: [Form; 3] = [Form::Exact, Form::Shared, Form::Half];

/// A copy of the graph in which the operands of contractions are rounded to f16; returns the roots' counterparts.
pub fn half_operands(graph: &Graph, roots: &[NodeId]) -> (Graph, Vec<NodeId>) {
    let rounded = rounded(graph, roots);
    let mut needed = vec![[false; 3]; graph.len()];
    roots.iter().for_each(|root| needed[root.index()][Form::Exact as usize] = true);
    for (id, node) in graph.nodes().rev() {
        let forms = needed[id.index()];
        for form in FORMS.into_iter().filter(|&form| forms[form as usize]) {
            for arg in &node.args {
                let (of, _) = resolve(graph, &rounded, *arg, argument_form(graph, node, form));
                needed[arg.index()][of as usize] = true;
            }
        }
    }
    let mut copy = Graph::new();
    let mut map = vec![[None; 3]; graph.len()];
    for (id, node) in graph.nodes() {
        for form in FORMS.into_iter().filter(|&form| needed[id.index()][form as usize]) {
            let mut args = vec![];
            for arg in &node.args {
                let (of, rounds) = resolve(graph, &rounded, *arg, argument_form(graph, node, form));
                let mut new = map[arg.index()][of as usize].expect("arguments come earlier");
                if rounds {
                    copy.set_label(graph.label(*arg));
                    new = copy.unary(Unary::ToHalf, new);
                }
                args.push(new);
            }
            copy.set_label(graph.label(id));
            map[id.index()][form as usize] = Some(super::copy_with(&mut copy, node, args));
        }
    }
    let roots = roots.iter().map(|r| map[r.index()][Form::Exact as usize].expect("roots are needed")).collect();
    (copy, roots)
}

/// Whether a node only says where another one is read.
fn is_view(op: &Op) -> bool {
    matches!(op, Op::Broadcast | Op::Reshape | Op::Permute(_) | Op::Slice(_) | Op::Detach | Op::Window(_))
}

/// The form in which a node of some form reads its arguments. Comparisons of two tensors read what was computed: which element of a
/// window is the largest, say, is no question of rounding. Those with a constant ask for a sign, which rounding keeps.
fn argument_form(graph: &Graph, node: &Node, form: Form) -> Form {
    match &node.op {
        Op::Contract(_) if picks(graph, node) => Form::Shared,
        Op::Contract(_) => Form::Half,
        Op::Binary(Binary::Equal) => Form::Exact,
        Op::Binary(Binary::Less | Binary::LessEqual) if node.args.iter().all(|a| graph.as_constant(*a).is_none()) => {
            Form::Exact
        }
        op if is_view(op) => form,
        _ => Form::Shared,
    }
}

/// Whether a contraction has an operand that is nothing but a comparison.
fn picks(graph: &Graph, contraction: &Node) -> bool {
    contraction.args.iter().any(|&operand| {
        let mut id = operand;
        while is_view(&graph.node(id).op) {
            id = graph.node(id).args[0];
        }
        matches!(graph.node(id).op, Op::Binary(Binary::Equal | Binary::Less | Binary::LessEqual))
    })
}

/// The form that stands for a node where `form` is read, and whether it is rounded on top of that. What computes has one form.
fn resolve(graph: &Graph, rounded: &[bool], id: NodeId, form: Form) -> (Form, bool) {
    let op = &graph.node(id).op;
    if is_view(op) {
        return (form, false);
    }
    let computed = !matches!(op, Op::Leaf(_));
    let rounds = match form {
        Form::Exact => false,
        Form::Shared => rounded[id.index()] && computed,
        Form::Half => true,
    };
    (Form::Exact, rounds)
}

/// Which nodes contractions read, through views.
fn rounded(graph: &Graph, roots: &[NodeId]) -> Vec<bool> {
    let mut needed = vec![false; graph.len()];
    let mut rounded = vec![false; graph.len()];
    roots.iter().for_each(|root| needed[root.index()] = true);
    for (id, node) in graph.nodes().rev().filter(|(_, node)| !node.args.is_empty()) {
        if !needed[id.index()] {
            continue;
        }
        for arg in &node.args {
            needed[arg.index()] = true;
            let multiplies = matches!(node.op, Op::Contract(_)) && !picks(graph, node);
            rounded[arg.index()] |= multiplies || (is_view(&node.op) && rounded[id.index()]);
        }
    }
    rounded
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::{Contraction, Extent, Leaf, Reduction, Shape};

    /// `x [batch, 3]` times `w [2, 3]`.
    fn product(graph: &mut Graph, x: NodeId, w: NodeId) -> NodeId {
        let contraction = Contraction::of_axes(vec![Extent::Size(3)], [0, 2], [1, 2]);
        graph.add(Op::Contract(contraction), vec![x, w], Shape::batched(&[2]))
    }

    fn count(graph: &Graph, op: Unary) -> usize {
        graph.nodes().filter(|(_, node)| node.op == Op::Unary(op)).count()
    }

    #[test]
    fn what_is_computed_is_rounded_for_everybody_and_leaves_for_contractions_alone() {
        let mut graph = Graph::new();
        let x = graph.leaf(Leaf::Field(0), Shape::batched(&[3]));
        let w = graph.leaf(Leaf::Parameter(0), Shape::fixed(&[2, 3]));
        let hidden = graph.unary(Unary::Tanh, x);
        let turned = graph.reshape(hidden, &[1, 3]);
        let turned = graph.reshape(turned, &[3]);
        let y = product(&mut graph, turned, w);
        let total = graph.reduce(Reduction::Sum, hidden, &[0], false);
        let size = graph.reduce(Reduction::Sum, w, &[0, 1], false);
        let (half, roots) = half_operands(&graph, &[y, total, size, hidden]);
        assert_eq!(count(&half, Unary::ToHalf), 2);
        let arg = |root: usize, i: usize| &half.node(half.node(roots[root]).args[i]).op;
        assert_eq!((arg(0, 0), arg(0, 1)), (&Op::Unary(Unary::ToHalf), &Op::Unary(Unary::ToHalf)));
        assert_eq!(arg(1, 0), &Op::Unary(Unary::ToHalf), "sums read what products read");
        assert_eq!(arg(2, 0), &Op::Leaf(Leaf::Parameter(0)), "weights are kept in f32");
        assert_eq!(half.node(roots[3]).op, Op::Unary(Unary::Tanh), "a result is what was computed");
    }

    #[test]
    fn comparisons_read_what_was_computed() {
        let mut graph = Graph::new();
        let x = graph.leaf(Leaf::Field(0), Shape::batched(&[3]));
        let w = graph.leaf(Leaf::Parameter(0), Shape::fixed(&[2, 3]));
        let hidden = graph.unary(Unary::Exp, x);
        let y = product(&mut graph, hidden, w);
        let largest = graph.binary(Binary::Equal, x, hidden);
        let zero = graph.filled(0.0, &Shape::batched(&[3]));
        let positive = graph.binary(Binary::Less, zero, hidden);
        let (half, roots) = half_operands(&graph, &[y, largest, positive]);
        assert_eq!(half.node(half.node(roots[1]).args[1]).op, Op::Unary(Unary::Exp));
        assert_eq!(half.node(half.node(roots[2]).args[1]).op, Op::Unary(Unary::ToHalf));
    }

    #[test]
    fn what_a_comparison_picks_is_not_rounded() {
        let mut graph = Graph::new();
        let x = graph.leaf(Leaf::Field(0), Shape::batched(&[3]));
        let label = graph.leaf(Leaf::Field(1), Shape::batched(&[3]));
        let hidden = graph.unary(Unary::Log, x);
        let place = graph.iota(0, &Shape::batched(&[3]));
        let place = graph.broadcast(place, &Shape::batched(&[3]));
        let is_label = graph.binary(Binary::Equal, place, label);
        let dot = Contraction::of_axes(vec![Extent::Size(3)], [0, 1], [0, 1]);
        let y = graph.add(Op::Contract(dot), vec![hidden, is_label], Shape::batched(&[]));
        let (half, _) = half_operands(&graph, &[y]);
        assert_eq!(count(&half, Unary::ToHalf), 0);
    }

    #[test]
    fn without_contractions_nothing_changes() {
        let mut graph = Graph::new();
        let x = graph.leaf(Leaf::Field(0), Shape::batched(&[3]));
        let y = graph.unary(Unary::Exp, x);
        let (half, _) = half_operands(&graph, &[y]);
        assert_eq!((half.len(), count(&half, Unary::ToHalf)), (2, 0));
    }
}
