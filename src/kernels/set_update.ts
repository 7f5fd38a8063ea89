import shader from '../../shaders/recording/set_update.wgsl';
import { call, type Kernel } from '../plan/op';
import { STATE_WORDS } from '../plan/step_state';

/** Of three numbers: learning rate, clip and weight decay. */
const BYTES = 12;

/** Sets what an update uses, from a word for each byte of it. */
export const setUpdate: Kernel<object, 'bytes' | 'state'> = {
  name: 'set_update',
  sizes: () => ({ bytes: BYTES, state: STATE_WORDS }),
  cost: () => ({ flops: 0, bytes: 4 * (BYTES + 3) }),
  variants: {
    plain: {
      calls: (_, tensors) => [call(shader, {}, tensors, 1)],
    },
  },
};
