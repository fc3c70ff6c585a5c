//! What is too large to be stored at once is computed by blocks of rows: strip mining, in compilers' words.
//!
//! The scores of attention are `[heads, queries, keys]`, which grows with the square of the length while queries, keys, values and the
//! result grow with the length alone. Between the product that makes such a matrix and the one that uses it up, each row (a query's)
//! is on its own: so all of that becomes the body of a loop over blocks of rows ([`Graph::begin_blocks`]), and nowhere is there more of
//! the matrix than one block. Rows that are left over behind the last whole block are computed beside the loop.
//!
//! What such a region is, is found in the graph; no layer has to say so. It begins with a contraction of two tensors of each sample whose
//! result is large, and much larger than both ([`Blocks::from`]). It goes on through whatever keeps an axis of it to itself: elementwise
//! operations, reductions along other axes, moves. It ends where a contraction or a reduction leaves something small. Where anybody
//! else wants one of its large tensors as a whole (weights of attention that are an output, say), there is nothing to be saved, and
//! everything stays as it is.

use std::collections::{BTreeMap, BTreeSet};

use super::copy_with;
use crate::graph::{Access, Graph, Loop, Node, NodeId, Op, Shape, same_axis};

/// What is computed by blocks, and by which.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Blocks {
    /// From so many numbers of a sample on, what a contraction gives is computed by blocks.
    pub from: usize,
    /// A block has about so many numbers of a sample.
    pub size: usize,
    /// A block has at least so many rows.
    pub rows: usize,
    /// What is not so many times as large as what it is made of is never computed by blocks.
    pub times: usize,
}

impl Default for Blocks {
    fn default() -> Self {
        Blocks { from: 1 << 20, size: 1 << 18, rows: 32, times: 2 }
    }
}

/// A copy of what the roots need in which large regions are loops over blocks, and the roots' counterparts; `None` where nothing is
/// that large.
pub fn compute_by_blocks(graph: &Graph, roots: &[NodeId], blocks: &Blocks) -> Option<(Graph, Vec<NodeId>)> {
    if !graph.nodes().any(|(_, node)| is_large(graph, node, blocks)) {
        return None;
    }
    let needed = graph.needed(roots);
    let loops = graph.loops();
    let mut regions: BTreeMap<NodeId, Region> = BTreeMap::new();
    let mut members: BTreeSet<NodeId> = BTreeSet::new();
    for (id, node) in graph.nodes() {
        let is_free = needed[id.index()] && !members.contains(&id) && loops[id.index()].is_none();
        if !is_free || !is_large(graph, node, blocks) {
            continue;
        }
        // The longest axis is cut, so that blocks of a few rows are as small as they are wanted.
        let mut longest: Vec<usize> = (0..node.shape.rank()).collect();
        longest.sort_by_key(|axis| std::cmp::Reverse(node.shape.dims[*axis]));
        let find = |axis: usize| Region::find(graph, &needed, &loops, roots, id, axis, blocks);
        let found = longest.into_iter().find_map(find);
        if let Some(region) = found.filter(|region| region.axes.keys().all(|id| !members.contains(id))) {
            members.extend(region.axes.keys());
            regions.insert(region.ends[0], region);
        }
    }
    if regions.is_empty() {
        return None;
    }
    let mut copy = Copy { from: graph, to: Graph::new(), map: vec![None; graph.len()] };
    for (id, node) in graph.nodes().filter(|(id, _)| needed[id.index()]) {
        if let Some(region) = regions.get(&id) {
            copy.region(region);
        } else if !members.contains(&id) {
            copy.to.set_label(graph.label(id));
            let args = node.args.iter().map(|a| copy.mapped(*a)).collect();
            copy.map[id.index()] = Some(copy_with(&mut copy.to, node, args));
        }
    }
    let roots = roots.iter().map(|r| copy.mapped(*r)).collect();
    Some((copy.to, roots))
}

