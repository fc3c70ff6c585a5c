//! What all archetypes share: bindings, addresses, helper functions, and what a kernel's function needs around it.

use std::collections::{BTreeMap, BTreeSet};

use super::function::Function;
use super::math::Helper;
use super::text::{self, Text};
use super::{Binding, Workgroups};
use crate::graph::StepScalar;
use crate::ir::{Atom, Index, Kernel, TensorId, Term, Value};
use crate::plan::{Place, Plan, Schedule, View};

/// Collects what one kernel needs while its text grows.
#[derive(Clone)]
pub(super) struct Printer<'a> {
    plan: &'a Plan,
    pub(super) schedule: &'a Schedule,
    pub(super) kernel: &'a Kernel,
    /// What the kernel is called in its network.
    name: String,
    /// Buffers bound as `array<vec4<f32>>`, since the kernel writes them only in aligned groups of four.
    pub(super) packed: BTreeSet<Binding>,
    /// Buffers bound as `array<vec2<f32>>`: what the kernel writes to them one by one lies in pairs that belong to one invocation.
    pub(super) paired: BTreeSet<Binding>,
    bindings: BTreeSet<Binding>,
    helpers: BTreeSet<(Helper, bool)>,
    /// Tensors whose beginning has been asked for, and what it is called.
    bases: BTreeMap<TensorId, String>,
    /// Floats of workgroup memory, the array `shared_floats`.
    pub(super) shared: usize,
    /// f16 of workgroup memory, the array `shared_halves`.
    pub(super) shared_halves: usize,
}

impl<'a> Printer<'a> {
    pub(super) fn new(plan: &'a Plan, schedule: &'a Schedule, kernel: &'a Kernel, name: String) -> Self {
        Printer {
            plan,
            schedule,
            kernel,
            name,
            packed: BTreeSet::new(),
            paired: BTreeSet::new(),
            bindings: BTreeSet::new(),
            helpers: BTreeSet::new(),
            bases: BTreeMap::new(),
            shared: 0,
            shared_halves: 0,
        }
    }

    /// The call of a helper function, which will be declared.
    pub(super) fn call(&mut self, helper: Helper, wide: bool, arguments: &[&str]) -> String {
        self.need(helper, wide);
        format!("{}({})", helper.name(wide), arguments.join(", "))
    }

    fn need(&mut self, helper: Helper, wide: bool) {
        if self.helpers.insert((helper, wide)) {
            helper.needs().iter().for_each(|&h| self.need(h, wide));
        }
    }

    /// A step scalar.
    pub(super) fn scalar(&self, scalar: StepScalar) -> String {
        let slot = self.plan.scalars.iter().position(|s| *s == scalar);
        let slot = slot.expect("the plan lists every scalar that its kernels use");
        format!("step.scalars[{}].{}", slot / 4, ["x", "y", "z", "w"][slot % 4])
    }

    /// The buffer that a tensor lives in.
    pub(super) fn binding(&self, tensor: TensorId) -> Binding {
        binding(self.schedule.tensors[tensor.0 as usize].place)
    }

    /// Whether a tensor begins at a multiple of four floats.
    pub(super) fn base_is_aligned(&self, tensor: TensorId) -> bool {
        if let Some(View { of, start, step }) = self.schedule.views.get(&tensor) {
            return start % 4 == 0 && step % 4 == 0 && of.iter().all(|t| self.base_is_aligned(*t));
        }
        match self.schedule.tensors[tensor.0 as usize].place {
            // The fixed zones and the capacity are multiples of 4.
            Place::Sample(_) | Place::HalfSample(_) => true,
            Place::HalfFixed(o) | Place::Fixed(o) | Place::Parameters(o) | Place::Gradients(o) | Place::State(_, o) => {
                o % 4 == 0
            }
            Place::Results(_) => false,
        }
    }

    /// Whether what a value loads is the same for neighbours along an axis, so that four points at once load two elements, or one.
    ///
    /// That is no reason to store f16, which only groups of four can: its arena lies apart, and a tensor that lives shortly would add to
    /// it where it has room in the other one.
    pub(super) fn is_shared(&self, value: &Value, axis: usize) -> bool {
        let mut stores = self.kernel.stages.iter().flat_map(|s| &s.stores);
        let least = if stores.any(|s| self.binding(s.tensor) == Binding::Halves) { 4 } else { 2 };
        value.repeats(axis) >= least
    }

    /// Whether four steps of an axis, from a multiple of four on, are four adjacent floats in one aligned group.
    pub(super) fn is_aligned(&self, tensor: TensorId, index: &Index, axis: usize) -> bool {
        let all_axes = 64; // more than any kernel has
        self.base_is_aligned(tensor)
            && index.stride(axis) == Some(1)
            && index.offset % 4 == 0
            && index.terms.iter().all(|t| t.coefficient % 4 == 0 || is_axis(t, axis))
            && text::part(index, &[axis], all_axes).is_some()
    }

