//! The network as a graph: fused kernels as boxes, shapes on the edges.

use std::collections::HashMap;
use std::fmt::Write;

use super::Picture;
use super::layered::layout;
use super::svg::{Anchor, Area, COLOURS, GREY, INK, PAPER, SMALL, TEXT, fitted, width};
use crate::error::Result;
use crate::plan::{Kernel, Place, Plan, Program, Tensor, View};

/// Widest text of a box.
const WIDEST: f64 = 300.0;
/// Most layers that a box lists.
const LISTED: usize = 6;

/// A box: a line for each layer, and a remark in grey.
struct Node {
    lines: Vec<String>,
    remark: String,
    kernel: bool,
    hint: String,
}

/// An edge, and the shape of what goes along it.
struct Edge {
    from: usize,
    to: usize,
    shape: String,
}

/// A shape on its edge.
struct Label {
    /// Where the edge leaves its box.
    start: (f64, f64),
    middle: (f64, f64),
    shape: String,
}

/// A program of the network (`"predict"`, `"train"`, …) as a graph: each box is a fused kernel with the layers that went into it,
/// each edge a tensor with its shape for one sample; inputs and results are round. Parameters are counted in the boxes that read them. `plan`
/// is what the network's `plan()` gives.
///
/// # Errors
/// If the text is no plan, or if the network has no such program.
pub fn graph(plan: &str, program: &str) -> Result<Picture> {
    let plan = Plan::read(plan)?;
    let program = plan.program(program)?;
    let (nodes, edges) = nodes(program);
    let sizes: Vec<(f64, f64)> = nodes.iter().map(Node::size).collect();
    let pairs: Vec<(usize, usize)> = edges.iter().map(|e| (e.from, e.to)).collect();
    let places = layout(&sizes, &pairs);
    let dispatches = program.kernels.iter().map(|k| k.dispatch).max().unwrap_or(0);
    let note = format!("{} fused kernels in {dispatches} dispatches on a GPU", program.kernels.len());
    let size = (places.width.max(300.0) + 28.0, places.height + 28.0 + 46.0);
    Ok(Picture::new(format!("{}: {}", plan.name, program.name), size, move |svg, area| {
        let scale = (area.width / places.width.max(1.0)).min(area.height / places.height.max(1.0)).min(1.0);
        let left = area.x + (area.width - places.width * scale) / 2.0;
        let at = |(x, y): (f64, f64)| (left + x * scale, area.y + y * scale);
        let mut labels: Vec<Label> = vec![];
        let mut leaving: HashMap<usize, usize> = HashMap::new();
        for (edge, bends) in edges.iter().zip(&places.bends) {
            let side = |node: usize, sign: f64| {
                let (x, y) = places.boxes[node];
                (x, y + sign * sizes[node].1 / 2.0)
            };
            let mut points = vec![side(edge.from, 1.0)];
            points.extend(bends);
            points.push(side(edge.to, -1.0));
            let points: Vec<(f64, f64)> = points.into_iter().map(at).collect();
            svg.path(&smooth(&points), "none", "#7a8087", 1.3, "");
            let (x, y) = points[points.len() - 1];
            svg.path(&format!("M{x:.2} {y:.2}l-3.5 -7h7z"), "#7a8087", "none", 0.0, "");
            // Each shape stands once where it leaves its box.
            if !edge.shape.is_empty() && !labels.iter().any(|l| l.shape == edge.shape && l.start == points[0]) {
                let before = leaving.entry(edge.from).or_default();
                let part = 0.30 + 0.28 * (*before % 3) as f64;
                *before += 1;
                let ((x0, y0), (x1, y1)) = (points[0], points[1]);
                let middle = (x0 + (x1 - x0) * part, y0 + (y1 - y0) * part + SMALL * 0.36);
                labels.push(Label { start: points[0], middle, shape: edge.shape.clone() });
            }
        }
        for Label { middle: (x, y), shape, .. } in labels {
            let size = SMALL * scale.max(0.7);
            let room = width(&shape, size);
            svg.rect(Area { x: x - room / 2.0 - 2.0, y: y - SMALL, width: room + 4.0, height: SMALL + 3.0 }, PAPER, "");
            svg.text((x, y), Anchor::Middle, size, GREY, &shape);
        }
        for ((node, &place), &(width, height)) in nodes.iter().zip(&places.boxes).zip(&sizes) {
            let (x, y) = at(place);
            let (width, height) = (width * scale, height * scale);
            let area = Area { x: x - width / 2.0, y: y - height / 2.0, width, height };
            let (radius, fill, stroke) =
                if node.kernel { (4.0, "#eef4fa", COLOURS[0]) } else { (height / 2.0, "#fdf3e1", COLOURS[4]) };
            svg.round(area, radius, fill, stroke, &node.hint);
            let mut baseline = area.y + (TEXT + 6.0) * scale;
            for line in &node.lines {
                svg.text((x, baseline), Anchor::Middle, TEXT * scale, INK, line);
                baseline += (TEXT + 4.0) * scale;
            }
            svg.text((x, baseline), Anchor::Middle, SMALL * scale, GREY, &node.remark);
        }
    })
    .note(note))
}

