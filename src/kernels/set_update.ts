import shaders from 'virtual:kernel/set_update';
import { call, type Kernel } from '../plan/op';
import { STATE_WORDS } from '../plan/step_state';

export interface SetUpdateShape {
  /** Whether it sets the number of the step instead. */
  readonly step?: boolean;
}

/** Of three numbers, learning rate, clip and weight decay, or of one. */
const bytesOf = ({ step }: SetUpdateShape) => (step ? 4 : 12);

/** Sets what an update uses, from a word for each byte of it. */
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
