//! How convolutions become WGSL: tiles that share what their windows share, sums that a workgroup splits.

mod common;

use nn_kernels::emit::wgsl::{ShaderText, print_schedule};
use nn_kernels::graph::{Leaf, NodeId, Shape};
use nn_kernels::layers::{self, Affine, Convolution, TransposedConvolution};
use nn_kernels::network::{Field, Network};
use nn_kernels::plan::Schedule;
use nn_kernels::shape::{Padding, PerAxis, TransposedOptions};
use nn_kernels::{Options, compile};

/// Shaders of contractions with windows: those of the forward pass and of the gradients with respect to weight and input.
struct Shaders {
    forward: ShaderText,
    weight: ShaderText,
    input: ShaderText,
    /// The texts of all dispatches that are not the first ones.
    variants: Vec<ShaderText>,
}

fn shaders(dims: &[usize], layer: impl Fn(&mut Network, NodeId) -> NodeId) -> Shaders {
    let mut n = Network {
        name: "Windows".into(),
        fields: vec![
            Field { name: "x".into(), dims: dims.to_vec(), classes: None },
            Field { name: "y".into(), dims: vec![1], classes: None },
        ],
        inputs: 1,
        ..Network::default()
    };
    let x = n.graph.leaf(Leaf::Field(0), Shape::batched(dims));
    let y = n.graph.leaf(Leaf::Field(1), Shape::batched(&[1]));
    n.graph.set_label("conv");
    let h = layer(&mut n, x);
    let h = layers::tanh(&mut n.graph, h).unwrap();
    let flat = layers::flatten(&mut n.graph, h).unwrap();
    n.graph.set_label("head");
    let p = layers::dense(&mut n, "head", flat, &Affine::new(1)).unwrap();
    n.outputs = vec![("p".into(), p)];
    n.loss = Some(layers::mse(&mut n.graph, p, y).unwrap());
    let plan = compile(&n, &Options::default());
    let mut variants = vec![];
    let mut with_windows = |schedule: &Schedule, prefix: &str| -> Vec<ShaderText> {
        // A dispatch for each kernel, to look at them one by one.
        let levels = (0..schedule.kernels.len()).map(|i| i..i + 1).collect();
        let shaders = print_schedule(&plan, &Schedule { levels, ..schedule.clone() }, prefix, 0);
        shaders.iter().for_each(common::check_shader);
        let (first, others): (Vec<_>, Vec<_>) = shaders.into_iter().partition(|shader| shader.variant.is_none());
        variants.extend(others);
        let shaders: Vec<_> = first.into_iter().zip(&schedule.kernels).collect();
        let windows = shaders.into_iter().filter(|(_, k)| k.contraction().is_some_and(|view| !view.is_plain()));
        windows.map(|(shader, _)| shader).collect()
    };
    let mut backward = with_windows(plan.gradients.as_ref().unwrap(), "gradients");
    let mut forward = with_windows(&plan.predict, "predict");
    assert_eq!((forward.len(), backward.len()), (1, 3), "{dims:?}");
    let (input, weight) = (backward.remove(2), backward.remove(1));
    let (input, weight) = if input.name.ends_with("_2") { (input, weight) } else { (weight, input) };
    Shaders { forward: forward.remove(0), weight, input, variants }
}

fn convolution(dims: &[usize], options: &Convolution) -> Shaders {
    shaders(dims, |n, x| layers::convolution(n, "conv", x, dims.len() - 1, options).unwrap())
}

fn padded(filters: usize, kernel: usize) -> Convolution {
    Convolution { padding: Padding::Numbers(PerAxis::All(kernel / 2)), ..Convolution::new(filters, kernel) }
}

fn has_blocks(shader: &ShaderText) -> bool {
    shader.wgsl.contains("for each block of")
}

