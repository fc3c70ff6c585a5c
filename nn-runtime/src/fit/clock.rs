//! Time that passes while `fit` runs.

use std::time::Instant;

/// Seconds between two looks at a run, such as updates of its progress bar.
pub(super) const REFRESH: f64 = 0.1;

/// Time that passes, where there is a clock: in a browser there is none, and none passes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock(Option<Instant>);

impl Clock {
    pub(crate) fn start() -> Self {
        Clock((!cfg!(all(target_family = "wasm", target_os = "unknown"))).then(Instant::now))
    }

    pub(crate) fn seconds(&self) -> f64 {
        self.0.map_or(0.0, |start| start.elapsed().as_secs_f64())
    }
}
