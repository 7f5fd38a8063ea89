/** Training on a data set with labels, noise levels and flow: what is drawn, resuming, evaluating, and what is refused. */
import { describe, expect, test, vi } from 'vitest';
import { levelsOf } from '../../../harness/run/network';
import { Random } from '../../../harness/specs/lib/spec';
import { normal, permutation, STREAM, threefry, uniform } from '../../../src/base/random';
import { Dataset } from '../../../src/data/dataset';
import type { ImageSet } from '../../../src/data/idx';
import { createEngine } from '../../../src/engine';
import { readBuffer } from '../../../src/gpu/staging';
import { rateFactor, type Schedule } from '../../../src/plan/schedule';
import type { Tensor } from '../../../src/plan/tensor';
import { recipes } from '../../../src/recipes';
import type { Evaluation } from '../../../src/training/evaluation';
import type { FitOptions, TrainerOptions, TrainingEvent } from '../../../src/training/options';
import { Trainer } from '../../../src/training/trainer';
import { checkConfig, type UNetConfig } from '../../../src/unet/config';
import { UNet } from '../../../src/unet/unet';
import { loadCheckpoint, saveCheckpoint } from '../../../src/weights/checkpoint';
import { fingerprintImages } from '../../../src/weights/fingerprint';
import { testGpu } from '../../lib/gpu';
import { afterSubmissions, furthest } from '../../lib/on_gpu';
import { ReferenceUNet } from '../../lib/reference_unet';
import { refused, refusedAtOnce } from '../../lib/refused';

const { gpu } = await testGpu();

const CLASSES = 3;
const network: Partial<UNetConfig> = {
  ...{ height: 4, width: 6, widths: [4, 8], kernelSize: 3 },
  finalActivation: 'none',
  conditioning: { noiseLevel: true, classes: CLASSES },
};
const size = 4 * 6;
const BATCH = 4;

/** Ten images: epochs of three steps, the last of two images. */
const imageSet: ImageSet = {
  images: Uint8Array.from(new Random(5).integers(10 * size, 256)),
  ...{ count: 10, height: 4, width: 6, channels: 1 },
  labels: Uint8Array.from(new Random(6).integers(10, CLASSES)),
};
const dataset = await Dataset.create(gpu, imageSet);

const flow = { objective: 'flow', classDropout: 0.3 } as const;

async function setUp(options: TrainerOptions = flow, config: Partial<UNetConfig> = network) {
  const unet = await UNet.create(gpu, config, { seed: 3 });
  return { unet, trainer: await Trainer.create(gpu, unet, { batchSize: BATCH, ...options }) };
}

async function collect(events: AsyncIterable<TrainingEvent>): Promise<TrainingEvent[]> {
  const all: TrainingEvent[] = [];
  for await (const event of events) all.push(event);
  return all;
}

const losses = (events: readonly TrainingEvent[]) => events.map(({ loss }) => loss);

interface Draw {
  readonly objective: 'tutorial' | 'flow';
  readonly binarize: boolean;
  readonly seed: number;
  /** Which batch of the run, and of which images. */
  readonly step: number;
  readonly indices: ArrayLike<number>;
  readonly drop: number;
}

/** A batch as the host draws it, from src/base/random.ts and the definition of the objectives alone. */
function drawBatch({ objective, binarize, seed, step, indices, drop }: Draw) {
  const count = indices.length;
  const noisy = new Float64Array(count * size);
  const target = new Float64Array(count * size);
  const levels = new Float64Array(count);
  const labels = new Uint32Array(count);
  for (let n = 0; n < count; n++) {
    const words = threefry(seed, STREAM.amount, step, n);
    const t = objective === 'flow' ? 1 / (1 + Math.exp(-normal(words)[0])) : uniform(words[0]);
    levels[n] = t;
    const isDropped = uniform(threefry(seed, STREAM.drop, step, n)[0]) < Math.fround(drop);
    labels[n] = isDropped ? CLASSES : imageSet.labels![indices[n]];
    for (let i = 0; i < size; i++) {
      const byte = imageSet.images[indices[n] * size + i];
      const pixel = binarize ? Number(byte > 127) : byte / 255;
      const pair = threefry(seed, STREAM.noise, step, (n >> 1) * size + i);
      const x = objective === 'flow' ? 2 * pixel - 1 : pixel;
      const e = objective === 'flow' ? normal(pair)[n % 2] : uniform(pair[n % 2]);
      noisy[n * size + i] = (1 - t) * x + t * e;
      target[n * size + i] = objective === 'flow' ? e - x : x;
    }
  }
  return { noisy, target, levels, labels, count };
}

