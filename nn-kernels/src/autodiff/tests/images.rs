//! Layers of image networks against central differences, in the middle of a graph.

use super::*;
use crate::layers::{BatchNorm, Convolution, Interpolation, TransposedConvolution};
use crate::shape::{Margins, Padding, PaddingMode, PerAxis, TransposedOptions, WindowOptions};

/// Small images, so that differences of every element are taken in no time.
fn image(bench: &mut Bench, channels: usize, least: usize) -> Vec<usize> {
    vec![channels, least + bench.rng.below(3), least + bench.rng.below(3)]
}

fn pair(bench: &mut Bench, low: usize, high: usize) -> PerAxis {
    PerAxis::Each((0..2).map(|_| low + bench.rng.below(high - low + 1)).collect())
}

#[test]
fn convolutions() {
    for seed in 0..3 * TRIALS {
        let mut bench = Bench::new(seed);
        bench.batch = bench.batch.min(2);
        let groups = 1 + bench.rng.below(3);
        let (channels, filters) = (groups * (1 + bench.rng.below(2)), groups * (1 + bench.rng.below(2)));
        let dims = image(&mut bench, channels, 3);
        let modes = [PaddingMode::Constant, PaddingMode::Reflect, PaddingMode::Replicate, PaddingMode::Circular];
        let options = Convolution {
            kernel: pair(&mut bench, 1, 3),
            stride: pair(&mut bench, 1, 3),
            dilation: PerAxis::All(1 + seed as usize % 2),
            padding: Padding::Numbers(pair(&mut bench, 1, 2)),
            padding_mode: modes[seed as usize % 4],
            groups,
            bias: seed % 3 != 0,
            ..Convolution::new(filters, 1)
        };
        let x = bench.batched(&dims, REAL);
        let y = layers::convolution(&mut bench.network, "conv2d", x, 2, &options).unwrap();
        bench.check("convolution", y);
    }
}

#[test]
fn convolutions_of_sequences_and_volumes() {
    let mut bench = Bench::new(1);
    let x = bench.batched(&[2, 6], REAL);
    let y = layers::convolution(&mut bench.network, "a", x, 1, &Convolution::new(2, 3)).unwrap();
    let y = layers::convolution(&mut bench.network, "b", y, 1, &Convolution::new(1, 2)).unwrap();
    bench.check("conv1d", y);
    let mut bench = Bench::new(2);
    bench.batch = 1;
    let x = bench.batched(&[1, 3, 3, 2], REAL);
    let y = layers::convolution(&mut bench.network, "a", x, 3, &Convolution::new(2, 2)).unwrap();
    bench.check("conv3d", y);
    let mut bench = Bench::new(3);
    let x = bench.batched(&[2, 3, 3], REAL);
    let options = Convolution { padding: Padding::Same, ..Convolution::new(3, 2) };
    let y = layers::separable_convolution(&mut bench.network, "a", x, &options).unwrap();
    bench.check("separable convolution", y);
}

#[test]
fn transposed_convolutions() {
    for seed in 0..2 * TRIALS {
        let mut bench = Bench::new(seed);
        bench.batch = bench.batch.min(2);
        let groups = 1 + bench.rng.below(2);
        let (channels, filters) = (groups * (1 + bench.rng.below(2)), groups * (1 + bench.rng.below(2)));
        let dims = image(&mut bench, channels, 1);
        let stride = 1 + bench.rng.below(3);
        let windows = TransposedOptions {
            kernel: pair(&mut bench, 2, 3),
            stride: PerAxis::All(stride),
            padding: pair(&mut bench, 0, 1),
            output_padding: PerAxis::All(bench.rng.below(stride)),
            dilation: PerAxis::All(1 + seed as usize % 2),
        };
        let x = bench.batched(&dims, REAL);
        let options = TransposedConvolution { filters, windows, groups, bias: true, init: None, bias_init: None };
        match layers::transposed_convolution(&mut bench.network, "up", x, 2, &options) {
            Ok(y) => bench.check("transposed convolution", y),
            Err(fact) => assert!(matches!(fact, Fact::TransposedPadding { .. }), "{fact:?}"),
        }
    }
}

