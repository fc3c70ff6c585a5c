//! The program as text: what is in the generated module `__nn_program`, behind its `use … as __nn`.

use std::fmt::{Display, Write};
use std::ops::Range;

use nn_kernels::emit::{rust, wgsl};
use nn_kernels::graph::StepScalar;
use nn_kernels::ir::TensorId;
use nn_kernels::network::{Initializer, MetricKind, Rate, Summary};
use nn_kernels::plan::{Metric, Parameter, Place, Plan, Schedule, StepPlan};

/// The path of `nn_runtime::cpu` in the generated module.
const CPU: &str = "cpu";

/// The program's schedules, in order, with their names.
fn schedules(plan: &Plan) -> impl Iterator<Item = (&'static str, &Schedule)> {
    let optional = [("evaluate", &plan.evaluate), ("train", &plan.train), ("gradients", &plan.gradients)].into_iter();
    let optional = optional.filter_map(|(name, schedule)| Some((name, schedule.as_ref()?)));
    std::iter::once(("predict", &plan.predict)).chain(optional)
}

/// The whole program.
pub(super) fn program(plan: &Plan) -> String {
    let mut text = String::new();
    let (mut shaders, mut printed, mut items) = (vec![], vec![], rust::Items::default());
    // What `gradients` shares with `train`: the functions of the pass, and its shaders.
    let (mut pass, mut pass_shaders) = (vec![], 0..0);
    for (name, schedule) in schedules(plan) {
        let rust = rust::print(plan, schedule, name, CPU, &mut items, &pass[..schedule.shared]);
        text.push_str(&rust.source);
        let first = shaders.len();
        shaders.extend(wgsl::print_schedule(plan, schedule, name, schedule.shared));
        let before = |kernel: usize, shaders: &[wgsl::ShaderText]| {
            first + shaders[first..].partition_point(|s| s.kernels.start < kernel)
        };
        let middle = before(schedule.update, &shaders);
        let ranges = match schedule.shared {
            0 => [first..middle, middle..shaders.len()],
            _ => [pass_shaders.clone(), first..shaders.len()],
        };
        let mut resident = "::core::option::Option::None".to_owned();
        if name == "train"
            && let Some((shader, residence)) = wgsl::resident::print(plan)
        {
            let (at, wgsl::resident::Residence { capacity, steps, .. }) = (shaders.len(), residence);
            shaders.push(shader);
            resident = format!("__nn::resident({}, {capacity}, {steps})", part(&(at..at + 1)));
        }
        if name == "train" {
            text.push_str(&train_kernels(plan, schedule, &rust));
        }
        printed.push((name, self::schedule(schedule, &rust, &ranges, &resident)));
        if name == "train" {
            let shared = plan.gradients.as_ref().map_or(0, |gradients| gradients.shared);
            (pass, pass_shaders) = (rust.kernels, first..before(shared, &shaders));
        }
    }
    let _ = writeln!(text, "{}", static_program("PROGRAM", plan, &printed));
    if let Some(StepPlan { inputs, limit, plan: own }) = plan.stepwise.as_deref() {
        let rust = rust::print(own, &own.predict, "step", CPU, &mut items, &[]);
        text.push_str(&rust.source);
        let first = shaders.len();
        shaders.extend(wgsl::print_schedule(own, &own.predict, "step", 0));
        let ranges = [first..shaders.len(), shaders.len()..shaders.len()];
        let table = self::schedule(&own.predict, &rust, &ranges, "::core::option::Option::None");
        let _ = writeln!(
            text,
            "{}
            pub(super) static STEPS: __nn::StepProgram =
                __nn::StepProgram {{ program: &STEP, inputs: &{inputs:?}, limit: {} }};",
            static_program("STEP", own, &[("predict", table)]),
            option(*limit)
        );
    }
    // A list of its own: a program without the GPU does not mention it, so that it does not become part of the binary.
    let _ = writeln!(text, "pub(super) static SHADERS: &[__nn::Shader] = {};", list(&shaders, shader));
    text
}

