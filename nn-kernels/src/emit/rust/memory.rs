//! How a kernel's function gets at the memory of its tensors.

use std::collections::BTreeSet;

use super::text::Lines;
use crate::ir::TensorId;
use crate::plan::{Place, Schedule, Tensor, View};

/// A tensor as a kernel sees it.
#[derive(Clone, Copy)]
pub(super) struct Seen<'a> {
    /// The tensor; of a view, that of the even steps.
    tensor: &'a Tensor,
    /// For a view, what it is, and the tensor of the odd steps.
    view: Option<(View, &'a Tensor)>,
}

impl<'a> Seen<'a> {
    pub(super) fn of(schedule: &'a Schedule, id: TensorId) -> Self {
        let tensor = |id: TensorId| &schedule.tensors[id.0 as usize];
        match schedule.views.get(&id) {
            None => Seen { tensor: tensor(id), view: None },
            Some(&view) => Seen { tensor: tensor(view.of[0]), view: Some((view, tensor(view.of[1]))) },
        }
    }

    /// Its part of its zone, as an expression of `batch`, the arena's `capacity` and the loop's `loop_step`.
    fn range(&self, arenas: Arenas) -> String {
        let whole = range(self.tensor, arenas);
        let Some((View { of, start, step }, odd)) = self.view else { return whole };
        if of[0] != of[1] {
            return format!("if loop_step % 2 == 0 {{ {whole} }} else {{ {} }}", range(odd, arenas));
        }
        let (begin, end) = whole.split_once("..").unwrap_or((&whole, ""));
        let row = row(start, step);
        match begin {
            "0" => format!("{row}..{end}"),
            begin => format!("{begin} + {row}..{end}"),
        }
    }

    /// Where it begins in the tensor, if it is a part of one that moves on with the steps.
    fn begins(&self) -> Option<String> {
        self.view.filter(|(view, _)| view.of[0] == view.of[1]).map(|(view, _)| row(view.start, view.step))
    }

    /// Whether it lies in the same tensor.
    fn is_of(&self, other: &Seen<'_>) -> bool {
        std::ptr::eq(self.tensor, other.tensor)
    }
}

/// Where a step's row begins in its tensor.
fn row(start: usize, step: i64) -> String {
    match (start, step) {
        (0, step) => format!("loop_step * {step}"),
        (start, step) if step < 0 => format!("{start} - loop_step * {}", -step),
        (start, step) => format!("{start} + loop_step * {step}"),
    }
}

/// Statements that bind each tensor to a slice `t5`: `&mut` in what can be written, `&` in a pass's parameters. `update` says
/// which of the two contexts `cx` is, `written` which tensors the kernel writes.
pub(super) fn bind(
    runtime: &str,
    arenas: Arenas,
    seen: &[Seen<'_>],
    written: &BTreeSet<TensorId>,
    update: bool,
) -> Lines {
    let mut lines = Lines::default();
    let tensors: Vec<&Tensor> = seen.iter().map(|seen| seen.tensor).collect();
    // A row of a tensor that is read as a whole as well is a part of its slice.
    let is_read = |t: usize| !written.contains(&TensorId(t as u32));
    let whole_of = |t: usize| {
        let is_whole = |&w: &usize| seen[w].view.is_none() && seen[w].is_of(&seen[t]) && is_read(w) && is_read(t);
        seen[t].begins().and_then(|begins| Some(((0..seen.len()).find(is_whole)?, begins)))
    };
    let is_apart = |t: &usize| whole_of(*t).is_none();
    let in_zone =
        |zone: Zone| (0..tensors.len()).filter(|&t| Zone::of(tensors[t]) == zone).filter(is_apart).collect::<Vec<_>>();
    let range = |t: usize| seen[t].range(arenas);
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
    let parts = (0..seen.len()).filter_map(|t| whole_of(t).map(|(whole, begins)| (t, whole, begins)));
    let parts: Vec<(usize, usize, String)> = parts.collect();
    let wholes: BTreeSet<usize> = parts.iter().map(|(_, whole, _)| *whole).collect();
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
    wholes.into_iter().for_each(|t| lines.line(format!("let {0} = &*{0};", name(t))));
    parts
        .into_iter()
        .for_each(|(t, whole, begins)| lines.line(format!("let {} = &{}[{begins}..];", name(t), name(whole))));
    lines
}

/// How the arenas lie on the CPU: one behind the other, and what a GPU stores as f16 is f32.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Arenas {
    pub fixed_floats: usize,
    pub sample_floats: usize,
    pub fixed_halves: usize,
}

impl Arenas {
    pub(super) fn of(schedule: &Schedule) -> Self {
        let Schedule { fixed_floats, sample_floats, fixed_halves, .. } = *schedule;
        Arenas { fixed_floats, sample_floats, fixed_halves }
    }

    /// Where a tensor of the arenas begins: so many floats, and so many for each sample of capacity. `None` for other tensors.
    fn start(self, place: Place) -> Option<(usize, usize)> {
        let Arenas { fixed_floats, sample_floats, fixed_halves } = self;
        match place {
            Place::Fixed(o) => Some((o, 0)),
            Place::Sample(o) => Some((fixed_floats, o)),
            Place::HalfFixed(o) => Some((fixed_floats + o, sample_floats)),
            Place::HalfSample(o) => Some((fixed_floats + fixed_halves, sample_floats + o)),
            _ => None,
        }
    }
}

/// A tensor's part of its zone, as an expression of `batch` and the arena's `capacity`.
fn range(t: &Tensor, arenas: Arenas) -> String {
    let times = |word: &str, n: usize| if n == 1 { word.to_owned() } else { format!("{word} * {n}") };
    if let Some((floats, samples)) = arenas.start(t.place) {
        let len = if t.batch { times("batch", t.size()) } else { t.size().to_string() };
        return match (floats, samples) {
            (0, 0) => format!("0..{len}"),
            (floats, 0) if t.batch => format!("{floats}..{floats} + {len}"),
            (floats, 0) => format!("{floats}..{}", floats + t.size()),
            (0, samples) => format!("{0}..{0} + {len}", times("capacity", samples)),
            (floats, samples) => format!("{floats} + {0}..{floats} + {0} + {len}", times("capacity", samples)),
        };
    }
    let (Place::Parameters(o) | Place::Gradients(o) | Place::State(_, o) | Place::Results(o)) = t.place else {
        unreachable!("the arenas are above")
    };
    if t.batch { format!("{o}..{o} + {}", times("batch", t.size())) } else { format!("{o}..{}", o + t.size()) }
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
            Place::Sample(_) | Place::Fixed(_) | Place::HalfSample(_) | Place::HalfFixed(_) => Zone::Arena,
            Place::Parameters(_) => Zone::Parameters,
            Place::Gradients(_) => Zone::Gradients,
            Place::State(i, _) => Zone::State(i),
            Place::Results(_) => Zone::Results,
        }
    }
}
