//! Contractions by tiles: convolutions of every kind, their gradients, and long sums for few outputs.
//!
//! A tile is a block of neighbouring points of one axis of the rows and of one or more axes of the columns; an invocation sums
//! all of it in registers, a few steps of one reduced axis at once (the taps of a window). Elements that several windows share
//! are read once: five taps for eight neighbouring positions read twelve elements instead of forty. All positions within a
//! tile are known here, so most of what must be checked before an element is read is the same for the tile, and holes between
//! the elements of what was strided leave no trace.
//!
//! Where outputs are few and sums long, a workgroup does a tile: each invocation sums every 64th step (or so), and what they
//! found is combined by eights of neighbours, and then in order. Which products meet in which order depends on the extents alone.

mod choice;
mod operand;
mod reader;
mod subgroups;

use self::choice::Tile;
use self::operand::{Cut, Elements, Local, LocalPoint};
use self::reader::Reader;
use self::subgroups::Brought;
use super::axes::{self, unflatten};
use super::block::Block;
use super::body::{Expr, Place};
use super::combine::{EIGHT, Neighbours};
use super::function::Function;
use super::printer::Printer;
use super::text::{self, Count, Text};
use super::turns;
use super::{Binding, Workgroups};
use crate::graph::Extent;
use crate::ir::{ContractionView, Store};

pub(super) use self::choice::{Expense, Plan, plan};

const COMPONENTS: [&str; 4] = ["x", "y", "z", "w"];

#[derive(Clone)]
pub(super) struct Tiled<'a> {
    pub(super) printer: Printer<'a>,
    /// Columns are `b`'s.
    view: ContractionView,
    pub(super) tile: Tile,
    extents: Vec<Extent>,
    /// What a tile's first point is called along each axis.
    names: Vec<String>,
    /// Whether four columns are one vec4<f32>.
    wide: bool,
    a: Elements,
    b: Elements,
    /// Where the invocations of a workgroup combine what they have summed.
    pub(super) neighbours: Neighbours,
}

pub(super) fn prepare(printer: Printer, plan: Plan) -> Tiled {
    let mut tiled = Tiled::new(printer, plan);
    tiled.pack();
    tiled
}

pub(super) fn print(mut tiled: Tiled) -> Function {
    let mut out = Text::new();
    tiled.place(&mut out);
    let sums = tiled.sums(&mut out);
    match tiled.tile.split {
        false => tiled.epilogue(&mut out, &sums),
        true => tiled.combined(&mut out, &sums),
    }
    let Tile { lanes, split, in_subgroups, .. } = tiled.tile;
    let tiles = Count::of(&tiled.tiles());
    let (fixed, per_sample) = if tiles.batches > 0 { (0, tiles.size) } else { (tiles.size, 0) };
    let work = match in_subgroups {
        true => tiled.workgroups(),
        false => Workgroups { fixed, per_sample, points: 1 },
    };
    let what = format!(
        "One {} for each block of {} x {} sums of {}.",
        if split { "workgroup" } else { "invocation" },
        tiled.rows().len(),
        tiled.columns().len(),
        Count::of(tiled.view.k.iter().map(|&a| &tiled.extents[a])).text(),
    );
    tiled.printer.finish(&what, (split || in_subgroups).then_some(lanes as u32), work, out)
}

impl Tiled<'_> {
    /// The same contraction in tiles of at most so many sums, in which subgroups share rows or not, if those are others.
    pub(super) fn other(&self, sums: usize, in_subgroups: bool) -> Option<Self> {
        let mut printer = self.printer.clone();
        printer.packed.clear();
        printer.paired.clear();
        let other = |rows: Option<&[Local]>| {
            let plan = choice::other(&printer, &self.view, &self.tile, (sums, in_subgroups), rows)?;
            let other = prepare(printer.clone(), plan);
            // What is stored as f16 is stored in fours along this axis.
            (other.lanes() == self.lanes() || !printer.writes(Binding::Halves)).then_some(other)
        };
        other(None).or_else(|| other(Some(&self.tile.rows)))
    }

    /// Rows and columns of a tile.
    pub(super) fn block(&self) -> Block {
        let size = |locals: &[Local]| locals.iter().map(|l| l.size).product();
        Block { rows: size(&self.tile.rows), columns: size(&self.tile.columns) }
    }

    /// What a tile reads and does.
    pub(super) fn expense(&self) -> Expense {
        Expense::of(&self.view, &self.extents, &self.tile)
    }
}