/// A program of these schedules, of which the first one predicts.
fn static_program(name: &str, plan: &Plan, schedules: &[(&str, String)]) -> String {
    let table = |wanted: &str| match schedules.iter().find(|(name, _)| *name == wanted) {
        Some((_, table)) => format!("::core::option::Option::Some({table})"),
        None => "::core::option::Option::None".to_owned(),
    };
    let scalars = list(&plan.scalars, scalar);
    let fields = list(&plan.fields, |f| {
        format!("__nn::Field {{ name: {:?}, dims: &{:?}, classes: {} }}", f.name, f.dims, option(f.classes))
    });
    let control = parameters(&plan.control);
    let parameters = parameters(&plan.parameters);
    let kept = list(&plan.kept, |k| {
        format!("__nn::KeptTensor {{ name: {:?}, dims: &{:?}, offset: {} }}", k.name, k.dims, k.offset)
    });
    let outputs = list(&plan.outputs, |o| format!("__nn::Output {{ name: {:?}, dims: &{:?} }}", o.name, o.dims));
    let metrics = list(&plan.metrics, metric);
    format!(
        "pub(super) static {name}: __nn::Program = __nn::Program {{
            name: {:?}, hash: {}, fields: {fields}, inputs: {}, sample_weight: {}, parameters: {parameters}, control: {control}, parameter_floats: {},
            trained_floats: {}, changed_floats: {}, states: {}, ema: {}, scalars: {scalars}, learning_rate: {}, skipped: {}, non_finite: {}, loss_terms: {}, kept: {kept}, outputs: {outputs}, metrics: {metrics},
            predict: {}, evaluate: {}, train: {}, gradients: {}, flops_per_sample: {},
        }};",
        plan.name,
        hash(plan),
        plan.inputs,
        option(plan.sample_weight),
        plan.parameter_floats,
        plan.trained_floats,
        plan.changed_floats,
        list(&plan.states, |s| float32(*s)),
        option(plan.ema),
        option(plan.learning_rate.map(float32)),
        option(plan.skipped),
        option(plan.non_finite),
        list(&plan.loss_terms, |t| format!("__nn::LossTerm {{ value: {}, weight: {} }}", t.value, t.weight)),
        schedules[0].1,
        table("evaluate"),
        table("train"),
        table("gradients"),
        plan.flops_per_sample,
    )
}

fn parameters(list: &[Parameter]) -> String {
    self::list(list, |p| {
        let init = initializer(p.init);
        format!(
            "__nn::Parameter {{ name: {:?}, dims: &{:?}, init: {init}, zero_row: {}, offset: {}, trainable: {} }}",
            p.name,
            p.dims,
            p.zero_row.map_or("::core::option::Option::None".to_owned(), |row| format!(
                "::core::option::Option::Some({row})"
            )),
            p.offset,
            p.trainable
        )
    })
}

/// The kernels of `train` one by one, for profiles; nothing else mentions them.
fn train_kernels(plan: &Plan, schedule: &Schedule, rust: &rust::RustText) -> String {
    let (pass, update) = match rust::is_one_region(plan) {
        true => (vec![rust.pass.clone()], Vec::from_iter(rust.update.clone())),
        false => (rust.kernels[..schedule.update].to_vec(), rust.kernels[schedule.update..].to_vec()),
    };
    let (pass, update) = (list(&pass, String::clone), list(&update, String::clone));
    format!("pub(super) static TRAIN: __nn::TrainKernels = __nn::TrainKernels {{ pass: {pass}, update: {update} }};")
}

/// A program that says the network's name and can do nothing: a stub's.
pub(super) fn placeholder(name: &str) -> String {
    format!(
        "fn predict(_: &mut {CPU}::Pass<'_>) {{}}
        pub(super) static SHADERS: &[__nn::Shader] = &[];
        pub(super) static TRAIN: __nn::TrainKernels = __nn::TrainKernels {{ pass: &[], update: &[] }};
        pub(super) static STEPS: __nn::StepProgram =
            __nn::StepProgram {{ program: &PROGRAM, inputs: &[], limit: ::core::option::Option::None }};
        pub(super) static PROGRAM: __nn::Program = __nn::Program {{
            name: {name:?}, hash: 0, fields: &[], inputs: 0, sample_weight: ::core::option::Option::None, parameters: &[], control: &[], parameter_floats: 0,
            trained_floats: 0, changed_floats: 0, states: &[], ema: ::core::option::Option::None,
            scalars: &[], learning_rate: ::core::option::Option::None, skipped: ::core::option::Option::None, non_finite: ::core::option::Option::None, loss_terms: &[], kept: &[], outputs: &[], metrics: &[],
            predict: __nn::Schedule {{
                fixed_floats: 0, sample_floats: 0, fixed_halves: 0, sample_halves: 0, result_floats: 0, result_sample_floats: 0, fields: &[], kept: &[], outputs: &[], field_gradients: &[],
                shaders: &[], more_shaders: &[], loops: &[], resident: ::core::option::Option::None, pass: predict, update: ::core::option::Option::None,
            }},
            evaluate: ::core::option::Option::None, train: ::core::option::Option::None,
            gradients: ::core::option::Option::None, flops_per_sample: 0,
        }};"
    )
}