    /// Marks the buffers that are bound in fours when four neighbours along an axis are done at once: those with at least
    /// one aligned group and no other stores.
    pub(super) fn pack(&mut self, axis: usize) {
        let mut aligned = BTreeSet::new();
        let mut others = BTreeSet::new();
        for stage in &self.kernel.stages {
            for value in &stage.body {
                if let Value::Load { tensor, index, within } = value
                    && within.is_empty()
                    && self.is_aligned(*tensor, index, axis)
                {
                    aligned.insert(self.binding(*tensor));
                }
            }
            for value in &stage.body {
                if let Value::Gather { tensor, stride, index, .. } = value
                    && stride % 4 == 0
                    && self.is_aligned(*tensor, index, axis)
                {
                    aligned.insert(self.binding(*tensor));
                }
            }
            for store in &stage.stores {
                let set = if self.is_aligned(store.tensor, &store.index, axis) { &mut aligned } else { &mut others };
                set.insert(self.binding(store.tensor));
            }
        }
        self.packed.extend(aligned.difference(&others));
    }

    /// Where a tensor's element is: the tensor's beginning plus an offset.
    pub(super) fn address(&mut self, tensor: TensorId, offset: &str) -> String {
        let base = self.base(tensor);
        text::sum(&base, offset)
    }

    /// The name of a tensor's beginning; declared by [`Printer::finish`] at the top of the function.
    pub(super) fn base(&mut self, tensor: TensorId) -> String {
        if let Some(name) = self.bases.get(&tensor) {
            return name.clone();
        }
        let t = &self.schedule.tensors[tensor.0 as usize];
        let is_view = self.schedule.views.contains_key(&tensor);
        let name = match t.place {
            _ if is_view => self.name_of(tensor),
            Place::HalfFixed(0) | Place::Fixed(0) | Place::Parameters(0) | Place::Gradients(0) => text::ZERO.to_owned(),
            Place::State(state, 0) if state <= LAST_STATE => text::ZERO.to_owned(),
            Place::Sample(0) if self.schedule.fixed_floats == 0 => text::ZERO.to_owned(),
            Place::HalfSample(0) if self.schedule.fixed_halves == 0 => text::ZERO.to_owned(),
            _ => self.name_of(tensor),
        };
        self.bases.insert(tensor, name.clone());
        name
    }

