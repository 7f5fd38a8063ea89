/** Reads the optimizer's state from the GPU, and writes it back. */
import type { Gpu } from '../gpu/gpu';
import { Staging } from '../gpu/staging';
import { STATE } from '../plan/step_state';
import type { UNet } from '../unet/unet';
import type { Losses } from './losses';
import type { OptimizerState } from './options';
import type { AdamConfig } from './step_config';
import type { StepPrograms } from './step_programs';
import type { TrainedWeights } from './trained_weights';
import type { CheckedState } from './validate';

interface StateParts {
  readonly gpu: Gpu;
  readonly programs: StepPrograms;
  readonly unet: UNet;
  readonly adam: AdamConfig;
  readonly trained: TrainedWeights | undefined;
}

/** What a checkpoint has of a trainer, all after the same step. */
interface Snapshot {
  readonly state: OptimizerState<ArrayBuffer>;
  /** The network's parameters. */
  readonly parameters: Map<string, Float32Array<ArrayBuffer>>;
  readonly losses: Losses;
}

export async function readState({ gpu, programs, unet, adam, trained }: StateParts): Promise<Snapshot> {
  const { state, losses, moment1, moment2 } = programs.plan.tensors;
  const sources = [
    ...[state, losses, moment1, moment2].map((t) => programs.buffer(t)),
    unet.parameterBuffer,
    ...(trained ? [trained.parameterBuffer] : []),
  ].map((buffer) => ({ buffer, bytes: buffer.size }));
  const most = Math.max(...sources.map(({ bytes }) => bytes));
  const staging = await Staging.create(gpu, 'read state', most, sources.length);
  const read = async (source: (typeof sources)[number]) => {
    const [bytes] = await staging.read(gpu.device.createCommandEncoder({ label: 'read state' }), [source]);
    return bytes;
  };
  try {
    await programs.updated;
    // All are submitted here, and no step between them.
    const [words, records, ...flat] = await Promise.all(sources.map(read));
    const floats = new Float32Array(words);
    const [first, second, parameters, weights] = flat.map((values) => unet.weights.split(values));
    return {
      state: {
        step: new Uint32Array(words)[STATE.step],
        corrections: Float32Array.of(floats[STATE.correction1], floats[STATE.correction2]),
        adam,
        moment1: first,
        moment2: second,
        ...(weights ? { weights } : {}),
      },
      parameters,
      losses: programs.losses.of([words, records]),
    };
  } finally {
    staging.destroy();
  }
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
