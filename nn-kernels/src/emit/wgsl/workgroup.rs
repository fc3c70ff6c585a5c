//! One workgroup for each outer point: long rows, and reductions with few results.
//!
//! Invocations stride over the inner points of a stage, combine what they found (`combine`), and go on to the
//! next stage together. Which elements meet in which order depends on the extents alone, so sums repeat. Control
//! flow at barriers is uniform by construction: they stand outside of all loops and tests.

use super::Workgroups;
use super::axes::{axis_name, inner_axes, outer_axes, unflatten};
use super::body::{Expr, Place, accumulate};
use super::combine::{Combination, Neighbours};
use super::function::Function;
use super::printer::Printer;
use super::text::{self, Count, Text};
use crate::graph::{Extent, Reduction};
use crate::ir::{Kernel, Value, ValueId};

/// The most workgroup memory that we use; every device has 16 KiB.
const MEMORY: usize = 8 << 10;

#[derive(Clone)]
pub(super) struct Workgroup<'a> {
    pub(super) printer: Printer<'a>,
    /// Invocations in a workgroup.
    pub(super) lanes: usize,
    /// The innermost axis of all loops, if four neighbours along it are done at once.
    pub(super) fours: Option<usize>,
    /// How many numbers a stage combines at most.
    slots: usize,
    /// Where the invocations combine what they have.
    pub(super) neighbours: Neighbours,
}

pub(super) fn prepare(mut printer: Printer) -> Workgroup {
    let kernel = printer.kernel;
    let slots = slots(kernel);
    let lanes = lanes(&kernel.stages.iter().map(|s| Count::of(&s.inner)).collect::<Vec<_>>(), slots);
    let fours = four_at_once(&mut printer);
    Workgroup { printer, lanes, fours, slots, neighbours: Neighbours::Memory }
}

impl Workgroup<'_> {
    /// Whether the invocations combine anything.
    pub(super) fn combines(&self) -> bool {
        self.slots > 0
    }

    /// Floats of workgroup memory with so many invocations.
    pub(super) fn shared(&self, lanes: usize) -> usize {
        self.neighbours.floats(self.slots, lanes)
    }
}

pub(super) fn print(workgroup: Workgroup) -> Function {
    let shared = workgroup.shared(workgroup.lanes);
    let Workgroup { mut printer, lanes, fours, neighbours, .. } = workgroup;
    let kernel = printer.kernel;

    let count = Count::of(&kernel.outer);
    let mut out = Text::new();
    let axes = outer_axes(&mut out, &kernel.outer, "workgroup");
    printer.shared = shared;
    stages(&mut printer, &mut out, &axes, lanes, fours, neighbours);

    let (fixed, per_sample) = if count.batches > 0 { (0, count.size) } else { (count.size, 0) };
    let what = "One workgroup for each point.";
    printer.finish(what, Some(lanes as u32), Workgroups { fixed, per_sample, points: 1 }, out)
}

/// How many numbers a kernel's stages combine at once.
pub(super) fn slots(kernel: &Kernel) -> usize {
    kernel.stages.iter().filter(|s| !s.inner.is_empty()).map(|s| s.reduce.len()).max().unwrap_or(0)
}

/// Invocations in a workgroup: a power of two from 64 to 256, no more than the longest stage can use.
fn lanes(inner: &[Count], slots: usize) -> usize {
    let longest = inner.iter().map(|c| c.at(64)).max().unwrap_or(1);
    let mut lanes = 64;
    while lanes < 256 && (lanes as u64) * 4 <= longest && lanes * 2 * slots * 4 <= MEMORY {
        lanes *= 2;
    }
    lanes
}

