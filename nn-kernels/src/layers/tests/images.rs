//! Layers of image networks against loops over their definitions.

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

struct Conv {
    dims: [usize; 3],
    filters: usize,
    groups: usize,
    kernel: [usize; 2],
    stride: [usize; 2],
    dilation: [usize; 2],
    padding: [usize; 2],
    mode: PaddingMode,
}

impl Conv {
    fn options(&self) -> Convolution {
        Convolution {
            kernel: PerAxis::Each(self.kernel.to_vec()),
            stride: PerAxis::Each(self.stride.to_vec()),
            dilation: PerAxis::Each(self.dilation.to_vec()),
            padding: Padding::Numbers(PerAxis::Each(self.padding.to_vec())),
            padding_mode: self.mode,
            groups: self.groups,
            ..Convolution::new(self.filters, 1)
        }
    }

    /// By its definition.
    fn by_loops(&self, x: &[f64], weight: &[f64], bias: &[f64]) -> Vec<f64> {
        let [c, h, w] = self.dims;
        let out = |i: usize, size: usize| {
            (size + 2 * self.padding[i] - self.dilation[i] * (self.kernel[i] - 1) - 1) / self.stride[i] + 1
        };
        let (per_group, filters) = (c / self.groups, self.filters / self.groups);
        let mut y = vec![];
        for (f, &bias) in bias.iter().enumerate() {
            for i in 0..out(0, h) {
                for j in 0..out(1, w) {
                    let mut sum = bias;
                    for k in 0..per_group {
                        for a in 0..self.kernel[0] {
                            for b in 0..self.kernel[1] {
                                let position = |axis: usize, window: usize, tap: usize| {
                                    (window * self.stride[axis] + tap * self.dilation[axis]) as i64
                                        - self.padding[axis] as i64
                                };
                                let pixel = [position(0, i, a), position(1, j, b)];
                                let channel = f / filters * per_group + k;
                                let tap = ((f * per_group + k) * self.kernel[0] + a) * self.kernel[1] + b;
                                sum += weight[tap] * at(x, self.dims, channel, pixel, self.mode);
                            }
                        }
                    }
                    y.push(sum);
                }
            }
        }
        y
    }

    fn check(&self) {
        let (mut n, x) = network(&self.dims);
        let y = convolution(&mut n, "conv2d", x, 2, &self.options()).unwrap_or_else(|fact| panic!("{fact:?}"));
        let sizes: Vec<usize> = n.parameters.iter().map(|p| p.dims.iter().product()).collect();
        assert_eq!(n.parameters[0].dims[1], self.dims[0] / self.groups);
        let (weight, bias) = (numbers(sizes[0], 1), numbers(sizes[1], 2));
        let image = numbers(self.dims.iter().product(), 3);
        let expected = self.by_loops(&image, &weight, &bias);
        close(&run(&n, y, &image, &[weight, bias], true), &expected);
    }
}

const PLAIN: Conv = Conv {
    dims: [2, 5, 6],
    filters: 3,
    groups: 1,
    kernel: [3, 3],
    stride: [1, 1],
    dilation: [1, 1],
    padding: [0, 0],
    mode: PaddingMode::Constant,
};

#[test]
fn convolutions_are_their_loops() {
    PLAIN.check();
    Conv { kernel: [1, 1], ..PLAIN }.check();
    Conv { kernel: [1, 1], stride: [2, 2], padding: [1, 0], ..PLAIN }.check();
    Conv { kernel: [3, 2], stride: [2, 1], padding: [1, 2], ..PLAIN }.check();
    Conv { kernel: [2, 3], dilation: [3, 2], padding: [1, 1], ..PLAIN }.check();
    Conv { kernel: [5, 6], ..PLAIN }.check();
    Conv { dims: [4, 5, 6], filters: 6, groups: 2, stride: [1, 2], padding: [1, 1], ..PLAIN }.check();
    Conv { dims: [4, 5, 6], filters: 4, groups: 4, padding: [1, 1], ..PLAIN }.check();
    Conv { dims: [4, 5, 6], filters: 8, groups: 4, kernel: [1, 1], ..PLAIN }.check();
    for mode in [PaddingMode::Reflect, PaddingMode::Replicate, PaddingMode::Circular] {
        Conv { padding: [2, 1], mode, ..PLAIN }.check();
        Conv { kernel: [3, 5], padding: [1, 4], stride: [2, 3], mode, ..PLAIN }.check();
    }
}