/// Whether a node makes something of each sample that is too large, and much larger than what it is made of.
fn is_large(graph: &Graph, node: &Node, blocks: &Blocks) -> bool {
    let operands = node.args.iter().map(|a| graph.shape(*a));
    matches!(node.op, Op::Contract(_))
        && operands.clone().all(|shape| shape.batch)
        && node.shape.size() >= blocks.from
        && node.shape.size() >= blocks.times * operands.map(Shape::size).sum::<usize>()
}

/// Nodes that are computed by blocks of rows.
struct Region {
    /// Its nodes, and where each has the axis of the rows among its per-sample axes.
    axes: BTreeMap<NodeId, usize>,
    /// Those that others read, ascending; they are small.
    ends: Vec<NodeId>,
    /// How many rows there are, and how many a block has.
    rows: usize,
    block: usize,
    /// What has more numbers than this is not stored.
    large: usize,
}

impl Region {
    /// The region that begins with a contraction, whose rows are along this axis.
    fn find(
        graph: &Graph,
        needed: &[bool],
        loops: &[Option<Loop>],
        roots: &[NodeId],
        start: NodeId,
        axis: usize,
        blocks: &Blocks,
    ) -> Option<Self> {
        let shape = graph.shape(start);
        let rows = shape.dims[axis];
        let block = block_of(rows, shape.size() / rows, blocks)?;
        argument_axes(graph, start, axis)?;
        // What is half as large as the first tensor is one of those that must not be stored.
        let is_large = |id: NodeId| graph.shape(id).size() * 2 >= shape.size();
        let mut axes = BTreeMap::from([(start, axis)]);
        let mut blocked: BTreeSet<NodeId> = roots.iter().copied().collect();
        for (id, node) in graph.nodes().skip(start.index() + 1).filter(|(id, _)| needed[id.index()]) {
            let inside = node.args.iter().filter(|a| axes.contains_key(a));
            // A small product is an end: what is made of it is no longer part of this.
            let goes_on = |a: &&NodeId| is_large(**a) || !matches!(graph.node(**a).op, Op::Contract(_));
            if inside.clone().next().is_none() {
                continue;
            }
            // What is computed in each step of another loop stays there.
            let may_join = loops[id.index()].is_none() && inside.clone().any(|a| goes_on(&a));
            match row_axis(graph, id, &axes).filter(|_| may_join) {
                Some(axis) => {
                    axes.insert(id, axis);
                }
                None => blocked.extend(inside),
            }
        }
        // What leads to something large, and what takes something large in.
        let mut kept: BTreeSet<NodeId> = axes.keys().copied().filter(|id| is_large(*id)).collect();
        let all: Vec<NodeId> = axes.keys().copied().collect();
        for &id in all.iter().rev() {
            if kept.contains(&id) {
                let before = graph.node(id).args.iter().copied().filter(|a| axes.contains_key(a));
                kept.extend(before.collect::<Vec<_>>());
            }
        }
        let takes_in = |id: &NodeId| graph.node(*id).args.iter().any(|a| axes.contains_key(a) && is_large(*a));
        let ends: Vec<NodeId> = all.iter().copied().filter(|id| !kept.contains(id) && takes_in(id)).collect();
        kept.extend(&ends);
        axes.retain(|id, _| kept.contains(id));
        let mut ends: BTreeSet<NodeId> = ends.into_iter().collect();
        for (_, node) in graph.nodes().filter(|(id, _)| needed[id.index()] && !axes.contains_key(id)) {
            ends.extend(node.args.iter().copied().filter(|a| axes.contains_key(a)));
        }
        ends.extend(blocked.into_iter().filter(|id| axes.contains_key(id)));
        let ends: Vec<NodeId> = ends.into_iter().collect();
        let first = *ends.first()?;
        let read = axes.keys().flat_map(|id| &graph.node(*id).args).filter(|a| !axes.contains_key(a));
        let good = ends.iter().all(|id| !is_large(*id)) && read.into_iter().all(|a| *a < first);
        let large = 2 * blocks.times * graph.node(start).args.iter().map(|a| graph.shape(*a).size()).max().unwrap_or(0);
        good.then_some(Region { axes, ends, rows, block, large })
    }
}