/// All points of some axes of a tile, the last axis fastest.
fn points(locals: &[Local]) -> Vec<Vec<(usize, i64)>> {
    locals.iter().fold(vec![vec![]], |points, local| {
        let more = |p: Vec<(usize, i64)>| (0..local.size as i64).map(move |i| [&p[..], &[(local.axis, i)]].concat());
        points.into_iter().flat_map(more).collect()
    })
}

impl<'a> Tiled<'a> {
    fn new(printer: Printer<'a>, Plan { view, tile }: Plan) -> Self {
        let extents = printer.kernel.extents(0);
        let locals = tile.locals();
        let cut = Cut { extents: &extents, locals: &locals };
        let outer = printer.kernel.outer.len();
        let name = |axis: usize| match (extents[axis], cut.grain(axis)) {
            (_, 0) => text::ZERO.to_owned(),
            (Extent::Batch, _) if axis < outer => "sample".to_owned(),
            _ if axis >= outer => format!("k{axis}"),
            _ if locals.iter().any(|l| l.axis == axis) => format!("i{axis}_first"),
            _ => format!("i{axis}"),
        };
        let names = (0..extents.len()).map(name).collect();
        let elements = |operand: &crate::ir::Operand| {
            Elements::new(operand, printer.base_is_aligned(operand.tensor), &cut)
                .expect("a tile that suits the operands")
        };
        let (mut a, b) = (elements(&view.a), elements(&view.b));
        if tile.in_subgroups {
            a.group = 1; // each invocation brings others, wherever they lie
        }
        let wide = !tile.split && !a.has_holes() && !b.has_holes();
        let wide = wide && tile.columns.last().is_some_and(|l| l.size.is_multiple_of(4));
        Tiled { printer, view, tile, extents, names, wide, a, b, neighbours: Neighbours::Memory }
    }

    /// Floats of workgroup memory with so many invocations, where they do a tile together.
    pub(super) fn shared(&self, lanes: usize) -> usize {
        let sums = self.tile.rows.iter().chain(&self.tile.columns).map(|l| l.size).product::<usize>();
        self.neighbours.floats_of_sums(sums, lanes)
    }

    fn rows(&self) -> Vec<Vec<(usize, i64)>> {
        points(&self.tile.rows)
    }

    fn columns(&self) -> Vec<Vec<(usize, i64)>> {
        points(&self.tile.columns)
    }

    /// The axis along which the epilogue does four sums at once: that of the columns where four of them are one vector anyhow,
    /// else that of the rows.
    pub(super) fn lanes(&self) -> Option<usize> {
        let whole = |l: &&Local| matches!(self.extents[l.axis], Extent::Size(n) if n.is_multiple_of(4));
        let columns = self.tile.columns.last().filter(|_| self.wide).filter(whole);
        let rows = self.tile.rows.last().filter(|l| !self.tile.split && l.size.is_multiple_of(4)).filter(whole);
        columns.or(rows).map(|l| l.axis)
    }

    /// Marks the buffers that are bound in fours: those that are written in aligned groups only, and from which no operand is
    /// read one by one. Of the others, those in twos: from which operands are read in groups, and in which every pair that is written
    /// belongs to one invocation.
    fn pack(&mut self) {
        if let Some(axis) = self.lanes() {
            self.printer.pack(axis);
        }
        let operands = [&self.a, &self.b].map(|e| (self.printer.binding(e.tensor), e.group));
        for (binding, group) in operands {
            if group == 4 && !self.printer.writes(binding) {
                self.printer.packed.insert(binding);
            }
        }
        for (binding, group) in operands {
            if group != 4 {
                self.printer.packed.remove(&binding);
            }
        }
        for (binding, _) in operands {
            let in_groups = operands.iter().all(|&(other, group)| other != binding || group > 1);
            if in_groups && !self.printer.packed.contains(&binding) && self.writes_pairs(binding) {
                self.printer.paired.insert(binding);
            }
        }
    }

    /// Whether every pair of a buffer that is written belongs to one invocation.
    fn writes_pairs(&self, binding: Binding) -> bool {
        let locals = self.tile.locals();
        let cut = Cut { extents: &self.extents, locals: &locals };
        let mut stores = self.printer.kernel.stages.iter().flat_map(|s| &s.stores);
        let in_pairs = |s: &Store| {
            !self.tile.split && self.printer.base_is_aligned(s.tensor) && operand::writes_pairs(&s.index, &cut)
        };
        binding != Binding::Halves && stores.all(|s| self.printer.binding(s.tensor) != binding || in_pairs(s))
    }

