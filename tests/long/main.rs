//! Attention over long sequences, which is computed by blocks of queries: PyTorch's numbers, the plain formula's, memory in proportion
//! to the length, and the same bits whatever the number of threads.

use nn_tests::{Noise, assert_close};

/// `case [shape] { more inputs } { a }`: of `s`, with a linear layer behind.
macro_rules! long {
    ($($case:ident $shape:tt { $($inputs:tt)* } { $a:expr })+) => { $(
        nn_tests::parity! { "long" $case {
            input x: $shape;
            $($inputs)*
            target y: $shape;
            s = tanh(x);
            a = $a;
            output a = a;
            loss mse(a, y);
            optimizer sgd(learning_rate = 0.02);
        } }
    )+ };
}

long! {
    causal [1021, 4] { input k: [1021, 4]; } { attention(s, k, k, heads = 2, causal = true) >> linear(4) }
    padding [700, 4] { input k: [1100, 2]; input v: [1100, 2]; input length: class(1101); } {
        attention(s, k, v, heads = 2, kv_heads = 1, mask = mask_from(length, 1100)) >> linear(4)
    }
    self_attention [1024, 4] {} { s >> self_attention(2) }
}

/// Every fixture has its test: a case that only Python knows would pass unseen.
#[test]
fn every_fixture_is_tested() {
    nn_tests::parity::assert_all_named("long", include_str!("main.rs"));
}

/// One head of `width` features, with dropout behind, for sequences of some length.
macro_rules! network {
    ($module:ident, $length:literal, $dropout:literal) => {
        mod $module {
            nn::network! {
                /// Attention and nothing else.
                pub network Attending {
                    input q: [$length, 8];
                    input k: [$length, 8];
                    input v: [$length, 4];
                    target y: [$length, 4];
                    a = attention(q, k, v, causal = true, dropout = $dropout);
                    b = a >> linear(4);
                    output a = a;
                    loss mse(b, y);
                    optimizer sgd(learning_rate = 0.1);
                }
            }
        }
    };
}

network!(short, 64, 0.0);
network!(of_2048, 2048, 0.2);
network!(of_4096, 4096, 0.0);

#[test]
fn four_thousand_positions_are_the_plain_formula() {
    const LENGTH: usize = 4096;
    let mut noise = Noise::new(7);
    let mut rows = |width: usize| (0..LENGTH * width).map(|_| 2.0 * noise.next()).collect::<Vec<f32>>();
    let (q, k, v) = (rows(8), rows(8), rows(4));
    let mut expected = vec![0.0_f32; LENGTH * 4];
    for i in 0..LENGTH {
        let score =
            |j: usize| (0..8).map(|d| f64::from(q[i * 8 + d]) * f64::from(k[j * 8 + d])).sum::<f64>() / 8_f64.sqrt();
        let scores: Vec<f64> = (0..=i).map(score).collect();
        let largest = scores.iter().copied().fold(f64::MIN, f64::max);
        let weights: Vec<f64> = scores.iter().map(|s| (s - largest).exp()).collect();
        let sum: f64 = weights.iter().sum();
        for d in 0..4 {
            let mixed: f64 = weights.iter().enumerate().map(|(j, w)| w * f64::from(v[j * 4 + d])).sum();
            expected[i * 4 + d] = (mixed / sum) as f32;
        }
    }
    let net = of_4096::Attending::new(&nn::Device::cpu(), 1).unwrap();
    let array = |rows: &[f32]| rows.as_chunks::<8>().0.as_chunks::<LENGTH>().0.to_vec();
    let narrow = v.as_chunks::<4>().0.as_chunks::<LENGTH>().0.to_vec();
    let found = net.predict(&array(&q), &array(&k), &narrow).unwrap();
    assert_close("attention", found.as_flattened().as_flattened(), &expected, 1e-5);
}

#[test]
fn memory_grows_with_the_length_and_not_with_its_square() {
    let [half, whole] = [of_2048::Attending::memory(4), of_4096::Attending::memory(4)];
    // Inputs, results and their gradients are twice as many; blocks of scores are as large as they were.
    assert!(whole < 2 * half + half / 10, "{whole} bytes, and {half} for half the length");
    let matrix = 4 * 4096 * 4096 * 4;
    assert!(whole < matrix / 4, "{whole} bytes, where one matrix of scores has {matrix}");
    assert!(of_4096::Attending::plan().contains("loop of"), "{}", of_4096::Attending::plan());
    assert!(!short::Attending::plan().contains("loop of"), "short sequences have no loop");
}

#[test]
fn what_is_dropped_does_not_depend_on_threads() {
    let outcome = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let mut noise = Noise::new(3);
            let mut rows = |width: usize| (0..2 * 2048 * width).map(|_| noise.next()).collect::<Vec<f32>>();
            let (q, k, v, y) = (rows(8), rows(8), rows(4), rows(4));
            let wide = |rows: &[f32]| rows.as_chunks::<8>().0.as_chunks::<2048>().0.to_vec();
            let narrow = |rows: &[f32]| rows.as_chunks::<4>().0.as_chunks::<2048>().0.to_vec();
            let data = of_2048::AttendingData::new(wide(&q), wide(&k), narrow(&v), narrow(&y)).unwrap();
            let mut net = of_2048::Attending::new(&nn::Device::cpu(), 1).unwrap();
            let history = net.fit(&data, nn::Fit::default().epochs(2).batch_size(2).quiet()).unwrap();
            let gradients = net.gradients(&data).unwrap();
            let all = [gradients.input("q").unwrap(), gradients.input("k").unwrap(), gradients.input("v").unwrap()];
            let bits: Vec<u32> = all.concat().iter().chain(&history.step_losses).map(|x| x.to_bits()).collect();
            bits
        })
    };
    let one = outcome(1);
    assert!(one == outcome(2), "two threads");
    assert!(one == outcome(1), "a second run");
}