impl Node {
    fn size(&self) -> (f64, f64) {
        let widest = self.lines.iter().map(|l| width(l, TEXT)).fold(width(&self.remark, SMALL), f64::max);
        let remark = if self.remark.is_empty() { 0.0 } else { SMALL + 4.0 };
        (widest + 24.0, self.lines.len() as f64 * (TEXT + 4.0) + remark + 8.0)
    }

    fn of(kernel: &Kernel) -> Node {
        let mut lines: Vec<String> =
            kernel.does.iter().take(LISTED).map(|(layer, _)| fitted(layer, TEXT, WIDEST)).collect();
        if kernel.does.len() > LISTED {
            lines.push(format!("and {} more", kernel.does.len() - LISTED));
        }
        if lines.is_empty() {
            lines.push(fitted(&made(kernel), TEXT, WIDEST));
        }
        let parameters: usize = kernel
            .reads
            .iter()
            .filter(|t| t.place == Place::Parameters)
            .map(|t| t.dims.iter().product::<usize>())
            .sum();
        let mut hint = kernel.name.clone();
        for (layer, operations) in &kernel.does {
            let _ = write!(hint, "\n{layer}: {operations}");
        }
        let parameters = (parameters > 0).then(|| format!("{parameters} parameters"));
        let steps = (kernel.steps > 1).then(|| format!("{} steps", kernel.steps));
        let remark = steps.into_iter().chain(parameters).collect::<Vec<_>>().join(", ");
        Node { lines, remark, kernel: true, hint }
    }

    fn end(tensor: &Tensor) -> Node {
        let lines = vec![fitted(&tensor.name, TEXT, WIDEST)];
        Node { lines, remark: String::new(), kernel: false, hint: format!("{} {}", tensor.name, tensor.shape()) }
    }
}

/// What a kernel makes that calculates nothing: the layer of its first result, whose states it begins, say.
fn made(kernel: &Kernel) -> String {
    let made = kernel.writes.iter().chain(&kernel.updates).next().map_or(kernel.name.as_str(), |t| &t.name);
    match made.strip_prefix("new ") {
        Some(_) => "running statistics".to_owned(),
        None => made.rsplit_once(" #").map_or(made, |(layer, _)| layer).to_owned(),
    }
}

