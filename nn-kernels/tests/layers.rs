//! Every layer of image networks becomes shaders that are valid everywhere: for prediction, training and its gradients.

mod common;

use nn_kernels::emit::wgsl::print_schedule;
use nn_kernels::graph::{Leaf, NodeId, Shape};
use nn_kernels::layers::{self, BatchNorm, Convolution, Interpolation, Target, TransposedConvolution};
use nn_kernels::network::{Field, Network, Optimizer, Rule};
use nn_kernels::shape::{Fact, Margins, Padding, PaddingMode, PerAxis, TransposedOptions, WindowOptions};
use nn_kernels::{Options, compile};

type Layer = fn(&mut Network, NodeId) -> Result<NodeId, Fact>;

fn window(kernel: usize, stride: usize, padding: usize, ceil: bool) -> WindowOptions {
    let [kernel, stride, padding] = [kernel, stride, padding].map(PerAxis::All);
    WindowOptions { kernel, stride, padding: Padding::Numbers(padding), dilation: PerAxis::All(1), ceil }
}

fn convolution(kernel: usize) -> Convolution {
    Convolution { padding: Padding::Numbers(PerAxis::All(kernel / 2)), ..Convolution::new(8, kernel) }
}

/// Layers of an image `[4, 10, 9]`.
const LAYERS: [(&str, Layer); 34] = [
    ("conv2d", |n, x| layers::convolution(n, "a", x, 2, &convolution(3))),
    ("conv2d, kernel 1", |n, x| layers::convolution(n, "a", x, 2, &convolution(1))),
    ("conv2d, strides", |n, x| {
        layers::convolution(n, "a", x, 2, &Convolution { stride: PerAxis::Each(vec![2, 3]), ..convolution(3) })
    }),
    ("conv2d, dilation", |n, x| {
        layers::convolution(n, "a", x, 2, &Convolution { dilation: PerAxis::All(2), ..convolution(3) })
    }),
    ("conv2d, groups", |n, x| layers::convolution(n, "a", x, 2, &Convolution { groups: 2, ..convolution(3) })),
    ("conv2d, depthwise", |n, x| layers::convolution(n, "a", x, 2, &Convolution { groups: 4, ..convolution(5) })),
    ("conv2d, reflect", |n, x| {
        layers::convolution(n, "a", x, 2, &Convolution { padding_mode: PaddingMode::Reflect, ..convolution(3) })
    }),
    ("conv2d, circular", |n, x| {
        layers::convolution(n, "a", x, 2, &Convolution { padding_mode: PaddingMode::Circular, ..convolution(3) })
    }),
    ("conv1d", |n, x| {
        let x = layers::reshape(&mut n.graph, x, &[4, 90])?;
        layers::convolution(n, "a", x, 1, &convolution(7))
    }),
    ("conv3d", |n, x| {
        let x = layers::reshape(&mut n.graph, x, &[1, 4, 10, 9])?;
        layers::convolution(n, "a", x, 3, &convolution(3))
    }),
    ("separable_conv2d", |n, x| layers::separable_convolution(n, "a", x, &convolution(3))),
    ("conv_transpose2d", |n, x| {
        let [kernel, padding, dilation] = [3, 1, 1].map(PerAxis::All);
        let (stride, output_padding) = (PerAxis::Each(vec![2, 3]), PerAxis::All(1));
        let windows = TransposedOptions { kernel, stride, padding, output_padding, dilation };
        let options = TransposedConvolution { filters: 6, windows, groups: 2, bias: true, init: None, bias_init: None };
        layers::transposed_convolution(n, "a", x, 2, &options)
    }),
    ("max_pool2d", |n, x| layers::max_pool(&mut n.graph, x, 2, &window(3, 2, 1, false))),
    ("max_pool2d, ceil", |n, x| layers::max_pool(&mut n.graph, x, 2, &window(2, 2, 0, true))),
    ("avg_pool2d", |n, x| layers::avg_pool(&mut n.graph, x, 2, &window(3, 2, 1, true), true)),
    ("avg_pool2d, without padding", |n, x| layers::avg_pool(&mut n.graph, x, 2, &window(3, 2, 1, false), false)),
    ("global_max_pool", |n, x| layers::global_max_pool(&mut n.graph, x)),
    ("global_avg_pool", |n, x| layers::global_avg_pool(&mut n.graph, x)),
    ("adaptive_avg_pool2d", |n, x| layers::adaptive_avg_pool2d(&mut n.graph, x, &PerAxis::Each(vec![5, 4]))),
    ("batch_norm", |n, x| layers::batch_norm(n, "a", x, &BatchNorm::default())),
    ("layer_norm", |n, x| layers::layer_norm(n, "a", x, Some(&[0, 1, 2]), 1e-5, true)),
    ("rms_norm", |n, x| layers::rms_norm(n, "a", x, None, 1e-5, true)),
    ("group_norm", |n, x| layers::group_norm(n, "a", x, 2, 1e-5, true)),
    ("instance_norm", |n, x| layers::instance_norm(n, "a", x, 1e-5, false)),
    ("local_response_norm", |n, x| layers::local_response_norm(&mut n.graph, x, 3, 1e-4, 0.75, 1.0)),
    ("dropout2d", |n, x| layers::dropout2d(&mut n.graph, x, 0.5)),
    ("gaussian_noise", |n, x| layers::gaussian_noise(&mut n.graph, x, 0.5)),
    ("upsample", |n, x| layers::upsample(&mut n.graph, x, &PerAxis::All(2), Interpolation::Nearest)),
    ("upsample, bilinear", |n, x| layers::upsample(&mut n.graph, x, &PerAxis::All(2), Interpolation::Bilinear)),
    ("pad, reflect", |n, x| layers::pad(&mut n.graph, x, &Margins::All(2), PaddingMode::Reflect, 0.0)),
    ("pad, constant", |n, x| layers::pad(&mut n.graph, x, &Margins::All(2), PaddingMode::Constant, 1.0)),
    ("slice", |n, x| layers::slice(&mut n.graph, x, 1, None, -1, 2)),
    ("pixel_shuffle", |n, x| layers::pixel_shuffle(&mut n.graph, x, 2)),
    ("channel_shuffle", |n, x| layers::channel_shuffle(&mut n.graph, x, 2)),
];