/** The batch of step `step` of a fit, from 0. */
function batchOfFit(draw: Omit<Draw, 'indices'>) {
  const epoch = Math.floor(draw.step / 3);
  const start = (draw.step % 3) * BATCH;
  const indices = permutation(10, draw.seed, epoch).subarray(start, start + BATCH);
  return drawBatch({ ...draw, indices });
}

describe('the random numbers of fit', () => {
  /** The batch that the trainer has now, in the caller's order. */
  async function batchOf({ boundBuffers, plan }: Trainer, count: number) {
    const read = (t: Tensor) => readBuffer(gpu, boundBuffers.get(t)!, t.size);
    const { noisy, target, levels, classes } = plan.tensors;
    const images = async (t: Tensor) => {
      const chwn = new Float32Array(await read(t));
      return Float32Array.from(
        { length: count * size },
        (_, i) => chwn[(i % size) * BATCH + Math.floor(i / size)],
      );
    };
    return {
      noisy: await images(noisy),
      target: await images(target),
      levels: new Float32Array(await read(levels)).subarray(0, count),
      labels: new Uint32Array(await read(classes)).subarray(0, count),
    };
  }

  test.each<[string, Pick<Draw, 'objective' | 'drop'>, boolean | undefined]>([
    ['flow', { objective: 'flow', drop: 0.3 }, undefined],
    ['flow of black and white, all classes kept', { objective: 'flow', drop: 0 }, true],
    ['the tutorial, all classes dropped', { objective: 'tutorial', drop: 1 }, undefined],
    ['the tutorial of greys', { objective: 'tutorial', drop: 0.5 }, false],
  ])(
    'give the same levels, classes and images as on the host: %s',
    async (_, { objective, drop }, binarize) => {
      const { trainer } = await setUp({ objective, classDropout: drop });
      const told: number[] = [];
      const known: number[] = [];
      for (let step = 0; step < 5; step++) {
        await collect(trainer.fit(dataset, { epochs: 2, seed: 42, binarize, maxSteps: 1 }));
        const draw = { objective, drop, seed: 42, step, binarize: binarize ?? objective === 'tutorial' };
        const expected = batchOfFit(draw);
        const got = await batchOf(trainer, expected.count);
        expect(furthest(got.levels, expected.levels), `levels of step ${step}`).toBeLessThan(1e-6);
        expect([...got.labels], `classes of step ${step}`).toEqual([...expected.labels]);
        expect(furthest(got.noisy, expected.noisy), `noisy images of step ${step}`).toBeLessThan(5e-6);
        expect(furthest(got.target, expected.target), `targets of step ${step}`).toBeLessThan(5e-6);
        told.push(...got.labels);
        known.push(...batchOfFit({ ...draw, drop: 0 }).labels);
      }
      const dropped = told.filter((label) => label === CLASSES).length;
      if (drop === 0) expect(told).toEqual(known);
      else if (drop === 1) expect(dropped).toBe(told.length);
      else {
        expect(dropped).toBeGreaterThan(0);
        expect(dropped).toBeLessThan(told.length);
      }
    },
  );

  test('give losses, rates and norms of two epochs that agree with the f64 reference', async () => {
    const schedule: Schedule = { decay: 'cosine', warmup: 2, steps: 6, floor: 0.2 };
    const adam = { beta2: 0.99, epsilon: 1e-8, weightDecay: 0.01, clipNorm: 0.5 };
    const { unet, trainer } = await setUp({ ...flow, ...adam, schedule, learningRate: 3e-3 });
    const reference = new ReferenceUNet(checkConfig(network), await unet.getParameters(), adam);
    const events = await collect(trainer.fit(dataset, { epochs: 2, seed: 42 }));
    expect(events).toHaveLength(6);
    for (const [step, { loss, learningRate, gradientNorm }] of events.entries()) {
      const { noisy, target, count, ...conditions } = batchOfFit({
        ...flow,
        drop: 0.3,
        seed: 42,
        step,
        binarize: false,
      });
      const rate = 3e-3 * rateFactor(schedule, step);
      const expected = reference.train(noisy, target, count, rate, conditions);
      expect(Math.abs(loss / expected - 1), `loss of step ${step}`).toBeLessThan(2e-5);
      expect(Math.abs(learningRate / rate - 1), `rate of step ${step}`).toBeLessThan(2e-6);
      expect(Math.abs(gradientNorm / reference.norm - 1), `norm of step ${step}`).toBeLessThan(1e-4);
    }
  });

  test('come with the base rate where there is no schedule, and with a norm where there is no clipNorm', async () => {
    const { trainer } = await setUp();
    const [event] = await collect(trainer.fit(dataset, { epochs: 1, maxSteps: 1 }));
    const gradients = [...(await trainer.getGradients()).values()];
    const squares = gradients.flatMap((values) => [...values]).reduce((sum, g) => sum + g * g, 0);
    expect(event.gradientNorm / Math.sqrt(squares)).toBeCloseTo(1, 5);
    expect(event.learningRate).toBe(Math.fround(1e-3));
  });

  test('are the same with and without labels where the network has no classes', async () => {
    for (const conditioning of [{ noiseLevel: true, classes: 0 }, undefined]) {
      const { trainer } = await setUp({ objective: 'flow' }, { ...network, conditioning });
      const { labels: _, ...unlabelled } = imageSet;
      using other = await Dataset.create(gpu, unlabelled);
      const first = await collect(trainer.fit(dataset, { epochs: 1 }));
      const { trainer: again } = await setUp({ objective: 'flow' }, { ...network, conditioning });
      expect(losses(await collect(again.fit(other, { epochs: 1 })))).toEqual(losses(first));
    }
  });
});

