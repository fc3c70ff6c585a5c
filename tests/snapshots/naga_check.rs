//! Kernels through naga: parsed, validated, and written for Vulkan, Metal and DX12.

use naga::back::{hlsl, msl, spv};
use naga::front::wgsl;
use naga::valid::{Capabilities, ShaderStages, SubgroupOperationSet, ValidationFlags, Validator};
use nn::Shader;

/// Fails for the first shader that some backend refuses.
pub fn all(shaders: &[Shader]) {
    assert!(!shaders.is_empty());
    shaders.iter().for_each(check);
    let mut names: Vec<&str> = shaders.iter().map(|s| s.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), shaders.len(), "names are unique");
}

fn check(shader: &Shader) {
    let name = shader.name;
    // What the shader says that it needs, and no more.
    let in_subgroups = shader.variant.is_some_and(|variant| !variant.needs.is_empty());
    let module = translate(name, shader.wgsl, in_subgroups);
    let [entry] = &module.entry_points[..] else {
        panic!("{name}: one entry point, not {}", module.entry_points.len())
    };
    assert_eq!(entry.name, shader.entry_point, "{name}");
    assert_eq!(entry.workgroup_size, shader.workgroup_size, "{name}");
    let mut bound: Vec<u32> =
        module.global_variables.iter().filter_map(|(_, v)| v.binding.map(|b| b.binding)).collect();
    bound.sort_unstable();
    assert_eq!(bound, shader.bindings.iter().map(|&b| b as u32).collect::<Vec<_>>(), "{name}: bindings");
}

/// Fails if some backend refuses a text, whatever it is for; only some may have operations of subgroups.
pub fn translate(name: &str, text: &str, in_subgroups: bool) -> naga::Module {
    let parsed = wgsl::parse_str(text).unwrap_or_else(|e| panic!("{name}: {}", e.emit_to_string(text)));
    let mut capabilities = Capabilities::default();
    capabilities.set(Capabilities::SUBGROUP, in_subgroups);
    let info = Validator::new(ValidationFlags::all(), capabilities)
        .subgroup_stages(ShaderStages::COMPUTE)
        .subgroup_operations(SubgroupOperationSet::all())
        .validate(&parsed)
        .unwrap_or_else(|e| panic!("{name}: {}", e.emit_to_string(text)));

    let (module, info) = naga::back::pipeline_constants::process_overrides(&parsed, &info, None, &Default::default())
        .unwrap_or_else(|e| panic!("{name}: {e}"));
    spv::write_vec(&module, &info, &spv::Options::default(), None).unwrap_or_else(|e| panic!("{name}, SPIR-V: {e}"));

    // Operations of subgroups are those of Metal 2.4 and of DirectX's shader model 6.0.
    let lang_version = if in_subgroups { (2, 4) } else { msl::Options::default().lang_version };
    let options = msl::Options { fake_missing_bindings: true, lang_version, ..Default::default() };
    msl::write_string(&module, &info, &options, &msl::PipelineOptions::default())
        .unwrap_or_else(|e| panic!("{name}, MSL: {e}"));

    let shader_model = if in_subgroups { hlsl::ShaderModel::V6_0 } else { hlsl::Options::default().shader_model };
    let options = hlsl::Options { fake_missing_bindings: true, shader_model, ..Default::default() };
    let mut text = String::new();
    hlsl::Writer::new(&mut text, &options, &hlsl::PipelineOptions::default())
        .write(&module, &info, None)
        .unwrap_or_else(|e| panic!("{name}, HLSL: {e}"));
    parsed
}
