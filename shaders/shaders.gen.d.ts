// Generated from the WGSL files by shaders/plugin.ts. Do not edit.

declare module 'virtual:shaders' {
  /** Every shader, by name. */
  export const shaders: Readonly<Record<string, import('../src/plan/shader').Shader>>;
  /** The text of each, as it is shipped, for tests. */
  export const texts: Readonly<Record<string, string>>;
}

declare module '*/sampling_step.wgsl' {
  const layout: import('../src/plan/shader').StructLayout<'level' | 'step' | 'correction' | 'guidance' | 'known_from' | 'pad0' | 'pad1' | 'pad2'>;
  export default layout;
}

declare module '*/step_state.wgsl' {
  const layout: import('../src/plan/shader').StructLayout<'step' | 'batch_start' | 'count' | 'epoch_size' | 'correction1' | 'correction2' | 'learning_rate' | 'rate' | 'gradient_scale' | 'skipped' | 'clip' | 'weight_decay'>;
  export default layout;
}

declare module '*/adam.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'count' | 'beta1' | 'beta2' | 'one_minus_beta1' | 'one_minus_beta2' | 'epsilon' | 'first_group',
    'blocks' | 'gradient' | 'state' | 'parameter' | 'moment1' | 'moment2' | 'packed',
    'place' | 'layer' | 'packed_at'
  >;
  export default shader;
}

declare module '*/adam.unpacked.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'count' | 'beta1' | 'beta2' | 'one_minus_beta1' | 'one_minus_beta2' | 'epsilon' | 'first_group',
    'blocks' | 'gradient' | 'state' | 'parameter' | 'moment1' | 'moment2',
    'place' | 'layer' | 'packed_at'
  >;
  export default shader;
}

declare module '*/add_gradients.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'count' | 'first_group',
    'blocks' | 'slices' | 'sums',
    'at' | 'sums_at'
  >;
  export default shader;
}

declare module '*/average_weights.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'count' | 'most' | 'after' | 'span' | 'first_group',
    'blocks' | 'state' | 'parameter' | 'average' | 'packed',
    'place' | 'layer' | 'packed_at'
  >;
  export default shader;
}

declare module '*/chwn_to_nhwc.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'vec4s' | 'n4' | 'pixels' | 'channels' | 'count' | 'first_group',
    'input' | 'images'
  >;
  export default shader;
}

declare module '*/conv2d.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'height' | 'width' | 'n4' | 'from_channels' | 'to_channels' | 'kernel_size' | 'tiles' | 'first_group',
    'input' | 'kernel' | 'bias' | 'output'
  >;
  export default shader;
}

declare module '*/conv2d.image_bias.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'height' | 'width' | 'n4' | 'from_channels' | 'to_channels' | 'kernel_size' | 'tiles' | 'image_bias_at' | 'first_group',
    'input' | 'kernel' | 'bias' | 'output' | 'image_bias'
  >;
  export default shader;
}

declare module '*/conv2d.one_input.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'height' | 'width' | 'images' | 'channels' | 'padded' | 'each' | 'first_group',
    'input' | 'kernel' | 'bias' | 'output'
  >;
  export default shader;
}

declare module '*/conv2d.one_input_3x3.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'height' | 'width' | 'images' | 'channels' | 'padded' | 'each' | 'first_group',
    'input' | 'kernel' | 'bias' | 'output'
  >;
  export default shader;
}

declare module '*/conv2d.one_input_3x3_gpu.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'height' | 'width' | 'images' | 'channels' | 'padded' | 'each' | 'first_group',
    'input' | 'kernel' | 'bias' | 'output'
  >;
  export default shader;
}

declare module '*/conv2d.one_input_3x3_gpu_image_bias.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'height' | 'width' | 'images' | 'channels' | 'padded' | 'each' | 'image_bias_at' | 'first_group',
    'input' | 'kernel' | 'bias' | 'output' | 'image_bias'
  >;
  export default shader;
}

declare module '*/conv2d.one_input_3x3_image_bias.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'height' | 'width' | 'images' | 'channels' | 'padded' | 'each' | 'image_bias_at' | 'first_group',
    'input' | 'kernel' | 'bias' | 'output' | 'image_bias'
  >;
  export default shader;
}

declare module '*/conv2d.one_input_3x3_subgroups.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'height' | 'width' | 'images' | 'channels' | 'padded' | 'each' | 'first_group',
    'input' | 'kernel' | 'bias' | 'output'
  >;
  export default shader;
}

declare module '*/conv2d.one_input_3x3_subgroups_image_bias.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'height' | 'width' | 'images' | 'channels' | 'padded' | 'each' | 'image_bias_at' | 'first_group',
    'input' | 'kernel' | 'bias' | 'output' | 'image_bias'
  >;
  export default shader;
}

declare module '*/conv2d.one_input_gpu.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'height' | 'width' | 'images' | 'channels' | 'padded' | 'each' | 'first_group',
    'input' | 'kernel' | 'bias' | 'output'
  >;
  export default shader;
}

declare module '*/conv2d.one_input_gpu_image_bias.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'height' | 'width' | 'images' | 'channels' | 'padded' | 'each' | 'image_bias_at' | 'first_group',
    'input' | 'kernel' | 'bias' | 'output' | 'image_bias'
  >;
  export default shader;
}

declare module '*/conv2d.one_input_image_bias.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'height' | 'width' | 'images' | 'channels' | 'padded' | 'each' | 'image_bias_at' | 'first_group',
    'input' | 'kernel' | 'bias' | 'output' | 'image_bias'
  >;
  export default shader;
}

declare module '*/conv2d.one_input_subgroups.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'height' | 'width' | 'images' | 'channels' | 'padded' | 'each' | 'first_group',
    'input' | 'kernel' | 'bias' | 'output'
  >;
  export default shader;
}

