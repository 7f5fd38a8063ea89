/** Samplers: every step against a run in f64, the same images by all the ways to ask for them, and what one run leaves to the next: nothing. */
import { describe, expect, test, vi } from 'vitest';
import { TestRandom } from '../../../harness/specs/lib/spec';
import { readBuffer } from '../../../src/gpu/staging';
import type { EncodeRunOptions, LoadedOptions, SampleEvent } from '../../../src/sampling/options';
import { Orders } from '../../../src/sampling/orders';
import { Sampler } from '../../../src/sampling/sampler';
import { checkConfig, type UNetConfig } from '../../../src/unet/config';
import { UNet, type UNetOptions } from '../../../src/unet/unet';
import { testGpu } from '../../lib/gpu';
import { afterSubmissions, bufferOf, expectNear, floatsIn, roomFor, submit } from '../../lib/on_gpu';
import { normalNoise, referenceRun, toUnit, uniformNoise } from '../../lib/reference_run';
import { ReferenceUNet } from '../../lib/reference_unet';
import { refused, refusedAtOnce } from '../../lib/refused';

const { gpu } = await testGpu();

const CLASSES = 3;
const network: Partial<UNetConfig> = {
  height: 4,
  width: 4,
  widths: [4, 8],
  kernelSize: 3,
  finalActivation: 'none',
  conditioning: { noiseLevel: true, classes: CLASSES },
};
/** The tutorial's kind. */
const unconditioned: typeof network = { ...network, conditioning: undefined };
const size = 16;
const count = 3;
const labels = [2, 0, 3];
const polish = { noises: 2, level: 0.3 };
const random = new TestRandom(2);
const start = random.floats(count * size, 0, 1);
/** A third of the pixels is known. */
const mask = Float32Array.from(random.integers(count * size, 3), (v) => Number(v === 0));

async function setUp(config = network, options: UNetOptions = {}) {
  const unet = await UNet.create(gpu, config, { seed: 3, ...options });
  // With biases that are not zero.
  const biases = new TestRandom(4);
  const parameters = [...(await unet.getParameters())].map(
    ([name, values]) =>
      [name, name.endsWith('.bias') ? biases.floats(values.length, -0.3, 0.3) : values] as const,
  );
  await unet.setParameters(new Map(parameters));
  return { unet, sampler: await Sampler.create(gpu, unet, { count }) };
}

/** A submission for each dispatch, until the end of a test. */
const slowly = () => {
  gpu.pacer.maxMilliseconds = 1e-6;
};

/** From src/base/random.ts, as a flow has it. */
const noiseOf = (seed: number) => normalNoise(seed, count, size);

async function eventsOf(sampler: Sampler, options: LoadedOptions): Promise<SampleEvent[]> {
  const events: SampleEvent[] = [];
  for await (const event of sampler.run(options)) events.push(event);
  return events;
}

/** By `encodeRun`, from this noise. */
async function encoded(sampler: Sampler, noise: Float32Array, options: EncodeRunOptions) {
  const buffer = bufferOf(gpu, noise);
  submit(gpu, (encoder) => sampler.encodeRun(encoder, buffer, options));
  const images = await floatsIn(gpu, buffer);
  buffer.destroy();
  return images;
}

/** Recorded runs that wait for their submission, each with the buffer of its images. */
const recordedRuns = (sampler: Sampler, orders: readonly EncodeRunOptions[]) =>
  orders.map((order) => {
    const buffer = roomFor(gpu, count * size);
    const encoder = gpu.device.createCommandEncoder();
    sampler.encodeRun(encoder, buffer, order);
    return { commands: encoder.finish(), buffer };
  });

