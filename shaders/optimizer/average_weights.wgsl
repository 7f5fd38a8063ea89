// The moving average of the weights over the training steps, smoother than the weights themselves:
//   average = d average + (1 - d) parameter,  d = clamp((s + span - 9) / (s + span), 0, most),  s = step - after,
// from step after + 1 on; until then it equals the weights. So it spans about a ninth of s + span steps. adam has already updated
// the parameters, and finish_step has counted the step.
// The average is also written to the places where the convolutions of a network with these weights read it (lib/pack.wgsl). In a step that is not
// finite, nothing changes.
// One dispatch updates all layers. One workgroup: a block of 256 parameters of one layer, described by the block's row of a table.
// One invocation: four parameters. They may reach past the layer's last parameter: the flat arrays are padded.
#import lib/pack.wgsl
#import lib/step_state.wgsl

struct Params {
  count: u32, // of blocks
  most: f32,
  after: u32, // steps in which the average equals the parameters
  span: f32,
  first_group: u32,
}

struct Block {
  place: vec4u, // tap, c and o of its first parameter; number of the layer's parameters from there on
  layer: vec4u, // taps, inputs, outputs; index of the vec4 of the block's first parameters in the flat arrays
  packed_at: vec4u, // where the layer's forward, bias and backward copies start; 0
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> blocks: array<Block>;
@group(0) @binding(2) var<storage, read> state: StepState;
@group(0) @binding(3) var<storage, read> parameter: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> average: array<vec4f>;
@group(0) @binding(5) var<storage, read_write> packed: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(num_workgroups) groups: vec3u,
  @builtin(global_invocation_id) id: vec3u) {
  let index = (group.z + params.first_group) * groups.x + group.x;
  let own = blocks[index];
  let lane = id.x - group.x * 64u; // see lib/flat.wgsl
  let first = 4u * lane;
  let size = own.place.w;
  if (index >= params.count || first >= size || state.skipped > 0u) {
    return;
  }
  var kept = 0.0;
  if (state.step > params.after) {
    let since = f32(state.step - params.after);
    kept = clamp((since + (params.span - 9.0)) / (since + params.span), 0.0, params.most);
  }
  let i = own.layer.w + lane;
  let value = kept * average[i] + (1.0 - kept) * parameter[i];
  average[i] = value;
  let layer = Packing(own.layer.x, own.layer.y, own.layer.z, own.packed_at.x, own.packed_at.y, own.packed_at.z);
  pack_four(layer, Place(own.place.x, own.place.y, own.place.z), first, size, value);
}
