import shaders from 'virtual:kernel/image_losses';
import { call, type Kernel } from '../plan/op';
import { STATE_WORDS } from '../plan/step_state';
import type { ActivatedLossShape } from './mse';

export const imageLosses: Kernel<ActivatedLossShape, 'pre' | 'target' | 'state' | 'losses'> = {
  name: 'image_losses',
  sizes: ({ elements, batch }) => ({
    pre: elements * batch,
    target: elements * batch,
    state: STATE_WORDS,
    losses: batch,
  }),
  cost: ({ elements, batch, swish }) => ({
    flops: (swish ? 7 : 3) * elements * batch,
    bytes: 8 * elements * batch + 4 * batch,
  }),
  variants: {
    plain: {
      calls: ({ elements, batch, swish }, { target: truth, ...tensors }) => {
        const params = { elements, n4: batch / 4, swish: Number(swish) };
        return [call(shaders.plain, params, { truth, ...tensors }, [64, 1, batch / 4])];
      },
    },
  },
};