describe('a run with all settings', () => {
  const schedule = { warmup: 3, decay: 'cosine', steps: 8 } as const;
  const settings = { ...flow, schedule, learningRate: 0.01, clipNorm: 0.7, weightDecay: 0.02, beta2: 0.99 };
  const fit: FitOptions = { epochs: 3, seed: 11 };
  const run = { seed: 11, batchSize: BATCH, learningRate: 0.01, epochs: 3 };
  const data = fingerprintImages(imageSet);

  /** Up to step `until`, from a checkpoint or from the beginning. */
  async function trainUntil(until: number, from?: Uint8Array) {
    const saved = from && loadCheckpoint(from);
    const options = saved
      ? { ...saved.training, ...saved.state.adam, learningRate: saved.settings.learningRate }
      : settings;
    const { unet, trainer } = await setUp({ ...options, variants: saved?.variants }, saved?.config);
    const known = [...(saved?.losses ?? [])];
    if (saved) {
      await unet.setParameters(saved.parameters);
      trainer.setState(saved.state);
    }
    const events = await collect(trainer.fit(dataset, { ...fit, maxSteps: until - known.length }));
    known.push(...losses(events));
    return { events, checkpoint: await saveCheckpoint({ trainer, settings: run, data, losses: known }) };
  }

  test('gives the same bits when it is stopped, saved, loaded and goes on', async () => {
    const whole = await trainUntil(8);
    const saved = loadCheckpoint(whole.checkpoint);
    expect(saved.objective).toBe('flow');
    expect(saved.training).toMatchObject({ objective: 'flow', clipNorm: 0.7, classDropout: 0.3, schedule });
    const first = await trainUntil(2);
    const second = await trainUntil(5, first.checkpoint);
    const third = await trainUntil(8, second.checkpoint);
    const meter = ({ imagesPerSecond: _, ...event }: TrainingEvent) => event;
    expect([...first.events, ...second.events, ...third.events].map(meter)).toEqual(whole.events.map(meter));
    // Weights, moments, corrections, losses: every byte.
    expect(third.checkpoint).toEqual(whole.checkpoint);
  });

  test('gives the same bits with a dispatch a submission, also after an abort in the middle of a step', async () => {
    const whole = await setUp(settings);
    const expected = losses(await collect(whole.trainer.fit(dataset, fit)));
    const { unet, trainer } = await setUp(settings);
    const usual = gpu.pacer.maxMilliseconds;
    gpu.pacer.maxMilliseconds = 1e-6;
    const got: number[] = [];
    got.push(...losses(await collect(trainer.fit(dataset, { ...fit, maxSteps: 2 }))));
    const abort = new AbortController();
    afterSubmissions(gpu, 25, () => abort.abort('enough'));
    await expect(collect(trainer.fit(dataset, { ...fit, signal: abort.signal }))).rejects.toBe('enough');
    vi.restoreAllMocks();
    expect((await trainer.getState()).step).toBe(2);
    got.push(...losses(await collect(trainer.fit(dataset, { ...fit, maxSteps: 2 }))));
    gpu.pacer.maxMilliseconds = usual;
    got.push(...losses(await collect(trainer.fit(dataset, fit))));
    expect(got).toEqual(expected);
    expect(await unet.getParameters()).toEqual(await whole.unet.getParameters());
    expect(await trainer.getState()).toEqual(await whole.trainer.getState());
  });
});

