//! The memory plan: which tensors of a schedule may share bytes, decided by when they live.
//!
//! A tensor lives from the level (kernels that may run at the same time) that first writes it to the last one that reads it;
//! fields live from the start, outputs to the end. Each zone of the arena (per sample, and fixed) is packed on its own: largest tensors first, each at
//! the lowest offset where nothing lives at the same time (greedy by size, as in TensorFlow Lite's planner).

use crate::ir::{Kernel, TensorId};
use crate::plan::{Place, Schedule, Tensor};

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

/// How many numbers each zone takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Zones {
    /// Floats for each sample of capacity.
    pub sample: usize,
    /// Floats whatever the batch, a multiple of 4.
    pub fixed: usize,
    /// f16 for each sample of capacity.
    pub half_sample: usize,
    /// f16 whatever the batch, a multiple of 4.
    pub half_fixed: usize,
}

/// Makes a place of an offset in its zone.
type MakePlace = fn(usize) -> Place;

impl Zones {
    /// The end of the zone that a place is in, and the place with an offset; `None` where memory is not planned here.
    fn zone(&mut self, place: Place) -> Option<(&mut usize, MakePlace)> {
        match place {
            Place::Sample(_) => Some((&mut self.sample, Place::Sample)),
            Place::Fixed(_) => Some((&mut self.fixed, Place::Fixed)),
            Place::HalfSample(_) => Some((&mut self.half_sample, Place::HalfSample)),
            Place::HalfFixed(_) => Some((&mut self.half_fixed, Place::HalfFixed)),
            _ => None,
        }
    }
}

/// What a tensor takes of its zone. Without batch these are whole groups of four, so that every tensor starts at one.
fn taken(tensor: &Tensor) -> usize {
    match tensor.place {
        Place::Fixed(_) | Place::HalfFixed(_) => tensor.size().next_multiple_of(4),
        _ => tensor.size(),
    }
}

/// Where a tensor begins in its zone, if it is in the same one.
fn offset_in_zone_of(place: Place, other: Place) -> Option<usize> {
    match (place, other) {
        (Place::Sample(o), Place::Sample(_))
        | (Place::Fixed(o), Place::Fixed(_))
        | (Place::HalfSample(o), Place::HalfSample(_))
        | (Place::HalfFixed(o), Place::HalfFixed(_)) => Some(o),
        _ => None,
    }
}

/// Gives every tensor in the arena its offset.
pub fn plan(schedule: &mut Schedule, pinned: &Pinned) -> Zones {
    let lifetimes = lifetimes(schedule, pinned);
    let Schedule { tensors, views, .. } = schedule;
    let mut order: Vec<usize> = (0..tensors.len()).filter(|&t| lifetimes[t].is_some()).collect();
    order.sort_by_key(|&t| (std::cmp::Reverse(tensors[t].size()), t));
    let mut placed: Vec<usize> = vec![];
    let mut zones = Zones::default();
    for t in order {
        let (size, place) = (taken(&tensors[t]), tensors[t].place);
        let Some((end_of_zone, at)) = zones.zone(place) else { continue };
        let mut others: Vec<(usize, usize)> = placed
            .iter()
            .filter(|&&p| lifetimes[p].zip(lifetimes[t]).is_some_and(|(a, b)| a.overlaps(b)))
            .filter_map(|&p| offset_in_zone_of(tensors[p].place, place).map(|o| (o, o + taken(&tensors[p]))))
            .collect();
        others.sort_unstable();
        let mut offset = 0;
        for (start, end) in others {
            if start >= offset + size {
                break;
            }
            offset = offset.max(end);
        }
        tensors[t].place = at(offset);
        *end_of_zone = (*end_of_zone).max(offset + size);
        placed.push(t);
    }
    for (id, view) in views {
        tensors[id.0 as usize].place = tensors[view.of[0].0 as usize].place;
    }
    zones
}

/// When each tensor lives; `None` for one that nobody touches, and for views.
///
/// What a loop has from outside, leaves behind or hands from step to step lives through all of it; what a step computes for itself
/// lives as anything else does, anew in each step.
pub fn lifetimes(schedule: &Schedule, pinned: &Pinned) -> Vec<Option<Lifetime>> {
    let Schedule { kernels, levels, tensors, views, .. } = schedule;
    let mut lifetimes: Vec<Option<Lifetime>> = vec![None; tensors.len()];
    let mut touch = |t: TensorId, at: usize| {
        let life = lifetimes[t.0 as usize].get_or_insert(Lifetime { first: at, last: at });
        life.first = life.first.min(at);
        life.last = life.last.max(at);
    };
    let level_of = |kernel: usize| levels.iter().position(|level| level.contains(&kernel)).unwrap_or(0);
    let loops: Vec<Lifetime> = (schedule.loops.iter())
        .map(|l| Lifetime { first: level_of(l.kernels.start), last: level_of(l.kernels.end - 1) })
        .collect();
    for (at, level) in levels.iter().enumerate() {
        let around = loops.iter().find(|l| l.first <= at && at <= l.last);
        for id in kernels[level.clone()].iter().flat_map(Kernel::tensors) {
            match (views.get(&id), around) {
                (Some(view), Some(around)) => {
                    view.of.iter().for_each(|&t| [around.first, around.last].iter().for_each(|&at| touch(t, at)));
                }
                _ => touch(id, at),
            }
        }
    }
    pinned.from_start.iter().for_each(|&t| touch(t, 0));
    pinned.to_end.iter().for_each(|&t| touch(t, levels.len().saturating_sub(1)));
    let from_start: Vec<usize> = pinned.from_start.iter().map(|t| t.0 as usize).collect();
    for around in loops {
        for (number, life) in lifetimes.iter_mut().enumerate() {
            let Some(life) = life.as_mut().filter(|life| life.overlaps(around)) else { continue };
            if life.first < around.first || (life.first == 0 && from_start.contains(&number)) {
                life.last = life.last.max(around.last);
            }
            if life.last > around.last {
                life.first = life.first.min(around.first);
            }
        }
    }
    lifetimes
}