/// How many rows a block has, if there are at least two of them: a divisor of the rows near what is wanted, if there is one.
fn block_of(rows: usize, row: usize, blocks: &Blocks) -> Option<usize> {
    let wanted = (blocks.size / row).max(blocks.rows);
    if rows < 2 * wanted {
        return None;
    }
    // A power of two, where vectors and tiles end as well, or else some divisor.
    let power = 1 << wanted.ilog2();
    let divisor = || (wanted.div_ceil(2)..=wanted).rev().find(|block| rows.is_multiple_of(*block));
    if rows.is_multiple_of(power) { Some(power) } else { divisor().or(Some(power)) }
}

/// Where a node has the axis of the rows, if each of its rows is made of the same rows of its arguments.
fn row_axis(graph: &Graph, id: NodeId, axes: &BTreeMap<NodeId, usize>) -> Option<usize> {
    let node = graph.node(id);
    let (number, inside) = node.args.iter().enumerate().find(|(_, a)| axes.contains_key(a))?;
    let (axis, from) = (axes[inside], graph.shape(*inside));
    let lead = |shape: &Shape| usize::from(shape.batch);
    let axis = match &node.op {
        Op::Unary(_) | Op::Binary(_) | Op::Select | Op::Detach => axis,
        Op::Broadcast => axis + node.shape.rank() - from.rank(),
        Op::Reshape => same_axis(&from.dims, axis, &node.shape.dims)?,
        Op::Permute(perm) => perm.iter().position(|p| *p == axis)?,
        Op::Slice(starts) if starts[axis] == 0 && node.shape.dims[axis] == from.dims[axis] => axis,
        Op::Concat(along) if *along != axis => axis,
        Op::Reduce { axes, batch: false, .. } if !axes.contains(&axis) => {
            axis - axes.iter().filter(|a| **a < axis).count()
        }
        Op::Contract(c) => {
            let accesses = if number == 0 { &c.a } else { &c.b };
            let of_result = accesses[lead(from) + axis].as_axis()?;
            of_result.checked_sub(lead(&node.shape)).filter(|axis| *axis < node.shape.rank())?
        }
        _ => return None,
    };
    // All arguments have the rows where this one wants them.
    let of_arguments = argument_axes(graph, id, axis)?;
    let fits = |(arg, of): (&NodeId, &Option<usize>)| axes.get(arg).is_none_or(|axis| *of == Some(*axis));
    node.args.iter().zip(&of_arguments).all(fits).then_some(axis)
}

/// Where each argument has the rows that a node has along this axis; `None` for an argument that has no rows. The operation must be
/// one of those that keep rows apart.
fn argument_axes(graph: &Graph, id: NodeId, axis: usize) -> Option<Vec<Option<usize>>> {
    let node = graph.node(id);
    let from = |i: usize| graph.shape(node.args[i]);
    Some(match &node.op {
        Op::Unary(_) | Op::Binary(_) | Op::Select | Op::Detach | Op::Slice(_) | Op::Concat(_) => {
            vec![Some(axis); node.args.len()]
        }
        Op::Broadcast => {
            let inside = (axis + from(0).rank()).checked_sub(node.shape.rank());
            vec![inside.filter(|axis| from(0).dims[*axis] != 1)]
        }
        Op::Reshape => vec![Some(same_axis(&node.shape.dims, axis, &from(0).dims)?)],
        Op::Permute(perm) => vec![Some(perm[axis])],
        Op::Reduce { axes, .. } => {
            let kept: Vec<usize> = (0..from(0).rank()).filter(|a| !axes.contains(a)).collect();
            vec![Some(kept[axis])]
        }
        Op::Contract(c) => {
            let row = axis + usize::from(node.shape.batch);
            let of = |i: usize, accesses: &[Access]| row_of_operand(accesses, row, usize::from(from(i).batch));
            vec![of(0, &c.a)?, of(1, &c.b)?]
        }
        _ => return None,
    })
}

