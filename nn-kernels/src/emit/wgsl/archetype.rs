//! Which archetype prints a kernel, decided before anything is printed.

use super::Binding;
use super::combine::Neighbours;
use super::contract::{self, Contract};
use super::function::Function;
use super::printer::Printer;
use super::scatter::{self, Scatter};
use super::text::Count;
use super::thread::{self, Thread};
use super::tiled::{self, Tiled};
use super::workgroup::{self, Workgroup};

/// A kernel with its archetype, ready to be printed once it is known what else is in its shader.
pub(super) enum Archetype<'a> {
    Thread(Thread<'a>),
    Workgroup(Workgroup<'a>),
    Contract(Box<Contract<'a>>),
    Tiled(Box<Tiled<'a>>),
    Scatter(Box<Scatter<'a>>),
}

/// How many invocations a workgroup has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lanes {
    /// They work on their own, so any number will do.
    Any,
    /// They work together; this many are best, and fewer will do.
    AtMost(usize),
    /// They work together; this many are best, and any power of two will do for which there is workgroup memory.
    About(usize),
}

impl<'a> Archetype<'a> {
    pub(super) fn of(printer: Printer<'a>) -> Self {
        let kernel = printer.kernel;
        if let Some(view) = kernel.contraction() {
            let plain = view.is_plain();
            if let Some(plan) = tiled::plan(&printer, view.clone()) {
                return Archetype::Tiled(Box::new(tiled::prepare(printer, plan)));
            }
            if plain && contract::suits(&kernel.outer, &kernel.stages[0].inner) {
                return Archetype::Contract(Box::new(contract::prepare(printer, view)));
            }
        }
        if kernel.scattered().is_some() {
            return Archetype::Scatter(Box::new(scatter::prepare(printer)));
        }
        let inner: Vec<Count> = kernel.stages.iter().map(|s| Count::of(&s.inner)).collect();
        if workgroup::suits(&kernel.outer, &inner) {
            return Archetype::Workgroup(workgroup::prepare(printer));
        }
        Archetype::Thread(thread::prepare(printer))
    }

    pub(super) fn printer(&mut self) -> &mut Printer<'a> {
        match self {
            Archetype::Thread(thread) => &mut thread.printer,
            Archetype::Workgroup(workgroup) => &mut workgroup.printer,
            Archetype::Contract(contract) => &mut contract.printer,
            Archetype::Tiled(tiled) => &mut tiled.printer,
            Archetype::Scatter(scatter) => &mut scatter.printer,
        }
    }

    pub(super) fn lanes(&self) -> Lanes {
        match self {
            Archetype::Tiled(tiled) if tiled.tile.split => Lanes::AtMost(tiled.tile.lanes),
            Archetype::Workgroup(workgroup) => Lanes::About(workgroup.lanes),
            Archetype::Scatter(scatter) => Lanes::About(scatter.lanes),
            _ => Lanes::Any,
        }
    }

    /// The axis along which it does four neighbours at once, if it does.
    pub(super) fn fours(&self) -> Option<usize> {
        match self {
            Archetype::Thread(thread) => thread.lanes,
            Archetype::Workgroup(workgroup) => workgroup.fours,
            Archetype::Contract(contract) => contract.lanes(),
            Archetype::Tiled(tiled) => tiled.lanes(),
            Archetype::Scatter(_) => None,
        }
    }

    /// Floats of workgroup memory that it takes where so many invocations are in a workgroup.
    pub(super) fn shared(&self, lanes: usize) -> usize {
        match self {
            Archetype::Workgroup(workgroup) => workgroup.shared(lanes),
            Archetype::Scatter(scatter) => scatter.shared(lanes),
            Archetype::Tiled(tiled) if tiled.tile.split => tiled.shared(lanes),
            _ => 0,
        }
    }

    /// Sets the number of invocations in a workgroup where they work together.
    pub(super) fn set_lanes(&mut self, lanes: usize) {
        match self {
            Archetype::Workgroup(workgroup) => workgroup.lanes = lanes,
            Archetype::Scatter(scatter) => scatter.lanes = lanes,
            Archetype::Tiled(tiled) => tiled.tile.lanes = lanes,
            _ => {}
        }
    }

    /// Whether the invocations of a workgroup combine what they have.
    pub(super) fn combines(&self) -> bool {
        match self {
            Archetype::Workgroup(workgroup) => workgroup.combines(),
            Archetype::Tiled(tiled) => tiled.tile.split,
            _ => false,
        }
    }

    /// The kernel's text where neighbours do so within subgroups, if they do.
    pub(super) fn print_in_subgroups(&self) -> Option<Function> {
        match self {
            Archetype::Workgroup(workgroup) if self.combines() => {
                let mut other = workgroup.clone();
                other.neighbours = Neighbours::Subgroup;
                Some(workgroup::print(other))
            }
            Archetype::Tiled(tiled) if self.combines() => {
                let mut other = Tiled::clone(tiled);
                other.neighbours = Neighbours::Subgroup;
                Some(tiled::print(other))
            }
            _ => None,
        }
    }

    pub(super) fn print(self) -> Function {
        match self {
            Archetype::Thread(thread) => thread::print(thread),
            Archetype::Workgroup(workgroup) => workgroup::print(workgroup),
            Archetype::Contract(contract) => contract::print(*contract),
            Archetype::Tiled(tiled) => tiled::print(*tiled),
            Archetype::Scatter(scatter) => scatter::print(*scatter),
        }
    }
}

/// How a kernel sees a buffer, if it touches it at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum View {
    /// In fours.
    Packed,
    /// In twos: what it writes one by one lies in pairs of one invocation.
    Paired,
    /// One by one, and it writes so: the buffer cannot be bound in fours.
    Written,
    /// One by one, and only reads.
    Read,
}

impl Printer<'_> {
    pub(super) fn view(&self, binding: Binding) -> Option<View> {
        let kernel = self.kernel;
        if !kernel.tensors().into_iter().any(|t| self.binding(t) == binding) {
            return None;
        }
        Some(match self.writes(binding) {
            _ if self.packed.contains(&binding) => View::Packed,
            _ if self.paired.contains(&binding) => View::Paired,
            true => View::Written,
            false => View::Read,
        })
    }

    pub(super) fn writes(&self, binding: Binding) -> bool {
        self.kernel.stages.iter().flat_map(|s| &s.stores).any(|s| self.binding(s.tensor) == binding)
    }
}
