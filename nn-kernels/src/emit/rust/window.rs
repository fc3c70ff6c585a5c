//! What a loop over vectors runs through, as slices of its own: their bounds are looked at once, in front of the loop, and not for each
//! vector.

use std::collections::BTreeSet;

use super::body::StagePrinter;
use super::nest::Nest;
use super::text::Lines;
use crate::ir::{Atom, Index, TensorId, Value};

/// The windows of one stage.
#[derive(Debug, Default)]
pub(super) struct Windows {
    /// The values that load from one.
    loads: BTreeSet<usize>,
    /// The stores that write to one.
    stores: BTreeSet<usize>,
}

impl Windows {
    /// Of what a stage reads and writes along an axis of constant size, one float after another, in the innermost loop.
    pub(super) fn new(nest: &Nest, stage: usize, axis: usize, written: &BTreeSet<TensorId>) -> Self {
        let sizes = nest.sizes(stage);
        // Loops inside of the axis are those of a stage whose lanes run along an outer one.
        let inner = nest.outer.len()..sizes.len();
        let straight =
            |index: &Index| index.stride(axis) == Some(1) && inner.clone().all(|a| a == axis || !index.uses(a));
        let stage = &nest.stages[stage].stage;
        let load = |value: &Value| match value {
            Value::Load { tensor, index, within } => within.is_empty() && !written.contains(tensor) && straight(index),
            _ => false,
        };
        Windows {
            loads: (0..stage.body.len()).filter(|&i| load(&stage.body[i])).collect(),
            stores: (0..stage.stores.len())
                .filter(|&i| straight(&stage.stores[i].index) && nest.touches(stage.stores[i].tensor) == 1)
                .collect(),
        }
    }
}

impl StagePrinter<'_> {
    /// The slices, in front of the loop over vectors.
    pub(super) fn open_windows(&self, lines: &mut Lines) {
        let Some(axis) = self.along else { return };
        let stage = &self.loops.stage;
        let size = self.body.nest.sizes(self.n)[axis].times;
        let slice = |tensor: TensorId, index: &Index, local: bool| {
            let mut start = index.clone();
            start.terms.retain(|term| term.atom != Atom::Axis(axis));
            let start = self.body.index(&start, local, None);
            match start.as_str() {
                "0" => format!("t{}[..{size}]", tensor.0),
                start => format!("t{}[{start}..][..{size}]", tensor.0),
            }
        };
        for &i in &self.windows.loads {
            let Value::Load { tensor, index, .. } = &stage.body[i] else { continue };
            lines.line(format!("let {} = &{};", self.load_window(i), slice(*tensor, index, false)));
        }
        for &i in &self.windows.stores {
            let store = &stage.stores[i];
            lines.line(format!("let {} = &mut {};", self.store_window(i), slice(store.tensor, &store.index, true)));
        }
    }

    /// Whether a value is loaded from a window.
    pub(super) fn loads_window(&self, value: usize) -> bool {
        self.windows.loads.contains(&value)
    }

    /// Whether a store goes to a window.
    pub(super) fn stores_window(&self, store: usize) -> bool {
        self.windows.stores.contains(&store)
    }

    /// The name of the slice that a value is loaded from.
    pub(super) fn load_window(&self, value: usize) -> String {
        format!("w{}_{value}", self.n)
    }

    /// The name of the slice that a store writes to.
    pub(super) fn store_window(&self, store: usize) -> String {
        format!("x{}_{store}", self.n)
    }
}
