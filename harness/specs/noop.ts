import { noop } from '../../src/kernels/noop';
import { reference } from '../../src/reference/noop';
import { exact, type Spec } from './lib/spec';

export const spec: Spec<Readonly<Record<never, never>>, 'output'> = {
  kernel: noop,
  cases: { 'the only one': {} },
  inputs: () => ({}),
  reference,
  error: exact,
  bench: () => ({ dispatch: {} }),
};