#[test]
fn pools() {
    for seed in 0..2 * TRIALS {
        let kernel = 1 + seed as usize % 3;
        let options = |bench: &mut Bench| WindowOptions {
            kernel: PerAxis::All(kernel),
            stride: if seed % 4 == 0 { PerAxis::All(kernel) } else { pair(bench, 1, 3) },
            padding: Padding::Numbers(PerAxis::All(if seed % 4 == 0 { 0 } else { bench.rng.below(kernel / 2 + 1) })),
            dilation: PerAxis::All(1),
            ceil: seed % 3 == 1,
        };
        let mut bench = Bench::new(seed);
        let dims = image(&mut bench, 2, 3);
        let windows = options(&mut bench);
        let x = bench.batched(&dims, REAL);
        let y = layers::max_pool(bench.graph(), x, 2, &windows).unwrap();
        bench.check("max pool", y);

        let mut bench = Bench::new(seed);
        let dims = image(&mut bench, 2, 3);
        let windows = options(&mut bench);
        let x = bench.batched(&dims, REAL);
        let y = layers::avg_pool(bench.graph(), x, 2, &windows, seed % 2 == 0).unwrap();
        bench.check("avg pool", y);
    }
    for seed in 0..TRIALS {
        type Pool = fn(&mut Graph, NodeId) -> Result<NodeId, Fact>;
        let pools: [(&str, Pool); 4] = [
            ("global max pool", layers::global_max_pool),
            ("global avg pool", layers::global_avg_pool),
            ("adaptive avg pool", |g, x| layers::adaptive_avg_pool2d(g, x, &PerAxis::Each(vec![2, 3]))),
            ("dilated max pool", |g, x| {
                let (kernel, stride, dilation) = (PerAxis::All(2), PerAxis::All(1), PerAxis::All(2));
                let padding = Padding::Numbers(PerAxis::All(1));
                layers::max_pool(g, x, 2, &WindowOptions { kernel, stride, padding, dilation, ceil: false })
            }),
        ];
        for (name, pool) in pools {
            let mut bench = Bench::new(seed);
            let dims = image(&mut bench, 2, 3);
            let x = bench.batched(&dims, REAL);
            let y = pool(bench.graph(), x).unwrap();
            bench.check(name, y);
        }
    }
}

#[test]
fn the_first_of_equal_maxima_in_a_window_takes_the_gradient() {
    let mut g = Graph::new();
    let x = g.leaf(Leaf::Field(0), Shape::batched(&[1, 2, 4]));
    let (kernel, stride, dilation) = (PerAxis::All(2), PerAxis::Each(vec![2, 1]), PerAxis::All(1));
    let padding = Padding::Valid;
    let options = WindowOptions { kernel, stride, padding, dilation, ceil: false };
    let y = layers::max_pool(&mut g, x, 2, &options).unwrap();
    let seed = g.filled(1.0, &Shape::batched(&[1, 1, 3]));
    let gradient = gradients(&mut g, y, seed, &[x])[0].unwrap();
    // Three overlapping windows: equal maxima in a row, in a column, and one that belongs to two windows.
    let leaf = |_: &Leaf| vec![5.0, 5.0, 0.0, 7.0, 5.0, 2.0, 7.0, 7.0];
    let env = Environment { batch: 1, leaf: &leaf, learning_rate: 0.0, step: 0, seed: 0, training: true };
    assert_eq!(evaluate(&g, &env)[gradient.index()], [1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0]);
}

#[test]
fn normalizations() {
    for seed in 0..TRIALS {
        for affine in [true, false] {
            let batch = |positions: bool| {
                let mut bench = Bench::new(seed);
                bench.batch = bench.batch.max(2);
                let dims = if positions { image(&mut bench, 2, 1) } else { vec![3] };
                let x = bench.batched(&dims, REAL);
                let options = BatchNorm { momentum: 0.1, eps: 0.1, affine };
                let y = layers::batch_norm(&mut bench.network, "batch_norm", x, &options).unwrap();
                // The statistics are no trainable parameters.
                for (i, p) in bench.network.parameters.iter().enumerate().filter(|(_, p)| !p.trainable) {
                    bench.leaves.insert(Leaf::Parameter(i), vec![0.5; p.dims[0]]);
                }
                bench.check("batch norm", y);
            };
            batch(true);
            batch(false);
            type Norm = fn(&mut Network, NodeId, bool) -> Result<NodeId, Fact>;
            let norms: [(&str, Norm); 6] = [
                ("layer norm", |n, x, affine| layers::layer_norm(n, "a", x, None, 0.1, affine)),
                ("layer norm, all", |n, x, affine| layers::layer_norm(n, "a", x, Some(&[0, 1, 2]), 0.1, affine)),
                ("layer norm, channels", |n, x, affine| layers::layer_norm(n, "a", x, Some(&[0]), 0.1, affine)),
                ("rms norm", |n, x, affine| layers::rms_norm(n, "a", x, None, 0.1, affine)),
                ("group norm", |n, x, affine| layers::group_norm(n, "a", x, 2, 0.1, affine)),
                ("instance norm", |n, x, affine| layers::instance_norm(n, "a", x, 0.1, affine)),
            ];
            for (name, norm) in norms {
                let mut bench = Bench::new(seed);
                bench.batch = bench.batch.min(3);
                let dims = image(&mut bench, 4, 1);
                let x = bench.batched(&dims, REAL);
                let y = norm(&mut bench.network, x, affine).unwrap();
                bench.check(name, y);
            }
        }
        let mut bench = Bench::new(seed);
        let x = bench.batched(&[5, 2], REAL);
        let size = 1 + bench.rng.below(4);
        let y = layers::local_response_norm(bench.graph(), x, size, 0.5, 0.75, 1.0).unwrap();
        bench.check("local response norm", y);
    }
}

