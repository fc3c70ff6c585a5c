//! What fusion must achieve on networks that everybody trains: the kernels one would write by hand.

use nn_kernels::emit::wgsl::print_schedule;
use nn_kernels::graph::{Leaf, Shape};
use nn_kernels::layers::{self, Affine, Target};
use nn_kernels::network::{Field, Group, Network, Optimizer, Rule};
use nn_kernels::plan::{Place, Plan, Schedule};
use nn_kernels::shape::{Padding, PerAxis, WindowOptions};
use nn_kernels::{Options, compile};

fn features(n: usize) -> Affine {
    Affine::new(n)
}

/// 784-128-64-10 with relu, cross-entropy, accuracy and Adam.
fn mlp() -> Network {
    classifier(&[128, 64])
}

/// A classifier of 784 numbers with these hidden widths.
fn classifier(hidden: &[usize]) -> Network {
    let mut n = Network {
        name: "Mlp".into(),
        fields: vec![
            Field { name: "image".into(), dims: vec![784], classes: None },
            Field { name: "label".into(), dims: vec![], classes: Some(10) },
        ],
        inputs: 1,
        ..Network::default()
    };
    let image = n.graph.leaf(Leaf::Field(0), Shape::batched(&[784]));
    let label = n.graph.leaf(Leaf::Field(1), Shape::batched(&[]));
    let mut x = image;
    for (i, &width) in hidden.iter().enumerate() {
        let path = format!("h{i}.dense");
        n.graph.set_label(&path);
        x = layers::dense(&mut n, &path, x, &features(width)).unwrap();
        x = layers::relu(&mut n.graph, x).unwrap();
    }
    n.graph.set_label("logits.dense");
    let logits = layers::dense(&mut n, "logits.dense", x, &features(10)).unwrap();
    n.graph.set_label("probability");
    let probability = layers::softmax(&mut n.graph, logits, -1).unwrap();
    n.outputs = vec![("probability".into(), probability)];
    n.graph.set_label("loss");
    let target = Target::Classes { node: label, classes: 10 };
    n.loss = Some(layers::cross_entropy(&mut n.graph, logits, target, -1, 0.0).unwrap());
    n.graph.set_label("accuracy");
    let accuracy = layers::accuracy(&mut n.graph, logits, target, -1, None).unwrap();
    n.metrics = vec![layers::mean_metric(&mut n.graph, "accuracy", accuracy).unwrap()];
    n.optimizer = Some(Optimizer {
        rule: Rule::Adam { beta1: 0.9, beta2: 0.999, eps: 1e-8, amsgrad: false },
        learning_rate: 1e-3,
        weight_decay: 0.0,
        clip_norm: None,
        clip_value: None,
        skip_non_finite: false,
        ema: None,
        groups: vec![],
    });
    n
}

fn names(schedule: &Schedule) -> Vec<String> {
    schedule.kernels.iter().map(|k| format!("{} {:?}", k.name, k.covers)).collect()
}

fn plan(fuse: bool) -> Plan {
    compile(&mlp(), &Options { fuse })
}

#[test]
fn a_prediction_is_one_kernel_a_layer_and_a_softmax() {
    let plan = plan(true);
    assert_eq!(plan.predict.kernels.len(), 4, "{:#?}", names(&plan.predict));
    assert_eq!(plan.predict.kernels.iter().filter(|k| k.contraction().is_some()).count(), 3);
}

#[test]
fn a_training_step_has_no_kernel_to_spare() {
    let plan = plan(true);
    let train = plan.train.as_ref().unwrap();
    // 3 products forward, 3 for the weights, 2 for the hidden layers, 3 sums for the biases, one row kernel for
    // loss, accuracy and the logits' gradient, one for the batch's means, one for the optimizer.
    assert_eq!(train.kernels.len(), 14, "{:#?}", names(train));
    assert_eq!(train.kernels.iter().filter(|k| k.contraction().is_some()).count(), 8);
    assert_eq!(train.kernels.len() - train.update, 1, "the optimizer is one dispatch");
}

