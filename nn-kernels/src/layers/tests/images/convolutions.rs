//! Convolutions, plain and transposed, beside their loops.

use super::*;

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