    /// How many tiles lie along each outer axis.
    fn tiles(&self) -> Vec<Extent> {
        let tiles = |axis: usize| match (self.extents[axis], self.tile.local(axis)) {
            (Extent::Size(n), Some(local)) => Extent::Size(n.div_ceil(local.size)),
            (extent, _) => extent,
        };
        (0..self.printer.kernel.outer.len()).map(tiles).collect()
    }

    /// Prints which tile this is: where it begins along each outer axis.
    fn place(&self, out: &mut Text) {
        if self.tile.in_subgroups {
            return self.place_in_subgroups(out);
        }
        let tiles = self.tiles();
        let number = match self.tile.split {
            true => "workgroup",
            false => {
                out.open(format!("if invocation >= {} {{", Count::of(&tiles).text()));
                out.line("return;");
                out.close();
                "invocation"
            }
        };
        let axes: Vec<usize> = (0..tiles.len()).collect();
        self.place_along(out, &axes, number);
    }

    /// Prints where a tile begins along some outer axes, from its number among those that lie along them.
    fn place_along(&self, out: &mut Text, axes: &[usize], number: &str) {
        let tiles = self.tiles();
        let blocked = |axis: usize| self.tile.local(axis).is_some() && self.names[axis] != text::ZERO;
        let name = |&axis: &usize| match blocked(axis) {
            true => format!("tile{axis}"),
            false if tiles[axis] == Extent::Size(1) => text::ZERO.to_owned(),
            false => self.names[axis].clone(),
        };
        let names: Vec<String> = axes.iter().map(name).collect();
        let extents: Vec<Extent> = axes.iter().map(|&axis| tiles[axis]).collect();
        unflatten(out, &extents, &names, number);
        for axis in axes.iter().copied().filter(|&a| blocked(a)) {
            let size = self.tile.local(axis).map_or(1, |l| l.size);
            out.line(format!("let {} = tile{axis} * {size}u;", self.names[axis]));
        }
    }

    /// Prints the loops over the reduced axes; returns the accumulators, row by row.
    fn sums(&mut self, out: &mut Text) -> Vec<Expr> {
        let outer = self.printer.kernel.outer.len();
        let split = self.tile.split;
        let levels: Vec<usize> = (0..self.extents.len())
            .map(|axis| {
                if axis < outer {
                    0
                } else if split {
                    1
                } else {
                    axis - outer + 1
                }
            })
            .collect();
        let (a, b) = (self.a.clone(), self.b.clone());
        let mut a = Reader::new(a, 'a', &mut self.printer, &self.names, &levels);
        let mut b = Reader::new(b, 'b', &mut self.printer, &self.names, &levels);

        let (rows, columns) = (self.rows(), self.columns());
        let step = if self.wide { 4 } else { 1 };
        let groups = columns.len() / step;
        let zero = if self.wide { "vec4<f32>(0.0)" } else { "0.0" };
        let mut sums = vec![];
        for i in 0..rows.len() {
            for q in 0..groups {
                let name = format!("sum{i}_{q}");
                out.line(format!("var {name} = {zero};"));
                sums.push(Expr::name(name, self.wide));
            }
        }
        [&a, &b].iter().for_each(|r| r.lines(out, 0));
        let brought = self.tile.in_subgroups.then(|| Brought::new(self, &a, out));
        self.open_loops(out, [&a, &b]);
        if let Some(brought) = &brought {
            brought.bring(&mut self.printer, out);
        }
        for tap in points(&self.tile.taps) {
            let point = |local: &LocalPoint| [local, &tap].concat();
            let mut y = vec![];
            for group in columns.chunks(step) {
                let points: Vec<_> = group.iter().map(|column| point(column)).collect();
                y.push(match &points[..] {
                    [p, q, r, s] => b.four(&mut self.printer, out, [p, q, r, s]),
                    [one] => b.one(&mut self.printer, out, one),
                    _ => unreachable!("columns come alone or in fours"),
                });
            }
            let y: Vec<_> = y.into_iter().enumerate().map(|(q, text)| Some(self.named(out, text?, &tap, q))).collect();
            for (i, row) in rows.iter().enumerate() {
                let x = match &brought {
                    Some(brought) => Some(brought.one(out, &point(row))),
                    None => a.one(&mut self.printer, out, &point(row)),
                };
                let Some(x) = x else { continue };
                let x = if self.wide { format!("vec4<f32>({x})") } else { x };
                for (q, y) in y.iter().enumerate() {
                    if let Some(y) = y {
                        let sum = &sums[i * groups + q].text;
                        out.line(format!("{sum} = fma({x}, {y}, {sum});"));
                    }
                }
            }
        }
        self.close_loops(out);
        if self.tile.in_subgroups {
            self.leave_spare(out);
        }
        sums
    }

