//! Shaders from kernels' functions: the declarations around them, and the entry point.

use super::function::{Around, Function};
use super::{ShaderText, Workgroups};

/// Invocations in a workgroup, where they work on their own.
const LANES: u32 = 64;

/// The shader of one kernel, whose text stands in the entry point.
pub(super) fn single(function: Function) -> ShaderText {
    let lanes = function.lanes.unwrap_or(LANES);
    let workgroups = workgroups(&function, lanes);
    let mut entry = String::new();
    match function.lanes {
        None => entry += &format!("    let invocation = {NUMBER} * {lanes}u + lane;\n"),
        Some(_) => {
            entry += &format!("    let workgroup = {};\n", NUMBER.trim_matches(['(', ')']));
            // Barriers are behind this one test of the workgroup's number, outside of all others.
            entry += &format!("    if workgroup >= {} {{\n        return;\n    }}\n", count(workgroups));
        }
    }
    entry += &function.body;
    let functions = [function];
    let mut around = Around::new(&functions);
    let helpers = around.helpers();
    let declarations = around.declarations(&[&entry, &helpers]);
    let [Function { name, .. }] = &functions;
    let wgsl = format!(
        "{}\n{declarations}{helpers}\n@compute @workgroup_size({lanes})\nfn {name}({BUILTINS}) {{\n{entry}}}\n",
        functions[0].comments()
    );
    ShaderText {
        name: name.clone(),
        entry_point: name.clone(),
        workgroup_size: [lanes, 1, 1],
        workgroup_bytes: around.workgroup_bytes(),
        bindings: around.bindings.into_iter().collect(),
        workgroups,
        wgsl,
    }
}

/// The builtins that an entry point takes.
const BUILTINS: &str = "@builtin(workgroup_id) id: vec3<u32>, @builtin(num_workgroups) ids: vec3<u32>, \
                        @builtin(local_invocation_index) lane: u32";
/// A workgroup's number, however workgroups are spread over two axes.
const NUMBER: &str = "(id.x + id.y * ids.x)";

/// How many workgroups of so many invocations a function needs.
fn workgroups(function: &Function, lanes: u32) -> Workgroups {
    let points = function.work.points * if function.lanes.is_none() { u64::from(lanes) } else { 1 };
    Workgroups { points, ..function.work }
}

/// The number of workgroups as a u32 expression.
fn count(Workgroups { fixed, per_sample, points }: Workgroups) -> String {
    if per_sample == 0 {
        return format!("{}u", fixed.div_ceil(points));
    }
    let samples = if per_sample == 1 { "step.batch".to_owned() } else { format!("step.batch * {per_sample}u") };
    match (fixed + points - 1, points) {
        (0, _) => samples,
        (more, 1) => format!("{samples} + {more}u"),
        (more, points) => format!("({samples} + {more}u) / {points}u"),
    }
}
