//! The first values of parameters. Each parameter has random numbers of its own, keyed by the seed and its name, so that
//! an edit of one statement changes nothing elsewhere; they are the same on every device.

use rand::rngs::ChaCha8Rng;
use rand::{Rng, SeedableRng};

use crate::program::{Initializer, Parameter, Program};

/// Makes a vector of zeros that of all parameters, as a new network has them.
pub(crate) fn parameters(program: &Program, seed: u64, values: &mut [f32]) {
    fill_all(program.parameters, seed, values);
    control(program, values);
}

/// Sets what training keeps for itself to what it starts from.
pub(crate) fn control(program: &Program, values: &mut [f32]) {
    fill_all(program.control, 0, values);
}

fn fill_all(parameters: &[Parameter], seed: u64, values: &mut [f32]) {
    for parameter in parameters {
        let size = parameter.dims.iter().product::<usize>();
        if let Some(values) = values.get_mut(parameter.offset..parameter.offset + size) {
            fill(parameter, seed, values);
            if let Some(row) = parameter.zero_row {
                let columns = size / parameter.dims[0];
                values[row * columns..][..columns].fill(0.0);
            }
        }
    }
}

fn fill(parameter: &Parameter, seed: u64, values: &mut [f32]) {
    let mut numbers = Numbers::new(seed, parameter.name);
    match parameter.init {
        Initializer::Constant(value) => values.fill(value as f32),
        Initializer::Uniform { low, high } => {
            values.iter_mut().for_each(|v| *v = (low + (high - low) * numbers.uniform()) as f32);
        }
        Initializer::Normal { mean, std } => {
            values.iter_mut().for_each(|v| *v = (mean + std * numbers.normal()) as f32)
        }
        Initializer::TruncatedNormal { mean, std, low, high } => {
            let (a, b) = ((low - mean) / std, (high - mean) / std);
            let draw = |v: &mut f32| *v = (mean + std * numbers.truncated(a, b)).clamp(low.min(high), high) as f32;
            values.iter_mut().for_each(draw);
        }
        Initializer::Orthogonal { gain } => orthogonal(parameter.dims, gain, &mut numbers, values),
    }
}

/// Random numbers for one parameter.
struct Numbers {
    generator: ChaCha8Rng,
    /// Normal numbers come in pairs: the second one.
    spare: Option<f64>,
}

impl Numbers {
    fn new(seed: u64, name: &str) -> Self {
        Numbers { generator: generator(seed, name), spare: None }
    }

    /// In [0, 1).
    fn uniform(&mut self) -> f64 {
        f64::from(self.generator.next_u32()) * (1.0 / 4_294_967_296.0)
    }

    /// Standard normal, by Box and Muller's method.
    fn normal(&mut self) -> f64 {
        if let Some(spare) = self.spare.take() {
            return spare;
        }
        let radius = (-2.0 * (1.0 - self.uniform()).ln()).sqrt();
        let (sin, cos) = (std::f64::consts::TAU * self.uniform()).sin_cos();
        self.spare = Some(radius * sin);
        radius * cos
    }

    /// Standard normal, within [a, b]. Where most of the mass lies inside, by drawing again; in a tail or in a narrow
    /// interval, by drawing uniformly and accepting with the density. Both end after few tries.
    fn truncated(&mut self, a: f64, b: f64) -> f64 {
        if a.is_nan() || b.is_nan() || a >= b {
            return if a.is_finite() { a } else { 0.0 };
        }
        if a < 0.0 && b > 0.0 && b - a > 1.0 {
            loop {
                let value = self.normal();
                if (a..=b).contains(&value) {
                    return value;
                }
            }
        }
        // The point where the density is largest, and an end beyond which nothing is left that f64 could tell.
        let peak = 0f64.clamp(a, b);
        let (a, b) = (a.max(peak - 10.0), b.min(peak + 10.0));
        loop {
            let value = a + (b - a) * self.uniform();
            if self.uniform() < (0.5 * (peak * peak - value * value)).exp() {
                return value;
            }
        }
    }
}

/// A generator for one purpose of a network with this seed.
pub(crate) fn generator(seed: u64, purpose: &str) -> ChaCha8Rng {
    // FNV-1a, which will be the same tomorrow.
    let hash = purpose.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x100_0000_01b3));
    let mut key = [0; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    key[8..16].copy_from_slice(&hash.to_le_bytes());
    key[16..24].copy_from_slice(&(purpose.len() as u64).to_le_bytes());
    ChaCha8Rng::from_seed(key)
}

/// Orthonormal rows, or columns where there are more rows than columns, times a gain: a random normal matrix,
/// orthogonalized by Gram and Schmidt's method, twice over for accuracy.
fn orthogonal(dims: &[usize], gain: f64, numbers: &mut Numbers, values: &mut [f32]) {
    let rows = dims.first().copied().unwrap_or(1).max(1);
    let columns = values.len() / rows;
    // `count` orthonormal vectors of `length` numbers.
    let (count, length) = (rows.min(columns), rows.max(columns));
    let mut vectors: Vec<Vec<f64>> = Vec::with_capacity(count);
    while vectors.len() < count {
        let mut vector: Vec<f64> = (0..length).map(|_| numbers.normal()).collect();
        let before = norm(&vector);
        for _ in 0..2 {
            for other in &vectors {
                let along: f64 = vector.iter().zip(other).map(|(a, b)| a * b).sum();
                vector.iter_mut().zip(other).for_each(|(v, o)| *v -= along * o);
            }
        }
        let after = norm(&vector);
        // Practically never: a vector that the others span. Another one is drawn.
        if after > before * 1e-9 {
            vector.iter_mut().for_each(|v| *v /= after);
            vectors.push(vector);
        }
    }
    for (i, value) in values.iter_mut().enumerate() {
        let (row, column) = (i / columns, i % columns);
        let entry = if rows <= columns { vectors[row][column] } else { vectors[column][row] };
        *value = (gain * entry) as f32;
    }
}

