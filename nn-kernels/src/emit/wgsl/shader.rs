//! Shaders from kernels' functions: the declarations around them, and the entry point.

use std::ops::Range;

use super::dispatch::Dispatch;
use super::function::{Around, Function};
use super::{ShaderText, Workgroups};

/// The shaders of a dispatch: the text for every device, then its variants.
pub(super) fn shaders(Dispatch { kernels, lanes, functions, variants, largest }: Dispatch) -> Vec<ShaderText> {
    let name = match &functions[..] {
        [one] => one.name.clone(),
        all => format!("{}_and_{}", all[largest].name, all.len() - 1),
    };
    let mut shaders = vec![shader(&functions, &name, lanes, kernels.clone())];
    for (variant, mut functions) in variants {
        let name = format!("{name}_{}", variant.name);
        if let [alone] = &mut functions[..] {
            alone.name.clone_from(&name);
        }
        // Only a function that is alone can have a number of its own.
        let lanes = functions[0].lanes.filter(|_| functions.len() == 1).map_or(lanes, |lanes| lanes as usize);
        let shader = shader(&functions, &name, lanes, kernels.clone());
        shaders.push(ShaderText { variant: Some(variant), ..shader });
    }
    shaders
}

fn shader(functions: &[Function], name: &str, lanes: usize, kernels: Range<usize>) -> ShaderText {
    let mut around = Around::new(functions);
    let workgroups: Vec<Workgroups> = functions.iter().map(|f| workgroups(f, lanes)).collect();
    let helpers = around.helpers();
    let (comments, bodies, entry) = match functions {
        [one] => (one.comments(), String::new(), alone(one, workgroups[0], lanes)),
        all => {
            let comments = format!("// {name}: some workgroups are for one, others for another\n");
            let bodies: Vec<String> = all.iter().map(|f| format!("\n{}", f.text())).collect();
            (comments, bodies.concat(), choice(all, &workgroups, lanes))
        }
    };
    let declarations = around.declarations(&[&entry, &bodies, &helpers]);
    let subgroup = if entry.contains("sublane") { SUBLANE } else { "" };
    let cooperative = entry.contains("coop_mat");
    let enable = if cooperative { "enable f16;\nenable wgpu_cooperative_matrix;\n" } else { "" };
    let subgroup = if cooperative { SUBGROUP } else { subgroup };
    let wgsl = format!(
        "{comments}\n{enable}{declarations}{helpers}{bodies}\n\
         @compute @workgroup_size({lanes})\nfn {name}({BUILTINS}{subgroup}) {{\n{entry}}}\n"
    );
    ShaderText {
        entry_point: name.to_owned(),
        name: name.to_owned(),
        workgroup_size: [lanes as u32, 1, 1],
        workgroup_bytes: around.workgroup_bytes(),
        bindings: around.bindings.into_iter().collect(),
        kernels,
        workgroups,
        wgsl,
        variant: None,
    }
}

/// The builtins that an entry point takes.
const BUILTINS: &str = "@builtin(workgroup_id) id: vec3<u32>, @builtin(num_workgroups) ids: vec3<u32>, \
                        @builtin(local_invocation_index) lane: u32";

/// The builtin that it takes where it asks for its number in a subgroup.
const SUBLANE: &str = ", @builtin(subgroup_invocation_id) sublane: u32";

/// Those that it takes where subgroups share its work.
const SUBGROUP: &str = ", @builtin(subgroup_id) subgroup: u32, @builtin(num_subgroups) subgroups: u32";

/// An entry point with the text of a function.
fn alone(function: &Function, workgroups: Workgroups, lanes: usize) -> String {
    let begin = match function.lanes {
        None => format!("    let invocation = (id.x + id.y * ids.x) * {lanes}u + lane;\n"),
        // Barriers are behind this one test of the workgroup's number, outside of all others.
        Some(_) => format!(
            "    let workgroup = id.x + id.y * ids.x;\n    if workgroup >= {} {{\n        return;\n    }}\n",
            count(workgroups)
        ),
    };
    begin + &function.body
}

/// Parts of a dispatch from which neighbouring workgroups are taken in turn.
const PARTS: u64 = 32;

/// An entry point that calls the function that a workgroup is for. All its invocations call the same, so functions may have
/// barriers.
fn choice(functions: &[Function], workgroups: &[Workgroups], lanes: usize) -> String {
    let mut text = String::new();
    for (i, &own) in workgroups.iter().enumerate() {
        text += &match i {
            0 => format!("    let end0 = {};\n", count(own)),
            _ => format!("    let end{i} = end{} + {};\n", i - 1, count(own)),
        };
    }
    // A device may give the first half of the workgroups to one processor and the second to another: each gets some of every kernel.
    text += &format!("    let number = id.x + id.y * ids.x;\n    let part = end{} / {PARTS}u;\n", functions.len() - 1);
    text += &format!("    let dealt = number % {PARTS}u * part + number / {PARTS}u;\n");
    text += &format!("    let workgroup = select(number, dealt, number < part * {PARTS}u);\n");
    text += "    ";
    for (i, function) in functions.iter().enumerate() {
        let number = if i == 0 { "workgroup".to_owned() } else { format!("workgroup - end{}", i - 1) };
        let call = match function.lanes {
            Some(_) => format!("{}({number}, lane)", function.name),
            None if i == 0 => format!("{}({number} * {lanes}u + lane)", function.name),
            None => format!("{}(({number}) * {lanes}u + lane)", function.name),
        };
        let otherwise = if i == 0 { "" } else { " else " };
        text += &format!("{otherwise}if workgroup < end{i} {{\n        {call};\n    }}");
    }
    text + "\n"
}

/// How many workgroups of so many invocations a function needs.
fn workgroups(function: &Function, lanes: usize) -> Workgroups {
    let points = function.work.points * if function.lanes.is_none() { lanes as u64 } else { 1 };
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
