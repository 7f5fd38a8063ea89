import shaders from 'virtual:kernel/set_update';
import { call, type Kernel } from '../plan/op';
import { STATE_WORDS } from '../plan/step_state';

/** Bytes of learning rate, clip and weight decay. */
const BYTES = 12;

/** Sets an update's values in the step state, from a word for each of their bytes. */
export const setUpdate: Kernel<object, 'bytes' | 'state'> = {
  name: 'set_update',
  sizes: () => ({ bytes: BYTES, state: STATE_WORDS }),
  cost: () => ({ flops: 0, bytes: 4 * 1.25 * BYTES }),
  variants: {
    plain: {
      calls: (_, tensors) => [call(shaders.plain, {}, tensors, 1)],
    },
  },
};
