import { setUpdate } from '../../src/kernels/set_update';
import { STATE_WORDS } from '../../src/plan/step_state';
import { reference } from '../../src/reference/set_update';
import { exact, type Spec } from './lib/spec';

/** Rate, clip and decay. */
interface Case {
  readonly settings: readonly number[];
}

export const spec: Spec<Case, 'bytes' | 'state'> = {
  kernel: setUpdate,
  cases: {
    'the usual ones': { settings: [1e-3, 1e30, 0] },
    'of which no byte is 0': { settings: [Math.PI / 1000, Math.E, 1 / 3] },
    'the smallest and the largest': { settings: [1e-12, 1e6, 1] },
  },
  inputs: ({ settings }, random) => ({
    bytes: Uint32Array.from(new Uint8Array(Float32Array.from(settings).buffer)),
    // The other fields must not change; these words are also legal floats.
    state: random.integers(STATE_WORDS, 1000),
  }),
  reference,
  error: exact,
  bench: () => ({ 'all layers': { settings: [1e-3, 1, 0] } }),
};