describe('evaluate', () => {
  /** What it must say, by the f64 reference. */
  async function expected(unet: UNet, draw: Pick<Draw, 'objective' | 'binarize' | 'seed'>) {
    const reference = new ReferenceUNet(unet.config, await unet.getParameters());
    const bins = Array.from({ length: 10 }, (_, i) => ({
      from: i / 10,
      to: (i + 1) / 10,
      losses: [] as number[],
    }));
    for (let step = 0; step < 3; step++) {
      const indices = Array.from({ length: Math.min(BATCH, 10 - step * BATCH) }, (_, n) => step * BATCH + n);
      const { noisy, target, levels, labels } = drawBatch({ ...draw, step, indices, drop: 0 });
      const { noiseLevel = false, classes = 0 } = unet.config.conditioning ?? {};
      const conditions = { ...(noiseLevel ? { levels } : {}), ...(classes > 0 ? { labels } : {}) };
      const made = reference.predict(noisy, indices.length, conditions);
      for (const n of indices.keys()) {
        const errors = made.subarray(n * size, (n + 1) * size).map((v, i) => (v - target[n * size + i]) ** 2);
        bins[Math.floor(levels[n] * 10)].losses.push(errors.reduce((a, b) => a + b) / size);
      }
    }
    return bins;
  }

  const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);

  test.each<[string, TrainerOptions, Partial<UNetConfig>]>([
    ['flow', flow, network],
    ['the tutorial, conditioned', { objective: 'tutorial' }, network],
    ['the tutorial, not conditioned', {}, { height: 4, width: 6, widths: [4, 8], kernelSize: 3 }],
  ])('gives the loss by noise level of the f64 reference: %s', async (_, options, config) => {
    const { unet, trainer } = await setUp(options, config);
    for (const seed of [0, 9]) {
      const { objective } = trainer.config;
      const want = await expected(unet, { objective, binarize: objective === 'tutorial', seed });
      const got = await trainer.evaluate(imageSet, { seed });
      expect(got.bins.map(({ count }) => count)).toEqual(want.map(({ losses }) => losses.length));
      for (const [i, { from, to, loss, count }] of got.bins.entries()) {
        expect([from, to]).toEqual([want[i].from, want[i].to]);
        if (count === 0) expect(loss).toBeUndefined();
        else expect(Math.abs(loss! / (sum(want[i].losses) / count) - 1), `bin ${i}`).toBeLessThan(2e-5);
      }
      const whole = sum(want.flatMap(({ losses }) => losses)) / 10;
      expect(Math.abs(got.loss / whole - 1)).toBeLessThan(1e-5);
    }
  });

  test('gives the same result for images on the host and on the GPU', async () => {
    const { trainer } = await setUp();
    const first = await trainer.evaluate(imageSet);
    expect(await trainer.evaluate(dataset)).toEqual(first);
    expect(await trainer.evaluate(dataset)).toEqual(first);
    expect(await trainer.evaluate(dataset, { seed: 1 })).not.toEqual(first);
    expect(await trainer.evaluate(dataset, { binarize: true })).not.toEqual(first);
  });

  test('leaves the training as it is', async () => {
    const runs = [];
    for (const evaluates of [false, true]) {
      const { unet, trainer } = await setUp({ ...flow, clipNorm: 0.5, schedule: { warmup: 4 } });
      const seen: number[] = [];
      for (let step = 0; step < 5; step++) {
        seen.push(...losses(await collect(trainer.fit(dataset, { epochs: 2, maxSteps: 1 }))));
        if (!evaluates) continue;
        const before = [await trainer.getState(), await trainer.getGradients(), await trainer.readLosses(5)];
        await trainer.evaluate(imageSet);
        expect([await trainer.getState(), await trainer.getGradients(), await trainer.readLosses(5)]).toEqual(
          before,
        );
      }
      runs.push({ seen, weights: await unet.getParameters(), state: await trainer.getState() });
    }
    expect(runs[1]).toEqual(runs[0]);
  });

  test('works in the body of a fit, which goes on after it, and sees the weights after the submitted steps', async () => {
    const one = await setUp();
    const alone = losses(await collect(one.trainer.fit(dataset, { epochs: 2 })));
    const { trainer } = await setUp();
    const seen: number[] = [];
    const pairs: Promise<Evaluation>[][] = [];
    for await (const { loss } of trainer.fit(dataset, { epochs: 2 })) {
      seen.push(loss);
      const first = trainer.evaluate(dataset);
      for (const other of [() => trainer.evaluate(dataset), () => trainer.prepare(dataset)])
        await refused(other, 'busy');
      await first;
      // The fit waits for an evaluation that its body does not await.
      pairs.push([first, trainer.evaluate(imageSet)]);
    }
    expect(seen).toEqual(alone);
    for (const [first, second] of pairs) expect(await second).toEqual(await first);
    const fit = trainer.fit(dataset, { epochs: 4 });
    await fit.next();
    const last = await trainer.evaluate(dataset);
    await fit.return();
    expect(await trainer.evaluate(dataset)).toEqual(last);
    expect(last).not.toEqual(await pairs.at(-1)![0]);
  });

  test('makes the trainer busy, can be aborted, and ends when its UNet is destroyed', async () => {
    const { trainer } = await setUp();
    const batch = { noisy: new Float32Array(size), target: new Float32Array(size) };
    const conditions = { levels: Float32Array.of(0.5), labels: [0] };
    const first = trainer.evaluate(dataset);
    await refused(trainer.step({ ...batch, ...conditions }), 'busy');
    await first;
    await expect(trainer.evaluate(dataset, { signal: AbortSignal.abort('no') })).rejects.toBe('no');
    await trainer.step({ ...batch, ...conditions });
    const last = trainer.evaluate(dataset);
    trainer.unet.destroy();
    await refused(last, 'destroyed');
  });
});

