/** What a polish adds to the plan of a flow. */
import type { Gpu } from '../gpu/gpu';
import { createTensorBuffers, Program } from '../gpu/program';
import { denoiseStep } from '../kernels/denoise_step';
import { knownPixels } from '../kernels/known_pixels';
import { unitRange } from '../kernels/unit_range';
import { op } from '../plan/op';
import { tensor } from '../plan/tensor';
import type { SamplingPlan } from './plan';

/** Compiles the programs, and adds them and their buffers to the plan. They use the plan's tensors, too, which hold nothing after a step. */
export async function addPolish(gpu: Gpu, plan: SamplingPlan): Promise<void> {
  const { sampled, programs, buffers, boundBuffers } = plan;
  const { x, predictedImages: kept, velocity: predicted, step, noise, mask } = plan.tensors;
  const share = tensor('share', 1);
  const mean = tensor('mean', predicted.size);
  const setX = (start: typeof x) => op(knownPixels, 'x', sampled, { step, start, noise, mask, x });
  const size = { elements: sampled.elements * sampled.batch };
  const ops = {
    // The first prediction replaces the mean whole, but a NaN that an earlier run left there would stay.
    keep: [kept, mean].map((output) => op(unitRange, 'x', sampled, { x, output })),
    renew: [setX(kept)],
    average: [
      op(unitRange, 'x', sampled, { x, output: predicted }),
      op(denoiseStep, 'mean', size, { prediction: predicted, x: mean, mix: share }),
    ],
    mean: [setX(mean)],
  };
  const created = await createTensorBuffers(gpu, 'sampler ', [share, mean]);
  const bound = new Map([...boundBuffers, ...created]);
  try {
    const named = Object.entries(ops).map(([name, list]) =>
      Program.compile(gpu, `polish: ${name}`, list, bound),
    );
    const [keep, renew, average, meant] = await Program.compileAll(named);
    programs.push(keep, renew, average, meant);
    buffers.push(...created.values());
    plan.polish = { keep, renew, average, mean: meant, share: created.get(share)! };
  } catch (error) {
    for (const b of created.values()) b.destroy();
    throw error;
  }
}
