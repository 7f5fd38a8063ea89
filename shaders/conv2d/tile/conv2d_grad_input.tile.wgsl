// The input gradient of a 5x5 convolution by tiles in workgroup memory; names as in conv2d_grad_input.wgsl. See tile.wgsl.
#import conv2d/tile/tile.wgsl

struct Params {
  height: u32,
  width: u32,
  pairs: u32, // N / 2
  from_channels: u32,
  to_channels: u32,
  to4: u32, // to_channels padded to 8, in vec4
  first_group: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<vec2f>;
@group(0) @binding(2) var<storage, read> kernel: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> output: array<vec2f>;

fn addend(channel: u32, n: u32) -> vec2f { return vec2f(); }

fn finish(at: u32, sum: vec2f, nothing: vec2f) {
  output[at] = sum;
}
