//! Levels: which kernels of a list can run at the same time, so that a GPU can do them in one dispatch.
//!
//! A kernel must come behind another one if it reads what that one writes, writes what it reads, or writes what it writes. Each
//! kernel goes into the first level behind those that must come before it, so there are as few levels as the longest chain of
//! kernels has links: the gradients of a layer's weight, bias and input are one level. Kernels that fill a device by themselves
//! gain nothing by that, and lose: a shader takes the registers of its largest part (and where one part has barriers, software
//! adapters suspend invocations in all of them; it made a third of a convolutional network's step). Such a kernel is a level of
//! its own.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use crate::graph::Extent;
use crate::ir::{Kernel, TensorId};
use crate::lower::Lowered;
use crate::plan::{LoopOfKernels, Place, Tensor, View};

/// From so many loop rounds on, for 64 samples, a kernel has a level of its own: a convolution of 32 to 64 channels.
const LARGE: u64 = 1 << 25;

/// Kernels by levels.
#[derive(Clone, Debug, Default)]
pub struct Ordered {
    /// The kernels; those of a level keep their order.
    pub kernels: Vec<Kernel>,
    /// Which of them each level has.
    pub levels: Vec<Range<usize>>,
    /// The bodies of loops.
    pub loops: Vec<LoopOfKernels>,
}

/// Orders kernels by level, and says which of them each level has. A loop waits for all that its kernels wait for, and is levels of
/// its own.
pub fn order(lowered: Lowered, tensors: &[Tensor], views: &BTreeMap<TensorId, View>) -> Ordered {
    let mut items: Vec<Item> = vec![];
    let mut loops = lowered.loops.into_iter().peekable();
    for (at, kernel) in lowered.kernels.into_iter().enumerate() {
        match loops.peek() {
            Some((body, steps)) if body.contains(&at) => {
                if at == body.start {
                    items.push(Item { kernels: vec![], steps: Some(*steps) });
                }
                if at + 1 == body.end {
                    loops.next();
                }
                items.last_mut().expect("a loop has begun").kernels.push(kernel);
            }
            _ => items.push(Item { kernels: vec![kernel], steps: None }),
        }
    }
    let mut ordered = Ordered::default();
    for level in levels(items, tensors, |t| views.get(&t).map_or([t; 2], |view| view.of)) {
        let (loops, single): (Vec<Item>, Vec<Item>) = level.into_iter().partition(|item| item.steps.is_some());
        apart(single.into_iter().flat_map(|item| item.kernels).collect()).for_each(|level| ordered.push(level));
        for Item { kernels, steps } in loops {
            let first = ordered.kernels.len();
            // Within a step, each view is a tensor of its own: rows that are read are not those that are written.
            let singles = kernels.into_iter().map(|kernel| Item { kernels: vec![kernel], steps: None }).collect();
            for level in levels(singles, tensors, |t| [t; 2]) {
                apart(level.into_iter().flat_map(|item| item.kernels).collect()).for_each(|level| ordered.push(level));
            }
            let steps = steps.unwrap_or(1);
            ordered.loops.push(LoopOfKernels { kernels: first..ordered.kernels.len(), steps });
        }
    }
    ordered
}

impl Ordered {
    fn push(&mut self, level: Vec<Kernel>) {
        self.levels.push(self.kernels.len()..self.kernels.len() + level.len());
        self.kernels.extend(level);
    }
}

/// What is ordered: a kernel, or those of a loop.
struct Item {
    kernels: Vec<Kernel>,
    steps: Option<usize>,
}

/// Items by levels. `of` says what is touched where a tensor is named.
fn levels(items: Vec<Item>, tensors: &[Tensor], of: impl Fn(TensorId) -> [TensorId; 2]) -> Vec<Vec<Item>> {
    let mut memory = Memory { tensors, touched: HashMap::new() };
    let mut levels: Vec<Vec<Item>> = vec![];
    for item in items {
        let named = |kernel: &Kernel| kernel.tensors().into_iter().map(|t| (t, kernel.writes(t))).collect::<Vec<_>>();
        let touched = item.kernels.iter().flat_map(named);
        let touched: Vec<(TensorId, bool)> =
            touched.flat_map(|(t, writes)| of(t).map(|tensor| (tensor, writes))).collect();
        let level = touched.iter().map(|&(tensor, writes)| memory.first_level(tensor, writes)).max().unwrap_or(0);
        touched.iter().for_each(|&(tensor, writes)| memory.touch(tensor, writes, level));
        if level == levels.len() {
            levels.push(vec![]);
        }
        levels[level].push(item);
    }
    levels
}

/// A level's small kernels together, then each large one.
fn apart(level: Vec<Kernel>) -> impl Iterator<Item = Vec<Kernel>> {
    let (large, small): (Vec<Kernel>, Vec<Kernel>) = level.into_iter().partition(is_large);
    let small = (!small.is_empty()).then_some(small);
    small.into_iter().chain(large.into_iter().map(|kernel| vec![kernel]))
}

/// Whether a kernel fills a device, and so has a level of its own.
pub(crate) fn is_large(kernel: &Kernel) -> bool {
    rounds(kernel) >= LARGE
}

/// How often a kernel's innermost loops go round, for 64 samples.
fn rounds(kernel: &Kernel) -> u64 {
    let count = |extents: &[Extent]| {
        extents.iter().map(|e| if let Extent::Size(n) = e { *n as u64 } else { 64 }).fold(1, u64::saturating_mul)
    };
    let outer = count(&kernel.outer);
    kernel.stages.iter().map(|stage| outer.saturating_mul(count(&stage.inner))).max().unwrap_or(0)
}

