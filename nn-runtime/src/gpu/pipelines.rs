//! The layout that all shaders share, and pipelines from a schedule's shaders.

use std::cmp::Reverse;
use std::num::NonZero;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;

use super::adapter::Adapter;
use super::context::Gpu;
use super::own::{READ, WRITTEN, entry, kernels};
use super::warm::Warmer;
use crate::error::{Error, Result};
use crate::program::{Binding, Resident, Shader, StepUniform, Workgroups};

/// Bindings that are storage buffers; number 0 is the step's uniform.
pub(super) const STORAGE: [Binding; 8] = [
    Binding::Arena,
    Binding::Parameters,
    Binding::Gradients,
    Binding::Results,
    Binding::State0,
    Binding::State1,
    Binding::State2,
    Binding::Halves,
];

/// The same for resident programs.
pub(super) const RESIDENT: [(Binding, bool); 8] = [
    (Binding::Parameters, false),
    (Binding::Results, false),
    (Binding::State0, false),
    (Binding::State1, false),
    (Binding::State2, false),
    (Binding::Records, true),
    (Binding::Order, true),
    (Binding::Steps, true),
];

/// What every network on a device shares: how shaders see their buffers, and the gather kernel.
#[derive(Debug)]
pub(super) struct Layouts {
    /// Group 0 of every shader, as [`Binding`] numbers it.
    pub(super) group: wgpu::BindGroupLayout,
    /// What a pipeline of such a shader is made with.
    pub(super) pipeline: wgpu::PipelineLayout,
    /// Group 0 of resident programs; the numbers are [`Binding`]'s, too.
    pub(super) resident_group: wgpu::BindGroupLayout,
    resident_pipeline: wgpu::PipelineLayout,
    /// Group 0 of the gather kernel.
    pub(super) gather_group: wgpu::BindGroupLayout,
    /// Copies a batch's samples into the arena; see `gather.wgsl`.
    pub(super) gather: wgpu::ComputePipeline,
}

impl Layouts {
    /// Whether a device has room for the layouts.
    pub(super) fn check(limits: &wgpu::Limits, adapter: &Adapter) -> Result<()> {
        let limit = |what: &str, limit, needed: usize, available: u32| {
            if needed as u64 <= u64::from(available) {
                return Ok(());
            }
            Err(Error::Limit {
                network: "every network",
                device: adapter.to_string(),
                what: what.to_owned(),
                limit,
                needed: needed as u64,
                available: u64::from(available),
            })
        };
        limit(
            "a kernel",
            "max_storage_buffers_per_shader_stage",
            STORAGE.len().max(RESIDENT.len()),
            limits.max_storage_buffers_per_shader_stage,
        )?;
        let last = Binding::Halves as usize + 1;
        limit("a kernel", "max_bindings_per_bind_group", last, limits.max_bindings_per_bind_group)?;
        let size = limits.max_uniform_buffer_binding_size.min(u64::from(u32::MAX)) as u32;
        limit("a step's uniform", "max_uniform_buffer_binding_size", size_of::<super::lane::Slot>(), size)?;
        let size = limits.max_compute_workgroup_size_x.min(limits.max_compute_invocations_per_workgroup);
        limit("the gather kernel", "max_compute_invocations_per_workgroup", GATHER_SIZE as usize, size)
    }

    /// To be called inside error scopes.
    pub(super) fn new(device: &wgpu::Device) -> Self {
        use wgpu::BufferBindingType::{Storage, Uniform};
        let layout = |label, entries: &[wgpu::BindGroupLayoutEntry]| {
            device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor { label: Some(label), entries })
        };
        let pipeline_layout = |label, group: &wgpu::BindGroupLayout| {
            device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
                label: Some(label),
                bind_group_layouts: &[Some(group)],
                immediate_size: 0,
            })
        };
        let mut entries = vec![entry(Binding::Step as u32, Uniform)];
        entries.extend(STORAGE.map(|binding| entry(binding as u32, WRITTEN)));
        let group = layout("kernel", &entries);
        let mut entries = vec![entry(Binding::Step as u32, Uniform)];
        entries.extend(RESIDENT.map(|(binding, read_only)| entry(binding as u32, Storage { read_only })));
        let resident_group = layout("resident", &entries);
        let types = [Uniform, WRITTEN, READ, READ, READ];
        let shader = wgpu::include_wgsl!("gather.wgsl");
        let (gather_group, [gather]) = kernels(device, "gather", shader, &types, ["gather"]);
        Self {
            pipeline: pipeline_layout("kernel", &group),
            group,
            resident_pipeline: pipeline_layout("resident", &resident_group),
            resident_group,
            gather_group,
            gather,
        }
    }
}

/// Invocations in a workgroup of the gather kernel, and the width from which a workgroup shares a record.
const GATHER_SIZE: u32 = 64;

