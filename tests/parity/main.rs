//! The same numbers as PyTorch: outputs, losses, gradients of parameters and inputs, and ten optimizer steps, for every
//! layer, activation, loss and optimizer; and scikit-learn's metrics. `make_fixtures.py` makes the fixtures and says
//! what they hold; the networks here are its networks.

mod activations;
mod layers;
mod losses;
mod metrics;
mod optimizers;

use std::collections::BTreeSet;

use nn_tests::Fixture;

/// A case: its family, its name (and its fixture's), and the statements of its network.
macro_rules! parity {
    ($family:literal $case:ident { $($statements:tt)+ }) => {
        mod $case {
            nn::network! { network Case { $($statements)+ } }

            fn check(device: &nn::Device) {
                let program = Case::new(device, 0).unwrap().net.program();
                nn_tests::parity::check($family, stringify!($case), program, device);
            }

            #[test]
            fn cpu() {
                check(&nn::Device::cpu());
            }

            #[test]
            fn gpu() {
                nn_tests::gpu().into_iter().for_each(check);
            }
        }
    };
}
pub(crate) use parity;

/// Every fixture has its test: a case that only Python knows would pass unseen.
#[test]
fn every_fixture_is_tested() {
    let families = [
        ("activations", include_str!("activations.rs")),
        ("layers", include_str!("layers.rs")),
        ("losses", include_str!("losses.rs")),
        ("optimizers", include_str!("optimizers.rs")),
        ("metrics", include_str!("metrics.rs")),
    ];
    for (family, source) in families {
        let words: BTreeSet<&str> = source.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
        for case in Fixture::read(family).names() {
            assert!(words.contains(case), "`{case}` of {family} has no test");
        }
    }
}
