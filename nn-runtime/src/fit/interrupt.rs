//! Ctrl-C while `fit` runs.
//!
//! Signals belong to the whole process, so there is one state for all runs in it: how many listen, and whether somebody has
//! pressed Ctrl-C since the first of them began. Outside of runs that listen, and for the second Ctrl-C within one, the process
//! ends as it would without us.

use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use crate::error::{Error, Result};

/// A run that listens, as long as it lives.
pub(super) struct Interrupt {
    process: &'static Process,
}

/// What there is once in a process.
struct Process {
    /// Ctrl-C was pressed.
    come: Arc<AtomicBool>,
    /// The next Ctrl-C ends the process.
    deadly: Arc<AtomicBool>,
    /// How many runs listen.
    listening: Mutex<usize>,
}

impl Interrupt {
    /// From now on, the first Ctrl-C is only noted.
    pub(super) fn listen() -> Result<Self> {
        static PROCESS: OnceLock<Result<Process, String>> = OnceLock::new();
        let process = PROCESS.get_or_init(|| Process::new().map_err(|e| e.to_string()));
        let process = process.as_ref().map_err(|e| Error::Option(format!("Ctrl-C cannot be caught: {e}")))?;
        let mut listening = process.listening.lock().unwrap_or_else(PoisonError::into_inner);
        *listening += 1;
        if *listening == 1 {
            process.come.store(false, SeqCst);
            process.deadly.store(false, SeqCst);
        }
        Ok(Interrupt { process })
    }

    /// Whether Ctrl-C was pressed.
    pub(super) fn has_come(&self) -> bool {
        self.process.come.load(SeqCst)
    }
}

impl Drop for Interrupt {
    fn drop(&mut self) {
        let mut listening = self.process.listening.lock().unwrap_or_else(PoisonError::into_inner);
        *listening -= 1;
        if *listening == 0 {
            self.process.deadly.store(true, SeqCst);
        }
    }
}

impl Process {
    /// Registers what happens at Ctrl-C, once. Actions come in the order of their registration: the one that ends the process
    /// looks at its flag before the first Ctrl-C sets it.
    #[cfg(any(unix, windows))]
    fn new() -> std::io::Result<Self> {
        use signal_hook::consts::SIGINT;
        use signal_hook::flag;
        let process = Process {
            come: Arc::new(AtomicBool::new(false)),
            deadly: Arc::new(AtomicBool::new(true)),
            listening: Mutex::new(0),
        };
        flag::register_conditional_default(SIGINT, Arc::clone(&process.deadly))?;
        flag::register(SIGINT, Arc::clone(&process.deadly))?;
        flag::register(SIGINT, Arc::clone(&process.come))?;
        Ok(process)
    }

    #[cfg(not(any(unix, windows)))]
    fn new() -> std::io::Result<Self> {
        Err(std::io::ErrorKind::Unsupported.into())
    }
}
