//! Copies the part of the windowed operand that a block of positions reads.

use super::layout::{Layout, SLACK, StagedDim};
use super::problem::{Problem, place, signed};
use crate::cpu::simd::Wide;

/// The elements that a block of positions reads, in the layout's order: the tensor itself, or a copy in `copied`.
#[inline(always)]
pub(super) fn stage<'s, W: Wide>(
    w: W,
    layout: &Layout,
    problem: &Problem,
    from: &'s [f32],
    copied: &'s mut [f32],
) -> &'s [f32] {
    let len = layout.floats + SLACK;
    let copied = &mut copied[..len];
    if layout.in_place {
        let from = &from[place(layout.first(problem))..];
        if from.len() >= len {
            return &from[..len];
        }
        copied[..layout.floats].copy_from_slice(&from[..layout.floats]);
        return copied;
    }
    copy(w, layout, problem, from, copied);
    copied
}

#[inline(always)]
fn copy<W: Wide>(w: W, layout: &Layout, problem: &Problem, from: &[f32], to: &mut [f32]) {
    let Some((inner, outer)) = layout.dims.split_last() else {
        to[0] = from[place(problem.first[0])];
        return;
    };
    let inside = |dim: &StagedDim, v: usize| {
        let u = dim.first(problem) + signed(v);
        dim.window.is_none_or(|w| u >= 0 && u < problem.windows[w].end)
    };
    // Of the row: which of its `u` are there.
    let first = inner.first(problem);
    let (low, high) = match inner.window {
        None => (0, inner.range),
        Some(w) => {
            let high = (problem.windows[w].end - first).clamp(0, signed(inner.range));
            ((-first).clamp(0, high) as usize, high as usize)
        }
    };
    let base = layout.first(problem);
    let mut point = [0usize; 16];
    loop {
        let mut at = 0;
        let mut address = base;
        let mut there = true;
        for (dim, &v) in outer.iter().zip(&point) {
            at += (v % dim.runs * dim.run + v / dim.runs) * dim.pitch;
            address += dim.stride * signed(v);
            there &= inside(dim, v);
        }
        let row = &mut to[at..at + inner.runs * inner.run];
        if there && low < high {
            let from = &from[place(address + inner.stride * signed(low))..];
            fill_row(w, inner, [low, high], from, row);
        } else {
            row.fill(0.0);
        }
        let mut moved = false;
        for (dim, v) in outer.iter().zip(&mut point).rev() {
            *v += 1;
            if *v < dim.range {
                moved = true;
                break;
            }
            *v = 0;
        }
        if !moved {
            return;
        }
    }
}

/// One row of a copy: elements `low..high` are read from `from`, the others are 0.
#[inline(always)]
fn fill_row<W: Wide>(w: W, dim: &StagedDim, [low, high]: [usize; 2], from: &[f32], row: &mut [f32]) {
    let stride = place(dim.stride);
    if dim.runs == 1 && stride == 1 {
        row[..low].fill(0.0);
        row[high..].fill(0.0);
        return copy_run(w, &from[..high - low], &mut row[low..high]);
    }
    row.fill(0.0);
    for (rest, run) in row.chunks_exact_mut(dim.run).enumerate() {
        // The first and the last element of this run that are there.
        let first = (low + dim.runs - 1 - rest) / dim.runs;
        let end = (high + dim.runs - 1 - rest) / dim.runs;
        let Some(run) = run.get_mut(first..end).filter(|run| !run.is_empty()) else { continue };
        let from = &from[(first * dim.runs + rest - low) * stride..];
        for (x, y) in run.iter_mut().zip(from.iter().step_by(dim.runs * stride)) {
            *x = *y;
        }
    }
}

/// Copies neighbours in whole vectors.
#[inline(always)]
pub(super) fn copy_run<W: Wide>(w: W, from: &[f32], to: &mut [f32]) {
    for (from, to) in from.chunks(W::WIDTH).zip(to.chunks_mut(W::WIDTH)) {
        let count = from.len();
        w.wide_store(to, count, w.wide_load(from, count));
    }
}
