/** A network as text. Pure, no GPU. */
import type { UNetConfig } from './config';
import type { WeightPlan } from './weights';

/** A network's layers, output shapes and parameters, as Keras prints a model. */
export function describeNetwork(
  config: UNetConfig,
  { layers, parameters, conditioning }: WeightPlan,
): string {
  const rows: string[][] = [['input', show(config.height, config.width, config.channels), '0', '']];
  const countOf = (layer: string) =>
    thousands(parameters.filter((p) => p.name.startsWith(`${layer}.`)).reduce((sum, p) => sum + p.size, 0));
  if (conditioning) {
    const { noiseLevel, classes, hidden, output } = conditioning.layers;
    const conditions = [noiseLevel ? 'noise level' : '', classes > 0 ? `class (${classes}, or none)` : ''];
    const of = conditions.filter((text) => text).join(' and ');
    rows.push(['conditioning', `(n, ${hidden.inChannels})`, '0', of]);
    for (const { name, inChannels, outChannels, activation } of [hidden, output]) {
      const what = `linear, ${inChannels} > ${outChannels}${activation === 'swish' ? ', swish' : ''}`;
      rows.push([name, `(n, ${outChannels})`, countOf(name), what]);
    }
  }
  /** Names of the layers whose output the skip connections add, the innermost last. */
  const skips: string[] = [];
  for (const layer of layers) {
    const { name, height, width, inChannels, outChannels, kernelSize, activation, residual, next } = layer;
    const { imageBias: first } = layer;
    const bias = first === undefined ? '' : `, + conditioning ${first} to ${first + outChannels - 1}`;
    const swish = activation === 'swish' ? ', swish' : '';
    const what = `conv ${kernelSize}x${kernelSize}, ${inChannels} > ${outChannels}${bias}${swish}${residual ? ', + input' : ''}`;
    rows.push([name, show(height, width, outChannels), countOf(name), what]);
    if (next === 'pool') {
      skips.push(name);
      rows.push(['', show(height / 2, width / 2, outChannels), '0', 'max pool 2x2']);
    } else if (next === 'upsample') {
      rows.push(['', show(height * 2, width * 2, outChannels), '0', `upsample 2x, + ${skips.pop()}`]);
    }
  }
  const total = parameters.reduce((sum, { size }) => sum + size, 0);
  return [
    alignColumns([['layer', 'output shape', 'params', ''], ...rows], [2]),
    `Total params: ${thousands(total)} (${((total * 4) / 1e6).toFixed(1)} MB)`,
  ].join('\n');

  function show(height: number, width: number, channels: number): string {
    return `(n, ${height}, ${width}, ${channels})`;
  }
}

const thousands = (n: number) => n.toLocaleString('en-US');

/** Makes columns as wide as their widest cell; columns in `right` are right-aligned. */
export function alignColumns(rows: readonly (readonly string[])[], right: readonly number[]): string {
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
