//! Makes the nodes of a step program.

use std::collections::BTreeMap;

use super::accesses::{Read, reads};
use super::class::Class;
use super::future::Future;
use super::needs::{Made, made, summed_positions};
use super::position::{Affine, affine, behind};
use super::{Form, Obstacle, Reason, Stepwise, obstacle};
use crate::graph::{Access, Binary, Graph, Leaf, Node, NodeId, Op, Reduction, Shape, StepScalar};
use crate::network::Network;
use crate::simplify::copy_with;

/// The step program in the making.
pub(super) struct Builder<'a> {
    from: &'a Graph,
    classes: &'a [Class],
    /// What nodes are of indices, where they are.
    affine: Vec<Option<Affine>>,
    /// The inputs that arrive row by row.
    inputs: &'a [usize],
    length: usize,
    to: Network,
    outputs: Vec<String>,
    known: BTreeMap<(NodeId, Form), (NodeId, Future)>,
    /// What is made of rows and kept, by the row, its axis of time, and how many rows there are; `None` for all so far.
    kept: BTreeMap<(NodeId, usize, Option<usize>), NodeId>,
    /// The leaves of loops' states, by loop and number.
    states: BTreeMap<(u32, usize), NodeId>,
    /// Whether there is no place for more positions than the sequence has.
    limited: bool,
}

impl<'a> Builder<'a> {
    pub(super) fn new(
        network: &Network,
        from: &'a Graph,
        classes: &'a [Class],
        inputs: &'a [usize],
        length: usize,
    ) -> Self {
        let mut fields = network.fields[..network.inputs].to_vec();
        for &number in inputs {
            fields[number].dims.remove(0);
        }
        let to = Network {
            name: network.name.clone(),
            fields,
            inputs: network.inputs,
            parameters: network.parameters.clone(),
            precision: network.precision,
            ..Network::default()
        };
        Builder {
            from,
            classes,
            affine: affine(from),
            inputs,
            length,
            to,
            outputs: network.outputs.iter().map(|(name, _)| name.clone()).collect(),
            known: BTreeMap::new(),
            kept: BTreeMap::new(),
            states: BTreeMap::new(),
            limited: false,
        }
    }

    /// The network, whose outputs are rows of these nodes.
    pub(super) fn finish(mut self, outputs: &[NodeId]) -> Stepwise {
        for (name, id) in self.outputs.iter().zip(outputs) {
            let form = self.classes[id.index()].axes().first().map_or(Form::WHOLE, |axis| Form::row(*axis));
            let (mut node, _) = self.known[&(*id, form)];
            if let Some(axis) = form.time {
                let mut dims = self.from.shape(*id).dims.clone();
                dims.remove(axis);
                node = self.to.graph.reshape(node, &dims);
            }
            self.to.outputs.push((name.clone(), node));
        }
        Stepwise { network: self.to, limit: self.limited.then_some(self.length) }
    }

    /// Makes a node in a form, of its arguments in theirs.
    pub(super) fn node(&mut self, id: NodeId, form: Form, needs: &[(NodeId, Form)]) -> Result<(), Obstacle> {
        let args: Vec<(NodeId, Future)> = needs.iter().map(|need| self.known[need]).collect();
        self.to.graph.set_label(self.from.label(id));
        let made = match made(self.from, self.classes, id, form) {
            Made::Kept => self.so_far(id, args[0].0).map_err(|reason| obstacle(self.from, id, reason))?,
            Made::Picked => self.picked(form, args[0]),
            Made::Itself => self.itself(id, form, needs, &args).map_err(|reason| obstacle(self.from, id, reason))?,
        };
        self.known.insert((id, form), made);
        Ok(())
    }

    fn graph(&mut self) -> &mut Graph {
        &mut self.to.graph
    }

    /// The number of this position, counted from 0.
    fn position(&mut self) -> NodeId {
        self.graph().scalar(StepScalar::Position)
    }

    /// 1 along an axis where this position is, else 0.
    fn here(&mut self, axis: usize, shape: &Shape) -> NodeId {
        let (index, position) = (self.graph().iota(axis, shape), self.position());
        self.limited = true;
        let g = self.graph();
        let here = g.broadcast_binary(Binary::Equal, index, position);
        g.broadcast(here, shape)
    }

