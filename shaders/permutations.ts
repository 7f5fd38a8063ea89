import { winogradForms } from '../src/winograd/forms.ts';

/** The shaders of each Winograd form, by kernel. */
const WINOGRAD_PARTS: readonly (readonly [kernel: string, part: string, ...flags: string[]])[] = [
  ['conv2d', 'input'],
  ['conv2d', 'kernel'],
  ['conv2d', 'output'],
  ['conv2d', 'output', 'image_bias'],
  ['conv2d_grad_input', 'output'],
  ['conv2d_grad_kernel', 'gradient'],
  ['conv2d_grad_kernel', 'kernel'],
];

const winograd = winogradForms.flatMap(({ name, file, gpu }) =>
  (gpu ? ['', '_gpu'] : ['']).flatMap((kind) =>
    WINOGRAD_PARTS.map(([kernel, part, ...flags]): [string, [string, ...string[]]] => [
      `${kernel}.${[name + kind, part, ...flags].join('_')}`,
      [`${kernel}.winograd${kind}_${part}`, `form=${file}`, ...flags],
    ]),
  ),
);

/**
 * Shaders without a separate file: `name: [file, ...flags]`. In that file and in what it imports, `#if flag`, `#else` and `#endif`
 * select lines. `flag=value` gives `$flag` a value, and `subgroups` enables that WGSL feature.
 */
export const permutations: Readonly<Record<string, readonly [file: string, ...flags: string[]]>> = {
  'conv2d.winograd_gpu_wide_product': ['conv2d.winograd_gpu_product', 'wide'],
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
  'conv2d.one_input_3x3': ['conv2d.one_input', 'side3'],
  'conv2d.one_input_3x3_image_bias': ['conv2d.one_input', 'side3', 'image_bias'],
  'conv2d.one_input_3x3_gpu': ['conv2d.one_input', 'side3', 'gpu'],
  'conv2d.one_input_3x3_gpu_image_bias': ['conv2d.one_input', 'side3', 'gpu', 'image_bias'],
  'conv2d.one_input_3x3_subgroups': ['conv2d.one_input', 'side3', 'subgroups'],
  'conv2d.one_input_3x3_subgroups_image_bias': ['conv2d.one_input', 'side3', 'subgroups', 'image_bias'],
  'conv2d_pool.one_input_3x3': ['conv2d_pool.one_input', 'side3'],
  'conv2d_pool.one_input_3x3_image_bias': ['conv2d_pool.one_input', 'side3', 'image_bias'],
  'conv2d_pool.one_input_3x3_gpu': ['conv2d_pool.one_input', 'side3', 'gpu'],
  'conv2d_pool.one_input_3x3_gpu_image_bias': ['conv2d_pool.one_input', 'side3', 'gpu', 'image_bias'],
  'conv2d_pool.one_input_3x3_subgroups': ['conv2d_pool.one_input', 'side3', 'subgroups'],
  'conv2d_pool.one_input_3x3_subgroups_image_bias': [
    'conv2d_pool.one_input',
    'side3',
    'subgroups',
    'image_bias',
  ],
  'conv2d_grad_input.one_input_3x3': ['conv2d_grad_input.one_input', 'side3'],
  'conv2d_grad_input.one_input_3x3_gpu': ['conv2d_grad_input.one_input', 'side3', 'gpu'],
  'conv2d_grad_input.one_input_3x3_subgroups': ['conv2d_grad_input.one_input', 'side3', 'subgroups'],
  'conv2d_grad_pool.one_input_3x3': ['conv2d_grad_pool.one_input', 'side3'],
  'conv2d_grad_pool.one_input_3x3_gpu': ['conv2d_grad_pool.one_input', 'side3', 'gpu'],
  'conv2d_grad_pool.one_input_3x3_subgroups': ['conv2d_grad_pool.one_input', 'side3', 'subgroups'],
  'conv2d_grad_upsample.one_input_3x3': ['conv2d_grad_upsample.one_input', 'side3'],
  'conv2d_grad_upsample.one_input_3x3_gpu': ['conv2d_grad_upsample.one_input', 'side3', 'gpu'],
  'conv2d_grad_upsample.one_input_3x3_subgroups': ['conv2d_grad_upsample.one_input', 'side3', 'subgroups'],
  'conv2d.one_output_3x3': ['conv2d.one_output', 'side3'],
  'conv2d.one_output_3x3_subgroups': ['conv2d.one_output', 'side3', 'subgroups'],
  'conv2d.one_output_3x3_gpu': ['conv2d.one_output_gpu', 'side3'],
  'conv2d_grad_kernel.one_channel_3x3': ['conv2d_grad_kernel.one_channel', 'side3'],
  'conv2d_grad_kernel.one_channel_3x3_gpu': ['conv2d_grad_kernel.one_channel_gpu', 'side3'],
  ...Object.fromEntries(winograd),
  'swish.residual': ['swish', 'residual'],
  'swish_grad.residual': ['swish_grad', 'residual'],
  'swish_grad.sum': ['swish_grad', 'sum'],
  'swish_grad.residual_sum': ['swish_grad', 'residual', 'sum'],
  'swish_max_pool.residual': ['swish_max_pool', 'residual'],
  'swish_max_pool_grad.residual': ['swish_max_pool_grad', 'residual'],
  'swish_upsample_add.residual': ['swish_upsample_add', 'residual'],
  'swish_upsample_add.skip_residual': ['swish_upsample_add', 'skip_residual'],
  'swish_upsample_add.both_residual': ['swish_upsample_add', 'residual', 'skip_residual'],
  'swish_upsample_grad.residual': ['swish_upsample_grad', 'residual'],
  'adam.unpacked': ['adam', 'unpacked'],
  'corrupt.flow': ['corrupt', 'flow'],
  'noise.gaussian': ['noise', 'gaussian'],
  'fma_peak.unrolled': ['fma_peak', 'unrolled'],
};
