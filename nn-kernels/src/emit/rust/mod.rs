//! Kernels as Rust source text for the CPU.
//!
//! The text is a thin, fused driver around `nn_runtime::cpu`, whose items it reaches by a path that the caller names.
//! It contains no `unsafe`, allocates nothing, and is generic over the processor's vectors: the runtime compiles each
//! kernel once with AVX2 and FMA and once without, and chooses while running. What computes much is compiled with AVX-512, too
//! (`vector` decides).
//!
//! A contraction is a call of one of the runtime's engines (`product`, `windowed`), followed by its epilogue. Everything else is loops
//! over vectors (`body`): `nest` makes few axes of many, `vector` decides which axis the lanes run along,
//! `place` decides between which loops each value is computed. Networks that are so small that calls would dominate become
//! one region of straight-line code instead (`small`).

mod body;
mod memory;
mod nest;
mod place;
mod product;
mod reduction;
mod reuse;
mod small;
mod text;
mod vector;
mod window;
mod windowed;
mod winograd;

use std::collections::{BTreeSet, HashMap};

use self::body::Body;
use self::memory::{Arenas, Seen};
use self::nest::Nest;
use self::product::ProductText;
use self::text::Lines;
use self::vector::Lanes;
use crate::ir::{Index, Kernel, TensorId, Value};
use crate::plan::{Plan, Schedule};

/// What [`print()`] makes of a schedule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RustText {
    /// The function that runs the kernels up to the update: `fn(&mut Pass<'_>)`.
    pub pass: String,
    /// The function that runs the update's kernels: `fn(&mut Update<'_>)`. `None` where nothing is updated.
    pub update: Option<String>,
    /// The functions of the kernels, in order.
    pub kernels: Vec<String>,
    /// Items to be put into one module: the two functions (visible outside of it), and for each kernel a function and
    /// mostly a type, unless the module has them. All names begin with the prefix, so that several schedules fit into one module.
    pub source: String,
}

/// The functions and types that a module has already. Schedules have many kernels in common, and many more that differ only in
/// the places of their tensors: what is equal is printed and compiled once.
#[derive(Clone, Debug, Default)]
pub struct Items {
    /// The name of each kernel's function, by what stands behind the name.
    functions: HashMap<String, String>,
    /// The nests that have types.
    nests: Vec<PrintedNest>,
}

#[derive(Clone, Debug)]
struct PrintedNest {
    nest: Nest,
    written: BTreeSet<TensorId>,
    /// The statements that run it.
    call: String,
}

/// Whether a network is so small that all kernels of a pass are one function.
pub fn is_one_region(plan: &Plan) -> bool {
    small::suits(plan)
}

/// Whether the CPU computes this kernel by Winograd's transforms: what the plan says about it.
pub(crate) fn is_winograd(kernel: &Kernel) -> bool {
    ProductText::new(kernel, "", false).is_some_and(|product| product.winograd)
}

/// Prints a schedule's kernels. `prefix` is an identifier in lower case (`train`), `runtime` the path of
/// `nn_runtime::cpu` as the generated code sees it (`::nn::__private::cpu`), `items` what other schedules have put into the
/// same module, and `shared` the functions of the first [`Schedule::shared`] kernels, which are among them.
pub fn print(
    plan: &Plan,
    schedule: &Schedule,
    prefix: &str,
    runtime: &str,
    items: &mut Items,
    shared: &[String],
) -> RustText {
    let pass = format!("{prefix}_pass");
    let update = (schedule.update < schedule.kernels.len()).then(|| format!("{prefix}_update"));
    let small = small::suits(plan);
    let mut kernels = Lines::default();
    let mut names = shared.to_vec();
    for (i, kernel) in schedule.kernels.iter().enumerate().skip(shared.len()) {
        let name = format!("{prefix}_{i:02}_{}", kernel.name);
        let printer =
            KernelPrinter { small, ..KernelPrinter::new(runtime, plan, schedule, kernel, i >= schedule.update) };
        names.push(printer.print(&name, items, &mut kernels));
    }
    let mut lines = Lines::default();
    let list = if small { small::list } else { list };
    list(&mut lines, runtime, &pass, "Pass", &calls(schedule, &names, small));
    if let Some(update) = &update {
        let calls: Vec<String> = names[schedule.update..].iter().map(|name| call(name, small)).collect();
        list(&mut lines, runtime, update, "Update", &calls);
    }
    lines.text(&kernels.into_text());
    RustText { pass, update, kernels: names, source: lines.into_text() }
}

