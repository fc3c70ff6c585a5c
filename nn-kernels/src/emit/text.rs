//! What people read: the table of layers, and the plan.

use std::fmt::Write;

use super::rust::is_winograd;
use crate::compile::node_flops;
use crate::emit::wgsl::resident::{self, Residence};
use crate::graph::{Extent, Op, Shape};
use crate::ir::{Kernel, Value};
use crate::network::Network;
use crate::plan::{Place, Plan, Schedule, Tensor};
use crate::simplify::{Phase, specialize};

/// The batch size that the table speaks of.
const BATCH: usize = 64;

/// The table of layers: output shapes, parameters, FLOPs of one sample's forward pass; and memory for a batch of 64.
pub fn summary(network: &Network, plan: &Plan) -> String {
    let layers = layers(network);
    let mut rows = vec![["layer", "output", "parameters", "FLOPs"].map(str::to_owned)];
    for (i, field) in plan.fields.iter().enumerate() {
        let kind = if i < plan.inputs { "input" } else { "target" };
        let shape = match (field.classes, &field.dims[..]) {
            (Some(n), []) => format!("class({n})"),
            (Some(n), dims) => format!("class({n}){dims:?}"),
            (None, dims) => format!("{dims:?}"),
        };
        rows.push([format!("{} ({kind})", field.name), shape, String::new(), String::new()]);
    }
    let number = |n: u64| if n == 0 { String::new() } else { grouped(n) };
    for layer in &layers {
        rows.push([layer.path.clone(), layer.shape.to_string(), number(layer.parameters), number(layer.flops)]);
    }
    let parameters: u64 =
        plan.parameters.iter().filter(|p| p.trainable).map(|p| p.dims.iter().product::<usize>() as u64).sum();
    rows.push(["total".into(), String::new(), grouped(parameters), grouped(plan.flops_per_sample)]);

    let mut text = format!("{}\n", plan.name);
    let widths: Vec<usize> = (0..4).map(|c| rows.iter().map(|r| r[c].chars().count()).max().unwrap_or(0)).collect();
    for row in &rows {
        let line = format!(
            "{:<w0$}  {:<w1$}  {:>w2$}  {:>w3$}",
            row[0],
            row[1],
            row[2],
            row[3],
            w0 = widths[0],
            w1 = widths[1],
            w2 = widths[2],
            w3 = widths[3]
        );
        let _ = writeln!(text, "{}", line.trim_end());
    }
    let _ = writeln!(text, "{}", memory(plan));
    text
}

/// A row of the table.
struct Layer {
    path: String,
    shape: Shape,
    parameters: u64,
    flops: u64,
}

/// The layers of the forward pass, in order of appearance.
fn layers(network: &Network) -> Vec<Layer> {
    let roots: Vec<_> = network.outputs.iter().map(|(_, id)| *id).collect();
    let (graph, _) = specialize(&network.graph, &roots, Phase::Inference);
    let mut layers: Vec<Layer> = vec![];
    for (id, node) in graph.nodes() {
        let path = graph.label(id);
        if path.is_empty() || matches!(node.op, Op::Leaf(_) | Op::Constant(_) | Op::Scalar(_)) {
            continue;
        }
        let flops = node_flops(&graph, node);
        match layers.last_mut().filter(|l| l.path == path) {
            // The last one with a batch is what the layer hands on.
            Some(layer) => {
                layer.flops += flops;
                if node.shape.batch {
                    layer.shape = node.shape.clone();
                }
            }
            None => {
                layers.push(Layer { path: path.to_owned(), shape: node.shape.clone(), parameters: 0, flops });
            }
        }
    }
    // A parameter belongs to the innermost layer that its name begins with.
    for parameter in network.parameters.iter().filter(|p| p.trainable) {
        let owns = |l: &&mut Layer| parameter.name.strip_prefix(&l.path).is_some_and(|rest| rest.starts_with('.'));
        // Of several rows of one layer, the first.
        if let Some(layer) = layers.iter_mut().rev().filter(owns).max_by_key(|l| l.path.len()) {
            layer.parameters += parameter.dims.iter().product::<usize>() as u64;
        }
    }
    layers
}