/// Kernels, what goes in, what comes out; and which tensors lead from one to another.
fn nodes(program: &Program) -> (Vec<Node>, Vec<Edge>) {
    let kernels = &program.kernels;
    let written = |t: &Tensor| kernels.iter().any(|k| k.writes.iter().chain(&k.updates).any(|w| same(w, t)));
    let in_arena =
        |t: &&Tensor| !matches!(t.place, Place::Parameters | Place::Gradients | Place::State | Place::Results);
    // Inputs come first, so that every edge leads to a later box.
    let mut inputs: Vec<&Tensor> = vec![];
    for tensor in kernels.iter().flat_map(|k| &k.reads).filter(in_arena) {
        if !written(tensor) && !inputs.iter().any(|t| same(t, tensor)) {
            inputs.push(tensor);
        }
    }
    let mut nodes: Vec<Node> = inputs.iter().map(|t| Node::end(t)).collect();
    let first = nodes.len();
    nodes.extend(kernels.iter().map(Node::of));
    let mut edges: Vec<Edge> = vec![];
    let mut add = |from: usize, to: usize, shape: String| {
        if !edges.iter().any(|e| e.from == from && e.to == to && e.shape == shape) {
            edges.push(Edge { from, to, shape });
        }
    };
    for (number, kernel) in kernels.iter().enumerate() {
        for tensor in
            kernel.reads.iter().chain(&kernel.updates).filter(|t| !matches!(t.place, Place::Parameters | Place::State))
        {
            let shape = shape(tensor);
            if let Some(input) = inputs.iter().position(|t| same(t, tensor)) {
                add(input, first + number, shape);
                continue;
            }
            let writes = |k: &Kernel| k.writes.iter().chain(&k.updates).any(|w| same(w, tensor));
            match tensor.place {
                // The update reads all gradients at once.
                Place::Gradients => {
                    for writer in (0..number).filter(|&w| kernels[w].writes.iter().any(|w| overlap(w, tensor))) {
                        add(first + writer, first + number, String::new());
                    }
                }
                _ => {
                    if let Some(writer) = (0..number).rev().find(|&w| writes(&kernels[w])) {
                        add(first + writer, first + number, shape);
                    }
                }
            }
        }
    }
    for (number, kernel) in kernels.iter().enumerate() {
        for tensor in &kernel.writes {
            let read = |k: &Kernel| {
                k.reads
                    .iter()
                    .chain(&k.updates)
                    .any(|r| same(r, tensor) || (r.place == Place::Gradients && overlap(r, tensor)))
            };
            // A state of a loop is read in the next step.
            let from = if tensor.view == View::Turns { 0 } else { number + 1 };
            let read = kernels.iter().skip(from).any(read);
            if !read && tensor.place != Place::Parameters && !tensor.name.starts_with("new ") {
                nodes.push(Node::end(tensor));
                edges.push(Edge { from: first + number, to: nodes.len() - 1, shape: shape(tensor) });
            }
        }
    }
    (nodes, edges)
}

fn same(a: &Tensor, b: &Tensor) -> bool {
    // A state of a loop has two places in turns.
    let turns = a.view == View::Turns || b.view == View::Turns;
    a.place == b.place && (a.offset == b.offset || turns) && a.name == b.name
}

fn overlap(a: &Tensor, b: &Tensor) -> bool {
    let end = |t: &Tensor| t.offset + t.dims.iter().product::<usize>();
    a.place == b.place && a.offset < end(b) && b.offset < end(a)
}

/// `16 × 28 × 28`, or what there is of a scalar.
fn shape(tensor: &Tensor) -> String {
    let dims: Vec<String> = tensor.dims.iter().map(usize::to_string).collect();
    if dims.is_empty() { "1".into() } else { dims.join(" × ") }
}

/// A curve from above to below through points that come in pairs, straight between the two of a pair.
fn smooth(points: &[(f64, f64)]) -> String {
    let mut commands = String::new();
    for (i, pair) in points.windows(2).enumerate() {
        let [(x0, y0), (x1, y1)] = [pair[0], pair[1]];
        if i == 0 {
            let _ = write!(commands, "M{x0:.2} {y0:.2}");
        }
        if i % 2 == 0 {
            let bend = (y1 - y0) * 0.5;
            let _ = write!(commands, "C{x0:.2} {:.2} {x1:.2} {:.2} {x1:.2} {y1:.2}", y0 + bend, y1 - bend);
        } else {
            let _ = write!(commands, "L{x1:.2} {y1:.2}");
        }
    }
    commands
}