declare module '*/conv2d.one_input_subgroups_image_bias.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'height' | 'width' | 'images' | 'channels' | 'padded' | 'each' | 'image_bias_at' | 'first_group',
    'input' | 'kernel' | 'bias' | 'output' | 'image_bias'
  >;
  export default shader;
}

declare module '*/conv2d.one_output.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'height' | 'width' | 'pairs' | 'in_channels' | 'out_padded' | 'rows' | 'first_group',
    'input' | 'kernel' | 'bias' | 'output'
  >;
  export default shader;
}

declare module '*/conv2d.one_output_3x3.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'height' | 'width' | 'pairs' | 'in_channels' | 'out_padded' | 'rows' | 'first_group',
    'input' | 'kernel' | 'bias' | 'output'
  >;
  export default shader;
}

declare module '*/conv2d.one_output_3x3_gpu.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'height' | 'width' | 'pairs' | 'in_channels' | 'out_padded' | 'first_group',
    'input' | 'kernel' | 'bias' | 'output'
  >;
  export default shader;
}

declare module '*/conv2d.one_output_3x3_subgroups.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'height' | 'width' | 'pairs' | 'in_channels' | 'out_padded' | 'rows' | 'first_group',
    'input' | 'kernel' | 'bias' | 'output'
  >;
  export default shader;
}

declare module '*/conv2d.one_output_gpu.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'height' | 'width' | 'pairs' | 'in_channels' | 'out_padded' | 'first_group',
    'input' | 'kernel' | 'bias' | 'output'
  >;
  export default shader;
}

declare module '*/conv2d.one_output_subgroups.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'height' | 'width' | 'pairs' | 'in_channels' | 'out_padded' | 'rows' | 'first_group',
    'input' | 'kernel' | 'bias' | 'output'
  >;
  export default shader;
}

declare module '*/conv2d.tile.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'height' | 'width' | 'pairs' | 'from_channels' | 'to_channels' | 'to4' | 'first_group',
    'input' | 'kernel' | 'bias' | 'output'
  >;
  export default shader;
}

declare module '*/conv2d.tile_image_bias.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'height' | 'width' | 'pairs' | 'from_channels' | 'to_channels' | 'to4' | 'image_bias_at' | 'first_group',
    'input' | 'kernel' | 'bias' | 'output' | 'image_bias'
  >;
  export default shader;
}

declare module '*/conv2d.winograd4_input.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'width' | 'height' | 'tiles' | 'tiles_x' | 'channels' | 'batch' | 'first_image' | 'chunk' | 'pitch' | 'first_group',
    'input' | 'freqs'
  >;
  export default shader;
}

declare module '*/conv2d.winograd4_kernel.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'pairs',
    'kernel' | 'freqs'
  >;
  export default shader;
}

declare module '*/conv2d.winograd4_output.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'width' | 'height' | 'tiles' | 'tiles_x' | 'channels' | 'batch' | 'first_image' | 'chunk' | 'pitch' | 'first_group',
    'freqs' | 'bias' | 'output'
  >;
  export default shader;
}

declare module '*/conv2d.winograd4_output_image_bias.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'width' | 'height' | 'tiles' | 'tiles_x' | 'channels' | 'batch' | 'first_image' | 'chunk' | 'pitch' | 'image_bias_at' | 'first_group',
    'freqs' | 'bias' | 'output' | 'image_bias'
  >;
  export default shader;
}

declare module '*/conv2d.winograd6_3x3_gpu_input.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'width' | 'height' | 'tiles' | 'tiles_x' | 'channels' | 'batch' | 'first_image' | 'chunk' | 'pitch' | 'first_group',
    'input' | 'freqs'
  >;
  export default shader;
}

declare module '*/conv2d.winograd6_3x3_gpu_kernel.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'pairs',
    'kernel' | 'freqs'
  >;
  export default shader;
}

declare module '*/conv2d.winograd6_3x3_gpu_output.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'width' | 'height' | 'tiles' | 'tiles_x' | 'channels' | 'batch' | 'first_image' | 'chunk' | 'pitch' | 'first_group',
    'freqs' | 'bias' | 'output'
  >;
  export default shader;
}

declare module '*/conv2d.winograd6_3x3_gpu_output_image_bias.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'width' | 'height' | 'tiles' | 'tiles_x' | 'channels' | 'batch' | 'first_image' | 'chunk' | 'pitch' | 'image_bias_at' | 'first_group',
    'freqs' | 'bias' | 'output' | 'image_bias'
  >;
  export default shader;
}

declare module '*/conv2d.winograd6_3x3_input.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'width' | 'height' | 'tiles' | 'tiles_x' | 'channels' | 'batch' | 'first_image' | 'chunk' | 'pitch' | 'first_group',
    'input' | 'freqs'
  >;
  export default shader;
}

declare module '*/conv2d.winograd6_3x3_kernel.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'pairs',
    'kernel' | 'freqs'
  >;
  export default shader;
}

declare module '*/conv2d.winograd6_3x3_output.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'width' | 'height' | 'tiles' | 'tiles_x' | 'channels' | 'batch' | 'first_image' | 'chunk' | 'pitch' | 'first_group',
    'freqs' | 'bias' | 'output'
  >;
  export default shader;
}

declare module '*/conv2d.winograd6_3x3_output_image_bias.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'width' | 'height' | 'tiles' | 'tiles_x' | 'channels' | 'batch' | 'first_image' | 'chunk' | 'pitch' | 'image_bias_at' | 'first_group',
    'freqs' | 'bias' | 'output' | 'image_bias'
  >;
  export default shader;
}

