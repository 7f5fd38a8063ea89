// conv2d_grad_input for one output channel, whose gradient is the single input channel here, and a 5x5 or 3x3 kernel. See one_input.wgsl.
#import conv2d/one_channel/one_input_store.wgsl

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<Lane>;
@group(0) @binding(2) var<storage, read> kernel: array<f32>;
@group(0) @binding(3) var<storage, read_write> output: array<Lane>;

fn start(channel: u32, n: u32) -> f32 {
  return 0.0;
}
