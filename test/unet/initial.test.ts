/** How a network starts. */
import { expect, test } from 'vitest';
import { checkConfig, parametersOf } from '../../src/unet/config';
import { initialParameters } from '../../src/unet/weights';

const conditioning = { classes: 10, noiseLevel: true };
const { parameters } = parametersOf(checkConfig({ conditioning }));
const initial = initialParameters(parameters, 7);

/** Glorot's: kernels are drawn from within so far of 0. */
function limitOf(shape: readonly number[]): number {
  const [fanOut, fanIn, ...taps] = [...shape].reverse();
  return Math.sqrt(6 / (taps.reduce((a, b) => a * b, 1) * (fanIn + fanOut)));
}
const kernels = parameters.filter(({ shape, name }) => shape.length > 1 && !name.endsWith('.classes'));

test('initial kernels fill the Glorot range evenly, and initial biases are zero', () => {
  expect(kernels.length).toBeGreaterThan(6);
  for (const { name, shape, size } of kernels) {
    const values = initial.get(name)!;
    const limit = limitOf(shape);
    expect(Math.max(...values.map(Math.abs)), name).toBeLessThanOrEqual(limit);
    const mean = values.reduce((sum, v) => sum + v, 0) / size;
    const variance = values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / size;
    // The mean and the variance of n uniform numbers err by limit / sqrt(3 n) and limit^2 / 3 * sqrt(0.8 / n): five of these.
    expect(Math.abs(mean), name).toBeLessThan((5 * limit) / Math.sqrt(3 * size));
    expect(Math.abs((variance * 3) / limit ** 2 - 1), name).toBeLessThan(5 * Math.sqrt(0.8 / size));
  }
  for (const { name, shape } of parameters)
    if (shape.length === 1)
      expect(
        initial.get(name)!.every((v) => v === 0),
        name,
      ).toBe(true);
});

test('initial tables of classes are standard normal', () => {
  const [{ name, size }] = parameters.filter((p) => p.name.endsWith('.classes'));
  const values = initial.get(name)!;
  const variance = values.reduce((sum, v) => sum + v ** 2, 0) / size;
  expect(Math.abs(variance - 1)).toBeLessThan(5 * Math.sqrt(2 / size));
});

test('initial kernels differ between layers of a seed, and between seeds', () => {
  const starts = (seed: number) => {
    const values = initialParameters(parameters, seed);
    // In thousandths of the range, as the ranges differ.
    return kernels.map(({ name, shape }) =>
      [...values.get(name)!.subarray(0, 4)].map((v) => Math.round((1000 * v) / limitOf(shape))).join(' '),
    );
  };
  const all = [...starts(7), ...starts(8)];
  expect(new Set(all).size).toBe(all.length);
});