/// The statement that calls a kernel.
fn call(kernel: &str, small: bool) -> String {
    if small { format!("{kernel}(s, cx);") } else { format!("{kernel}(cx);") }
}

/// The statements that call the pass's kernels, those of loops for each of their steps.
fn calls(schedule: &Schedule, kernels: &[String], small: bool) -> Vec<String> {
    let mut calls = vec![];
    for (i, kernel) in kernels[..schedule.update].iter().enumerate() {
        let around = schedule.loop_of(i);
        if let Some(l) = around.filter(|l| l.kernels.start == i) {
            calls.push(format!("for loop_step in 0..{} {{", l.steps));
            calls.push("cx.loop_step = loop_step;".to_owned());
        }
        calls.push(call(kernel, small));
        if around.is_some_and(|l| l.kernels.end == i + 1) {
            calls.push("}".to_owned());
        }
    }
    calls
}

/// The function that makes calls in order.
fn list(lines: &mut Lines, runtime: &str, name: &str, context: &str, calls: &[String]) {
    if calls.is_empty() {
        return lines.line(format!("pub(super) fn {name}(_: &mut {runtime}::{context}<'_>) {{}}"));
    }
    lines.open(format!("pub(super) fn {name}(cx: &mut {runtime}::{context}<'_>) {{"));
    calls.iter().for_each(|call| lines.line(call));
    lines.close("}");
}

/// Additions below which a second thread does not pay, as in the runtime.
const WORTH: usize = 1 << 20;
/// Rows that stay together where vectors run along rows: pairs of vectors.
const ROWS: usize = 16;
/// A larger batch than this is not what decides whether a kernel can use several threads.
const LARGE_BATCH: usize = 512;

struct KernelPrinter<'a> {
    runtime: &'a str,
    plan: &'a Plan,
    arenas: Arenas,
    /// What the kernel touches. It knows its tensors by their numbers in here, so that equal kernels are equal text.
    tensors: Vec<Seen<'a>>,
    kernel: Kernel,
    update: bool,
    /// Whether the kernel is a part of one region; see `small`.
    small: bool,
}

impl<'a> KernelPrinter<'a> {
    fn new(runtime: &'a str, plan: &'a Plan, schedule: &'a Schedule, kernel: &Kernel, update: bool) -> Self {
        let used = kernel.tensors();
        let tensors = used.iter().map(|&t| Seen::of(schedule, t)).collect();
        let number = |t: TensorId| TensorId(used.iter().position(|u| *u == t).unwrap_or_default() as u32);
        let mut kernel = kernel.clone();
        for stage in &mut kernel.stages {
            for value in &mut stage.body {
                if let Value::Load { tensor, .. } | Value::Gather { tensor, .. } = value {
                    *tensor = number(*tensor);
                }
            }
            stage.stores.iter_mut().for_each(|s| s.tensor = number(s.tensor));
        }
        KernelPrinter { runtime, plan, arenas: Arenas::of(schedule), tensors, kernel, update, small: false }
    }