pub(super) fn stages(
    printer: &mut Printer,
    out: &mut Text,
    outer: &[String],
    lanes: usize,
    fours: Option<usize>,
    neighbours: Neighbours,
) {
    let kernel = printer.kernel;
    let slots = slots(kernel);
    let mut reduced: Vec<Vec<Expr>> = vec![];
    let mut turn = 0;
    for (n, stage) in kernel.stages.iter().enumerate() {
        let mut axes = outer.to_vec();
        axes.extend(inner_axes(outer.len(), &stage.inner));
        if stage.inner.is_empty() {
            // Every invocation computes the same, and the first one stores it.
            let place = Place { stage: n, axes: &axes, lanes: None, reduced: &reduced, known: &[] };
            let guarded = stage.reduce.is_empty();
            if guarded {
                out.open("if lane == 0u {");
            }
            let values = printer.body(out, stage, &place);
            if !guarded && !stage.stores.is_empty() {
                out.open("if lane == 0u {");
            }
            printer.stores(out, &stage.stores, &values, &place);
            if guarded || !stage.stores.is_empty() {
                out.close();
            }
            reduced.push(stage.reduce.iter().map(|(_, v)| values[v.0 as usize].clone()).collect());
            continue;
        }
        let mut results = vec![];
        let mut place = Place { stage: n, axes: &axes, lanes: fours, reduced: &reduced, known: &[] };
        let inner: Vec<usize> = (outer.len()..axes.len()).collect();
        let known = printer.invariants(out, stage, &place, &inner, false);
        place.known = &known;
        let wide = fours.is_some();
        for (slot, (how, _)) in stage.reduce.iter().enumerate() {
            let identity = text::float(how.identity());
            out.line(match wide {
                true => format!("var fours{n}_{slot} = vec4<f32>({identity});"),
                false => format!("var part{n}_{slot} = {identity};"),
            });
        }
        let own = &axes[outer.len()..];
        let mut extents = stage.inner.clone();
        let mut counted = own.to_vec();
        if let (true, Some(Extent::Size(last)), Some(name)) = (wide, extents.last_mut(), counted.last_mut()) {
            *last /= 4;
            *name = axis_name(Extent::Size(*last), format!("{name}d4"));
        }
        let flat = match &counted[..] {
            [one] if one != text::ZERO => one.clone(),
            _ => "inner".to_owned(),
        };
        let end = Count::of(&extents).text();
        out.open(format!("for (var {flat} = lane; {flat} < {end}; {flat} += {lanes}u) {{"));
        unflatten(out, &extents, &counted, &flat);
        if let (true, Some(four), Some(name)) = (wide, counted.last(), own.last()) {
            out.line(format!("let {name} = {four} * 4u;"));
        }
        let values = printer.body(out, stage, &place);
        printer.stores(out, &stage.stores, &values, &place);
        for (slot, (how, value)) in stage.reduce.iter().enumerate() {
            let name = if wide { format!("fours{n}_{slot}") } else { format!("part{n}_{slot}") };
            out.line(accumulate(*how, &name, &values[value.0 as usize].as_wide(wide)));
        }
        out.close();
        if wide {
            for (slot, (how, _)) in stage.reduce.iter().enumerate() {
                out.line(format!("let part{n}_{slot} = {};", across(*how, &format!("fours{n}_{slot}"))));
            }
        }
        if !stage.reduce.is_empty() {
            let names = (0..stage.reduce.len()).map(|slot| format!("reduced{n}_{slot}"));
            results.extend(names.map(|name| Expr::name(name, false)));
            let number = |(slot, (how, _)): (usize, &(Reduction, ValueId))| {
                (*how, format!("part{n}_{slot}"), format!("reduced{n}_{slot}"))
            };
            let numbers: Vec<_> = stage.reduce.iter().enumerate().map(number).collect();
            Combination { neighbours, lanes, most: slots, turn, numbers: &numbers }.print(out);
            turn += 1;
        }
        reduced.push(results);
    }
}

/// The innermost axis of all loops, if four neighbouring points along it can be done at once: rows that lie in memory as aligned
/// groups. Marks the buffers that are bound in fours.
fn four_at_once(printer: &mut Printer) -> Option<usize> {
    let kernel = printer.kernel;
    let mut loops = kernel.stages.iter().filter(|s| !s.inner.is_empty());
    let inner = loops.clone().next()?.inner.len();
    let axis = kernel.outer.len() + inner - 1;
    let suits = loops.all(|stage| {
        let whole = matches!(stage.inner.last(), Some(Extent::Size(n)) if n.is_multiple_of(4));
        let aligned = |tensor, index| printer.is_aligned(tensor, index, axis);
        let loads = stage.body.iter().all(|v| match v {
            Value::Load { tensor, index, within } if !printer.is_shared(v, axis) => {
                within.is_empty() && aligned(*tensor, index)
            }
            Value::Gather { tensor, stride, index, .. } if index.uses(axis) => {
                stride % 4 == 0 && aligned(*tensor, index)
            }
            _ => true,
        });
        stage.inner.len() == inner && whole && loads && stage.stores.iter().all(|s| aligned(s.tensor, &s.index))
    });
    if !suits {
        return None;
    }
    printer.pack(axis);
    Some(axis)
}

/// The four parts of a vector, combined in order.
fn across(how: Reduction, v: &str) -> String {
    match how {
        Reduction::Sum => format!("{v}.x + {v}.y + {v}.z + {v}.w"),
        Reduction::Maximum => format!("max(max({v}.x, {v}.y), max({v}.z, {v}.w))"),
        Reduction::Minimum => format!("min(min({v}.x, {v}.y), min({v}.z, {v}.w))"),
    }
}

/// Whether a kernel is better off with a workgroup than with an invocation for each outer point.
pub(super) fn suits(outer: &[Extent], inner: &[Count]) -> bool {
    let points = Count::of(outer);
    inner.iter().any(|i| i.size > 256 || (i.batches > 0 && points.batches == 0 && points.size < 64))
}
