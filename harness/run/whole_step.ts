/** A training step that draws its batch from a data set, as plain data. Pure, no GPU. */
import { padBatch, tensor } from '../../src/plan/tensor';
import { type CorruptionOptions, planCorruption, planStep } from '../../src/training/step';
import type { StepConfig } from '../../src/training/step_config';
import type { UNetConfig } from '../../src/unet/config';
import type { Variants } from '../../src/unet/variants';
import { planWeights, type WeightPlan } from '../../src/unet/weights';

/** The trainer's settings that change the list. */
export type ExplainedTraining = StepConfig & Pick<CorruptionOptions, 'objective'>;

/** The ops of a step that draws its batch from a data set, in the order in which the GPU runs them. */
export function planWhole(
  config: UNetConfig,
  weights: WeightPlan,
  batchSize: number,
  imageCount: number,
  variants: Variants,
  training: ExplainedTraining,
) {
  const average = training.averageWeights ? planWeights(config) : undefined;
  const plan = planStep(config, weights, batchSize, variants, training, average);
  const batch = padBatch(batchSize);
  const { height, width, channels } = config;
  const set = {
    images: tensor('data set', Math.ceil((imageCount * height * width * channels) / 4)),
    order: tensor('order', imageCount),
    ...(config.conditioning?.classes ? { labels: tensor('labels', Math.ceil(imageCount / 4)) } : {}),
    count: imageCount,
  };
  const options = { objective: training.objective, seed: 0, binarize: true, classDropout: 0.05 };
  const corruption = planCorruption(config, plan.tensors, batch, set, options);
  return { plan, set, corruption, ops: [...corruption, ...plan.gradients, ...plan.update] };
}
