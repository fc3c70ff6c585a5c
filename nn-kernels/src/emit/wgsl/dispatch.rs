//! Dispatches: the kernels of a level in one shader, and what they agree on for that.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::ops::Range;

use super::archetype::{Archetype, Lanes, View};
use super::function::Function;
use super::printer::Printer;
use super::text::Count;
use super::variants::{self, Variant};
use super::{Binding, LANES, SHARED};
use crate::ir::Kernel;
use crate::plan::{Plan, Schedule};

/// Kernels for one shader.
pub(super) struct Dispatch {
    /// Their numbers in the schedule.
    pub(super) kernels: Range<usize>,
    /// Invocations in a workgroup.
    pub(super) lanes: usize,
    /// The kernels' functions, in order.
    pub(super) functions: Vec<Function>,
    /// Other texts: of a kernel that is alone here, or of all of them.
    pub(super) variants: Vec<(Variant, Vec<Function>)>,
    /// Which of them has most to do.
    pub(super) largest: usize,
}

impl Dispatch {
    pub(super) fn new(plan: &Plan, schedule: &Schedule, prefix: &str, kernels: Range<usize>) -> Self {
        let archetype = |i: usize| {
            let kernel = &schedule.kernels[i];
            Archetype::of(Printer::new(plan, schedule, kernel, format!("{prefix}_{i:02}_{}", kernel.name)))
        };
        let mut all: Vec<Archetype> = kernels.clone().map(archetype).collect();
        let lanes = lanes(&all);
        all.iter_mut().for_each(|kernel| kernel.set_lanes(lanes));
        agree_on_views(&mut all);
        let largest =
            (0..all.len()).max_by_key(|&i| (work(&schedule.kernels[kernels.start + i]), Reverse(i))).unwrap_or(0);
        let mut variants = if let [alone] = &all[..] { variants::print(alone) } else { vec![] };
        // What a few small kernels combine beside a large one is not worth a second text.
        let worth = all.get(largest).is_some_and(Archetype::combines);
        let in_subgroups: Vec<Option<Function>> =
            all.iter().map(|kernel| if worth { kernel.print_in_subgroups() } else { None }).collect();
        let functions: Vec<Function> = all.into_iter().map(Archetype::print).collect();
        if worth {
            let all =
                in_subgroups.into_iter().zip(&functions).map(|(other, first)| other.unwrap_or_else(|| first.clone()));
            variants.push((Variant::in_subgroups(), all.collect()));
        }
        Dispatch { largest, kernels, lanes, functions, variants }
    }
}

/// Operations of a kernel for 64 samples, roughly.
fn work(kernel: &Kernel) -> u64 {
    let stages = kernel.stages.iter().map(|s| Count::of(&s.inner).at(64) * s.body.len() as u64);
    Count::of(&kernel.outer).at(64) * stages.sum::<u64>()
}

/// Invocations in a workgroup: as many as is best for those kernels whose invocations work together.
fn lanes(kernels: &[Archetype]) -> usize {
    let most = kernels.iter().filter_map(|k| if let Lanes::AtMost(n) = k.lanes() { Some(n) } else { None }).min();
    let about = kernels.iter().filter_map(|k| if let Lanes::About(n) = k.lanes() { Some(n) } else { None }).max();
    let mut lanes = most.or(about).unwrap_or(LANES);
    while lanes > LANES && kernels.iter().any(|k| k.shared(lanes) > SHARED) {
        lanes /= 2;
    }
    lanes
}

/// A buffer is bound in fours if one of the kernels wants that, and none writes to it one by one; else in twos, likewise.
fn agree_on_views(kernels: &mut [Archetype]) {
    for binding in Binding::STORAGE {
        let views: Vec<Option<View>> = kernels.iter_mut().map(|k| k.printer().view(binding)).collect();
        let written = views.contains(&Some(View::Written));
        let writes_pairs = |kernel: &mut Archetype| {
            let printer = kernel.printer();
            printer.paired.contains(&binding) && printer.writes(binding)
        };
        let packed = views.contains(&Some(View::Packed)) && !written && !kernels.iter_mut().any(writes_pairs);
        let paired = views.contains(&Some(View::Paired)) && !views.contains(&Some(View::Packed)) && !written;
        for (kernel, view) in kernels.iter_mut().zip(views) {
            let agree = |own: &mut BTreeSet<Binding>, so: bool| match so && view.is_some() {
                true => own.insert(binding),
                false => own.remove(&binding),
            };
            agree(&mut kernel.printer().packed, packed);
            agree(&mut kernel.printer().paired, paired);
        }
    }
}
