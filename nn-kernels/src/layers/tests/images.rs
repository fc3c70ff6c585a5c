//! Layers of image networks against loops over their definitions.

mod convolutions;
mod losses;
mod norms;
mod pools;

use super::*;
use crate::shape::{
    Grouped, Margins, Padding, PaddingMode, PerAxis, TransposedOptions, WindowOptions, Windows, windows,
};

/// Whole numbers without a pattern that a layer could follow.
fn numbers(n: usize, seed: usize) -> Vec<f64> {
    (0..n).map(|i| ((i * 7919 + seed * 104_729 + i * i * 31) % 23) as f64 - 11.0).collect()
}

/// The elements of `node` for one sample of field 0, where parameter i is `parameters[i]`.
fn run(n: &Network, node: NodeId, x: &[f64], parameters: &[Vec<f64>], training: bool) -> Vec<f64> {
    let batch = x.len() / n.graph.shape(n.graph.id(0)).size();
    let leaf = |leaf: &Leaf| match leaf {
        Leaf::Field(_) => x.to_vec(),
        Leaf::Parameter(i) => parameters[*i].clone(),
        _ => unreachable!("no optimizer here"),
    };
    let env = Environment { batch, leaf: &leaf, learning_rate: 0.0, step: 0, seed: 1, training };
    evaluate(&n.graph, &env)[node.index()].clone()
}

fn network(dims: &[usize]) -> (Network, NodeId) {
    let mut n = Network::default();
    let x = field(&mut n.graph, 0, dims);
    (n, x)
}

/// Applies a function without parameters to one sample.
fn on(dims: &[usize], x: &[f64], f: impl Fn(&mut Graph, NodeId) -> Result<NodeId, Fact>) -> (Vec<usize>, Vec<f64>) {
    let (mut n, node) = network(dims);
    let y = f(&mut n.graph, node).unwrap_or_else(|fact| panic!("{fact:?}"));
    (n.graph.shape(y).dims.clone(), run(&n, y, x, &[], true))
}

/// Element `[c, i, j]` of an image; what lies outside follows the mode.
fn at(x: &[f64], [c, h, w]: [usize; 3], channel: usize, [i, j]: [i64; 2], mode: PaddingMode) -> f64 {
    assert!(channel < c);
    let inside = |i: i64, size: usize| {
        let last = size as i64 - 1;
        match mode {
            _ if (0..=last).contains(&i) => Some(i),
            PaddingMode::Constant => None,
            PaddingMode::Replicate => Some(i.clamp(0, last)),
            PaddingMode::Circular => Some(i.rem_euclid(size as i64)),
            PaddingMode::Reflect if i < 0 => Some(-i),
            PaddingMode::Reflect => Some(2 * last - i),
        }
    };
    match (inside(i, h), inside(j, w)) {
        (Some(i), Some(j)) => x[(channel * h + i as usize) * w + j as usize],
        _ => 0.0,
    }
}

fn transposed_options(
    kernel: usize,
    stride: usize,
    padding: usize,
    output_padding: usize,
    dilation: usize,
) -> TransposedOptions {
    let [kernel, stride, padding, output_padding, dilation] =
        [kernel, stride, padding, output_padding, dilation].map(PerAxis::All);
    TransposedOptions { kernel, stride, padding, output_padding, dilation }
}

fn pooling(kernel: usize, stride: usize, padding: usize, dilation: usize, ceil: bool) -> WindowOptions {
    let [kernel, stride, padding, dilation] = [kernel, stride, padding, dilation].map(PerAxis::All);
    WindowOptions { kernel, stride, padding: Padding::Numbers(padding), dilation, ceil }
}

/// Mean and biased variance.
fn moments(x: &[f64]) -> (f64, f64) {
    let mean = x.iter().sum::<f64>() / x.len() as f64;
    (mean, x.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / x.len() as f64)
}

