//! The devices that tests run on.

use std::io::Write;
use std::sync::{Mutex, OnceLock};

use nn::Device;

/// As many as tests that run at once on two processors: an adapter that is software compiles all shaders of a device in one thread.
const DEVICES: usize = 2;

/// A GPU, the same one for all that a test's thread does. `None`, and one line on the terminal, where there is none; with
/// `NN_REQUIRE_GPU=1` that is a failure.
pub fn gpu() -> Option<&'static Device> {
    static FIRST: OnceLock<Option<Device>> = OnceLock::new();
    static OTHERS: [OnceLock<Option<Device>>; DEVICES - 1] = [const { OnceLock::new() }; DEVICES - 1];
    thread_local!(static TURN: Turn = Turn::begin());
    let first = FIRST.get_or_init(found).as_ref()?;
    match TURN.with(|turn| turn.0) {
        0 => Some(first),
        other => OTHERS[other - 1].get_or_init(found).as_ref(),
    }
}

fn found() -> Option<Device> {
    match Device::gpu() {
        Ok(device) => Some(device),
        Err(e) if std::env::var_os("NN_REQUIRE_GPU").is_some_and(|v| v == "1") => {
            panic!("NN_REQUIRE_GPU=1, but there is no GPU: {e}")
        }
        Err(e) => {
            // Past the test harness, which shows what a test prints only if it fails.
            let _ = writeln!(
                std::io::stderr(),
                "skipped: GPU tests ({e}). A software GPU is enough: apt-get install mesa-vulkan-drivers"
            );
            None
        }
    }
}

/// How many threads use each device.
static USERS: Mutex<[usize; DEVICES]> = Mutex::new([0; DEVICES]);

/// A thread's use of the device with this number, until the thread ends.
struct Turn(usize);

impl Turn {
    /// With the device that fewest threads use.
    fn begin() -> Self {
        let mut users = USERS.lock().unwrap();
        let number = (0..DEVICES).min_by_key(|&number| users[number]).unwrap_or(0);
        users[number] += 1;
        Turn(number)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        USERS.lock().unwrap()[self.0] -= 1;
    }
}

/// Tests that run once on the CPU and once on the GPU (where there is one): `fn name(device) { … }`.
#[macro_export]
macro_rules! on_each_device {
    ($($(#[$attribute:meta])* fn $name:ident($device:ident) $body:block)+) => { $(
        mod $name {
            #[allow(unused_imports)]
            use super::*;

            $(#[$attribute])*
            fn on_device($device: &nn::Device) $body

            #[test]
            fn cpu() {
                on_device(&nn::Device::cpu());
            }

            #[test]
            fn gpu() {
                if let Some(device) = $crate::gpu() {
                    on_device(device);
                }
            }
        }
    )+ };
}
