//! Large contractions have several texts, for several kinds of devices; all give the same bits.

use std::collections::BTreeMap;
use std::process::Command;

use nn_kernels::graph::{Leaf, Shape};
use nn_kernels::layers::{self, Affine, Convolution};
use nn_kernels::network::{Field, LossScale, Network, Precision};
use nn_kernels::plan::Plan;
use nn_kernels::shape::{Padding, PerAxis};
use nn_kernels::{Options, compile};
use nn_runtime::private::{DataSet, Net};
use nn_runtime::program::Program;
use nn_tests::{Noise, gpu, leak, leak_variants};

/// Neither tiles nor panels divide it.
const WIDTH: usize = 1100;
const BATCH: usize = 70;

/// One layer in mixed precision, without anything behind its products but a bias of 0.
fn mixed_plan() -> Plan {
    let field = Field { name: "x".into(), dims: vec![WIDTH], classes: None };
    let mut n = Network { name: "Mixed".into(), fields: vec![field], inputs: 1, ..Network::default() };
    n.precision = Precision::Mixed(LossScale::default());
    let x = n.graph.leaf(Leaf::Field(0), Shape::batched(&[WIDTH]));
    n.graph.set_label("first");
    let h = layers::dense(&mut n, "first", x, &Affine::new(WIDTH)).unwrap();
    n.outputs = vec![("h".into(), h)];
    compile(&n, &Options::default())
}

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
    let size = |dims: &[usize]| BATCH * dims.iter().product::<usize>();
    let fields = program.fields.iter().map(|f| (0..size(f.dims)).map(|_| noise.next()).collect()).collect();
    let data = DataSet::from_flat(program.fields, fields).unwrap();
    let mut values = net.predict(&[data.input(0)]).unwrap().concat();
    let gradients = net.gradients(&data).unwrap();
    program.parameters.iter().for_each(|p| values.extend(gradients.parameter(p.name).unwrap()));
    values.extend(gradients.input("x").unwrap());
    values.iter().map(|v| v.to_bits()).collect()
}

/// A convolution that is large enough, and has so few outputs that large tiles would leave a card idle.
fn windows(dims: [&[usize]; 2], options: &Convolution) -> Plan {
    let field = |name: &str, dims: &[usize]| Field { name: name.into(), dims: dims.to_vec(), classes: None };
    let fields = vec![field("x", dims[0]), field("y", dims[1])];
    let mut n = Network { name: "Windows".into(), fields, inputs: 1, ..Network::default() };
    let x = n.graph.leaf(Leaf::Field(0), Shape::batched(dims[0]));
    let y = n.graph.leaf(Leaf::Field(1), Shape::batched(dims[1]));
    n.graph.set_label("conv");
    let h = layers::convolution(&mut n, "conv", x, 2, options).unwrap();
    n.outputs = vec![("h".into(), h)];
    n.loss = Some(layers::mse(&mut n.graph, h, y).unwrap());
    compile(&n, &Options::default())
}

/// Compares the bits of all texts that give the same ones, as they say; how often each of them stands in the programs.
fn compare(plan: &Plan) -> BTreeMap<&'static str, usize> {
    let program = leak(plan, None);
    let schedules = [Some(&program.predict), program.evaluate.as_ref(), program.gradients.as_ref()];
    let variants = schedules.into_iter().flatten().flat_map(|s| s.shaders.iter().filter_map(|shader| shader.variant));
    let mut names = BTreeMap::new();
    variants.filter(|variant| variant.exact).for_each(|variant| *names.entry(variant.name).or_default() += 1);
    let first = gpu().map(|_| bits(program));
    for (&name, &count) in &names {
        let (program, replaced) = leak_variants(plan, name);
        assert_eq!(replaced, count, "{name}");
        if let Some(first) = &first {
            let other = bits(program);
            let differ = first.iter().zip(&other).filter(|(a, b)| a != b).count();
            assert_eq!((differ, first.len()), (0, other.len()), "{name}");
            assert!(first.iter().any(|&b| f32::from_bits(b).abs() > 0.1), "there are results");
        }
    }
    names
}

#[test]
fn all_texts_of_products_give_the_same_bits() {
    let counts = compare(&plan());
    // Three layers forward in three programs, and their gradients.
    for (name, least) in [("32x32", 9), ("64x64", 3), ("128x128", 3), ("subgroups_16x256", 9)] {
        assert!(counts.get(name).is_some_and(|&count| count >= least), "{name}: {counts:?}");
    }
}