#[test]
fn padding_puts_elements_around_and_crop_takes_them_away() {
    let x = numbers(2 * 3 * 4, 2);
    let margins = Margins::Each(vec![(2, 1), (0, 3)]);
    for mode in [PaddingMode::Constant, PaddingMode::Reflect, PaddingMode::Replicate, PaddingMode::Circular] {
        let (dims, found) = on(&[2, 3, 4], &x, |g, x| pad(g, x, &margins, mode, 0.0));
        assert_eq!(dims, [2, 6, 7]);
        let position = |p: usize| (p / 42, [(p / 7 % 6) as i64 - 2, (p % 7) as i64]);
        let expected: Vec<f64> =
            (0..84).map(position).map(|(channel, pixel)| at(&x, [2, 3, 4], channel, pixel, mode)).collect();
        assert_eq!(found, expected, "{mode:?}");
        let (dims, back) = on(&[2, 6, 7], &found, |g, x| crop(g, x, &margins));
        assert_eq!((dims, back), (vec![2, 3, 4], x.clone()));
    }
    let (_, sevens) = on(&[1, 2], &[1.0, 2.0], |g, x| pad(g, x, &Margins::All(1), PaddingMode::Constant, 7.0));
    assert_eq!(sevens, [7.0, 1.0, 2.0, 7.0], "the channels' axis is not padded");
    let (_, vector) = on(&[2], &[1.0, 2.0], |g, x| pad(g, x, &Margins::All(1), PaddingMode::Constant, 0.0));
    assert_eq!(vector, [0.0, 1.0, 2.0, 0.0], "a vector's only axis is");
}

#[test]
fn upsampling_repeats_or_mixes() {
    let x = [1.0, 2.0, 3.0, 4.0];
    let (dims, found) = on(&[1, 2, 2], &x, |g, x| upsample(g, x, &PerAxis::Each(vec![2, 3]), Interpolation::Nearest));
    assert_eq!(dims, [1, 4, 6]);
    assert_eq!(found[..12], [1.0, 1.0, 1.0, 2.0, 2.0, 2.0, 1.0, 1.0, 1.0, 2.0, 2.0, 2.0]);
    let (_, found) = on(&[2, 2], &x, |g, x| upsample(g, x, &PerAxis::All(2), Interpolation::Nearest));
    assert_eq!(found, [1.0, 1.0, 2.0, 2.0, 3.0, 3.0, 4.0, 4.0]);

    let x = numbers(2 * 3 * 4, 8);
    for scale in [2, 3, 4, 5] {
        let (_, found) = on(&[2, 3, 4], &x, |g, x| upsample(g, x, &PerAxis::All(scale), Interpolation::Bilinear));
        // PyTorch's formula: sources are clamped at the near edge, neighbours at the far one.
        let source = |i: usize, size: usize| {
            let s = ((i as f64 + 0.5) / scale as f64 - 0.5).max(0.0);
            let low = s.floor() as usize;
            (low, (low + 1).min(size - 1), s - s.floor())
        };
        let mut expected = vec![];
        for (c, i, j) in (0..2 * 3 * 4 * scale * scale)
            .map(|p| (p / (12 * scale * scale), p / (4 * scale) % (3 * scale), p % (4 * scale)))
        {
            let ((r0, r1, u), (c0, c1, v)) = (source(i, 3), source(j, 4));
            let pixel = |r: usize, k: usize| x[(c * 3 + r) * 4 + k];
            let (top, bottom) =
                (pixel(r0, c0) * (1.0 - v) + pixel(r0, c1) * v, pixel(r1, c0) * (1.0 - v) + pixel(r1, c1) * v);
            expected.push(top * (1.0 - u) + bottom * u);
        }
        close(&found, &expected);
    }
    let (_, one) = on(&[1, 1, 1], &[5.0], |g, x| upsample(g, x, &PerAxis::All(3), Interpolation::Bilinear));
    close(&one, &[5.0; 9]);
}

