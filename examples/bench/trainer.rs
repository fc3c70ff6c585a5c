//! What the trainer costs: the same steps without it, with it, and with much to do beside them, in turns.

use std::time::Instant;

use nn::Device;

use crate::workloads::{Trainer, Workload};

const ROUNDS: usize = 9;
const EPOCH: usize = 200;

/// One line of JSON: the median milliseconds of a step of each kind, and the medians of each round's ratios to the bare step.
pub fn line(workload: &Workload, device: &Device, batch: usize, steps: usize) -> nn::Result<String> {
    let kinds = [Trainer::Bare, Trainer::Fit, Trainer::Watched, Trainer::EachBatch];
    let mut run = (workload.trainer)(device, batch)?;
    kinds.iter().try_for_each(|&kind| run(kind, EPOCH))?;
    let steps = if steps == 0 { 2 * EPOCH } else { steps.next_multiple_of(EPOCH) };
    let mut times = vec![Vec::new(); kinds.len()];
    for round in 0..ROUNDS {
        // Each kind comes first as often as the others.
        for turn in 0..kinds.len() {
            let kind = (round + turn) % kinds.len();
            let clock = Instant::now();
            run(kinds[kind], steps)?;
            times[kind].push(clock.elapsed().as_secs_f64() * 1e3 / steps as f64);
        }
    }
    let median = |mut values: Vec<f64>| {
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    let ratio = |kind: usize| median(times[kind].iter().zip(&times[0]).map(|(time, bare)| time / bare).collect());
    let [bare, fit, watched, each] = [0, 1, 2, 3].map(|kind| median(times[kind].clone()));
    Ok(format!(
        "{{\"workload\": \"{}\", \"batch\": {batch}, \"steps\": {}, \"bare_ms\": {bare:.6}, \"fit_ms\": {fit:.6}, \
         \"watched_ms\": {watched:.6}, \"each_batch_ms\": {each:.6}, \"fit_ratio\": {:.4}, \"watched_ratio\": {:.4}, \
         \"each_batch_ratio\": {:.4}}}",
        workload.name,
        steps * ROUNDS,
        ratio(1),
        ratio(2),
        ratio(3),
    ))
}
