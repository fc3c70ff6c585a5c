// Copies the samples of a batch from the data set's records into the arena, each field to its own tensor.

struct Slot {
    batch: u32,     // samples in this batch
    capacity: u32,
    result: u32,
    seed: u32,
    step: u32,
    unused0: u32,
    unused1: u32,
    unused2: u32,
    scalars: array<vec4<f32>, 4>,
    first: u32,     // where the batch begins in `order`
    width: u32,     // floats in a record
}

struct Field {
    column: u32,    // where it begins in a record
    size: u32,      // floats in a sample of it
    to: u32,        // where its tensor begins in the arena
}

@group(0) @binding(0) var<uniform> slot: Slot;
@group(0) @binding(1) var<storage, read_write> arena: array<f32>;
@group(0) @binding(2) var<storage, read> records: array<f32>;
@group(0) @binding(3) var<storage, read> order: array<u32>;
@group(0) @binding(4) var<storage, read> fields: array<Field>;

@compute @workgroup_size(256)
fn gather(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) workgroups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = (workgroup.x + workgroup.y * workgroups.x) * 256u + lane;
    let sample = i / slot.width;
    if sample >= slot.batch {
        return;
    }
    let column = i % slot.width;
    let value = records[order[slot.first + sample] * slot.width + column];
    for (var f = 0u; f < arrayLength(&fields); f++) {
        let field = fields[f];
        if column >= field.column && column - field.column < field.size {
            arena[field.to + sample * field.size + (column - field.column)] = value;
        }
    }
}
