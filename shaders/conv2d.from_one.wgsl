// conv2d for one input channel and a 5x5 kernel; sums begin with the bias. See lib/conv2d_from_one.wgsl.
#import lib/conv2d_from_one_params.wgsl
#import lib/conv2d_from_one_plain.wgsl
#import lib/conv2d_from_one_store.wgsl

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<Lane>;
@group(0) @binding(2) var<storage, read> kernel: array<f32>;
@group(0) @binding(3) var<storage, read> bias: array<f32>;
@group(0) @binding(4) var<storage, read_write> output: array<Lane>;

fn start(channel: u32, n: u32) -> f32 {
  return bias[channel];
}