declare module '*/conv2d.winograd7_3x3_gpu_input.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'width' | 'height' | 'tiles' | 'tiles_x' | 'channels' | 'batch' | 'first_image' | 'chunk' | 'pitch' | 'first_group',
    'input' | 'freqs'
  >;
  export default shader;
}

declare module '*/conv2d.winograd7_3x3_gpu_kernel.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'pairs',
    'kernel' | 'freqs'
  >;
  export default shader;
}

declare module '*/conv2d.winograd7_3x3_gpu_output.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'width' | 'height' | 'tiles' | 'tiles_x' | 'channels' | 'batch' | 'first_image' | 'chunk' | 'pitch' | 'first_group',
    'freqs' | 'bias' | 'output'
  >;
  export default shader;
}

declare module '*/conv2d.winograd7_3x3_gpu_output_image_bias.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'width' | 'height' | 'tiles' | 'tiles_x' | 'channels' | 'batch' | 'first_image' | 'chunk' | 'pitch' | 'image_bias_at' | 'first_group',
    'freqs' | 'bias' | 'output' | 'image_bias'
  >;
  export default shader;
}

declare module '*/conv2d.winograd7_3x3_input.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'width' | 'height' | 'tiles' | 'tiles_x' | 'channels' | 'batch' | 'first_image' | 'chunk' | 'pitch' | 'first_group',
    'input' | 'freqs'
  >;
  export default shader;
}

declare module '*/conv2d.winograd7_3x3_kernel.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'pairs',
    'kernel' | 'freqs'
  >;
  export default shader;
}

declare module '*/conv2d.winograd7_3x3_output.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'width' | 'height' | 'tiles' | 'tiles_x' | 'channels' | 'batch' | 'first_image' | 'chunk' | 'pitch' | 'first_group',
    'freqs' | 'bias' | 'output'
  >;
  export default shader;
}

declare module '*/conv2d.winograd7_3x3_output_image_bias.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'width' | 'height' | 'tiles' | 'tiles_x' | 'channels' | 'batch' | 'first_image' | 'chunk' | 'pitch' | 'image_bias_at' | 'first_group',
    'freqs' | 'bias' | 'output' | 'image_bias'
  >;
  export default shader;
}

declare module '*/conv2d.winograd7_gpu_input.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'width' | 'height' | 'tiles' | 'tiles_x' | 'channels' | 'batch' | 'first_image' | 'chunk' | 'pitch' | 'first_group',
    'input' | 'freqs'
  >;
  export default shader;
}

declare module '*/conv2d.winograd7_gpu_kernel.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'pairs',
    'kernel' | 'freqs'
  >;
  export default shader;
}

declare module '*/conv2d.winograd7_gpu_output.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'width' | 'height' | 'tiles' | 'tiles_x' | 'channels' | 'batch' | 'first_image' | 'chunk' | 'pitch' | 'first_group',
    'freqs' | 'bias' | 'output'
  >;
  export default shader;
}

declare module '*/conv2d.winograd7_gpu_output_image_bias.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'width' | 'height' | 'tiles' | 'tiles_x' | 'channels' | 'batch' | 'first_image' | 'chunk' | 'pitch' | 'image_bias_at' | 'first_group',
    'freqs' | 'bias' | 'output' | 'image_bias'
  >;
  export default shader;
}

declare module '*/conv2d.winograd7_input.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'width' | 'height' | 'tiles' | 'tiles_x' | 'channels' | 'batch' | 'first_image' | 'chunk' | 'pitch' | 'first_group',
    'input' | 'freqs'
  >;
  export default shader;
}

declare module '*/conv2d.winograd7_kernel.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'pairs',
    'kernel' | 'freqs'
  >;
  export default shader;
}

declare module '*/conv2d.winograd7_output.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'width' | 'height' | 'tiles' | 'tiles_x' | 'channels' | 'batch' | 'first_image' | 'chunk' | 'pitch' | 'first_group',
    'freqs' | 'bias' | 'output'
  >;
  export default shader;
}

declare module '*/conv2d.winograd7_output_image_bias.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'width' | 'height' | 'tiles' | 'tiles_x' | 'channels' | 'batch' | 'first_image' | 'chunk' | 'pitch' | 'image_bias_at' | 'first_group',
    'freqs' | 'bias' | 'output' | 'image_bias'
  >;
  export default shader;
}

declare module '*/conv2d.winograd8_gpu_input.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'width' | 'height' | 'tiles' | 'tiles_x' | 'channels' | 'batch' | 'first_image' | 'chunk' | 'pitch' | 'first_group',
    'input' | 'freqs'
  >;
  export default shader;
}

declare module '*/conv2d.winograd8_gpu_kernel.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'pairs',
    'kernel' | 'freqs'
  >;
  export default shader;
}

declare module '*/conv2d.winograd8_gpu_output.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'width' | 'height' | 'tiles' | 'tiles_x' | 'channels' | 'batch' | 'first_image' | 'chunk' | 'pitch' | 'first_group',
    'freqs' | 'bias' | 'output'
  >;
  export default shader;
}

declare module '*/conv2d.winograd8_gpu_output_image_bias.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'width' | 'height' | 'tiles' | 'tiles_x' | 'channels' | 'batch' | 'first_image' | 'chunk' | 'pitch' | 'image_bias_at' | 'first_group',
    'freqs' | 'bias' | 'output' | 'image_bias'
  >;
  export default shader;
}

declare module '*/conv2d.winograd8_input.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'width' | 'height' | 'tiles' | 'tiles_x' | 'channels' | 'batch' | 'first_image' | 'chunk' | 'pitch' | 'first_group',
    'input' | 'freqs'
  >;
  export default shader;
}

declare module '*/conv2d.winograd8_kernel.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'pairs',
    'kernel' | 'freqs'
  >;
  export default shader;
}

