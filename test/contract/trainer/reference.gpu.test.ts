/** What fit draws and what evaluate measures, by random numbers of the host and the f64 reference alone. */
import { describe, expect, test } from 'vitest';
import { normal, permutation, STREAM, threefry, uniform } from '../../../src/base/random';
import { Dataset } from '../../../src/data/dataset';
import { checkSchedule, rateFactor } from '../../../src/plan/schedule';
import type { Evaluation } from '../../../src/training/evaluation';
import type { EvaluateOptions, FitOptions, TrainerOptions } from '../../../src/training/options';
import type { UNetConfig } from '../../../src/unet/config';
import { testGpu } from '../../lib/gpu';
import { relativeError } from '../../lib/on_gpu';
import { ReferenceUNet } from '../../lib/reference_unet';
import {
  BATCH,
  CLASSES,
  conditionedNetwork,
  eventsOf,
  images,
  lossesOf,
  network,
  SIZE,
  setUp,
} from '../../lib/small_trainer';

const { gpu } = await testGpu();
const dataset = await Dataset.create(gpu, images);

const flow = { objective: 'flow', classDropout: 0.3 } as const;
const levelled: Partial<UNetConfig> = {
  ...conditionedNetwork,
  conditioning: { noiseLevel: true, classes: 0 },
};

interface Draw {
  readonly objective: 'tutorial' | 'flow';
  readonly binarize: boolean;
  readonly seed: number;
  /** Which batch of the run, and of which images. */
  readonly step: number;
  readonly indices: ArrayLike<number>;
  /** The share of the classes that are withheld. */
  readonly drop: number;
}

/** A batch as the host draws it, from src/base/random.ts and the definition of the objectives alone. */
function drawBatch(config: UNetConfig, { objective, binarize, seed, step, indices, drop }: Draw) {
  const count = indices.length;
  const noisy = new Float64Array(count * SIZE);
  const target = new Float64Array(count * SIZE);
  const levels = new Float64Array(count);
  const labels = new Uint32Array(count);
  for (let n = 0; n < count; n++) {
    const words = threefry(seed, STREAM.amount, step, n);
    const t = objective === 'flow' ? 1 / (1 + Math.exp(-normal(words)[0])) : uniform(words[0]);
    levels[n] = t;
    const isDropped = uniform(threefry(seed, STREAM.drop, step, n)[0]) < Math.fround(drop);
    labels[n] = isDropped ? CLASSES : images.labels![indices[n]];
    for (let i = 0; i < SIZE; i++) {
      const byte = images.images[indices[n] * SIZE + i];
      const pixel = binarize ? Number(byte > 127) : byte / 255;
      const pair = threefry(seed, STREAM.noise, step, (n >> 1) * SIZE + i);
      const x = objective === 'flow' ? 2 * pixel - 1 : pixel;
      const e = objective === 'flow' ? normal(pair)[n % 2] : uniform(pair[n % 2]);
      noisy[n * SIZE + i] = (1 - t) * x + t * e;
      target[n * SIZE + i] = objective === 'flow' ? e - x : x;
    }
  }
  const { noiseLevel = false, classes = 0 } = config.conditioning ?? {};
  const conditions = { ...(noiseLevel ? { levels } : {}), ...(classes > 0 ? { labels } : {}) };
  return { noisy, target, levels, conditions, count };
}

const schedule = { decay: 'cosine', warmup: 2, steps: 6, floor: 0.2 } as const;
/** The epsilon is so large that the length of a gradient counts in the first step already. */
const adam = { beta1: 0.8, beta2: 0.95, epsilon: 1e-2, weightDecay: 0.5, clipNorm: 7.4 };

test.each<[string, Partial<UNetConfig>, TrainerOptions, Partial<FitOptions>]>([
  ['the tutorial', network, {}, {}],
  ['the tutorial, no smaller last batch', network, {}, { dropLast: true }],
  ['flow with a schedule, decay and clipping', conditionedNetwork, { ...flow, ...adam, schedule }, {}],
  ['flow of black and white', levelled, { objective: 'flow' }, { binarize: true }],
  [
    'the tutorial of greys, all classes withheld',
    conditionedNetwork,
    { classDropout: 1 },
    { binarize: false },
  ],
])(
  'fit of %s has losses, rates, norms, weights and moments of the f64 reference',
  async (_, config, options, how) => {
    const { unet, trainer } = await setUp(gpu, { learningRate: 3e-3, ...options }, config);
    const start = await unet.getParameters();
    const reference = new ReferenceUNet(unet.config, start, options);
    const perEpoch = how.dropLast ? 2 : 3;
    const fit = { epochs: 2, seed: 42, ...how };
    // Several steps in a submission, and a second fit that goes on within an epoch.
    const first = await eventsOf(trainer.fit(dataset, { ...fit, maxSteps: 2 * perEpoch - 1 }));
    const events = [...first, ...(await eventsOf(trainer.fit(dataset, fit)))];
    expect(events).toHaveLength(2 * perEpoch);
    const { objective = 'tutorial', classDropout: drop = 0 } = options;
    const norms: number[] = [];
    for (const [step, event] of events.entries()) {
      const epoch = Math.floor(step / perEpoch);
      expect({ step: event.step, epoch: event.epoch }).toEqual({ step: step + 1, epoch: epoch + 1 });
      const start = (step % perEpoch) * BATCH;
      const indices = permutation(10, 42, epoch).subarray(start, start + BATCH);
      const { binarize = objective === 'tutorial' } = how;
      const batch = drawBatch(unet.config, { objective, binarize, seed: 42, step, indices, drop });
      const rate = 3e-3 * rateFactor(checkSchedule(options.schedule), step);
      const expected = reference.train(batch.noisy, batch.target, batch.count, rate, batch.conditions);
      const most = objective === 'flow' ? 2e-5 : 1e-5;
      expect(Math.abs(event.loss / expected - 1), `loss of step ${step}`).toBeLessThan(most);
      expect(Math.abs(event.learningRate / rate - 1), `rate of step ${step}`).toBeLessThan(2e-6);
      expect(Math.abs(event.gradientNorm / reference.norm - 1), `norm of step ${step}`).toBeLessThan(1e-4);
      norms.push(reference.norm);
    }
    // Only some are longer than that.
    if (options.clipNorm) expect(new Set(norms.map((norm) => norm > adam.clipNorm)).size).toBe(2);
    const [weights, state] = await Promise.all([unet.getParameters(), trainer.getState()]);
    for (const [name, want] of reference.parameters) {
      const began = start.get(name)!;
      const moved = (values: ArrayLike<number>) => Float64Array.from(began, (w, i) => values[i] - w);
      expect(relativeError(moved(weights.get(name)!), moved(want)), `way of ${name}`).toBeLessThan(1e-3);
      const { m, v } = reference.moments.get(name)!;
      expect(relativeError(state.moment1.get(name)!, m), `moment 1 of ${name}`).toBeLessThan(1e-4);
      expect(relativeError(state.moment2.get(name)!, v), `moment 2 of ${name}`).toBeLessThan(1e-4);
    }
  },
);

