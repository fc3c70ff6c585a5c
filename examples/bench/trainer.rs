//! What the trainer costs: the same steps without it, with it, and with much to do beside them, in turns.

use std::time::Instant;

use nn::Device;
use serde_json::{Map, Value, json};

use crate::workloads::{Trainer, Workload};

const ROUNDS: usize = 31;
const EPOCH: usize = 200;
const KINDS: [(&str, Trainer); 5] = [
    ("bare", Trainer::Bare),
    ("fit", Trainer::Fit),
    ("quiet", Trainer::Quiet),
    ("watched", Trainer::Watched),
    ("each_batch", Trainer::EachBatch),
];

/// One line of JSON: of each kind, the median milliseconds of a step, and, of the rounds' ratios to the bare step beside it, the quartiles.
pub fn line(workload: &Workload, device: &Device, batch: usize, steps: usize) -> nn::Result<String> {
    let mut run = (workload.trainer)(device, batch)?;
    KINDS.iter().try_for_each(|&(_, kind)| run(kind, EPOCH))?;
    let steps = if steps == 0 { 2 * EPOCH } else { steps.next_multiple_of(EPOCH) };
    let mut times = vec![Vec::new(); KINDS.len()];
    for round in 0..ROUNDS {
        // Each kind comes first as often as the others.
        for turn in 0..KINDS.len() {
            let kind = (round + turn) % KINDS.len();
            let clock = Instant::now();
            run(KINDS[kind].1, steps)?;
            times[kind].push(clock.elapsed().as_secs_f64() * 1e3 / steps as f64);
        }
    }
    let mut line = Map::new();
    line.insert("workload".into(), workload.name.into());
    line.insert("batch".into(), batch.into());
    line.insert("steps".into(), json!({ "run": steps, "rounds": ROUNDS }));
    for ((name, _), own) in KINDS.iter().zip(&times) {
        let ratios = quartiles(own.iter().zip(&times[0]).map(|(time, bare)| time / bare));
        let [_, ms, _] = quartiles(own.iter().copied());
        line.insert((*name).into(), json!({ "ms": rounded(ms, 5), "ratio": ratios.map(|ratio| rounded(ratio, 4)) }));
    }
    Ok(Value::from(line).to_string())
}

fn quartiles(values: impl Iterator<Item = f64>) -> [f64; 3] {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    [1, 2, 3].map(|quarter| values[quarter * (values.len() - 1) / 4])
}

fn rounded(value: f64, digits: i32) -> f64 {
    let scale = 10f64.powi(digits);
    (value * scale).round() / scale
}
