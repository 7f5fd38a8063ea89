// The conditioning network in one dispatch, for GPUs, which would wait for four in turn: from noise levels and classes to
//   features [rows][N], see embedding.wgsl;
//   pre [64][N] = features times hidden, plus its bias; activated [64][N] = swish(pre);
//   image_bias [outputs][N] = activated times output, plus its bias.
// hidden is [rows][64], then the bias [64]; output is [64][padded], then the bias [padded], where `padded` is `outputs` rounded up to eights.
// It stores all four: a backward pass and maps read the first three.
// One workgroup: four images. One invocation: a feature, then a hidden unit, then every 64th bias of an image. It loads eight weights at
// once, so that a GPU waits once for the eight.
// Grid: z over vec4s of images.
#import conditioning/level.wgsl
#import lib/swish.wgsl

struct Params {
  n4: u32, // N / 4
  noise_rows: u32, // 32 or 0
  rows: u32,
  outputs: u32,
  padded: u32,
  first_group: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> levels: array<vec4f>;
@group(0) @binding(2) var<storage, read> classes: array<vec4u>;
@group(0) @binding(3) var<storage, read> hidden: array<f32>;
@group(0) @binding(4) var<storage, read> output: array<f32>;
@group(0) @binding(5) var<storage, read_write> image_bias: array<vec4f>;
@group(0) @binding(6) var<storage, read_write> features: array<vec4f>;
@group(0) @binding(7) var<storage, read_write> pre: array<vec4f>;
@group(0) @binding(8) var<storage, read_write> activated: array<vec4f>;

var<workgroup> level_rows: array<vec4f, 32>;
var<workgroup> units: array<vec4f, 64>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let n = group.z + params.first_group;
  if (lane < params.noise_rows) { level_rows[lane] = level_feature(lane, levels[n]); }
  workgroupBarrier();

  var z = vec4f(hidden[64u * params.rows + lane]);
  var row = 0u;
  for (var left = params.noise_rows / 8u; left > 0u; left--) {
    #each k 8
    let w$k = hidden[64u * (row + $k) + lane];
    #end
    #each k 8
    z = fma(level_rows[row + $k], vec4f(w$k), z);
    #end
    row += 8u;
  }
  if (params.rows > params.noise_rows) {
    // The feature of a class is 1 in its row. (In the slots of a batch that hold no image, there may be any number.)
    let at = 64u * min(params.noise_rows + classes[n], vec4u(params.rows - 1u)) + lane;
    z += vec4f(hidden[at.x], hidden[at.y], hidden[at.z], hidden[at.w]);
  }
  units[lane] = swish(z);
  pre[lane * params.n4 + n] = z;
  activated[lane * params.n4 + n] = units[lane];
  row = lane;
  for (var left = (max(params.rows, lane) - lane + 63u) / 64u; left > 0u; left--) {
    var feature = select(vec4f(), vec4f(1.0), params.noise_rows + classes[n] == vec4u(row));
    if (row < params.noise_rows) { feature = level_rows[row]; }
    features[row * params.n4 + n] = feature;
    row += 64u;
  }
  workgroupBarrier();

  var o = lane;
  for (var left = (max(params.outputs, lane) - lane + 63u) / 64u; left > 0u; left--) {
    var sum = vec4f(output[64u * params.padded + o]);
    var h = 0u;
    for (var eights = 8u; eights > 0u; eights--) {
      #each k 8
      let w$k = output[(h + $k) * params.padded + o];
      #end
      #each k 8
      sum = fma(units[h + $k], vec4f(w$k), sum);
      #end
      h += 8u;
    }
    image_bias[o * params.n4 + n] = sum;
    o += 64u;
  }
}
