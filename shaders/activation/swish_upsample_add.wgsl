// output[c][Y][X][n] = swish(input[c][Y/2][X/2][n]) + swish(skip[c][Y][X][n]): the activation, nearest 2x upsampling, then the skip
// connection with its own activation. If the layer before is residual (`residual`), residual is added to swish(input); if the skipped one
// is (`skip_residual`), skip_residual is added to swish(skip).
// input and residual are [C][h][w][N], the others [C][2h][2w][N].
// One invocation: one vec4 of the input, four of the output.
#import lib/flat.wgsl
#import lib/block.wgsl
#import lib/swish.wgsl

struct Params {
  vec4s: u32, // of the input
  width: u32, // of the input
  n4: u32, // N / 4
  first_group: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<vec4f>;
@group(0) @binding(2) var<storage, read> skip: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> output: array<vec4f>;
#if skip_residual
@group(0) @binding(4) var<storage, read> skip_residual: array<vec4f>;
#if residual
@group(0) @binding(5) var<storage, read> residual: array<vec4f>;
#endif
#else
#if residual
@group(0) @binding(4) var<storage, read> residual: array<vec4f>;
#endif
#endif

fn skipped(i: u32) -> vec4f {
#if skip_residual
  return skip_residual[i] + swish(skip[i]);
#else
  return swish(skip[i]);
#endif
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = flat_index(id, groups, params.first_group);
  if (i >= params.vec4s) {
    return;
  }
#if residual
  let v = residual[i] + swish(input[i]);
#else
  let v = swish(input[i]);
#endif
  let a = block_start(i, params.width, params.n4);
  let b = a + params.n4;
  let c = a + 2u * params.width * params.n4;
  let d = c + params.n4;
  output[a] = v + skipped(a);
  output[b] = v + skipped(b);
  output[c] = v + skipped(c);
  output[d] = v + skipped(d);
}
