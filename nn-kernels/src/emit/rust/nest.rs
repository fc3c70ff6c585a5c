//! A kernel as the loops that are printed: sizes in which the batch may be a factor, and few axes.

use crate::graph::Extent;
use crate::ir::{Atom, Index, Kernel, Stage, TensorId, Value};

/// How often a loop runs: a constant, or the batch times a constant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Size {
    /// Whether the batch is a factor.
    pub batch: bool,
    /// The other factor.
    pub times: usize,
}

/// The batch that estimates assume.
pub(super) const TYPICAL_BATCH: usize = 64;

impl Size {
    pub(super) fn of(extent: Extent) -> Self {
        match extent {
            Extent::Batch => Size { batch: true, times: 1 },
            Extent::Size(times) => Size { batch: false, times },
        }
    }

    /// As an expression; `batch` is in scope.
    pub(super) fn text(self) -> String {
        match (self.batch, self.times) {
            (true, 1) => "batch".into(),
            (true, n) => format!("batch * {n}"),
            (false, n) => n.to_string(),
        }
    }

    pub(super) fn at(self, batch: usize) -> usize {
        if self.batch { self.times.saturating_mul(batch) } else { self.times }
    }

    pub(super) fn typical(self) -> usize {
        self.at(TYPICAL_BATCH)
    }

    /// A loop of this size around one of size `inner`, as one loop. Nothing can be merged into the batch.
    pub(super) fn around(self, inner: Size) -> Option<Size> {
        (!inner.batch).then(|| Size { batch: self.batch, times: self.times * inner.times })
    }
}

/// The loops of a kernel that is no contraction, or of a contraction's epilogue.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Nest {
    /// Independent loops.
    pub outer: Vec<Size>,
    /// What happens at each outer point.
    pub stages: Vec<Loops>,
}

/// One stage and the sizes of its own loops.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Loops {
    /// The inner loops; their axes follow the outer ones'.
    pub inner: Vec<Size>,
    /// Body, reductions and stores; its `inner` is not used.
    pub stage: Stage,
}

impl Nest {
    pub(super) fn new(kernel: &Kernel) -> Self {
        let sizes = |e: &[Extent]| e.iter().copied().map(Size::of).collect::<Vec<_>>();
        let stages = kernel.stages.iter().map(|s| Loops { inner: sizes(&s.inner), stage: s.clone() }).collect();
        let mut nest = Nest { outer: sizes(&kernel.outer), stages };
        nest.drop_ones();
        nest.collapse();
        nest
    }

    /// Drops loops that run once.
    fn drop_ones(&mut self) {
        const ONE: Size = Size { batch: false, times: 1 };
        while let Some(axis) = self.outer.iter().position(|s| *s == ONE) {
            self.outer.remove(axis);
            self.stages.iter_mut().for_each(|s| s.map_indices(|index| index.without_axis(axis)));
        }
        let outer = self.outer.len();
        for stage in &mut self.stages {
            while let Some(at) = stage.inner.iter().position(|s| *s == ONE) {
                stage.inner.remove(at);
                stage.map_indices(|index| index.without_axis(outer + at));
            }
        }
    }

    /// In how many places a tensor is read or written.
    pub(super) fn touches(&self, tensor: TensorId) -> usize {
        let stages = self.stages.iter().map(|loops| &loops.stage);
        let loads = stages.clone().flat_map(|s| &s.body).filter(|value| match value {
            Value::Load { tensor: t, .. } | Value::Gather { tensor: t, .. } => *t == tensor,
            _ => false,
        });
        loads.count() + stages.flat_map(|s| &s.stores).filter(|store| store.tensor == tensor).count()
    }

    /// All loops of a stage.
    pub(super) fn sizes(&self, stage: usize) -> Vec<Size> {
        self.outer.iter().chain(&self.stages[stage].inner).copied().collect()
    }

    /// Merges neighbouring loops that walk memory like one. Lowering has done so where both sizes are constant; what is
    /// left are batches.
    fn collapse(&mut self) {
        let all: Vec<usize> = (0..self.stages.len()).collect();
        let mut axis = 0;
        while axis + 1 < self.outer.len() {
            match self.merged(&all, axis) {
                Some(size) => {
                    self.outer[axis] = size;
                    self.outer.remove(axis + 1);
                }
                None => axis += 1,
            }
        }
        for stage in all {
            let mut at = 0;
            while at + 1 < self.stages[stage].inner.len() {
                match self.merged(&[stage], self.outer.len() + at) {
                    Some(size) => {
                        self.stages[stage].inner[at] = size;
                        self.stages[stage].inner.remove(at + 1);
                    }
                    None => at += 1,
                }
            }
        }
    }

    /// Lets the axis behind `axis` take over both, if every index allows it; gives the size of both together.
    fn merged(&mut self, stages: &[usize], axis: usize) -> Option<Size> {
        let sizes = self.sizes(stages[0]);
        let size = sizes[axis].around(sizes[axis + 1])?;
        let short = i64::try_from(sizes[axis + 1].times).ok()?;
        let fits = |index: &Index| match (index.stride(axis), index.stride(axis + 1)) {
            (Some(long), Some(step)) => long == step * short,
            _ => false,
        };
        let all_fit = stages.iter().all(|&s| self.stages[s].indices().all(fits));
        if !all_fit {
            return None;
        }
        for &s in stages {
            self.stages[s].map_indices(|index| index.without_axis(axis));
        }
        Some(size)
    }
}

impl Loops {
    fn indices(&self) -> impl Iterator<Item = &Index> {
        let stores = self.stage.stores.iter().map(|s| &s.index);
        self.stage.body.iter().flat_map(Value::indices).chain(stores)
    }

    fn map_indices(&mut self, f: impl Fn(&Index) -> Index) {
        for value in &mut self.stage.body {
            value.map_indices(&f);
        }
        self.stage.stores.iter_mut().for_each(|s| s.index = f(&s.index));
    }
}

trait WithoutAxis {
    /// The index where `axis` is 0, and the axes behind it have moved up.
    fn without_axis(&self, axis: usize) -> Self;
}

impl WithoutAxis for Index {
    fn without_axis(&self, axis: usize) -> Index {
        let mut index = Index::constant(self.offset);
        for term in &self.terms {
            let renamed = match &term.atom {
                Atom::Axis(a) if *a == axis => continue,
                Atom::Axis(a) => Atom::Axis(if *a > axis { a - 1 } else { *a }),
                Atom::Div(i, by) => Atom::Div(Box::new(i.without_axis(axis)), *by),
                Atom::Mod(i, by) => Atom::Mod(Box::new(i.without_axis(axis)), *by),
                Atom::Clamp(i, lo, hi) => Atom::Clamp(Box::new(i.without_axis(axis)), *lo, *hi),
                Atom::Step(steps) => Atom::Step(*steps),
            };
            let one =
                Index { offset: 0, terms: vec![crate::ir::Term { atom: renamed, coefficient: term.coefficient }] };
            index = index.plus(&one);
        }
        index
    }
}
