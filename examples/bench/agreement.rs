//! Compares what the CPU and the GPU compute from the same weights.

use nn::Device;
use serde_json::json;

use crate::workloads::{Outcome, Workload};

/// One line of JSON: of predictions, gradients and losses, the largest difference over the largest number; null where
/// something is missing or no number.
pub fn line(workload: &Workload, batch: usize) -> nn::Result<String> {
    let gpu = Device::gpu()?;
    let (here, there) = ((workload.outcome)(&Device::cpu(), batch)?, (workload.outcome)(&gpu, batch)?);
    let of = |part: fn(&Outcome) -> &[f32]| two_digits(difference(part(&here), part(&there)));
    let line = json!({
        "workload": workload.name,
        "batch": batch,
        "adapter": gpu.name(),
        "predictions": of(|outcome| &outcome.predictions),
        "gradients": of(|outcome| &outcome.gradients),
        "losses": of(|outcome| &outcome.losses),
    });
    Ok(line.to_string())
}

/// What JSON has no number for becomes null.
fn two_digits(number: f32) -> Option<f64> {
    format!("{number:.1e}").parse().ok()
}

/// The largest difference over the largest number; infinite where something is missing or no number.
fn difference(a: &[f32], b: &[f32]) -> f32 {
    let largest = |numbers: &mut dyn Iterator<Item = f32>| {
        numbers.fold(0.0, |most: f32, number| if number.is_finite() { most.max(number.abs()) } else { f32::INFINITY })
    };
    if a.is_empty() || a.len() != b.len() {
        return f32::INFINITY;
    }
    largest(&mut a.iter().zip(b).map(|(a, b)| a - b)) / largest(&mut a.iter().copied()).max(f32::MIN_POSITIVE)
}
