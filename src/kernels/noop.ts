import shaders from 'virtual:kernel/noop';
import { call, type Kernel } from '../plan/op';

export const noop: Kernel<Readonly<Record<never, never>>, 'output'> = {
  name: 'noop',
  sizes: () => ({ output: 1 }),
  cost: () => ({ flops: 0, bytes: 4 }),
  variants: { plain: { calls: (_, tensors) => [call(shaders.plain, {}, tensors, 1)] } },
};
