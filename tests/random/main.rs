//! Random graphs: fused, unfused, on the CPU, on the GPU and in the f64 interpreter, they compute the same.
//!
//! `NN_RANDOM_SEED` is the number of the first graph (0 by default); it is read when the tests are built, since those that
//! run on the CPU are printed as Rust by the build script.

use nn::Device;
use nn_kernels::graph::{Contraction, Op};
use nn_kernels::{Options, compile, random_graph};
use nn_tests::oracle::{Results, Sample};
use nn_tests::{CpuKernels, gpu, leak};

include!(concat!(env!("OUT_DIR"), "/random_graphs.rs"));

/// How far an unfused network may be from the fused one, in f64 and rounded once, relative to a tensor's largest number.
const FUSION: f64 = 1e-7;
/// How far f32 may be from f64, likewise.
const ROUNDING: f64 = 3e-5;
/// The same in mixed precision: what f32 and f64 see on two sides of the middle between two f16 is rounded to both of them, 2^-11 apart, and
/// what is computed from that differs as much.
const ROUNDING_TO_F16: f64 = 4e-3;

fn rounding(seed: u32) -> f64 {
    if random_graph::is_mixed(seed) { ROUNDING_TO_F16 } else { ROUNDING }
}

/// Runs `check` for the graphs of a range, and fails with everything that it said about any of them.
fn for_graphs(range: std::ops::Range<u32>, check: impl Fn(u32) -> Vec<String>) {
    let wrong: Vec<String> = (range)
        .map(|i| FIRST_SEED.wrapping_add(i))
        .flat_map(|seed| check(seed).into_iter().map(move |what| format!("graph {seed}: {what}")))
        .collect();
    assert!(wrong.is_empty(), "{} differences\n{}", wrong.len(), wrong.join("\n"));
}

fn expected(seed: u32, fuse: bool) -> Result<(Sample, Results), String> {
    let plan = compile(&random_graph::network(seed), &Options { fuse });
    let sample = Sample::new(&plan, seed);
    let results = sample.interpret(&plan)?;
    Ok((sample, results))
}

/// Fused = unfused = WGSL. (A shader's first dispatch is what takes time; so most graphs run two programs, and each fourth
/// all of them.)
fn check(seed: u32) -> Result<Vec<String>, String> {
    let (sample, expected) = expected(seed, true)?;
    let (_, unfused) = self::expected(seed, false)?;
    let mut wrong = unfused.differences(&expected, FUSION);
    if let Some(device) = gpu() {
        let plan = compile(&random_graph::network(seed), &Options::default());
        let got = sample.play(leak(&plan, None), device, seed.is_multiple_of(4)).map_err(|e| e.to_string())?;
        wrong.extend(got.differences(&expected, rounding(seed)));
    }
    Ok(wrong)
}

/// Many tests of some graphs each, so that they run side by side.
macro_rules! quarters {
    ($($name:ident: $range:expr;)+) => { $(
        #[test]
        fn $name() {
            for_graphs($range, |seed| check(seed).unwrap_or_else(|e| vec![e]));
        }
    )+ };
}

quarters! {
    graphs_of_the_first_quarter: 0..50;
    graphs_of_the_second_quarter: 50..100;
    graphs_of_the_third_quarter: 100..150;
    graphs_of_the_fourth_quarter: 150..200;
}

#[test]
fn graphs_that_were_printed_as_rust() {
    let convolutions: usize = (0..RUST.len() as u32).map(|i| convolutions(FIRST_SEED.wrapping_add(i))).sum();
    assert!(convolutions >= 60, "{convolutions} convolutions");
    for_graphs(0..RUST.len() as u32, |seed| {
        let plan = compile(&random_graph::network(seed), &Options::default());
        let program = leak(&plan, Some(&RUST[seed.wrapping_sub(FIRST_SEED) as usize]));
        let results = expected(seed, true).and_then(|(sample, expected)| {
            let got = sample.play(program, &Device::cpu(), true).map_err(|e| e.to_string())?;
            Ok(got.differences(&expected, rounding(seed)))
        });
        results.unwrap_or_else(|e| vec![e])
    });
}

/// How many of a network's products have windows; those with a kernel of 1 are not counted.
fn convolutions(seed: u32) -> usize {
    let network = random_graph::network(seed);
    let has_windows = |c: &Contraction| c.a.iter().chain(&c.b).any(|access| access.as_axis().is_none());
    network.graph.nodes().filter(|(_, n)| matches!(&n.op, Op::Contract(c) if has_windows(c))).count()
}

#[test]
fn the_graphs_have_convolutions() {
    let convolutions: usize = (0..200).map(|i| convolutions(FIRST_SEED.wrapping_add(i))).sum();
    assert!(convolutions >= 200, "{convolutions} convolutions");
}

/// Kernels that do nothing are found out: the comparisons compare.
#[test]
fn a_program_without_kernels_differs() {
    let plan = compile(&random_graph::network(FIRST_SEED), &Options::default());
    let (sample, expected) = expected(FIRST_SEED, true).unwrap();
    let got = sample.play(leak(&plan, None), &Device::cpu(), true).unwrap();
    assert!(!got.differences(&expected, 1e-2).is_empty());
}
