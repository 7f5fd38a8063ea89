import { describe, expect, test } from 'vitest';
import {
  flowBatch,
  GOLDEN_SIDE,
  goldenBatch,
  initialWeights,
  PICTURES,
  presetWeights,
} from '../../../harness/run/golden_workload';
import { hashOfNumbers } from '../../../src/base/hash';
import flow5 from './flow.json';
import pictures from './flow_pictures.json';

test('the inputs of losses.json are still those that it was made with', () => {
  const batches = Array.from({ length: 10 }, (_, step) => goldenBatch(step, 16));
  expect(batches.map(({ noisy, target }) => hashOfNumbers(target, noisy))).toEqual([
    'dfed5fa1',
    'bf0cf69b',
    'aa841cf4',
    '07defaf5',
    '31636772',
    '77f06fbb',
    'c0f0fe9f',
    'fd0c3781',
    'e5fc6bfe',
    'eda8c754',
  ]);
  expect(hashOfNumbers(...initialWeights().values())).toBe('e33e2746');
});

test('the network of the recipe digits begins with the convolutions of the golden run', () => {
  const weights = presetWeights.digits();
  for (const [name, values] of initialWeights()) {
    expect(hashOfNumbers(weights.get(name)!), name).toBe(hashOfNumbers(values));
  }
});

describe.each([
  ['flow.json', flow5, presetWeights.digits(), 328_513, { side: GOLDEN_SIDE, channels: 1 }],
  ['flow_pictures.json', pictures, presetWeights.pictures(), 370_755, PICTURES],
] as const)('the inputs of %s', (_, flow, weights, parameterCount, images) => {
  const batches = flow.losses.map((_, step) => flowBatch(step, flow.batch, images));
  const size = images.side ** 2 * images.channels;

  test('are still those that it was made with', () => {
    expect(hashOfNumbers(...weights.values())).toBe(flow.weights);
    expect(
      batches.map(({ noisy, target, levels, labels }) => hashOfNumbers(noisy, target, levels, labels)),
    ).toEqual(flow.inputs);
  });

  test('have the sizes of its batches, images from -1 to 1, and all classes', () => {
    for (const { noisy, target, levels, labels } of batches) {
      expect({
        noisyCount: noisy.length,
        targetCount: target.length,
        levelsCount: levels.length,
        labelsCount: labels.length,
      }).toEqual({
        noisyCount: flow.batch * size,
        targetCount: flow.batch * size,
        levelsCount: flow.batch,
        labelsCount: flow.batch,
      });
      // x = noisy - t * target lies in [-1, 1].
      const clean = noisy.map((value, i) => value - levels[Math.floor(i / size)] * target[i]);
      const largest = clean.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
      expect(largest).toBeCloseTo(1, 5);
    }
    if (flow.losses.length === 1) return;
    // Twenty steps have all classes.
    const classes = new Set(batches.flatMap(({ labels }) => [...labels]));
    expect([...classes].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  });

  test('have the parameters whose gradients it holds', () => {
    const sizes = [...weights].map(([name, { length }]) => [name, length] as const);
    expect(sizes.reduce((sum, [_, size]) => sum + size, 0)).toBe(parameterCount);
    const indices = new Map<string, number[]>(Object.entries(flow.indices));
    for (const { parameters } of flow.gradients) {
      const kept = Object.entries(parameters);
      expect(kept.map(([name]) => name)).toEqual(sizes.map(([name]) => name));
      for (const [i, [name, { values }]] of kept.entries()) {
        const places = indices.get(name)!;
        expect(places.length).toBe(values.length);
        expect(new Set(places).size).toBe(values.length);
        expect(Math.max(...places)).toBeLessThan(sizes[i][1]);
      }
    }
  });
});