describe('evaluate', () => {
  const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);

  test.each<[string, Partial<UNetConfig>, TrainerOptions, EvaluateOptions]>([
    ['flow', conditionedNetwork, flow, {}],
    ['flow of black and white', levelled, { objective: 'flow' }, { seed: 9, binarize: true }],
    ['the tutorial, conditioned', conditionedNetwork, {}, {}],
    ['the tutorial, not conditioned', network, {}, { seed: 9 }],
  ])('gives the loss by noise level of the f64 reference: %s', async (_, config, options, asked) => {
    const { unet, trainer } = await setUp(gpu, options, config);
    const reference = new ReferenceUNet(unet.config, await unet.getParameters());
    const { objective } = trainer.config;
    const { seed = 0, binarize = objective === 'tutorial' } = asked;
    const bins = Array.from({ length: 10 }, (): number[] => []);
    for (let step = 0; step < 3; step++) {
      const indices = [0, 1, 2, 3].map((n) => step * BATCH + n).filter((n) => n < 10);
      const draw = { objective, binarize, seed, step, indices, drop: 0 };
      const { noisy, target, levels, conditions, count } = drawBatch(unet.config, draw);
      const made = reference.predict(noisy, count, conditions);
      const squares = Array.from(made, (v, i) => (v - target[i]) ** 2);
      for (let n = 0; n < count; n++)
        bins[Math.floor(levels[n] * 10)].push(sum(squares.slice(n * SIZE, (n + 1) * SIZE)) / SIZE);
    }
    const got = await trainer.evaluate(images, asked);
    for (const [i, { from, to, loss, count }] of got.bins.entries()) {
      expect({ from, to, count }).toEqual({ from: i / 10, to: (i + 1) / 10, count: bins[i].length });
      if (count === 0) expect(loss).toBeUndefined();
      else expect(Math.abs(loss! / (sum(bins[i]) / count) - 1), `bin ${i}`).toBeLessThan(2e-5);
    }
    expect(Math.abs(got.loss / (sum(bins.flat()) / 10) - 1)).toBeLessThan(1e-5);
    // The same of images on the GPU.
    expect(await trainer.evaluate(dataset, asked)).toEqual(got);
  });

  test('in the body of a fit and after it changes nothing, and sees the weights after the submitted steps', async () => {
    const options = { ...flow, clipNorm: 0.5, schedule: { warmup: 4 } };
    const alone = await setUp(gpu, options, conditionedNetwork);
    const expected = await lossesOf(alone.trainer.fit(dataset, { epochs: 2 }));
    const { unet, trainer } = await setUp(gpu, options, conditionedNetwork);
    const losses: number[] = [];
    const pairs: Promise<Evaluation>[][] = [];
    for await (const { loss } of trainer.fit(dataset, { epochs: 2 })) {
      losses.push(loss);
      const first = trainer.evaluate(dataset);
      await expect(trainer.evaluate(dataset)).rejects.toMatchObject({ code: 'busy' });
      await expect(trainer.prepare(dataset)).rejects.toMatchObject({ code: 'busy' });
      await first;
      // The fit waits for an evaluation that its body does not await.
      pairs.push([first, trainer.evaluate(images)]);
    }
    expect(losses).toEqual(expected);
    for (const [first, second] of pairs) expect(await second).toEqual(await first);
    const all = async ({ trainer }: typeof alone) =>
      Promise.all([trainer.getState(), trainer.getGradients(), trainer.readLosses(5)]);
    expect(await all({ unet, trainer })).toEqual(await all(alone));
    expect(await unet.getParameters()).toEqual(await alone.unet.getParameters());

    const fit = trainer.fit(dataset, { epochs: 4 });
    await fit.next();
    const last = await trainer.evaluate(dataset);
    await fit.return();
    expect(await trainer.evaluate(dataset)).toEqual(last);
    expect(last).not.toEqual(await pairs.at(-1)![0]);
  });
});