/// How many elements a tile reads in one round, and how many sums it adds to.
fn work(shader: &ShaderText) -> (usize, usize) {
    let begins = |line: &str, c: char| line.trim_start().strip_prefix("let ")?.strip_prefix(c)?.chars().next();
    let reads = |line: &&str| ['x', 'y'].iter().any(|&c| begins(line, c).is_some_and(|d| d.is_ascii_digit()));
    let fours = |line: &str| line.contains("fma(vec4") || line.contains("vec4<f32>(0.0), arena");
    let twos = |line: &str| line.contains(") / 2u]");
    let count = |line: &str| {
        if fours(line) {
            4
        } else if twos(line) {
            2
        } else {
            1
        }
    };
    let lines = || shader.wgsl.lines();
    let sums = lines().filter(|l| l.contains("= fma(") && l.trim_start().starts_with("sum"));
    (lines().filter(reads).map(count).sum(), sums.map(count).sum())
}

#[test]
fn windows_share_what_they_read() {
    let shaders = convolution(&[16, 14, 14], &padded(32, 5));
    // Tiles of split sums have fewer taps, which compile in less time.
    for (shader, least) in [(&shaders.forward, 200), (&shaders.weight, 80), (&shaders.input, 200)] {
        assert!(has_blocks(shader), "{}", shader.wgsl);
        let (reads, products) = work(shader);
        assert!(products >= least && products >= 4 * reads, "{reads} reads, {products} products\n{}", shader.wgsl);
    }
}

#[test]
fn neighbours_bring_weights_for_each_other() {
    let Shaders { variants, .. } = convolution(&[16, 28, 28], &padded(32, 3));
    let shared = variants.iter().filter(|s| s.variant.as_ref().is_some_and(|v| v.name.starts_with("subgroups_")));
    let shared: Vec<_> = shared.filter(|s| has_blocks(s)).collect();
    assert!(shared.len() >= 2, "forward, and the gradient of what it reads: {:?}", variants.len());
    for shader in shared {
        let rows = shader.variant.as_ref().expect("one of the variants").tile[0] as usize;
        let count = |what: &str| shader.wgsl.lines().filter(|l| l.trim_start().starts_with(what)).count();
        assert_eq!(count("let brought"), (3 * rows).div_ceil(8), "{}", shader.wgsl);
        let handed_on = shader.wgsl.matches("subgroupBroadcast(").count();
        assert_eq!(handed_on, 3 * rows, "three taps\n{}", shader.wgsl);
        assert!(!shader.wgsl.contains("workgroupBarrier"), "{}", shader.wgsl);
    }
}

/// Four would need a length that is a multiple of four.
#[test]
fn rows_of_an_even_length_are_read_in_twos() {
    let arena = |shaders: &Shaders| {
        let of = |s: &ShaderText| s.wgsl.lines().find_map(|l| Some(l.split_once("> arena: array<")?.1.to_owned()));
        [of(&shaders.forward), of(&shaders.weight), of(&shaders.input)].map(|ty| ty.expect("all read the arena"))
    };
    let kernel = padded(32, 5);
    assert_eq!(arena(&convolution(&[16, 14, 14], &kernel)), ["vec2<f32>>;", "vec2<f32>>;", "vec2<f32>>;"]);
    assert_eq!(arena(&convolution(&[16, 13, 13], &kernel)), ["f32>;", "f32>;", "f32>;"]);
}

#[test]
fn long_sums_are_split_over_a_workgroup() {
    let Shaders { forward, weight, .. } = convolution(&[1, 28, 28], &padded(16, 5));
    assert!(forward.workgroup_bytes == 0 && !forward.wgsl.contains("workgroupBarrier"), "{}", forward.wgsl);
    assert!(
        weight.wgsl.contains("// One workgroup for each block of") && weight.workgroup_bytes > 0,
        "{}",
        weight.wgsl
    );
    assert!(weight.workgroup_bytes <= 16 << 10, "every device has that much");
    let barriers = weight.wgsl.matches("workgroupBarrier();").count();
    assert_eq!(barriers, 2, "behind what each invocation has, and behind what eight have");
}

#[test]
fn an_epilogue_is_printed_once() {
    let Shaders { forward, weight, input, .. } = convolution(&[16, 14, 14], &padded(32, 5));
    let stores = |s: &ShaderText| s.wgsl.lines().filter(|l| l.trim_start().starts_with("arena[")).count();
    // Of 56 sums, four in turn.
    assert_eq!((stores(&forward), stores(&input)), (4, 4), "{}", forward.wgsl);
    let is_part = |l: &str| l.trim_start().starts_with("shared_floats[") && l.contains("] = ");
    let parts = weight.wgsl.lines().filter(|l| is_part(l)).count();
    assert!(parts <= 4, "{}", weight.wgsl);
    for shader in [&forward, &weight, &input] {
        assert!(!shader.wgsl.contains("var sums = array"), "arrays that a loop reads are no registers");
    }
}

