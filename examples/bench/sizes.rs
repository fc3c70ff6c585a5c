//! Networks of many widths and depths, which show how time and memory grow. They take minutes to compile, so they are
//! there with the feature `sizes` only.

use crate::workloads::{Workload, noise};

/// `wide` with other widths: two hidden layers of `$width` between 1024 numbers and 1024 numbers.
macro_rules! width {
    ($module:ident, $name:literal, $width:tt) => {
        mod $module {
            use super::*;

            nn::network! {
                network Width {
                    input  x: [1024];
                    target y: [1024];
                    fitted = x >> dense($width) >> relu >> dense($width) >> relu >> dense(1024);
                    output    values = fitted;
                    loss      mse(fitted, y);
                    optimizer sgd(learning_rate = 0.01);
                }
            }

            pub static WORKLOAD: Workload =
        workload!($name, Width, WidthData, batch 256, |batch| (noise::<1024>(batch), noise::<1024>(batch)));
        }
    };
}

/// So many layers of width 64, each added to what it reads, so that numbers keep their size at every depth.
macro_rules! depth {
    ($module:ident, $name:literal, $depth:tt) => {
        mod $module {
            use super::*;

            nn::network! {
                network Depth {
                    input  x: [64];
                    target y: [64];

                    block layer(x) {
                        x + 0.1 * (x >> dense(64) >> relu)
                    }

                    fitted = x >> repeat($depth, layer);
                    output    values = fitted;
                    loss      mse(fitted, y);
                    optimizer sgd(learning_rate = 0.01);
                }
            }

            pub static WORKLOAD: Workload =
        workload!($name, Depth, DepthData, batch 64, |batch| (noise::<64>(batch), noise::<64>(batch)));
        }
    };
}

width!(width_16, "width-16", 16);
width!(width_32, "width-32", 32);
width!(width_64, "width-64", 64);
width!(width_128, "width-128", 128);
width!(width_256, "width-256", 256);
width!(width_512, "width-512", 512);
width!(width_1024, "width-1024", 1024);
width!(width_2048, "width-2048", 2048);
width!(width_4096, "width-4096", 4096);
width!(width_8192, "width-8192", 8192);

depth!(depth_1, "depth-1", 1);
depth!(depth_2, "depth-2", 2);
depth!(depth_5, "depth-5", 5);
depth!(depth_10, "depth-10", 10);
depth!(depth_20, "depth-20", 20);
depth!(depth_50, "depth-50", 50);
depth!(depth_100, "depth-100", 100);
depth!(depth_200, "depth-200", 200);

/// All of them.
pub static WORKLOADS: &[&Workload] = &[
    &width_16::WORKLOAD,
    &width_32::WORKLOAD,
    &width_64::WORKLOAD,
    &width_128::WORKLOAD,
    &width_256::WORKLOAD,
    &width_512::WORKLOAD,
    &width_1024::WORKLOAD,
    &width_2048::WORKLOAD,
    &width_4096::WORKLOAD,
    &width_8192::WORKLOAD,
    &depth_1::WORKLOAD,
    &depth_2::WORKLOAD,
    &depth_5::WORKLOAD,
    &depth_10::WORKLOAD,
    &depth_20::WORKLOAD,
    &depth_50::WORKLOAD,
    &depth_100::WORKLOAD,
    &depth_200::WORKLOAD,
];