#[test]
fn all_texts_of_convolutions_give_the_same_bits() {
    let padded = |filters, kernel: usize| Convolution {
        padding: Padding::Numbers(PerAxis::All(kernel / 2)),
        ..Convolution::new(filters, kernel)
    };
    let counts = compare(&windows([&[30, 13, 13], &[60, 13, 13]], &padded(60, 3)));
    assert!(counts.keys().any(|name| name.starts_with("blocks_")), "{counts:?}");
    let shared = |counts: &BTreeMap<&str, usize>| {
        counts.iter().filter(|(name, _)| name.starts_with("subgroups_")).map(|(_, count)| count).sum::<usize>()
    };
    // Forward in three programs, and the gradient of what it reads.
    assert!(shared(&counts) >= 4, "{counts:?}");

    // The number of tiles divides the workgroups' invocations in none of them.
    let (strided, grouped) = (PerAxis::All(2), 5);
    let cases: [([&[usize]; 2], Convolution, usize); 3] = [
        ([&[30, 27, 27], &[40, 14, 14]], Convolution { stride: strided, ..padded(40, 3) }, 3),
        ([&[40, 22, 22], &[60, 22, 22]], Convolution { groups: grouped, ..padded(60, 5) }, 4),
        ([&[130, 13, 13], &[90, 13, 13]], padded(90, 1), 3),
    ];
    for (dims, options, least) in cases {
        let counts = compare(&windows(dims, &options));
        assert!(shared(&counts) >= least, "{options:?}: {counts:?}");
    }
}

/// Long rows, statistics of the batch, and long sums with few results: invocations combine what they have in all of them.
fn reductions() -> Plan {
    let field = |name: &str, dims: &[usize]| Field { name: name.into(), dims: dims.to_vec(), classes: None };
    let fields = vec![field("x", &[3, 1200]), field("y", &[5])];
    let mut n = Network { name: "Reductions".into(), fields, inputs: 1, ..Network::default() };
    let x = n.graph.leaf(Leaf::Field(0), Shape::batched(&[3, 1200]));
    let y = n.graph.leaf(Leaf::Field(1), Shape::batched(&[5]));
    n.graph.set_label("rows");
    let h = layers::layer_norm(&mut n, "rows", x, Some(&[-1]), 1e-5, true).unwrap();
    let h = layers::log_softmax(&mut n.graph, h, -1).unwrap();
    let h = layers::flatten(&mut n.graph, h).unwrap();
    n.graph.set_label("few");
    let h = layers::dense(&mut n, "few", h, &Affine::new(5)).unwrap();
    n.outputs = vec![("h".into(), h)];
    n.loss = Some(layers::mse(&mut n.graph, h, y).unwrap());
    compile(&n, &Options::default())
}

#[test]
fn reductions_in_subgroups_give_the_same_bits() {
    let counts = compare(&reductions());
    assert!(counts.get("subgroups").is_some_and(|&count| count >= 6), "{counts:?}");
}

/// What a process logs on its standard output.
struct Lines;

impl log::Log for Lines {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        if record.target().starts_with("nn_runtime") {
            println!("logged: {}", record.args());
        }
    }

    fn flush(&self) {}
}

/// Samples, targets, and a layer's weight: f16 hold all of them exactly.
fn numbers() -> [Vec<f32>; 3] {
    let mut noise = Noise::new(2);
    [BATCH, BATCH, WIDTH].map(|rows| (0..rows * WIDTH).map(|_| (noise.next() * 64.0).round() / 64.0).collect())
}

/// A process of its own for `measured_choices_are_kept`, with an environment of its own.
#[test]
#[ignore = "a part of another test"]
fn predicts_and_prints_bits() {
    log::set_logger(&Lines).unwrap();
    log::set_max_level(log::LevelFilter::Debug);
    let mixed = std::env::var_os("MIXED").is_some();
    let program = leak(&if mixed { mixed_plan() } else { plan() }, None);
    let mut net = Net::new(gpu().unwrap(), program, 1).unwrap();
    let [x, y, weight] = numbers();
    if mixed {
        net.set_parameter("first.weight", &weight).unwrap();
        net.set_parameter("first.bias", &[0.0; WIDTH]).unwrap();
    }
    let fields = if mixed { vec![x] } else { vec![x, y] };
    let data = DataSet::from_flat(program.fields, fields).unwrap();
    let outputs = net.predict(&[data.input(0)]).unwrap().concat();
    if mixed {
        outputs.iter().for_each(|v| println!("output {:08x}", v.to_bits()));
    }
    let sum = outputs.iter().fold(0u64, |sum, v| sum.wrapping_mul(31).wrapping_add(u64::from(v.to_bits())));
    println!("bits: {sum:016x}");
}

