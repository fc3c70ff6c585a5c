//! Which contractions are done by tiles, and what a tile is.

use super::operand::{Cut, Local, group, settles};
use super::subgroups;
use crate::emit::wgsl::printer::Printer;
use crate::emit::wgsl::subgroups::SUBGROUP;
use crate::emit::wgsl::text::Count;
use crate::emit::wgsl::{SHARED, contract};
use crate::graph::Extent;
use crate::ir::{Atom, ContractionView, Operand};

/// A contraction to be done by tiles; columns are `b`'s.
pub(in crate::emit::wgsl) struct Plan {
    pub(super) view: ContractionView,
    pub(super) tile: Tile,
}

/// How a contraction is cut.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::emit::wgsl) struct Tile {
    /// At most one axis that only `a` has.
    pub(super) rows: Vec<Local>,
    /// Axes that only `b` has; all but the first one are whole.
    pub(super) columns: Vec<Local>,
    /// At most one reduced axis; its extent is a multiple of the size.
    pub(super) taps: Vec<Local>,
    /// Invocations in a workgroup, where they work together.
    pub(in crate::emit::wgsl) lanes: usize,
    /// Whether a workgroup does a tile, and its invocations do parts of the sum.
    pub(in crate::emit::wgsl) split: bool,
    /// Whether the invocations of a subgroup bring `a`'s elements for one another; see [`subgroups`](super::subgroups).
    pub(in crate::emit::wgsl) in_subgroups: bool,
}

impl Tile {
    pub(super) fn locals(&self) -> Vec<Local> {
        self.rows.iter().chain(&self.columns).chain(&self.taps).copied().collect()
    }

    pub(super) fn local(&self, axis: usize) -> Option<&Local> {
        self.rows.iter().chain(&self.columns).chain(&self.taps).find(|l| l.axis == axis)
    }
}

/// What reading an element costs, in products: an address, checks, and the memory's latency.
const READ: f64 = 10.0;
/// What reading four adjacent elements at once costs.
const READ_FOUR: f64 = 20.0;
/// The same of two.
const READ_TWO: f64 = 14.0;
/// What handing an element to the others of a subgroup costs.
const BROADCAST: f64 = 1.0;
/// The most sums in one invocation: as many as a card's invocations keep in registers without being fewer for it, and few enough for
/// a driver's compiler. Tiles with twice as many take twice as long to compile on llvmpipe.
const SUMS: usize = 64;

/// How to do a contraction by tiles, if that is the way to do it.
pub(in crate::emit::wgsl) fn plan(printer: &Printer, mut view: ContractionView) -> Option<Plan> {
    let outer = &printer.kernel.outer;
    let extents = printer.kernel.extents(0);
    if !contract::suits(outer, &printer.kernel.stages[0].inner) {
        return None;
    }
    let last = (0..outer.len()).rfind(|&a| outer[a] != Extent::Size(1));
    let windows_in_a = view.a.within.len() > view.b.within.len();
    if last.is_some_and(|l| view.m.contains(&l)) || (last.is_some_and(|l| view.group.contains(&l)) && windows_in_a) {
        std::mem::swap(&mut view.m, &mut view.n);
        std::mem::swap(&mut view.a, &mut view.b);
    }
    let outputs = Count::of(outer).at(64);
    let reduced = Count::of(view.k.iter().map(|&a| &extents[a])).at(64);
    // A tile cannot cut the batch: where that is all there is in the rows, splitting pays for very few outputs only.
    let has_rows = view.m.iter().any(|&a| matches!(extents[a], Extent::Size(n) if n > 1));
    let split = reduced >= 1024 && outputs < if has_rows || !view.is_plain() { FEW_OUTPUTS } else { VERY_FEW_OUTPUTS };
    let batch_in_columns = view.n.iter().any(|&a| extents[a] == Extent::Batch);
    if view.is_plain() && !split && !(batch_in_columns && view.n.len() > 1) {
        return None;
    }
    let largest = largest(outputs * reduced).min(if split { OF_SPLIT } else { usize::MAX });
    let search =
        Search { printer, extents: &extents, view: &view, split, in_subgroups: false, largest, sums: SUMS, kept: None };
    let tile = search.best()?;
    Some(Plan { view, tile })
}

/// The same contraction in tiles of at most so many sums, in which subgroups share rows or not, if those are others. Where sums are
/// not split, tiles of every shape add in the same order. `rows` are to be kept, where they are given.
pub(in crate::emit::wgsl) fn other(
    printer: &Printer,
    view: &ContractionView,
    tile: &Tile,
    (sums, in_subgroups): (usize, bool),
    rows: Option<&[Local]>,
) -> Option<Plan> {
    let extents = printer.kernel.extents(0);
    if tile.split || (in_subgroups && !subgroups::suits(view, &extents)) {
        return None;
    }
    let reduced = Count::of(view.k.iter().map(|&a| &extents[a])).at(64);
    let largest = largest(Count::of(&printer.kernel.outer).at(64) * reduced);
    let search = Search { printer, extents: &extents, view, split: false, in_subgroups, largest, sums, kept: rows };
    let other = search.best()?;
    (other != *tile).then(|| Plan { view: view.clone(), tile: other })
}