    /// All rows so far: what is kept, with this position's row in its place.
    fn so_far(&mut self, id: NodeId, row: NodeId) -> Result<(NodeId, Future), Reason> {
        let axis = match self.classes[id.index()].axes() {
            &[axis] if self.from.shape(id).batch => axis,
            _ => return Err(Reason::Pairs),
        };
        if let Some(&known) = self.kept.get(&(row, axis, None)) {
            return Ok((known, Future::Unknown));
        }
        let shape = Shape::batched(&self.from.shape(id).dims);
        let kept = self.keep("rows", id, &shape.dims);
        let here = self.here(axis, &shape);
        let g = self.graph();
        let row_everywhere = g.broadcast(row, &shape);
        let so_far = g.select(here, row_everywhere, kept);
        self.to.kept_becomes(kept, so_far);
        self.kept.insert((row, axis, None), so_far);
        Ok((so_far, Future::Unknown))
    }

    fn keep(&mut self, what: &str, id: NodeId, dims: &[usize]) -> NodeId {
        let label = self.from.label(id);
        let name = if label.is_empty() { what.to_owned() } else { format!("{label}.{what}") };
        self.to.keep(&name, dims)
    }

    /// The rows from `rows - 1` before this one on, the sequence's beginning filled up with zeros.
    fn last_rows(&mut self, id: NodeId, row: NodeId, axis: usize, rows: usize) -> NodeId {
        if rows == 1 {
            return row;
        }
        if let Some(&known) = self.kept.get(&(row, axis, Some(rows))) {
            return known;
        }
        let shape = Shape { batch: true, dims: self.to.graph.shape(row).dims.clone() };
        let mut dims = shape.dims.clone();
        dims[axis] = rows - 1;
        let kept = self.keep("last", id, &dims);
        let g = self.graph();
        let row_of_all = g.broadcast(row, &shape);
        let all = g.concat(&[kept, row_of_all], axis);
        let mut starts = vec![0; dims.len()];
        starts[axis] = 1;
        let next = g.slice(all, &starts, &dims);
        self.to.kept_becomes(kept, next);
        self.kept.insert((row, axis, Some(rows)), all);
        all
    }

    /// The row of this position, of a tensor that does not depend on positions along the axis.
    fn picked(&mut self, form: Form, (x, future): (NodeId, Future)) -> (NodeId, Future) {
        let axis = form.time.unwrap_or_default();
        let shape = self.to.graph.shape(x).clone();
        let picked = if shape.batch {
            let here = self.here(axis, &shape);
            let g = self.graph();
            let zero = g.filled(0.0, &shape);
            let here = g.select(here, x, zero);
            g.reduce_keep(Reduction::Sum, here, &[axis])
        } else {
            self.limited = true;
            let position = self.position();
            let mut dims = shape.dims;
            let order: Vec<usize> = std::iter::once(axis).chain((0..dims.len()).filter(|a| *a != axis)).collect();
            dims[axis] = 1;
            let g = self.graph();
            let table = g.permute(x, &order);
            let row = g.gather(table, position);
            g.reshape(row, &dims)
        };
        (picked, future)
    }

