//! One invocation for each outer point: maps, short rows, and reductions that many outer points do side by side.
//!
//! A map whose stores go to aligned groups of four neighbours does four points at once.

use super::Workgroups;
use super::axes;
use super::body::{Expr, Place, accumulate};
use super::function::Function;
use super::printer::Printer;
use super::text::{self, Count, Text};
use crate::graph::Extent;
use crate::ir::Value;

pub(super) struct Thread<'a> {
    pub(super) printer: Printer<'a>,
    /// The axis along which four neighbours are done at once.
    pub(super) lanes: Option<usize>,
}

pub(super) fn prepare(mut printer: Printer) -> Thread {
    let lanes = four_at_once(&mut printer);
    Thread { printer, lanes }
}

pub(super) fn print(Thread { mut printer, lanes }: Thread) -> Function {
    let kernel = printer.kernel;
    let mut extents = kernel.outer.clone();
    if let (Some(_), Some(Extent::Size(n))) = (lanes, extents.last_mut()) {
        *n /= 4;
    }
    let count = Count::of(&extents);

    let mut out = Text::new();
    out.open(format!("if invocation >= {} {{", count.text()));
    out.line("return;");
    out.close();
    let mut names = axes::outer_axes(&mut out, &extents, "invocation");
    if let (Some(_), Some(last)) = (lanes, names.last_mut().filter(|name| *name != text::ZERO)) {
        // `i1` counts groups of four; its first element is at four times as much.
        let first = format!("{last}x4");
        out.line(format!("let {first} = {last} * 4u;"));
        *last = first;
    }
    stages(&mut printer, &mut out, &names, lanes);

    let what = match lanes {
        Some(_) => "One invocation for each four neighbouring points.",
        None => "One invocation for each point.",
    };
    let (fixed, per_sample) = if count.batches > 0 { (0, count.size) } else { (count.size, 0) };
    printer.finish(what, None, Workgroups { fixed, per_sample, points: 1 }, out)
}

/// The axis along which four neighbouring points can be done at once, and marks the buffers that are bound in fours.
fn four_at_once(printer: &mut Printer) -> Option<usize> {
    let kernel = printer.kernel;
    let axis = kernel.outer.len().checked_sub(1)?;
    if !matches!(kernel.outer[axis], Extent::Size(n) if n % 4 == 0) || kernel.stages.iter().any(|s| !s.inner.is_empty())
    {
        return None;
    }
    let mut stores = kernel.stages.iter().flat_map(|s| &s.stores);
    if !stores.all(|s| printer.is_aligned(s.tensor, &s.index, axis)) {
        return None;
    }
    // Scattered loads cost four times the text and gain nothing; those that neighbours share are fewer than before.
    let loads = kernel.stages.iter().flat_map(|s| &s.body).filter_map(|v| match v {
        Value::Load { tensor, index, within } if !printer.is_shared(v, axis) => {
            Some(within.is_empty() && printer.is_aligned(*tensor, index, axis))
        }
        Value::Gather { tensor, stride, index, .. } if index.uses(axis) => {
            Some(stride % 4 == 0 && printer.is_aligned(*tensor, index, axis))
        }
        _ => None,
    });
    let (aligned, scattered): (Vec<bool>, Vec<bool>) = loads.partition(|aligned| *aligned);
    if scattered.len() > aligned.len() {
        return None;
    }
    printer.pack(axis);
    Some(axis)
}

/// Prints all stages one after another, inner axes as loops.
pub(super) fn stages(printer: &mut Printer, out: &mut Text, outer: &[String], lanes: Option<usize>) {
    let kernel = printer.kernel;
    let mut reduced: Vec<Vec<Expr>> = vec![];
    for (n, stage) in kernel.stages.iter().enumerate() {
        let mut names = outer.to_vec();
        names.extend(axes::inner_axes(outer.len(), &stage.inner));
        let mut results = vec![];
        if !stage.inner.is_empty() {
            for (slot, (how, _)) in stage.reduce.iter().enumerate() {
                let name = format!("reduced{n}_{slot}");
                out.line(format!("var {name} = {};", text::float(how.identity())));
                results.push(Expr::name(name, false));
            }
        }
        let inner: Vec<usize> = (outer.len()..names.len()).collect();
        let mut place = Place { stage: n, axes: &names, lanes, reduced: &reduced, known: &[] };
        let known = if stage.inner.is_empty() { vec![] } else { printer.invariants(out, stage, &place, &inner, false) };
        place.known = &known;
        for (extent, axis) in stage.inner.iter().zip(&names[outer.len()..]) {
            axes::open_loop(out, axis, *extent, 1);
        }
        let values = printer.body(out, stage, &place);
        printer.stores(out, &stage.stores, &values, &place);
        for (slot, (how, value)) in stage.reduce.iter().enumerate() {
            let value = values[value.0 as usize].clone();
            match results.get(slot) {
                Some(result) => out.line(accumulate(*how, &result.text, &value.text)),
                // Without inner axes there is nothing to combine.
                None => results.push(value),
            }
        }
        names[outer.len()..].iter().for_each(|axis| axes::close_loop(out, axis));
        reduced.push(results);
    }
}