    /// Gives a group of columns a name of its own if it has to be put together.
    fn named(&self, out: &mut Text, text: String, tap: &LocalPoint, q: usize) -> String {
        if !text.contains('(') {
            return text;
        }
        let tap = tap.iter().map(|(_, i)| format!("_{i}")).collect::<String>();
        let name = format!("columns{q}{tap}");
        out.line(format!("let {name} = {text};"));
        name
    }

    /// The reduced axes as the tile's loops see them: so many rounds.
    fn rounds(&self) -> Vec<Extent> {
        let rounds = |&axis: &usize| match (self.extents[axis], self.tile.local(axis)) {
            (Extent::Size(n), Some(local)) => Extent::Size(n / local.size),
            (extent, _) => extent,
        };
        self.view.k.iter().map(rounds).collect()
    }

    fn open_loops(&self, out: &mut Text, readers: [&Reader; 2]) {
        if !self.tile.split {
            for (level, &axis) in self.view.k.iter().enumerate() {
                let step = self.tile.local(axis).map_or(1, |l| l.size);
                axes::open_loop(out, &self.names[axis], self.extents[axis], step);
                readers.iter().for_each(|r| r.lines(out, level + 1));
            }
            return;
        }
        let rounds = self.rounds();
        let end = Count::of(&rounds).text();
        out.open(format!("for (var round = lane; round < {end}; round += {}u) {{", self.tile.lanes));
        let name = |axis: usize| match self.tile.local(axis).is_some() && self.names[axis] != text::ZERO {
            true => format!("round{axis}"),
            false => self.names[axis].clone(),
        };
        let names: Vec<String> = self.view.k.iter().map(|&axis| name(axis)).collect();
        unflatten(out, &rounds, &names, "round");
        for (&axis, round) in self.view.k.iter().zip(&names) {
            if *round != self.names[axis] {
                let size = self.tile.local(axis).map_or(1, |l| l.size);
                out.line(format!("let {} = {round} * {size}u;", self.names[axis]));
            }
        }
        readers.iter().for_each(|r| r.lines(out, 1));
    }

    fn close_loops(&self, out: &mut Text) {
        if self.tile.split {
            out.close();
        } else {
            self.view.k.iter().for_each(|&axis| axes::close_loop(out, &self.names[axis]));
        }
    }

    /// Prints the stages behind the sums, for each row and accumulator of the tile.
    fn epilogue(&mut self, out: &mut Text, sums: &[Expr]) {
        let lanes = self.lanes();
        let in_columns = self.wide && lanes == self.tile.columns.last().map(|l| l.axis);
        let sums =
            if in_columns || (!self.wide && lanes.is_none()) { sums.to_vec() } else { self.regrouped(out, sums) };
        // What is the same for all sums: a bias along rows, if all rows are one group.
        let moving: Vec<usize> = self.groups().iter().filter(|l| l.size > 1).map(|l| l.axis).collect();
        let kernel = self.printer.kernel;
        let axes = self.names[..kernel.outer.len()].to_vec();
        let mut known = vec![vec![]];
        for (number, stage) in kernel.stages.iter().enumerate().skip(1).filter(|_| sums.len() > 1) {
            let place = Place { stage: number, axes: &axes, lanes, reduced: &[], known: &[] };
            known.push(self.printer.invariants(out, stage, &place, &moving, true));
        }
        turns::each(out, &sums, |out, t, sum| self.finish(out, t, sum.clone(), &known));
    }