    fn itself(
        &mut self,
        id: NodeId,
        form: Form,
        needs: &[(NodeId, Form)],
        args: &[(NodeId, Future)],
    ) -> Result<(NodeId, Future), Reason> {
        let node = self.from.node(id);
        let nodes: Vec<NodeId> = args.iter().map(|(node, _)| *node).collect();
        let mut dims = node.shape.dims.clone();
        form.time.into_iter().for_each(|axis| dims[axis] = 1);
        let class = &self.classes[id.index()];
        let is_over_time = *class != Class::Fixed;
        let first = args.first().map_or(Future::Known, |(_, future)| *future);
        let future = self.future(id, form, needs, args)?;
        let g = &mut self.to.graph;
        let made = match &node.op {
            Op::Leaf(Leaf::Field(number)) if self.inputs.contains(number) => {
                let leaf = g.leaf(node_leaf(node), Shape::batched(&node.shape.dims[1..]));
                g.reshape(leaf, &dims)
            }
            // A stream of its own begins at the beginning.
            Op::Leaf(Leaf::Kept(_)) => g.filled(0.0, &node.shape),
            Op::Iota(axis) if form.time == Some(*axis) => {
                self.limited = true;
                let position = g.scalar(StepScalar::Position);
                g.broadcast(position, &Shape::fixed(&dims))
            }
            Op::Iota(axis) => g.iota(*axis, &Shape::fixed(&dims)),
            Op::Binary(op) => g.broadcast_binary(*op, nodes[0], nodes[1]),
            Op::Select => {
                let batch = nodes.iter().any(|node| g.shape(*node).batch);
                let [condition, a, b] = [0, 1, 2].map(|i| g.broadcast(nodes[i], &Shape { batch, dims: dims.clone() }));
                g.select(condition, a, b)
            }
            Op::Detach => nodes[0],
            Op::Broadcast => {
                let batch = node.shape.batch || g.shape(nodes[0]).batch;
                g.broadcast(nodes[0], &Shape { batch, dims })
            }
            Op::Reshape => g.reshape(nodes[0], &dims),
            Op::Permute(order) => g.permute(nodes[0], order),
            Op::Slice(starts) => {
                let there = g.shape(nodes[0]).dims.clone();
                // Where there is only this position, it is the first one.
                let starts: Vec<usize> =
                    (0..dims.len()).map(|a| if there[a] == dims[a] { 0 } else { starts[a] }).collect();
                g.slice(nodes[0], &starts, &dims)
            }
            Op::Concat(axis) => {
                let batch = nodes.iter().any(|node| g.shape(*node).batch);
                let part = |&node: &NodeId| {
                    let dims = g.shape(node).dims.clone();
                    g.broadcast(node, &Shape { batch, dims })
                };
                let parts: Vec<NodeId> = nodes.iter().map(part).collect();
                g.concat(&parts, *axis)
            }
            Op::Reduce { how, axes, .. } => g.reduce(*how, nodes[0], axes, false),
            Op::Gather => g.gather(nodes[0], nodes[1]),
            Op::Window(accesses) if is_over_time => {
                let (x, accesses) = self.moved(id, 0, form, needs[0].1, nodes[0], accesses, 0);
                self.to.graph.window(x, accesses, &dims)
            }
            Op::Contract(c) if is_over_time || form.time.is_some() => {
                let mut c = c.clone();
                let lead = |argument: usize| usize::from(self.from.shape(node.args[argument]).batch);
                let [lead_a, lead_b] = [lead(0), lead(1)];
                let (a, accesses) = self.moved(id, 0, form, needs[0].1, nodes[0], &c.a, lead_a);
                c.a = accesses;
                let (b, accesses) = self.moved(id, 1, form, needs[1].1, nodes[1], &c.b, lead_b);
                c.b = accesses;
                self.to.graph.contract(a, b, c, Shape { batch: node.shape.batch, dims })
            }
            Op::At(_) if is_over_time => {
                let dims = g.shape(nodes[0]).dims[1..].to_vec();
                g.reshape(nodes[0], &dims)
            }
            Op::Carry(l, number) if is_over_time => self.state(id, (l.number, *number), nodes[0]),
            Op::Stacked(l, carries) if is_over_time => {
                self.becomes(l.number, carries, &nodes[1..]);
                let g = &mut self.to.graph;
                let dims: Vec<usize> = std::iter::once(1).chain(g.shape(nodes[0]).dims.iter().copied()).collect();
                g.reshape(nodes[0], &dims)
            }
            Op::Final(l, carries) if is_over_time => {
                self.becomes(l.number, carries, &nodes);
                nodes[0]
            }
            _ => copy_with(g, node, nodes),
        };
        let is_moved = matches!(node.op, Op::At(_) | Op::Stacked(..) | Op::Final(..));
        Ok((made, if is_moved { first } else { future }))
    }

    /// A state of a loop: what the step before has left.
    fn state(&mut self, id: NodeId, state: (u32, usize), begin: NodeId) -> NodeId {
        let dims = self.from.shape(id).dims.clone();
        let kept = self.keep("state", id, &dims);
        self.states.insert(state, kept);
        // Zeros are there at the beginning.
        if self.to.graph.as_constant(begin) == Some(0.0) {
            return kept;
        }
        let position = self.position();
        let (g, shape) = (self.graph(), Shape::batched(&dims));
        let zero = g.constant(0.0);
        let is_first = g.binary(Binary::Equal, position, zero);
        let is_first = g.broadcast(is_first, &shape);
        let begin = g.broadcast(begin, &shape);
        g.select(is_first, begin, kept)
    }

