//! Shaders from kernels' functions: the declarations around them, and the entry point.

use super::function::{Around, Function};
use super::{ShaderText, Workgroups};

/// The shader of one kernel, whose text stands in the entry point.
pub(super) fn single(function: Function) -> ShaderText {
    let mut entry = "    let workgroup = workgroup_id.x + workgroup_id.y * num_workgroups.x;\n".to_owned();
    if !function.shared.is_empty() {
        // Barriers are behind this one test of the workgroup's number, outside of all others.
        entry += &format!("    if workgroup >= {} {{\n        return;\n    }}\n", count(function.workgroups));
    }
    entry += &function.body;
    let functions = [function];
    let mut around = Around::new(&functions);
    let helpers = around.helpers();
    let declarations = around.declarations(&[&entry, &helpers]);
    let [Function { name, lanes, workgroups, .. }] = &functions;
    let wgsl = format!(
        "{}\n{declarations}{helpers}\n@compute @workgroup_size({lanes})\nfn {name}({BUILTINS}) {{\n{entry}}}\n",
        functions[0].comments()
    );
    ShaderText {
        name: name.clone(),
        entry_point: name.clone(),
        workgroup_size: [*lanes, 1, 1],
        workgroup_bytes: around.workgroup_bytes(),
        bindings: around.bindings.into_iter().collect(),
        workgroups: *workgroups,
        wgsl,
    }
}

/// The builtins that an entry point takes.
const BUILTINS: &str = "@builtin(workgroup_id) workgroup_id: vec3<u32>, @builtin(num_workgroups) num_workgroups: vec3<u32>, \
                        @builtin(local_invocation_index) lane: u32";

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
