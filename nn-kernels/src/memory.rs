//! The memory plan: which tensors of a schedule may share bytes, decided by when they live.
//!
//! A tensor lives from the level (kernels that may run at the same time) that first writes it to the last one that reads it;
//! fields live from the start, outputs to the end. Each zone of the arena (per sample, and fixed) is packed on its own: largest tensors first, each at
//! the lowest offset where nothing lives at the same time (greedy by size, as in TensorFlow Lite's planner).

use std::ops::Range;

use crate::ir::{Kernel, TensorId};
use crate::plan::{Place, Tensor};

/// When a tensor is needed, in numbers of levels; both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetime {
    /// The first level that touches it.
    pub first: usize,
    /// The last one.
    pub last: usize,
}

impl Lifetime {
    fn overlaps(self, other: Lifetime) -> bool {
        self.first <= other.last && other.first <= self.last
    }
}

/// What must survive beyond its use by kernels.
#[derive(Clone, Debug, Default)]
pub struct Pinned {
    /// Written by the host before the first level.
    pub from_start: Vec<TensorId>,
    /// Read by the host behind the last level.
    pub to_end: Vec<TensorId>,
}

/// How many floats each zone takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Zones {
    /// Floats for each sample of capacity.
    pub sample: usize,
    /// Floats whatever the batch, a multiple of 4.
    pub fixed: usize,
}

/// Gives every tensor in the arena its offset.
pub fn plan(kernels: &[Kernel], levels: &[Range<usize>], tensors: &mut [Tensor], pinned: &Pinned) -> Zones {
    let lifetimes = lifetimes(kernels, levels, tensors.len(), pinned);
    let mut order: Vec<usize> = (0..tensors.len()).filter(|&t| lifetimes[t].is_some()).collect();
    order.sort_by_key(|&t| (std::cmp::Reverse(tensors[t].size()), t));
    let mut placed: Vec<usize> = vec![];
    let mut zones = Zones::default();
    for t in order {
        let (size, per_sample) = match tensors[t].place {
            Place::Sample(_) => (tensors[t].size(), true),
            // Whole groups of four, so that every tensor starts at 16 bytes.
            Place::Fixed(_) => (tensors[t].size().next_multiple_of(4), false),
            _ => continue,
        };
        let mut taken: Vec<(usize, usize)> = placed
            .iter()
            .filter(|&&p| lifetimes[p].zip(lifetimes[t]).is_some_and(|(a, b)| a.overlaps(b)))
            .filter_map(|&p| match tensors[p].place {
                Place::Sample(o) if per_sample => Some((o, o + tensors[p].size())),
                Place::Fixed(o) if !per_sample => Some((o, o + tensors[p].size().next_multiple_of(4))),
                _ => None,
            })
            .collect();
        taken.sort_unstable();
        let mut offset = 0;
        for (start, end) in taken {
            if start >= offset + size {
                break;
            }
            offset = offset.max(end);
        }
        if per_sample {
            tensors[t].place = Place::Sample(offset);
            zones.sample = zones.sample.max(offset + size);
        } else {
            tensors[t].place = Place::Fixed(offset);
            zones.fixed = zones.fixed.max(offset + size);
        }
        placed.push(t);
    }
    zones
}

/// When each tensor lives; `None` for one that nobody touches.
pub fn lifetimes(
    kernels: &[Kernel],
    levels: &[Range<usize>],
    tensors: usize,
    pinned: &Pinned,
) -> Vec<Option<Lifetime>> {
    let mut lifetimes: Vec<Option<Lifetime>> = vec![None; tensors];
    let mut touch = |t: TensorId, at: usize| {
        let life = lifetimes[t.0 as usize].get_or_insert(Lifetime { first: at, last: at });
        life.first = life.first.min(at);
        life.last = life.last.max(at);
    };
    for (at, level) in levels.iter().enumerate() {
        for kernel in &kernels[level.clone()] {
            kernel.tensors().into_iter().for_each(|t| touch(t, at));
        }
    }
    pinned.from_start.iter().for_each(|&t| touch(t, 0));
    pinned.to_end.iter().for_each(|&t| touch(t, levels.len().saturating_sub(1)));
    lifetimes
}
