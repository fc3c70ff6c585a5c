//! How parameters start: the distributions, and PyTorch's bounds.

use nn::{Device, network};

network! {
    network Initialized {
        input x: [300];
        a = x >> dense(200) >> tanh;
        b = a >> dense(200, init = zeros) >> tanh;
        c = b >> dense(200, init = ones) >> tanh;
        d = c >> dense(200, init = constant(0.25)) >> tanh;
        e = d >> dense(200, init = uniform(-0.5, 0.75)) >> tanh;
        f = e >> dense(200, init = normal(0.5, 0.2)) >> tanh;
        g = f >> dense(200, init = truncated_normal(std = 0.5, low = -0.6, high = 0.8)) >> tanh;
        h = g >> dense(150, init = xavier_uniform) >> tanh;
        i = h >> dense(200, init = xavier_normal(gain = 2.0)) >> tanh;
        j = i >> dense(150, init = kaiming_uniform) >> relu;
        k = j >> dense(200, init = kaiming_normal) >> relu;
        l = k >> dense(200, init = lecun_normal) >> selu;
        m = l >> dense(150, init = orthogonal) >> tanh;
        n = m >> dense(180, init = orthogonal(gain = 3.0)) >> tanh;
        output y = n;
    }
}

struct Statistics {
    mean: f64,
    std: f64,
    low: f64,
    high: f64,
}

fn statistics(v: &[f32]) -> Statistics {
    let n = v.len() as f64;
    let mean = v.iter().map(|v| f64::from(*v)).sum::<f64>() / n;
    let std = (v.iter().map(|v| (f64::from(*v) - mean).powi(2)).sum::<f64>() / n).sqrt();
    let low = v.iter().copied().fold(f32::MAX, f32::min);
    let high = v.iter().copied().fold(f32::MIN, f32::max);
    Statistics { mean, std, low: low.into(), high: high.into() }
}

fn weight(binding: &str) -> Vec<f32> {
    Initialized::new(&Device::cpu(), 12).unwrap().parameter(&format!("{binding}.dense.weight")).unwrap()
}

fn assert_uniform(binding: &str, low: f64, high: f64) {
    let s = statistics(&weight(binding));
    let width = high - low;
    assert!(s.low >= low - 1e-6 && s.high <= high + 1e-6, "{binding}: {} to {}", s.low, s.high);
    assert!(s.low < low + 0.01 * width && s.high > high - 0.01 * width, "{binding}: {} to {}", s.low, s.high);
    assert!((s.mean - (low + high) / 2.0).abs() < 0.01 * width, "{binding}: mean {}", s.mean);
    assert!((s.std - width / 12f64.sqrt()).abs() < 0.01 * width, "{binding}: std {}", s.std);
}

fn assert_normal(binding: &str, mean: f64, std: f64) {
    let s = statistics(&weight(binding));
    assert!((s.mean - mean).abs() < 0.03 * std, "{binding}: mean {}", s.mean);
    assert!((s.std - std).abs() < 0.02 * std, "{binding}: std {} instead of {std}", s.std);
    assert!(s.low < mean - 3.0 * std && s.high > mean + 3.0 * std, "{binding}: tails");
}

#[test]
fn constants() {
    assert!(weight("b").iter().all(|v| *v == 0.0));
    assert!(weight("c").iter().all(|v| *v == 1.0));
    assert!(weight("d").iter().all(|v| *v == 0.25));
}

#[test]
fn uniform_ones() {
    let bound = 1.0 / 300f64.sqrt();
    assert_uniform("a", -bound, bound);
    assert_uniform("e", -0.5, 0.75);
    let bound = (6.0f64 / (200.0 + 150.0)).sqrt();
    assert_uniform("h", -bound, bound);
    let bound = 2f64.sqrt() * (3.0 / 200f64).sqrt();
    assert_uniform("j", -bound, bound);
    let bias = Initialized::new(&Device::cpu(), 12).unwrap().parameter("a.dense.bias").unwrap();
    let s = statistics(&bias);
    assert!(s.high <= 1.0 / 300f64.sqrt() && s.low >= -1.0 / 300f64.sqrt() && s.std > 0.0);
}

#[test]
fn normal_ones() {
    assert_normal("f", 0.5, 0.2);
    assert_normal("i", 0.0, 2.0 * (2.0f64 / (150.0 + 200.0)).sqrt());
    assert_normal("k", 0.0, (2.0f64 / 150.0).sqrt());
}

#[test]
fn truncated_ones() {
    let s = statistics(&weight("g"));
    assert!(s.low >= -0.6 && s.high <= 0.8 && s.low < -0.58 && s.high > 0.78, "{} to {}", s.low, s.high);
    // LeCun's: the standard deviation after truncation is 1 / sqrt(fan-in).
    let s = statistics(&weight("l"));
    let std = 1.0 / 200f64.sqrt();
    assert!((s.std - std).abs() < 0.02 * std, "{} instead of {std}", s.std);
    assert!(s.high <= 2.0 * std / 0.8796 + 1e-6);
}

#[test]
fn orthogonal_ones() {
    for (binding, rows, columns, gain) in [("m", 150, 200, 1.0), ("n", 180, 150, 3.0)] {
        let w = weight(binding);
        let at = |r: usize, c: usize| f64::from(w[r * columns + c]);
        // The shorter side is orthonormal, times the gain.
        let (vectors, length) = if rows <= columns { (rows, columns) } else { (columns, rows) };
        let dot = |i: usize, j: usize| -> f64 {
            (0..length).map(|k| if rows <= columns { at(i, k) * at(j, k) } else { at(k, i) * at(k, j) }).sum()
        };
        for i in 0..vectors {
            assert!((dot(i, i) - gain * gain).abs() < 1e-4, "{binding}: length of {i}: {}", dot(i, i));
            assert!(dot(i, (i + 1) % vectors).abs() < 1e-4, "{binding}: angle of {i}");
            assert!(
                dot(i, (i * 7 + 3) % vectors).abs() < 1e-4 || i == (i * 7 + 3) % vectors,
                "{binding}: angle of {i}"
            );
        }
    }
}

#[test]
fn another_seed_draws_other_numbers() {
    let draw = |seed| Initialized::new(&Device::cpu(), seed).unwrap().parameter("a.dense.weight").unwrap();
    assert_eq!(draw(1), draw(1));
    assert_ne!(draw(1), draw(2));
    let net = Initialized::new(&Device::cpu(), 1).unwrap();
    let (b, d) = (net.parameter("j.dense.weight").unwrap(), net.parameter("k.dense.weight").unwrap());
    assert_ne!(b[..100], d[..100], "each tensor has numbers of its own");
}