declare module '*/conv2d.winograd8_output.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'width' | 'height' | 'tiles' | 'tiles_x' | 'channels' | 'batch' | 'first_image' | 'chunk' | 'pitch' | 'first_group',
    'freqs' | 'bias' | 'output'
  >;
  export default shader;
}

declare module '*/conv2d.winograd8_output_image_bias.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'width' | 'height' | 'tiles' | 'tiles_x' | 'channels' | 'batch' | 'first_image' | 'chunk' | 'pitch' | 'image_bias_at' | 'first_group',
    'freqs' | 'bias' | 'output' | 'image_bias'
  >;
  export default shader;
}

declare module '*/conv2d.winograd_gpu_product.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'columns' | 'pitch' | 'cin' | 'cout4' | 'first_group',
    'inputs' | 'weights' | 'products'
  >;
  export default shader;
}

declare module '*/conv2d.winograd_product.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'columns' | 'pitch' | 'cin' | 'cout4' | 'first_group',
    'inputs' | 'weights' | 'products'
  >;
  export default shader;
}

declare module '*/conv2d.winograd_subgroups_product.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'columns' | 'pitch' | 'cin' | 'cout4' | 'frequencies' | 'first_group',
    'inputs' | 'weights' | 'products'
  >;
  export default shader;
}

declare module '*/conv2d_grad_input.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'height' | 'width' | 'n4' | 'from_channels' | 'to_channels' | 'kernel_size' | 'tiles' | 'first_group',
    'input' | 'kernel' | 'output'
  >;
  export default shader;
}

declare module '*/conv2d_grad_input.one_input.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'height' | 'width' | 'images' | 'channels' | 'padded' | 'each' | 'first_group',
    'input' | 'kernel' | 'output'
  >;
  export default shader;
}

declare module '*/conv2d_grad_input.one_input_3x3.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'height' | 'width' | 'images' | 'channels' | 'padded' | 'each' | 'first_group',
    'input' | 'kernel' | 'output'
  >;
  export default shader;
}

declare module '*/conv2d_grad_input.one_input_3x3_gpu.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'height' | 'width' | 'images' | 'channels' | 'padded' | 'each' | 'first_group',
    'input' | 'kernel' | 'output'
  >;
  export default shader;
}

declare module '*/conv2d_grad_input.one_input_3x3_subgroups.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'height' | 'width' | 'images' | 'channels' | 'padded' | 'each' | 'first_group',
    'input' | 'kernel' | 'output'
  >;
  export default shader;
}

declare module '*/conv2d_grad_input.one_input_gpu.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'height' | 'width' | 'images' | 'channels' | 'padded' | 'each' | 'first_group',
    'input' | 'kernel' | 'output'
  >;
  export default shader;
}

declare module '*/conv2d_grad_input.one_input_subgroups.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'height' | 'width' | 'images' | 'channels' | 'padded' | 'each' | 'first_group',
    'input' | 'kernel' | 'output'
  >;
  export default shader;
}

declare module '*/conv2d_grad_input.tile.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'height' | 'width' | 'pairs' | 'from_channels' | 'to_channels' | 'to4' | 'first_group',
    'input' | 'kernel' | 'output'
  >;
  export default shader;
}

declare module '*/conv2d_grad_input.winograd4_output.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'width' | 'height' | 'tiles' | 'tiles_x' | 'channels' | 'batch' | 'first_image' | 'chunk' | 'pitch' | 'first_group',
    'freqs' | 'output'
  >;
  export default shader;
}

declare module '*/conv2d_grad_input.winograd6_3x3_gpu_output.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'width' | 'height' | 'tiles' | 'tiles_x' | 'channels' | 'batch' | 'first_image' | 'chunk' | 'pitch' | 'first_group',
    'freqs' | 'output'
  >;
  export default shader;
}

declare module '*/conv2d_grad_input.winograd6_3x3_output.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'width' | 'height' | 'tiles' | 'tiles_x' | 'channels' | 'batch' | 'first_image' | 'chunk' | 'pitch' | 'first_group',
    'freqs' | 'output'
  >;
  export default shader;
}

declare module '*/conv2d_grad_input.winograd7_3x3_gpu_output.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'width' | 'height' | 'tiles' | 'tiles_x' | 'channels' | 'batch' | 'first_image' | 'chunk' | 'pitch' | 'first_group',
    'freqs' | 'output'
  >;
  export default shader;
}

declare module '*/conv2d_grad_input.winograd7_3x3_output.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'width' | 'height' | 'tiles' | 'tiles_x' | 'channels' | 'batch' | 'first_image' | 'chunk' | 'pitch' | 'first_group',
    'freqs' | 'output'
  >;
  export default shader;
}

declare module '*/conv2d_grad_input.winograd7_gpu_output.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'width' | 'height' | 'tiles' | 'tiles_x' | 'channels' | 'batch' | 'first_image' | 'chunk' | 'pitch' | 'first_group',
    'freqs' | 'output'
  >;
  export default shader;
}

declare module '*/conv2d_grad_input.winograd7_output.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'width' | 'height' | 'tiles' | 'tiles_x' | 'channels' | 'batch' | 'first_image' | 'chunk' | 'pitch' | 'first_group',
    'freqs' | 'output'
  >;
  export default shader;
}

declare module '*/conv2d_grad_input.winograd8_gpu_output.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'width' | 'height' | 'tiles' | 'tiles_x' | 'channels' | 'batch' | 'first_image' | 'chunk' | 'pitch' | 'first_group',
    'freqs' | 'output'
  >;
  export default shader;
}

declare module '*/conv2d_grad_input.winograd8_output.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'width' | 'height' | 'tiles' | 'tiles_x' | 'channels' | 'batch' | 'first_image' | 'chunk' | 'pitch' | 'first_group',
    'freqs' | 'output'
  >;
  export default shader;
}