    /// Prints what the module does not have yet, and gives the name of the kernel's function.
    fn print(&self, name: &str, items: &mut Items, lines: &mut Lines) -> String {
        let text = ProductText::new(&self.kernel, self.runtime, self.small);
        let (nest, mut inside) = match text {
            None => {
                let mut nest = Nest::new(&self.kernel);
                reuse::reuse(&mut nest);
                (Some(nest), Lines::default())
            }
            Some(product) => {
                let mut call = Lines::default();
                call.line(&product.call);
                (product.epilogue, call)
            }
        };
        let written: BTreeSet<TensorId> = self.kernel.stages.iter().flat_map(|s| &s.stores).map(|s| s.tensor).collect();
        let mut kernel_type = Lines::default();
        if let Some(nest) = nest {
            let known = items.nests.iter().position(|known| known.nest == nest && known.written == written);
            let at = known.unwrap_or_else(|| {
                let mut call = Lines::default();
                self.nest(&nest, &written, name, &mut kernel_type, &mut call);
                items.nests.push(PrintedNest { nest, written: written.clone(), call: call.into_text() });
                items.nests.len() - 1
            });
            inside.text(&items.nests[at].call);
        }
        let memory = memory::bind(self.runtime, self.arenas, &self.tensors, &written, self.update);
        let context = if self.update { "Update" } else { "Pass" };
        let mut function = Lines::default();
        let (attribute, head) = match self.small {
            true => ("#[inline(always)]\n", small::head(self.runtime, context)),
            false => ("", format!("(cx: &mut {}::{context}<'_>) {{", self.runtime)),
        };
        function.open(head);
        for number in ["batch", "capacity"] {
            if memory.mention(number) || inside.mention(number) {
                function.line(format!("let {number} = cx.step.{number} as usize;"));
            }
        }
        if memory.mention("loop_step") || inside.mention("loop_step") {
            function.line("let loop_step = cx.loop_step;");
        }
        function.block(&memory);
        function.block(&inside);
        function.close("}");
        let function = function.into_text();
        if let Some(known) = items.functions.get(&function) {
            return known.clone();
        }
        lines.text(&format!("\n{attribute}fn {name}{function}{}", kernel_type.into_text()));
        items.functions.insert(function, name.to_owned());
        name.to_owned()
    }

    /// The type that runs a nest, and the statements that run it.
    fn nest(&self, nest: &Nest, written: &BTreeSet<TensorId>, kernel: &str, kernel_type: &mut Lines, call: &mut Lines) {
        let runtime = self.runtime;
        let rows = rows(nest, written);
        let split = rows.as_ref().is_some_and(|_| {
            let operations = vector::operations_of_row(nest, LARGE_BATCH);
            !self.small && operations.saturating_mul(nest.outer[0].at(LARGE_BATCH)) > WORTH
        });
        let lanes = vector::choose(nest);
        let long = vector::is_long(nest, lanes);
        let body = Body { runtime, nest, lanes, scalars: &self.plan.scalars, written, split, long }.print();

        let mut fields: Vec<(String, &str)> = vec![];
        let step = format!("&'a {runtime}::StepUniform");
        let numbers = ["first", "rows", "batch", "loop_step"].map(|field| (field, "usize"));
        for (field, kind) in numbers.into_iter().chain([("step", step.as_str())]) {
            if body.mention(field) {
                fields.push((field.into(), kind));
            }
        }
        for t in tensors(nest) {
            fields.push((format!("t{}", t.0), if written.contains(&t) { "&'a mut [f32]" } else { "&'a [f32]" }));
        }
        let values = fields.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ");
        let name = text::camel(kernel);
        self.kernel_type(&name, &fields, long, &body, kernel_type);

        if body.mention("step") {
            call.line("let step = cx.step;");
        }
        let run = match (self.small, long) {
            (true, true) => format!("{runtime}::WideKernel::run({name} {{ {values} }}, s)"),
            (true, false) => format!("{runtime}::Kernel::run({name} {{ {values} }}, s)"),
            (false, true) => format!("{runtime}::dispatch_wide({name} {{ {values} }})"),
            (false, false) => format!("{runtime}::dispatch({name} {{ {values} }})"),
        };
        match rows {
            Some(rows) if split => {
                let size = nest.outer[0];
                // The batch may be among the loops inside of a row.
                let fixed = vector::operations_of_row(nest, 0);
                let operations = match (fixed, vector::operations_of_row(nest, 1) - fixed) {
                    (fixed, 0) => fixed.to_string(),
                    (0, each) => format!("batch * {each}"),
                    (fixed, each) => format!("{fixed} + batch * {each}"),
                };
                let whole = if lanes == Lanes::Outer(0) { ROWS } else { 1 };
                let parts: Vec<String> = rows.iter().map(|(t, row)| format!("(&mut *t{}, {row})", t.0)).collect();
                let locals: Vec<String> = rows.iter().map(|(t, _)| format!("t{}", t.0)).collect();
                let first = if body.mention("first") { "first" } else { "_" };
                call.line(format!(
                    "{runtime}::split_rows({}, {operations}, {whole}, [{}], &|{first}, rows, [{}]| {run});",
                    size.text(),
                    parts.join(", "),
                    locals.join(", ")
                ));
            }
            _ => call.line(format!("{run};")),
        }
    }