/// Who has touched which memory. Tensors of the arena have not met yet, whatever their places; others lie in one of the vectors
/// that the host knows, where a leaf may be a part of another one.
struct Memory<'a> {
    tensors: &'a [Tensor],
    touched: HashMap<Vector, Vec<Touched>>,
}

/// What tensors can have in common.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Vector {
    Arena(TensorId),
    Parameters,
    Gradients,
    State(usize),
    Results,
}

/// Floats of a vector, and the first levels that may read or write them.
struct Touched {
    floats: Range<usize>,
    reader: usize,
    writer: usize,
}

impl Memory<'_> {
    fn place(&self, id: TensorId) -> (Vector, Range<usize>) {
        let tensor = &self.tensors[id.0 as usize];
        let (vector, start) = match tensor.place {
            Place::Sample(_) | Place::Fixed(_) | Place::HalfSample(_) | Place::HalfFixed(_) => (Vector::Arena(id), 0),
            Place::Parameters(offset) => (Vector::Parameters, offset),
            Place::Gradients(offset) => (Vector::Gradients, offset),
            Place::State(state, offset) => (Vector::State(state), offset),
            Place::Results(offset) => (Vector::Results, offset),
        };
        (vector, start..start + tensor.size())
    }

    /// The first level in which a tensor may be read or written.
    fn first_level(&self, tensor: TensorId, writes: bool) -> usize {
        let (vector, floats) = self.place(tensor);
        let touched = self.touched.get(&vector).into_iter().flatten();
        let touched = touched.filter(|t| t.floats.start < floats.end && floats.start < t.floats.end);
        touched.map(|t| if writes { t.writer } else { t.reader }).max().unwrap_or(0)
    }

    fn touch(&mut self, tensor: TensorId, writes: bool, level: usize) {
        let (vector, floats) = self.place(tensor);
        let touched = self.touched.entry(vector).or_default();
        let reader = if writes { level + 1 } else { 0 };
        match touched.iter_mut().find(|t| t.floats == floats) {
            Some(t) => (t.reader, t.writer) = (t.reader.max(reader), t.writer.max(level + 1)),
            None => touched.push(Touched { floats, reader, writer: level + 1 }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::{Index, Stage, Store, Value, ValueId};

    /// A kernel that copies, and is called after what it writes.
    fn copy(from: u32, to: u32) -> Kernel {
        let index = Index::axis(0);
        let load = Value::Load { tensor: TensorId(from), index: index.clone(), within: vec![] };
        let store = Store { tensor: TensorId(to), index, value: ValueId(0) };
        let stage = Stage { body: vec![load], stores: vec![store], ..Stage::default() };
        Kernel { name: format!("{from}to{to}"), outer: vec![Extent::Size(4)], stages: vec![stage], covers: vec![] }
    }

    fn levels(kernels: &[(u32, u32)], places: &[Place]) -> Vec<Vec<String>> {
        let tensor = |&place: &Place| Tensor { name: String::new(), batch: false, dims: vec![4], place };
        let tensors: Vec<Tensor> = places.iter().map(tensor).collect();
        let kernels = kernels.iter().map(|&(from, to)| copy(from, to)).collect();
        let Ordered { kernels, levels, .. } = order(Lowered { kernels, loops: vec![] }, &tensors, &BTreeMap::new());
        levels.into_iter().map(|level| kernels[level].iter().map(|k| k.name.clone()).collect()).collect()
    }

    const ARENA: [Place; 6] = [Place::Fixed(0); 6];

    #[test]
    fn only_what_depends_waits() {
        assert_eq!(levels(&[(0, 1), (1, 2), (0, 3), (3, 4)], &ARENA), [["0to1", "0to3"], ["1to2", "3to4"]]);
        assert_eq!(
            levels(&[(0, 1), (1, 2), (1, 3), (2, 4)], &ARENA),
            [vec!["0to1"], vec!["1to2", "1to3"], vec!["2to4"]]
        );
        assert_eq!(levels(&[(0, 1), (1, 0)], &ARENA), [["0to1"], ["1to0"]], "what is read must stay until then");
        assert_eq!(levels(&[(0, 2), (1, 2)], &ARENA), [["0to2"], ["1to2"]], "the last one to write wins");
        assert!(levels(&[], &ARENA).is_empty());
    }

    #[test]
    fn large_kernels_are_apart() {
        let mut kernels = [(0, 1), (0, 2), (0, 3), (0, 4)].map(|(from, to)| copy(from, to));
        for large in [0, 2] {
            kernels[large].stages[0].inner = vec![Extent::Size(1 << 23)];
        }
        let tensor = Tensor { name: String::new(), batch: false, dims: vec![4], place: Place::Fixed(0) };
        let lowered = Lowered { kernels: kernels.to_vec(), loops: vec![] };
        let Ordered { kernels, levels, .. } = order(lowered, &vec![tensor; 5], &BTreeMap::new());
        let names: Vec<&str> = kernels.iter().map(|kernel| &*kernel.name).collect();
        assert_eq!((names, levels), (vec!["0to2", "0to4", "0to1", "0to3"], vec![0..2, 2..3, 3..4]));
    }

    #[test]
    fn parts_of_a_vector_meet_where_they_overlap() {
        let places =
            [Place::Fixed(0), Place::Gradients(0), Place::Gradients(4), Place::Gradients(2), Place::Results(0)];
        assert_eq!(levels(&[(0, 1), (0, 2), (3, 4)], &places), [vec!["0to1", "0to2"], vec!["3to4"]]);
    }
}