/// A layer between a pointwise convolution and a loss, with an optimizer.
fn network(layer: Layer) -> Network {
    let mut n = Network { name: "Layer".into(), ..Network::default() };
    let image = n.graph.leaf(Leaf::Field(0), Shape::batched(&[4, 10, 9]));
    let x = layers::convolution(&mut n, "before", image, 2, &Convolution::new(4, 1)).unwrap();
    let x = layers::tanh(&mut n.graph, x).unwrap();
    let y = layer(&mut n, x).unwrap();
    let dims = n.graph.shape(y).dims.clone();
    let target = n.graph.leaf(Leaf::Field(1), Shape::batched(&dims));
    n.fields = vec![
        Field { name: "image".into(), dims: vec![4, 10, 9], classes: None },
        Field { name: "target".into(), dims, classes: None },
    ];
    n.inputs = 1;
    n.outputs = vec![("y".into(), y)];
    n.loss = Some(layers::mse(&mut n.graph, y, target).unwrap());
    n.metrics = vec![
        layers::iou(&mut n.graph, "iou", y, Target::Values(target), None, None, layers::Counting::default()).unwrap(),
    ];
    let sgd = Optimizer::new(Rule::Sgd { momentum: 0.9, dampening: 0.0, nesterov: false }, 1e-2);
    n.optimizer = Some(Optimizer { clip_norm: Some(1.0), ..sgd });
    n
}

#[test]
fn every_layer_is_valid_everywhere() {
    for (name, layer) in LAYERS {
        println!("{name}");
        let plan = compile(&network(layer), &Options::default());
        let schedules = [Some(&plan.predict), plan.evaluate.as_ref(), plan.train.as_ref(), plan.gradients.as_ref()];
        for (schedule, title) in schedules.into_iter().flatten().zip(["predict", "evaluate", "train", "gradients"]) {
            print_schedule(&plan, schedule, title, 0).iter().for_each(common::check_shader);
        }
    }
}
