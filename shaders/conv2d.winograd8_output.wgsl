// Winograd F(8x8, 5x5), last pass of conv2d: output = A' M A + bias. See lib/winograd8_output.wgsl.
#import lib/winograd8_output.wgsl
#import lib/winograd_params.wgsl

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> freqs: array<Lane>;
@group(0) @binding(2) var<storage, read> bias: array<f32>;
@group(0) @binding(3) var<storage, read_write> output: array<Lane>;

fn addend(channel: u32, image: u32) -> Lane { return bias[channel]; }

fn finish(at: u32, value: Lane, bias: Lane) {
  output[at] = value + bias;
}