/// What a tile reads and does.
pub(in crate::emit::wgsl) struct Expense {
    /// Elements of `a` and `b` that it reads for each of its products.
    pub(in crate::emit::wgsl) elements: [f64; 2],
    /// How many products it does for each one that counts.
    pub(in crate::emit::wgsl) more: f64,
}

impl Expense {
    pub(super) fn of(view: &ContractionView, extents: &[Extent], tile: &Tile) -> Self {
        let locals = tile.locals();
        let products: usize = locals.iter().map(|l| l.size).product();
        let elements = [&view.a, &view.b].map(|operand| distinct(operand, &locals) as f64 / products as f64);
        Expense { elements, more: 1.0 / useful(extents, &locals) }
    }
}

/// Outputs up to which long sums are split.
const FEW_OUTPUTS: u64 = 1 << 18;
/// The same where each tile has a single row.
const VERY_FEW_OUTPUTS: u64 = 1 << 12;

/// Products in one round of a tile, for contractions of so many products: large tiles read less and take longer to compile.
fn largest(products: u64) -> usize {
    match products {
        0x400_0000.. => 560,
        0x20_0000.. => 160,
        _ => 64,
    }
}

/// The same where sums are split: on llvmpipe 4 x 10 sums with 14 taps take 205 ms to compile and with 2 taps 78, and run in 39 and 49.
const OF_SPLIT: usize = 160;

struct Search<'s> {
    printer: &'s Printer<'s>,
    extents: &'s [Extent],
    view: &'s ContractionView,
    split: bool,
    in_subgroups: bool,
    largest: usize,
    /// The most sums in one invocation.
    sums: usize,
    /// The only rows to look at.
    kept: Option<&'s [Local]>,
}

