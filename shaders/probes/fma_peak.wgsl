// What this adapter can compute at best: a = a * factor + addend, 32 times an iteration in eight independent chains of vec4, so
// that neither memory nor the latency of one operation holds it up. output is the sum of the chains: it keeps them alive.
// factor and addend come as params, or a compiler would see the result.
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
  var a = vec4f(0.0, 1.0, 2.0, 3.0) + f32(index % 64u);
  var b = a + 4.0;
  var c = a + 8.0;
  var d = a + 12.0;
  var e = a + 16.0;
  var f = a + 20.0;
  var g = a + 24.0;
  var h = a + 28.0;
  for (var i = 0u; i < iterations; i++) {
    a = fma(a, factor, addend);
    b = fma(b, factor, addend);
    c = fma(c, factor, addend);
    d = fma(d, factor, addend);
    e = fma(e, factor, addend);
    f = fma(f, factor, addend);
    g = fma(g, factor, addend);
    h = fma(h, factor, addend);

    a = fma(a, factor, addend);
    b = fma(b, factor, addend);
    c = fma(c, factor, addend);
    d = fma(d, factor, addend);
    e = fma(e, factor, addend);
    f = fma(f, factor, addend);
    g = fma(g, factor, addend);
    h = fma(h, factor, addend);

    a = fma(a, factor, addend);
    b = fma(b, factor, addend);
    c = fma(c, factor, addend);
    d = fma(d, factor, addend);
    e = fma(e, factor, addend);
    f = fma(f, factor, addend);
    g = fma(g, factor, addend);
    h = fma(h, factor, addend);

    a = fma(a, factor, addend);
    b = fma(b, factor, addend);
    c = fma(c, factor, addend);
    d = fma(d, factor, addend);
    e = fma(e, factor, addend);
    f = fma(f, factor, addend);
    g = fma(g, factor, addend);
    h = fma(h, factor, addend);
  }
  output[index] = ((a + b) + (c + d)) + ((e + f) + (g + h));
}
