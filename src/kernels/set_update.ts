import shaders from 'virtual:kernel/set_update';
import { call, type Kernel } from '../plan/op';
import { STATE_WORDS } from '../plan/step_state';

export interface SetUpdateShape {
  /** Whether to set the number of the step instead. */
  readonly step?: boolean;
}

/** Bytes of three numbers, learning rate, clip and weight decay, or of one. */
const bytesOf = ({ step }: SetUpdateShape) => (step ? 4 : 12);

/** Sets an update's values in the step state, from a word for each of their bytes. */
export const setUpdate: Kernel<SetUpdateShape, 'bytes' | 'state'> = {
  name: 'set_update',
  sizes: (shape) => ({ bytes: bytesOf(shape), state: STATE_WORDS }),
  cost: (shape) => ({ flops: 0, bytes: 4 * 1.25 * bytesOf(shape) }),
  variants: {
    plain: {
      calls: ({ step }, tensors) => [call(shaders[step ? 'step' : 'plain'], {}, tensors, 1)],
    },
  },
};
