//! Random networks: the fused kernels, the unfused ones and the graph's definition agree in f64, and every shader is
//! valid. (`tests/` of the workspace runs the same networks on devices.)

mod common;

use common::sample::{Sample, differences};
use nn_kernels::emit::wgsl::print_schedule;
use nn_kernels::graph::{Contraction, Op};
use nn_kernels::layers::weighted_mean;
use nn_kernels::plan::{Plan, Schedule};
use nn_kernels::{Options, compile, random_graph};

/// How many networks there are.
const NETWORKS: u32 = 200;

fn schedules(plan: &Plan) -> impl Iterator<Item = (&'static str, &Schedule)> {
    let optional = [("evaluate", &plan.evaluate), ("train", &plan.train), ("gradients", &plan.gradients)];
    std::iter::once(("predict", &plan.predict)).chain(optional.into_iter().filter_map(|(n, s)| Some((n, s.as_ref()?))))
}

#[test]
fn fused_and_unfused_kernels_compute_what_the_graph_says() {
    let mut wrong = vec![];
    for seed in 0..NETWORKS {
        let network = random_graph::network(seed);
        let fused = compile(&network, &Options { fuse: true });
        let unfused = compile(&network, &Options { fuse: false });
        let sample = Sample::new(&fused, seed, 1 + seed as usize % 6);
        let want = sample.reference(&network, &fused);
        for (what, plan) in [("fused", &fused), ("unfused", &unfused)] {
            match sample.interpret(plan) {
                Ok(got) => wrong
                    .extend(differences(&got, &want, 1e-8).into_iter().map(|d| format!("network {seed}, {what}: {d}"))),
                Err(e) => wrong.push(format!("network {seed}, {what}: {e}")),
            }
        }
    }
    assert!(wrong.is_empty(), "{} differences\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn the_networks_are_worth_comparing() {
    // Numbers are neither lost nor all the same, and every kind of thing occurs.
    let (mut contractions, mut rows, mut random, mut convolutions) = (0, 0, 0, 0);
    // Penalties, constraints, groups, running averages, and losses of what counts.
    let mut options = [0; 5];
    for seed in 0..NETWORKS {
        let network = random_graph::network(seed);
        let reached = network.graph.nodes().filter(|(_, n)| matches!(&n.op, Op::Contract(c) if has_windows(c)));
        convolutions += reached.count();
        let optimizer = network.optimizer.as_ref().expect("random networks have one");
        for (count, occurs) in options.iter_mut().zip([
            !network.penalties.is_empty(),
            !network.constraints.is_empty(),
            !optimizer.groups.is_empty(),
            optimizer.ema.is_some(),
            network.loss.is_some_and(|loss| weighted_mean(&network.graph, loss).is_some()),
        ]) {
            *count += usize::from(occurs);
        }
        let plan = compile(&network, &Options::default());
        let results = Sample::new(&plan, seed, 3).interpret(&plan).expect("a plan that runs");
        for (name, values) in &results {
            assert!(values.iter().all(|v| v.abs() < 1e6), "network {seed}: {name}: {values:?}");
        }
        let kernels = schedules(&plan).flat_map(|(_, s)| &s.kernels);
        for kernel in kernels {
            contractions += usize::from(kernel.contraction().is_some());
            rows += usize::from(kernel.stages.len() > 2 && kernel.stages.iter().all(|s| !s.inner.is_empty()));
            let values = kernel.stages.iter().flat_map(|s| &s.body);
            random += values.filter(|v| matches!(v, nn_kernels::ir::Value::Random { .. })).count();
        }
    }
    assert!(contractions > 1000 && rows > 20 && random > 50, "{contractions} {rows} {random}");
    assert!(convolutions >= 200, "{convolutions} convolutions");
    assert!(options.iter().all(|count| *count >= 20), "{options:?}");
}

fn has_windows(c: &Contraction) -> bool {
    c.a.iter().chain(&c.b).any(|access| access.as_axis().is_none())
}

#[test]
fn every_shader_is_valid_everywhere() {
    for seed in 0..NETWORKS / 8 {
        let plan = compile(&random_graph::network(seed), &Options::default());
        for (name, schedule) in schedules(&plan) {
            print_schedule(&plan, schedule, name, 0).iter().for_each(common::check_shader);
        }
    }
}
