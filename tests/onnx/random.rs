//! Random networks, and what the graph's definition makes of them.

use std::collections::BTreeMap;

use nn::__private::{Net, Onnx};
use nn::Device;
use nn_kernels::emit::onnx;
use nn_kernels::graph::Leaf;
use nn_kernels::reference::{Environment, evaluate};
use nn_kernels::{Options, compile, random_graph};
use nn_tests::leak;

use super::{SAMPLES, folder, save, waves};

#[test]
fn random_networks() {
    let mut operations = BTreeMap::<&str, usize>::new();
    let mut loops = 0;
    for seed in 0..200 {
        let network = random_graph::network(seed);
        loops += usize::from(network.graph.has_loops());
        let plan = compile(&network, &Options::default());
        // Only its weights are looked at: it needs no kernels.
        let mut net = Net::new(&Device::cpu(), leak(&plan, None), 1).unwrap();
        let parameters: Vec<Vec<f32>> = (network.parameters.iter().enumerate())
            .map(|(number, p)| {
                let values = waves(number + 10, p.dims.iter().product());
                // Buffers may be variances, which are never negative.
                let values: Vec<f32> =
                    if p.trainable { values } else { values.iter().map(|v| v.abs() + 0.1).collect() };
                net.set_parameter(&p.name, &values).unwrap();
                values
            })
            .collect();
        let fields: Vec<Vec<f32>> = (network.fields.iter().enumerate())
            .map(|(number, field)| {
                let values = waves(number + 1, SAMPLES * field.dims.iter().product::<usize>());
                let class = |v: &f32| ((v.abs() * 1e6) as usize % field.classes.unwrap_or(1)) as f32;
                if field.classes.is_some() { values.iter().map(class).collect() } else { values }
            })
            .collect();

        let template = onnx::print(&network).unwrap_or_else(|what| panic!("network {seed} has {what}"));
        for op in ["Conv", "ConvTranspose", "MatMul", "Einsum", "Gather", "Scan"] {
            let field = [&[4 << 3 | 2, op.len() as u8], op.as_bytes()].concat();
            *operations.entry(op).or_default() += usize::from(template.graph.windows(field.len()).any(|w| w == field));
        }
        let onnx = Onnx { graph: template.graph.leak(), opset: onnx::OPSET, parameters: template.parameters.leak() };
        let (folder, stays) = folder();
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join(format!("Random{seed}.onnx"));
        net.export_onnx(&onnx, &path).unwrap();
        if !stays {
            std::fs::remove_file(path).unwrap();
            let _ = std::fs::remove_dir(&folder);
            continue;
        }
        let leaf = |leaf: &Leaf| match leaf {
            Leaf::Field(number) => fields[*number].iter().map(|&v| f64::from(v)).collect(),
            Leaf::Parameter(number) => parameters[*number].iter().map(|&v| f64::from(v)).collect(),
            other => panic!("{other:?} in a network"),
        };
        let environment =
            Environment { batch: SAMPLES, leaf: &leaf, learning_rate: 0.0, step: 0, seed: 0, training: false };
        let results = evaluate(&network.graph, &environment);
        let inputs = network.fields[..network.inputs].iter().zip(&fields);
        let inputs = inputs.map(|(f, values)| (format!("input/{}", f.name), &f.dims[..], values.clone()));
        let outputs = network.outputs.iter().enumerate().map(|(number, (name, id))| {
            let shape = network.graph.shape(*id);
            let one: Vec<f32> = results[id.index()].iter().map(|&v| v as f32).collect();
            let all = if shape.batch { one } else { one.repeat(SAMPLES) };
            (format!("output/{number}/{name}"), &shape.dims[..], all)
        });
        save(&folder.join(format!("Random{seed}.safetensors")), inputs.chain(outputs));
    }
    println!("networks with each operation: {operations:?}; {loops} have loops");
    assert!(operations["Scan"] <= loops);
    assert!(operations.values().all(|&count| count >= 10), "{operations:?}");
}