/// What such a process says: the dispatches that it measured, what else it logged, and its bits.
fn process(variables: &[(&str, &str)]) -> (usize, String, String) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--ignored", "--exact", "predicts_and_prints_bits", "--nocapture"]);
    for name in ["NN_TUNE", "NN_VARIANT", "NN_PIPELINE_CACHE"] {
        command.env_remove(name);
    }
    let output = command.envs(variables.iter().copied()).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    let measured = text.lines().filter(|line| line.contains("samples: first ")).count();
    let bits = text.lines().find_map(|line| line.split_once("bits: ")).unwrap_or_else(|| panic!("{text}")).1.to_owned();
    (measured, text, bits)
}

#[test]
fn measured_choices_are_kept_and_change_no_bit() {
    if gpu().is_none() {
        return;
    }
    let folder = std::env::temp_dir().join(format!("nn-choices-{}", std::process::id()));
    let kept = [("NN_PIPELINE_CACHE", folder.to_str().unwrap()), ("NN_TUNE", "1")];
    let (measured, _, plain) = process(&[("NN_PIPELINE_CACHE", "off")]);
    assert_eq!(measured, 0, "nobody asked");
    let (measured, text, bits) = process(&kept);
    assert_eq!((measured, &bits), (3, &plain), "three layers: {text}");
    let (measured, text, bits) = process(&kept);
    assert_eq!((measured, &bits), (0, &plain), "read back: {text}");

    let choices = || std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let file = choices().find(|path| path.file_name().unwrap().to_string_lossy().starts_with("choices_")).unwrap();
    let whole = std::fs::read(&file).unwrap();
    for broken in [b"no choices at all, and longer than a head".to_vec(), whole[..whole.len() - 1].to_vec(), vec![]] {
        std::fs::write(&file, broken).unwrap();
        let (measured, text, bits) = process(&kept);
        assert_eq!((measured, &bits), (3, &plain), "{text}");
        assert!(text.contains("is damaged or too much; it is made anew"), "{text}");
    }
    let (measured, text, bits) = process(&kept);
    assert_eq!((measured, &bits), (0, &plain), "written again: {text}");
    let (measured, text, bits) = process(&[("NN_PIPELINE_CACHE", "off"), ("NN_TUNE", "1"), ("NN_VARIANT", "32x32")]);
    assert_eq!((measured, &bits), (0, &plain), "what is forced is not measured: {text}");
    std::fs::remove_dir_all(folder).unwrap();
}

/// Cooperative matrices add in an order of their own. The bound is that of any order, for either text.
#[test]
fn cooperative_matrices_lie_within_the_bound() {
    let count = |name| leak_variants(&mixed_plan(), name).1;
    assert_eq!((count("matrices_8x8"), count("matrices_16x16")), (1, 1));
    if gpu().is_none() {
        return;
    }
    let outputs = |text: &str| -> Vec<f32> {
        let bits = text.lines().filter_map(|line| line.strip_prefix("output "));
        bits.map(|bits| f32::from_bits(u32::from_str_radix(bits, 16).unwrap())).collect()
    };
    let plain = [("MIXED", "1"), ("NN_PIPELINE_CACHE", "off"), ("NN_VARIANT", "first")];
    let first = outputs(&process(&plain).1);
    assert_eq!(first.len(), BATCH * WIDTH);
    let [x, _, weight] = numbers();
    for name in ["matrices_8x8", "matrices_16x16"] {
        let (_, text, _) = process(&[plain[0], plain[1], ("NN_VARIANT", name), ("NN_MATRICES", "1")]);
        let other = outputs(&text);
        if !text.contains(&format!("{name}` runs")) {
            println!("skipped: the device has no {name}");
            assert!(first.iter().zip(&other).all(|(a, b)| a.to_bits() == b.to_bits()), "the first text in their place");
            continue;
        }
        let mut differ = 0;
        for (i, (a, b)) in first.iter().zip(&other).enumerate() {
            let (row, column) = (&x[i / WIDTH * WIDTH..][..WIDTH], &weight[i % WIDTH * WIDTH..][..WIDTH]);
            let products = || row.iter().zip(column).map(|(x, w)| f64::from(*x) * f64::from(*w));
            let (exact, size) = (products().sum::<f64>(), products().map(f64::abs).sum::<f64>());
            let bound = 2.0 * WIDTH as f64 * 2f64.powi(-24) * size;
            for v in [a, b] {
                assert!((f64::from(*v) - exact).abs() <= bound, "{name}: {i}: {v} is not {exact}");
            }
            differ += usize::from(a.to_bits() != b.to_bits());
        }
        println!("{name}: {differ} of {} sums differ in bits", first.len());
    }
}