/// The gather kernel's workgroups for records of so many floats.
pub(super) fn gather_workgroups(width: u64) -> Workgroups {
    let points = if width >= u64::from(GATHER_SIZE) { 1 } else { u64::from(GATHER_SIZE) };
    Workgroups { fixed: 0, per_sample: 1, points }
}

/// The smallest buffer that every shader accepts as its uniform.
pub(super) const UNIFORM_BYTES: u64 = size_of::<StepUniform>() as u64;

/// Group 0 of every shader: where the steps' uniforms are, and the [`STORAGE`]. To be called inside error scopes.
pub(super) fn bind(gpu: &Gpu, label: &str, uniforms: &wgpu::Buffer, storage: [&wgpu::Buffer; 8]) -> wgpu::BindGroup {
    let uniform = wgpu::BufferBinding { buffer: uniforms, offset: 0, size: wgpu::BufferSize::new(UNIFORM_BYTES) };
    let mut entries = vec![wgpu::BindGroupEntry { binding: 0, resource: wgpu::BindingResource::Buffer(uniform) }];
    entries.extend(STORAGE.iter().zip(storage).map(|(&binding, buffer)| wgpu::BindGroupEntry {
        binding: binding as u32,
        resource: buffer.as_entire_binding(),
    }));
    gpu.device().create_bind_group(&wgpu::BindGroupDescriptor {
        label: Some(label),
        layout: &gpu.layouts().group,
        entries: &entries,
    })
}

/// One pipeline for each shader, in order. Threads share the work, where there are threads. Steps will have about `batch` samples.
pub(super) async fn compile(
    gpu: &Gpu,
    shaders: &[&'static Shader],
    batch: usize,
) -> Result<Vec<wgpu::ComputePipeline>> {
    let layout = &gpu.layouts().pipeline;
    if cfg!(target_arch = "wasm32") {
        let mut pipelines = Vec::with_capacity(shaders.len());
        for shader in shaders {
            pipelines.push(pipeline(gpu, shader, layout).await?);
        }
        return Ok(pipelines);
    }
    // The longest come first: a thread that begins with one late works while the others have nothing to do.
    let mut order: Vec<usize> = (0..shaders.len()).collect();
    order.sort_by_key(|&number| Reverse(shaders[number].wgsl.len()));
    let next = AtomicUsize::new(0);
    let work = |thread: usize| {
        let warmer = pollster::block_on(Warmer::of_thread(gpu, thread, batch));
        let mut made = vec![];
        loop {
            let Some(&number) = order.get(next.fetch_add(1, Relaxed)) else { return made };
            let pipeline = pollster::block_on(pipeline(gpu, shaders[number], layout));
            if let (Some(warmer), Ok(pipeline)) = (&warmer, &pipeline) {
                pollster::block_on(warmer.compile(shaders[number], pipeline));
            }
            made.push((number, pipeline));
        }
    };
    let threads = thread::available_parallelism().map_or(1, NonZero::get).min(shaders.len());
    let mut made = thread::scope(|scope| {
        // A thread that cannot be had is one that does not help.
        let helper = |thread| thread::Builder::new().spawn_scoped(scope, move || work(thread)).ok();
        let helpers: Vec<_> = (1..threads).filter_map(helper).collect();
        let mut made = work(0);
        for helper in helpers {
            made.extend(helper.join().unwrap_or_else(|panic| resume_unwind(panic)));
        }
        made
    });
    if let Some(cache) = gpu.cache() {
        cache.keep();
    }
    made.sort_unstable_by_key(|(number, _)| *number);
    made.into_iter().map(|(_, pipeline)| pipeline).collect()
}

/// A resident program's pipeline.
pub(super) async fn compile_resident(gpu: &Gpu, resident: &Resident) -> Result<wgpu::ComputePipeline> {
    let made = pipeline(gpu, &resident.shader, &gpu.layouts().resident_pipeline).await?;
    if let Some(cache) = gpu.cache() {
        cache.keep();
    }
    Ok(made)
}

/// A shader's pipeline.
pub(super) async fn pipeline(
    gpu: &Gpu,
    shader: &Shader,
    layout: &wgpu::PipelineLayout,
) -> Result<wgpu::ComputePipeline> {
    let make = || {
        let module = gpu.device().create_shader_module(wgpu::ShaderModuleDescriptor {
            label: Some(shader.name),
            source: wgpu::ShaderSource::Wgsl(shader.wgsl.into()),
        });
        gpu.device().create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: Some(shader.name),
            layout: Some(layout),
            module: &module,
            entry_point: Some(shader.entry_point),
            compilation_options: wgpu::PipelineCompilationOptions {
                // No kernel reads what it has not written there.
                zero_initialize_workgroup_memory: false,
                ..wgpu::PipelineCompilationOptions::default()
            },
            cache: gpu.cache().map(|cache| &cache.pipelines),
        })
    };
    gpu.scoped(&format!("the kernel `{}`", shader.name), make).await
}