#[test]
fn holes_of_strides_are_left_out() {
    let windows = TransposedOptions {
        kernel: PerAxis::All(4),
        stride: PerAxis::All(2),
        padding: PerAxis::All(1),
        output_padding: PerAxis::All(0),
        dilation: PerAxis::All(1),
    };
    let options = TransposedConvolution { filters: 8, windows, groups: 1, bias: true, init: None, bias_init: None };
    let dims = [16, 16, 16];
    let up = shaders(&dims, |n, x| layers::transposed_convolution(n, "conv", x, 2, &options).unwrap());
    let (_, products) = work(&up.forward);
    let sums = up.forward.wgsl.lines().filter(|l| l.trim_start().starts_with("var sum") && l.contains("= 0.0")).count();
    assert_eq!(products, sums * 2, "of four taps, two meet an element\n{}", up.forward.wgsl);
}

#[test]
fn every_convolution_is_valid_everywhere_and_done_by_blocks() {
    let each = |numbers: &[usize]| PerAxis::Each(numbers.to_vec());
    let numbers = |numbers: &[usize]| Padding::Numbers(PerAxis::Each(numbers.to_vec()));
    let cases: [(&[usize], Convolution); 10] = [
        (&[8, 64], padded(16, 7)),
        (&[4, 50], Convolution { stride: PerAxis::All(3), dilation: PerAxis::All(2), ..padded(6, 3) }),
        (&[3, 64, 64], Convolution { stride: PerAxis::All(2), ..padded(32, 7) }),
        (&[16, 28, 28], padded(32, 3)),
        (&[32, 16, 16], Convolution { groups: 32, ..padded(32, 3) }),
        (&[24, 14, 14], Convolution { groups: 3, stride: each(&[2, 1]), ..padded(24, 3) }),
        (&[5, 13, 17], Convolution { kernel: each(&[2, 5]), padding: numbers(&[1, 3]), ..Convolution::new(7, 1) }),
        (&[8, 20, 20], Convolution { dilation: each(&[2, 3]), padding: Padding::Same, ..Convolution::new(8, 3) }),
        (&[3, 32, 32], Convolution { stride: PerAxis::All(16), padding: numbers(&[8, 8]), ..Convolution::new(64, 16) }),
        (&[4, 8, 10, 12], padded(8, 3)),
    ];
    for (dims, options) in cases {
        let Shaders { forward, weight, input, .. } = convolution(dims, &options);
        for shader in [&forward, &weight, &input] {
            assert!(has_blocks(shader), "{dims:?} {options:?}\n{}", shader.wgsl);
            let (_, products) = work(shader);
            assert!(products <= 560, "{products} products take too long to compile\n{}", shader.wgsl);
        }
    }
}

/// With a kernel of 1 a convolution is a product, and its outputs lie along positions, not along filters.
#[test]
fn stores_of_pointwise_convolutions_run_along_positions() {
    let mut n = Network { name: "Pointwise".into(), ..Network::default() };
    n.fields = vec![Field { name: "x".into(), dims: vec![32, 16, 16], classes: None }];
    n.inputs = 1;
    let x = n.graph.leaf(Leaf::Field(0), Shape::batched(&[32, 16, 16]));
    let y = layers::convolution(&mut n, "conv", x, 2, &Convolution::new(64, 1)).unwrap();
    n.outputs = vec![("y".into(), layers::output(&mut n.graph, y))];
    let plan = compile(&n, &Options::default());
    let shaders = print_schedule(&plan, &plan.predict, "predict", 0);
    assert_eq!(plan.predict.kernels.len(), 1);
    for shader in &shaders {
        common::check_shader(shader);
        assert!(shader.wgsl.contains("arena: array<vec4<f32>>"), "{}", shader.wgsl);
    }
}
