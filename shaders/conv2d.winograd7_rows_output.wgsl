// Winograd F(7x7, 5x5), last pass of conv2d by rows, for GPUs: output = A' M A + bias. See lib/winograd7_rows_output.wgsl.
#import lib/winograd7_rows_output.wgsl
#import lib/winograd_params.wgsl

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> freqs: array<Lane>;
@group(0) @binding(2) var<storage, read> bias: array<f32>;
@group(0) @binding(3) var<storage, read_write> output: array<Lane>;

fn addend(channel: u32, image: u32) -> Lane { return Lane(bias[channel]); }

fn finish(at: u32, value: Lane, bias: Lane) {
  output[at] = value + bias;
}
