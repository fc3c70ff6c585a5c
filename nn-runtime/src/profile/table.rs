//! A profile as a table.

use std::fmt;

use super::Profile;

/// The kernels, the longest first, and the layers.
impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Profile { network, device, batch, steps, milliseconds, kernels, peak, .. } = self;
        let each = |total: f64| total / *steps as f64;
        let sum: f64 = kernels.iter().map(|kernel| kernel.milliseconds).sum();
        let part = |time: f64| if sum > 0.0 { time / sum * 100.0 } else { 0.0 };
        writeln!(
            f,
            "{network} on {device}, batches of {batch}: {:.4} ms a step over {steps} steps, of which kernels {:.4}",
            each(*milliseconds),
            each(sum)
        )?;
        if let Some(peak) = peak {
            writeln!(f, "the device's measured peak: {:.1} GFLOP/s, {:.1} GB/s", peak.gflops, peak.gbytes)?;
        }
        let widest = kernels.iter().map(|kernel| kernel.name.len()).max().unwrap_or(0);
        writeln!(f, "\n ms/step      %  GFLOP/s   peak     GB/s   peak  {:widest$}  layer", "kernel")?;
        let mut sorted: Vec<_> = kernels.iter().collect();
        sorted.sort_by(|a, b| b.milliseconds.total_cmp(&a.milliseconds));
        for kernel in sorted {
            let time = kernel.milliseconds;
            write!(f, "{:8.4}  {:5.1}", each(time), part(time))?;
            for (amount, rate, peak) in [
                (kernel.flops, kernel.gflops(), peak.map(|peak| peak.gflops)),
                (kernel.bytes, kernel.gbytes(), peak.map(|peak| peak.gbytes)),
            ] {
                match peak {
                    _ if amount == 0.0 => write!(f, "        -      -")?,
                    Some(peak) => write!(f, "  {rate:7.2}  {:3.0} %", rate / peak * 100.0)?,
                    None => write!(f, "  {rate:7.2}      -")?,
                }
            }
            writeln!(f, "  {:widest$}  {}", kernel.name, kernel.layer)?;
        }
        writeln!(f, "\n ms/step      %  layer")?;
        for (layer, time) in self.layers() {
            writeln!(f, "{:8.4}  {:5.1}  {layer}", each(time), part(time))?;
        }
        Ok(())
    }
}
