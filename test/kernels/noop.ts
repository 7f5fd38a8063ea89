import { noop } from '../../src/kernels/noop';
import type { Spec } from '../spec';

export const spec: Spec<Readonly<Record<never, never>>, 'output'> = {
  kernel: noop,
  cases: { 'the only one': {} },
  inputs: () => ({}),
  reference: () => ({ output: { values: Uint32Array.of(1) } }),
  bench: () => ({ dispatch: {} }),
};