/// A shader's entry. WGSL has no quotes, so its text can stand as it is, which is quick to print and to read.
fn shader(shader: &wgsl::ShaderText) -> String {
    let bindings = list(&shader.bindings, |b| format!("__nn::Binding::{b:?}"));
    let workgroups = list(&shader.workgroups, |wgsl::Workgroups { fixed, per_sample, points }| {
        format!("__nn::Workgroups {{ fixed: {fixed}, per_sample: {per_sample}, points: {points} }}")
    });
    let variant = shader.variant.as_ref().map(|wgsl::Variant { name, tile, needs, classes, exact, measured }| {
        let needs = list(needs, |n| format!("__nn::DeviceFeature::{n:?}"));
        let classes = list(classes, |c| format!("__nn::DeviceClass::{c:?}"));
        format!(
            "__nn::Variant {{ name: {name:?}, tile: {tile:?}, needs: {needs}, classes: {classes}, exact: {exact}, measured: {measured} }}"
        )
    });
    format!(
        "__nn::Shader {{ name: {:?}, entry_point: {:?}, workgroup_size: {:?}, workgroup_bytes: {}, bindings: {bindings},
            workgroups: {workgroups}, wgsl: r#\"{}\"#, variant: {} }}",
        shader.name,
        shader.entry_point,
        shader.workgroup_size,
        shader.workgroup_bytes,
        shader.wgsl,
        option(variant)
    )
}

/// A part of the list of all shaders.
fn part(part: &Range<usize>) -> String {
    format!("__nn::gpu_only!(__nn::part(SHADERS, {}, {}))", part.start, part.end)
}

/// A schedule's table; `shaders` are its two parts of the list of all.
fn schedule(schedule: &Schedule, rust: &rust::RustText, shaders: &[Range<usize>; 2], resident: &str) -> String {
    // What the host touches has the batch in front: it lies in the zone for samples.
    let offset = |id: TensorId| match schedule.tensors[id.0 as usize].place {
        Place::Sample(offset) => offset,
        _ => 0,
    };
    let pairs = |pairs: &[(usize, TensorId)]| list(pairs, |(field, id)| format!("({field}, {})", offset(*id)));
    format!(
        "__nn::Schedule {{ fixed_floats: {}, sample_floats: {}, fixed_halves: {}, sample_halves: {}, result_floats: {}, result_sample_floats: {}, fields: {}, kept: {}, outputs: {},
            field_gradients: {}, shaders: {}, more_shaders: {}, loops: {}, resident: {resident}, pass: {}, update: {} }}",
        schedule.fixed_floats,
        schedule.sample_floats,
        schedule.fixed_halves,
        schedule.sample_halves,
        schedule.result_floats,
        schedule.result_sample_floats,
        pairs(&schedule.fields),
        pairs(&schedule.kept),
        list(&schedule.outputs, |id| offset(*id)),
        pairs(&schedule.field_gradients),
        part(&shaders[0]),
        part(&shaders[1]),
        list(&schedule.loops, |l| {
            let level = |kernel: usize| schedule.levels.iter().filter(|level| level.end <= kernel).count();
            let (first, end) = (l.kernels.start, l.kernels.end);
            let dispatches = (level(first), level(end));
            format!("__nn::Loop {{ kernels: ({first}, {end}), dispatches: {dispatches:?}, steps: {} }}", l.steps)
        }),
        rust.pass,
        option(rust.update.as_deref()),
    )
}