describe('every step is the f64 reference’s, and sample, run and encodeRun agree', () => {
  const from = { start, from: 0.7, mask, labels };
  test.each<[how: string, options: LoadedOptions, config?: typeof network]>([
    ['Euler by default', { steps: 3 }],
    ['Heun', { steps: 3, method: 'heun' }],
    ['classes, guided by default', { steps: 3, labels }],
    ['guidance towards no class', { steps: 2, labels, guidance: 0 }],
    ['Adams', { steps: 4, method: 'adams' }],
    ['Adams, guided within levels', { steps: 4, method: 'adams', labels, guidanceRange: [0.5, 0.75] }],
    ['Adams, from pictures, known pixels, guided', { steps: 3, method: 'adams', ...from }],
    [
      'Adams, shifted, guided within true levels',
      { steps: 4, method: 'adams', shift: 2, labels, guidanceRange: [0.6, 0.9] },
    ],
    ['Adams, shifted, from pictures, polished', { steps: 3, method: 'adams', shift: 1.5, ...from, polish }],

    ['known pixels', { steps: 4, start, mask }],
    ['polished', { steps: 2, polish: { noises: 3, level: 0.2 } }],
    [
      'Adams, polished by one noise',
      { steps: 3, method: 'adams', labels, polish: { noises: 1, level: 0.6 } },
    ],
    ['polished outside the guided levels', { steps: 3, labels, guidanceRange: [0.5, 1], polish }],
    ['Heun, from pictures, known pixels, guided, polished', { steps: 2, method: 'heun', ...from, polish }],
    ['mix, of a network that knows levels and classes', { steps: 3, method: 'mix', labels }],
    ['mix, of the tutorial’s kind of network', { steps: 5 }, { ...unconditioned, finalActivation: 'swish' }],
    ['Euler, of a network that knows nothing', { steps: 3, method: 'euler' }, unconditioned],
    [
      'Euler, guided, of a network that knows classes alone',
      { steps: 2, method: 'euler', labels },
      { ...network, conditioning: { noiseLevel: false, classes: CLASSES } },
    ],
  ])('%s', async (_, options, config = network) => {
    const { unet, sampler } = await setUp(config);
    const mixes = (options.method ?? (config.conditioning?.noiseLevel ? 'euler' : 'mix')) === 'mix';
    const noise = (mixes ? uniformNoise : normalNoise)(9, count, size);
    const parameters = await unet.getParameters();
    const reference = new ReferenceUNet(checkConfig(config), parameters);
    const expected = referenceRun(reference, config, noise, { mixes, ...options, count, seed: 9 });
    const events = await eventsOf(sampler, { ...options, seed: 9 });
    expect(events.map(({ step }) => step)).toEqual([...expected.keys()]);
    for (const { step, ...event } of events)
      for (const name of ['input', 'prediction', 'x'] as const) {
        const values = expected[step][name];
        expectNear(event[name], mixes ? values : toUnit(values), `${name} of step ${step}`, 2e-5);
      }
    const last = events.at(-1)!.x;
    expect(await sampler.sample({ ...options, seed: 9 })).toEqual(last);

    // With the noise given: a polish makes its own of the seed all the same, `encodeRun` of 0.
    expectNear(await sampler.sample({ ...options, noise, seed: 9 }), last, 'with the noise given');
    const given = await sampler.sample({ ...options, noise, seed: 0 });
    const { labels: told, start: first, mask: known, ...rest } = options;
    const buffers = {
      ...(first ? { start: bufferOf(gpu, first) } : {}),
      ...(known ? { mask: bufferOf(gpu, known) } : {}),
    };
    const listed = { ...rest, ...buffers, ...(told ? { labels: told } : {}) };
    const inBuffer = told ? { ...listed, labels: bufferOf(gpu, Uint32Array.from(told)) } : listed;
    for (const order of [listed, inBuffer]) expect(await encoded(sampler, noise, order)).toEqual(given);
    // The buffer's contents do not count where there is a seed.
    expect(await encoded(sampler, noise.fill(NaN), { ...listed, seed: 9 })).toEqual(last);
  });
});

