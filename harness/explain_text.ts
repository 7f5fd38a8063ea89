/** What a configuration becomes: layers and parameters, every dispatch of a training step, memory. Pure, no GPU. */

import { planMemory } from '../src/plan/memory';
import { padBatch, type Tensor, tensor } from '../src/plan/tensor';
import { type StepSettings, stepDefaults } from '../src/training/settings';
import { type CorruptionOptions, planCorruption, planStep } from '../src/training/step';
import type { UNetConfig } from '../src/unet/config';
import { describe, table } from '../src/unet/describe';
import type { Variants } from '../src/unet/variants';
import { planWeights, type WeightPlan } from '../src/unet/weights';
import { megabytes } from './progress';

export interface Explanation {
  readonly summary: string;
  readonly dispatches: string;
  readonly memory: string;
}

export function explain(
  config: UNetConfig,
  batchSize: number,
  imageCount: number,
  variants: Variants,
  training: ExplainedTraining = { ...stepDefaults, objective: 'tutorial' },
): Explanation {
  const weights = planWeights(config);
  return {
    summary: describe(config, weights),
    dispatches: dispatches(config, weights, batchSize, imageCount, variants, training),
    memory: memory(config, weights, batchSize, imageCount, variants, training),
  };
}

/** The trainer's settings, as far as they change the list. */
export type ExplainedTraining = StepSettings & Pick<CorruptionOptions, 'objective'>;

/** The ops of a step that draws its batch from a data set, in the order of the GPU. */
function planWhole(
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
  return { plan, set, ops: [...corruption, ...plan.gradients, ...plan.update] };
}

function dispatches(...run: Parameters<typeof planWhole>): string {
  const { ops } = planWhole(...run);
  const rows = ops.flatMap((o) => {
    const costs = [(o.cost.flops / 1e6).toFixed(1), (o.cost.bytes / 1e6).toFixed(1)];
    const calls = o.calls.map(({ shader, groups, tensors }) => [
      shader.name,
      groups.join('x'),
      Object.values(tensors)
        .map(({ label }) => label)
        .join(', '),
    ]);
    return foldRepeats(calls).map(({ row: [shader, groups, tensors], times }, i) => [
      ...(i === 0 ? [`${o.kernel}.${o.variant}`, o.layer] : ['', '']),
      shader,
      groups,
      times > 1 ? `x ${times}` : '',
      ...(i === 0 ? costs : ['', '']),
      tensors,
    ]);
  });
  const count = ops.reduce((total, o) => total + o.calls.length, 0);
  const sum = (key: 'flops' | 'bytes') => ops.reduce((total, o) => total + o.cost[key], 0);
  const head = ['kernel', 'layer', 'shader', 'workgroups', '', 'MFLOP', 'MB', 'tensors'];
  return [
    table([head, ...rows], [5, 6]),
    `${count} dispatches, ${(sum('flops') / 1e9).toFixed(1)} GFLOP (nominal), ${(sum('bytes') / 1e9).toFixed(2)} GB that must move`,
  ].join('\n');
}

/** Lists once what comes several times in a row, also a group of rows that takes turns. */
export function foldRepeats(rows: readonly string[][]): { row: string[]; times: number }[] {
  const keys = rows.map((row) => row.join('\n'));
  const folded: { row: string[]; times: number }[] = [];
  for (let i = 0; i < rows.length; ) {
    let [period, times] = [1, 1];
    for (let p = 1; i + 2 * p <= rows.length && times === 1; p++) {
      let n = 1;
      while (keys.slice(i, i + p).every((key, k) => key === keys[i + n * p + k])) n++;
      if (n > 1) [period, times] = [p, n];
    }
    for (let k = 0; k < period; k++) folded.push({ row: rows[i + k], times });
    i += period * times;
  }
  return folded;
}

function memory(...run: Parameters<typeof planWhole>): string {
  const { plan, set } = planWhole(...run);
  const [, weights, batchSize] = run;
  const own = Object.values(plan.tensors) as Tensor[];
  const network = [weights.flat, weights.packed];
  const fixed = new Set([...own, ...network]);
  // The trainer compiles its lists apart; only this one has tensors of its own.
  const calls = plan.gradients.flatMap((o) => o.calls);
  const reused = planMemory(calls, fixed, true).slots;
  const apart = planMemory(calls, fixed, false).slots;
  const bytes = (tensors: readonly { size: number }[]) =>
    4 * tensors.reduce((sum, { size }) => sum + size, 0);
  const largest = [...reused, ...own].reduce((a, b) => (b.size > a.size ? b : a));
  const rows = [
    ['network', megabytes(bytes(network)), 'weights, flat and in the orders that the kernels read'],
    [
      'optimizer, batch',
      megabytes(bytes(own)),
      `moments, gradients, ${batchSize} images noisy and as they should be, losses`,
    ],
    [
      'activations',
      megabytes(bytes(reused)),
      `and gradients, in ${reused.length} buffers that share by lifetime (apart: ${megabytes(bytes(apart))} in ${apart.length})`,
    ],
    ['data set', megabytes(bytes([set.images, set.order])), 'bytes, and the order of the epoch'],
  ];
  const total = bytes(network) + bytes(own) + bytes(reused);
  return [
    table(rows, [1]),
    `Training takes ${megabytes(total)} of GPU memory without the data set; the largest buffer is ${largest.label}, ${megabytes(largest.size * 4)}.`,
  ].join('\n');
}
