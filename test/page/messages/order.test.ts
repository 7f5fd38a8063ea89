import { describe, expect, test } from 'vitest';
import { imagesAt, makeFieldNoise } from '../../../harness/page/messages/noise_field';
import { columnsFor, fullGrid, orderSampling, usualCount } from '../../../harness/page/messages/order';
import { noiseMoreAndMore } from '../../../harness/pictures/noise';
import { presets } from '../../../src/unet/config';

const order = { steps: 20, count: 4, seed: 5, digit: 7, text: '', guidance: 2.5, method: 'heun' } as const;

describe('samples to order', () => {
  test('have a column for each class, unless there are too many or too few classes', () => {
    expect([columnsFor(60, 10), columnsFor(20, 10), columnsFor(4, 10)]).toEqual([10, 10, 4]);
    expect(columnsFor(10, 10)).toBe(5);
    expect([columnsFor(64), columnsFor(16, 0), columnsFor(5), columnsFor(1)]).toEqual([8, 4, 5, 1]);
    // All rows are full where the number allows it.
    expect([columnsFor(10, 26), columnsFor(26, 26), columnsFor(40), columnsFor(13)]).toEqual([5, 13, 8, 4]);
    expect(columnsFor(64, 62)).toBe(8);
    expect([columnsFor(60, 2), columnsFor(8, 2), columnsFor(40, 4), columnsFor(5, 4)]).toEqual([10, 4, 8, 4]);
  });

  test('fill their rows', () => {
    for (const classes of [0, 1, 2, 3, 4, 5, 9, 10, 12, 26])
      for (const most of [1, 4, 10, 60, 64]) {
        const count = fullGrid(most, classes);
        expect(count % columnsFor(count, classes), `${most} of ${classes}`).toBe(0);
        expect(count).toBeGreaterThan(0.7 * most);
      }
    expect([fullGrid(10, 4), fullGrid(60, 10), fullGrid(10, 26), fullGrid(0)]).toEqual([8, 60, 10, 0]);
  });

  test('are of all classes, and fewer on a software adapter', () => {
    const usual = (classes: number, digit: 'all' | number = 'all') =>
      [true, false].map((software) => usualCount({ recipe: 'digits', classes }, digit, software));
    expect([usual(10), usual(4), usual(26), usual(255)]).toEqual([
      [10, 40],
      [8, 40],
      [26, 26],
      [255, 255],
    ]);
    expect([usual(26, 3), usual(0)]).toEqual([
      [10, 40],
      [10, 40],
    ]);
    expect(usualCount({ recipe: 'tutorial', classes: 0 }, 'all', true)).toBe(64);
  });

  test('ask a network for guidance and classes only if it has them', () => {
    const digits = { ...presets.digits, classes: 10, objective: 'flow' } as const;
    expect(orderSampling(digits, order)).toEqual({
      steps: 20,
      seed: 5,
      method: 'heun',
      labels: [7, 7, 7, 7],
      guidance: 2.5,
    });
    expect(orderSampling(digits, { ...order, labels: [2, 0, 2, 6] }).labels).toEqual([2, 0, 2, 6]);
    const tutorial = { ...presets.tutorial, classes: 0, objective: 'tutorial' } as const;
    expect(orderSampling(tutorial, order)).toEqual({ steps: 20, seed: 5, method: 'mix' });
    // Away from the first corner of the field, the noise is no seed's.
    const { noise } = orderSampling(digits, { ...order, place: { across: 50, down: 0 } });
    expect(noise).toEqual(makeFieldNoise(5, imagesAt({ across: 50, down: 0 }, 4), 784));
    expect(orderSampling({ ...digits, classes: 0 }, order)).toEqual({ steps: 20, seed: 5, method: 'heun' });
  });
});

describe('images under more and more noise', () => {
  const count = 5;
  const height = 20;
  const width = 20;
  const values = Float32Array.from({ length: count * height * width }, (_, i) => (i * 0.37) % 1);
  const images = { height, width, channels: 1, values };
  const size = height * width;

  test('are found again from the true velocity', () => {
    const { levels, input, behind } = noiseMoreAndMore('flow', images, 3);
    const pixel = (i: number) => 2 * values[i] - 1;
    const velocity = input.map((x, i) => {
      const level = levels[Math.floor(i / size)];
      return level === 0 ? 123 : (x - (1 - level) * pixel(i)) / level - pixel(i);
    });
    behind(velocity).forEach((x, i) => {
      expect(x).toBeCloseTo(values[i], 5);
    });
  });
});
