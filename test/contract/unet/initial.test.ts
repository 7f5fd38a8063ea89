/** How a network starts. */
import { expect, test } from 'vitest';
import { checkConfig, listParameters } from '../../../src/unet/config';
import { initialParameters } from '../../../src/unet/weights';

const conditioning = { classes: 10, noiseLevel: true };
const { parameters } = listParameters(checkConfig({ conditioning }));
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
    const largest = Math.max(...values.map(Math.abs));
    expect(largest, name).toBeLessThanOrEqual(limit);
    if (size > 2000) expect(largest, name).toBeGreaterThan(0.99 * limit);
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
  const tables = parameters.filter((p) => p.name.endsWith('.classes'));
  const numbers = Array.from({ length: 50 }, (_, seed) => [
    ...initialParameters(tables, seed).get(tables[0].name)!,
  ]).flat();
  const { length } = numbers;
  const mean = (values: number[]) => values.reduce((a, b) => a + b) / length;
  // Four standard errors.
  expect(length).toBe(50 * 704);
  expect(Math.abs(mean(numbers))).toBeLessThan(4 / Math.sqrt(length));
  expect(Math.abs(mean(numbers.map((v) => v ** 2)) - 1)).toBeLessThan(4 * Math.sqrt(2 / length));
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
