// conv2d for one input channel and a 5x5 or 3x3 kernel: output = sum + bias, with `image_bias` also the bias of the image. See one_input.wgsl.
#import conv2d/one_channel/one_input_store.wgsl
#import conv2d/one_channel/bias.wgsl

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> input: array<Lane>;
@group(0) @binding(2) var<storage, read> kernel: array<f32>;
@group(0) @binding(3) var<storage, read> bias: array<f32>;
@group(0) @binding(4) var<storage, read_write> output: array<Lane>;
#if image_bias
@group(0) @binding(5) var<storage, read> image_bias: array<Lane>;
#endif
