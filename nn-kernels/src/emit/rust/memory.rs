//! How a kernel's function gets at the memory of its tensors.

use std::collections::BTreeSet;

use super::text::Lines;
use crate::ir::TensorId;
use crate::plan::{Place, Schedule};

/// Statements that bind each tensor to a slice `t5`: `&mut` where the kernel writes, `&` elsewhere. `update` says which
/// of the two contexts `cx` is.
pub(super) fn bind(
    runtime: &str,
    schedule: &Schedule,
    tensors: &[TensorId],
    written: &BTreeSet<TensorId>,
    update: bool,
) -> Lines {
    let mut lines = Lines::default();
    let in_zone =
        |zone: Zone| tensors.iter().copied().filter(move |t| Zone::of(schedule, *t) == zone).collect::<Vec<_>>();
    let range = |t: TensorId| range(schedule, t);
    let list = |tensors: &[TensorId], f: &dyn Fn(TensorId) -> String| {
        tensors.iter().map(|t| f(*t)).collect::<Vec<_>>().join(", ")
    };
    let name = |t: TensorId| format!("t{}", t.0);
    for (zone, field) in [(Zone::Arena, "arena"), (Zone::Gradients, "gradients"), (Zone::Results, "results")] {
        let tensors = in_zone(zone);
        if !tensors.is_empty() {
            lines.line(format!(
                "let [{}] = {runtime}::disjoint(cx.{field}, [{}]);",
                list(&tensors, &name),
                list(&tensors, &range)
            ));
        }
    }
    let parameters = in_zone(Zone::Parameters);
    if update && !parameters.is_empty() {
        lines.line(format!(
            "let [{}] = {runtime}::disjoint(cx.parameters, [{}]);",
            list(&parameters, &name),
            list(&parameters, &range)
        ));
    }
    if !update {
        parameters.iter().for_each(|t| lines.line(format!("let {} = &cx.parameters[{}];", name(*t), range(*t))));
    }
    let states: Vec<(TensorId, usize)> = tensors
        .iter()
        .filter_map(|&t| if let Zone::State(i) = Zone::of(schedule, t) { Some((t, i)) } else { None })
        .collect();
    if !states.is_empty() {
        let (tensors, numbers): (Vec<TensorId>, Vec<String>) = states.iter().map(|(t, i)| (*t, i.to_string())).unzip();
        lines.line(format!(
            "let [{}] = {runtime}::states(cx.states, [{}]);",
            list(&tensors, &name),
            numbers.join(", ")
        ));
    }
    for &t in tensors {
        let zone = Zone::of(schedule, t);
        if !written.contains(&t) && (zone != Zone::Parameters || update) {
            lines.line(format!("let {0}: &[f32] = {0};", name(t)));
        }
    }
    lines
}

/// A tensor's part of its zone, as an expression of `batch` and the arena's `capacity`.
fn range(schedule: &Schedule, tensor: TensorId) -> String {
    let t = &schedule.tensors[tensor.0 as usize];
    let times = |word: &str, n: usize| if n == 1 { word.to_owned() } else { format!("{word} * {n}") };
    match t.place {
        Place::Sample(offset) => {
            let len = if t.batch { times("batch", t.size()) } else { t.size().to_string() };
            match (schedule.fixed_floats, offset) {
                (0, 0) => format!("0..{len}"),
                (fixed, 0) => format!("{fixed}..{fixed} + {len}"),
                (0, offset) => format!("{0}..{0} + {len}", times("capacity", offset)),
                (fixed, offset) => format!("{fixed} + {0}..{fixed} + {0} + {len}", times("capacity", offset)),
            }
        }
        Place::Fixed(o) | Place::Parameters(o) | Place::Gradients(o) | Place::State(_, o) | Place::Results(o) => {
            format!("{o}..{}", o + t.size())
        }
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Zone {
    Arena,
    Parameters,
    Gradients,
    State(usize),
    Results,
}

impl Zone {
    fn of(schedule: &Schedule, tensor: TensorId) -> Self {
        match schedule.tensors[tensor.0 as usize].place {
            Place::Sample(_) | Place::Fixed(_) => Zone::Arena,
            Place::Parameters(_) => Zone::Parameters,
            Place::Gradients(_) => Zone::Gradients,
            Place::State(i, _) => Zone::State(i),
            Place::Results(_) => Zone::Results,
        }
    }
}