fn norm(vector: &[f64]) -> f64 {
    vector.iter().map(|v| v * v).sum::<f64>().sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(init: Initializer, dims: &'static [usize]) -> Vec<f32> {
        let mut values = vec![0.0; dims.iter().product()];
        fill(
            &Parameter { name: "dense.weight", dims, init, offset: 0, trainable: true, zero_row: None },
            42,
            &mut values,
        );
        values
    }

    fn moments(values: &[f32]) -> (f64, f64) {
        let n = values.len() as f64;
        let mean = values.iter().map(|&v| f64::from(v)).sum::<f64>() / n;
        (mean, (values.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum::<f64>() / n).sqrt())
    }

    #[test]
    fn distributions_have_their_moments_and_bounds() {
        let uniform = drawn(Initializer::Uniform { low: -1.0, high: 3.0 }, &[100_000]);
        let (mean, std) = moments(&uniform);
        assert!((mean - 1.0).abs() < 0.02 && (std - 4.0 / 12f64.sqrt()).abs() < 0.02, "{mean} {std}");
        assert!(uniform.iter().all(|v| (-1.0..3.0).contains(v)));

        let (mean, std) = moments(&drawn(Initializer::Normal { mean: 0.5, std: 2.0 }, &[100_000]));
        assert!((mean - 0.5).abs() < 0.03 && (std - 2.0).abs() < 0.03, "{mean} {std}");

        let truncated = drawn(Initializer::TruncatedNormal { mean: 0.0, std: 1.0, low: -2.0, high: 2.0 }, &[100_000]);
        let (mean, std) = moments(&truncated);
        assert!(mean.abs() < 0.02 && (std - 0.8796).abs() < 0.01, "{mean} {std}");
        assert!(truncated.iter().all(|v| (-2.0..=2.0).contains(v)));

        assert!(drawn(Initializer::Constant(0.25), &[10]).iter().all(|&v| v == 0.25));
    }

    #[test]
    fn truncation_far_out_ends_and_is_right() {
        // The mean of a standard normal beyond 5 is phi(5) / Q(5) = 5.1866.
        let tail = drawn(Initializer::TruncatedNormal { mean: 0.0, std: 1.0, low: 5.0, high: 1e9 }, &[20_000]);
        assert!((moments(&tail).0 - 5.1866).abs() < 0.01, "{}", moments(&tail).0);
        assert!(tail.iter().all(|&v| v >= 5.0));
        let narrow = drawn(Initializer::TruncatedNormal { mean: 0.0, std: 1.0, low: 0.1, high: 0.1001 }, &[100]);
        assert!(narrow.iter().all(|v| (0.1..=0.1001).contains(v)));
        for (std, low, high) in [(0.0, -1.0, 1.0), (1.0, 2.0, 1.0), (f64::NAN, 0.0, 1.0)] {
            drawn(Initializer::TruncatedNormal { mean: 0.0, std, low, high }, &[10]);
        }
    }

    #[test]
    fn orthogonal_rows_or_columns() {
        for dims in [&[4, 7][..], &[7, 4], &[5, 5], &[3, 2, 4], &[6]] {
            let rows = dims[0];
            let columns = dims.iter().product::<usize>() / rows;
            let dims: &'static [usize] = dims.to_vec().leak();
            let m = drawn(Initializer::Orthogonal { gain: 2.0 }, dims);
            let at = |r: usize, c: usize| f64::from(m[r * columns + c]);
            let count = rows.min(columns);
            for i in 0..count {
                for j in 0..count {
                    let product: f64 = match rows <= columns {
                        true => (0..columns).map(|k| at(i, k) * at(j, k)).sum(),
                        false => (0..rows).map(|k| at(k, i) * at(k, j)).sum(),
                    };
                    let expected = if i == j { 4.0 } else { 0.0 };
                    assert!((product - expected).abs() < 1e-5, "{dims:?}: {i} {j} {product}");
                }
            }
        }
    }

    #[test]
    fn a_parameter_depends_on_the_seed_and_its_own_name_only() {
        let init = Initializer::Uniform { low: 0.0, high: 1.0 };
        let draw = |seed, name: &'static str| {
            let mut values = [0.0; 8];
            fill(&Parameter { name, dims: &[8], init, offset: 0, trainable: true, zero_row: None }, seed, &mut values);
            values
        };
        assert_eq!(draw(1, "a"), draw(1, "a"));
        assert_ne!(draw(1, "a"), draw(2, "a"));
        assert_ne!(draw(1, "a"), draw(1, "b"));
    }

    #[test]
    fn the_numbers_are_pinned() {
        let numbers = drawn(Initializer::Uniform { low: 0.0, high: 1.0 }, &[3]);
        let normal = drawn(Initializer::Normal { mean: 0.0, std: 1.0 }, &[3]);
        assert_eq!(numbers, [0.20748046, 0.41672823, 0.9486472]);
        assert_eq!(normal, [-0.59073085, 0.34075406, -2.420579]);
    }
}