#[test]
fn only_true_dependencies_separate_dispatches() {
    let plan = plan(true);
    let train = plan.train.as_ref().unwrap();
    // Three products forward and the row kernel; then for each layer the sums for its bias, the products for its weight and for
    // the layer before it, at first together with the batch's means; the optimizer.
    let sizes: Vec<usize> = train.levels.iter().map(|level| level.len()).collect();
    assert_eq!(sizes, [1, 1, 1, 1, 4, 3, 2, 1], "{:#?}", names(train));
    let shaders = print_schedule(&plan, train, "train", 0);
    assert_eq!(shaders.len(), sizes.len());
    let together = &shaders[4];
    assert_eq!((together.name.as_str(), together.kernels.clone()), ("train_06_logits_dense_contract_1_and_3", 4..8));
    for kernel in 4..8 {
        let function = format!("train_{kernel:02}_{}(", train.kernels[kernel].name);
        assert_eq!(together.wgsl.matches(&function).count(), 2, "{function}: declared and called");
    }
    assert_eq!(together.workgroups.len(), 4);
    // The sums for a bias are stored one by one, so the products for the weight are too; all of them read the arena in fours.
    for shader in &shaders[5..7] {
        assert!(shader.wgsl.contains("gradients: array<f32>"), "{}", shader.wgsl);
        assert!(shader.wgsl.contains("arena: array<vec4<f32>>"), "{}", shader.wgsl);
    }
    // What `gradients` adds comes behind what it shares with training.
    let gradients = plan.gradients.as_ref().unwrap();
    assert_eq!(gradients.levels[..7], train.levels[..7]);
    assert_eq!(gradients.levels.len(), 8);
    assert_eq!(gradients.levels[7], gradients.shared..gradients.kernels.len());
}

#[test]
fn activations_and_biases_stand_in_the_epilogues_of_products() {
    let plan = plan(true);
    let first = &plan.predict.kernels[0];
    assert_eq!(
        first.covers,
        ["h0.dense: contract, add, less or equal, select"].map(String::from),
        "{:#?}",
        names(&plan.predict)
    );
}

#[test]
fn flattening_an_image_costs_nothing() {
    let mut n = Network {
        fields: vec![Field { name: "image".into(), dims: vec![1, 28, 28], classes: None }],
        inputs: 1,
        ..Network::default()
    };
    let image = n.graph.leaf(Leaf::Field(0), Shape::batched(&[1, 28, 28]));
    let flat = layers::flatten(&mut n.graph, image).unwrap();
    let y = layers::dense(&mut n, "y.dense", flat, &features(10)).unwrap();
    n.outputs = vec![("y".into(), y)];
    let plan = compile(&n, &Options::default());
    assert_eq!(plan.predict.kernels.len(), 1, "{:#?}", names(&plan.predict));
    assert!(plan.predict.kernels[0].contraction().is_some());
}

#[test]
fn the_arena_is_smaller_than_one_buffer_for_each_tensor() {
    let plan = plan(true);
    for schedule in [Some(&plan.predict), plan.train.as_ref(), plan.gradients.as_ref()].into_iter().flatten() {
        let all: usize =
            schedule.tensors.iter().filter(|t| matches!(t.place, Place::Sample(_))).map(|t| t.size()).sum();
        assert!(schedule.sample_floats < all, "{} of {all}", schedule.sample_floats);
    }
}

#[test]
fn without_fusion_each_operation_has_its_kernel() {
    let plan = plan(false);
    assert!(plan.train.as_ref().unwrap().kernels.len() > 30);
}

#[test]
fn the_work_of_a_sample_is_counted() {
    let expected = 2 * (784 * 128 + 128 * 64 + 64 * 10);
    let flops = plan(true).flops_per_sample;
    assert!((expected..expected + 1000).contains(&flops), "{flops}, products alone are {expected}");
}

#[test]
fn compile_time_grows_with_the_number_of_layers_and_not_faster() {
    // Printed, not asserted: these machines are shared. The macro's whole expansion has its own figure.
    for layers in [2, 50, 200] {
        let network = classifier(&vec![64; layers]);
        let start = std::time::Instant::now();
        let plan = compile(&network, &Options::default());
        println!("{layers} hidden layers: {} kernels in {:?}", plan.train.unwrap().kernels.len(), start.elapsed());
    }
}

/// A convolution, batch normalization, an activation and a pool, as they are in inference.
#[test]
fn what_follows_a_convolution_stands_in_its_epilogue() {
    for groups in [1, 2] {
        let mut n = Network { name: "Seeing".into(), ..Network::default() };
        n.fields.push(Field { name: "x".into(), dims: vec![4, 8, 8], classes: None });
        n.inputs = 1;
        let x = n.graph.leaf(Leaf::Field(0), Shape::batched(&[4, 8, 8]));
        let options = layers::Convolution { groups, ..layers::Convolution::new(8, 3) };
        let x = layers::convolution(&mut n, "conv2d", x, 2, &options).unwrap();
        let x = layers::batch_norm(&mut n, "batch_norm", x, &layers::BatchNorm::default()).unwrap();
        let x = layers::relu(&mut n.graph, x).unwrap();
        let y = layers::global_max_pool(&mut n.graph, x).unwrap();
        n.outputs.push(("y".into(), y));
        let plan = compile(&n, &Options::default());
        let [convolution, pool] = &plan.predict.kernels[..] else { panic!("{:#?}", plan.predict.kernels) };
        assert!(convolution.contraction().is_some());
        let unary = |k: &nn_kernels::ir::Kernel| k.stages.iter().flat_map(|s| &s.body).count();
        assert!(unary(convolution) > 10 && unary(pool) <= 3, "{convolution:#?} {pool:#?}");
    }
}

