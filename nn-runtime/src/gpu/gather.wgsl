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

// Fields whose size is a multiple of 4 lie at multiples of 4 throughout, and go in fours.
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
        let source = record + field.column;
        let dest = field.to + sample * field.size;
        if field.size % 4u == 0u {
            for (var i = start; i < field.size / 4u; i += stride) {
                arena[dest / 4u + i] = records[source / 4u + i];
            }
        } else {
            for (var i = start; i < field.size; i += stride) {
                arena[(dest + i) / 4u][(dest + i) % 4u] = records[(source + i) / 4u][(source + i) % 4u];
            }
        }
    }
}
