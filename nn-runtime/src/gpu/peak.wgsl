// What the device can do at most: multiply-adds in registers, and a copy.

@group(0) @binding(0) var<storage, read_write> from_memory: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> to_memory: array<vec4<f32>>;

@compute @workgroup_size(64)
fn multiply_add(@builtin(global_invocation_id) id: vec3<u32>) {
    let a = vec4<f32>(0.999);
    let b = vec4<f32>(f32(id.x) * 1e-9);
    var s0 = b; var s1 = b + 1.0; var s2 = b + 2.0; var s3 = b + 3.0;
    var s4 = b + 4.0; var s5 = b + 5.0; var s6 = b + 6.0; var s7 = b + 7.0;
    for (var i = 0u; i < 1024u; i++) {
        s0 = fma(s0, a, b); s1 = fma(s1, a, b); s2 = fma(s2, a, b); s3 = fma(s3, a, b);
        s4 = fma(s4, a, b); s5 = fma(s5, a, b); s6 = fma(s6, a, b); s7 = fma(s7, a, b);
    }
    to_memory[id.x & 1023u] = ((s0 + s1) + (s2 + s3)) + ((s4 + s5) + (s6 + s7));
}

@compute @workgroup_size(64)
fn copy(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
    let count = arrayLength(&from_memory);
    for (var i = id.x; i < count; i += groups.x * 64u) {
        to_memory[i] = from_memory[i];
    }
}
