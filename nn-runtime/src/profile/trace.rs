//! A profile in Chrome's trace event format, which Perfetto reads too: one slice for each run of a kernel, within one for each step.

use std::fmt::Write;

use super::Profile;

/// The file's text.
pub(super) fn json(profile: &Profile) -> String {
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let mut text = "{\"displayTimeUnit\":\"ms\",\"traceEvents\":[\n".to_owned();
    let names =
        [("process_name", format!("{} on {}", profile.network, profile.device)), ("thread_name", "kernels".into())];
    for (kind, name) in names {
        let name = quoted(&name);
        let _ = write!(text, "{{\"ph\":\"M\",\"pid\":1,\"tid\":1,\"name\":\"{kind}\",\"args\":{{\"name\":{name}}}}}");
        if kind == "process_name" {
            text.push_str(",\n");
        }
    }
    // Microseconds, of whole nanoseconds: both ends are rounded, so that a slice that ends where another begins still does, and one that
    // lies within another still does. Those who read traces refuse others.
    let slice = |text: &mut String, name: &str, category: &str, start: f64, end: f64, arguments: &str| {
        let [start, end] = [start, end].map(|milliseconds| (milliseconds * 1e6).round());
        let (name, start, time) = (quoted(name), start / 1e3, (end - start) / 1e3);
        let _ = write!(
            text,
            ",\n{{\"ph\":\"X\",\"pid\":1,\"tid\":1,\"name\":{name},\"cat\":\"{category}\",\"ts\":{start:.3},\"dur\":{time:.3},\
             \"args\":{{{arguments}}}}}"
        );
    };
    // The first kernel begins a step.
    let steps = profile.runs.chunk_by(|_, next| next.0 != 0);
    for (number, runs) in steps.enumerate() {
        let start = runs.first().map_or(0.0, |run| run.1);
        let end = runs.iter().map(|run| run.1 + run.2).fold(start, f64::max);
        slice(&mut text, &format!("step {}", number + 1), "step", start, end, "");
        for &(kernel, start, time) in runs {
            let kernel = &profile.kernels[kernel];
            let rates = |amount: f64| if time > 0.0 { amount / time / 1e6 } else { 0.0 };
            let arguments = format!(
                "\"layer\":{},\"GFLOP/s\":{:.3},\"GB/s\":{:.3}",
                quoted(&kernel.layer),
                rates(kernel.flops),
                rates(kernel.bytes)
            );
            slice(&mut text, &kernel.name, "kernel", start, start + time, &arguments);
        }
    }
    text.push_str("\n]}\n");
    text
}
