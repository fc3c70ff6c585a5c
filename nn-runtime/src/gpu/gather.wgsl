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

// Tensors begin at multiples of 4, and so do fields whose size is a multiple of 4, which go in fours. The others' samples
// make whole groups of four by four. Nobody writes a part of a group: WGSL lets a device rewrite its other parts then.
struct Field {
    column: u32,    // where it begins in a record
    size: u32,      // floats in a sample of it
    to: u32,        // where its tensor begins in the arena
}

@group(0) @binding(0) var<uniform> slot: Slot;
@group(0) @binding(1) var<storage, read_write> arena: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> records: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> order: array<u32>;
@group(0) @binding(4) var<storage, read> fields: array<Field>;

// Element `i` of a field's samples from `sample` on; 0 behind the batch.
fn element(field: Field, sample: u32, i: u32) -> f32 {
    let number = sample + i / field.size;
    if number >= slot.batch {
        return 0.0;
    }
    let at = order[slot.first + number] * slot.width + field.column + i % field.size;
    return records[at / 4u][at % 4u];
}

@compute @workgroup_size(64)
fn gather(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) workgroups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    // A workgroup shares a wide record; narrow ones have an invocation each. Neither needs a division.
    let number = workgroup.x + workgroup.y * workgroups.x;
    let wide = slot.width >= 64u;
    let sample = select(number * 64u + lane, number, wide);
    let start = select(0u, lane, wide);
    let stride = select(1u, 64u, wide);
    if sample >= slot.batch {
        return;
    }
    let record = order[slot.first + sample] * slot.width;
    for (var f = 0u; f < arrayLength(&fields); f++) {
        let field = fields[f];
        let dest = (field.to + sample * field.size) / 4u;
        if field.size % 4u == 0u {
            let source = (record + field.column) / 4u;
            for (var i = start; i < field.size / 4u; i += stride) {
                arena[dest + i] = records[source + i];
            }
        } else if sample % 4u == 0u {
            for (var i = start; i < field.size; i += stride) {
                arena[dest + i] = vec4<f32>(
                    element(field, sample, i * 4u),
                    element(field, sample, i * 4u + 1u),
                    element(field, sample, i * 4u + 2u),
                    element(field, sample, i * 4u + 3u),
                );
            }
        }
    }
}