    /// Prints variables for the sums as the epilogue takes them: one by one, or four rows of a column after the other.
    fn regrouped(&self, out: &mut Text, sums: &[Expr]) -> Vec<Expr> {
        let single = |s: &Expr| match self.wide {
            true => COMPONENTS.iter().map(|c| format!("{}.{c}", s.text)).collect(),
            false => vec![s.text.clone()],
        };
        let singles: Vec<String> = sums.iter().flat_map(single).collect();
        let columns = self.columns().len();
        let groups: Vec<String> = match self.lanes() {
            None => singles,
            Some(_) => (singles.chunks(4 * columns))
                .flat_map(|rows| (0..columns).map(|c| (0..4).map(|r| &*rows[r * columns + c]).collect::<Vec<_>>()))
                .map(|four| format!("vec4<f32>({})", four.join(", ")))
                .collect(),
        };
        let name = |(i, text): (usize, String)| {
            out.line(format!("var group{i} = {text};"));
            Expr::name(format!("group{i}"), self.lanes().is_some())
        };
        groups.into_iter().enumerate().map(name).collect()
    }

    /// The tile as the epilogue sees it: along the axis of which it does four points at once, it counts fours.
    fn groups(&self) -> Vec<Local> {
        let lanes = self.lanes();
        let mut groups: Vec<Local> = self.tile.rows.iter().chain(&self.tile.columns).copied().collect();
        groups.iter_mut().filter(|l| lanes == Some(l.axis)).for_each(|l| l.size /= 4);
        groups
    }

    /// Prints the combination of what the invocations of a workgroup summed, and the stages behind it.
    ///
    /// Barriers stand outside of all loops and tests.
    fn combined(&mut self, out: &mut Text, sums: &[Expr]) {
        let lanes = self.tile.lanes;
        let [of_sum, of_eight] = self.neighbours.sums(out, sums, lanes);
        self.printer.shared = self.shared(lanes);
        out.open(format!("for (var t = lane; t < {}u; t += {lanes}u) {{", sums.len()));
        out.line(format!("var sum = shared_floats[t * {of_sum}u];"));
        out.open(format!("for (var i = 1u; i < {}u + step.zero; i++) {{", lanes / EIGHT));
        out.line(format!("sum += shared_floats[t * {of_sum}u + i * {of_eight}u];"));
        out.close();
        self.finish(out, "t", Expr::name("sum", false), &[]);
        out.close();
    }

    /// Prints the stages behind accumulator number `t`; `known` are the values of each stage that were printed before.
    fn finish(&mut self, out: &mut Text, t: &str, sum: Expr, known: &[Vec<Option<Expr>>]) {
        let lanes = self.lanes();
        let counts = self.groups();
        let extents: Vec<Extent> = counts.iter().map(|l| Extent::Size(l.size)).collect();
        let name = |l: &Local| axes::axis_name(Extent::Size(l.size), format!("t{}", l.axis));
        let names: Vec<String> = counts.iter().map(name).collect();
        unflatten(out, &extents, &names, t);

        let mut axes = self.names[..self.printer.kernel.outer.len()].to_vec();
        let mut guards = vec![];
        for (local, within) in counts.iter().zip(names) {
            let Extent::Size(n) = self.extents[local.axis] else { continue };
            let own = if lanes == Some(local.axis) { 4 } else { 1 };
            let within = if own == 4 && within != text::ZERO { format!("{within} * 4u") } else { within };
            let value = text::sum(&axes[local.axis], &within);
            axes[local.axis] = if value.contains(' ') {
                let name = format!("i{}", local.axis);
                out.line(format!("let {name} = {value};"));
                name
            } else {
                value
            };
            if !n.is_multiple_of(local.size * own) {
                guards.push(format!("{} < {n}u", axes[local.axis]));
            }
        }
        if !guards.is_empty() {
            out.open(format!("if {} {{", guards.join(" && ")));
        }
        self.stages(out, &axes, sum, known);
        if !guards.is_empty() {
            out.close();
        }
    }

    /// Prints the stages behind a sum at a point.
    fn stages(&mut self, out: &mut Text, axes: &[String], sum: Expr, known: &[Vec<Option<Expr>>]) {
        let lanes = self.lanes();
        let mut reduced = vec![vec![sum]];
        for (number, stage) in self.printer.kernel.stages.iter().enumerate().skip(1) {
            let known = known.get(number).map_or(&[][..], |k| k);
            let place = Place { stage: number, axes, lanes, reduced: &reduced, known };
            let values = self.printer.body(out, stage, &place);
            self.printer.stores(out, &stage.stores, &values, &place);
            reduced.push(stage.reduce.iter().map(|(_, v)| values[v.0 as usize].clone()).collect());
        }
    }
}