test.for(Object.entries(recipes))('the recipe %s trains for an epoch, and samples', async ([, recipe]) => {
  const engine = await createEngine({ device: gpu.device, selfCheck: false });
  using unet = await engine.createUNet({
    ...recipe.network,
    height: 8,
    width: 8,
    ...levelsOf(recipe.network, [4, 4]),
  });
  using trainer = await engine.createTrainer(unet, { ...recipe.trainer, batchSize: 4 });
  const { channels } = unet.config;
  const set = {
    images: Uint8Array.from(new Random(1).integers(10 * 64 * channels, 256)),
    ...{ count: 10, height: 8, width: 8, channels },
    labels: Uint8Array.from({ length: 10 }, (_, i) => i),
  };
  const data = await engine.createDataset(set);
  const events = await collect(trainer.fit(data, { ...recipe.fit, epochs: 1 }));
  // The last batch has two images.
  expect(events.map(({ step }) => step)).toEqual('dropLast' in recipe.fit ? [1, 2] : [1, 2, 3]);
  using sampler = await engine.createSampler(unet, { count: 2 });
  const labels = unet.config.conditioning?.classes ? { labels: [3, 7] } : {};
  const images = await sampler.sample({ ...recipe.sampling, ...labels, steps: 2 });
  expect(images.every((v) => v >= 0 && v <= 1)).toBe(true);
  data.destroy();
});

