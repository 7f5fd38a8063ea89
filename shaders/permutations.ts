import { winogradForms } from '../src/winograd/forms.ts';

/** The shaders of each Winograd form, by kernel. */
const WINOGRAD_PARTS: readonly (readonly [kernel: string, part: string])[] = [
  ['conv2d', 'input'],
  ['conv2d', 'kernel'],
  ['conv2d', 'output'],
  ['conv2d_grad_kernel', 'gradient'],
  ['conv2d_grad_kernel', 'kernel'],
];

const winograd = winogradForms.flatMap(({ name, file }) =>
  ['', '_gpu'].flatMap((kind) =>
    WINOGRAD_PARTS.map(
      ([kernel, part]): Permutation => [
        `${kernel}.${name + kind}_${part}`,
        [`${kernel}.winograd${kind}_${part}`, `form=${file}`],
      ],
    ),
  ),
);

/** A shader by name, made of a file with flags. */
type Permutation = readonly [name: string, source: readonly [file: string, ...flags: string[]]];

/** The shader whose name ends in its flags. */
function named(file: string, ...flags: string[]): Permutation {
  const ends = flags.map((flag) => (flag === 'side3' ? '3x3' : flag)).join('_');
  return [`${file}${file.includes('.') ? '_' : '.'}${ends}`, [file, ...flags]];
}

/** A file with all choices of one flag, or none, of each list; but for none at all, which is the file itself. */
function mixed(file: string, ...lists: string[][]): Permutation[] {
  let all: string[][] = [[]];
  for (const list of lists) all = all.flatMap((flags) => [flags, ...list.map((flag) => [...flags, flag])]);
  return all.filter(({ length }) => length > 0).map((flags) => named(file, ...flags));
}

/**
 * Shaders without a separate file: `name: [file, ...flags]`. In that file and in what it imports, `#if flag`, `#else` and `#endif`
 * select lines. `flag=value` gives `$flag` a value, and `subgroups` enables that WGSL feature.
 */
export const permutations: Readonly<Record<string, Permutation[1]>> = Object.fromEntries([
  ...['conv2d', 'conv2d_pool', 'conv2d_grad_pool', 'conv2d_grad_upsample'].flatMap((kernel) =>
    mixed(`${kernel}.one_input`, ['side3'], ['gpu', 'subgroups']),
  ),
  ...mixed('conv2d.one_output', ['side3'], ['subgroups']),
  ['conv2d.one_output_3x3_gpu', ['conv2d.one_output_gpu', 'side3']],
  named('conv2d_grad_kernel.one_channel', 'side3'),
  ['conv2d_grad_kernel.one_channel_3x3_gpu', ['conv2d_grad_kernel.one_channel_gpu', 'side3']],
  ...winograd,
  named('swish', 'residual'),
  ...mixed('swish_grad', ['residual'], ['sum']),
  named('swish_max_pool', 'residual'),
  named('swish_max_pool_grad', 'residual'),
  named('swish_upsample_add', 'residual'),
  named('swish_upsample_add', 'skip_residual'),
  ['swish_upsample_add.both_residual', ['swish_upsample_add', 'residual', 'skip_residual']],
  named('swish_upsample_grad', 'residual'),
  named('adam', 'unpacked'),
  named('corrupt', 'flow'),
  named('noise', 'gaussian'),
  named('fma_peak', 'unrolled'),
]);