impl Search<'_> {
    /// The cheapest tile. Larger ones come first, and much smaller ones than what was found are not looked at.
    fn best(&self) -> Option<Tile> {
        let (rows, columns, taps) = (self.rows(), self.columns(), self.taps());
        let size = |locals: &[Local]| locals.iter().map(|l| l.size).product::<usize>();
        let mut best: Option<(f64, usize, [usize; 3])> = None;
        let mut locals = vec![];
        for (r, rows) in rows.iter().enumerate() {
            for (c, columns) in columns.iter().enumerate() {
                for (t, taps) in taps.iter().enumerate() {
                    let (sums, products) = (size(rows) * size(columns), size(rows) * size(columns) * size(taps));
                    let too_small = best.is_some_and(|(_, largest, _)| products * 4 < largest);
                    if sums > self.sums || (products > self.largest && products > 1) || too_small {
                        continue;
                    }
                    locals.clear();
                    locals.extend(rows.iter().chain(columns).chain(taps));
                    if let Some(cost) = self.cost(&locals)
                        && best.is_none_or(|(least, ..)| cost < least)
                    {
                        best = Some((cost, products, [r, c, t]));
                    }
                }
            }
        }
        let (_, _, [r, c, t]) = best?;
        let lanes = self.lanes(size(&rows[r]) * size(&columns[c]), size(&taps[t]));
        let [rows, columns, taps] = [rows[r].clone(), columns[c].clone(), taps[t].clone()];
        let Search { split, in_subgroups, .. } = *self;
        Some(Tile { rows, columns, taps, lanes, split, in_subgroups })
    }

    /// The extent of an axis that a tile can cut.
    fn size(&self, axis: usize) -> Option<usize> {
        match self.extents[axis] {
            Extent::Size(n) if n > 1 => Some(n),
            _ => None,
        }
    }

    fn rows(&self) -> Vec<Vec<Local>> {
        if let Some(kept) = self.kept {
            return vec![kept.to_vec()];
        }
        let mut rows = vec![];
        if let Some((axis, n)) = self.view.m.iter().rev().find_map(|&a| Some((a, self.size(a)?))) {
            let sizes = (n <= 8).then_some(n).into_iter().chain([8, 4, 2].into_iter().filter(|&size| size < n));
            rows.extend(sizes.map(|size| vec![Local { axis, size }]));
        }
        rows.push(vec![]);
        rows
    }

    fn columns(&self) -> Vec<Vec<Local>> {
        let mut axes = self.view.n.iter().rev().filter_map(|&a| Some((a, self.size(a)?)));
        let Some((axis, n)) = axes.next() else { return vec![vec![]] };
        let mut sizes: Vec<usize> = (1..=4).map(|tiles| n.div_ceil(tiles)).filter(|&size| size <= 16).collect();
        sizes.extend([2, 4, 8, 16].into_iter().filter(|&size| size < n));
        // Between the elements of what was strided, a tile must begin at multiples of the step.
        let steps = self.view.b.within.iter().filter(|b| b.step > 1 && b.index.uses(axis)).map(|b| b.step as usize);
        sizes.extend(steps.flat_map(|step| (1..=4).map(move |times| times * step)).filter(|&size| size <= 16));
        sizes.retain(|&size| size > 1);
        sizes.sort_unstable_by(|a, b| b.cmp(a));
        sizes.dedup();
        let mut columns: Vec<Vec<Local>> = vec![];
        // Beside a short axis, a part of the one in front of it; in long sums also of any other one: the channels of a window's elements,
        // where its rows would leave a rest.
        let others = if self.split { usize::MAX } else { 1 };
        for (other, m) in axes.take(others).filter(|_| n <= 16) {
            let whole = Local { axis, size: n };
            let most = if n <= 8 { 4 } else { 2 };
            let sizes = (m <= 8).then_some(m).into_iter().chain((2..=most).rev().filter(|&size| size < m));
            columns.extend(sizes.map(|size| vec![Local { axis: other, size }, whole]));
        }
        columns.extend(sizes.into_iter().map(|size| vec![Local { axis, size }]));
        columns.push(vec![]);
        columns
    }

    fn taps(&self) -> Vec<Vec<Local>> {
        let Some((axis, n)) = self.view.k.iter().rev().find_map(|&a| Some((a, self.size(a)?))) else {
            return vec![vec![]];
        };
        let one = |size| vec![Local { axis, size }];
        if n <= 12 {
            return if n <= 5 { vec![one(n)] } else { vec![one(n), vec![]] };
        }
        let largest = (2..=8).rev().find(|size| n.is_multiple_of(*size));
        // Rows of an even length are read in twos where tiles begin at even positions.
        let whole = (n <= 16 && n.is_multiple_of(2)).then_some(n);
        let even = if n.is_multiple_of(4) { Some(4) } else { n.is_multiple_of(2).then_some(2) };
        let sizes = [whole, largest, even.filter(|_| largest != even)];
        sizes.into_iter().flatten().map(one).chain([vec![]]).collect()
    }

    /// Invocations in a workgroup.
    fn lanes(&self, sums: usize, taps: usize) -> usize {
        let rounds = Count::of(self.view.k.iter().map(|&a| &self.extents[a])).at(64) / taps as u64;
        let fits = |lanes: usize| sums * lanes <= SHARED && rounds >= 4 * lanes as u64;
        match (self.split, self.in_subgroups) {
            (true, _) => [256, 128].into_iter().find(|&lanes| fits(lanes)).unwrap_or(64),
            (_, true) => subgroups::LANES,
            _ => 64,
        }
    }

    /// What a product costs; `None` if a tile does not suit the operands.
    fn cost(&self, locals: &[Local]) -> Option<f64> {
        let cut = Cut { extents: self.extents, locals };
        let mut reads = 0.0;
        for (operand, brought) in [(&self.view.a, self.in_subgroups), (&self.view.b, false)] {
            if !settles(operand, &cut) {
                return None;
            }
            let elements = distinct(operand, locals) as f64;
            if brought {
                reads += (elements / SUBGROUP as f64).ceil() * READ + elements * BROADCAST;
                continue;
            }
            let aligned = self.printer.base_is_aligned(operand.tensor);
            reads += match group(operand, aligned, &cut) {
                4 if elements >= 4.0 => elements / 4.0 * READ_FOUR,
                2 | 4 if elements >= 2.0 => elements / 2.0 * READ_TWO,
                _ => elements * READ,
            };
        }
        let products: usize = locals.iter().map(|l| l.size).product();
        Some((reads / products as f64 + 1.0) / useful(self.extents, locals))
    }
}

/// How many of a tile's products count: the last tile along an axis may reach over its end.
fn useful(extents: &[Extent], locals: &[Local]) -> f64 {
    let useful = |l: &Local| match extents[l.axis] {
        Extent::Size(n) => n as f64 / (n.div_ceil(l.size) * l.size) as f64,
        Extent::Batch => 1.0,
    };
    locals.iter().map(useful).product()
}

/// About how many elements of an operand a tile reads.
fn distinct(operand: &Operand, locals: &[Local]) -> i64 {
    let stride = |axis: usize| -> i64 {
        operand
            .index
            .terms
            .iter()
            .map(|t| match &t.atom {
                Atom::Axis(a) if *a == axis => t.coefficient,
                Atom::Div(index, _) => t.coefficient * index.stride(axis).unwrap_or(0),
                _ => 0,
            })
            .sum()
    };
    let mut steps: Vec<(i64, i64)> = locals
        .iter()
        .map(|l| (stride(l.axis).abs(), l.size as i64))
        .filter(|&(stride, n)| stride > 0 && n > 1)
        .collect();
    steps.sort_unstable();
    let (mut count, mut span) = (1, 1);
    for (stride, n) in steps {
        let apart = count * n;
        let further = stride * (n - 1);
        // What reaches over the next one's beginning is partly the same.
        count = if stride >= span { apart } else { apart.min(span + further) };
        span += further;
    }
    count
}
