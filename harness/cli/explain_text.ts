/** Lists what a configuration consists of: layers and parameters, every dispatch of a training step, memory. Pure, no GPU. */

import { planMemory } from '../../src/plan/memory';
import type { Tensor } from '../../src/plan/tensor';
import { stepDefaults } from '../../src/training/step_config';
import type { UNetConfig } from '../../src/unet/config';
import { alignColumns, describeNetwork } from '../../src/unet/describe';
import type { Variants } from '../../src/unet/variants';
import { planWeights } from '../../src/unet/weights';
import { type ExplainedTraining, planWhole } from '../run/step_list';
import { megabytes, wrap } from '../text/units';

/** Columns of the widest line. */
export const WIDTH = 120;

interface Explanation {
  readonly summary: string;
  readonly dispatches: string;
  readonly memory: string;
}

export function explainText(
  config: UNetConfig,
  batchSize: number,
  imageCount: number,
  variants: Variants,
  training: ExplainedTraining = { ...stepDefaults, objective: 'tutorial' },
): Explanation {
  const weights = planWeights(config);
  return {
    summary: describeNetwork(config, weights),
    dispatches: dispatches(config, weights, batchSize, imageCount, variants, training),
    memory: memory(config, weights, batchSize, imageCount, variants, training),
  };
}

function dispatches(...run: Parameters<typeof planWhole>): string {
  const { ops } = planWhole(...run);
  const head = ['kernel, its shaders', 'layer', 'workgroups', '', 'MFLOP', 'MB', 'tensors'];
  const rows = ops.flatMap((o) => {
    const name = `${o.kernel}.${o.variant}`;
    const costs = [(o.cost.flops / 1e6).toFixed(1), (o.cost.bytes / 1e6).toFixed(1)];
    const calls = o.calls.map(({ shader, groups, tensors }) => [
      shader.name,
      groups.join('x'),
      Object.values(tensors)
        .map(({ label }) => nameIn(o, label))
        .join(', '),
    ]);
    const folded = foldRepeats(calls).map(
      ({ row: [shader, groups, tensors], times }) =>
        [shader, groups, times > 1 ? `x ${times}` : '', tensors] as const,
    );
    const [[shader, groups, times, tensors]] = folded;
    // A kernel with one shader of the same name takes one line.
    if (folded.length === 1 && (shader === name || shader === o.kernel))
      return [[name, o.layer, groups, times, ...costs, tensors]];
    return [
      [name, o.layer, '', '', ...costs, ''],
      ...folded.map(([of, grid, n, bound]) => [`  ${of}`, '', grid, n, '', '', bound]),
    ];
  });
  const count = ops.reduce((total, o) => total + o.calls.length, 0);
  const sum = (key: 'flops' | 'bytes') => ops.reduce((total, o) => total + o.cost[key], 0);
  return [
    ...wrap(
      "Each line is a kernel or one of its shaders; tensors without a layer belong to the line's layer.",
      WIDTH,
    ),
    tableToWidth([head, ...rows], [4, 5]),
    `${count} dispatches, ${(sum('flops') / 1e9).toFixed(1)} GFLOP (nominal), ${(sum('bytes') / 1e9).toFixed(2)} GB that must move`,
  ].join('\n');
}

/** The name of a tensor in the row of an op: without the op's layer and, if the tensor is one of the op's own, without its kernel. */
function nameIn({ layer, kernel }: { layer: string; kernel: string }, label: string): string {
  const own = label.startsWith(`${layer} `) ? label.slice(layer.length + 1) : label;
  return own.startsWith(`${kernel} `) ? own.slice(kernel.length + 1) : own;
}

/** A table whose last column is wrapped where it would be wider than a page. */
function tableToWidth(rows: readonly (readonly string[])[], right: readonly number[]): string {
  const last = rows[0].length - 1;
  const before = rows[0].map((_, i) => (i === last ? 0 : Math.max(...rows.map((row) => row[i].length)) + 2));
  const room = WIDTH - before.reduce((a, b) => a + b, 0);
  const all = rows.flatMap((row) => {
    const [first = '', ...more] = wrap(row[last], room);
    return [[...row.slice(0, last), first], ...more.map((line) => [...row.slice(0, last).fill(''), line])];
  });
  return alignColumns(all, right);
}

/** Lists a row that repeats in succession once, with its count; also a repeated group of rows. */
function foldRepeats(rows: readonly string[][]): { row: string[]; times: number }[] {
  const keys = rows.map((row) => row.join('\n'));
  const folded: { row: string[]; times: number }[] = [];
  for (let i = 0; i < rows.length; ) {
    let period = 1;
    let times = 1;
    for (let p = 1; i + 2 * p <= rows.length && times === 1; p++) {
      let n = 1;
      while (keys.slice(i, i + p).every((key, k) => key === keys[i + n * p + k])) n++;
      if (n > 1) {
        period = p;
        times = n;
      }
    }
    for (let k = 0; k < period; k++) folded.push({ row: rows[i + k], times });
    i += period * times;
  }
  return folded;
}

function memory(...run: Parameters<typeof planWhole>): string {
  const { plan, set } = planWhole(...run);
  const [_config, weights, batchSize, _imageCount, _variants, training] = run;
  const own = Object.values(plan.tensors) as Tensor[];
  const network = [weights.flat, weights.packed];
  const fixed = new Set([...own, ...network]);
  // The trainer compiles its lists separately; only this list has tensors of its own.
  const calls = plan.gradients.flatMap((o) => o.calls);
  const reused = planMemory(calls, fixed, true).slots;
  const apart = planMemory(calls, fixed, false).slots;
  const bytes = (tensors: readonly { size: number }[]) =>
    4 * tensors.reduce((sum, { size }) => sum + size, 0);
  // What is trained and its average are two networks.
  const networks = bytes(network) * (training.average ? 2 : 1);
  const largest = [...reused, ...own].reduce((a, b) => (b.size > a.size ? b : a));
  const rows = [
    [
      'network',
      megabytes(networks),
      `weights${training.average ? ' and their average' : ''}, flat and in the orders that the kernels read`,
    ],
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
  const total = networks + bytes(own) + bytes(reused);
  return [
    alignColumns(rows, [1]),
    ...wrap(
      `Training takes ${megabytes(total)} of GPU memory without the data set; the largest buffer is ${largest.label}, ${megabytes(largest.size * 4)}.`,
      WIDTH,
    ),
  ].join('\n');
}