    /// A name for a tensor's beginning that no other one has.
    fn name_of(&self, tensor: TensorId) -> String {
        let mut name: String = "at_".to_owned();
        let of = &self.schedule.tensors[tensor.0 as usize].name;
        name.extend(of.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }));
        while self.bases.values().any(|n| *n == name) {
            name = format!("{name}_{}", tensor.0);
        }
        name
    }

    /// Where a tensor begins in its buffer, as an expression.
    fn beginning(&self, tensor: TensorId) -> String {
        if let Some(&View { of: [even, odd], start, step }) = self.schedule.views.get(&tensor) {
            let begin = self.beginning(even);
            if even != odd {
                return format!("select({begin}, {}, step.loop_step % 2u == 1u)", self.beginning(odd));
            }
            let begin = text::sum(&begin, &format!("{start}u"));
            let sign = if step < 0 { '-' } else { '+' };
            return format!("{begin} {sign} step.loop_step * {}u", step.unsigned_abs());
        }
        match self.schedule.tensors[tensor.0 as usize].place {
            Place::Sample(o) => {
                let zone = format!("{}u", self.schedule.fixed_floats);
                let offset = if o == 0 { text::ZERO.to_owned() } else { format!("step.capacity * {o}u") };
                text::sum(&zone, &offset)
            }
            Place::HalfSample(o) => {
                let offset = if o == 0 { text::ZERO.to_owned() } else { format!("step.capacity * {o}u") };
                text::sum(&format!("{}u", self.schedule.fixed_halves), &offset)
            }
            Place::Results(o) => text::sum("step.result", &format!("{o}u")),
            Place::HalfFixed(o) | Place::Fixed(o) | Place::Parameters(o) | Place::Gradients(o) => format!("{o}u"),
            Place::State(state, o) => {
                format!("{}u", state.saturating_sub(LAST_STATE) * self.plan.parameter_floats + o)
            }
        }
    }

    /// Reads one float.
    pub(super) fn load(&mut self, tensor: TensorId, address: &str) -> String {
        let (buffer, binding) = self.bind(tensor);
        match (binding, self.packed.contains(&binding)) {
            (Binding::Halves, packed) => {
                let word = if packed {
                    format!("[({address}) / 4u][({address}) / 2u % 2u]")
                } else {
                    format!("[({address}) / 2u]")
                };
                format!("unpack2x16float({buffer}{word} >> (({address}) % 2u * 16u)).x")
            }
            (_, true) => format!("{buffer}[({address}) / 4u][({address}) % 4u]"),
            (_, false) => self.element(binding, address),
        }
    }

    /// One float of a buffer that is not bound in fours.
    fn element(&self, binding: Binding, address: &str) -> String {
        let buffer = binding.variable();
        match self.paired.contains(&binding) {
            true => format!("{buffer}[({address}) / 2u][({address}) % 2u]"),
            false => format!("{buffer}[{address}]"),
        }
    }

    /// Reads two adjacent floats from an even address, of a buffer that is bound in twos.
    pub(super) fn load_pair(&mut self, tensor: TensorId, address: &str) -> String {
        let (buffer, binding) = self.bind(tensor);
        debug_assert!(self.paired.contains(&binding), "a buffer in twos");
        format!("{buffer}[({address}) / 2u]")
    }

    /// Reads four adjacent floats from an address that is a multiple of four.
    pub(super) fn load_group(&mut self, tensor: TensorId, address: &str) -> String {
        let (buffer, binding) = self.bind(tensor);
        if binding == Binding::Halves {
            let words = match self.packed.contains(&binding) {
                true => format!("{buffer}[({address}) / 4u]"),
                false => format!("vec2<u32>({buffer}[({address}) / 2u], {buffer}[({address}) / 2u + 1u])"),
            };
            return self.call(Helper::FromHalves, true, &[&words]);
        }
        if self.packed.contains(&binding) {
            return format!("{buffer}[({address}) / 4u]");
        }
        let one = |i: u32| self.element(binding, &text::sum(address, &format!("{i}u")));
        format!("vec4<f32>({}, {}, {}, {})", one(0), one(1), one(2), one(3))
    }

    /// Writes one float.
    pub(super) fn store(&mut self, out: &mut Text, tensor: TensorId, address: &str, value: &str) {
        let (_, binding) = self.bind(tensor);
        debug_assert!(binding != Binding::Halves, "words of two numbers are written in groups");
        debug_assert!(!self.packed.contains(&binding), "a packed buffer is written in groups of four");
        let element = self.element(binding, address);
        out.line(format!("{element} = {value};"));
    }

    /// Writes four adjacent floats to an address that is a multiple of four.
    pub(super) fn store_group(&mut self, out: &mut Text, tensor: TensorId, address: &str, value: &str) {
        let (buffer, binding) = self.bind(tensor);
        if binding != Binding::Halves {
            out.line(format!("{buffer}[({address}) / 4u] = {value};"));
            return;
        }
        let words = self.call(Helper::ToHalves, true, &[value]);
        if self.packed.contains(&binding) {
            out.line(format!("{buffer}[({address}) / 4u] = {words};"));
            return;
        }
        out.open("{");
        out.line(format!("let words = {words};"));
        out.line(format!("{buffer}[({address}) / 2u] = words.x;"));
        out.line(format!("{buffer}[({address}) / 2u + 1u] = words.y;"));
        out.close();
    }

    fn bind(&mut self, tensor: TensorId) -> (&'static str, Binding) {
        let binding = self.binding(tensor);
        self.bindings.insert(binding);
        (binding.variable(), binding)
    }

    /// The kernel's function, around the text that the archetype has printed. `what` says what an invocation does; the other
    /// arguments are the function's.
    pub(super) fn finish(self, what: &str, lanes: Option<u32>, work: Workgroups, body: Text) -> Function {
        let mut text = Text::new();
        for (tensor, base) in &self.bases {
            if base == text::ZERO {
                continue;
            }
            let at = self.beginning(*tensor);
            text.line(format!("let {base} = {at};"));
        }
        let mut notes: Vec<String> = self.kernel.covers.iter().map(|line| format!("  {line}")).collect();
        notes.push(what.to_owned());
        Function {
            name: self.name,
            notes,
            lanes,
            work,
            packed: self.packed.intersection(&self.bindings).copied().collect(),
            paired: self.paired.intersection(&self.bindings).copied().collect(),
            bindings: self.bindings,
            helpers: self.helpers,
            shared: self.shared,
            shared_halves: self.shared_halves,
            body: text.into_string() + &body.into_string(),
        }
    }
}

/// The last of the optimizer's state vectors that has a buffer of its own: what comes behind it lies in its buffer, since a kernel
/// can bind no more than eight.
const LAST_STATE: usize = 2;

/// The buffer that a place is in.
pub(super) fn binding(place: Place) -> Binding {
    match place {
        Place::Sample(_) | Place::Fixed(_) => Binding::Arena,
        Place::HalfSample(_) | Place::HalfFixed(_) => Binding::Halves,
        Place::Parameters(_) => Binding::Parameters,
        Place::Gradients(_) => Binding::Gradients,
        Place::Results(_) => Binding::Results,
        Place::State(0, _) => Binding::State0,
        Place::State(1, _) => Binding::State1,
        Place::State(..) => Binding::State2,
    }
}

fn is_axis(term: &Term, axis: usize) -> bool {
    term.atom == Atom::Axis(axis)
}
