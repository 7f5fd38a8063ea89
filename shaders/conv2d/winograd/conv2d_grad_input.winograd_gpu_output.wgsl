// Winograd for GPUs, last pass of conv2d_grad_input: output = A' M A. See output_gpu.wgsl.
#import conv2d/winograd/output_gpu.wgsl
#import conv2d/winograd/params.wgsl

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> freqs: array<Lane>;
@group(0) @binding(2) var<storage, read_write> output: array<Lane>;

fn addend(channel: u32, image: u32) -> Lane { return Lane(); }

fn finish(at: u32, value: Lane, nothing: Lane) {
  output[at] = value;
}
