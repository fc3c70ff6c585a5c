//! Axes: what they are called, and the loops and divisions that give them their values.

use super::text::{Count, Text, ZERO};
use crate::graph::Extent;

/// Prints the outer axes of a flat point, and names them: `sample` for the batch, else `i<axis>`.
pub(super) fn outer_axes(out: &mut Text, outer: &[Extent], point: &str) -> Vec<String> {
    let names: Vec<String> = (0..outer.len())
        .map(|i| axis_name(outer[i], if outer[i] == Extent::Batch { "sample".to_owned() } else { format!("i{i}") }))
        .collect();
    unflatten(out, outer, &names, point);
    names
}

/// Prints the coordinates of a flat number in a space of axes, the last axis fastest.
pub(super) fn unflatten(out: &mut Text, extents: &[Extent], names: &[String], flat: &str) {
    for (i, name) in names.iter().enumerate().filter(|(_, name)| *name != ZERO) {
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
    inner.iter().enumerate().map(move |(i, extent)| axis_name(*extent, format!("r{}", outer + i)))
}

/// Opens a loop over an axis from 0, unless the axis is `0u` by name (see [`axis_name`]).
///
/// Short loops run to a bound that the driver's compiler cannot see: it would unroll them, which makes nothing here
/// faster and takes longer than the loop itself would ever run (llvmpipe compiled a softmax over 10 classes in half the time).
pub(super) fn open_loop(out: &mut Text, axis: &str, extent: Extent, step: usize) {
    if axis == ZERO {
        return;
    }
    let end = match extent {
        Extent::Size(n) if (5..=64).contains(&n.div_ceil(step)) => format!("{n}u + step.zero"),
        other => Count::of([&other]).text(),
    };
    let advance = if step == 1 { format!("{axis}++") } else { format!("{axis} += {step}u") };
    out.open(format!("for (var {axis} = 0u; {axis} < {end}; {advance}) {{"));
}

/// The matching end of [`open_loop`].
pub(super) fn close_loop(out: &mut Text, axis: &str) {
    if axis != ZERO {
        out.close();
    }
}

/// What an axis is called: its own name, or `0u` where it has a single point.
pub(super) fn axis_name(extent: Extent, name: String) -> String {
    if extent == Extent::Size(1) { ZERO.to_owned() } else { name }
}
