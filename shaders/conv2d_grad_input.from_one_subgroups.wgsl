enable subgroups;

// conv2d_grad_input for one output channel and a 5x5 kernel with subgroups, names as in conv2d_grad_input.wgsl. See lib/conv2d_from_one.wgsl.
#import lib/conv2d_from_one_params.wgsl
#import lib/conv2d_from_one_subgroups.wgsl
#import lib/conv2d_from_one_store.wgsl

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<Lane>;
@group(0) @binding(2) var<storage, read> kernel: array<f32>;
@group(0) @binding(3) var<storage, read_write> output: array<Lane>;

fn start(channel: u32, n: u32) -> f32 {
  return 0.0;
}
