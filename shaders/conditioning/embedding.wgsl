// The conditioning features [rows][N] of each image, from t = levels[n] and classes[n]:
//   if noise_rows is 32, rows 0 to 15: sin(w_k t), rows 16 to 31: cos(w_k t), with w_k = 100^(k / 15), k = 0 to 15;
//   each later row r: 1 where classes[n] = r - noise_rows, else 0.
// levels is f32 [N], classes u32 [N].
// One invocation: one vec4 of features.
#import conditioning/level.wgsl
#import lib/flat.wgsl

struct Params {
  vec4s: u32,
  n4: u32, // N / 4
  noise_rows: u32, // 32 or 0
  first_group: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> levels: array<vec4f>;
@group(0) @binding(2) var<storage, read> classes: array<vec4u>;
@group(0) @binding(3) var<storage, read_write> features: array<vec4f>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = flat_index(id, groups, params.first_group);
  if (i >= params.vec4s) {
    return;
  }
  let n4 = i % params.n4;
  let row = i / params.n4;
  if (row < params.noise_rows) {
    features[i] = level_feature(row, levels[n4]);
  } else {
    features[i] = select(vec4f(), vec4f(1.0), classes[n4] == vec4u(row - params.noise_rows));
  }
}
