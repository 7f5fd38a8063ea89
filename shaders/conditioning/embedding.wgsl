// The conditioning features [rows][N] of each image, from t = levels[n] and classes[n]:
//   if noise_rows is 32, rows 0 to 15: sin(w_k t), rows 16 to 31: cos(w_k t), with w_k = 100^(k / 15), k = 0 to 15;
//   each later row r: 1 where classes[n] = r - noise_rows, else 0.
// levels is f32 [N], classes u32 [N].
// One invocation: one vec4 of features.
#import lib/flat.wgsl
#import lib/turns.wgsl

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

// w_k / (2 pi), from a table: exp2 errs by 16 ulp, which is too much.
fn turns_per_level(k: u32) -> f32 {
  // A variable, because not every compiler accepts a dynamic index into a constant array.
  var turns = array<f32, 16>(
    0.159154943, 0.216348289, 0.294094429, 0.399779142, 0.543442332, 0.738731807, 1.0041998, 1.36506542,
    1.8556104, 2.52243586, 3.4288893, 4.66108259, 6.33607241, 8.61298052, 11.7081101, 15.9154943,
  );
  return turns[k];
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let i = flat_index(id, groups, params.first_group);
  if (i >= params.vec4s) {
    return;
  }
  let n4 = i % params.n4;
  let row = i / params.n4;
  if (row < params.noise_rows) {
    let phase = select(0.0, 0.25, row < 16u); // a quarter turn makes a sine
    features[i] = cos_turns(levels[n4] * turns_per_level(row % 16u) - phase);
  } else {
    features[i] = select(vec4f(), vec4f(1.0), classes[n4] == vec4u(row - params.noise_rows));
  }
}
