//! Programs that train inside one workgroup: which networks have one, what it says, and that it is valid everywhere.

mod common;

use nn_kernels::emit::wgsl::resident::{self, Residence};
use nn_kernels::graph::{Leaf, Shape};
use nn_kernels::layers::{self, Affine};
use nn_kernels::network::{Field, Network, Optimizer, Rule};
use nn_kernels::plan::Plan;
use nn_kernels::{Options, compile, random_graph};

/// `inputs`-`hidden`-1 with tanh, mean squared error and gradient descent.
fn curve(inputs: usize, hidden: &[usize]) -> Plan {
    let field = |name: &str, n| Field { name: name.into(), dims: vec![n], classes: None };
    let mut n = Network {
        name: "Curve".into(),
        fields: vec![field("x", inputs), field("y", 1)],
        inputs: 1,
        ..Network::default()
    };
    let mut x = n.graph.leaf(Leaf::Field(0), Shape::batched(&[inputs]));
    let y = n.graph.leaf(Leaf::Field(1), Shape::batched(&[1]));
    for (i, &width) in hidden.iter().enumerate() {
        let path = format!("h{i}.dense");
        n.graph.set_label(&path);
        x = layers::dense(&mut n, &path, x, &Affine::new(width)).unwrap();
        x = layers::tanh(&mut n.graph, x).unwrap();
    }
    n.graph.set_label("fitted.dense");
    let fitted = layers::dense(&mut n, "fitted.dense", x, &Affine::new(1)).unwrap();
    n.outputs = vec![("fitted".into(), fitted)];
    n.graph.set_label("loss");
    n.loss = Some(layers::mse(&mut n.graph, fitted, y).unwrap());
    n.optimizer = Some(Optimizer::new(Rule::Sgd { momentum: 0.0, dampening: 0.0, nesterov: false }, 0.1));
    compile(&n, &Options::default())
}

#[test]
fn size_decides_and_the_plan_says_so() {
    let small = resident::residence(&curve(1, &[16, 16])).expect("a few hundred weights fit");
    assert!((2..=256).contains(&small.steps), "{small:?}");
    assert!(small.capacity >= 32 && small.workgroup_bytes <= 16 << 10, "{small:?}");
    let wider = resident::residence(&curve(1, &[24, 24])).expect("some more fit with fewer samples");
    assert!(wider.capacity < small.capacity, "{wider:?}");
    assert_eq!(resident::residence(&curve(1, &[64, 64])), None);
    assert_eq!(resident::residence(&curve(1000, &[2])), None, "a batch of wide samples");
    assert_eq!(resident::residence(&curve(1, &[2; 40])), None, "more kernels than a driver likes to compile together");
}

#[test]
fn all_invocations_share_a_long_sum() {
    let (shader, residence) = resident::print(&curve(1, &[1])).unwrap();
    assert!(residence.capacity > 400, "{residence:?}");
    assert!(shader.wgsl.contains("// All invocations together for each point."), "{}", shader.wgsl);
    common::check_shader(&shader);
}

#[test]
fn resident_programs_are_valid_everywhere() {
    let mut found = 0;
    for seed in 0..200 {
        let plan = compile(&random_graph::network(seed), &Options::default());
        let Some((shader, Residence { capacity, workgroup_bytes, .. })) = resident::print(&plan) else { continue };
        found += 1;
        common::check_shader(&shader);
        assert!(capacity % 4 == 0 && workgroup_bytes <= 16 << 10, "network {seed}: {capacity}, {workgroup_bytes}");
        assert_eq!(shader.workgroup_bytes as usize, workgroup_bytes);
        assert!(shader.bindings.len() <= 9, "eight storage buffers and the uniform: {:?}", shader.bindings);
    }
    assert!(found > 20, "only {found} of the random networks fit");
}
