//! Support for tests of kernels.

#![allow(dead_code, unreachable_pub)] // each test program uses its part

pub mod kernels;
pub mod sample;

use naga::back::{hlsl, msl, spv};
use naga::valid::{Capabilities, ModuleInfo, ShaderStages, SubgroupOperationSet, ValidationFlags, Validator};
use nn_kernels::emit::wgsl::{DeviceFeature, ShaderText};

/// Parses and validates a shader, checks that its table entry is true, and translates it for Vulkan, Metal and DirectX.
pub fn check_shader(shader: &ShaderText) {
    let fail = |what: &str, error: String| -> String { format!("{}: {what}: {error}\n{}", shader.name, shader.wgsl) };
    let module = match naga::front::wgsl::parse_str(&shader.wgsl) {
        Ok(module) => module,
        Err(e) => panic!("{}", fail("parse", e.emit_to_string(&shader.wgsl))),
    };
    // What the shader says that it needs, and no more.
    let needs = shader.variant.as_ref().map(|variant| &variant.needs[..]).unwrap_or_default();
    // `unpack2x16float` belongs to WebGPU; only WebGL may lack it.
    let mut capabilities = Capabilities::SHADER_FLOAT16_IN_FLOAT32;
    if !needs.is_empty() {
        capabilities |= Capabilities::SUBGROUP;
    }
    let matrices = [DeviceFeature::CooperativeMatrix8, DeviceFeature::CooperativeMatrix16];
    let has_matrices = needs.iter().any(|needed| matrices.contains(needed));
    if has_matrices {
        capabilities |= Capabilities::SHADER_FLOAT16 | Capabilities::COOPERATIVE_MATRIX;
    }
    let mut validator = Validator::new(ValidationFlags::all(), capabilities);
    validator.subgroup_stages(ShaderStages::COMPUTE).subgroup_operations(SubgroupOperationSet::all());
    let info = match validator.validate(&module) {
        Ok(info) => info,
        Err(e) => panic!("{}", fail("validate", e.emit_to_string(&shader.wgsl))),
    };

    assert_eq!(module.entry_points.len(), 1, "{}", shader.name);
    let entry = &module.entry_points[0];
    assert_eq!(entry.name, shader.entry_point);
    assert_eq!(entry.workgroup_size, shader.workgroup_size, "{}", shader.name);
    let mut declared: Vec<u32> = module
        .global_variables
        .iter()
        .filter_map(|(_, v)| v.binding.map(|b| (b.group, b.binding)))
        .map(|(group, binding)| {
            assert_eq!(group, 0, "{}", shader.name);
            binding
        })
        .collect();
    declared.sort_unstable();
    let listed: Vec<u32> = shader.bindings.iter().map(|&b| b as u32).collect();
    assert_eq!(declared, listed, "{}", shader.name);
    for (handle, variable) in module.global_variables.iter() {
        let used = !info.get_entry_point(0)[handle].is_empty();
        assert!(used, "{} declares `{:?}` and does not use it", shader.name, variable.name);
    }
    let mut layouter = naga::proc::Layouter::default();
    layouter.update(module.to_ctx()).expect("valid types have a layout");
    let shared: u32 = module
        .global_variables
        .iter()
        .filter(|(_, v)| v.space == naga::AddressSpace::WorkGroup)
        .map(|(_, v)| layouter[v.ty].size)
        .sum();
    assert_eq!(shared, shader.workgroup_bytes, "{}", shader.name);
    if let Err((language, error)) = translate(&module, &info, !has_matrices) {
        panic!("{}", fail(language, error));
    }
}

fn translate(module: &naga::Module, info: &ModuleInfo, to_hlsl: bool) -> Result<(), (&'static str, String)> {
    let constants = naga::back::PipelineConstants::default();
    let (module, info) = naga::back::pipeline_constants::process_overrides(module, info, None, &constants)
        .map_err(|e| ("overrides", e.to_string()))?;
    spv::write_vec(&module, &info, &spv::Options::default(), None).map_err(|e| ("SPIR-V", e.to_string()))?;
    let options = msl::Options { fake_missing_bindings: true, lang_version: (2, 4), ..Default::default() };
    msl::write_string(&module, &info, &options, &msl::PipelineOptions::default())
        .map_err(|e| ("MSL", e.to_string()))?;
    // naga has no cooperative matrices for DirectX, and no device offers them there.
    if !to_hlsl {
        return Ok(());
    }
    // Operations in subgroups are DirectX's wave operations, of shader model 6.0.
    let options = hlsl::Options { shader_model: hlsl::ShaderModel::V6_0, ..Default::default() };
    let pipeline = hlsl::PipelineOptions::default();
    let mut text = String::new();
    hlsl::Writer::new(&mut text, &options, &pipeline)
        .write(&module, &info, None)
        .map_err(|e| ("HLSL", e.to_string()))?;
    Ok(())
}
