// Measures the peak arithmetic of this adapter: a = a * factor + addend, 32 times an iteration in eight independent chains of vec4, so
// that neither memory nor the latency of one operation limits it. output is the sum of the chains, so that the compiler cannot remove them. factor
// and addend are params, or a compiler could compute the result itself.
// One invocation: 256 operations an iteration, one vec4 of output.
#import lib/flat.wgsl

struct Params {
  invocations: u32,
  iterations: u32,
  factor: f32,
  addend: f32,
  first_group: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read_write> output: array<vec4f>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let index = flat_index(id, groups, params.first_group);
  if (index >= params.invocations) {
    return;
  }
  let factor = vec4f(params.factor);
  let addend = vec4f(params.addend);
  let iterations = params.iterations;
  let start = vec4f(0.0, 1.0, 2.0, 3.0) + f32(index % 64u);
  #each k 8
  var chain$k = start + 4.0 * $k;
  #end
#if unrolled
  // Four iterations at once, for adapters on which an iteration costs as much as many multiply-adds: processors, which keep variables in
  // memory between iterations.
  for (var i = 0u; i < iterations; i += 4u) {
    #each turn 16
    #each k 8
    chain$k = fma(chain$k, factor, addend);
    #end
    #end
  }
#else
  for (var i = 0u; i < iterations; i++) {
    #each turn 4
    #each k 8
    chain$k = fma(chain$k, factor, addend);
    #end
    #end
  }
#endif
  output[index] = ((chain0 + chain1) + (chain2 + chain3)) + ((chain4 + chain5) + (chain6 + chain7));
}
