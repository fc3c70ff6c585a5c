//! Loops over time: what stays the same whatever their length, the device and the number of threads.

use nn_tests::{Noise, assert_close, gpu};

/// A network for sequences of some length: an LSTM, then a cell of one's own that reads what it gave, backwards, with a state that
/// depends on another one; and its tests.
macro_rules! network {
    ($module:ident, $steps:literal) => {
        mod $module {
            use super::*;

            nn::network! {
                /// Loops of this length.
                pub network Looped {
                    input x: [$steps, 3];
                    target y: [2];
                    all = x >> lstm(4);
                    scan memory(x_t in all, h = zeros(4), c = zeros(4), reverse = true) {
                        gates = linear(x_t, 8) + linear(h, 8, bias = false);
                        (keep, new) = chunk(gates, 2);
                        c = sigmoid(keep) * c + tanh(new);
                        h = tanh(c) * sigmoid(h);
                        h + 0.5 * c
                    }
                    fitted = (memory >> first) + memory.c >> dense(2);
                    output everything = memory;
                    output fit = fitted;
                    loss mse(fitted, y);
                    optimizer adam(learning_rate = 0.01);
                }
            }

            const SAMPLES: usize = 7;

            fn data() -> LoopedData {
                let mut noise = Noise::new($steps);
                let x: Vec<[[f32; 3]; $steps]> = (0..SAMPLES).map(|_| std::array::from_fn(|_| noise.array())).collect();
                let y: Vec<[f32; 2]> = (0..SAMPLES).map(|_| noise.array()).collect();
                LoopedData::new(x, y).unwrap()
            }

            /// Gradients of all parameters and of the input, then what three steps make of the parameters.
            pub fn outcome(device: &nn::Device) -> Vec<(String, Vec<f32>)> {
                let (data, mut net) = (data(), Looped::new(device, 3).unwrap());
                let gradients = net.gradients(&data).unwrap();
                let mut all = vec![("gradient of x".to_owned(), gradients.input("x").unwrap().to_vec())];
                for p in net.parameters() {
                    all.push((format!("gradient of {}", p.name), gradients.parameter(p.name).unwrap().to_vec()));
                }
                let history = net.fit(&data, nn::Fit::default().epochs(3).batch_size(SAMPLES).quiet()).unwrap();
                all.push(("losses".to_owned(), history.step_losses.clone()));
                for p in net.parameters() {
                    all.push((p.name.to_owned(), net.parameter(p.name).unwrap()));
                }
                let predicted = net.predict(data.x()).unwrap();
                all.push(("everything".to_owned(), predicted.everything.as_flattened().as_flattened().to_vec()));
                all.push(("fit".to_owned(), predicted.fit.as_flattened().to_vec()));
                all
            }

            #[test]
            fn the_gpu_computes_what_the_cpu_computes() {
                let Some(gpu) = gpu() else { return };
                for ((name, got), (_, expected)) in outcome(gpu).into_iter().zip(outcome(&nn::Device::cpu())) {
                    assert_close(&format!("{} steps: {name}", $steps), &got, &expected, 1e-4);
                }
            }

            #[test]
            fn the_same_seed_gives_the_same_bits() {
                let bits = |threads| {
                    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                    let all = pool.install(|| outcome(&nn::Device::cpu()));
                    all.into_iter().flat_map(|(_, values)| values).map(f32::to_bits).collect::<Vec<_>>()
                };
                let one = bits(1);
                assert!(bits(1) == one, "a second run");
                assert!(bits(2) == one, "two threads");
            }
        }
    };
}

network!(one, 1);
network!(two, 2);
network!(three, 3);
network!(eight, 8);
network!(long, 512);
network!(twice_as_long, 1024);

/// A plan without the numbers that stand for lengths.
fn shape_of_plan(plan: &str) -> Vec<String> {
    plan.lines().map(|line| line.split(|c: char| c.is_ascii_digit() || c == ',').collect()).collect()
}

/// The kernels' names, each once: not those of the texts that devices choose among.
fn kernels(shaders: &[nn::Shader]) -> Vec<&str> {
    shaders.iter().filter(|shader| shader.variant.is_none()).map(|shader| shader.name).collect()
}

#[test]
fn a_longer_sequence_has_no_larger_plan() {
    let (eight, long, twice) = (eight::Looped::shaders(), long::Looped::shaders(), twice_as_long::Looped::shaders());
    assert_eq!(kernels(eight), kernels(long));
    // A sum over many steps is shared by a workgroup, and has a second text for devices with subgroups; longer ones have no more.
    assert!(long.len() <= eight.len() + 1, "{} and {} texts", eight.len(), long.len());
    assert_eq!(long.len(), twice.len());
    assert_eq!(shape_of_plan(eight::Looped::plan()), shape_of_plan(long::Looped::plan()));
    assert!(long::Looped::plan().contains("  loop of 512 steps: dispatch"), "{}", long::Looped::plan());
}
