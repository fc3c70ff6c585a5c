//! The arena over time.

use std::collections::HashMap;

use super::Picture;
use super::axes::{Axis, Plot, Scale, bytes};
use super::svg::{Anchor, COLOURS, INK, PAPER, SMALL, TEXT, fitted, width};
use crate::error::Result;
use crate::plan::{Kernel, Place, Plan, Program, Tensor, capacity};

/// A tensor in the arena: when it lives and where.
struct Life {
    name: String,
    layer: String,
    shape: String,
    /// The kernels from the first to the last that touches it.
    from: usize,
    to: usize,
    /// Bytes from the arena's start.
    start: f64,
    end: f64,
}

/// Where each tensor lies in the arena of a program (`"train"`, `"predict"`, …), and when: kernels in order from left to right, bytes
/// from bottom to top, for batches of a size. Rectangles that lie above each other never live at the same time: that is how
/// memory is saved. Tensors of one layer have one colour; in a browser, each tells its name beneath the pointer. `plan` is what the
/// network's `plan()` gives.
///
/// # Errors
/// If the text is no plan, or if the network has no such program.
pub fn memory(plan: &str, program: &str, batch: usize) -> Result<Picture> {
    let plan = Plan::read(plan)?;
    let program = plan.program(program)?;
    let kernels = program.kernels.len();
    let lives = lives(program, batch);
    let total = program.arena_bytes(batch) as f64;
    let sum: f64 = lives.iter().map(|l| l.end - l.start).sum();
    let note = format!(
        "{kernels} kernels, batches of {batch}: {} hold {} of tensors; a colour for each layer",
        bytes(total),
        bytes(sum)
    );
    let size = ((200.0 + 28.0 * kernels as f64).clamp(620.0, 1600.0), 520.0);
    Ok(Picture::new(format!("Memory of {}: {}", plan.name, program.name), size, move |svg, area| {
        let x = Axis::new("kernel, in order of execution", 0.0, kernels as f64, Scale::Whole);
        let y = Axis::new("place in the arena", 0.0, total.max(1.0), Scale::Bytes);
        let plot = Plot::new(svg, area, x, y);
        let mut colours: HashMap<&str, usize> = HashMap::new();
        for life in &lives {
            let next = colours.len();
            let colour = COLOURS[*colours.entry(&life.layer).or_insert(next) % (COLOURS.len() - 1)];
            let place = plot.between((life.from as f64, life.start), (life.to as f64 + 1.0, life.end));
            let place = place.inside(0.5, 0.0, 0.5, 0.0);
            let Life { name, shape, from, to, .. } = life;
            let hint = format!("{name} {shape}: {}, kernels {from} to {to}", bytes(life.end - life.start));
            svg.outlined(place, colour, PAPER, &hint);
            let text = [format!("{name} {shape}"), name.clone(), fitted(name, SMALL, place.width - 8.0)];
            let text = text.into_iter().find(|t| width(t, SMALL) <= place.width - 8.0).unwrap_or_default();
            if place.height >= SMALL + 3.0 && text.chars().count() > 3 {
                let at = (place.x + place.width / 2.0, place.y + place.height / 2.0 + SMALL * 0.36);
                let dark = ["#0072b2", "#d55e00", "#009e73"].contains(&colour);
                svg.text(at, Anchor::Middle, SMALL, if dark { PAPER } else { INK }, &text);
            }
        }
        if lives.is_empty() {
            let middle = (plot.area.x + plot.area.width / 2.0, plot.area.y + plot.area.height / 2.0);
            svg.text(middle, Anchor::Middle, TEXT, INK, "nothing lies in the arena");
        }
    })
    .note(note))
}

/// Every tensor of the arena, from the first kernel that touches it to the last. A place that is written anew under another
/// name is another tensor.
fn lives(program: &Program, batch: usize) -> Vec<Life> {
    let mut lives: Vec<Life> = vec![];
    let mut known: HashMap<(&str, usize), usize> = HashMap::new();
    for (at, kernel) in program.kernels.iter().enumerate() {
        for tensor in kernel.reads.iter().chain(&kernel.updates).chain(&kernel.writes) {
            let Some((start, end)) = place(program, tensor, batch) else { continue };
            let life = *known.entry((&tensor.name, tensor.offset)).or_insert_with(|| {
                // What is read before anything writes it was put there before the first kernel: samples.
                let writes = |k: &Kernel| k.writes.iter().any(|t| t.name == tensor.name && t.offset == tensor.offset);
                let input = !program.kernels.iter().take(at + 1).any(writes);
                lives.push(Life {
                    name: tensor.name.clone(),
                    layer: if input { String::new() } else { kernel.layer().to_owned() },
                    shape: tensor.shape(),
                    from: if input { 0 } else { at },
                    to: at,
                    start,
                    end,
                });
                lives.len() - 1
            });
            lives[life].to = at;
        }
    }
    lives
}

/// Where a tensor begins and ends in the arena, in bytes; that for numbers of two bytes lies behind that for floats.
fn place(program: &Program, tensor: &Tensor, batch: usize) -> Option<(f64, f64)> {
    let capacity = capacity(batch);
    let (start, samples) = match tensor.place {
        Place::Sample => (4 * (program.fixed_floats + capacity * tensor.offset), capacity),
        Place::Fixed => (4 * tensor.offset, 1),
        Place::HalfSample => {
            (program.float_bytes(batch) + 2 * (program.fixed_halves + capacity * tensor.offset), capacity)
        }
        Place::HalfFixed => (program.float_bytes(batch) + 2 * tensor.offset, 1),
        _ => return None,
    };
    Some((start as f64, (start + tensor.bytes(1) * samples) as f64))
}
