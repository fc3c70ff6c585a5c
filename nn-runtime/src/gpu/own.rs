//! Kernels that are the runtime's own (gather, between, watch, peak), beside those of networks: their layouts and pipelines.

use wgpu::BufferBindingType::{self, Storage, Uniform};

/// A storage buffer that is written.
pub(super) const WRITTEN: BufferBindingType = Storage { read_only: false };
/// A storage buffer that is only read.
pub(super) const READ: BufferBindingType = Storage { read_only: true };

/// A buffer of a kernel. What a dispatch costs when its uniform's offset changes is nothing beside creating a layout, so the offset
/// is dynamic: into the table of steps.
pub(super) fn entry(binding: u32, ty: BufferBindingType) -> wgpu::BindGroupLayoutEntry {
    wgpu::BindGroupLayoutEntry {
        binding,
        visibility: wgpu::ShaderStages::COMPUTE,
        ty: wgpu::BindingType::Buffer { ty, has_dynamic_offset: ty == Uniform, min_binding_size: None },
        count: None,
    }
}

/// The entry points of a shader, whose bindings are buffers of these types in their order. To be called inside error scopes.
pub(super) fn kernels<const N: usize>(
    device: &wgpu::Device,
    label: &str,
    shader: wgpu::ShaderModuleDescriptor<'_>,
    types: &[BufferBindingType],
    entry_points: [&str; N],
) -> (wgpu::BindGroupLayout, [wgpu::ComputePipeline; N]) {
    let label = Some(label);
    let entries: Vec<_> = (0..).zip(types).map(|(binding, ty)| entry(binding, *ty)).collect();
    let group = device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor { label, entries: &entries });
    let layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
        label,
        bind_group_layouts: &[Some(&group)],
        immediate_size: 0,
    });
    let module = device.create_shader_module(shader);
    let pipelines = entry_points.map(|name| {
        device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: Some(name),
            layout: Some(&layout),
            module: &module,
            entry_point: Some(name),
            compilation_options: wgpu::PipelineCompilationOptions::default(),
            cache: None,
        })
    });
    (group, pipelines)
}
