// Winograd, weight gradient product of any form: dU[f][c][o] = sum over p (tiles and images) of V[f][c][p] * D[f][o][p].
//   inputs V[f][cin][p] (conv2d.winograd_input.wgsl), grads D[f][cout][p] (conv2d_grad_kernel.winograd_gradient.wgsl), p = tile*chunk +
//   image, rows of `pitch` vec4s
//   output dU[f][cin][cout] as vec4s, then [cout] bias gradients; added to the contents of output if params.accumulate is 1 (later chunks)
// The bias gradient, the sum of dY, is the sum over p of D at the frequency of the points (1, 1), where A adds up the whole tile.
// One invocation: 8 input channels x 8 output channels of one frequency, all of p in steps of one vec4.
// Dispatch: x = ceil(cout/32), y = ceil(cin/32), z = groups of 2 frequencies from first_group on.
// Preconditions: cout a multiple of 8; V and D finite in padded images (and D zero there). Any cin.
#import conv2d/winograd/weight_product.wgsl

struct Params {
  columns: u32, // vec4s of p in use
  pitch: u32, // vec4s in a row of V and D
  cin: u32,
  cout: u32,
  accumulate: u32,
  frequencies: u32, // SIDE squared of the form
  sum_frequency: u32, // the frequency of the points (1, 1)
  first_group: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> inputs: array<vec4f>;
@group(0) @binding(2) var<storage, read> grads: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> output: array<vec4f>;

@compute @workgroup_size(4, 4, 2)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let o = id.x * 8u;
  let c = id.y * 8u;
  let wanted = id.z + 2u * params.first_group;
  let f = min(wanted, params.frequencies - 1u);
  let pitch = params.pitch;
  var input_at = (f * params.cin + c) * pitch;
  var grad_at = (f * params.cout + o) * pitch;
  #each c 8
  var m$c = vec4f(0.0); var n$c = vec4f(0.0);
  #end
  for (var columns = params.columns; columns > 0u; columns--) {
    #each o 8
    let d$o = grads[grad_at + $o * pitch];
    #end
    #each c 8
    let v$c = inputs[input_at + $c * pitch];
    m$c += dots(v$c, d0, d1, d2, d3); n$c += dots(v$c, d4, d5, d6, d7);
    #end
    input_at++;
    grad_at++;
  }
  var rows = array<vec4f, 16>(
    #each c 8
    m$c, n$c,
    #end
  );
  if (wanted != f) { return; } // surplus, where the last group of frequencies is not full
  // With bounds that are not compile-time constants the loop stays: unrolled, these stores take lavapipe longer to compile than all the
  // rest.
  for (var left = min(8u, max(params.cin, c) - c); left > 0u; left--) {
    store_row(f, c + left - 1u, o, rows[2u * left - 2u], rows[2u * left - 1u]);
  }
  if (f == params.sum_frequency && c == 0u && o < params.cout) { store_bias(f, o); }
}
