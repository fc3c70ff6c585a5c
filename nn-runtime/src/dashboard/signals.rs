//! Signals that would end the process while the terminal is ours: they are noted, so that the terminal is put back first.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, OnceLock};

#[cfg(unix)]
const SIGNALS: [i32; 3] = [signal_hook::consts::SIGTERM, signal_hook::consts::SIGHUP, signal_hook::consts::SIGINT];
#[cfg(not(unix))]
const SIGNALS: [i32; 0] = [];

/// Listens as long as it lives. Afterwards the signals do what they do without us.
pub(super) struct Signals(&'static Process);

/// What there is once in a process, since signals belong to all of it.
struct Process {
    /// Nobody listens: signals end the process.
    idle: Arc<AtomicBool>,
    /// The signal that has come, or 0.
    come: Arc<AtomicUsize>,
}

impl Signals {
    /// `None` where signals cannot be caught: then they end the process as they would without us.
    pub(super) fn listen() -> Option<Self> {
        static PROCESS: OnceLock<Option<Process>> = OnceLock::new();
        let process = PROCESS.get_or_init(|| Process::new().ok()).as_ref()?;
        process.come.store(0, SeqCst);
        process.idle.store(false, SeqCst);
        Some(Signals(process))
    }

    /// The signal that has come.
    pub(super) fn come(&self) -> Option<i32> {
        i32::try_from(self.0.come.load(SeqCst)).ok().filter(|&signal| signal > 0)
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        self.0.idle.store(true, SeqCst);
    }
}

impl Process {
    fn new() -> std::io::Result<Self> {
        let process = Process { idle: Arc::new(AtomicBool::new(true)), come: Arc::default() };
        for signal in SIGNALS {
            signal_hook::flag::register_conditional_default(signal, Arc::clone(&process.idle))?;
            signal_hook::flag::register_usize(signal, Arc::clone(&process.come), signal as usize)?;
        }
        Ok(process)
    }
}