declare module '*/conv2d_grad_kernel.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'height' | 'width' | 'n4' | 'in_channels' | 'out_channels' | 'kernel_size' | 'rows' | 'pitch' | 'first_group',
    'input' | 'grad' | 'partials'
  >;
  export default shader;
}

declare module '*/conv2d_grad_kernel.one_channel.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'height' | 'width' | 'batch' | 'in_channels' | 'out_channels' | 'rows' | 'wide_is_input' | 'pitch' | 'first_group',
    'wide' | 'narrow' | 'partials'
  >;
  export default shader;
}

declare module '*/conv2d_grad_kernel.one_channel_3x3.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'height' | 'width' | 'batch' | 'in_channels' | 'out_channels' | 'rows' | 'wide_is_input' | 'pitch' | 'first_group',
    'wide' | 'narrow' | 'partials'
  >;
  export default shader;
}

declare module '*/conv2d_grad_kernel.one_channel_3x3_gpu.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'height' | 'width' | 'batch' | 'in_channels' | 'out_channels' | 'rows' | 'wide_is_input' | 'pitch' | 'first_group',
    'wide' | 'narrow' | 'partials'
  >;
  export default shader;
}

declare module '*/conv2d_grad_kernel.one_channel_gpu.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'height' | 'width' | 'batch' | 'in_channels' | 'out_channels' | 'rows' | 'wide_is_input' | 'pitch' | 'first_group',
    'wide' | 'narrow' | 'partials'
  >;
  export default shader;
}

declare module '*/conv2d_grad_kernel.tile.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'height' | 'width' | 'n4' | 'in_channels' | 'out_channels' | 'rows' | 'row_slices' | 'blocks' | 'pitch' | 'first_group',
    'input' | 'grad' | 'partials'
  >;
  export default shader;
}

declare module '*/conv2d_grad_kernel.winograd4_gradient.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'width' | 'height' | 'tiles' | 'tiles_x' | 'channels' | 'batch' | 'first_image' | 'chunk' | 'pitch' | 'first_group',
    'grad' | 'freqs'
  >;
  export default shader;
}

declare module '*/conv2d_grad_kernel.winograd4_kernel.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'pairs' | 'cout',
    'freqs' | 'gradient'
  >;
  export default shader;
}

declare module '*/conv2d_grad_kernel.winograd6_3x3_gpu_gradient.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'width' | 'height' | 'tiles' | 'tiles_x' | 'channels' | 'batch' | 'first_image' | 'chunk' | 'pitch' | 'first_group',
    'grad' | 'freqs'
  >;
  export default shader;
}

declare module '*/conv2d_grad_kernel.winograd6_3x3_gpu_kernel.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'pairs' | 'cout' | 'slices',
    'freqs' | 'gradient'
  >;
  export default shader;
}

declare module '*/conv2d_grad_kernel.winograd6_3x3_gradient.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'width' | 'height' | 'tiles' | 'tiles_x' | 'channels' | 'batch' | 'first_image' | 'chunk' | 'pitch' | 'first_group',
    'grad' | 'freqs'
  >;
  export default shader;
}

declare module '*/conv2d_grad_kernel.winograd6_3x3_kernel.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'pairs' | 'cout',
    'freqs' | 'gradient'
  >;
  export default shader;
}

declare module '*/conv2d_grad_kernel.winograd7_3x3_gpu_gradient.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'width' | 'height' | 'tiles' | 'tiles_x' | 'channels' | 'batch' | 'first_image' | 'chunk' | 'pitch' | 'first_group',
    'grad' | 'freqs'
  >;
  export default shader;
}

declare module '*/conv2d_grad_kernel.winograd7_3x3_gpu_kernel.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'pairs' | 'cout' | 'slices',
    'freqs' | 'gradient'
  >;
  export default shader;
}

declare module '*/conv2d_grad_kernel.winograd7_3x3_gradient.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'width' | 'height' | 'tiles' | 'tiles_x' | 'channels' | 'batch' | 'first_image' | 'chunk' | 'pitch' | 'first_group',
    'grad' | 'freqs'
  >;
  export default shader;
}

declare module '*/conv2d_grad_kernel.winograd7_3x3_kernel.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'pairs' | 'cout',
    'freqs' | 'gradient'
  >;
  export default shader;
}

declare module '*/conv2d_grad_kernel.winograd7_gpu_gradient.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'width' | 'height' | 'tiles' | 'tiles_x' | 'channels' | 'batch' | 'first_image' | 'chunk' | 'pitch' | 'first_group',
    'grad' | 'freqs'
  >;
  export default shader;
}

declare module '*/conv2d_grad_kernel.winograd7_gpu_kernel.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'pairs' | 'cout' | 'slices',
    'freqs' | 'gradient'
  >;
  export default shader;
}

declare module '*/conv2d_grad_kernel.winograd7_gradient.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'width' | 'height' | 'tiles' | 'tiles_x' | 'channels' | 'batch' | 'first_image' | 'chunk' | 'pitch' | 'first_group',
    'grad' | 'freqs'
  >;
  export default shader;
}

declare module '*/conv2d_grad_kernel.winograd7_kernel.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'pairs' | 'cout',
    'freqs' | 'gradient'
  >;
  export default shader;
}

declare module '*/conv2d_grad_kernel.winograd8_gpu_gradient.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'width' | 'height' | 'tiles' | 'tiles_x' | 'channels' | 'batch' | 'first_image' | 'chunk' | 'pitch' | 'first_group',
    'grad' | 'freqs'
  >;
  export default shader;
}

declare module '*/conv2d_grad_kernel.winograd8_gpu_kernel.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'pairs' | 'cout' | 'slices',
    'freqs' | 'gradient'
  >;
  export default shader;
}

