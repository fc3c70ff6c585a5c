//! What a process knows about itself.

/// The most memory that this process ever held, in MB (2^20 bytes); `None` where the system does not say.
pub fn peak_memory_mb() -> Option<f64> {
    status_mb("VmHWM:")
}

/// The memory that this process holds, in MB (2^20 bytes); `None` where the system does not say.
pub fn memory_mb() -> Option<f64> {
    status_mb("VmRSS:")
}

/// A line of Linux's account of this process, which counts in kB.
fn status_mb(key: &str) -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(key))?;
    let kilobytes: f64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kilobytes / 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn a_process_holds_some_memory() {
        let held = memory_mb().unwrap();
        assert!(held > 0.1);
        assert!(peak_memory_mb().unwrap() >= held);
    }
}
