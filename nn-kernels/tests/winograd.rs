//! Which convolutions the CPU computes by Winograd's transforms, as the plan says it.

use nn_kernels::emit::text;
use nn_kernels::graph::{Leaf, Shape};
use nn_kernels::layers::{self, Convolution};
use nn_kernels::network::{Field, Network, Optimizer, Rule};
use nn_kernels::shape::Padding;
use nn_kernels::{Options, compile};

/// Two convolutions, from 3 to 16 and from 16 to `filters` channels, with this kernel; the plan of their training.
fn plan(filters: usize, kernel: usize) -> String {
    let mut n = Network { name: "Seeing".into(), ..Network::default() };
    for (name, channels) in [("x", 3), ("y", filters)] {
        n.fields.push(Field { name: name.into(), dims: vec![channels, 16, 16], classes: None });
    }
    n.inputs = 1;
    let target = n.graph.leaf(Leaf::Field(1), Shape::batched(&[filters, 16, 16]));
    let mut x = n.graph.leaf(Leaf::Field(0), Shape::batched(&[3, 16, 16]));
    for (path, filters) in [("first", 16), ("second", filters)] {
        n.graph.set_label(path);
        let options = Convolution { padding: Padding::Same, ..Convolution::new(filters, kernel) };
        x = layers::convolution(&mut n, path, x, 2, &options).unwrap();
        x = layers::relu(&mut n.graph, x).unwrap();
    }
    n.graph.set_label("loss");
    n.loss = Some(layers::mse(&mut n.graph, x, target).unwrap());
    n.optimizer = Some(Optimizer::new(Rule::Sgd { momentum: 0.0, dampening: 0.0, nesterov: false }, 0.1));
    let plan = text::plan(&compile(&n, &Options::default()));
    plan.split("\ntrain:").nth(1).and_then(|train| train.split("\ngradients:").next()).unwrap().to_owned()
}

#[test]
fn a_convolution_of_many_channels_and_both_its_gradients_go_by_tiles() {
    // The first one has three channels, which do not pay.
    assert_eq!(plan(16, 3).matches("by Winograd's F(2x2, 3x3)").count(), 3);
    assert!(!plan(16, 5).contains("Winograd") && !plan(4, 3).contains("Winograd"));
}
