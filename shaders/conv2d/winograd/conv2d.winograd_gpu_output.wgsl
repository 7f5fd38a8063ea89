// Winograd for GPUs, last pass of conv2d: output = A' M A + bias, with `image_bias` also the image's bias. See output_gpu.wgsl.
#import conv2d/winograd/output_gpu.wgsl
#import conv2d/winograd/params.wgsl
#import conv2d/winograd/bias.wgsl

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> freqs: array<Lane>;
@group(0) @binding(2) var<storage, read> bias: array<f32>;
@group(0) @binding(3) var<storage, read_write> output: array<Lane>;
#if image_bias
@group(0) @binding(4) var<storage, read> image_bias: array<Lane>;
#endif

fn finish(at: u32, value: Lane, bias: Lane) {
  output[at] = value + bias;
}