#[test]
fn shuffles_are_pytorchs() {
    let x: Vec<f64> = (0..16).map(f64::from).collect();
    let (dims, y) = on(&[4, 2, 2], &x, |g, x| pixel_shuffle(g, x, 2));
    assert_eq!(dims, [1, 4, 4]);
    assert_eq!(y, [0, 4, 1, 5, 8, 12, 9, 13, 2, 6, 3, 7, 10, 14, 11, 15].map(f64::from));
    let (dims, back) = on(&[1, 4, 4], &y, |g, x| pixel_unshuffle(g, x, 2));
    assert_eq!((dims, back), (vec![4, 2, 2], x.clone()));
    let (_, y) = on(&[6], &x[..6], |g, x| channel_shuffle(g, x, 2));
    assert_eq!(y, [0.0, 3.0, 1.0, 4.0, 2.0, 5.0]);
    let (_, y) = on(&[6, 2], &x[..12], |g, x| channel_shuffle(g, x, 3));
    assert_eq!(y, [0, 1, 4, 5, 8, 9, 2, 3, 6, 7, 10, 11].map(f64::from));
}

#[test]
fn pieces_and_orders_are_what_they_say() {
    let x: Vec<f64> = (0..12).map(f64::from).collect();
    assert_eq!(on(&[3, 4], &x, |g, x| permute(g, x, &[1, 0])).1[..4], [0.0, 4.0, 8.0, 1.0]);
    assert_eq!(on(&[3, 4], &x, |g, x| slice(g, x, 1, Some(-1), -1, 1)).1, [1.0, 2.0, 5.0, 6.0, 9.0, 10.0]);
    assert_eq!(on(&[12], &x, |g, x| slice(g, x, -9, None, 0, 4)).1, [3.0, 7.0, 11.0]);
    assert_eq!(on(&[3, 4], &x, |g, x| slice(g, x, 0, None, 1, 3)), (vec![3, 2], vec![0.0, 3.0, 4.0, 7.0, 8.0, 11.0]));
    let part = |i: usize, sizes: &[usize], equal| {
        let (mut n, node) = network(&[3, 4]);
        let parts = split(&mut n.graph, node, sizes, equal, 1).unwrap();
        run(&n, parts[i], &x, &[], true)
    };
    assert_eq!(part(1, &[2], true), [2.0, 3.0, 6.0, 7.0, 10.0, 11.0]);
    assert_eq!(part(1, &[3, 1], false), [3.0, 7.0, 11.0]);
    for (axis, expected) in [(0, [0.0, 1.0, 2.0, 1.0, 4.0, 9.0]), (-1, [0.0, 1.0, 1.0, 4.0, 2.0, 9.0])] {
        let stacked = apply(&[3], &[&[0.0, 1.0, 2.0], &[1.0, 4.0, 9.0]], |g, x| stack(g, x, axis)).unwrap();
        assert_eq!(stacked, expected);
    }
}

#[test]
fn dropout2d_drops_whole_channels() {
    let ones = vec![1.0; 300 * 4];
    let (_, y) = on(&[300, 2, 2], &ones, |g, x| dropout2d(g, x, 0.25));
    assert!(y.chunks(4).all(|c| c.iter().all(|v| *v == c[0]) && (c[0] == 0.0 || (c[0] - 4.0 / 3.0).abs() < 1e-12)));
    let kept = y.iter().filter(|v| **v != 0.0).count() / 4;
    assert!((195..255).contains(&kept), "{kept}");
    let (mut n, x) = network(&[300, 2, 2]);
    let dropped = dropout2d(&mut n.graph, x, 0.25).unwrap();
    assert_eq!(run(&n, dropped, &ones, &[], false), ones);
}

