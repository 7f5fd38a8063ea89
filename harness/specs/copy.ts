import { copy } from '../../src/kernels/copy';
import type { ElementwiseShape } from '../../src/kernels/swish';
import { reference } from '../../src/reference/copy';
import { exact, type Spec } from './lib/spec';
import { elementwiseCases } from './swish';

export const spec: Spec<ElementwiseShape, 'input' | 'output'> = {
  kernel: copy,
  cases: {
    ...elementwiseCases,
    'more than one row, four vec4 each': { elements: 4 * (4 * 64 * 1024 + 65) },
  },
  inputs: ({ elements }, random) => ({ input: random.floats(elements) }),
  reference,
  error: exact,
  // By the bytes read and written: in a core's cache, in a shared cache, and more than caches hold.
  bench: () => ({
    '1 MiB': { elements: 2 ** 17 },
    '16 MiB': { elements: 2 ** 21 },
    '128 MiB': { elements: 2 ** 24 },
  }),
};
