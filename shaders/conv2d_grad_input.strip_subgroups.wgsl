enable subgroups;

// A 5x5 convolution by strips with subgroups: the gradient of the input, names as in conv2d_grad_input.wgsl. See lib/conv2d_strip.wgsl.
#import lib/conv2d_strip_subgroups.wgsl

struct Params {
  height: u32,
  width: u32,
  pairs: u32, // N / 2
  from_channels: u32,
  to_channels: u32,
  tiles: u32, // to_channels / 8, rounded up
  first_group: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<vec2f>;
@group(0) @binding(2) var<storage, read> kernel: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> output: array<vec2f>;

fn finish(at: u32, channel: u32, sum: vec2f) {
  output[at] = sum;
}
