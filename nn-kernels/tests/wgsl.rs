//! Printed shaders are valid WGSL and translate to SPIR-V, MSL and HLSL.

mod common;

use nn_kernels::emit::wgsl::{Binding, DeviceFeature, ShaderText, Workgroups, print_schedule};
use nn_kernels::plan::{Plan, Schedule};

fn shader((plan, schedule): (Plan, Schedule)) -> ShaderText {
    print_schedule(&plan, &schedule, "test", 0).remove(0)
}

#[test]
fn every_archetype_is_valid_everywhere() {
    for (plan, schedule) in common::kernels::all() {
        print_schedule(&plan, &schedule, "test", 0).iter().for_each(common::check_shader);
    }
}

#[test]
fn a_shader_is_named_after_schedule_number_and_kernel() {
    let shader = shader(common::kernels::dense(784, 128));
    assert_eq!((shader.name.as_str(), shader.entry_point.as_str()), ("test_00_dense", "test_00_dense"));
    assert!(shader.wgsl.starts_with("// test_00_dense\n//   dense: by hand\n"), "{}", shader.wgsl);
}

#[test]
fn aligned_buffers_are_read_in_fours() {
    let aligned = shader(common::kernels::dense(784, 128));
    assert_eq!(aligned.bindings, [Binding::Step, Binding::Arena, Binding::Parameters]);
    assert_eq!(aligned.wgsl.matches("array<vec4<f32>>;").count(), 2, "{}", aligned.wgsl);
    // The arena takes single floats, but the weight's rows are whole groups.
    let narrow = shader(common::kernels::dense(300, 2));
    assert!(narrow.wgsl.contains("arena: array<f32>;"), "{}", narrow.wgsl);
    assert!(narrow.wgsl.contains("parameters: array<vec4<f32>>;"), "{}", narrow.wgsl);
    let adam = shader(common::kernels::adam(1000));
    assert_eq!(adam.wgsl.matches("array<vec4<f32>>;").count(), 4, "{}", adam.wgsl);
    assert_eq!(adam.workgroups, [Workgroups { fixed: 250, per_sample: 0, points: 64 }]);
}

#[test]
fn the_archetype_follows_the_shape() {
    let blocks = |s: ShaderText| s.wgsl.contains("for each block of");
    let workgroup = |s: ShaderText| s.workgroup_bytes > 0;
    assert!(blocks(shader(common::kernels::dense(784, 128))));
    assert!(blocks(shader(common::kernels::weight_gradient(784, 128))));
    let wide = shader(common::kernels::dense(4096, 1000));
    assert!(blocks(wide.clone()) && !workgroup(wide), "rows of several samples share the weight");
    let logits = shader(common::kernels::dense(1568, 10));
    assert!(blocks(logits.clone()) && workgroup(logits), "few long sums");
    assert!(!blocks(shader(common::kernels::dense(64, 10))), "few short sums");
    assert!(!workgroup(shader(common::kernels::softmax(10))), "short rows");
    assert!(workgroup(shader(common::kernels::softmax(1000))), "long rows");
    assert!(workgroup(shader(common::kernels::mean_over_batch())), "one result from the whole batch");
    assert!(!workgroup(shader(common::kernels::bias_gradient(128))), "many results from the whole batch");
}