#[test]
fn same_keeps_the_size_and_pads_more_at_the_far_side() {
    let options = Convolution { padding: Padding::Same, bias: false, ..Convolution::new(1, 4) };
    let (mut n, x) = network(&[1, 6]);
    let y = convolution(&mut n, "conv1d", x, 1, &options).unwrap();
    let (x, weight) = ([1.0, 2.0, 3.0, 4.0, 5.0, 6.0], [1.0, 10.0, 100.0, 1000.0]);
    // PyTorch: one zero before, two behind.
    let padded = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 0.0, 0.0];
    let expected: Vec<f64> = (0..6).map(|i| (0..4).map(|k| padded[i + k] * weight[k]).sum()).collect();
    close(&run(&n, y, &x, &[weight.to_vec()], true), &expected);
    let strided = Convolution { stride: PerAxis::All(2), ..options };
    let (mut n, x) = network(&[1, 6]);
    assert_eq!(convolution(&mut n, "conv1d", x, 1, &strided), Err(Fact::SameStride { stride: 2 }));
    assert!(n.parameters.is_empty(), "a layer that fails declares nothing");
}

#[test]
fn convolutions_have_one_two_or_three_axes() {
    let (mut n, x) = network(&[2, 4, 5, 6]);
    let y = convolution(&mut n, "conv3d", x, 3, &Convolution::new(3, 2)).unwrap();
    assert_eq!(n.graph.shape(y).dims, [3, 3, 4, 5]);
    assert_eq!(n.parameters[0].dims, [3, 2, 2, 2, 2]);
    let (image, weight) = (numbers(240, 1), numbers(48, 2));
    let mut expected = vec![];
    for (f, i, j, k) in (0..3).flat_map(|f| (0..60).map(move |p| (f, p / 20, p / 5 % 4, p % 5))) {
        let taps = (0..16).map(|t| (t / 8, t / 4 % 2, t / 2 % 2, t % 2));
        let product = |(c, a, b, d): (usize, usize, usize, usize)| {
            image[((c * 4 + i + a) * 5 + j + b) * 6 + k + d] * weight[((f * 2 + c) * 2 + a) * 4 + b * 2 + d]
        };
        expected.push(taps.map(product).sum::<f64>() + f as f64);
    }
    close(&run(&n, y, &image, &[weight, vec![0.0, 1.0, 2.0]], true), &expected);
}

