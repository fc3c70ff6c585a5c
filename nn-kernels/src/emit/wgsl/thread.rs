//! One invocation for each outer point: maps, short rows, and reductions that many outer points do side by side.
//!
//! A map whose stores go to aligned groups of four neighbours does four points at once.

use super::body::{Expr, Place, combine};
use super::printer::Printer;
use super::text::{self, Count, Text};
use super::{ShaderText, Workgroups};
use crate::graph::Extent;

/// Invocations in a workgroup.
const LANES: u64 = 64;

pub(super) fn print(mut printer: Printer, name: &str) -> ShaderText {
    let kernel = printer.kernel;
    let lanes = four_at_once(&mut printer);
    let mut extents = kernel.outer.clone();
    if let (Some(_), Some(Extent::Size(n))) = (lanes, extents.last_mut()) {
        *n /= 4;
    }
    let count = Count::of(&extents);

    let mut out = Text::new();
    out.line(format!("let point = (workgroup.x + workgroup.y * workgroups.x) * {LANES}u + lane;"));
    out.open(format!("if point >= {} {{", count.text()));
    out.line("return;");
    out.close();
    let mut axes = outer_axes(&mut out, &extents, "point");
    if let (Some(_), Some(last)) = (lanes, axes.last_mut().filter(|name| *name != text::ZERO)) {
        // `i1` counts groups of four; its first element is at four times as much.
        let first = format!("{last}x4");
        out.line(format!("let {first} = {last} * 4u;"));
        *last = first;
    }
    stages(&mut printer, &mut out, &axes, lanes);

    let what = match lanes {
        Some(_) => "One invocation for each four neighbouring points.",
        None => "One invocation for each point.",
    };
    let (fixed, per_sample) = if count.batches > 0 { (0, count.size) } else { (count.size, 0) };
    printer.finish(name, what, LANES as u32, Workgroups { fixed, per_sample, points: LANES }, out)
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
    printer.pack(axis);
    Some(axis)
}

/// Prints the outer axes of a flat point, and names them: `sample` for the batch, else `i<axis>`.
pub(super) fn outer_axes(out: &mut Text, outer: &[Extent], point: &str) -> Vec<String> {
    let names: Vec<String> = (0..outer.len())
        .map(|i| {
            text::axis_name(outer[i], if outer[i] == Extent::Batch { "sample".to_owned() } else { format!("i{i}") })
        })
        .collect();
    unflatten(out, outer, &names, point);
    names
}

/// Prints the coordinates of a flat number in a space of axes, the last axis fastest.
pub(super) fn unflatten(out: &mut Text, extents: &[Extent], names: &[String], flat: &str) {
    for (i, name) in names.iter().enumerate().filter(|(_, name)| *name != text::ZERO) {
        let behind = Count::of(&extents[i + 1..]);
        let mut text = flat.to_owned();
        if behind != (Count { size: 1, batches: 0 }) {
            text = format!("{text} / {}", behind.text());
        }
        let before = Count::of(&extents[..i]);
        if before != (Count { size: 1, batches: 0 }) {
            let own = Count::of(&extents[i..=i]);
            text = if text.contains(' ') {
                format!("({text}) % {}", own.text())
            } else {
                format!("{text} % {}", own.text())
            };
        }
        if text != *name {
            out.line(format!("let {name} = {text};"));
        }
    }
}

/// Names a stage's inner axes: `r<axis>`.
pub(super) fn inner_axes(outer: usize, inner: &[Extent]) -> impl Iterator<Item = String> + '_ {
    inner.iter().enumerate().map(move |(i, extent)| text::axis_name(*extent, format!("r{}", outer + i)))
}

/// Prints all stages one after another, inner axes as loops.
fn stages(printer: &mut Printer, out: &mut Text, outer: &[String], lanes: Option<usize>) {
    let kernel = printer.kernel;
    let mut reduced: Vec<Vec<Expr>> = vec![];
    for (n, stage) in kernel.stages.iter().enumerate() {
        let mut axes = outer.to_vec();
        axes.extend(inner_axes(outer.len(), &stage.inner));
        let mut results = vec![];
        if !stage.inner.is_empty() {
            for (slot, (how, _)) in stage.reduce.iter().enumerate() {
                let name = format!("reduced{n}_{slot}");
                out.line(format!("var {name} = {};", text::float(how.identity())));
                results.push(Expr::name(name, false));
            }
        }
        for (extent, axis) in stage.inner.iter().zip(&axes[outer.len()..]) {
            text::open_loop(out, axis, *extent, 1);
        }
        let place = Place { stage: n, axes: &axes, lanes, reduced: &reduced };
        let values = printer.body(out, stage, &place);
        printer.stores(out, &stage.stores, &values, &place);
        for (slot, (how, value)) in stage.reduce.iter().enumerate() {
            let value = values[value.0 as usize].clone();
            match results.get(slot) {
                Some(result) => {
                    out.line(format!("{} = {};", result.text, combine(*how, &result.text, &value.operand())))
                }
                // Without inner axes there is nothing to combine.
                None => results.push(value),
            }
        }
        axes[outer.len()..].iter().for_each(|axis| text::close_loop(out, axis));
        reduced.push(results);
    }
}
