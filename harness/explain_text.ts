/** What a configuration becomes: layers and parameters, every dispatch of a training step, memory. Pure, no GPU. */
import { type Tensor, tensor } from '../src/kernel';
import { planMemory } from '../src/memory';
import { adamDefaults, planCorruption, planStep } from '../src/training/step';
import type { UNetConfig } from '../src/unet/config';
import type { Variants } from '../src/unet/variants';
import { planWeights, type WeightPlan } from '../src/unet/weights';
import { megabytes, thousands } from './progress';

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
  bfloat16Gradients = false,
): Explanation {
  const weights = planWeights(config);
  return {
    summary: summary(config, weights),
    dispatches: dispatches(config, weights, batchSize, imageCount, variants, bfloat16Gradients),
    memory: memory(config, weights, batchSize, imageCount, variants, bfloat16Gradients),
  };
}

/** As Keras prints a model. */
function summary(config: UNetConfig, { layers, parameters }: WeightPlan): string {
  const rows: string[][] = [['input', show(config.height, config.width, config.channels), '0', '']];
  const levels = layers.length / 2;
  layers.forEach(({ name, height, width, inChannels, outChannels, kernelSize, activation }, i) => {
    const params = parameters[2 * i].size + parameters[2 * i + 1].size;
    const what = `conv ${kernelSize}x${kernelSize}, ${inChannels} > ${outChannels}${activation === 'swish' ? ', swish' : ''}`;
    rows.push([name, show(height, width, outChannels), thousands(params), what]);
    if (i < levels - 1) rows.push(['', show(height / 2, width / 2, outChannels), '0', 'max pool 2x2']);
    else if (i >= levels && i < layers.length - 1) {
      const skip = layers[2 * levels - 2 - i].name;
      rows.push(['', show(height * 2, width * 2, outChannels), '0', `upsample 2x, + ${skip}`]);
    }
  });
  const total = parameters.reduce((sum, { size }) => sum + size, 0);
  return [
    table([['layer', 'output shape', 'params', ''], ...rows], [2]),
    `Total params: ${thousands(total)} (${megabytes(total * 4)})`,
  ].join('\n');

  function show(height: number, width: number, channels: number): string {
    return `(n, ${height}, ${width}, ${channels})`;
  }
}

/** The ops of a step that draws its batch from a data set, in the order of the GPU. */
function planWhole(
  config: UNetConfig,
  weights: WeightPlan,
  batchSize: number,
  imageCount: number,
  variants: Variants,
  bfloat16Gradients: boolean,
) {
  const plan = planStep(config, weights, batchSize, variants, adamDefaults, bfloat16Gradients);
  const batch = Math.ceil(batchSize / 4) * 4;
  const { height, width, channels } = config;
  const set = {
    images: tensor('data set', Math.ceil((imageCount * height * width * channels) / 4)),
    order: tensor('order', imageCount),
    count: imageCount,
  };
  const corruption = planCorruption(config, plan.tensors, batch, set, { seed: 0, binarize: true });
  return { plan, set, ops: [corruption, ...plan.gradients, ...plan.update] };
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
      `moments, gradients, ${batchSize} images clean and noisy, losses`,
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

/** Columns as wide as they must be; those in `right` to the right. */
function table(rows: readonly (readonly string[])[], right: readonly number[]): string {
  const widths = rows[0].map((_, i) => Math.max(...rows.map((row) => row[i].length)));
  return rows
    .map((row) =>
      row
        .map((cell, i) => (right.includes(i) ? cell.padStart(widths[i]) : cell.padEnd(widths[i])))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
