//! Which archetype prints a kernel, decided before anything is printed.

use super::contract::{self, Contract};
use super::function::Function;
use super::printer::Printer;
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
        let inner: Vec<Count> = kernel.stages.iter().map(|s| Count::of(&s.inner)).collect();
        if workgroup::suits(&kernel.outer, &inner) {
            return Archetype::Workgroup(workgroup::prepare(printer));
        }
        Archetype::Thread(thread::prepare(printer))
    }

    pub(super) fn print(self) -> Function {
        match self {
            Archetype::Thread(thread) => thread::print(thread),
            Archetype::Workgroup(workgroup) => workgroup::print(workgroup),
            Archetype::Contract(contract) => contract::print(*contract),
            Archetype::Tiled(tiled) => tiled::print(*tiled),
        }
    }
}
