//! What the compiler prints, as text under review, and every kernel of it checked by naga.
//!
//! After a change that is meant: `INSTA_UPDATE=always cargo test -p nn-tests --test snapshots`, then read the diff.

use nn::Shader;
use nn_tests::networks::{Branches, Cnn, Convolutions, Curve, Inference, Long, Mlp, Plain, Recurrent, Rows, Softmax};

mod fusion;
mod naga_check;

/// All shaders of a network as one text.
fn listing(shaders: &[Shader]) -> String {
    let one = |s: &Shader| {
        format!(
            "// {}: entry point {}, workgroups of {:?}, bindings {:?}, {:?}\n{}",
            s.name, s.entry_point, s.workgroup_size, s.bindings, s.workgroups, s.wgsl
        )
    };
    shaders.iter().map(one).collect::<Vec<_>>().join("\n")
}

/// Compares with `out/<name>.snap`.
fn assert_unchanged(name: &str, text: &str) {
    insta::with_settings!({ snapshot_path => "out", prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!(name, text);
    });
}

macro_rules! snapshots {
    ($($test:ident: $network:ident;)+) => { $(
        mod $test {
            use super::*;

            #[test]
            fn wgsl() {
                assert_unchanged(concat!(stringify!($test), "_wgsl"), &listing($network::shaders()));
            }

            #[test]
            fn plan() {
                assert_unchanged(concat!(stringify!($test), "_plan"), $network::plan());
            }

            #[test]
            fn summary() {
                assert_unchanged(concat!(stringify!($test), "_summary"), $network::summary());
            }

            #[test]
            fn every_shader_is_valid_everywhere() {
                naga_check::all($network::shaders());
            }
        }
    )+ };
}

snapshots! {
    curve: Curve;
    mlp: Mlp;
    softmax: Softmax;
    branches: Branches;
    plain: Plain;
    rows: Rows;
    inference: Inference;
    cnn: Cnn;
    convolutions: Convolutions;
    recurrent: Recurrent;
    long: Long;
}

#[test]
fn the_runtimes_own_kernels_go_through_naga() {
    let texts = [
        ("gather", include_str!("../../nn-runtime/src/gpu/gather.wgsl"), 1),
        ("between", include_str!("../../nn-runtime/src/gpu/between.wgsl"), 3),
        ("watch", include_str!("../../nn-runtime/src/gpu/watch.wgsl"), 1),
        ("peak", include_str!("../../nn-runtime/src/gpu/peak.wgsl"), 2),
    ];
    for (name, text, entry_points) in texts {
        assert_eq!(naga_check::translate(name, text, false).entry_points.len(), entry_points, "{name}");
    }
}
