//! Prints random graphs as Rust, for `random/main.rs`.

use std::fmt::Write;
use std::path::Path;
use std::{env, fs};

use nn_kernels::emit::rust;
use nn_kernels::plan::Schedule;
use nn_kernels::{Options, compile, random_graph};

/// How many graphs are printed.
const GRAPHS: u32 = 60;
/// Where the runtime is, to the tests.
const RUNTIME: &str = "::nn_runtime::cpu";

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=NN_RANDOM_SEED");
    let first: u32 = match env::var("NN_RANDOM_SEED") {
        Ok(seed) => seed.parse().expect("NN_RANDOM_SEED is a number below 2^32"),
        Err(_) => 0,
    };
    let mut text = format!("/// The number of the first graph.\nconst FIRST_SEED: u32 = {first};\n");
    let mut table = String::new();
    for i in 0..GRAPHS {
        let plan = compile(&random_graph::network(first.wrapping_add(i)), &Options::default());
        let _ = writeln!(text, "#[allow(warnings, clippy::all)]\nmod graph_{i} {{");
        let mut items = rust::Items::default();
        let mut print = |schedule: &Schedule, prefix: &str| {
            let printed = rust::print(&plan, schedule, prefix, RUNTIME, &mut items, &[]);
            text.push_str(&printed.source);
            let path = |name: &str| format!("graph_{i}::{name}");
            let update = printed.update.map_or("None".into(), |u| format!("Some({})", path(&u)));
            format!("({}, {update})", path(&printed.pass))
        };
        let mut optional = |schedule: &Option<Schedule>, prefix: &str| {
            schedule.as_ref().map_or("None".into(), |s| format!("Some({})", print(s, prefix)))
        };
        let evaluate = optional(&plan.evaluate, "evaluate");
        let train = optional(&plan.train, "train");
        let gradients = optional(&plan.gradients, "gradients");
        let predict = print(&plan.predict, "predict");
        text.push_str("}\n");
        let _ = writeln!(
            table,
            "    CpuKernels {{ predict: {predict}, evaluate: {evaluate}, train: {train}, gradients: {gradients} }},"
        );
    }
    let _ = writeln!(text, "/// The first graphs' kernels.\nconst RUST: &[CpuKernels] = &[\n{table}];");
    let out = env::var_os("OUT_DIR").expect("cargo sets it");
    fs::write(Path::new(&out).join("random_graphs.rs"), text).expect("the build folder is writable");
}