    /// A type of these fields that runs this body, with vectors of eight lanes or with long ones.
    fn kernel_type(&self, name: &str, fields: &[(String, &str)], long: bool, body: &Lines, lines: &mut Lines) {
        let runtime = self.runtime;
        lines.line("");
        lines.open(format!("struct {name}<'a> {{"));
        fields.iter().for_each(|(name, kind)| lines.line(format!("{name}: {kind},")));
        lines.close("}");
        lines.line("");
        if long {
            lines.open(format!("impl {runtime}::WideKernel for {name}<'_> {{"));
            lines.line("#[inline(always)]");
            lines.open(format!("fn run<S: {runtime}::Wide>(self, s: S) {{"));
            lines.line(format!("use {runtime}::Vectors as _;"));
            lines.line("let s = s.long();");
        } else {
            lines.open(format!("impl {runtime}::Kernel for {name}<'_> {{"));
            lines.line("type Output = ();");
            lines.line("#[inline(always)]");
            lines.open(format!("fn run<S: {runtime}::Simd>(self, s: S) {{"));
        }
        let names: Vec<&str> = fields.iter().map(|(name, _)| name.as_str()).collect();
        lines.line(format!("let Self {{ {} }} = self;", names.join(", ")));
        lines.block(body);
        lines.close("}");
        lines.close("}");
    }
}

/// The tensors that a nest touches, in order.
fn tensors(nest: &Nest) -> BTreeSet<TensorId> {
    let stages = nest.stages.iter().map(|s| &s.stage);
    let loads = stages.clone().flat_map(|s| &s.body).filter_map(|v| match v {
        Value::Load { tensor, .. } | Value::Gather { tensor, .. } => Some(*tensor),
        _ => None,
    });
    loads.chain(stages.flat_map(|s| &s.stores).map(|s| s.tensor)).collect()
}

/// For each written tensor, how much of it belongs to one point of the first axis; `None` if these parts do not lie one
/// behind another, so that the axis cannot be split between threads.
fn rows(nest: &Nest, written: &BTreeSet<TensorId>) -> Option<Vec<(TensorId, usize)>> {
    nest.outer.first()?;
    let mut rows: Vec<(TensorId, usize)> = vec![];
    for loops in nest.stages.iter().enumerate().map(|(n, s)| (nest.sizes(n), &s.stage)) {
        let (sizes, stage) = loops;
        let loads = stage.body.iter().filter_map(|v| match v {
            Value::Load { tensor, index, .. } if written.contains(tensor) => Some((*tensor, index)),
            _ => None,
        });
        for (tensor, index) in stage.stores.iter().map(|s| (s.tensor, &s.index)).chain(loads) {
            let row = usize::try_from(index.stride(0)?).ok().filter(|&row| row > 0)?;
            let inside = span(index, &sizes)?;
            if inside >= row || rows.iter().any(|&(t, r)| t == tensor && r != row) {
                return None;
            }
            if !rows.contains(&(tensor, row)) {
                rows.push((tensor, row));
            }
        }
    }
    Some(rows)
}

/// The largest value of an affine index whose first axis is 0; `None` if it is not affine, depends on the batch or can
/// be negative.
fn span(index: &Index, sizes: &[nest::Size]) -> Option<usize> {
    if !index.is_affine() {
        return None;
    }
    let mut span = usize::try_from(index.offset).ok()?;
    for (axis, size) in sizes.iter().enumerate().skip(1) {
        let stride = usize::try_from(index.stride(axis)?).ok()?;
        if stride > 0 && size.batch {
            return None;
        }
        span += stride * (size.times - 1);
    }
    Some(span)
}

#[cfg(test)]
mod tests;
