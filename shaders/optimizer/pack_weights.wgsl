// Copies the parameters of a layer to the places where kernels read them: see lib/pack.wgsl.
// One invocation: one parameter.
#import lib/flat.wgsl
#import lib/pack.wgsl

struct Params {
  size: u32, // of the layer's parameters
  taps: u32,
  inputs: u32,
  outputs: u32,
  bias_at: u32,
  backward_at: u32,
  first_group: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> parameters: array<f32>;
@group(0) @binding(2) var<storage, read_write> packed: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = flat_index(id, groups, params.first_group);
  if (i >= params.size) {
    return;
  }
  let row = i / params.outputs;
  let tap = row / params.inputs;
  let place = Place(tap, row - tap * params.inputs, i - row * params.outputs);
  pack(Packing(params.taps, params.inputs, params.outputs, 0u, params.bias_at, params.backward_at), place, parameters[i]);
}