describe('recorded runs', () => {
  test('that are recorded one after the other keep their own labels and seeds until they are submitted', async () => {
    const { sampler } = await setUp();
    const orders = Array.from({ length: 40 }, (_, i) => ({
      steps: 1 + (i % 2),
      guidance: 1 + i / 10,
      seed: i,
      labels: [i % 4, (i >> 2) % 4, (i >> 4) % 4],
    }));
    await sampler.prepare({ ...orders[1], steps: 1 });
    const waiting = recordedRuns(sampler, orders);
    await gpu.scoped('all at once', () => gpu.device.queue.submit(waiting.map(({ commands }) => commands)));
    for (const [i, { buffer }] of waiting.entries()) {
      expect(await floatsIn(gpu, buffer), `order ${i}`).toEqual(await sampler.sample(orders[i]));
      buffer.destroy();
    }
  });

  test.each([{ guidance: 2 }, { polish }])(
    'that are submitted amid a run under way leave it as it is, as it leaves them: %j',
    async (more) => {
      const { sampler } = await setUp();
      const options = { steps: 3, seed: 5, labels, start, from: 0.7, mask, ...more };
      const order = { steps: 2, seed: 8, labels, ...more };
      const alone = await eventsOf(sampler, options);
      const recorded = await sampler.sample(order);
      const { bytes } = sampler;
      for (let twice = 0; twice < 2; twice++) {
        const waiting = recordedRuns(sampler, Array(6).fill(order));
        const all = [...waiting];
        const submitOne = () => gpu.device.queue.submit([waiting.pop()!.commands]);
        const events: SampleEvent[] = [];
        for await (const event of sampler.run(options)) {
          events.push(event);
          submitOne();
        }
        expect(events).toEqual(alone);
        slowly();
        const submissions = afterSubmissions(gpu, 12, submitOne);
        expect(await sampler.sample(options)).toEqual(alone.at(-1)!.x);
        expect(submissions()).toBeGreaterThan(30);
        vi.restoreAllMocks();
        while (waiting.length > 0) submitOne();
        for (const { buffer } of all) {
          expect(await floatsIn(gpu, buffer)).toEqual(recorded);
          buffer.destroy();
        }
        // A second set of images and memory.
        expect(sampler.bytes).toBeGreaterThan(bytes);
      }
    },
  );

  test('have their numbers written once, and kept for eight more', async () => {
    const write = vi.spyOn(gpu.device.queue, 'writeBuffer');
    const orders = await Orders.create(gpu, 16);
    const wordsOf = (i: number) => new Uint32Array(4).fill(i);
    const placed: ReturnType<Orders['place']>[] = [];
    for (let i = 0; i < 40; i++) {
      placed.push(orders.place(wordsOf(i)));
      expect(orders.place(wordsOf(i))).toEqual(placed[i]);
      expect(write).toHaveBeenCalledTimes(i + 1);
      for (let n = Math.max(0, i - 8); n <= i; n++) {
        const held = new Uint32Array(await readBuffer(gpu, placed[n].buffer, 32));
        const at = placed[n].offset / 4;
        expect(held.subarray(at, at + 4), `order ${n} of ${i}`).toEqual(wordsOf(n));
      }
    }
    expect(orders.bytes).toBe(16 * 16);
    orders.destroy();
  });
});

test('the sampling of a UNet is the default of a run, also of a recorded one with a polish', async () => {
  const sampling = { method: 'adams', steps: 3, guidance: 3, guidanceRange: [0.5, 1], polish } as const;
  const { sampler: usual } = await setUp(network, { sampling });
  const { sampler: plain } = await setUp();
  const recorded = await encoded(usual, noiseOf(9), { labels });
  const images = await plain.sample({ labels, seed: 1, ...sampling });
  expect(await usual.sample({ labels, seed: 1 })).toEqual(images);
  expect(recorded).toEqual(await encoded(plain, noiseOf(9), { labels, ...sampling }));
  expect(await usual.sample({ labels, seed: 1, polish: false })).not.toEqual(images);
});

test('without a seed sample and run draw one, which sampler.seed tells', async () => {
  const { sampler } = await setUp();
  expect(sampler.seed).toBeUndefined();
  const ways = {
    sample: () => sampler.sample({ steps: 2 }),
    run: async () => (await eventsOf(sampler, { steps: 2 })).at(-1)!.x,
  };
  for (const draw of Object.values(ways)) {
    const first = await draw();
    const { seed } = sampler;
    expect(await draw()).not.toEqual(first);
    expect(sampler.seed).not.toBe(seed);
    expect(await sampler.sample({ steps: 2, seed })).toEqual(first);
    expect(sampler.seed).toBe(seed);
  }
});

test('an image of a seed is the same alone and among others', async () => {
  const { unet, sampler } = await setUp();
  for (const options of [
    { steps: 3, seed: 5 },
    { steps: 3, seed: 5, polish },
  ]) {
    const few = await sampler.sample(options);
    for (const images of [1, 9]) {
      using other = await Sampler.create(gpu, unet, { count: images });
      const n = Math.min(images, count) * size;
      expectNear((await other.sample(options)).subarray(0, n), few.subarray(0, n), `of ${images}`, 1e-6);
    }
  }
});

test.each([{ method: 'euler' }, { method: 'heun' }, { polish: { noises: 2, level: 0.5 } }] as const)(
  'known pixels are exact at the end of a run, other pixels differ from the picture: %j',
  async (how) => {
    const { sampler } = await setUp();
    const images = await sampler.sample({ steps: 3, ...how, start, mask, labels, seed: 1 });
    const apart = images.map((v, i) => Math.abs(v - start[i]));
    // Twice scaled by 2 and shifted.
    expect(Math.max(...apart.filter((_, i) => mask[i] === 1))).toBeLessThan(1.2e-7);
    expect(Math.max(...apart.filter((_, i) => mask[i] === 0))).toBeGreaterThan(0.1);
  },
);

