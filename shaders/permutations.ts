/**
 * Shaders that have no file of their own: `name: [file, ...flags]`. In that file, and in what it imports, `#if flag`, `#else` and `#endif`
 * choose lines. `flag=value` also gives `${flag}` in imports a value, and `subgroups` enables that feature of WGSL.
 */
export const permutations: Readonly<Record<string, readonly [file: string, ...flags: string[]]>> = {
  'conv2d.image_bias': ['conv2d', 'image_bias'],
  'conv2d.tile_image_bias': ['conv2d.tile', 'image_bias'],
  'conv2d.one_input_image_bias': ['conv2d.one_input', 'image_bias'],
  'conv2d.one_input_gpu': ['conv2d.one_input', 'gpu'],
  'conv2d.one_input_gpu_image_bias': ['conv2d.one_input', 'gpu', 'image_bias'],
  'conv2d.one_input_subgroups': ['conv2d.one_input', 'subgroups'],
  'conv2d.one_input_subgroups_image_bias': ['conv2d.one_input', 'subgroups', 'image_bias'],
  'conv2d_pool.one_input_image_bias': ['conv2d_pool.one_input', 'image_bias'],
  'conv2d_pool.one_input_gpu': ['conv2d_pool.one_input', 'gpu'],
  'conv2d_pool.one_input_gpu_image_bias': ['conv2d_pool.one_input', 'gpu', 'image_bias'],
  'conv2d_pool.one_input_subgroups': ['conv2d_pool.one_input', 'subgroups'],
  'conv2d_pool.one_input_subgroups_image_bias': ['conv2d_pool.one_input', 'subgroups', 'image_bias'],
  'conv2d.one_output_subgroups': ['conv2d.one_output', 'subgroups'],
  'conv2d_grad_input.one_input_gpu': ['conv2d_grad_input.one_input', 'gpu'],
  'conv2d_grad_input.one_input_subgroups': ['conv2d_grad_input.one_input', 'subgroups'],
  'conv2d_grad_pool.one_input_gpu': ['conv2d_grad_pool.one_input', 'gpu'],
  'conv2d_grad_pool.one_input_subgroups': ['conv2d_grad_pool.one_input', 'subgroups'],
  'conv2d_grad_upsample.one_input_gpu': ['conv2d_grad_upsample.one_input', 'gpu'],
  'conv2d_grad_upsample.one_input_subgroups': ['conv2d_grad_upsample.one_input', 'subgroups'],
  'conv2d.winograd7_output_image_bias': ['conv2d.winograd7_output', 'image_bias'],
  'conv2d.winograd7_gpu_output_image_bias': ['conv2d.winograd7_gpu_output', 'image_bias'],
  'conv2d.winograd8_output_image_bias': ['conv2d.winograd8_output', 'image_bias'],
  'conv2d.winograd8_gpu_output_image_bias': ['conv2d.winograd8_gpu_output', 'image_bias'],
  'conv2d.winograd4_output_image_bias': ['conv2d.winograd4_output', 'image_bias'],
};