/// Two convolutions, each with batch normalization, an activation and a pool, as they are in training.
#[test]
fn what_is_cheap_is_computed_where_it_is_read() {
    let mut n = Network { name: "Seeing".into(), ..Network::default() };
    n.fields.push(Field { name: "x".into(), dims: vec![1, 16, 16], classes: None });
    n.fields.push(Field { name: "y".into(), dims: vec![8, 4, 4], classes: None });
    n.inputs = 1;
    let mut x = n.graph.leaf(Leaf::Field(0), Shape::batched(&[1, 16, 16]));
    let y = n.graph.leaf(Leaf::Field(1), Shape::batched(&[8, 4, 4]));
    let pieces = WindowOptions {
        kernel: PerAxis::All(2),
        stride: PerAxis::All(2),
        padding: Padding::Valid,
        dilation: PerAxis::All(1),
        ceil: false,
    };
    for path in ["a", "b"] {
        let options = layers::Convolution { bias: false, padding: Padding::Same, ..layers::Convolution::new(8, 3) };
        n.graph.set_label(&format!("{path}.conv2d"));
        x = layers::convolution(&mut n, &format!("{path}.conv2d"), x, 2, &options).unwrap();
        n.graph.set_label(&format!("{path}.norm"));
        x = layers::batch_norm(&mut n, &format!("{path}.norm"), x, &layers::BatchNorm::default()).unwrap();
        x = layers::relu(&mut n.graph, x).unwrap();
        n.graph.set_label(&format!("{path}.pool"));
        x = layers::max_pool(&mut n.graph, x, 2, &pieces).unwrap();
    }
    n.graph.set_label("loss");
    let loss = layers::mse(&mut n.graph, x, y).unwrap();
    n.loss = Some(layers::per_sample_loss(&mut n.graph, loss).unwrap());
    n.outputs.push(("z".into(), x));
    let plan = compile(&n, &Options::default());
    let gradients = plan.gradients.as_ref().unwrap();
    // Nowhere is there a kernel that only normalizes or applies an activation: the pool does so to what it reads, and so do, behind
    // the pool's gradient, the two kernels of the normalization's gradient.
    let expected = [
        "a_conv2d_contract",
        "a_norm_reduce",
        "a_pool_reduce",
        "b_conv2d_contract",
        "b_norm_reduce",
        "b_pool_reduce",
        "loss_reduce",
        "b_norm_reduce_1",
        "loss_reduce_1",
        "b_norm_map",
        "b_conv2d_contract_1",
        "b_conv2d_contract_2",
        "a_norm_reduce_1",
        "a_norm_map",
        "a_conv2d_contract_1",
        "a_conv2d_contract_2",
    ];
    let found: Vec<&str> = gradients.kernels.iter().map(|k| &*k.name).collect();
    assert_eq!(found, expected, "{:#?}", names(gradients));
}

#[test]
fn each_group_of_parameters_is_a_range_with_one_kernel() {
    let mut network = mlp();
    let optimizer = network.optimizer.as_mut().unwrap();
    optimizer.clip_norm = Some(1.0);
    let group = |pattern: &str, learning_rate, weight_decay| Group {
        patterns: vec![pattern.to_owned()],
        learning_rate,
        weight_decay,
    };
    optimizer.groups = vec![group("*.bias", None, Some(0.0)), group("h0.*", Some(1e-4), None)];
    let plan = compile(&network, &Options::default());
    let offset = |name: &str| plan.parameters.iter().find(|p| p.name == name).unwrap().offset;
    // First what is in no group, then each group.
    assert!(offset("logits.dense.weight") < offset("h0.dense.bias"));
    assert!(offset("h0.dense.bias").max(offset("logits.dense.bias")) < offset("h0.dense.weight"));
    let train = plan.train.unwrap();
    let update: Vec<&str> = train.kernels[train.update..].iter().map(|k| k.name.as_str()).collect();
    assert_eq!(update[update.len() - 3..], ["optimizer_map", "optimizer_group_0_map", "optimizer_group_1_map"]);
    // They do not depend on each other: one dispatch.
    assert_eq!(train.levels.last().unwrap().len(), 3);
}
