/** Reads the optimizer's state from the GPU, and writes it back. */
import type { Gpu } from '../gpu/gpu';
import { STATE } from '../plan/step_state';
import type { Tensor } from '../plan/tensor';
import type { UNet } from '../unet/unet';
import type { OptimizerState } from './options';
import type { StepPlan } from './step';
import type { AdamConfig } from './step_config';
import type { StepPrograms } from './step_programs';
import type { TrainedWeights } from './trained_weights';
import type { CheckedState } from './validate';

interface StateParts {
  readonly tensors: StepPlan['tensors'];
  readonly read: (t: Tensor) => Promise<ArrayBuffer>;
  readonly unet: UNet;
  readonly adam: AdamConfig;
  readonly trained: TrainedWeights | undefined;
}

export async function readState(parts: StateParts): Promise<OptimizerState<ArrayBuffer>> {
  const { tensors, read, unet, adam, trained } = parts;
  const words = await read(tensors.state);
  const moments = [tensors.moment1, tensors.moment2].map(async (t) => unet.weights.split(await read(t)));
  const [moment1, moment2] = await Promise.all(moments);
  const weights = await trained?.getParameters();
  const floats = new Float32Array(words);
  return {
    step: new Uint32Array(words)[STATE.step],
    corrections: Float32Array.of(floats[STATE.correction1], floats[STATE.correction2]),
    adam,
    ...{ moment1, moment2 },
    ...(weights ? { weights } : {}),
  };
}

export function writeState(
  to: {
    readonly gpu: Gpu;
    readonly programs: StepPrograms;
    readonly trained: TrainedWeights | undefined;
  },
  { step, corrections: [correction1, correction2] }: OptimizerState,
  { moment1, moment2, weights }: CheckedState,
): void {
  const { gpu, programs, trained } = to;
  const { tensors } = programs.plan;
  gpu.writeSoon(programs.buffer(tensors.moment1), 0, moment1);
  gpu.writeSoon(programs.buffer(tensors.moment2), 0, moment2);
  trained?.set(weights);
  programs.writeState('step', Uint32Array.of(step));
  programs.writeState('correction1', Float32Array.of(correction1));
  programs.writeState('correction2', Float32Array.of(correction2));
}
