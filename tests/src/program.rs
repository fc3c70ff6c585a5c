//! Programs made at run time, from plans that no macro has seen.

use nn_kernels::emit::wgsl;
use nn_kernels::graph::StepScalar;
use nn_kernels::network::{Initializer, MetricKind};
use nn_kernels::plan::{Parameter, Place, Plan, Schedule, Tensor};
use nn_runtime::cpu;
use nn_runtime::program as p;

/// A schedule's kernels for the CPU: those of the pass, and those of the update.
pub type CpuPass = (fn(&mut cpu::Pass<'_>), Option<fn(&mut cpu::Update<'_>)>);

/// A plan's kernels for the CPU, printed and compiled.
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs)] // the fields are those of the plan
pub struct CpuKernels {
    pub predict: CpuPass,
    pub evaluate: Option<CpuPass>,
    pub train: Option<CpuPass>,
    pub gradients: Option<CpuPass>,
}

/// A program that lives as long as the process. Without kernels for the CPU, it is for the GPU alone.
pub fn leak(plan: &Plan, kernels: Option<&CpuKernels>) -> &'static p::Program {
    Box::leak(Box::new(program(plan, kernels)))
}

/// As [`leak`] for the GPU, with the variants of this name wherever there are some; and how many there are.
pub fn leak_variants(plan: &Plan, name: &str) -> (&'static p::Program, usize) {
    let mut program = program(plan, None);
    let mut count = 0;
    let optional = [&mut program.evaluate, &mut program.train, &mut program.gradients].into_iter().flatten();
    for schedule in std::iter::once(&mut program.predict).chain(optional) {
        let chosen = |texts: &'static [p::Shader]| {
            let wanted = texts.iter().find(|shader| shader.variant.is_some_and(|variant| variant.name == name));
            count += usize::from(wanted.is_some());
            p::Shader { variant: None, ..*wanted.unwrap_or(&texts[0]) }
        };
        let shaders: Vec<p::Shader> = schedule.dispatches().map(chosen).collect();
        (schedule.shaders, schedule.more_shaders) = (Box::leak(shaders.into_boxed_slice()), &[]);
    }
    (Box::leak(Box::new(program)), count)
}

fn parameter(x: &Parameter) -> p::Parameter {
    p::Parameter {
        name: text(&x.name),
        dims: numbers(&x.dims),
        init: initializer(x.init),
        offset: x.offset,
        trainable: x.trainable,
        zero_row: x.zero_row,
    }
}

fn program(plan: &Plan, kernels: Option<&CpuKernels>) -> p::Program {
    let nothing: CpuPass = (|_| {}, Some(|_| {}));
    let optional = |s: &Option<Schedule>, prefix: &str, kernels: Option<CpuPass>| {
        s.as_ref().map(|s| schedule(plan, s, prefix, kernels.unwrap_or(nothing)))
    };
    p::Program {
        name: text(&plan.name),
        hash: 0,
        fields: list(&plan.fields, |f| p::Field { name: text(&f.name), dims: numbers(&f.dims), classes: f.classes }),
        inputs: plan.inputs,
        sample_weight: plan.sample_weight,
        parameters: list(&plan.parameters, parameter),
        control: list(&plan.control, parameter),
        parameter_floats: plan.parameter_floats,
        trained_floats: plan.trained_floats,
        changed_floats: plan.changed_floats,
        ema: plan.ema,
        states: list(&plan.states, |x| *x as f32),
        scalars: list(&plan.scalars, |x| match *x {
            StepScalar::InverseBatch => p::StepScalar::InverseBatch,
            StepScalar::LearningRate => p::StepScalar::LearningRate,
            StepScalar::BiasCorrection(beta) => p::StepScalar::BiasCorrection(beta),
            StepScalar::Step => p::StepScalar::Step,
            StepScalar::Position => p::StepScalar::Position,
        }),
        learning_rate: plan.learning_rate.map(|x| x as f32),
        skipped: plan.skipped,
        non_finite: plan.non_finite,
        loss_terms: list(&plan.loss_terms, |t| p::LossTerm { value: t.value, weight: t.weight }),
        kept: list(&plan.kept, |x| p::KeptTensor { name: text(&x.name), dims: numbers(&x.dims), offset: x.offset }),
        outputs: list(&plan.outputs, |x| p::Output { name: text(&x.name), dims: numbers(&x.dims) }),
        metrics: list(&plan.metrics, |x| p::Metric {
            name: text(&x.name),
            kind: match x.kind {
                MetricKind::Mean => p::MetricKind::Mean,
                MetricKind::R2 => p::MetricKind::R2,
                MetricKind::Ratio => p::MetricKind::Ratio,
                other => unreachable!("random graphs have no {other:?}"),
            },
            offset: x.offset,
            len: x.len,
            sample_offset: x.sample_offset,
            sample_len: x.sample_len,
        }),
        predict: schedule(plan, &plan.predict, "predict", kernels.map_or(nothing, |k| k.predict)),
        evaluate: optional(&plan.evaluate, "evaluate", kernels.and_then(|k| k.evaluate)),
        train: optional(&plan.train, "train", kernels.and_then(|k| k.train)),
        gradients: optional(&plan.gradients, "gradients", kernels.and_then(|k| k.gradients)),
        flops_per_sample: plan.flops_per_sample,
    }
}