describe('what is refused before anything is made on the GPU:', () => {
  const { device } = gpu;
  const plain = { height: 4, width: 6, widths: [4, 8], kernelSize: 3 };

  const images = new Float32Array(2 * size);
  const levels = Float32Array.of(0.2, 0.7);
  const labels = [0, 3];

  /** Wrong levels and labels for two images of a network with three classes; the error's message. */
  const wrongTold: [object, string][] = [
    [
      { levels },
      'This UNet is conditioned on the class of each image, and labels are missing. Give numbers from 0 to 2, or 3 for no class, one for each image.',
    ],
    [
      { labels },
      'This UNet is conditioned on the noise level of each image, and levels are missing. Give numbers from 0 to 1, one for each image.',
    ],
    [{ levels, labels: [0, 4] }, 'labels[1] is 4; this network has classes 0 to 2, and 3 stands for none.'],
    [
      { levels, labels: Float32Array.of(-1, 0) },
      'labels[0] is -1; this network has classes 0 to 2, and 3 stands for none.',
    ],
    [
      { levels, labels: [0, 1.5] },
      'labels[1] is 1.5; this network has classes 0 to 2, and 3 stands for none.',
    ],
    [{ levels, labels: [0] }, 'labels has 1 values for 2 images; give one for each.'],
    [
      { levels, labels: 3 },
      'labels is of type Number; it must be an array of a class for each image, 0 to 2, or 3 for none.',
    ],
    [
      { levels, labels: null },
      'labels is of type Null; it must be an array of a class for each image, 0 to 2, or 3 for none.',
    ],
    [
      { levels, labels: '02' },
      'labels is of type String; it must be an array of a class for each image, 0 to 2, or 3 for none.',
    ],
    [
      { levels: Float32Array.of(0, NaN), labels },
      'levels[1] is NaN; a noise level is a number from 0 (the image) to 1 (noise).',
    ],
    [
      { levels: Float32Array.of(1.5, 0), labels },
      'levels[0] is 1.5; a noise level is a number from 0 (the image) to 1 (noise).',
    ],
    [{ levels: new Float32Array(3), labels }, 'levels has 3 values for 2 images; give one for each.'],
    [
      { levels: [0, 1], labels },
      'levels is of type Array; it must be a Float32Array of a noise level for each image, 0 to 1.',
    ],
    [
      { levels: null, labels },
      'levels is of type Null; it must be a Float32Array of a noise level for each image, 0 to 1.',
    ],
  ];

  test('wrong levels and labels of a conditioned network', async () => {
    const { unet, trainer } = await setUp();
    for (const [conditions, message] of wrongTold) {
      await refusedAtOnce(
        device,
        () => unet.predict(images, { count: 2, ...conditions }),
        'argument',
        message,
      );
      await refusedAtOnce(
        device,
        () => trainer.step({ noisy: images, target: images, ...conditions }),
        'argument',
        message,
      );
    }
    await refusedAtOnce(
      device,
      () => unet.predict(images, { count: 2, levels, label: labels } as object),
      'argument',
      'predict has no setting label; it has count, levels, labels.',
    );
  });

  test('levels and labels of a network that is not conditioned', async () => {
    const { unet, trainer } = await setUp({}, plain);
    for (const [conditions, message] of [
      [
        { levels },
        'levels are given, and this UNet is not conditioned on the noise level of each image. Leave them out, or create it with conditioning: { noiseLevel: true, classes: 10 }, for instance.',
      ],
      [
        { labels },
        'labels are given, and this UNet is not conditioned on the class of each image. Leave them out, or create it with conditioning: { noiseLevel: true, classes: 10 }, for instance.',
      ],
    ] as const) {
      await refusedAtOnce(
        device,
        () => unet.predict(images, { count: 2, ...conditions }),
        'argument',
        message,
      );
      await refusedAtOnce(
        device,
        () => trainer.step({ noisy: images, target: images, ...conditions }),
        'argument',
        message,
      );
    }
  });

  test('a batch without a target, with unknown parts, or with arrays where a step is recorded', async () => {
    const { trainer } = await setUp();
    const conditions = { noisy: images, levels, labels };
    await refusedAtOnce(
      device,
      () => trainer.step(conditions as never),
      'argument',
      'target is of type Undefined; it must be a Float32Array of [count][height][width][channels], or a GPUBuffer of such.',
    );
    await refusedAtOnce(
      device,
      () => trainer.step({ ...conditions, target: images, clean: images } as never),
      'argument',
      'The batch has no setting clean; it has noisy, target, levels, labels, count.',
    );
    await refusedAtOnce(
      device,
      () => trainer.encodeStep(gpu.device.createCommandEncoder(), { ...conditions, target: images } as never),
      'argument',
      'encodeStep was given a Float32Array as noisy; all of the batch must be in GPUBuffers. Give arrays to step().',
    );
  });

  test('a data set without the labels that the network needs', async () => {
    const { trainer } = await setUp();
    const { labels: own, ...rest } = imageSet;
    using unlabelled = await Dataset.create(gpu, rest);
    using others = await Dataset.create(gpu, { ...rest, labels: own!.map((label) => 2 * label) });
    for (const [data, message] of [
      [
        unlabelled,
        'This UNet is conditioned on 3 classes, and the data set has no labels. Give createDataset labels, one byte an image, beside images.',
      ],
      [
        others,
        'The data set has a label 4; this UNet has 3 classes, 0 to 2. Create it with conditioning: { classes: 5 }, or give other labels.',
      ],
    ] as const) {
      await refusedAtOnce(device, () => collect(trainer.fit(data, { epochs: 1 })), 'data', message);
      await refusedAtOnce(device, () => trainer.evaluate(data), 'data', message);
    }
    await refused(trainer.evaluate(rest), 'data');
    // As free as before.
    await trainer.evaluate(imageSet);
  });

  test('images and labels that are no bytes from 0 to 255, labels that are not one for each image, and values that are no data set', async () => {
    for (const [change, message] of [
      [
        { labels: [1, 2] },
        'The labels are of type Array; a data set takes a Uint8Array, one class from 0 to 255 for each image.',
      ],
      [
        { labels: new Uint32Array(10) },
        'The labels are of type Uint32Array; a data set takes a Uint8Array, one class from 0 to 255 for each image.',
      ],
      // -1, for none, would be the class 255.
      [
        { labels: new Int8Array(10).fill(-1) },
        'The labels are of type Int8Array; a data set takes a Uint8Array, one class from 0 to 255 for each image.',
      ],
      [
        { images: Int8Array.from(imageSet.images) },
        'The images are of type Int8Array; a data set takes a Uint8Array, 0 to 255. Floats go to trainer.step.',
      ],
      [
        { labels: new Uint8Array(9) },
        'The data set has 9 labels for 10 images; it needs one for each, in the same order.',
      ],
    ] as const) {
      await refusedAtOnce(
        device,
        () => Dataset.create(gpu, { ...imageSet, ...change } as ImageSet),
        'data',
        message,
      );
    }
    const { trainer } = await setUp();
    const message =
      'The data set is of type Undefined; it must be like { images, count, height, width, channels } or { pictures }, with labels for a network conditioned on classes.';
    await refusedAtOnce(device, () => Dataset.create(gpu, undefined as never), 'data', message);
    await refusedAtOnce(device, () => trainer.evaluate(undefined as never), 'data', message);
  });

  test('wrong settings of a trainer', async () => {
    using unet = await UNet.create(gpu, network);
    for (const [options, message] of [
      [{ objective: 'velocity' }, 'objective is velocity; it must be tutorial or flow.'],
      [{ clipNorm: 0 }, 'clipNorm is 0; it must be a number from 0.000001 to 1000000.'],
      [{ clipNorm: NaN }, 'clipNorm is NaN; it must be a number from 0.000001 to 1000000.'],
      [{ classDropout: 1.1 }, 'classDropout is 1.1; it must be a number from 0 to 1.'],
      [{ weightDecay: -0.1 }, 'weightDecay is -0.1; it must be a number from 0 to 1.'],
      [
        { schedule: { warmup: 1.5 } },
        'schedule.warmup is 1.5; it must be a whole number from 0 to 2147483646.',
      ],
      [
        { schedule: 'cosine' },
        `schedule is "cosine"; it must be 'constant' or an object like { decay: 'cosine', steps: 5000 }.`,
      ],
    ] as const) {
      await refusedAtOnce(
        device,
        () => Trainer.create(gpu, unet, options as TrainerOptions),
        'argument',
        message,
      );
    }
  });

  test('a data set for a network with other output than input channels', async () => {
    const { trainer } = await setUp({}, { ...plain, outChannels: 2 });
    await refusedAtOnce(
      device,
      () => collect(trainer.fit(dataset, { epochs: 1 })),
      'argument',
      'This UNet makes 2 channels of 1; a data set trains one that makes as many as it takes. Give batches of your own to step().',
    );
  });

  test('a state that was made with other settings', async () => {
    const { trainer } = await setUp({ ...flow, weightDecay: 0.1 });
    const state = await trainer.getState();
    const { trainer: other } = await setUp(flow);
    await refusedAtOnce(
      device,
      async () => other.setState(state),
      'argument',
      'The state was made with beta1 0.9, beta2 0.999, epsilon 1e-7, weightDecay 0.1; this trainer has beta1 0.9, beta2 0.999, epsilon 1e-7, weightDecay 0. Create one with { ...state.adam }.',
    );
    trainer.setState(state);
  });
});
