//! Large matrix products have two texts, for two kinds of devices; both give the same bits.

use nn_kernels::graph::{Leaf, Shape};
use nn_kernels::layers::{self, Affine};
use nn_kernels::network::{Field, Network};
use nn_kernels::plan::Plan;
use nn_kernels::{Options, compile};
use nn_runtime::private::{DataSet, Net};
use nn_runtime::program::Program;
use nn_tests::{Noise, gpu, leak, leak_in_panels};

/// Neither tiles nor panels divide it.
const WIDTH: usize = 1100;
const BATCH: usize = 70;

/// Three layers: products with a weight, with its transpose, and over the batch.
fn plan() -> Plan {
    let field = |name: &str| Field { name: name.into(), dims: vec![WIDTH], classes: None };
    let mut n = Network { name: "Wide".into(), fields: vec![field("x"), field("y")], inputs: 1, ..Network::default() };
    let mut h = n.graph.leaf(Leaf::Field(0), Shape::batched(&[WIDTH]));
    let y = n.graph.leaf(Leaf::Field(1), Shape::batched(&[WIDTH]));
    for name in ["first", "second", "third"] {
        n.graph.set_label(name);
        h = layers::dense(&mut n, name, h, &Affine::new(WIDTH)).unwrap();
        h = layers::tanh(&mut n.graph, h).unwrap();
    }
    n.outputs = vec![("h".into(), h)];
    n.loss = Some(layers::mse(&mut n.graph, h, y).unwrap());
    compile(&n, &Options::default())
}

/// What comes out, as bits: outputs, and all gradients.
fn bits(program: &'static Program) -> Vec<u32> {
    let mut noise = Noise::new(1);
    let mut net = Net::new(gpu().unwrap(), program, 1).unwrap();
    for p in program.parameters {
        let values: Vec<f32> = (0..p.dims.iter().product()).map(|_| 0.05 * noise.next()).collect();
        net.set_parameter(p.name, &values).unwrap();
    }
    let fields = (0..2).map(|_| (0..BATCH * WIDTH).map(|_| noise.next()).collect()).collect();
    let data = DataSet::from_flat(program.fields, fields).unwrap();
    let mut values = net.predict(&[data.input(0)]).unwrap().concat();
    let gradients = net.gradients(&data).unwrap();
    program.parameters.iter().for_each(|p| values.extend(gradients.parameter(p.name).unwrap()));
    values.extend(gradients.input("x").unwrap());
    values.iter().map(|v| v.to_bits()).collect()
}

#[test]
fn products_in_panels_give_the_same_bits() {
    let plan = plan();
    let (panels, count) = leak_in_panels(&plan);
    assert!(count >= 9, "three layers forward twice, and their gradients: {count}");
    if gpu().is_some() {
        let (direct, panels) = (bits(leak(&plan, None)), bits(panels));
        let differ = direct.iter().zip(&panels).filter(|(a, b)| a != b).count();
        assert_eq!((differ, direct.len()), (0, panels.len()));
        assert!(direct.iter().any(|&b| f32::from_bits(b).abs() > 0.1), "there are results");
    }
}
