//! Tests of whole programs, from the declaration to numbers, on each device.

mod around_update;
mod batches;
mod checkpoints;
mod determinism;
mod devices;
mod edges;
mod finite;
mod gradients;
mod initializers;
mod loading;
mod measuring;
mod names;
mod resident;
mod residual;
mod resume;
mod stopping;
mod streams;
mod training;
mod twins;
mod vision;
