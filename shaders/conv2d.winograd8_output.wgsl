// Winograd F(8x8, 5x5), last pass of conv2d: output = A' M A + bias. See lib/winograd8_output.wgsl.
#import lib/winograd8_output.wgsl

struct Params {
  width: u32,
  height: u32,
  tiles: u32,
  tiles_x: u32,
  channels: u32,
  batch: u32,
  first_image: u32,
  chunk: u32,
  pitch: u32,
  first_group: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> freqs: array<Lane>;
@group(0) @binding(2) var<storage, read> bias: array<f32>;
@group(0) @binding(3) var<storage, read_write> output: array<Lane>;

fn addend(channel: u32) -> Lane { return bias[channel]; }

fn finish(at: u32, value: Lane, bias: Lane) {
  output[at] = value + bias;
}
