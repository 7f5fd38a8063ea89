// grad = grad * swish'(pre), element by element, in any layout and in place: from dL/d(swish(pre)) to dL/d(pre).
// With either flag, grad_residual is the gradient of a residual, which bypasses swish:
//   residual  output = residual + swish(pre): the residual has the gradient of the output, which the shader writes to grad_residual;
//   sum       a later layer adds swish(pre), or that output, as its residual: grad_residual holds the gradient from there, which the shader
//             adds to grad first.
// One invocation: one vec4.
#import lib/flat.wgsl
#import lib/swish.wgsl

struct Params {
  vec4s: u32,
  first_group: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> pre: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> grad: array<vec4f>;
#if residual
@group(0) @binding(3) var<storage, read_write> grad_residual: array<vec4f>;
#else
#if sum
@group(0) @binding(3) var<storage, read> grad_residual: array<vec4f>;
#endif
#endif

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = flat_index(id, groups, params.first_group);
  if (i >= params.vec4s) {
    return;
  }
#if sum
  let grad_output = grad[i] + grad_residual[i];
#else
  let grad_output = grad[i];
#endif
#if residual
  grad_residual[i] = grad_output;
#endif
  grad[i] = grad_output * swish_and_slope(pre[i]).slope;
}
