/** What the bench measures, by which clock, and what counts as work. No GPU. */
import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { listEntries, whyNotTimed } from '../../harness/bench/kernels';
import { summary, Timer } from '../../harness/bench/timer';
import { computeFigures, copyRate, insideFlops, tapsInside } from '../../harness/bench/work';
import { stepOps } from '../../harness/run/in_use';
import { findChanges, type NetworkChoice } from '../../harness/run/network';
import { specs } from '../../harness/specs/lib/registry';
import type { Engine } from '../../src/engine';
import type { Gpu } from '../../src/gpu/gpu';
import { readBuffer } from '../../src/gpu/staging';

vi.mock(import('../../src/gpu/staging'));

const peak = {
  gflops: 1000,
  gbps: 100,
  copies: [
    { bytes: 2 ** 20, gbps: 400 },
    { bytes: 2 ** 27, gbps: 100 },
  ],
};

describe('convolution taps inside the image', () => {
  test('are counted by a closed form that agrees with counting one by one', () => {
    for (const length of [1, 2, 7, 28])
      for (const kernelSize of [1, 3, 5, 31]) {
        const half = (kernelSize - 1) / 2;
        let inside = 0;
        for (let x = 0; x < length; x++)
          for (let at = x - half; at <= x + half; at++) inside += +(at >= 0 && at < length);
        expect(tapsInside(length, kernelSize), `${length}, ${kernelSize}`).toBe(inside);
      }
  });

  test('lower the counted work of convolutions, by what docs/performance.md states, and of no other kernel', () => {
    const text = readFileSync('docs/performance.md', 'utf8');
    for (const [name, { kernel, bench }] of specs)
      for (const shape of Object.values(bench(4))) {
        const cost = kernel.cost(shape);
        const share = insideFlops({ kernel: name, shape, cost }) / cost.flops;
        expect(share < 1, name).toBe(name.startsWith('conv2d'));
        if (name === 'conv2d') expect(text).toContain(`${(100 * share).toFixed(1)}%`);
      }
  });
});

test('the memory roof of a row is the rate of a copy of similar size; the peaks of several ops add up', () => {
  const rates = [1, 2 ** 20, 2 ** 23, 2 ** 24, 2 ** 30].map((bytes) => copyRate(peak, bytes));
  expect(rates).toEqual([400, 400, 400, 100, 100]);
  const shape = { batch: 4, height: 7, width: 7, inChannels: 8, outChannels: 8, kernelSize: 5 };
  const flops = 2 * 4 * 7 * 7 * 8 * 8 * 25;
  const work = { kernel: 'conv2d', shape, cost: { flops, bytes: 1 } };
  const copy = { kernel: 'copy', shape: {}, cost: { flops: 0, bytes: 2 ** 20 } };
  const inside = (29 / 35) ** 2 * flops;
  const figures = computeFigures([work, copy], 2, peak);
  expect(figures.gflops).toBeCloseTo(flops / 2e6);
  expect(figures.insideGflops).toBeCloseTo(inside / 2e6);
  expect(figures.gbps).toBeCloseTo((2 ** 20 + 1) / 2e6);
  expect(figures.shareOfPeak).toBeCloseTo((inside / 1000 + 2 ** 20 / 400) / 2e6);
});

test('the band of samples holds all but the outer tenths', () => {
  expect(summary([5, 1, 4, 2, 3])).toEqual({ median: 3, p10: 1.4, p90: 4.6, n: 5 });
});

describe('a GPU clock that stands still', () => {
  const part = () => ({ destroy() {} });
  const createCommandEncoder = () => ({ beginComputePass: () => ({ end() {} }), resolveQuerySet() {} });
  const features = new Set(['timestamp-query']);
  const device = { features, createQuerySet: part, createBuffer: part, createCommandEncoder };
  const timed = () => Timer.create({ device, latency: 0 } as unknown as Gpu, () => {});
  /** What takes 30 ms by the clock of the host. */
  const shows = (milliseconds: number) =>
    vi.mocked(readBuffer).mockImplementation(async () => {
      now += 30;
      return new BigUint64Array([7n, 7n + BigInt(1e6 * milliseconds)]).buffer;
    });
  let now = 0;
  beforeEach(() => {
    // It ticks at each look.
    vi.spyOn(performance, 'now').mockImplementation(() => {
      now += 2 ** -10;
      return now;
    });
    vi.stubGlobal('GPUBufferUsage', {});
  });
  afterEach(() => {
    vi.restoreAllMocks();
    vi.unstubAllGlobals();
  });

  test('all the time is replaced by the clock of the host', async () => {
    shows(0);
    expect((await timed()).kind).toBe('wall clock');
  });

  test('now and then does not make a long measurement 0', async () => {
    shows(29);
    const timer = await timed();
    expect(timer.kind).toBe('timestamp-query');
    expect(await timer.once(() => {})).toBe(29);
    shows(0);
    expect(await timer.once(() => {})).toBeCloseTo(30);
  });
});

test.each([
  [256, false, undefined],
  [4096, false, expect.stringContaining('use a smaller --batch')],
  [4096, true, undefined],
])(
  'a row of %d images that could keep a GPU busy for seconds is left out, but not on a software adapter',
  (...row) => {
    const [batch, software, reason] = row;
    const entry = listEntries(batch, () => []).find(
      ({ kernel, layer }) => kernel === 'conv2d' && layer === 'down.1',
    )!;
    const engine = { adapter: { software }, device: { features: new Set() } } as unknown as Engine;
    expect(whyNotTimed(engine, entry, peak)).toEqual(reason);
  },
);

describe('the bench lists', () => {
  const list = (network: NetworkChoice) =>
    listEntries(8, (batch) => {
      const step = { network, batch, software: true, features: new Set<string>() };
      return [...stepOps({ ...step, variants: {} }), ...stepOps(step)];
    });
  const layersOf = (network: NetworkChoice, kernel: string) => [
    ...new Set(list(network).flatMap((entry) => (entry.kernel === kernel ? [entry.layer] : []))),
  ];
  const rich = { widths: [4, 12], kernelSize: 3, convolutionsPerLevel: [1, 2], residual: true };

  test.each<[NetworkChoice, string, string[]]>([
    [{ widths: [4, 12], kernelSize: 3 }, 'conv2d_grad_input', ['down.1', 'up.0', 'up.1']],
    [rich, 'conv2d', ['down.0', 'down.1.0', 'down.1.1', 'up.0.0', 'up.0.1', 'up.1']],
    [rich, 'conv2d_pool', ['down.0']],
    [rich, 'swish_max_pool', ['down.0']],
  ])('the layers of %j for %s', (network, kernel, layers) => {
    expect(layersOf(network, kernel).sort()).toEqual(layers);
  });
});

test.each<[NetworkChoice, NetworkChoice | undefined]>([
  [{ recipe: 'tutorial', widths: [32, 64, 64], kernelSize: 5 }, undefined],
  [{ recipe: 'pictures', kernelSize: 3, convolutionsPerLevel: [2, 2, 3] }, { recipe: 'pictures' }],
  [
    { recipe: 'digits', widths: [8, 16] },
    { recipe: 'digits', widths: [8, 16] },
  ],
])(
  'the network of a bench is not changed by flags that repeat the settings of its recipe: %j',
  (given, changes) => {
    expect(findChanges(given)).toEqual(changes);
  },
);