fn metric(m: &Metric) -> String {
    let kind = match m.kind {
        MetricKind::Rate { rate, average, decisions } => {
            let rate = match rate {
                Rate::FBeta(beta) => format!("FBeta({})", float64(beta)),
                other => format!("{other:?}"),
            };
            format!(
                "Rate {{ rate: __nn::Rate::{rate}, average: __nn::Average::{average:?}, decisions: {} }}",
                option(decisions)
            )
        }
        MetricKind::Scores { summary, classes, positions, indexed } => {
            let summary = match summary {
                Summary::Auc(average) => format!("Auc(__nn::Average::{average:?})"),
                Summary::AveragePrecision(average) => format!("AveragePrecision(__nn::Average::{average:?})"),
                curve => format!("{curve:?}"),
            };
            format!(
                "Scores {{ summary: __nn::Summary::{summary}, classes: {classes}, positions: {positions}, indexed: {indexed} }}"
            )
        }
        plain => format!("{plain:?}"),
    };
    let Metric { name, offset, len, sample_offset, sample_len, .. } = m;
    format!(
        "__nn::Metric {{ name: {name:?}, kind: __nn::MetricKind::{kind}, offset: {offset}, len: {len},
            sample_offset: {sample_offset}, sample_len: {sample_len} }}"
    )
}

fn scalar(scalar: &StepScalar) -> String {
    let word = match scalar {
        StepScalar::InverseBatch => "InverseBatch".to_owned(),
        StepScalar::LearningRate => "LearningRate".to_owned(),
        StepScalar::BiasCorrection(beta) => format!("BiasCorrection({})", float64(*beta)),
        StepScalar::Step => "Step".to_owned(),
        StepScalar::Position => "Position".to_owned(),
    };
    format!("__nn::StepScalar::{word}")
}

fn initializer(init: Initializer) -> String {
    let options = |word: &str, options: &[(&str, f64)]| {
        let options: Vec<String> = options.iter().map(|(name, value)| format!("{name}: {}", float64(*value))).collect();
        format!("__nn::Initializer::{word} {{ {} }}", options.join(", "))
    };
    match init {
        Initializer::Constant(value) => format!("__nn::Initializer::Constant({})", float64(value)),
        Initializer::Uniform { low, high } => options("Uniform", &[("low", low), ("high", high)]),
        Initializer::Normal { mean, std } => options("Normal", &[("mean", mean), ("std", std)]),
        Initializer::TruncatedNormal { mean, std, low, high } => {
            options("TruncatedNormal", &[("mean", mean), ("std", std), ("low", low), ("high", high)])
        }
        Initializer::Orthogonal { gain } => options("Orthogonal", &[("gain", gain)]),
    }
}

/// `&[a, b]`.
fn list<T, D: Display>(items: &[T], print: impl Fn(&T) -> D) -> String {
    let mut text = "&[".to_owned();
    for item in items {
        let _ = write!(text, "{}, ", print(item));
    }
    text.push(']');
    text
}

fn option(value: Option<impl Display>) -> String {
    match value {
        Some(value) => format!("::core::option::Option::Some({value})"),
        None => "::core::option::Option::None".to_owned(),
    }
}

fn float64(value: f64) -> String {
    match value {
        v if v.is_nan() => "f64::NAN".to_owned(),
        v if v.is_infinite() => format!("{}f64::INFINITY", if v < 0.0 { "-" } else { "" }),
        v => format!("{v:?}f64"),
    }
}

fn float32(value: f64) -> String {
    match value as f32 {
        v if v.is_nan() => "f32::NAN".to_owned(),
        v if v.is_infinite() => format!("{}f32::INFINITY", if v < 0.0 { "-" } else { "" }),
        v => format!("{v:?}f32"),
    }
}

/// A hash of what a file of weights has to fit: parameters, and the shapes of inputs and outputs. Their names do not
/// count, so that they can be changed without losing what was trained.
pub(super) fn hash(plan: &Plan) -> u64 {
    let mut text = String::new();
    for p in &plan.parameters {
        let _ = write!(text, "parameter {} {:?};", p.name, p.dims);
    }
    for f in &plan.fields[..plan.inputs] {
        let _ = write!(text, "input {:?} {:?};", f.dims, f.classes);
    }
    for o in &plan.outputs {
        let _ = write!(text, "output {:?};", o.dims);
    }
    // FNV-1a.
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_printed_exactly() {
        for value in [0.1, -1e-300, 1e300, 0.0, -0.0, 123_456_789.123_456_79] {
            assert_eq!(float64(value).trim_end_matches("f64").parse::<f64>().unwrap().to_bits(), value.to_bits());
        }
        assert_eq!(
            [f64::INFINITY, f64::NEG_INFINITY, 1e39].map(float32),
            ["f32::INFINITY", "-f32::INFINITY", "f32::INFINITY"]
        );
        assert_eq!(float32(1e-3), "0.001f32");
    }
}
