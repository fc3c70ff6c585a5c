//! The devices that tests run on.

use std::io::Write;
use std::sync::OnceLock;

use nn::Device;

/// The GPU, the same one for all tests of a process. `None`, and one line on the terminal, where there is none; with
/// `NN_REQUIRE_GPU=1` that is a failure.
pub fn gpu() -> Option<&'static Device> {
    static GPU: OnceLock<Option<Device>> = OnceLock::new();
    GPU.get_or_init(|| match Device::gpu() {
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
    })
    .as_ref()
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
