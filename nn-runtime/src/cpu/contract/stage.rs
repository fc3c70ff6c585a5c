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

/// Line by line: a plane's lines differ in their last dimension but one. Lines are short, so what is done for each of them counts.
#[inline(always)]
fn copy<W: Wide>(w: W, layout: &Layout, problem: &Problem, from: &[f32], to: &mut [f32]) {
    let Some((row, outer)) = layout.dims.split_last() else {
        to[0] = from[place(problem.first[0])];
        return;
    };
    let alone = StagedDim::default();
    let (lines, outer) = outer.split_last().unwrap_or((&alone, outer));
    let ([low, high], there) = (row.there(problem), lines.there(problem));
    let base = layout.first(problem) + row.stride * signed(low);
    let mut point = [0usize; 16];
    loop {
        let mut at = 0;
        let mut address = base;
        let mut is_there = low < high;
        for (dim, &v) in outer.iter().zip(&point) {
            let [low, high] = dim.there(problem);
            at += (v % dim.runs * dim.run + v / dim.runs) * dim.pitch;
            address += dim.stride * signed(v);
            is_there &= (low..high).contains(&v);
        }
        let (mut run, mut place_in_run) = (0, 0);
        for v in 0..lines.range {
            let at = at + (run * lines.run + place_in_run) * lines.pitch;
            let to = &mut to[at..at + row.runs * row.run];
            if is_there && (there[0]..there[1]).contains(&v) {
                fill_row(w, row, [low, high], &from[place(address + lines.stride * signed(v))..], to);
            } else {
                clear(w, to);
            }
            run += 1;
            if run == lines.runs {
                (run, place_in_run) = (0, place_in_run + 1);
            }
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
        clear(w, &mut row[..low]);
        clear(w, &mut row[high..]);
        return copy_run(w, &from[..high - low], &mut row[low..high]);
    }
    clear(w, row);
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

/// Clears a few elements, without a call.
#[inline(always)]
fn clear<W: Wide>(w: W, row: &mut [f32]) {
    for to in row.chunks_mut(W::WIDTH) {
        let count = to.len();
        w.wide_store(to, count, w.wide_splat(0.0));
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