#[test]
fn elements_elsewhere() {
    type Move = fn(&mut Graph, NodeId) -> Result<NodeId, Fact>;
    let margins = Margins::Each(vec![(2, 1), (0, 2)]);
    let pad = |mode: PaddingMode, value: f64| {
        let margins = margins.clone();
        move |g: &mut Graph, x: NodeId| layers::pad(g, x, &margins, mode, value)
    };
    for seed in 0..2 {
        for (mode, value) in [
            (PaddingMode::Constant, 0.0),
            (PaddingMode::Constant, 1.5),
            (PaddingMode::Reflect, 0.0),
            (PaddingMode::Replicate, 0.0),
            (PaddingMode::Circular, 0.0),
        ] {
            let mut bench = Bench::new(seed);
            let x = bench.batched(&[2, 3, 3], REAL);
            let y = pad(mode, value)(bench.graph(), x).unwrap();
            bench.check(mode.name(), y);
        }
        let moves: [(&str, Move); 11] = [
            ("crop", |g, x| layers::crop(g, x, &Margins::Each(vec![(1, 0), (1, 1)]))),
            ("nearest", |g, x| layers::upsample(g, x, &PerAxis::Each(vec![2, 3]), Interpolation::Nearest)),
            ("bilinear", |g, x| layers::upsample(g, x, &PerAxis::Each(vec![2, 3]), Interpolation::Bilinear)),
            ("pixel shuffle", |g, x| layers::pixel_shuffle(g, x, 2)),
            ("pixel unshuffle", |g, x| {
                let x = layers::pad(g, x, &Margins::All(1), PaddingMode::Constant, 0.0)?;
                let x = layers::crop(g, x, &Margins::Each(vec![(0, 1), (1, 0)]))?;
                layers::pixel_unshuffle(g, x, 2)
            }),
            ("channel shuffle", |g, x| layers::channel_shuffle(g, x, 2)),
            ("permute", |g, x| layers::permute(g, x, &[2, 0, -2])),
            ("slice with steps", |g, x| layers::slice(g, x, 1, None, -1, 2)),
            ("split and stack", |g, x| {
                let parts = layers::split(g, x, &[2], true, 0)?;
                layers::stack(g, &[parts[1], parts[0], parts[1]], 1)
            }),
            ("dropout2d", |g, x| layers::dropout2d(g, x, 0.4)),
            ("gaussian noise", |g, x| layers::gaussian_noise(g, x, 0.3)),
        ];
        for (name, f) in moves {
            let mut bench = Bench::new(seed);
            let x = bench.batched(&[4, 3, 3], REAL);
            let y = f(bench.graph(), x).unwrap();
            bench.check(name, y);
        }
    }
}

#[test]
fn losses_of_regions() {
    for seed in 0..TRIALS {
        for gamma in [2.0, 1.5, 0.0] {
            let mut bench = Bench::new(seed);
            let x = bench.batched(&[3, 2, 2], REAL);
            let node = bench.labels(&[2, 2], 3);
            let target = Target::Classes { node, classes: 3 };
            let alpha = (seed % 2 == 0).then_some(0.3);
            let y = layers::focal_loss(bench.graph(), x, target, gamma, alpha, Some(0)).unwrap();
            bench.check("focal loss of classes", y);

            let mut bench = Bench::new(seed);
            let x = bench.batched(&[3, 2], REAL);
            let t = bench.batched(&[3, 2], (0.1, 1.0));
            let y = layers::focal_loss(bench.graph(), x, Target::Values(t), gamma, alpha, None).unwrap();
            bench.check("focal loss", y);
        }
        let mut bench = Bench::new(seed);
        let x = bench.batched(&[3, 2, 2], (0.1, 1.0));
        let node = bench.labels(&[2, 2], 3);
        let y = layers::dice_loss(
            bench.graph(),
            x,
            Target::Classes { node, classes: 3 },
            Some(0),
            0.1,
            layers::Counting::default(),
        )
        .unwrap();
        bench.check("dice loss of classes", y);

        let mut bench = Bench::new(seed);
        let x = bench.batched(&[3, 2], (0.1, 1.0));
        let t = bench.batched(&[3, 2], (0.1, 1.0));
        let axis = (seed % 2 == 0).then_some(0);
        let y = layers::dice_loss(bench.graph(), x, Target::Values(t), axis, 0.1, layers::Counting::default()).unwrap();
        bench.check("dice loss", y);
    }
}
