//! How each node depends on the sequence that arrives.

use std::collections::BTreeSet;

use super::accesses::{Read, reads, result_axis};
use super::{Obstacle, Reason, obstacle};
use crate::graph::{Graph, Leaf, Loop, Node, NodeId, Op};

/// How a node depends on the sequence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// Not at all.
    Fixed,
    /// Along these axes, ascending: one, or two where each position meets each other one.
    Timed(Vec<usize>),
    /// In the body of a loop over the sequence: a step's value, and along these axes besides.
    Body(Loop, Vec<usize>),
    /// What there is when the sequence has ended.
    Now,
}

impl Class {
    /// The axes along which positions lie.
    pub(super) fn axes(&self) -> &[usize] {
        match self {
            Class::Timed(axes) | Class::Body(_, axes) => axes,
            Class::Fixed | Class::Now => &[],
        }
    }
}

/// The classes of all nodes.
pub(super) fn classes(graph: &Graph, inputs: &[usize], length: usize) -> Result<Vec<Class>, Obstacle> {
    // A loop may read what is fixed before it reads the sequence.
    let mut over_time = BTreeSet::new();
    'again: loop {
        let mut all: Vec<Class> = Vec::with_capacity(graph.len());
        for (id, node) in graph.nodes() {
            if let Op::At(of) = node.op
                && !matches!(all[node.args[0].index()], Class::Fixed)
                && over_time.insert(of.number)
            {
                continue 'again;
            }
            let step = Step { graph, inputs, length, over_time: &over_time, classes: &all };
            let class = step.class(id, node).map_err(|reason| obstacle(graph, id, reason))?;
            all.push(class);
        }
        return Ok(all);
    }
}

struct Step<'a> {
    graph: &'a Graph,
    inputs: &'a [usize],
    length: usize,
    /// The numbers of the loops over the sequence.
    over_time: &'a BTreeSet<u32>,
    /// Those of the nodes before.
    classes: &'a [Class],
}

impl Step<'_> {
    fn class(&self, id: NodeId, node: &Node) -> Result<Class, Reason> {
        let of = |arg: usize| &self.classes[node.args[arg].index()];
        let is_over_time = |l: &Loop| self.over_time.contains(&l.number);
        match &node.op {
            Op::Leaf(Leaf::Field(number)) if self.inputs.contains(number) => Ok(Class::Timed(vec![0])),
            Op::At(l) if is_over_time(l) => match of(0) {
                _ if l.reverse => Err(Reason::Backwards),
                _ if l.steps != self.length => Err(Reason::Loop),
                Class::Fixed => Ok(Class::Body(*l, vec![])),
                Class::Timed(axes) if axes[0] == 0 => Ok(Class::Body(*l, axes[1..].iter().map(|a| a - 1).collect())),
                Class::Now => Err(Reason::End),
                _ => Err(Reason::Loop),
            },
            Op::Carry(l, _) if is_over_time(l) => match of(0) {
                Class::Fixed => Ok(Class::Body(*l, vec![])),
                Class::Now => Err(Reason::End),
                _ => Err(Reason::Loop),
            },
            Op::Stacked(l, _) if is_over_time(l) => {
                self.states(&node.args[1..])?;
                let axes = of(0).axes().iter().map(|a| a + 1);
                Ok(Class::Timed(std::iter::once(0).chain(axes).collect()))
            }
            Op::Final(l, _) if is_over_time(l) => {
                self.states(&node.args)?;
                Ok(Class::Now)
            }
            // A loop over something else has all of what it reads at every step.
            Op::At(_) | Op::Carry(..) | Op::Stacked(..) | Op::Final(..) => {
                let is_fixed = (0..node.args.len()).all(|arg| *of(arg) == Class::Fixed);
                if is_fixed { Ok(Class::Fixed) } else { Err(Reason::Loop) }
            }
            _ => self.combined(id, node),
        }
    }

    /// The next values of states must be values of one step.
    fn states(&self, nexts: &[NodeId]) -> Result<(), Reason> {
        let is_whole = |next: &NodeId| !self.classes[next.index()].axes().is_empty();
        if nexts.iter().any(is_whole) { Err(Reason::Loop) } else { Ok(()) }
    }

    /// What an operation makes of its arguments.
    fn combined(&self, id: NodeId, node: &Node) -> Result<Class, Reason> {
        let mut axes = BTreeSet::new();
        let (mut body, mut now, mut timed) = (None, false, false);
        for (argument, arg) in node.args.iter().enumerate() {
            match &self.classes[arg.index()] {
                Class::Fixed => continue,
                Class::Now => now = true,
                Class::Body(l, _) => body = Some(*l),
                Class::Timed(own) => {
                    // A slice that begins and ends with the last position is what there is at the end.
                    if let Op::Slice(starts) = &node.op
                        && let [axis] = own[..]
                        && (starts[axis], node.shape.dims[axis]) == (self.length - 1, 1)
                    {
                        now = true;
                        continue;
                    }
                    timed = true;
                }
            }
            for &axis in self.classes[arg.index()].axes() {
                axes.extend(self.axis(id, node, argument, axis)?);
            }
        }
        if axes.len() > 2 {
            return Err(Reason::Pairs);
        }
        let axes: Vec<usize> = axes.into_iter().collect();
        match (body, now) {
            (Some(_), true) => Err(Reason::End),
            (Some(of), false) => Ok(Class::Body(of, axes)),
            (None, true) if timed => Err(Reason::End),
            (None, true) => Ok(Class::Now),
            // All positions have been summed over, later ones as well.
            (None, false) if timed && axes.is_empty() => Err(Reason::LooksAhead),
            (None, false) if timed => Ok(Class::Timed(axes)),
            (None, false) => Ok(Class::Fixed),
        }
    }

    /// The axis of the result along which positions lie that lie along this one of an argument; `None` if they are summed over.
    fn axis(&self, id: NodeId, node: &Node, argument: usize, axis: usize) -> Result<Option<usize>, Reason> {
        match &node.op {
            Op::Reduce { axes, .. } if axes.contains(&axis) => Ok(None),
            Op::Contract(_) | Op::Window(_) => match reads(self.graph, node, argument)[axis] {
                Read::Summed => Ok(None),
                Read::Backwards => Err(Reason::Backwards),
                Read::Strided => Err(Reason::Stride),
                Read::Axis(to) | Read::Window { axis: to, .. } if node.shape.dims[to] != self.length => {
                    Err(Reason::Length)
                }
                Read::Window { to, .. } if to > 0 => Err(Reason::Window(to as usize)),
                Read::Axis(to) | Read::Window { axis: to, .. } => Ok(Some(to)),
            },
            Op::Scatter => Err(Reason::LooksAhead),
            Op::Reshape => result_axis(self.graph, id, argument, axis).map(Some).ok_or(Reason::Merged),
            Op::Slice(_) | Op::Concat(_) => result_axis(self.graph, id, argument, axis).map(Some).ok_or(Reason::Length),
            _ => result_axis(self.graph, id, argument, axis).map(Some).ok_or(Reason::LooksAhead),
        }
    }
}