test('neither pictures, a mask, labels nor what is not a number are left over from the run before', async () => {
  const { sampler } = await setUp();
  const plain = { steps: 2, seed: 1 };
  const orders = [plain, { ...plain, polish }, { ...plain, labels, polish }];
  const fresh: Float32Array[] = [];
  for (const order of orders) fresh.push(await sampler.sample(order));
  const same = async (after: string) => {
    for (const [i, order] of orders.entries())
      expect(await sampler.sample(order), `order ${i} after ${after}`).toEqual(fresh[i]);
  };
  const full = { steps: 2, seed: 2, start, from: 0.5, mask, labels, guidance: 1 };
  for (const order of [full, { ...full, polish }]) {
    await sampler.sample(order);
    await same(`a full run${'polish' in order ? ', polished' : ''}`);
  }
  // In buffers that are not checked, and in a mean.
  const nan = bufferOf(gpu, new Float32Array(start.length).fill(Number.NaN));
  for (const pictures of [{ start: nan }, { start: bufferOf(gpu, start), mask: nan, labels }]) {
    const options = { steps: 2, seed: 2, from: 0.5, guidance: 1, ...pictures };
    submit(gpu, (encoder) => sampler.encodeRun(encoder, roomFor(gpu, start.length), options));
    await same('a recorded run of NaN');
    expect(await encoded(sampler, start, { ...plain, guidance: 1 })).toEqual(fresh[0]);
  }
  const mean = sampler.parts.buffers.find(({ label }) => label === 'sampler mean')!;
  await gpu.write(mean, 0, new Float32Array(mean.size / 4).fill(Number.NaN));
  await same('NaN in a mean');
});

test('weights that change during a run count from the next step on, and kernels are transformed once a submission', async () => {
  const wide = { height: 8, width: 8, widths: [8, 8] };
  const variants = { 'conv2d/down.1': 'winograd7', 'conv2d/up.0': 'winograd7_gpu' };
  using unet = await UNet.create(gpu, wide, { seed: 3 });
  using other = await UNet.create(gpu, wide, { seed: 4 });
  using sampler = await Sampler.create(gpu, unet, { count: 4, variants });
  expect(sampler.parts.prepare.map(({ partCount }) => partCount)).toEqual([2]);
  for await (const { step, input, prediction } of sampler.run({ steps: 2 })) {
    if (step === 0) await unet.setParameters(await other.getParameters());
    else expectNear(prediction, await other.predict(input, { count: 4 }), 'with the new weights');
  }
});

/** A run with all there is. */
const whole = { steps: 4, method: 'heun', start, from: 0.8, mask, labels, seed: 2, polish } as const;

// The noise, the start, the mask, both at their level, the passes, the result.
test.each<[how: string, options: LoadedOptions, passes: number, submissions: number]>([
  ['Adams', { steps: 4, seed: 2, labels, method: 'adams' }, 4, 4],

  ['Heun with a polish, which is no step', whole, 9, 6],
])(
  'is submitted at once or in parts, as the pacer allows, with the same bits: %s',
  async (_, options, passes, submissions) => {
    const { sampler } = await setUp();
    await sampler.prepare(options);
    const submit = vi.spyOn(gpu, 'submit');
    const pass = vi.spyOn(sampler.parts.pass, 'encode');
    const sample = async () => {
      submit.mockClear();
      const done: number[] = [];
      const images = await sampler.sample({ ...options, onStep: (n) => done.push(n) });
      return { images, done, submissions: submit.mock.calls.length };
    };
    gpu.pacer.maxMilliseconds = 1e6;
    const atOnce = await sample();
    expect(atOnce).toMatchObject({ done: [4], submissions });
    expect(pass).toHaveBeenCalledTimes(passes);
    const events = await eventsOf(sampler, options);
    expect(events.at(-1)!.x).toEqual(atOnce.images);
    slowly();
    const inParts = await sample();
    expect(inParts).toMatchObject({ images: atOnce.images, done: [1, 2, 3, 4] });
    expect(inParts.submissions).toBeGreaterThan(10 * passes);
    expect(await eventsOf(sampler, options)).toEqual(events);
  },
);

