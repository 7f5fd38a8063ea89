// Winograd F(7x7, 5x5), last pass of conv2d_grad_input by rows, for GPUs: output = A' M A. See winograd7_gpu_output.wgsl.
#import conv2d/winograd/winograd7_gpu_output.wgsl
#import conv2d/winograd/winograd_params.wgsl

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> freqs: array<Lane>;
@group(0) @binding(2) var<storage, read_write> output: array<Lane>;

fn addend(channel: u32, image: u32) -> Lane { return Lane(); }

fn finish(at: u32, value: Lane, nothing: Lane) {
  output[at] = value;
}
