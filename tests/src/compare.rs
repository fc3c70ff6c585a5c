//! How two tensors are compared.

/// Differences count relative to the larger tensor's largest number, which counts as at least this.
const SMALLEST: f64 = 1e-2;

/// The largest difference, relative to the expected tensor's largest number.
pub fn distance(got: &[f32], expected: &[f32]) -> f64 {
    let largest = expected.iter().map(|x| f64::from(x.abs())).fold(SMALLEST, f64::max);
    let difference = |(g, e): (&f32, &f32)| {
        let d = (f64::from(*g) - f64::from(*e)).abs();
        if d.is_nan() { f64::INFINITY } else { d }
    };
    got.iter().zip(expected).map(difference).fold(0.0, f64::max) / largest
}

/// Fails, with the place of the largest difference, unless [`distance`] is at most `tolerance`.
#[track_caller]
pub fn assert_close(what: &str, got: &[f32], expected: &[f32], tolerance: f64) {
    assert_eq!(got.len(), expected.len(), "{what}: number of elements");
    let distance = distance(got, expected);
    if distance > tolerance {
        let worst = (0..got.len()).max_by(|&i, &j| {
            let d = |i: usize| (got[i] - expected[i]).abs();
            d(i).partial_cmp(&d(j)).unwrap_or(std::cmp::Ordering::Greater)
        });
        let worst = worst.expect("tensors that differ are not empty");
        panic!(
            "{what}: differs by {distance:.2e} of its largest number, {tolerance:.0e} is allowed; element {worst} is {} instead of {}\n     got {:?}\nexpected {:?}",
            got[worst],
            expected[worst],
            &got[..got.len().min(24)],
            &expected[..expected.len().min(24)],
        );
    }
}
