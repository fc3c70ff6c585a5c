// Whether all parameters, all of the optimizer's states, the losses of a run's steps and, where steps have a flag for them, their gradients are finite. Numbers are looked at as bits:
// shaders may be compiled as if there were neither NaN nor infinity.

struct Slot {
    batch: u32,
    capacity: u32,
    result: u32,    // where the step's results begin, the loss first
    seed: u32,
    step: u32,
    zero: u32,
    share: f32,
    part: u32,
    scalars: array<vec4<f32>, 4>,
    first: u32,
    width: u32,
    number: u32,    // of the entry in the table
    steps: u32,
    unused: array<vec4<u32>, 9>,
}

@group(0) @binding(0) var<uniform> last: Slot;
@group(0) @binding(1) var<storage, read> parameters: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read> state0: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read> state1: array<vec4<u32>>;
@group(0) @binding(4) var<storage, read> state2: array<vec4<u32>>;
@group(0) @binding(5) var<storage, read> results: array<u32>;
@group(0) @binding(6) var<storage, read> slots: array<Slot>;
// The first word says what was found; the second one, where results have a flag of their own, or 0.
@group(0) @binding(7) var<storage, read_write> found: array<atomic<u32>, 4>;

const EXPONENT = 0x7f800000u;

fn is_bad(bits: u32) -> bool {
    return (bits & EXPONENT) == EXPONENT;
}

fn has_bad(bits: vec4<u32>) -> bool {
    return is_bad(bits.x) || is_bad(bits.y) || is_bad(bits.z) || is_bad(bits.w);
}

// In the fours of this number of each buffer; those without a state are short, and the last one may hold several.
fn vectors_have_bad(i: u32) -> bool {
    var bad = false;
    if i < arrayLength(&parameters) {
        bad = has_bad(parameters[i]);
    }
    if i < arrayLength(&state0) {
        bad = bad || has_bad(state0[i]);
    }
    if i < arrayLength(&state1) {
        bad = bad || has_bad(state1[i]);
    }
    if i < arrayLength(&state2) {
        bad = bad || has_bad(state2[i]);
    }
    return bad;
}

// An invocation has four numbers of each vector; those of the first workgroup have the losses, too, of all steps of the table up to the
// last one.
@compute @workgroup_size(64)
fn watch(
    @builtin(workgroup_id) workgroup: vec3<u32>,
    @builtin(num_workgroups) workgroups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
) {
    let i = (workgroup.x + workgroup.y * workgroups.x) * 64u + lane;
    var bad = vectors_have_bad(i);
    let own = atomicLoad(&found[1]);
    for (var step = i; i < 64u && step <= last.number; step += 64u) {
        let result = slots[step].result;
        bad = bad || is_bad(results[result]);
        // Only the last step of an update has a flag, and 1 is raised.
        let part = slots[step].part;
        if own > 0u && (part == 0u || part == 3u) {
            bad = bad || results[result + own] == 0x3f800000u;
        }
    }
    if bad {
        atomicStore(&found[0], 1u);
    }
}