/// Where an operand of a contraction has the rows: read by their axis alone, or nowhere (`Some(None)`). `None` where it is read in
/// any other way.
#[allow(clippy::option_option)] // two questions, two answers
fn row_of_operand(accesses: &[Access], row: usize, lead: usize) -> Option<Option<usize>> {
    let mut readers = accesses.iter().enumerate().filter(|(_, a)| a.terms.iter().any(|(axis, _)| *axis == row));
    match (readers.next(), readers.next()) {
        (None, _) => Some(None),
        (Some((dim, access)), None) if access.as_axis() == Some(row) => dim.checked_sub(lead).map(Some),
        _ => None,
    }
}

struct Copy<'g> {
    from: &'g Graph,
    to: Graph,
    map: Vec<Option<NodeId>>,
}

/// Rows that are computed together: those of each block, or those behind the last whole one.
#[derive(Clone, Copy)]
enum Part {
    Blocks(Loop, usize),
    Rest { start: usize, rows: usize },
}

impl Part {
    fn rows(self) -> usize {
        match self {
            Part::Blocks(_, rows) | Part::Rest { rows, .. } => rows,
        }
    }
}

impl Copy<'_> {
    fn mapped(&self, id: NodeId) -> NodeId {
        self.map[id.index()].expect("arguments are needed and come earlier")
    }

    fn region(&mut self, region: &Region) {
        let whole = region.rows / region.block;
        let steps = self.to.begin_blocks(whole);
        let of_blocks = self.part(region, Part::Blocks(steps, region.block));
        let start = whole * region.block;
        let rest = (start < region.rows).then(|| {
            let part = Part::Rest { start, rows: region.rows - start };
            self.part(region, part)
        });
        for end in &region.ends {
            let (axis, g) = (region.axes[end], &mut self.to);
            let rows = g.stacked(steps, of_blocks[end]);
            // The axis of the blocks goes in front of that of a block's rows, and both become one.
            let rank = g.shape(rows).rank();
            let order: Vec<usize> = (1..=axis).chain([0]).chain(axis + 1..rank).collect();
            let rows = g.permute(rows, &order);
            let mut dims = self.from.shape(*end).dims.clone();
            dims[axis] = start;
            let mut all = g.reshape(rows, &dims);
            if let Some(rest) = &rest {
                all = g.concat(&[all, rest[end]], axis);
            }
            self.map[end.index()] = Some(all);
        }
    }

    /// The region's nodes for some of the rows.
    fn part(&mut self, region: &Region, part: Part) -> BTreeMap<NodeId, NodeId> {
        let mut pieces = Pieces { copy: self, region, part, known: BTreeMap::new() };
        let mut made: BTreeMap<NodeId, NodeId> = BTreeMap::new();
        for (&id, &axis) in &region.axes {
            let node = pieces.copy.from.node(id);
            let axes = argument_axes(pieces.copy.from, id, axis).expect("rows of the region are apart");
            pieces.copy.to.set_label(pieces.copy.from.label(id));
            let args: Vec<NodeId> = (node.args.iter().zip(axes))
                .map(|(arg, axis)| made.get(arg).copied().unwrap_or_else(|| pieces.piece(*arg, axis)))
                .collect();
            pieces.copy.to.set_label(pieces.copy.from.label(id));
            made.insert(id, with_rows(&mut pieces.copy.to, node, args, axis, part.rows()));
        }
        made
    }
}

