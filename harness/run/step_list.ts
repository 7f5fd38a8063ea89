/** Lists the dispatches of a training step: what `npm run explain` prints, as data. Pure. */
import type { Op } from '../../src/plan/op';
import type { ShaderBinding } from '../../src/plan/shader';
import { padBatch, tensor } from '../../src/plan/tensor';
import { type CorruptionOptions, planCorruption, planStep } from '../../src/training/step';
import type { StepConfig } from '../../src/training/step_config';
import type { UNetConfig } from '../../src/unet/config';
import type { Variants } from '../../src/unet/variants';
import { planWeights, type WeightPlan } from '../../src/unet/weights';
import { shapeText } from '../text/shape_text';

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
  const average = training.average ? planWeights(config) : undefined;
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

/** The inputs that determine the dispatches of a training step. */
export interface StepToList {
  readonly config: UNetConfig;
  readonly batch: number;
  /** Images in the data set. */
  readonly images: number;
  readonly variants: Variants;
  readonly training: ExplainedTraining;
}

export type StepStage = 'corrupt' | 'forward' | 'loss' | 'backward' | 'update';

/** A kernel of a step: one dispatch, or several of which each has its own shader. */
export interface ListedOp {
  readonly stage: StepStage;
  readonly kernel: string;
  readonly variant: string;
  readonly layer: string;
  /** In words: `batch 64, height 28, …`. */
  readonly shape: string;
  readonly flops: number;
  /** Bytes that must move at least once. */
  readonly bytes: number;
  readonly dispatches: readonly {
    readonly shader: string;
    readonly workgroupSize: readonly number[];
    readonly groups: readonly number[];
    readonly tensors: readonly {
      readonly binding: string;
      readonly label: string;
      /** Elements of 4 bytes. */
      readonly elements: number;
      readonly written: boolean;
    }[];
  }[];
}

/** The ops of each stage, in their order. */
export function listStages({
  config,
  batch,
  images,
  variants,
  training,
}: StepToList): Record<StepStage, readonly Op[]> {
  const { plan, corruption } = planWhole(config, planWeights(config), batch, images, variants, training);
  const loss = plan.gradients.findIndex(({ layer }) => layer === 'loss');
  return {
    corrupt: corruption,
    forward: plan.gradients.slice(0, loss),
    loss: plan.gradients.slice(loss, loss + 1),
    backward: plan.gradients.slice(loss + 1),
    update: plan.update,
  };
}

export function listStep(step: StepToList): ListedOp[] {
  return Object.entries(listStages(step)).flatMap(([stage, ops]) =>
    ops.map((op) => listOp(stage as StepStage, op)),
  );
}

function listOp(stage: StepStage, { kernel, variant, layer, origin, cost, calls }: Op): ListedOp {
  // Of a layer, its name has a column, and what comes after it is none of the kernel's.
  const shape = shapeText({ ...origin.shape, name: undefined, next: undefined });
  return {
    stage,
    kernel,
    variant,
    layer,
    shape,
    ...cost,
    dispatches: calls.map(({ shader, groups, tensors }) => ({
      shader: shader.name,
      workgroupSize: shader.workgroupSize,
      groups,
      tensors: Object.entries<ShaderBinding>(shader.bindings).map(([binding, { access }]) => ({
        binding,
        label: tensors[binding].label,
        elements: tensors[binding].size,
        written: access === 'read_write',
      })),
    })),
  };
}