#[test]
fn large_products_have_several_texts_of_the_same_name_and_bindings() {
    let names = |(plan, schedule): (Plan, Schedule)| -> Vec<String> {
        let shaders = print_schedule(&plan, &schedule, "test", 0);
        shaders.iter().for_each(common::check_shader);
        let first = &shaders[0];
        assert!(first.variant.is_none());
        let name = |shader: &ShaderText| {
            let variant = shader.variant.clone().unwrap_or_else(|| panic!("a dispatch: {}", shader.name));
            assert_eq!(shader.name, format!("{}_{}", first.name, variant.name));
            assert_eq!((&shader.bindings, &shader.kernels), (&first.bindings, &first.kernels));
            let (barriers, broadcasts) = match &variant.needs[..] {
                [] => (2, false),
                [DeviceFeature::Subgroups] => (0, true),
                _ => (4, false),
            };
            assert_eq!(variant.exact, barriers < 3, "{}", shader.name);
            assert_eq!(shader.wgsl.matches("workgroupBarrier();").count(), barriers, "{}", shader.wgsl);
            assert_eq!(shader.wgsl.contains("subgroupBroadcast("), broadcasts, "{}", shader.wgsl);
            assert!(shader.wgsl.len() < first.wgsl.len() + 4000, "loops, not copies: {}", shader.wgsl.len());
            variant.name
        };
        shaders[1..].iter().map(name).collect()
    };
    assert_eq!(names(common::kernels::dense(1100, 1100)), ["32x32", "subgroups_16x256"], "64 rows: few sums");
    assert_eq!(names(common::kernels::input_gradient(1024, 2048)), ["32x32", "subgroups_16x256"]);
    assert_eq!(names(common::kernels::weight_gradient(1024, 1028)), ["64x64", "128x128", "subgroups_16x256"]);
    assert_eq!(names(common::kernels::dense(784, 128)), [""; 0], "too small to pay");
    let halves = names(common::kernels::dense_of_halves(1100, 1100));
    assert_eq!(halves, ["32x32", "subgroups_16x256", "matrices_8x8", "matrices_16x16"]);
}

#[test]
fn what_invocations_combine_has_a_text_in_subgroups() {
    let combinations = |(plan, schedule): (Plan, Schedule)| -> usize {
        let shaders = print_schedule(&plan, &schedule, "test", 0);
        shaders.iter().for_each(common::check_shader);
        let [first, other] = &shaders[..] else { panic!("{} texts", shaders.len()) };
        let variant = other.variant.clone().unwrap();
        assert_eq!((&variant.name[..], &variant.needs[..]), ("subgroups", &[DeviceFeature::Subgroups][..]));
        assert!(variant.exact && !variant.measured, "the same bits, and nothing to measure");
        assert_eq!(other.name, format!("{}_subgroups", first.name));
        assert_eq!((&other.bindings, &other.kernels), (&first.bindings, &first.kernels));
        assert_eq!((other.workgroup_size, &other.workgroups), (first.workgroup_size, &first.workgroups));
        let barriers = other.wgsl.matches("workgroupBarrier();").count();
        assert_eq!(first.wgsl.matches("workgroupBarrier();").count(), 2 * barriers, "{}", other.wgsl);
        assert!(!first.wgsl.contains("subgroup") && other.workgroup_bytes < first.workgroup_bytes, "{}", first.wgsl);
        assert_eq!(other.wgsl.matches("subgroupShuffleXor(").count() % 3, 0, "eight, four, two, one: {}", other.wgsl);
        barriers
    };
    assert_eq!(combinations(common::kernels::softmax(1000)), 2, "a maximum and a sum");
    assert_eq!(combinations(common::kernels::long_row(3000)), 1, "two sums at once");
    assert_eq!(combinations(common::kernels::mean_over_batch()), 1);
    assert_eq!(combinations(common::kernels::dense(1568, 10)), 1, "split sums");
    for (plan, schedule) in [common::kernels::softmax(10), common::kernels::dense(128, 64), common::kernels::adam(1000)]
    {
        assert_eq!(print_schedule(&plan, &schedule, "test", 0).len(), 1, "nothing is combined");
    }
}

#[test]
fn constants_are_baked_in_and_nothing_needless_is_declared() {
    let dropout = shader(common::kernels::dropout(8)).wgsl;
    assert!(dropout.contains("if invocation >= (step.batch * 2u)"), "eight columns are two groups of four: {dropout}");
    let concat = shader(common::kernels::concat(3, 5)).wgsl;
    assert!(concat.contains("if invocation >= (step.batch * 8u)"), "scattered loads are not done in fours: {concat}");
    assert!(!concat.contains("exp") && !concat.contains("parameters"), "{concat}");
    let softmax = shader(common::kernels::softmax(10)).wgsl;
    assert!(softmax.contains("fn exp_f(") && !softmax.contains("fn log_f("), "{softmax}");
}

#[test]
fn the_same_kernel_gives_the_same_text() {
    for (plan, schedule) in common::kernels::all() {
        assert_eq!(print_schedule(&plan, &schedule, "test", 0), print_schedule(&plan, &schedule, "test", 0));
    }
}
