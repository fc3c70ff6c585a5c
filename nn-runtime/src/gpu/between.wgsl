// What a training step does around the optimizer where somebody asked for it. An invocation has four floats.

struct Slot {
    batch: u32,
    capacity: u32,
    result: u32,
    seed: u32,
    step: u32,
    zero: u32,
    share: f32,     // the step's part of the samples of its update, or its number in the update, modulo 2
    part: u32,      // 1: the update's first step; 2: neither first nor last; 3: the last one
    scalars: array<vec4<f32>, 4>,
}

// In fours of floats.
struct Table {
    trained: u32,   // what the optimizer updates; the vectors begin with it
    changed: u32,   // the end of the buffers, which lie behind it
    frozen: u32,    // how many of `places` there are
    weight: u32,    // where a step's results say how much it counts, in floats; 0 where that is its share
    places: array<u32>,
}

@group(0) @binding(0) var<uniform> slot: Slot;
@group(0) @binding(1) var<storage, read_write> parameters: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> gradients: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> sum: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> kept: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read> frozen: Table;
@group(0) @binding(6) var<storage, read> results: array<f32>;

fn number(workgroup: vec3<u32>, workgroups: vec3<u32>, lane: u32) -> u32 {
    return (workgroup.x + workgroup.y * workgroups.x) * 64u + lane;
}

// Adds a step's gradients to those of the steps before. Behind an update's last step, the sum is where the optimizer looks for
// gradients; before it, only buffers take their new values. Where steps say how much they count, gradients are multiplied by that, and
// the sum is divided by all of it. What the steps so far have counted stands behind the sum, in two places in turns, since all
// invocations read it and one writes it.
@compute @workgroup_size(64)
fn accumulate(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) workgroups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = number(workgroup, workgroups, lane);
    var share = slot.share;
    var all = 1.0;
    if frozen.weight > 0u {
        let turn = u32(slot.share);
        share = results[slot.result + frozen.weight];
        all = share;
        if slot.part != 1u {
            all += sum[frozen.trained + 1u - turn].x;
        }
        if i == 0u {
            sum[frozen.trained + turn] = vec4<f32>(all);
        }
        // Where nothing counts, there is nothing to divide by, and each step is as good as the others.
        if slot.part == 3u && all == 0.0 {
            share = 1.0;
            all = 1.0;
        }
    }
    if i < frozen.trained {
        let own = share * gradients[i];
        if slot.part == 1u {
            sum[i] = own;
        } else if slot.part == 2u {
            sum[i] += own;
        } else if frozen.weight > 0u {
            gradients[i] = (sum[i] + own) / all;
        } else {
            gradients[i] = sum[i] + own;
        }
    } else if i < frozen.changed && slot.part != 3u {
        parameters[i] = gradients[i];
    }
}

// To the optimizer, frozen parameters have no gradient.
@compute @workgroup_size(64)
fn clear(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) workgroups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = number(workgroup, workgroups, lane);
    if i < frozen.frozen {
        gradients[frozen.places[i]] = vec4<f32>();
    }
}

// Puts frozen parameters back.
@compute @workgroup_size(64)
fn hold(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) workgroups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = number(workgroup, workgroups, lane);
    if i < frozen.frozen {
        parameters[frozen.places[i]] = kept[i];
    }
}