    /// Says what states are behind this step.
    fn becomes(&mut self, of: u32, carries: &[usize], nexts: &[NodeId]) {
        for (number, next) in carries.iter().zip(nexts) {
            if let Some(kept) = self.states.get(&(of, *number)) {
                self.to.kept_becomes(*kept, *next);
            }
        }
    }

    /// An argument of a contraction or window, whose windows move with time: its last rows, and how they are read now.
    #[allow(clippy::too_many_arguments)]
    fn moved(
        &mut self,
        id: NodeId,
        argument: usize,
        form: Form,
        of_arg: Form,
        x: NodeId,
        accesses: &[Access],
        lead: usize,
    ) -> (NodeId, Vec<Access>) {
        let mut accesses = accesses.to_vec();
        let Some(dimension) = of_arg.time else { return (x, accesses) };
        let read = reads(self.from, self.from.node(id), argument)[dimension];
        let Read::Window { axis, from, .. } = read else { return (x, accesses) };
        debug_assert_eq!(Some(axis), form.time);
        let rows = usize::try_from(1 - from).unwrap_or(1);
        accesses[lead + dimension].offset += rows as i64 - 1;
        (self.last_rows(id, x, dimension, rows), accesses)
    }

    /// What is known about later entries along the axis of history.
    fn future(
        &self,
        id: NodeId,
        form: Form,
        needs: &[(NodeId, Form)],
        args: &[(NodeId, Future)],
    ) -> Result<Future, Reason> {
        let node = self.from.node(id);
        let of = |i: usize| args[i].1;
        // Entries that are summed over.
        if let Op::Reduce { how, axes, .. } = &node.op
            && needs[0].1.history.is_some_and(|axis| axes.contains(&axis))
        {
            return if of(0).may_be_reduced(*how) { Ok(Future::Known) } else { Err(Reason::LooksAhead) };
        }
        if let Op::Contract(_) = node.op {
            let summed = summed_positions(self.from, self.classes, id);
            if summed.is_empty() {
                return Ok(Future::product(of(0), of(1)));
            }
            if !Future::may_be_summed(of(0), of(1)) {
                return Err(Reason::LooksAhead);
            }
            return match form.history {
                None => Ok(Future::Known),
                Some(_) => Err(Reason::Pairs),
            };
        }
        if let Some(c) = self.from.as_constant(id) {
            return Ok(Future::Constant(c));
        }
        // What is one number for all positions hides no later ones.
        if let Op::Binary(op @ (Binary::Add | Binary::Subtract)) = node.op
            && let Some((number, other)) = (0..2).find_map(|i| Some((self.from.as_constant(node.args[i])?, 1 - i)))
        {
            return Ok(Future::shifted(op, number, of(other), other == 0));
        }
        Ok(match (&node.op, form) {
            (Op::Binary(op), Form { time: Some(time), history: Some(history) }) => {
                let known = |arg: usize| self.affine[node.args[arg].index()].as_ref();
                let decided = known(0).zip(known(1)).and_then(|(a, b)| behind(*op, a, b, time, history));
                match decided {
                    Some(truth) => Future::Constant(f64::from(u8::from(truth))),
                    None => Future::binary(*op, of(0), of(1)),
                }
            }
            (Op::Binary(op), _) => Future::binary(*op, of(0), of(1)),
            (Op::Unary(op), _) => Future::unary(*op, of(0)),
            (Op::Select, _) => Future::select(of(0), of(1), of(2)),
            (Op::Reduce { how, .. }, _) => Future::reduced(*how, of(0)),
            // A state has no axis of positions, whatever it begins with.
            (Op::Carry(..), _) => Future::Known,
            (Op::Gather, _) if of(1) == Future::Unknown => Future::Unknown,
            (Op::Gather, _) => Future::Known,
            (Op::Concat(_), _) => Future::beside(args.iter().map(|(_, future)| *future)),
            (Op::Window(_), _) if of(0) != Future::Constant(0.0) && of(0) != Future::Known => Future::Unknown,
            _ => args.first().map_or(Future::Known, |(_, future)| *future),
        })
    }
}

fn node_leaf(node: &Node) -> Leaf {
    match &node.op {
        Op::Leaf(leaf) => leaf.clone(),
        _ => unreachable!("asked for leaves only"),
    }
}