fn schedule(plan: &Plan, s: &Schedule, prefix: &str, (pass, update): CpuPass) -> p::Schedule {
    p::Schedule {
        fixed_floats: s.fixed_floats,
        sample_floats: s.sample_floats,
        fixed_halves: s.fixed_halves,
        sample_halves: s.sample_halves,
        result_floats: s.result_floats,
        result_sample_floats: s.result_sample_floats,
        fields: list(&s.fields, |(field, t)| (*field, sample_offset(&s.tensors[t.0 as usize]))),
        kept: list(&s.kept, |(k, t)| (*k, sample_offset(&s.tensors[t.0 as usize]))),
        outputs: list(&s.outputs, |t| sample_offset(&s.tensors[t.0 as usize])),
        field_gradients: list(&s.field_gradients, |(field, t)| (*field, sample_offset(&s.tensors[t.0 as usize]))),
        shaders: list(&wgsl::print_schedule(plan, s, prefix, 0), shader),
        more_shaders: &[],
        loops: list(&s.loops, |l| {
            let level = |kernel: usize| s.levels.iter().filter(|level| level.end <= kernel).count();
            let (first, end) = (l.kernels.start, l.kernels.end);
            p::Loop { kernels: (first, end), dispatches: (level(first), level(end)), steps: l.steps }
        }),
        resident: wgsl::resident::print(plan).filter(|_| prefix == "train").map(|(program, residence)| p::Resident {
            shader: shader(&program),
            capacity: residence.capacity,
            steps: residence.steps,
        }),
        pass,
        update: update.filter(|_| s.update < s.kernels.len()),
    }
}

fn shader(s: &wgsl::ShaderText) -> p::Shader {
    p::Shader {
        name: text(&s.name),
        entry_point: text(&s.entry_point),
        workgroup_size: s.workgroup_size,
        workgroup_bytes: s.workgroup_bytes,
        bindings: list(&s.bindings, |b| match b {
            wgsl::Binding::Step => p::Binding::Step,
            wgsl::Binding::Arena => p::Binding::Arena,
            wgsl::Binding::Parameters => p::Binding::Parameters,
            wgsl::Binding::Gradients => p::Binding::Gradients,
            wgsl::Binding::Results => p::Binding::Results,
            wgsl::Binding::State0 => p::Binding::State0,
            wgsl::Binding::State1 => p::Binding::State1,
            wgsl::Binding::State2 => p::Binding::State2,
            wgsl::Binding::Records => p::Binding::Records,
            wgsl::Binding::Order => p::Binding::Order,
            wgsl::Binding::Steps => p::Binding::Steps,
            wgsl::Binding::Halves => p::Binding::Halves,
        }),
        workgroups: list(&s.workgroups, |w| p::Workgroups {
            fixed: w.fixed,
            per_sample: w.per_sample,
            points: w.points,
        }),
        wgsl: text(&s.wgsl),
        variant: s.variant.as_ref().map(|v| p::Variant {
            name: text(&v.name),
            tile: v.tile,
            needs: list(&v.needs, |n| match n {
                wgsl::DeviceFeature::Subgroups => p::DeviceFeature::Subgroups,
                wgsl::DeviceFeature::CooperativeMatrix8 => p::DeviceFeature::CooperativeMatrix8,
                wgsl::DeviceFeature::CooperativeMatrix16 => p::DeviceFeature::CooperativeMatrix16,
            }),
            exact: v.exact,
            measured: v.measured,
            classes: list(&v.classes, |c| match c {
                wgsl::DeviceClass::Discrete => p::DeviceClass::Discrete,
                wgsl::DeviceClass::Integrated => p::DeviceClass::Integrated,
                wgsl::DeviceClass::Software => p::DeviceClass::Software,
            }),
        }),
    }
}

fn initializer(i: Initializer) -> p::Initializer {
    match i {
        Initializer::Constant(value) => p::Initializer::Constant(value),
        Initializer::Uniform { low, high } => p::Initializer::Uniform { low, high },
        Initializer::Normal { mean, std } => p::Initializer::Normal { mean, std },
        Initializer::TruncatedNormal { mean, std, low, high } => {
            p::Initializer::TruncatedNormal { mean, std, low, high }
        }
        Initializer::Orthogonal { gain } => p::Initializer::Orthogonal { gain },
    }
}

fn sample_offset(tensor: &Tensor) -> usize {
    match tensor.place {
        Place::Sample(offset) => offset,
        place => panic!("`{}` is at {place:?}, but the host needs it in the arena", tensor.name),
    }
}

fn text(s: &str) -> &'static str {
    Box::leak(s.to_owned().into_boxed_str())
}

fn numbers(n: &[usize]) -> &'static [usize] {
    Box::leak(n.into())
}

fn list<T, U>(items: &[T], f: impl FnMut(&T) -> U) -> &'static [U] {
    Box::leak(items.iter().map(f).collect())
}