declare module '*/conv2d_grad_kernel.winograd8_gradient.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'width' | 'height' | 'tiles' | 'tiles_x' | 'channels' | 'batch' | 'first_image' | 'chunk' | 'pitch' | 'first_group',
    'grad' | 'freqs'
  >;
  export default shader;
}

declare module '*/conv2d_grad_kernel.winograd8_kernel.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'pairs' | 'cout',
    'freqs' | 'gradient'
  >;
  export default shader;
}

declare module '*/conv2d_grad_kernel.winograd_gpu_product.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'columns' | 'pitch' | 'cin' | 'cout' | 'frequencies' | 'sum_frequency' | 'slices' | 'slice_columns' | 'first_slice' | 'first_group',
    'inputs' | 'grads' | 'output'
  >;
  export default shader;
}

declare module '*/conv2d_grad_kernel.winograd_product.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'columns' | 'pitch' | 'cin' | 'cout' | 'accumulate' | 'frequencies' | 'sum_frequency' | 'first_group',
    'inputs' | 'grads' | 'output'
  >;
  export default shader;
}

declare module '*/conv2d_grad_kernel.winograd_subgroups_product.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'columns' | 'pitch' | 'cin' | 'cout' | 'accumulate' | 'frequencies' | 'sum_frequency' | 'first_group',
    'inputs' | 'grads' | 'output'
  >;
  export default shader;
}

declare module '*/conv2d_grad_pool.one_input.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'height' | 'width' | 'images' | 'channels' | 'padded' | 'each' | 'first_group',
    'input' | 'kernel' | 'pre' | 'grad_output' | 'grad_pre'
  >;
  export default shader;
}

declare module '*/conv2d_grad_pool.one_input_3x3.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'height' | 'width' | 'images' | 'channels' | 'padded' | 'each' | 'first_group',
    'input' | 'kernel' | 'pre' | 'grad_output' | 'grad_pre'
  >;
  export default shader;
}

declare module '*/conv2d_grad_pool.one_input_3x3_gpu.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'height' | 'width' | 'images' | 'channels' | 'padded' | 'each' | 'first_group',
    'input' | 'kernel' | 'pre' | 'grad_output' | 'grad_pre'
  >;
  export default shader;
}

declare module '*/conv2d_grad_pool.one_input_3x3_subgroups.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'height' | 'width' | 'images' | 'channels' | 'padded' | 'each' | 'first_group',
    'input' | 'kernel' | 'pre' | 'grad_output' | 'grad_pre'
  >;
  export default shader;
}

declare module '*/conv2d_grad_pool.one_input_gpu.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'height' | 'width' | 'images' | 'channels' | 'padded' | 'each' | 'first_group',
    'input' | 'kernel' | 'pre' | 'grad_output' | 'grad_pre'
  >;
  export default shader;
}

declare module '*/conv2d_grad_pool.one_input_subgroups.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'height' | 'width' | 'images' | 'channels' | 'padded' | 'each' | 'first_group',
    'input' | 'kernel' | 'pre' | 'grad_output' | 'grad_pre'
  >;
  export default shader;
}

declare module '*/conv2d_grad_upsample.one_input.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'height' | 'width' | 'images' | 'channels' | 'padded' | 'each' | 'first_group',
    'input' | 'kernel' | 'pre' | 'grad_pre'
  >;
  export default shader;
}

declare module '*/conv2d_grad_upsample.one_input_3x3.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'height' | 'width' | 'images' | 'channels' | 'padded' | 'each' | 'first_group',
    'input' | 'kernel' | 'pre' | 'grad_pre'
  >;
  export default shader;
}

declare module '*/conv2d_grad_upsample.one_input_3x3_gpu.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'height' | 'width' | 'images' | 'channels' | 'padded' | 'each' | 'first_group',
    'input' | 'kernel' | 'pre' | 'grad_pre'
  >;
  export default shader;
}

declare module '*/conv2d_grad_upsample.one_input_3x3_subgroups.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'height' | 'width' | 'images' | 'channels' | 'padded' | 'each' | 'first_group',
    'input' | 'kernel' | 'pre' | 'grad_pre'
  >;
  export default shader;
}

declare module '*/conv2d_grad_upsample.one_input_gpu.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'height' | 'width' | 'images' | 'channels' | 'padded' | 'each' | 'first_group',
    'input' | 'kernel' | 'pre' | 'grad_pre'
  >;
  export default shader;
}

declare module '*/conv2d_grad_upsample.one_input_subgroups.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'height' | 'width' | 'images' | 'channels' | 'padded' | 'each' | 'first_group',
    'input' | 'kernel' | 'pre' | 'grad_pre'
  >;
  export default shader;
}

declare module '*/conv2d_pool.one_input.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'height' | 'width' | 'images' | 'channels' | 'padded' | 'each' | 'first_group',
    'input' | 'kernel' | 'bias' | 'output' | 'pooled'
  >;
  export default shader;
}

declare module '*/conv2d_pool.one_input_3x3.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'height' | 'width' | 'images' | 'channels' | 'padded' | 'each' | 'first_group',
    'input' | 'kernel' | 'bias' | 'output' | 'pooled'
  >;
  export default shader;
}

declare module '*/conv2d_pool.one_input_3x3_gpu.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'height' | 'width' | 'images' | 'channels' | 'padded' | 'each' | 'first_group',
    'input' | 'kernel' | 'bias' | 'output' | 'pooled'
  >;
  export default shader;
}

declare module '*/conv2d_pool.one_input_3x3_gpu_image_bias.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'height' | 'width' | 'images' | 'channels' | 'padded' | 'each' | 'image_bias_at' | 'first_group',
    'input' | 'kernel' | 'bias' | 'output' | 'pooled' | 'image_bias'
  >;
  export default shader;
}

