//! Printed shaders are valid WGSL and translate to SPIR-V, MSL and HLSL.

mod common;

use nn_kernels::emit::wgsl::print_schedule;

#[test]
fn every_archetype_is_valid_everywhere() {
    for (plan, schedule) in common::kernels::all() {
        print_schedule(&plan, &schedule, "test").iter().for_each(common::check_shader);
    }
}
