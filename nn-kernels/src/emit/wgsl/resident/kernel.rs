//! A kernel for one workgroup that does all of it.

use super::LANES;
use crate::emit::wgsl::axes::outer_axes;
use crate::emit::wgsl::combine::{EIGHT, Neighbours};
use crate::emit::wgsl::function::Function;
use crate::emit::wgsl::printer::Printer;
use crate::emit::wgsl::text::{Count, Text};
use crate::emit::wgsl::{Workgroups, thread, workgroup};
use crate::graph::Extent;
use crate::ir::Kernel;
use crate::plan::{Plan, Schedule};

/// What a combination of all invocations' parts costs, in rounds of a loop.
const COMBINE: u64 = 64;

/// Prints the kernel's function, in terms of `lane`.
pub(super) fn print(plan: &Plan, schedule: &Schedule, kernel: &Kernel, name: String, capacity: usize) -> Function {
    let mut printer = Printer::new(plan, schedule, kernel, name);
    let mut out = Text::new();
    let points = Count::of(&kernel.outer);
    let what = if together(kernel, capacity) {
        printer.shared = scratch(kernel, capacity);
        if points.size > 1 {
            out.open(format!("for (var point = 0u; point < {}; point++) {{", points.text()));
        }
        let axes = outer_axes(&mut out, &kernel.outer, "point");
        workgroup::stages(&mut printer, &mut out, &axes, LANES, None, Neighbours::Memory);
        if points.size > 1 {
            out.close();
        }
        "All invocations together for each point."
    } else {
        out.open(format!("for (var point = lane; point < {}; point += {LANES}u) {{", points.text()));
        let axes = outer_axes(&mut out, &kernel.outer, "point");
        thread::stages(&mut printer, &mut out, &axes, None);
        out.close();
        "One invocation for each point."
    };
    printer.finish(what, Some(LANES as u32), Workgroups { fixed: 1, per_sample: 0, points: 1 }, out)
}

/// Whether all invocations do a point together: few points, and long sums.
fn together(kernel: &Kernel, capacity: usize) -> bool {
    let points = Count::of(&kernel.outer);
    if points.batches > 0 {
        return false;
    }
    let (lanes, batch) = (LANES as u64, capacity as u64);
    let longest = kernel.stages.iter().map(|s| Count::of(&s.inner).at(batch)).max().unwrap_or(0);
    let alone = points.size.div_ceil(lanes) * longest;
    alone > 4 * points.size * (longest.div_ceil(lanes) + COMBINE)
}

/// How often an invocation goes round the kernel's loops.
pub(super) fn rounds(kernel: &Kernel, capacity: usize) -> u64 {
    let (lanes, batch) = (LANES as u64, capacity as u64);
    let points = Count::of(&kernel.outer).at(batch);
    let stages = kernel.stages.iter().filter(|s| !s.inner.is_empty());
    if together(kernel, capacity) {
        // Seven of the innermost loop, three of that around it, and those over all eights.
        let combine = (EIGHT - 1 + 3 + LANES / EIGHT) as u64;
        points * (1 + stages.map(|s| Count::of(&s.inner).at(batch).div_ceil(lanes) + combine).sum::<u64>())
    } else {
        // A loop inside of loops begins anew each time.
        let nested = |inner: &[Extent]| (1..=inner.len()).map(|n| Count::of(&inner[..n]).at(batch)).sum::<u64>();
        points.div_ceil(lanes) * (1 + stages.map(|s| nested(&s.inner)).sum::<u64>())
    }
}

/// Floats of workgroup memory in which invocations combine their parts.
pub(super) fn scratch(kernel: &Kernel, capacity: usize) -> usize {
    if together(kernel, capacity) { Neighbours::Memory.floats(workgroup::slots(kernel), LANES) } else { 0 }
}