declare module '*/conv2d_pool.one_input_3x3_image_bias.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'height' | 'width' | 'images' | 'channels' | 'padded' | 'each' | 'image_bias_at' | 'first_group',
    'input' | 'kernel' | 'bias' | 'output' | 'pooled' | 'image_bias'
  >;
  export default shader;
}

declare module '*/conv2d_pool.one_input_3x3_subgroups.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'height' | 'width' | 'images' | 'channels' | 'padded' | 'each' | 'first_group',
    'input' | 'kernel' | 'bias' | 'output' | 'pooled'
  >;
  export default shader;
}

declare module '*/conv2d_pool.one_input_3x3_subgroups_image_bias.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'height' | 'width' | 'images' | 'channels' | 'padded' | 'each' | 'image_bias_at' | 'first_group',
    'input' | 'kernel' | 'bias' | 'output' | 'pooled' | 'image_bias'
  >;
  export default shader;
}

declare module '*/conv2d_pool.one_input_gpu.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'height' | 'width' | 'images' | 'channels' | 'padded' | 'each' | 'first_group',
    'input' | 'kernel' | 'bias' | 'output' | 'pooled'
  >;
  export default shader;
}

declare module '*/conv2d_pool.one_input_gpu_image_bias.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'height' | 'width' | 'images' | 'channels' | 'padded' | 'each' | 'image_bias_at' | 'first_group',
    'input' | 'kernel' | 'bias' | 'output' | 'pooled' | 'image_bias'
  >;
  export default shader;
}

declare module '*/conv2d_pool.one_input_image_bias.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'height' | 'width' | 'images' | 'channels' | 'padded' | 'each' | 'image_bias_at' | 'first_group',
    'input' | 'kernel' | 'bias' | 'output' | 'pooled' | 'image_bias'
  >;
  export default shader;
}

declare module '*/conv2d_pool.one_input_subgroups.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'height' | 'width' | 'images' | 'channels' | 'padded' | 'each' | 'first_group',
    'input' | 'kernel' | 'bias' | 'output' | 'pooled'
  >;
  export default shader;
}

declare module '*/conv2d_pool.one_input_subgroups_image_bias.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'height' | 'width' | 'images' | 'channels' | 'padded' | 'each' | 'image_bias_at' | 'first_group',
    'input' | 'kernel' | 'bias' | 'output' | 'pooled' | 'image_bias'
  >;
  export default shader;
}

declare module '*/copy.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'vec4s' | 'first_group',
    'input' | 'output'
  >;
  export default shader;
}

declare module '*/copy.four.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'vec4s' | 'first_group',
    'input' | 'output'
  >;
  export default shader;
}

declare module '*/corrupt.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'vec4s' | 'n4' | 'pixels' | 'channels' | 'seed' | 'binarize' | 'first_group',
    'images' | 'order' | 'state' | 'clean' | 'noisy'
  >;
  export default shader;
}

declare module '*/corrupt_flow.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'vec4s' | 'n4' | 'pixels' | 'channels' | 'seed' | 'binarize' | 'first_group',
    'images' | 'order' | 'state' | 'levels' | 'noisy' | 'velocity'
  >;
  export default shader;
}

declare module '*/corrupt_images.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'size' | 'pixels' | 'channels' | 'seed' | 'first_group',
    'images' | 'state' | 'levels' | 'noisy' | 'truth'
  >;
  export default shader;
}

declare module '*/corrupt_images.flow.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'size' | 'pixels' | 'channels' | 'seed' | 'first_group',
    'images' | 'state' | 'levels' | 'noisy' | 'truth'
  >;
  export default shader;
}

declare module '*/denoise_step.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'vec4s' | 'first_group',
    'prediction' | 'share' | 'x'
  >;
  export default shader;
}

declare module '*/difference.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'size' | 'stride' | 'first_group',
    'result' | 'expected' | 'partials'
  >;
  export default shader;
}

declare module '*/draw_conditions.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'batch' | 'classes' | 'drop' | 'logit_normal' | 'labelled' | 'seed' | 'first_group',
    'order' | 'labels' | 'state' | 'levels' | 'classes'
  >;
  export default shader;
}

declare module '*/embedding.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'vec4s' | 'n4' | 'noise_rows' | 'first_group',
    'levels' | 'classes' | 'features'
  >;
  export default shader;
}

declare module '*/finish_step.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'loss_partials' | 'gradient_partials' | 'convolution_partials' | 'elements' | 'batch_size' | 'ring' | 'most_skipped' | 'beta1' | 'beta2' | 'one_minus_beta1' | 'one_minus_beta2' | 'warmup' | 'decay_end' | 'floor',
    'squares' | 'gradient_squares' | 'state' | 'records'
  >;
  export default shader;
}

declare module '*/flow_step.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'vec4s' | 'n4' | 'guided' | 'first_group',
    'step' | 'prediction' | 'velocity' | 'x'
  >;
  export default shader;
}

declare module '*/fma_peak.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'invocations' | 'iterations' | 'factor' | 'addend' | 'first_group',
    'output'
  >;
  export default shader;
}

declare module '*/fma_peak.unrolled.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'invocations' | 'iterations' | 'factor' | 'addend' | 'first_group',
    'output'
  >;
  export default shader;
}

declare module '*/gaussian_noise.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'vec4s' | 'n4' | 'count' | 'seed' | 'first_group',
    'output'
  >;
  export default shader;
}

declare module '*/gradient_norm.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'count' | 'first_group',
    'blocks' | 'slices' | 'partials',
    'at'
  >;
  export default shader;
}

declare module '*/image_losses.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'elements' | 'n4' | 'swish' | 'first_group',
    'pre' | 'truth' | 'state' | 'losses'
  >;
  export default shader;
}

