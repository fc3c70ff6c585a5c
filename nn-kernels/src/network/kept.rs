//! Kept tensors: what a network remembers of each sample from one run of a program to the next.
//!
//! A kept tensor is a leaf of the graph, [`Leaf::Kept`], and a value that it becomes when the program has run: the state of a
//! recurrent layer that goes on where the batch before ended, or what a program for one step knows of the steps before. It has the
//! batch in front, begins with zeros, and belongs to places of the batch: sample `i` finds what sample `i` of the run before has left.
//! Gradients end at it, as truncated backpropagation through time wants.

use super::Network;
use crate::graph::{Leaf, NodeId, Op, Shape};

/// A tensor that survives from one run of a program to the next.
#[derive(Clone, Debug, PartialEq)]
pub struct Kept {
    /// Its path: `body.lstm.h`. No other kept tensor has this name.
    pub name: String,
    /// Its per-sample dimensions.
    pub dims: Vec<usize>,
    /// The leaf: what the run before has left, or zeros.
    pub leaf: NodeId,
    /// What it is when the program has run; of the leaf's shape. At first that is the leaf: it stays as it is.
    pub next: NodeId,
}

impl Network {
    /// Adds a tensor that is kept from run to run, and gives its leaf. Where the name is taken it gets a number.
    ///
    /// ```
    /// use nn_kernels::graph::{Leaf, Shape};
    /// use nn_kernels::network::Network;
    ///
    /// // The sum of all that came in so far.
    /// let mut n = Network::default();
    /// let x = n.graph.leaf(Leaf::Field(0), Shape::batched(&[3]));
    /// let so_far = n.keep("total", &[3]);
    /// let total = n.graph.add2(so_far, x);
    /// n.kept_becomes(so_far, total);
    /// assert_eq!((n.kept[0].leaf, n.kept[0].next), (so_far, total));
    /// ```
    pub fn keep(&mut self, name: &str, dims: &[usize]) -> NodeId {
        let is_taken = |name: &str| self.kept.iter().any(|kept| kept.name == name);
        let numbered = (1..).map(|i| format!("{name}_{i}"));
        let name = std::iter::once(name.to_owned()).chain(numbered).find(|name| !is_taken(name));
        let leaf = self.graph.leaf(Leaf::Kept(self.kept.len()), Shape::batched(dims));
        self.kept.push(Kept { name: name.unwrap_or_default(), dims: dims.to_vec(), leaf, next: leaf });
        leaf
    }

    /// Says what a kept tensor is when a program has run: a value of its shape, or one that broadcasts to it.
    pub fn kept_becomes(&mut self, leaf: NodeId, next: NodeId) {
        let Op::Leaf(Leaf::Kept(number)) = self.graph.node(leaf).op else {
            unreachable!("what is kept is a leaf that `keep` has given");
        };
        let shape = Shape::batched(&self.kept[number].dims);
        self.kept[number].next = self.graph.broadcast(next, &shape);
    }

    /// What all kept tensors are when a program has run, in their order.
    pub fn kept_next(&self) -> Vec<NodeId> {
        self.kept.iter().map(|kept| kept.next).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reference::{Environment, evaluate};

    #[test]
    fn names_are_unique_and_a_tensor_stays_until_it_is_told_what_it_becomes() {
        let mut n = Network::default();
        let (a, b) = (n.keep("lstm.h", &[2]), n.keep("lstm.h", &[2]));
        assert_ne!(a, b);
        assert_eq!(n.kept.iter().map(|k| k.name.as_str()).collect::<Vec<_>>(), ["lstm.h", "lstm.h_1"]);
        assert_eq!(n.kept_next(), [a, b]);
    }

    /// Two runs of the reference evaluator: what one leaves is what the next one finds.
    #[test]
    fn runs_go_on_where_the_run_before_ended() {
        let mut n = Network::default();
        let x = n.graph.leaf(Leaf::Field(0), Shape::batched(&[2]));
        let so_far = n.keep("total", &[2]);
        let total = n.graph.add2(so_far, x);
        n.kept_becomes(so_far, total);
        let mut kept = vec![0.0; 4];
        for run in 1..=3 {
            let leaf = |leaf: &Leaf| match leaf {
                Leaf::Kept(0) => kept.clone(),
                _ => vec![1.0, 2.0, 3.0, 4.0],
            };
            let env = Environment { batch: 2, leaf: &leaf, learning_rate: 0.0, step: 0, seed: 0, training: false };
            kept = evaluate(&n.graph, &env).swap_remove(n.kept[0].next.index());
            assert_eq!(kept, [1.0, 2.0, 3.0, 4.0].map(|x| x * f64::from(run)));
        }
    }
}