/// What a batch of 64 takes, and of what it consists.
fn memory(plan: &Plan) -> String {
    let vector = plan.parameter_floats;
    let arena =
        |s: &Schedule| s.fixed_floats + BATCH * s.sample_floats + (s.fixed_halves + BATCH * s.sample_halves) / 2;
    let mut parts = vec![("parameters", vector)];
    let (doing, schedule) = match (&plan.train, &plan.gradients) {
        (Some(train), _) => {
            parts.push(("gradients", vector));
            parts.push(("optimizer", vector * plan.states.len()));
            ("training", train)
        }
        (None, Some(gradients)) => {
            parts.push(("gradients", vector));
            ("gradients", gradients)
        }
        (None, None) => ("prediction", &plan.predict),
    };
    parts.push(("activations", arena(schedule)));
    let list: Vec<String> =
        parts.iter().filter(|p| p.1 > 0).map(|(name, floats)| format!("{name} {}", bytes(*floats))).collect();
    let total = parts.iter().map(|p| p.1).sum();
    format!("memory of {doing} for a batch of {BATCH}: {} ({})", bytes(total), list.join(", "))
}

/// Floats as bytes, readably.
fn bytes(floats: usize) -> String {
    let bytes = floats as f64 * 4.0;
    match bytes {
        b if b < 1024.0 => format!("{b} B"),
        b if b < 1024.0 * 1024.0 => format!("{:.1} KiB", b / 1024.0),
        b if b < 1024.0 * 1024.0 * 1024.0 => format!("{:.1} MiB", b / 1024.0 / 1024.0),
        b => format!("{:.1} GiB", b / 1024.0 / 1024.0 / 1024.0),
    }
}

/// `1234567` as `1,234,567`.
fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// The plan: for each program its kernels in order, what went into them, and where every tensor lives.
pub fn plan(plan: &Plan) -> String {
    let mut text = format!(
        "{}\nplaces: `sample n` is the arena's zone for samples, n floats from its start for each sample of capacity; \
         `fixed n` its zone before that; \
         what the CPU's products and convolutions take beside it, `scratch` tells\n",
        plan.name
    );
    let programs = [
        ("predict", Some(&plan.predict)),
        ("evaluate", plan.evaluate.as_ref()),
        ("train", plan.train.as_ref()),
        ("gradients", plan.gradients.as_ref()),
    ];
    for (name, schedule) in programs {
        if let Some(schedule) = schedule {
            let residence = if name == "train" { resident::residence(plan) } else { None };
            program(&mut text, name, schedule, residence);
        }
    }
    if let Some(steps) = &plan.stepwise {
        program(&mut text, "step", &steps.plan.predict, None);
    }
    text
}

fn program(text: &mut String, name: &str, schedule: &Schedule, residence: Option<Residence>) {
    let Schedule { kernels, levels, fixed_floats, sample_floats, .. } = schedule;
    let counted = |n: usize, what: &str, plural: &str| format!("{n} {}", if n == 1 { what } else { plural });
    let _ = writeln!(
        text,
        "\n{name}: {} in {}{}, arena of {} floats and {} for each sample",
        counted(kernels.len(), "kernel", "kernels"),
        counted(levels.len(), "dispatch", "dispatches"),
        // What runs over data that lies on the device picks a step's samples there.
        if ["train", "evaluate"].contains(&name) { " and one that gathers the batch" } else { "" },
        grouped(*fixed_floats as u64),
        grouped(*sample_floats as u64)
    );
    if schedule.fixed_halves + schedule.sample_halves > 0 {
        let _ = writeln!(
            text,
            "  what contractions read is stored as f16 where its kernel writes groups of four: arena of {} halves and {} for each sample",
            grouped(schedule.fixed_halves as u64),
            grouped(schedule.sample_halves as u64)
        );
    }
    if let Some(Residence { capacity, steps, workgroup_bytes, barriers }) = residence {
        let bytes = bytes(workgroup_bytes / 4);
        let _ = writeln!(
            text,
            "  batches of up to {capacity} samples train inside one workgroup, up to {steps} steps in one dispatch: \
             {barriers} barriers a step, {bytes} of workgroup memory"
        );
    }
    let kept: Vec<String> =
        schedule.kept.iter().filter_map(|(_, id)| Some(place(schedule.tensors.get(id.0 as usize)?, ""))).collect();
    if !kept.is_empty() {
        let _ = writeln!(text, "  kept from run to run: {}", kept.join(", "));
    }
    if schedule.shared > 0 {
        let _ = writeln!(
            text,
            "  the first {} kernels are those of train, in the same dispatches and places; behind them:",
            schedule.shared
        );
    }
    for (number, level) in levels.iter().enumerate().filter(|(_, level)| level.start >= schedule.shared) {
        if let Some(l) = schedule.loops.iter().find(|l| l.kernels.start == level.start) {
            let last = levels.iter().filter(|level| level.start < l.kernels.end).count();
            let _ = match number + 1 == last {
                true => writeln!(text, "  loop of {} steps: dispatch {last}", l.steps),
                false => writeln!(text, "  loop of {} steps: dispatches {} to {last}", l.steps, number + 1),
            };
        }
        let _ = writeln!(text, "  dispatch {}", number + 1);
        for i in level.clone() {
            let _ = writeln!(text, "    {name}_{i:02}_{}  over {}", kernels[i].name, domain(&kernels[i]));
            self::kernel(text, schedule, &kernels[i]);
        }
    }
}