declare module '*/known_pixels.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'vec4s' | 'n4' | 'guided' | 'first_group',
    'step' | 'start' | 'noise' | 'mask' | 'x'
  >;
  export default shader;
}

declare module '*/max_pool.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'vec4s' | 'width' | 'n4' | 'first_group',
    'input' | 'output'
  >;
  export default shader;
}

declare module '*/max_pool_grad.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'vec4s' | 'width' | 'n4' | 'first_group',
    'input' | 'grad_output' | 'grad'
  >;
  export default shader;
}

declare module '*/mse.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'vec4s' | 'n4' | 'elements' | 'partial_count' | 'swish' | 'first_group',
    'pre' | 'truth' | 'state' | 'grad' | 'partials'
  >;
  export default shader;
}

declare module '*/nhwc_to_chwn.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'vec4s' | 'n4' | 'pixels' | 'channels' | 'first_group',
    'images' | 'state' | 'output'
  >;
  export default shader;
}

declare module '*/noop.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    never,
    'output'
  >;
  export default shader;
}

declare module '*/pack_weights.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'size' | 'taps' | 'inputs' | 'outputs' | 'bias_at' | 'backward_at' | 'first_group',
    'parameters' | 'packed'
  >;
  export default shader;
}

declare module '*/paint.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'words' | 'pitch' | 'width' | 'height' | 'channels' | 'columns' | 'count' | 'scale' | 'offset' | 'bgra' | 'first_group',
    'images' | 'picture'
  >;
  export default shader;
}

declare module '*/same_level.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'vec4s' | 'first_group',
    'step' | 'levels'
  >;
  export default shader;
}

declare module '*/set_update.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    never,
    'bytes' | 'state'
  >;
  export default shader;
}

declare module '*/set_update.step.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    never,
    'bytes' | 'state'
  >;
  export default shader;
}

declare module '*/sum_pixels.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'vec4s' | 'n4' | 'pixels' | 'first' | 'first_group',
    'slices' | 'sums'
  >;
  export default shader;
}

declare module '*/sum_slices.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'size' | 'pitch' | 'count' | 'first_group',
    'slices' | 'output'
  >;
  export default shader;
}

declare module '*/swish.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'vec4s' | 'first_group',
    'input' | 'output'
  >;
  export default shader;
}

declare module '*/swish.residual.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'vec4s' | 'first_group',
    'input' | 'output' | 'residual'
  >;
  export default shader;
}

declare module '*/swish_grad.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'vec4s' | 'first_group',
    'pre' | 'grad'
  >;
  export default shader;
}

declare module '*/swish_grad.residual.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'vec4s' | 'first_group',
    'pre' | 'grad' | 'grad_residual'
  >;
  export default shader;
}

declare module '*/swish_grad.residual_sum.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'vec4s' | 'first_group',
    'pre' | 'grad' | 'grad_residual'
  >;
  export default shader;
}

declare module '*/swish_grad.sum.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'vec4s' | 'first_group',
    'pre' | 'grad' | 'grad_residual'
  >;
  export default shader;
}

declare module '*/swish_max_pool.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'vec4s' | 'width' | 'n4' | 'first_group',
    'input' | 'output'
  >;
  export default shader;
}

declare module '*/swish_max_pool.residual.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'vec4s' | 'width' | 'n4' | 'first_group',
    'input' | 'output' | 'residual'
  >;
  export default shader;
}

declare module '*/swish_max_pool_grad.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'vec4s' | 'width' | 'n4' | 'first_group',
    'pre' | 'grad_output' | 'grad'
  >;
  export default shader;
}

declare module '*/swish_max_pool_grad.residual.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'vec4s' | 'width' | 'n4' | 'first_group',
    'pre' | 'grad_output' | 'grad' | 'residual' | 'grad_residual'
  >;
  export default shader;
}

declare module '*/swish_upsample_add.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'vec4s' | 'width' | 'n4' | 'first_group',
    'input' | 'skip' | 'output'
  >;
  export default shader;
}

declare module '*/swish_upsample_add.both_residual.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'vec4s' | 'width' | 'n4' | 'first_group',
    'input' | 'skip' | 'output' | 'skip_residual' | 'residual'
  >;
  export default shader;
}

declare module '*/swish_upsample_add.residual.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'vec4s' | 'width' | 'n4' | 'first_group',
    'input' | 'skip' | 'output' | 'residual'
  >;
  export default shader;
}

declare module '*/swish_upsample_add.skip_residual.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'vec4s' | 'width' | 'n4' | 'first_group',
    'input' | 'skip' | 'output' | 'skip_residual'
  >;
  export default shader;
}

declare module '*/swish_upsample_grad.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'vec4s' | 'width' | 'n4' | 'first_group',
    'pre' | 'grad_output' | 'grad'
  >;
  export default shader;
}

declare module '*/swish_upsample_grad.residual.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'vec4s' | 'width' | 'n4' | 'first_group',
    'pre' | 'grad_output' | 'grad' | 'grad_residual'
  >;
  export default shader;
}

declare module '*/uniform_noise.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'vec4s' | 'n4' | 'count' | 'seed' | 'first_group',
    'output'
  >;
  export default shader;
}

declare module '*/unit_range.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'vec4s' | 'n4' | 'guided' | 'first_group',
    'x' | 'output'
  >;
  export default shader;
}

declare module '*/upsample.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'vec4s' | 'width' | 'n4' | 'first_group',
    'input' | 'output'
  >;
  export default shader;
}

declare module '*/upsample_grad.wgsl' {
  const shader: import('../src/plan/shader').Shader<
    'vec4s' | 'width' | 'n4' | 'first_group',
    'grad_output' | 'grad'
  >;
  export default shader;
}