/// A node's counterpart with so many rows along an axis.
fn with_rows(g: &mut Graph, node: &Node, args: Vec<NodeId>, axis: usize, rows: usize) -> NodeId {
    let mut shape = node.shape.clone();
    shape.dims[axis] = rows;
    match &node.op {
        Op::Permute(perm) => g.permute(args[0], perm),
        Op::Slice(starts) => g.slice(args[0], starts, &shape.dims),
        Op::Concat(along) => g.concat(&args, *along),
        Op::Reduce { how, axes, batch } => g.reduce(*how, args[0], axes, *batch),
        Op::Contract(c) => g.contract(args[0], args[1], c.clone(), shape),
        _ => copy_with(g, &Node { shape, ..node.clone() }, args),
    }
}

/// What a region reads of nodes outside, for some of the rows.
struct Pieces<'c, 'g> {
    copy: &'c mut Copy<'g>,
    region: &'c Region,
    part: Part,
    known: BTreeMap<(NodeId, usize), NodeId>,
}

impl Pieces<'_, '_> {
    /// What a node is for the rows, which it has along this axis, if it has any.
    fn piece(&mut self, id: NodeId, axis: Option<usize>) -> NodeId {
        let Some(axis) = axis else { return self.copy.mapped(id) };
        if let Some(&known) = self.known.get(&(id, axis)) {
            return known;
        }
        let new = self.new_piece(id, axis);
        self.known.insert((id, axis), new);
        new
    }

    fn new_piece(&mut self, id: NodeId, axis: usize) -> NodeId {
        let node = self.copy.from.node(id);
        let rows = self.part.rows();
        let mut shape = node.shape.clone();
        shape.dims[axis] = rows;
        match &node.op {
            Op::Iota(of) if *of != axis => self.copy.to.iota(*of, &shape),
            Op::Iota(_) => {
                // The same numbers from fewer dimensions.
                let all = self.copy.to.iota(0, &Shape::fixed(&[self.region.rows]));
                let numbers = self.cut(all, 0);
                let mut dims = vec![1; shape.rank()];
                dims[axis] = rows;
                let numbers = self.copy.to.reshape(numbers, &dims);
                self.copy.to.broadcast(numbers, &shape)
            }
            Op::Broadcast => {
                let axes = argument_axes(self.copy.from, id, axis).unwrap_or_default();
                let args = node.args.iter().zip(axes).map(|(arg, axis)| self.piece(*arg, axis)).collect();
                copy_with(&mut self.copy.to, &Node { shape, ..node.clone() }, args)
            }
            // What is large is not stored either, but computed for the rows.
            Op::Unary(_) | Op::Binary(_) | Op::Select | Op::Detach | Op::Reshape | Op::Permute(_)
                if node.shape.size() > self.region.large && argument_axes(self.copy.from, id, axis).is_some() =>
            {
                let axes = argument_axes(self.copy.from, id, axis).unwrap_or_default();
                let args = node.args.iter().zip(axes).map(|(arg, axis)| self.piece(*arg, axis)).collect();
                with_rows(&mut self.copy.to, node, args, axis, rows)
            }
            _ => {
                let whole = self.copy.mapped(id);
                self.cut(whole, axis)
            }
        }
    }

    /// The rows, of a tensor that has all of them.
    fn cut(&mut self, x: NodeId, axis: usize) -> NodeId {
        let g = &mut self.copy.to;
        let dims = g.shape(x).dims.clone();
        let slice = |g: &mut Graph, start: usize, rows: usize| {
            let (mut starts, mut dims) = (vec![0; dims.len()], dims.clone());
            (starts[axis], dims[axis]) = (start, rows);
            g.slice(x, &starts, &dims)
        };
        match self.part {
            Part::Rest { start, rows } => slice(g, start, rows),
            Part::Blocks(steps, rows) => {
                let whole = slice(g, 0, steps.steps * rows);
                let dims = [&dims[..axis], &[steps.steps, rows], &dims[axis + 1..]].concat();
                let blocks = g.reshape(whole, &dims);
                let order: Vec<usize> = [axis].into_iter().chain((0..dims.len()).filter(|a| *a != axis)).collect();
                let blocks = g.permute(blocks, &order);
                g.at(steps, blocks)
            }
        }
    }
}
