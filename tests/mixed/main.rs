//! Mixed precision and skipped steps, from the declaration to numbers, on each device.

mod accumulating;
mod parity;
mod rounding;
mod scaling;
mod skipping;
mod training;