#[test]
fn gaussian_noise_has_its_deviation_in_training_only() {
    let (mut n, x) = network(&[40_000]);
    let y = gaussian_noise(&mut n.graph, x, 0.5).unwrap();
    let threes = vec![3.0; 40_000];
    let noisy = run(&n, y, &threes, &[], true);
    let (mean, variance) = moments(&noisy);
    assert!((mean - 3.0).abs() < 0.01 && (variance - 0.25).abs() < 0.01, "{mean} {variance}");
    // A normal distribution has 4.55 % beyond two deviations, and 0.27 % beyond three.
    let beyond = |k: f64| noisy.iter().filter(|v| (*v - 3.0).abs() > 0.5 * k).count() as f64 / 40_000.0;
    assert!((beyond(2.0) - 0.0455).abs() < 0.004 && (beyond(3.0) - 0.0027).abs() < 0.0012);
    assert_eq!(run(&n, y, &threes, &[], false), threes);
}

#[test]
fn rules_of_images_fail_with_facts() {
    let conv = |dims: &[usize], axes: usize, options: &Convolution| {
        let (mut n, x) = network(dims);
        let fact = convolution(&mut n, "conv", x, axes, options).unwrap_err();
        assert!(n.parameters.is_empty(), "a layer that fails declares nothing");
        fact
    };
    let options = Convolution::new(8, 3);
    assert_eq!(
        conv(&[28, 28], 2, &options),
        Fact::Layout { operand: 0, shape: vec![28, 28], layout: crate::shape::LAYOUTS[1] }
    );
    let windows = Windows { size: 4, kernel: 7, stride: 1, dilation: 1, before: 1, after: 1, positions: 1 };
    let options = Convolution { kernel: PerAxis::All(7), padding: Padding::Numbers(PerAxis::All(1)), ..options };
    assert_eq!(conv(&[3, 9, 4], 2, &options), Fact::Window { shape: vec![3, 9, 4], axis: 2, windows });
    let options = Convolution { groups: 4, ..Convolution::new(8, 3) };
    let groups = |what, size, groups, divisors| Fact::Groups { what, size, groups, divisors };
    assert_eq!(conv(&[6, 9, 9], 2, &options), groups(Grouped::Channels, 6, 4, vec![3, 6]));
    let options = Convolution { groups: 3, ..Convolution::new(8, 3) };
    assert_eq!(conv(&[6, 9, 9], 2, &options), groups(Grouped::Filters, 8, 3, vec![2, 4]));
    let options = Convolution { groups: 0, ..Convolution::new(8, 3) };
    assert!(matches!(conv(&[6, 9, 9], 2, &options), Fact::Groups { groups: 0, .. }));
    let options = Convolution { stride: PerAxis::All(0), ..Convolution::new(8, 3) };
    assert!(matches!(conv(&[6, 9, 9], 2, &options), Fact::Option { name: "stride", .. }));
    let options = Convolution { kernel: PerAxis::Each(vec![3, 3, 3]), ..Convolution::new(8, 3) };
    let axes = &["height", "width"];
    assert_eq!(conv(&[6, 9, 9], 2, &options), Fact::AxisCount { option: "kernel", given: 3, axes });
    let options = Convolution { dilation: PerAxis::All(usize::MAX), ..Convolution::new(8, 3) };
    assert!(matches!(conv(&[6, 9, 9], 2, &options), Fact::Option { name: "dilation", .. }));
    let largest = PerAxis::All((1 << 31) - 1);
    let (dilation, kernel) = (largest.clone(), largest.clone());
    let options = Convolution { dilation, kernel, ..Convolution::new(8, 3) };
    assert!(matches!(conv(&[6, 9, 9], 2, &options), Fact::Window { .. }));
    let padding = Padding::Numbers(largest);
    let options = Convolution { padding, ..Convolution::new(8, 3) };
    assert!(matches!(conv(&[6, 9, 9], 2, &options), Fact::TooLarge { .. }));
    let (padding, padding_mode) = (Padding::Numbers(PerAxis::All(5)), PaddingMode::Reflect);
    let options = Convolution { padding, padding_mode, ..Convolution::new(8, 3) };
    let too_large =
        |mode, padding, limit| Fact::PaddingTooLarge { mode, shape: vec![6, 5, 9], axis: 1, padding, limit };
    assert_eq!(conv(&[6, 5, 9], 2, &options), too_large(PaddingMode::Reflect, 5, 4));

    let mut g = Graph::new();
    let x = field(&mut g, 0, &[6, 5, 9]);
    assert_eq!(max_pool(&mut g, x, 2, &pooling(2, 2, 2, 1, false)), Err(Fact::PoolPadding { padding: 2, extent: 2 }));
    assert_eq!(
        pad(&mut g, x, &Margins::All(6), PaddingMode::Circular, 0.0),
        Err(too_large(PaddingMode::Circular, 6, 5))
    );
    let crop_fact = Fact::Crop { shape: vec![6, 5, 9], axis: 1, margin: (3, 2) };
    assert_eq!(crop(&mut g, x, &Margins::Each(vec![(3, 2), (0, 0)])), Err(crop_fact));
    let margins = Margins::Each(vec![(0, 0); 4]);
    assert!(matches!(crop(&mut g, x, &margins), Err(Fact::Margins { given: 4, .. })));
    assert!(matches!(pixel_shuffle(&mut g, x, 2), Err(Fact::NotDivisible { size: 6, divisor: 4, .. })));
    assert!(matches!(pixel_shuffle(&mut g, x, usize::MAX), Err(Fact::NotDivisible { .. })));
    assert!(matches!(pixel_unshuffle(&mut g, x, 2), Err(Fact::NotDivisible { axis: 1, .. })));
    assert!(matches!(channel_shuffle(&mut g, x, 4), Err(Fact::Groups { .. })));
    assert!(matches!(permute(&mut g, x, &[0, 1]), Err(Fact::Permutation { .. })));
    assert!(matches!(permute(&mut g, x, &[0, 1, -2]), Err(Fact::AxisTwice { axis: -2, .. })));
    assert!(matches!(split(&mut g, x, &[4], true, 0), Err(Fact::NotDivisible { divisor: 4, .. })));
    assert!(matches!(split(&mut g, x, &[4, 4], false, 0), Err(Fact::Parts { sum: 8, .. })));
    assert!(matches!(split(&mut g, x, &[6, 0], false, 0), Err(Fact::Zero { .. })));
    for (start, end) in [(3, Some(3)), (-7, None), (6, None), (0, Some(7)), (i64::MIN, Some(i64::MAX))] {
        let fact = Fact::Range { shape: vec![6, 5, 9], axis: 0, start, end };
        assert_eq!(slice(&mut g, x, start, end, 0, 1), Err(fact));
    }
    let y = field(&mut g, 1, &[5, 9]);
    assert!(matches!(stack(&mut g, &[x, y], 0), Err(Fact::Stack { operand: 1, .. })));
    assert!(matches!(stack(&mut g, &[y, y], 3), Err(Fact::AxisOutOfRange { axis: 3, .. })));
    assert_eq!(stack(&mut g, &[], 0), Err(Fact::NoParts));
    let windows = transposed_options(2, 2, 0, 2, 1);
    let options = TransposedConvolution { filters: 2, windows, groups: 1, bias: true, init: None, bias_init: None };
    let mut n = Network::default();
    let x = field(&mut n.graph, 0, &[6, 1, 1]);
    let fact = Fact::OutputPadding { output_padding: 2, stride: 2, dilation: 1 };
    assert_eq!(transposed_convolution(&mut n, "up", x, 2, &options), Err(fact));
    let options = TransposedConvolution { windows: transposed_options(2, 2, 1, 0, 1), ..options };
    let fact = Fact::TransposedPadding { shape: vec![6, 1, 1], axis: 1, spread: 2, padding: 1 };
    assert_eq!(transposed_convolution(&mut n, "up", x, 2, &options), Err(fact));
}