/// What a kernel does, and what it reads and writes.
fn kernel(text: &mut String, schedule: &Schedule, kernel: &Kernel) {
    for covered in &kernel.covers {
        let _ = writeln!(text, "      does    {covered}");
    }
    let (fixed, sample) = flops(kernel);
    let _ = writeln!(text, "      FLOPs   {} and {} for each sample", grouped(fixed), grouped(sample));
    if is_winograd(kernel) {
        let _ = writeln!(text, "      CPU     by Winograd's F(2x2, 3x3)");
    }
    // What is read comes first, whatever the numbers of the tensors.
    for (verb, reads, writes) in [("reads  ", true, false), ("updates", true, true), ("writes ", false, true)] {
        let ids = kernel.tensors();
        for id in ids.into_iter().filter(|&id| kernel.reads(id) == reads && kernel.writes(id) == writes) {
            if let Some(tensor) = schedule.tensors.get(id.0 as usize) {
                let how = schedule.views.get(&id).map_or("", |v| if v.step == 0 { " in turns" } else { " row" });
                let _ = writeln!(text, "      {verb} {}", place(tensor, how));
            }
        }
    }
}

/// Floating-point operations of a kernel: whatever the batch, and for each sample.
fn flops(kernel: &Kernel) -> (u64, u64) {
    let (mut fixed, mut sample) = (0, 0);
    let scatter = kernel.scatter();
    if let Some(view) = &scatter {
        // Each value is added once, to the row of its number.
        let size = |e: &Extent| if let Extent::Size(n) = e { *n as u64 } else { 1 };
        let counter = if view.positions.contains(&Extent::Batch) { &mut sample } else { &mut fixed };
        *counter += view.positions.iter().map(size).product::<u64>() * view.columns as u64;
    }
    for (number, stage) in kernel.stages.iter().enumerate().skip(usize::from(scatter.is_some())) {
        let computes = |v: &&Value| matches!(v, Value::Unary(..) | Value::Binary(..) | Value::Select(..));
        let at_a_point = stage.body.iter().filter(computes).count() + stage.reduce.len();
        let extents = kernel.extents(number);
        let points: u64 = extents.iter().map(|e| if let Extent::Size(n) = e { *n as u64 } else { 1 }).product();
        let counter = if extents.contains(&Extent::Batch) { &mut sample } else { &mut fixed };
        *counter += points * at_a_point as u64;
    }
    (fixed, sample)
}

/// The kernel's independent points: `[batch, 128]`.
fn domain(kernel: &Kernel) -> String {
    let extent = |e: &Extent| match e {
        Extent::Batch => "batch".to_owned(),
        Extent::Size(n) => n.to_string(),
    };
    format!("[{}]", kernel.outer.iter().map(extent).collect::<Vec<_>>().join(", "))
}

/// `hidden [batch, 128] at sample 784`; `how` says how a loop's step sees it: a row of it, or in turns with another one.
fn place(tensor: &Tensor, how: &str) -> String {
    let batch = tensor.batch.then(|| "batch".to_owned());
    let dims: Vec<String> = batch.into_iter().chain(tensor.dims.iter().map(usize::to_string)).collect();
    let place = match tensor.place {
        Place::Sample(n) => format!("sample {n}"),
        Place::Fixed(n) => format!("fixed {n}"),
        Place::HalfSample(n) => format!("half sample {n}"),
        Place::HalfFixed(n) => format!("half fixed {n}"),
        Place::Parameters(n) => format!("parameters {n}"),
        Place::Gradients(n) => format!("gradients {n}"),
        Place::State(state, n) => format!("state{state} {n}"),
        Place::Results(n) => format!("results {n}"),
    };
    let kind = if tensor.place.is_half() { " f16" } else { "" };
    format!("{} [{}]{kind}{how} at {place}", tensor.name, dims.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_readable() {
        assert_eq!([0, 999, 1000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([10, 1 << 10, 1 << 20, 1 << 30].map(bytes), ["40 B", "4.0 KiB", "4.0 MiB", "4.0 GiB"]);
    }
}