#[test]
fn parameters_of_convolutions_start_as_in_pytorch() {
    let bound_of = |p: &crate::network::ParameterDeclaration| match p.init {
        Initializer::Uniform { low, high } if low == -high => high,
        other => panic!("{other:?}"),
    };
    let (mut n, x) = network(&[6, 8, 8]);
    convolution(&mut n, "a", x, 2, &Convolution { groups: 2, ..Convolution::new(4, 5) }).unwrap();
    let windows = transposed_options(3, 1, 0, 0, 1);
    let options = TransposedConvolution { filters: 4, windows, groups: 2, bias: true, init: None, bias_init: None };
    transposed_convolution(&mut n, "b", x, 2, &options).unwrap();
    separable_convolution(&mut n, "c", x, &Convolution::new(10, 3)).unwrap();
    let declared: Vec<(&str, &[usize])> = n.parameters.iter().map(|p| (p.name.as_str(), &p.dims[..])).collect();
    let expected: [(&str, &[usize]); 7] = [
        ("a.weight", &[4, 3, 5, 5]),
        ("a.bias", &[4]),
        ("b.weight", &[6, 2, 3, 3]),
        ("b.bias", &[4]),
        ("c.depthwise.weight", &[6, 1, 3, 3]),
        ("c.pointwise.weight", &[10, 6, 1, 1]),
        ("c.pointwise.bias", &[10]),
    ];
    assert_eq!(declared, expected);
    let bounds: Vec<f64> = n.parameters.iter().map(bound_of).collect();
    let fan = |n: f64| 1.0 / n.sqrt();
    close(&bounds, &[fan(75.0), fan(75.0), fan(18.0), fan(18.0), fan(9.0), fan(6.0), fan(6.0)]);
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

#[test]
fn transposed_convolutions_spread_their_elements() {
    for (kernel, stride, padding, extra, dilation, groups) in
        [(3, 1, 0, 0, 1, 1), (2, 2, 0, 0, 1, 1), (3, 2, 1, 1, 1, 2), (4, 3, 2, 2, 1, 1), (2, 1, 1, 1, 3, 2)]
    {
        let (mut n, x) = network(&[4, 3, 4]);
        let windows = transposed_options(kernel, stride, padding, extra, dilation);
        let options = TransposedConvolution { filters: 2, windows, groups, bias: true, init: None, bias_init: None };
        let y = transposed_convolution(&mut n, "conv_transpose2d", x, 2, &options).unwrap();
        let size = |length: usize| (length - 1) * stride + dilation * (kernel - 1) + extra + 1 - 2 * padding;
        let (h, w) = (size(3), size(4));
        assert_eq!(n.graph.shape(y).dims, [2, h, w]);
        let filters = 2 / groups;
        let (image, weight, bias) = (numbers(48, 1), numbers(4 * filters * kernel * kernel, 2), vec![0.5, -3.0]);
        let mut expected: Vec<f64> = bias.iter().flat_map(|&b| vec![b; h * w]).collect();
        for (c, i, j, f) in (0..48).flat_map(|p| (0..filters).map(move |f| (p / 12, p / 4 % 3, p % 4, f))) {
            for (a, b) in (0..kernel).flat_map(|a| (0..kernel).map(move |b| (a, b))) {
                let place = |i: usize, tap: usize| (i * stride + tap * dilation).checked_sub(padding);
                if let (Some(row), Some(column)) = (place(i, a), place(j, b))
                    && row < h
                    && column < w
                {
                    let filter = c / (4 / groups) * filters + f;
                    expected[(filter * h + row) * w + column] +=
                        image[(c * 3 + i) * 4 + j] * weight[((c * filters + f) * kernel + a) * kernel + b];
                }
            }
        }
        close(&run(&n, y, &image, &[weight, bias], true), &expected);
    }
}

#[test]
fn a_separable_convolution_is_two() {
    let (mut n, x) = network(&[3, 5, 5]);
    let options = Convolution { padding: Padding::Same, ..Convolution::new(4, 3) };
    let y = separable_convolution(&mut n, "separable_conv2d", x, &options).unwrap();
    let (image, depthwise, pointwise, bias) = (numbers(75, 1), numbers(27, 2), numbers(12, 3), numbers(4, 4));
    let first = Conv { dims: [3, 5, 5], filters: 3, groups: 3, padding: [1, 1], ..PLAIN };
    let second = Conv { dims: [3, 5, 5], filters: 4, kernel: [1, 1], ..PLAIN };
    let between = first.by_loops(&image, &depthwise, &[0.0; 3]);
    let expected = second.by_loops(&between, &pointwise, &bias);
    close(&run(&n, y, &image, &[depthwise, pointwise, bias], true), &expected);
}

fn pooling(kernel: usize, stride: usize, padding: usize, dilation: usize, ceil: bool) -> WindowOptions {
    let [kernel, stride, padding, dilation] = [kernel, stride, padding, dilation].map(PerAxis::All);
    WindowOptions { kernel, stride, padding: Padding::Numbers(padding), dilation, ceil }
}

#[test]
fn pools_are_their_loops() {
    let dims = [2, 7, 6];
    let x = numbers(84, 5);
    for (kernel, stride, padding, dilation, ceil) in [
        (2, 2, 0, 1, false),
        (2, 2, 0, 1, true),
        (3, 2, 1, 1, false),
        (3, 2, 1, 1, true),
        (3, 1, 1, 1, false),
        (2, 3, 1, 1, true),
        (2, 1, 1, 2, false),
        (1, 2, 0, 1, false),
        (6, 6, 0, 1, false),
    ] {
        let options = pooling(kernel, stride, padding, dilation, ceil);
        let w = windows(&dims, crate::shape::LAYOUTS[1], &options).unwrap();
        // The elements of each window that exist.
        let elements = |channel: usize, i: usize, j: usize| -> Vec<f64> {
            let mut list = vec![];
            for (a, b) in (0..kernel).flat_map(|a| (0..kernel).map(move |b| (a, b))) {
                let place = |window: usize, tap: usize, size: usize| {
                    (window * stride + tap * dilation).checked_sub(padding).filter(|p| *p < size)
                };
                if let (Some(row), Some(column)) = (place(i, a, 7), place(j, b, 6)) {
                    list.push(x[(channel * 7 + row) * 6 + column]);
                }
            }
            list
        };
        let all: Vec<(usize, usize, usize)> = (0..2)
            .flat_map(|c| (0..w[0].positions).map(move |i| (c, i)))
            .flat_map(|(c, i)| (0..w[1].positions).map(move |j| (c, i, j)))
            .collect();
        let expected: Vec<f64> =
            all.iter().map(|&(c, i, j)| elements(c, i, j).into_iter().fold(f64::MIN, f64::max)).collect();
        let (shape, found) = on(&dims, &x, |g, x| max_pool(g, x, 2, &options));
        assert_eq!(shape, [2, w[0].positions, w[1].positions]);
        close(&found, &expected);
        if dilation > 1 {
            continue;
        }
        for include in [true, false] {
            let expected: Vec<f64> = (all.iter())
                .map(|&(c, i, j)| {
                    let list = elements(c, i, j);
                    // PyTorch: the window, cut at the far end of the padding.
                    let padded = |window: usize, size: usize| {
                        (window * stride + kernel).min(size + 2 * padding) - window * stride
                    };
                    let count = if include { padded(i, 7) * padded(j, 6) } else { list.len() };
                    list.iter().sum::<f64>() / count as f64
                })
                .collect();
            close(&on(&dims, &x, |g, x| avg_pool(g, x, 2, &options, include)).1, &expected);
        }
    }
}

#[test]
fn pooling_without_overlap_is_nothing_but_a_view_and_a_reduction() {
    let (mut n, x) = network(&[2, 6, 6]);
    max_pool(&mut n.graph, x, 2, &pooling(2, 2, 0, 1, false)).unwrap();
    let ops: Vec<&Op> = n.graph.nodes().skip(1).map(|(_, node)| &node.op).collect();
    assert!(matches!(ops[..], [Op::Reshape, Op::Reduce { .. }]), "{ops:?}");
}

#[test]
fn sequences_are_pooled_along_their_length() {
    let x = [1.0, 5.0, 2.0, 4.0, 3.0, 0.0];
    assert_eq!(on(&[1, 6], &x, |g, x| max_pool(g, x, 1, &pooling(3, 3, 0, 1, false))).1, [5.0, 4.0]);
    let means = on(&[2, 3], &x, |g, x| avg_pool(g, x, 1, &pooling(3, 3, 0, 1, false), true)).1;
    close(&means, &[8.0 / 3.0, 7.0 / 3.0]);
    assert_eq!(on(&[2, 3], &x, global_max_pool).1, [5.0, 4.0]);
    close(&on(&[2, 3], &x, global_avg_pool).1, &[8.0 / 3.0, 7.0 / 3.0]);
    let (mut n, x) = network(&[4]);
    assert!(matches!(global_avg_pool(&mut n.graph, x), Err(Fact::TooFewAxes { needed: 2, .. })));
}

#[test]
fn adaptive_pools_overlap_where_they_must() {
    let x = numbers(2 * 7 * 10, 4);
    for (rows, columns) in [(7, 5), (3, 4), (1, 1), (9, 10), (2, 20)] {
        let (dims, found) = on(&[2, 7, 10], &x, |g, x| adaptive_avg_pool2d(g, x, &PerAxis::Each(vec![rows, columns])));
        assert_eq!(dims, [2, rows, columns]);
        let piece = |i: usize, n: usize, length: usize| i * length / n..((i + 1) * length).div_ceil(n);
        let mut expected = vec![];
        for (c, i, j) in (0..2 * rows * columns).map(|p| (p / (rows * columns), p / columns % rows, p % columns)) {
            let (r, s) = (piece(i, rows, 7), piece(j, columns, 10));
            let all: Vec<f64> =
                r.flat_map(|a| s.clone().map(move |b| (a, b))).map(|(a, b)| x[(c * 7 + a) * 10 + b]).collect();
            expected.push(all.iter().sum::<f64>() / all.len() as f64);
        }
        close(&found, &expected);
    }
}

/// Mean and biased variance.
fn moments(x: &[f64]) -> (f64, f64) {
    let mean = x.iter().sum::<f64>() / x.len() as f64;
    (mean, x.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / x.len() as f64)
}

#[test]
fn batch_norm_trains_with_the_batch_and_predicts_with_what_it_remembers() {
    for (dims, batch) in [(vec![2, 3, 2], 4), (vec![2, 3, 2], 1), (vec![2], 5)] {
        let (mut n, x) = network(&dims);
        let options = BatchNorm { momentum: 0.3, eps: 0.01, affine: true };
        let y = batch_norm(&mut n, "batch_norm", x, &options).unwrap();
        let declared: Vec<(&str, bool)> = n.parameters.iter().map(|p| (p.name.as_str(), p.trainable)).collect();
        let expected = [
            ("batch_norm.weight", true),
            ("batch_norm.bias", true),
            ("batch_norm.running_mean", false),
            ("batch_norm.running_var", false),
        ];
        assert_eq!(declared, expected);
        let starts: Vec<Initializer> = n.parameters.iter().map(|p| p.init).collect();
        assert_eq!(starts, [1.0, 0.0, 0.0, 1.0].map(Initializer::Constant));

        let size: usize = dims.iter().product();
        let (values, positions) = (numbers(batch * size, 2), size / 2);
        let parameters = [vec![2.0, -0.5], vec![0.25, 1.0], vec![1.5, -4.0], vec![9.0, 0.5]];
        let of_channel = |c: usize| -> Vec<f64> {
            (0..batch * size).filter(|i| i / positions % 2 == c).map(|i| values[i]).collect()
        };
        let statistics = [moments(&of_channel(0)), moments(&of_channel(1))];
        let normalized = |statistics: [(f64, f64); 2]| -> Vec<f64> {
            (0..batch * size)
                .map(|i| {
                    let c = i / positions % 2;
                    let (mean, variance) = statistics[c];
                    (values[i] - mean) / (variance + 0.01).sqrt() * parameters[0][c] + parameters[1][c]
                })
                .collect()
        };
        close(&run(&n, y, &values, &parameters, true), &normalized(statistics));
        close(&run(&n, y, &values, &parameters, false), &normalized([(1.5, 9.0), (-4.0, 0.5)]));

        let count = (batch * positions) as f64;
        let moved = |i: usize, new: f64, c: usize| 0.7 * parameters[i][c] + 0.3 * new;
        let expected = [
            [0, 1].map(|c| moved(2, statistics[c].0, c)),
            [0, 1].map(|c| moved(3, statistics[c].1 * count / (count - 1.0), c)),
        ];
        assert_eq!(n.updates.iter().map(|(i, _)| *i).collect::<Vec<_>>(), [2, 3]);
        for ((_, value), expected) in n.updates.iter().zip(expected) {
            close(&run(&n, *value, &values, &parameters, true), &expected);
        }
    }
}

#[test]
fn batch_norm_of_a_single_value_stays_finite() {
    let (mut n, x) = network(&[2]);
    let y = batch_norm(&mut n, "batch_norm", x, &BatchNorm { affine: false, ..BatchNorm::default() }).unwrap();
    let buffers = [vec![0.0; 2], vec![1.0; 2]];
    assert_eq!(run(&n, y, &[3.0, -1.0], &buffers, true), [0.0, 0.0]);
    close(&run(&n, n.updates[1].1, &[3.0, -1.0], &buffers, true), &[0.9, 0.9]);
    let (mut n, x) = network(&[]);
    assert!(matches!(batch_norm(&mut n, "a", x, &BatchNorm::default()), Err(Fact::TooFewAxes { .. })));
    let (mut n, x) = network(&[2]);
    let options = BatchNorm { eps: 0.0, ..BatchNorm::default() };
    assert!(matches!(batch_norm(&mut n, "a", x, &options), Err(Fact::Option { name: "eps", .. })));
    assert!(n.parameters.is_empty());
}

/// Normalizes each run of `length` numbers.
fn standardized(x: &[f64], length: usize, eps: f64) -> Vec<f64> {
    x.chunks(length)
        .flat_map(|run| {
            let (mean, variance) = moments(run);
            run.iter().map(move |x| (x - mean) / (variance + eps).sqrt())
        })
        .collect()
}

#[test]
fn norms_of_samples_are_their_formulas() {
    let x = numbers(24, 6);
    let scaled = |y: Vec<f64>, f: &dyn Fn(usize) -> (f64, f64)| -> Vec<f64> {
        y.into_iter().enumerate().map(|(i, y)| y * f(i).0 + f(i).1).collect()
    };
    type Norm = fn(&mut Network, NodeId) -> Result<NodeId, Fact>;
    let check = |f: Norm, parameters: &[(&str, &[usize])], expected: &dyn Fn(&[Vec<f64>]) -> Vec<f64>| {
        let (mut n, node) = network(&[4, 3, 2]);
        let y = f(&mut n, node).unwrap();
        let declared: Vec<(&str, &[usize])> = n.parameters.iter().map(|p| (p.name.as_str(), &p.dims[..])).collect();
        assert_eq!(declared, parameters);
        let values: Vec<Vec<f64>> =
            n.parameters.iter().enumerate().map(|(i, p)| numbers(p.dims.iter().product(), i + 7)).collect();
        close(&run(&n, y, &x, &values, false), &expected(&values));
    };
    check(|n, x| layer_norm(n, "norm", x, None, 0.1, true), &[("norm.weight", &[2]), ("norm.bias", &[2])], &|p| {
        scaled(standardized(&x, 2, 0.1), &|i| (p[0][i % 2], p[1][i % 2]))
    });
    check(
        |n, x| layer_norm(n, "norm", x, Some(&[0, 1, 2]), 0.1, true),
        &[("norm.weight", &[4, 3, 2]), ("norm.bias", &[4, 3, 2])],
        &|p| scaled(standardized(&x, 24, 0.1), &|i| (p[0][i], p[1][i])),
    );
    check(|n, x| layer_norm(n, "norm", x, Some(&[-2, -1]), 0.1, false), &[], &|_| standardized(&x, 6, 0.1));
    check(|n, x| rms_norm(n, "norm", x, None, 0.1, true), &[("norm.weight", &[2])], &|p| {
        let divided = x.chunks(2).flat_map(|r| {
            let root = ((r[0] * r[0] + r[1] * r[1]) / 2.0 + 0.1).sqrt();
            [r[0] / root, r[1] / root]
        });
        scaled(divided.collect(), &|i| (p[0][i % 2], 0.0))
    });
    check(|n, x| group_norm(n, "norm", x, 2, 0.1, true), &[("norm.weight", &[4]), ("norm.bias", &[4])], &|p| {
        scaled(standardized(&x, 12, 0.1), &|i| (p[0][i / 6], p[1][i / 6]))
    });
    check(|n, x| instance_norm(n, "norm", x, 0.1, false), &[], &|_| standardized(&x, 6, 0.1));
    check(|n, x| instance_norm(n, "norm", x, 0.1, true), &[("norm.weight", &[4]), ("norm.bias", &[4])], &|p| {
        scaled(standardized(&x, 6, 0.1), &|i| (p[0][i / 6], p[1][i / 6]))
    });
    // Over the channels of each position, the weight is one of channels.
    check(
        |n, x| layer_norm(n, "norm", x, Some(&[0]), 0.1, true),
        &[("norm.weight", &[4]), ("norm.bias", &[4])],
        &|p| {
            let columns: Vec<f64> = (0..24).map(|i| x[i % 4 * 6 + i / 4]).collect();
            let y = standardized(&columns, 4, 0.1);
            (0..24).map(|i| y[i % 6 * 4 + i / 6] * p[0][i / 6] + p[1][i / 6]).collect()
        },
    );
}

#[test]
fn local_response_norm_divides_by_neighbouring_channels() {
    let x = numbers(5 * 2, 3);
    for size in [1, 2, 3, 4, 7] {
        let (_, found) = on(&[5, 2], &x, |g, x| local_response_norm(g, x, size, 0.5, 0.75, 2.0));
        let expected: Vec<f64> = (0..10)
            .map(|i| {
                let (c, position) = (i / 2, i % 2);
                // PyTorch pads size / 2 channels before and (size - 1) / 2 behind.
                let sum: f64 = (0..5)
                    .filter(|n| n + size / 2 >= c && *n <= c + (size - 1) / 2)
                    .map(|n| x[n * 2 + position].powi(2))
                    .sum();
                x[i] / (2.0 + 0.5 * sum / size as f64).powf(0.75)
            })
            .collect();
        close(&found, &expected);
    }
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

/// A metric's or loss' value for two samples of a prediction [2, 3] and a target.
fn of_two(
    target: (&[usize], Option<usize>, &[f64]),
    x: &[f64],
    f: impl Fn(&mut Graph, NodeId, Target) -> Result<NodeId, Fact>,
) -> Result<Vec<f64>, Fact> {
    let mut g = Graph::new();
    let (p, node) = (field(&mut g, 0, &[2, 3]), field(&mut g, 1, target.0));
    let t = target.1.map_or(Target::Values(node), |classes| Target::Classes { node, classes });
    let y = f(&mut g, p, t)?;
    Ok(value(&g, y, 2, &[x, target.2], false))
}

#[test]
fn dice_is_one_minus_the_overlap() {
    let x = [0.9, 0.2, 0.4, 0.1, 0.8, 0.6, 0.5, 0.5, 0.5, 0.25, 1.0, 0.0];
    let labels = [0.0, 1.0, 1.0, 0.0, 0.0, 1.0];
    let dice = |p: &[f64], t: &[f64]| {
        let both: f64 = p.iter().zip(t).map(|(p, t)| p * t).sum();
        1.0 - (2.0 * both + 0.5) / (p.iter().sum::<f64>() + t.iter().sum::<f64>() + 0.5)
    };
    // Classes along axis 0: each has a region of three positions.
    let found =
        of_two((&[3], Some(2), &labels), &x, |g, p, t| dice_loss(g, p, t, Some(0), 0.5, Counting::default())).unwrap();
    let expected: Vec<f64> = (0..2)
        .map(|s| {
            let of_class = |c: usize| {
                let t: Vec<f64> = (0..3).map(|i| f64::from(labels[s * 3 + i] == c as f64)).collect();
                dice(&x[s * 6 + c * 3..][..3], &t)
            };
            (of_class(0) + of_class(1)) / 2.0
        })
        .collect();
    close(&found, &expected);
    // Numbers of the same shape are one region, or one for each index of an axis.
    let t = [1.0, 0.0, 1.0, 0.0, 1.0, 1.0, 0.0, 0.0, 1.0, 1.0, 1.0, 0.0];
    let found = of_two((&[2, 3], None, &t), &x, |g, p, t| dice_loss(g, p, t, None, 0.5, Counting::default())).unwrap();
    close(&found, &[dice(&x[..6], &t[..6]), dice(&x[6..], &t[6..])]);
    let found =
        of_two((&[2, 3], Some(2), &t), &x, |g, p, t| dice_loss(g, p, t, Some(0), 0.5, Counting::default())).unwrap();
    let pair = |s: usize| (dice(&x[s..s + 3], &t[s..s + 3]) + dice(&x[s + 3..s + 6], &t[s + 3..s + 6])) / 2.0;
    close(&found, &[pair(0), pair(6)]);
    let fact =
        of_two((&[3], Some(2), &labels), &x, |g, p, t| dice_loss(g, p, t, None, 0.5, Counting::default())).unwrap_err();
    assert!(matches!(fact, Fact::Classes { fitting_axes, .. } if fitting_axes == [0]));
}

#[test]
fn focal_loss_weighs_what_is_hard() {
    let x = [0.9, -0.2, 0.4, 0.1, 2.8, -1.6, 0.5, -0.5, 0.3, 0.25, 1.0, 0.0];
    let t = [1.0, 0.0, 1.0, 0.0, 1.0, 1.0, 0.0, 0.0, 1.0, 1.0, 1.0, 0.0];
    let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
    for (gamma, alpha) in [(2.0, None), (1.5, Some(0.6)), (0.0, Some(-1.0)), (3.0, Some(1.0))] {
        let found = of_two((&[2, 3], None, &t), &x, |g, p, t| focal_loss(g, p, t, gamma, alpha, None)).unwrap();
        let one = |i: usize| {
            let p = if t[i] == 1.0 { sigmoid(x[i]) } else { 1.0 - sigmoid(x[i]) };
            let alpha = alpha.unwrap_or(0.25);
            let weight = if alpha < 0.0 { 1.0 } else { t[i] * alpha + (1.0 - t[i]) * (1.0 - alpha) };
            -weight * (1.0 - p).powf(gamma) * p.ln()
        };
        let mean = |s: usize| (s * 6..s * 6 + 6).map(one).sum::<f64>() / 6.0;
        close(&found, &[mean(0), mean(1)]);

        let labels = [0.0, 1.0, 1.0, 0.0, 0.0, 1.0];
        let found = of_two((&[3], Some(2), &labels), &x, |g, p, t| focal_loss(g, p, t, gamma, alpha, Some(0))).unwrap();
        let one = |s: usize, i: usize| {
            let z = [x[s * 6 + i], x[s * 6 + 3 + i]];
            let p = z[labels[s * 3 + i] as usize].exp() / (z[0].exp() + z[1].exp());
            -alpha.filter(|a| *a >= 0.0).unwrap_or(1.0) * (1.0 - p).powf(gamma) * p.ln()
        };
        let mean = |s: usize| (0..3).map(|i| one(s, i)).sum::<f64>() / 3.0;
        close(&found, &[mean(0), mean(1)]);
    }
}

#[test]
fn iou_counts_over_all_samples() {
    let statistics = |target: (&[usize], Option<usize>, &[f64]), x: &[f64], axis, threshold| {
        let mut g = Graph::new();
        let (p, node) = (field(&mut g, 0, &[2, 3]), field(&mut g, 1, target.0));
        let t = target.1.map_or(Target::Values(node), |classes| Target::Classes { node, classes });
        let metric = iou(&mut g, "iou", p, t, axis, threshold, Counting::default()).unwrap();
        assert_eq!(metric.kind, MetricKind::Ratio);
        metric.statistics.iter().map(|&s| value(&g, s, 2, &[x, target.2], false)).collect::<Vec<_>>()
    };
    let x = [0.9, 0.2, 0.4, 0.1, 0.8, 0.6, 0.5, 0.5, 0.5, 0.25, 1.0, 0.0];
    // Decisions along axis 0: 0 1 1 for the first sample, 0 1 0 for the second.
    let labels = [0.0, 1.0, 0.0, 0.0, 0.0, 1.0];
    let found = statistics((&[3], Some(2), &labels), &x, Some(0), None);
    assert_eq!(found, [vec![2.0, 1.0], vec![5.0, 4.0]]);
    // Above 0.5: 1 0 0 0 1 1 and 0 0 0 0 1 0; above 0.3 also 1 0 1 … and 1 1 1 ….
    let t = [1.0, 0.0, 1.0, 0.0, 1.0, 1.0, 0.0, 0.0, 1.0, 1.0, 1.0, 0.0];
    assert_eq!(statistics((&[2, 3], None, &t), &x, None, None), [vec![4.0], vec![7.0]]);
    assert_eq!(statistics((&[2, 3], Some(2), &t), &x, None, Some(0.3)), [vec![6.0], vec![9.0]]);
    assert_eq!(statistics((&[2, 3], None, &t), &x, Some(0), None), [vec![1.0, 3.0], vec![3.0, 4.0]]);
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
