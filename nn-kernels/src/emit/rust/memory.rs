//! How a kernel's function gets at the memory of its tensors.

use super::text::Lines;
use crate::plan::{Place, Tensor};

/// Statements that bind each tensor to a slice `t5`: `&mut` in what can be written, `&` in a pass's parameters. `update` says
/// which of the two contexts `cx` is.
pub(super) fn bind(runtime: &str, fixed_floats: usize, tensors: &[&Tensor], update: bool) -> Lines {
    let mut lines = Lines::default();
    let in_zone = |zone: Zone| (0..tensors.len()).filter(|&t| Zone::of(tensors[t]) == zone).collect::<Vec<_>>();
    let range = |t: usize| range(tensors[t], fixed_floats);
    let list =
        |tensors: &[usize], f: &dyn Fn(usize) -> String| tensors.iter().map(|t| f(*t)).collect::<Vec<_>>().join(", ");
    let name = |t: usize| format!("t{t}");
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
    let state = |t: usize| if let Zone::State(i) = Zone::of(tensors[t]) { Some((t, i.to_string())) } else { None };
    let (states, numbers): (Vec<usize>, Vec<String>) = (0..tensors.len()).filter_map(state).unzip();
    if !states.is_empty() {
        lines.line(format!("let [{}] = {runtime}::states(cx.states, [{}]);", list(&states, &name), numbers.join(", ")));
        for &t in states.iter().filter(|&&t| !matches!(tensors[t].place, Place::State(_, 0))) {
            lines.line(format!("let {0} = &mut {0}[{1}];", name(t), range(t)));
        }
    }
    lines
}

/// A tensor's part of its zone, as an expression of `batch` and the arena's `capacity`.
fn range(t: &Tensor, fixed_floats: usize) -> String {
    let times = |word: &str, n: usize| if n == 1 { word.to_owned() } else { format!("{word} * {n}") };
    match t.place {
        Place::Sample(offset) => {
            let len = if t.batch { times("batch", t.size()) } else { t.size().to_string() };
            match (fixed_floats, offset) {
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
    fn of(tensor: &Tensor) -> Self {
        match tensor.place {
            Place::Sample(_) | Place::Fixed(_) => Zone::Arena,
            Place::Parameters(_) => Zone::Parameters,
            Place::Gradients(_) => Zone::Gradients,
            Place::State(i, _) => Zone::State(i),
            Place::Results(_) => Zone::Results,
        }
    }
}
