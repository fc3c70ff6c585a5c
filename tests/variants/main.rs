//! Large contractions have several texts, for several kinds of devices; all give the same bits.

use std::process::Command;

use nn_kernels::graph::{Leaf, Shape};
use nn_kernels::layers::{self, Affine};
use nn_kernels::network::{Field, Network};
use nn_kernels::plan::Plan;
use nn_kernels::{Options, compile};
use nn_runtime::private::{DataSet, Net};
use nn_runtime::program::Program;
use nn_tests::{Noise, gpu, leak, leak_variants};

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
fn all_texts_of_products_give_the_same_bits() {
    let plan = plan();
    let first = gpu().map(|_| bits(leak(&plan, None)));
    for (name, least) in [("32x32", 8), ("64x64", 3), ("128x128", 3), ("subgroups_16x256", 8)] {
        let (program, count) = leak_variants(&plan, name);
        assert!(count >= least, "{name}: {count} of three layers forward in four programs, and of their gradients");
        if let Some(first) = &first {
            let other = bits(program);
            let differ = first.iter().zip(&other).filter(|(a, b)| a != b).count();
            assert_eq!((differ, first.len()), (0, other.len()), "{name}");
            assert!(first.iter().any(|&b| f32::from_bits(b).abs() > 0.1), "there are results");
        }
    }
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

/// A process of its own for `measured_choices_are_kept`, with an environment of its own.
#[test]
#[ignore = "a part of another test"]
fn predicts_and_prints_bits() {
    log::set_logger(&Lines).unwrap();
    log::set_max_level(log::LevelFilter::Info);
    let plan = plan();
    let program = leak(&plan, None);
    let net = Net::new(gpu().unwrap(), program, 1).unwrap();
    let mut noise = Noise::new(2);
    let fields = (0..2).map(|_| (0..BATCH * WIDTH).map(|_| noise.next()).collect()).collect();
    let data = DataSet::from_flat(program.fields, fields).unwrap();
    let outputs = net.predict(&[data.input(0)]).unwrap().concat();
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
        assert_eq!(std::fs::read(&file).unwrap().len(), whole.len(), "written again");
    }
    let (measured, text, bits) = process(&[("NN_PIPELINE_CACHE", "off"), ("NN_TUNE", "1"), ("NN_VARIANT", "32x32")]);
    assert_eq!((measured, &bits), (0, &plain), "what is forced is not measured: {text}");
    std::fs::remove_dir_all(folder).unwrap();
}
