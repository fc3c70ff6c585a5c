//! What the integration tests share: networks, data, fixtures, comparisons, devices, and programs made at run time.

mod compare;
pub mod data;
mod devices;
mod fixture;
pub mod networks;
mod noise;
pub mod oracle;
pub mod parity;
mod program;

pub use compare::{assert_close, distance};
pub use devices::gpu;
pub use fixture::{Case, Fixture};
pub use noise::Noise;
pub use program::{CpuKernels, CpuPass, leak, leak_variants};