test('a sampler whose network is destroyed amid a run throws in it', async () => {
  const { unet, sampler } = await setUp();
  slowly();
  afterSubmissions(gpu, 3, () => unet.destroy());
  await refused(sampler.sample({ steps: 3 }), 'destroyed', 'UNet');
});

test('a sampler is busy until its run ends: until its promise settles, or its iterator returns, aborted or not', async () => {
  const { sampler } = await setUp();
  const buffer = roomFor(gpu, count * size);
  // All of them begin at once: none waits for another, meanwhile the run could end.
  const isBusy = () =>
    Promise.all([
      refused(() => sampler.encodeRun(gpu.device.createCommandEncoder(), buffer, { steps: 1 }), 'busy'),
      ...([{ steps: 1 }, { steps: 1, method: 'mix' }, { steps: 1, labels }] as const).map((other) =>
        refused(sampler.sample(other), 'busy', 'call return() of the iterator'),
      ),
    ]);
  const sampling = sampler.sample({ steps: 2 });
  await isBusy();
  await sampling;
  const abort = new AbortController();
  const run = sampler.run({ steps: 3, signal: abort.signal });
  await run.next();
  await isBusy();
  abort.abort();
  await isBusy();
  await run.return();
  expect(await encoded(sampler, noiseOf(1), { steps: 1 })).toHaveLength(count * size);
});

describe('a sampler refuses', () => {
  test.each<[options: object, fact: string]>([
    [{ method: 'ddim' }, 'method is "ddim"'],
    [{ labels: [0, 1] }, 'labels has 2 values for 3 images; give one for each.'],
    [{ labels: [0, 1, 4] }, 'labels[2] is 4; this network has classes 0 to 2, and 3 stands for none.'],
    [
      { labels: 2 },
      'labels is of type Number; it must be an array of a class for each image, 0 to 2, or 3 for none.',
    ],
  ])('runs, before anything is made: %o', async (options, fact) => {
    const { sampler } = await setUp();
    const given = { steps: 1, ...options };
    const buffer = roomFor(gpu, count * size);
    for (const way of [
      () => sampler.sample(given),
      () => sampler.run(given).next(),
      () => sampler.prepare(given),
      () => sampler.encodeRun(gpu.device.createCommandEncoder(), buffer, given),
    ])
      await refusedAtOnce(gpu.device, way, 'argument', fact);
    buffer.destroy();
  });

  test('buffers of a recorded run that are too short, or none', async () => {
    const { sampler } = await setUp();
    const [short, images] = [2, count * size].map((n) => roomFor(gpu, n));
    for (const [options, fact] of [
      [{ labels: short }, 'labels has 8 bytes'],
      [{ start: short, from: 0.5 }, 'start has 8 bytes'],
      [{ start: images, mask: short }, 'mask has 8 bytes'],
      [
        { start, from: 0.5 },
        'start is of type Float32Array; it must be a GPUBuffer, or { buffer, offset }, of 192 bytes and COPY_SRC.',
      ],
      [{ start: images, mask: null }, 'mask is of type Null; it must be a GPUBuffer'],
    ] as const) {
      const given = { steps: 1, ...options } as EncodeRunOptions;
      const encode = () => sampler.encodeRun(gpu.device.createCommandEncoder(), images, given);
      await refused(encode, 'argument', fact);
    }
    for (const buffer of [short, images]) buffer.destroy();
  });

  test.each<[options: LoadedOptions & EncodeRunOptions, what: string]>([
    [{ method: 'mix' }, 'method is mix'],
    [{ labels, method: 'euler' }, 'method is euler and guidance 2'],
    [{ labels, method: 'euler', polish }, 'method is euler and guidance 2 and a polish'],
  ])('to record a run of a kind that has no shaders yet: %j', async (options, what) => {
    const { sampler } = await setUp({
      ...network,
      conditioning: { noiseLevel: options.method === 'mix', classes: 3 },
    });
    const record = () => encoded(sampler, noiseOf(1), { steps: 2, ...options });
    await refused(
      record,
      'argument',
      `${what}, which this sampler has not run yet, and encodeRun cannot compile shaders. Call sample() with such options and one step before.`,
    );
    await sampler.sample({ ...options, steps: 1 });
    expect((await record()).every(Number.isFinite)).toBe(true);
  });

  test('a UNet of another copy of this library', async () => {
    const foreign = { [Symbol.toStringTag]: 'UNet' } as UNet;
    await refused(Sampler.create(gpu, foreign), 'argument', 'of another copy of this library');
  });
});
