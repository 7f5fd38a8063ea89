/** Sampling along a flow, with classes, guidance and known pixels: against a run in f64, and by all the ways to ask for it. */
import { describe, expect, test, vi } from 'vitest';
import { Random } from '../../../harness/specs/lib/spec';
import { normal, STREAM, threefry } from '../../../src/base/random';
import type { EncodeRunOptions, LoadedOptions, SampleEvent } from '../../../src/sampling/options';
import { Sampler } from '../../../src/sampling/sampler';
import { checkConfig, type UNetConfig } from '../../../src/unet/config';
import type { Sampling } from '../../../src/unet/sampling';
import { UNet } from '../../../src/unet/unet';
import { testGpu } from '../../lib/gpu';
import { afterSubmissions, bufferOf, expectNear, floatsIn, roomFor, submit } from '../../lib/on_gpu';
import { ReferenceUNet } from '../../lib/reference_unet';
import { refused, refusedAtOnce } from '../../lib/refused';

const { gpu } = await testGpu();

const CLASSES = 3;
const network: Partial<UNetConfig> = {
  ...{ height: 4, width: 4, widths: [4, 8], kernelSize: 3 },
  finalActivation: 'none',
  conditioning: { noiseLevel: true, classes: CLASSES },
};
const size = 16;
const count = 3;
const labels = [2, 0, 3];
const random = new Random(2);
const start = random.floats(count * size, 0, 1);
/** A third of the pixels is known. */
const mask = Float32Array.from(random.integers(count * size, 3), (v) => Number(v === 0));

async function setUp(config = network, images = count) {
  const unet = await UNet.create(gpu, config, { seed: 3 });
  // With biases that are not zero.
  const parameters = new Map(
    [...(await unet.getParameters())].map(([name, values]) => [
      name,
      name.endsWith('.bias') ? random.floats(values.length, -0.3, 0.3) : values,
    ]),
  );
  await unet.setParameters(parameters);
  return { unet, sampler: await Sampler.create(gpu, unet, { count: images }) };
}

/** The same network, twice: as it is, and with a way in which it is sampled. */
async function setUpBoth(sampling: Sampling) {
  const { unet, sampler } = await setUp();
  const other = await UNet.create(gpu, network, { sampling });
  await other.setParameters(await unet.getParameters());
  return { plain: sampler, usual: await Sampler.create(gpu, other, { count }) };
}

/** The noise of a seed, from src/base/random.ts. */
const noiseOf = (seed: number, images = count) =>
  Float32Array.from({ length: images * size }, (_, i) => {
    const n = Math.floor(i / size);
    return normal(threefry(seed, STREAM.sample, n >> 1, i % size))[n % 2];
  });

const toUnit = (values: ArrayLike<number>) =>
  Array.from(values, (v) => Math.min(Math.max(0.5 * v + 0.5, 0), 1));

interface Expected {
  readonly input: ArrayLike<number>;
  readonly prediction: ArrayLike<number>;
  readonly x: ArrayLike<number>;
}

/** Every step of a run along a flow, then its polish, in f64 and from its definition; values from -1 to 1. */
function flowRun(reference: ReferenceUNet, noise: ArrayLike<number>, options: LoadedOptions): Expected[] {
  const { steps = 0, method = 'euler', from = 1, guidanceRange: [low, high] = [0, 1] } = options;
  const labels = options.labels ?? Array(count).fill(CLASSES);
  const guidance = options.guidance ?? (options.labels ? 2 : 1);
  const begins = Float64Array.from({ length: count * size }, (_, i) => 2 * (options.start?.[i] ?? 0) - 1);
  const atLevel = (t: number) => begins.map((s, i) => (1 - t) * s + t * noise[i]);
  const put = (x: Float64Array, t: number) =>
    options.mask ? atLevel(t).map((v, i) => (options.mask![i] > 0 ? v : x[i])) : x;
  const velocity = (x: ArrayLike<number>, t: number) => {
    const levels = Array(count).fill(t);
    const none = reference.predict(x, count, { levels, labels: Array(count).fill(CLASSES) });
    const towards = t >= low && t <= high ? guidance : 1;
    return reference.predict(x, count, { levels, labels }).map((v, i) => none[i] + towards * (v - none[i]));
  };
  let old: Float64Array | undefined;
  let x: Float64Array = options.start ? atLevel(from) : Float64Array.from(noise);
  const ofSteps = Array.from({ length: steps }, (_, step) => {
    const [t, next] = [step, step + 1].map((done) => from * (1 - done / steps));
    const input = x;
    x = put(x, t);
    let v = velocity(x, t);
    let moved = x.map((value, i) => value + (next - t) * v[i]);
    const straight = input.map((value, i) => value - t * v[i]);
    if (method === 'adams' && old) {
      const before = old;
      moved = x.map((value, i) => value + (next - t) * (1.5 * v[i] - 0.5 * before[i]));
    }
    old = v;
    if (method === 'heun' && next > 0) {
      const second = velocity(moved, next);
      moved = x.map((value, i) => value + ((next - t) * (v[i] + second[i])) / 2);
      v = second;
    }
    x = next > 0 ? moved : put(moved, 0);
    const prediction = method === 'adams' ? straight : x.map((value, i) => value - next * v[i]);
    return { input, prediction, x };
  });
  if (!options.polish) return ofSteps;
  const { noises, level } = options.polish;
  const input = x;
  const image = toUnit(input);
  const sum = new Float64Array(count * size);
  for (let k = 0; k < noises; k++) {
    const fresh = noiseOf(threefry(options.seed ?? 0, STREAM.polish, k, 0)[0]);
    const noised = Float64Array.from(image, (p, i) => (1 - level) * (2 * p - 1) + level * fresh[i]);
    const v = velocity(noised, level);
    for (const [i, p] of toUnit(noised.map((value, i) => value - level * v[i])).entries()) sum[i] += p;
  }
  x = put(
    sum.map((value) => (2 * value) / noises - 1),
    0,
  );
  return [...ofSteps, { input, prediction: x, x }];
}

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

test('runs that are recorded one after the other keep their own labels and seeds until they are submitted', async () => {
  const { sampler } = await setUp();
  const orders = Array.from({ length: 40 }, (_, i) => ({
    ...{ steps: 1 + (i % 2), guidance: 1 + i / 10, seed: i },
    labels: [i % 4, (i >> 2) % 4, (i >> 4) % 4],
  }));
  const buffers = orders.map(() => roomFor(gpu, count * size));
  await sampler.sample({ ...orders[1], steps: 1 });
  const recorded = orders.map((order, i) => {
    const encoder = gpu.device.createCommandEncoder();
    sampler.encodeRun(encoder, buffers[i], order);
    return encoder.finish();
  });
  await gpu.scoped('all at once', () => gpu.device.queue.submit(recorded));
  for (const [i, order] of orders.entries()) {
    const images = await floatsIn(gpu, buffers[i]);
    expect(images, `order ${i}`).toEqual(await sampler.sample(order));
    buffers[i].destroy();
  }
});

test.each([
  { how: 'guided', more: { guidance: 2 } },
  { how: 'not guided', more: { guidance: 1 } },
  { how: 'polished', more: { polish: { noises: 2, level: 0.3 } } },
])(
  'a run under way and recorded runs that are submitted amid it leave each other as they are: $how',
  async ({ more }) => {
    const { sampler } = await setUp();
    const options = { steps: 3, seed: 5, labels, start, from: 0.7, mask, ...more };
    const order = { steps: 2, seed: 8, labels, ...more };
    const [alone, recorded] = [await eventsOf(sampler, options), await sampler.sample(order)];
    const { bytes } = sampler;
    for (let twice = 0; twice < 2; twice++) {
      const buffers = Array.from({ length: 8 }, () => roomFor(gpu, count * size));
      const waiting = buffers.map((buffer) => {
        const encoder = gpu.device.createCommandEncoder();
        sampler.encodeRun(encoder, buffer, order);
        return encoder.finish();
      });
      const submitOne = () => gpu.device.queue.submit([waiting.pop()!]);
      const events: SampleEvent[] = [];
      for await (const event of sampler.run(options)) {
        events.push(event);
        submitOne();
      }
      expect(events).toEqual(alone);
      const usual = gpu.pacer.maxMilliseconds;
      gpu.pacer.maxMilliseconds = 1e-6; // a submission for each dispatch
      const submissions = afterSubmissions(gpu, 12, submitOne);
      expect(await sampler.sample(options)).toEqual(alone.at(-1)!.x);
      expect(submissions()).toBeGreaterThan(30);
      vi.restoreAllMocks();
      gpu.pacer.maxMilliseconds = usual;
      while (waiting.length > 0) submitOne();
      for (const buffer of buffers) {
        expect(await floatsIn(gpu, buffer)).toEqual(recorded);
        buffer.destroy();
      }
      // A second set of images and memory.
      expect(sampler.bytes).toBeGreaterThan(bytes);
    }
  },
);

/** Whatever a run can be asked for. */
const runs: Record<string, LoadedOptions> = {
  'Euler by default': { steps: 3 },
  Heun: { steps: 3, method: 'heun' },
  'Heun in one step': { steps: 1, method: 'heun' },
  'classes, guided by default': { steps: 3, labels },
  'classes, not guided': { steps: 3, labels, guidance: 1 },
  'guidance towards no class': { steps: 2, labels, guidance: 0 },
  'Heun, guided far': { steps: 3, method: 'heun', labels, guidance: 3.5 },
  Adams: { steps: 4, method: 'adams' },
  'Adams in one step': { steps: 1, method: 'adams' },
  'Adams, guided within levels': { steps: 4, method: 'adams', labels, guidanceRange: [0.5, 0.75] },
  'Euler, guided below a level': { steps: 5, labels, guidance: 3, guidanceRange: [0, 0.4] },
  'Adams, from pictures, known pixels, guided': { steps: 3, method: 'adams', start, from: 0.7, mask, labels },
  'from pictures': { steps: 3, start, from: 0.4 },
  'known pixels': { steps: 4, start, mask },
  polished: { steps: 2, polish: { noises: 3, level: 0.2 } },
  'Adams, polished by one noise, guided': {
    ...{ steps: 3, method: 'adams', labels, guidance: 1.5, polish: { noises: 1, level: 0.6 } },
  },
  'polished, guided by levels that leave the polish out': {
    ...{ steps: 3, labels, guidance: 3, guidanceRange: [0.5, 1], polish: { noises: 2, level: 0.4 } },
  },
  'polished, guided by levels with the polish': {
    ...{ steps: 3, labels, guidance: 3, guidanceRange: [0, 0.5], polish: { noises: 2, level: 0.4 } },
  },
  'Heun, from pictures, known pixels, guided, polished': {
    ...{ steps: 2, method: 'heun', start, from: 0.7, mask, labels, polish: { noises: 4, level: 0.3 } },
  },
  'Heun, from pictures, known pixels, guided': { steps: 3, method: 'heun', start, from: 0.7, mask, labels },
};

describe.each(Object.entries(runs))('a run of the sampler: %s', (_, options) => {
  test('every step agrees with the f64 reference, and sample, run and encodeRun with each other', async () => {
    const { unet, sampler } = await setUp();
    const reference = new ReferenceUNet(checkConfig(network), await unet.getParameters());
    const noise = noiseOf(9);
    const expected = flowRun(reference, noise, { ...options, seed: 9 });
    const events = await eventsOf(sampler, { ...options, seed: 9 });
    expect(events.map(({ step }) => step)).toEqual([...expected.keys()]);
    for (const { step, ...event } of events) {
      for (const name of ['input', 'prediction', 'x'] as const)
        expectNear(event[name], toUnit(expected[step][name]), `${name} of step ${step}`, 2e-5);
    }
    const last = events.at(-1)!.x;
    expect(await sampler.sample({ ...options, seed: 9 })).toEqual(last);

    // A polish makes its noise of the seed all the same, `encodeRun` of 0.
    const given = await sampler.sample({ ...options, noise, seed: 0 });
    const seeded = options.polish ? await sampler.sample({ ...options, noise, seed: 9 }) : given;
    expectNear(seeded, last, 'with the noise given');
    const { labels: told, start: first, mask: known, ...rest } = options;
    const buffers = {
      // As the flow has it, from -1 to 1.
      ...(first ? { start: bufferOf(gpu, first) } : {}),
      ...(known ? { mask: bufferOf(gpu, known) } : {}),
    };
    const arrays = { ...rest, ...buffers, ...(told ? { labels: told } : {}) };
    expect(await encoded(sampler, noise, arrays)).toEqual(given);
    // The buffer's contents do not count where there is a seed.
    expect(await encoded(sampler, noise.fill(NaN), { ...arrays, seed: 9 })).toEqual(Float32Array.from(last));
    noise.set(noiseOf(9));
    if (told) {
      const labels = bufferOf(gpu, Uint32Array.from(told));
      expect(await encoded(sampler, noise, { ...arrays, labels })).toEqual(given);
      // Labels of one recorded run do not reach the next.
      const { guidanceRange: _, ...unguided } = rest;
      const untold = { ...unguided, ...buffers, guidance: 1 };
      expectNear(
        await encoded(sampler, noise, untold),
        await sampler.sample({ ...unguided, guidance: 1, noise, seed: 0, start: first, mask: known }),
        'after it',
      );
      labels.destroy();
    }
    for (const buffer of Object.values(buffers)) buffer.destroy();
  });
});

test('in the method mix the network gets level and class, and images are from 0 to 1 in every step', async () => {
  const { unet, sampler } = await setUp();
  const reference = new ReferenceUNet(checkConfig(network), await unet.getParameters());
  const noise = random.floats(count * size, 0, 1);
  await expect(encoded(sampler, noise, { steps: 3, method: 'mix', labels })).rejects.toThrow(
    'method is mix, which this sampler has not run yet, and encodeRun cannot compile shaders. Call sample() with such options and one step before.',
  );
  let x = Float64Array.from(noise);
  const events = await eventsOf(sampler, { steps: 3, method: 'mix', labels, noise });
  for (const { step, input, prediction, x: after } of events) {
    expectNear(input, x, `x before step ${step}`);
    const made = reference.predict(x, count, { levels: Array(count).fill(1 - step / 3), labels });
    expectNear(prediction, made, `prediction of step ${step}`);
    const m = 1 / (3 - step);
    x = x.map((v, i) => Math.min(Math.max(v * (1 - m) + made[i] * m, 0), 1));
    expectNear(after, x, `x after step ${step}`);
  }
  expect(await encoded(sampler, noise, { steps: 3, method: 'mix', labels })).toEqual(events.at(-1)!.x);
});

test('a flow without conditioning is sampled as by hand', async () => {
  const { unet, sampler } = await setUp({ ...network, conditioning: undefined });
  const noise = noiseOf(4);
  let x: Float32Array<ArrayBuffer> = noise;
  for (let step = 0; step < 3; step++) {
    const v = await unet.predict(x, { count });
    x = x.map((value, i) => value - v[i] / 3);
  }
  const images = await sampler.sample({ steps: 3, method: 'euler', noise });
  expectNear(images, toUnit(x), 'by hand');
  expect(await encoded(sampler, noise, { steps: 3, method: 'euler' })).toEqual(images);
});

test('guidance adds a multiple of the difference of two predictions, and guidance 0 is without class', async () => {
  const { unet, sampler } = await setUp();
  const noise = noiseOf(4);
  const none = Array(count).fill(CLASSES);
  let x = noise;
  for (let step = 0; step < 4; step++) {
    const levels = new Float32Array(count).fill(1 - step / 4);
    const [told, untold] = [
      await unet.predict(x, { count, levels, labels }),
      await unet.predict(x, { count, levels, labels: none }),
    ];
    x = x.map((value, i) => value - (untold[i] + 2 * (told[i] - untold[i])) / 4);
  }
  expectNear(await sampler.sample({ steps: 4, labels, noise }), toUnit(x), 'guidance 2');
  const untold = await sampler.sample({ steps: 4, noise });
  expectNear(await sampler.sample({ steps: 4, labels, guidance: 0, noise }), untold, 'guidance 0');
  expectNear(await sampler.sample({ steps: 4, labels: none, guidance: 7, noise }), untold, 'of no class');
});

describe('the sampling of a UNet', () => {
  const sampling = { method: 'adams', steps: 3, guidance: 3, guidanceRange: [0.5, 1] } as const;

  test('is the default of a run, and a run changes parts of it', async () => {
    const { plain, usual } = await setUpBoth(sampling);
    const same = async (options: LoadedOptions, all: LoadedOptions) =>
      expect(await usual.sample({ seed: 1, ...options })).toEqual(await plain.sample({ seed: 1, ...all }));
    await same({ labels }, { labels, ...sampling });
    await same({ labels, steps: 2 }, { labels, ...sampling, steps: 2 });
    await same({ labels, guidanceRange: [0, 1] }, { labels, ...sampling, guidanceRange: undefined });
    await same({ labels, method: 'heun' }, { labels, method: 'heun', steps: 3, guidance: 3 });
    // Guidance is for labels.
    await same({}, { method: 'adams', steps: 3 });
    const noise = noiseOf(9);
    expect(await encoded(usual, noise, { labels })).toEqual(
      await encoded(plain, noise, { labels, ...sampling }),
    );
  });

  test('has a polish, which a run changes or leaves out', async () => {
    const polish = { noises: 2, level: 0.3 };
    const { plain, usual } = await setUpBoth({ ...sampling, polish });
    // A run with a polish can be recorded at once.
    const recorded = await encoded(usual, noiseOf(9), { labels });
    const same = async (options: LoadedOptions, all: LoadedOptions) => {
      const images = await usual.sample({ seed: 1, ...options });
      expect(images).toEqual(await plain.sample({ seed: 1, ...sampling, ...all }));
      return images;
    };
    const polished = await same({ labels }, { labels, polish });
    const other = { noises: 3, level: 0.1 };
    expect(await same({ labels, polish: other }, { labels, polish: other })).not.toEqual(polished);
    expect(await same({ labels, polish: false }, { labels })).not.toEqual(polished);
    expect(recorded).toEqual(await encoded(plain, noiseOf(9), { labels, ...sampling, polish }));
    // A polish is for a flow, not for the method mix.
    const mixed = { method: 'mix', steps: 2, noise: start } as const;
    expect(await usual.sample(mixed)).toEqual(await plain.sample({ ...mixed, polish: false }));
  });

  test('is checked when the UNet is created', async () => {
    for (const [given, message] of [
      [{ method: 'adams' }, 'sampling.steps is missing; it must be a whole number from 1 to 1000.'],
      [{ method: 'rk4', steps: 3 }, 'sampling.method is "rk4"; it must be mix, euler, heun, adams.'],
      [{ ...sampling, guidance: -1 }, 'sampling.guidance is -1; it must be a number from 0 to 100.'],
      [
        { ...sampling, polish: { noises: 0, level: 0.2 } },
        'sampling.polish is {"noises":0,"level":0.2}; it must be { noises, level } with 1 to 64 noises of a level from 0.001 to 1.',
      ],
      [
        { method: 'mix', steps: 3, polish: { noises: 4, level: 0.2 } },
        'sampling.polish is {"noises":4,"level":0.2}; it must be left out with the method mix, and where calls is given.',
      ],
      [
        { method: 'euler', steps: 2, calls: 2, polish: { noises: 4, level: 0.2 } },
        'it must be left out with the method mix, and where calls is given.',
      ],
      [
        { ...sampling, calls: 3 },
        'must be euler, as many steps as calls, and guidance 1, where calls is given.',
      ],
    ] as const) {
      const created = UNet.create(gpu, network, { sampling: given as Sampling });
      await expect(created).rejects.toThrow(message);
    }
  });

  test('is the only one possible where the network was distilled', async () => {
    const { plain, usual: sampler } = await setUpBoth({ method: 'euler', steps: 2, calls: 2 });
    const options = { method: 'euler', steps: 2, guidance: 1, labels, seed: 1 } as const;
    expect(await sampler.sample({ labels, seed: 1 })).toEqual(await plain.sample(options));
    expect(await sampler.sample({ labels, seed: 1, polish: false })).toEqual(await plain.sample(options));
    expect(await sampler.sample(options)).toEqual(await plain.sample(options));
    const why =
      'but this network is distilled to 2 calls: it goes from noise to images in 2 steps of euler at guidance 1. Leave it out, or take the network that it was distilled from.';
    for (const [given, what] of [
      [{ steps: 20 }, 'steps is 20'],
      [{ method: 'heun' }, 'method is heun'],
      [{ method: 'adams' }, 'method is adams'],
      [{ method: 'mix' }, 'method is mix'],
      [{ labels, guidance: 2 }, 'guidance is 2'],
      [{ labels, guidanceRange: [0, 0.5] }, 'guidanceRange is given'],
      [{ start, from: 0.5 }, 'start is given'],
      [{ start, mask }, 'start is given'],
      [{ polish: { noises: 4, level: 0.2 } }, 'polish is given'],
    ] as const) {
      await expect(sampler.sample(given as LoadedOptions)).rejects.toThrow(`${what}, ${why}`);
    }
  });
});

test('known pixels are exact at the end of a run, other pixels differ from the picture', async () => {
  const { sampler } = await setUp();
  for (const how of [
    { method: 'euler' },
    { method: 'heun' },
    { polish: { noises: 2, level: 0.5 } },
  ] as const) {
    const images = await sampler.sample({ steps: 3, ...how, start, mask, labels, seed: 1 });
    const apart = images.map((v, i) => Math.abs(v - start[i]));
    // Twice scaled by 2 and shifted.
    expect(Math.max(...apart.filter((_, i) => mask[i] === 1))).toBeLessThan(1.2e-7);
    expect(Math.max(...apart.filter((_, i) => mask[i] === 0))).toBeGreaterThan(0.1);
  }
});

test('neither pictures, a mask nor labels are left over from the run before', async () => {
  const { sampler } = await setUp();
  const fresh = await sampler.sample({ steps: 2, seed: 1 });
  await sampler.sample({ steps: 2, seed: 1, start, from: 0.5, mask, labels, guidance: 1 });
  expect(await sampler.sample({ steps: 2, seed: 1 })).toEqual(fresh);
  const polish = { noises: 2, level: 0.3 };
  const polished = await sampler.sample({ steps: 2, seed: 1, polish });
  expect(await sampler.sample({ steps: 2, seed: 1 })).toEqual(fresh);
  await sampler.sample({ steps: 2, seed: 2, start, from: 0.5, mask, labels, guidance: 1, polish });
  expect(await sampler.sample({ steps: 2, seed: 1, polish })).toEqual(polished);
  // Not even what is not a number, in buffers that are not checked, or in a mean.
  const nan = bufferOf(gpu, new Float32Array(start.length).fill(Number.NaN));
  const legal = bufferOf(gpu, start);
  for (const pictures of [{ start: nan }, { start: legal, mask: nan }]) {
    const options = { steps: 2, seed: 2, from: 0.5, ...pictures };
    submit(gpu, (encoder) => sampler.encodeRun(encoder, roomFor(gpu, start.length), options));
    expect(await sampler.sample({ steps: 2, seed: 1 })).toEqual(fresh);
  }
  const guided = await sampler.sample({ steps: 2, seed: 1, labels, polish });
  const { tensors, boundBuffers } = sampler.parts;
  const nothing = new Float32Array(tensors.pictures.size).fill(Number.NaN);
  await gpu.write(boundBuffers.get(tensors.pictures)!, 0, nothing);
  expect(await sampler.sample({ steps: 2, seed: 1, labels, polish })).toEqual(guided);
});

test('a polish of nearly no level leaves the images nearly as they are; another seed polishes differently', async () => {
  const { sampler } = await setUp();
  const noise = noiseOf(4);
  const images = await sampler.sample({ steps: 3, noise });
  const polish = { noises: 3, level: 0.001 };
  const faint = await sampler.sample({ steps: 3, noise, polish });
  expectNear(faint, images, 'faintly polished', 0.01);
  expect(faint).not.toEqual(images);
  const [one, other] = [1, 2].map((seed) => sampler.sample.bind(sampler, { steps: 3, noise, polish, seed }));
  const first = await one();
  expect(await other()).not.toEqual(first);
  expect(await one()).toEqual(first);
});

test('an image of a seed is the same alone and among others', async () => {
  const { unet, sampler } = await setUp();
  const few = await sampler.sample({ steps: 3, seed: 5 });
  expect(await sampler.sample({ steps: 3, seed: 6 })).not.toEqual(few);
  const polish = { noises: 2, level: 0.3 };
  const polished = await sampler.sample({ steps: 3, seed: 5, polish });
  for (const images of [1, 9]) {
    using other = await Sampler.create(gpu, unet, { count: images });
    const n = Math.min(images, count) * size;
    const many = await other.sample({ steps: 3, seed: 5 });
    expectNear(many.subarray(0, n), few.subarray(0, n), `of ${images}`, 1e-6);
    const all = await other.sample({ steps: 3, seed: 5, polish });
    expectNear(all.subarray(0, n), polished.subarray(0, n), `of ${images}, polished`, 1e-6);
  }
});

test('a run asks the network once a step, with Heun twice but in the last, and once for image and guidance', async () => {
  const { sampler } = await setUp();
  const pass = vi.spyOn(sampler.parts.pass, 'encode');
  gpu.pacer.maxMilliseconds = 1e6;
  const passes = async (options: LoadedOptions) => {
    pass.mockClear();
    const done: number[] = [];
    await sampler.sample({ ...options, onStep: (n) => done.push(n) });
    expect(done).toEqual([options.steps]);
    return pass.mock.calls.length;
  };
  expect(await passes({ steps: 5, labels })).toBe(5);
  expect(await passes({ steps: 5, labels, method: 'heun' })).toBe(9);
  expect(await passes({ steps: 5, labels, method: 'adams' })).toBe(5);
  expect(await passes({ steps: 1, labels, method: 'heun' })).toBe(1);
  expect(await passes({ steps: 5, labels, polish: { noises: 4, level: 0.2 } })).toBe(9);
});

describe('a sampler on a slow adapter', () => {
  const options = { steps: 4, method: 'heun', start, from: 0.8, mask, labels, seed: 2 } as const;

  async function slowly<T>(work: () => Promise<T>): Promise<T> {
    const usual = gpu.pacer.maxMilliseconds;
    gpu.pacer.maxMilliseconds = 1e-6;
    try {
      return await work();
    } finally {
      gpu.pacer.maxMilliseconds = usual;
    }
  }

  const polish = { noises: 3, level: 0.3 };
  test.each([
    { how: 'steps', options },
    { how: 'steps and a polish', options: { ...options, polish } },
  ])(
    'gives the same bits with a dispatch a submission, and reports each step once: $how',
    async ({ options }) => {
      const { sampler } = await setUp();
      const events = await eventsOf(sampler, options);
      const images = await sampler.sample(options);
      const submit = vi.spyOn(gpu, 'submit');
      const done: number[] = [];
      const slow = await slowly(() => sampler.sample({ ...options, onStep: (n) => done.push(n) }));
      expect(submit.mock.calls.length).toBeGreaterThan(7 * 10);
      vi.restoreAllMocks();
      expect(slow).toEqual(images);
      expect(done).toEqual([1, 2, 3, 4]);
      expect(await slowly(() => eventsOf(sampler, options))).toEqual(events);
      expect(events.at(-1)!.x).toEqual(images);
    },
  );

  test('stops in the middle of a step, and can begin again', async () => {
    const { sampler } = await setUp();
    const polished = { ...options, polish };
    const images = await sampler.sample(polished);
    for (const n of [2, 9, 20, 35, 100, 120]) {
      const abort = new AbortController();
      afterSubmissions(gpu, n, () => abort.abort('enough'));
      const run = sampler.sample({ ...polished, signal: abort.signal });
      await expect(slowly(() => run)).rejects.toBe('enough');
      vi.restoreAllMocks();
      expect(await sampler.sample(polished), `after ${n}`).toEqual(images);
    }
  });

  test('is busy until its run ends, for runs of other methods and guidance, too', async () => {
    const { sampler } = await setUp();
    const run = sampler.run(options);
    await run.next();
    for (const other of [{ steps: 1 }, { steps: 1, method: 'mix' }, { steps: 1, labels }] as const)
      await refused(sampler.sample(other), 'busy');
    await run.return();
    await sampler.sample({ steps: 1 });
  });
});

test('a run allocates nothing but what makes its noise, once a run of its kind was made', async () => {
  const { sampler } = await setUp();
  const createBuffer = vi.spyOn(gpu.device, 'createBuffer');
  const buffers = async (options: LoadedOptions) => {
    createBuffer.mockClear();
    await sampler.sample(options);
    return createBuffer.mock.calls.length;
  };
  await buffers({ steps: 1 });
  const once = await buffers({ steps: 1 });
  expect(await buffers({ steps: 7, method: 'heun', start, mask, labels })).toBe(once);
  expect(await buffers({ steps: 3, labels, noise: noiseOf(1) })).toBe(0);
});

describe('the sampler refuses', () => {
  /** `sample`, `run` and, where `records`, `encodeRun` refuse the run with `message`, before anything is made on the GPU. */
  async function refusedByAll(sampler: Sampler, options: object, message: string, records = true) {
    const given = options as LoadedOptions;
    const buffer = roomFor(gpu, count * size);
    const ways: (() => unknown)[] = [() => sampler.sample(given), () => sampler.run(given).next()];
    if (records)
      ways.push(() =>
        sampler.encodeRun(gpu.device.createCommandEncoder(), buffer, options as EncodeRunOptions),
      );
    for (const way of ways) await refusedAtOnce(gpu.device, way, 'argument', message);
    buffer.destroy();
  }

  test('wrong settings of a run', async () => {
    const { sampler } = await setUp();
    const noClass =
      'labels is of type Number; it must be an array of a class for each image, 0 to 2, or 3 for none.';
    for (const [options, message] of [
      [{ labels: [0, 1] }, 'labels has 2 values for 3 images; give one for each.'],
      [{ labels: [0, 1, 4] }, 'labels[2] is 4; this network has classes 0 to 2, and 3 stands for none.'],
      [{ labels: [0, 1, -1] }, 'labels[2] is -1; this network has classes 0 to 2, and 3 stands for none.'],
      [{ labels: [0, 1, NaN] }, 'labels[2] is NaN; this network has classes 0 to 2, and 3 stands for none.'],
      [{ labels: 2 }, noClass],
      [{ labels: null }, noClass.replace('Number', 'Null')],
      [{ labels, guidance: NaN }, 'guidance is NaN; it must be a number from 0 to 100.'],
      [{ labels, guidance: Infinity }, 'guidance is Infinity; it must be a number from 0 to 100.'],
      [{ labels, guidance: -1 }, 'guidance is -1; it must be a number from 0 to 100.'],
      [{ labels, guidance: '2' }, 'guidance is "2"; it must be a number from 0 to 100.'],
      [
        { guidance: 3 },
        'guidance is 3, which is for labels: none are given. Leave it out, or give 3 labels from 0 to 2.',
      ],
      [
        { labels, guidance: 3, method: 'mix' },
        'guidance is 3 and method mix; guidance is for the methods euler, heun and adams. Leave it out.',
      ],
      [{ method: 'ddim' }, 'method is "ddim"; it must be mix, euler, heun, adams.'],
      [{ from: 0.5 }, 'from is 0.5 without start; give the pictures to begin at, too.'],
      [{ mask }, 'mask is given without start. Give start, too: the images whose pixels the mask keeps.'],
      [{ start, from: 0 }, 'from is 0; it must be a number from 0.001 to 1.'],
      [{ start, from: 1.5 }, 'from is 1.5; it must be a number from 0.001 to 1.'],
      [
        { start },
        'start is given with neither from nor mask, and would not count. Give the noise level to begin at, from, or a mask of the pixels that stay.',
      ],
      [
        { start, from: 0.5, method: 'mix' },
        'start is for the methods euler, heun and adams; this run has mix.',
      ],
      [
        { labels, guidanceRange: [0.5, 0.5] },
        'guidanceRange is [0.5,0.5]; it must be two levels [low, high], 0 <= low < high <= 1.',
      ],
      [
        { labels, guidanceRange: [0, 1.5] },
        'guidanceRange is [0,1.5]; it must be two levels [low, high], 0 <= low < high <= 1.',
      ],
      [
        { labels, guidanceRange: [0.5, 1], method: 'heun' },
        'guidanceRange is given and method heun; it is for the methods euler and adams. Leave it out.',
      ],
      [{ guidanceRange: [0.5, 1] }, 'guidanceRange is given without labels. Give labels, or leave it out.'],
      ...[
        true,
        null,
        4,
        {},
        { noises: 65, level: 0.2 },
        { noises: 1.5, level: 0.2 },
        { noises: 4, level: 0 },
      ].map(
        (polish) =>
          [
            { polish },
            `polish is ${JSON.stringify(polish)}; it must be { noises, level } with 1 to 64 noises of a level from 0.001 to 1, or false.`,
          ] as const,
      ),
      [
        { polish: { noises: 4, level: 0.2 }, method: 'mix' },
        'polish is for the methods euler, heun and adams; this run has mix.',
      ],
      [
        { steps: undefined },
        'steps is missing, and this network has no default: give sample({ steps: 20 }), or createUNet(config, { sampling }).',
      ],
      [{ steps: 0 }, 'steps is 0; it must be a whole number from 1 to 1000.'],
    ] as const) {
      await refusedByAll(sampler, { steps: 1, ...options }, message);
    }
    const misspelt = { steps: 1, guidence: 2 } as LoadedOptions;
    await expect(sampler.sample(misspelt)).rejects.toThrow('no setting guidence');
  });

  test('wrong images', async () => {
    const { sampler } = await setUp();
    const short = new Float32Array(5);
    for (const [options, message] of [
      [{ start: short, from: 0.5 }, 'start has 5 values; 3 images of 16 values are 48.'],
      [{ start, mask: short }, 'mask has 5 values; 3 images of 16 values are 48.'],
      [
        { start: start.map((v) => 2 * v - 1), from: 0.5 },
        expect.stringMatching(/^start\[\d+\] is -0\.\d+; all values must be from 0 to 1\.$/),
      ],
      [{ start, mask: mask.map(() => NaN) }, 'mask[0] is NaN; all values must be from 0 to 1.'],
      [{ noise: start.map(() => NaN) }, 'noise[0] is NaN; all values must be from -1000 to 1000.'],
      [
        { noise: start.map(() => 1e38) },
        expect.stringMatching(/^noise\[0\] is 9\.99\d+e\+37; all values must be from -1000 to 1000\.$/),
      ],
      [{ noise: start.map(() => 2), method: 'mix' }, 'noise[0] is 2; all values must be from 0 to 1.'],
      [
        { start: [...start], from: 0.5 },
        'start is of type Array; it must be a Float32Array of [count][height][width][channels].',
      ],
      [
        { start, mask: null },
        'mask is of type Null; it must be a Float32Array of [count][height][width][channels].',
      ],
    ] as const) {
      await refusedByAll(sampler, { steps: 1, ...options }, message, false);
    }
  });

  test('wrong buffers', async () => {
    const { sampler } = await setUp();
    const short = roomFor(gpu, 2);
    const images = roomFor(gpu, count * size);
    const encode = (options: object) => () =>
      sampler.encodeRun(gpu.device.createCommandEncoder(), images, { steps: 1, ...options });
    expect(encode({ labels: short })).toThrow('labels has 8 bytes');
    expect(encode({ start: short, from: 0.5 })).toThrow('start has 8 bytes');
    expect(encode({ start: images, mask: short })).toThrow('mask has 8 bytes');
    expect(encode({ start, from: 0.5 })).toThrow(
      'start is of type Float32Array; it must be a GPUBuffer, or { buffer, offset }, of 192 bytes and COPY_SRC.',
    );
    expect(encode({ start: images, mask: null })).toThrow('mask is of type Null; it must be a GPUBuffer');
    short.destroy();
    images.destroy();
  });

  test('networks without classes or levels, or with other output than input channels, where these matter', async () => {
    const { sampler } = await setUp({ ...network, conditioning: { noiseLevel: true, classes: 0 } });
    await refusedByAll(
      sampler,
      { steps: 1, labels },
      'labels are given, and this UNet is not conditioned on classes. Leave them out, or use one with conditioning: { classes: 10 }, say.',
    );
    await refusedByAll(
      sampler,
      { steps: 1, guidance: 2 },
      'guidance is 2, which is for labels: this UNet is not conditioned on classes. Leave it out.',
    );
    using unet = await UNet.create(gpu, { ...network, outChannels: 2 });
    await expect(Sampler.create(gpu, unet)).rejects.toThrow(
      'This UNet makes 2 channels of 1; sampling needs as many as it takes. Use predict.',
    );
  });

  test('a recorded run with guidance that has no shaders yet', async () => {
    const { unet, sampler } = await setUp({
      ...network,
      conditioning: { noiseLevel: false, classes: CLASSES },
    });
    const noise = noiseOf(1);
    const options = { steps: 2, method: 'euler', labels } as const;
    await sampler.sample({ ...options, guidance: 1, noise });
    await expect(encoded(sampler, noise, options)).rejects.toThrow(
      'method is euler and guidance 2, which this sampler has not run yet, and encodeRun cannot compile shaders. Call sample() with such options and one step before.',
    );
    const guided = await sampler.sample({ ...options, noise });
    expect(await encoded(sampler, noise, options)).toEqual(guided);
    const polished = { ...options, polish: { noises: 1, level: 0.2 } };
    await expect(encoded(sampler, noise, polished)).rejects.toThrow(
      'method is euler and guidance 2 and a polish, which this sampler has not run yet, and encodeRun cannot compile shaders.',
    );
    const after = await sampler.sample({ ...polished, noise, seed: 0 });
    expect(await encoded(sampler, noise, polished)).toEqual(after);
    expect(await encoded(sampler, noise, options)).toEqual(guided);
    // The network's usual method is the tutorial's, with classes.
    const mixed = await sampler.sample({ steps: 1, labels, noise: start });
    const made = await unet.predict(start, { count, labels });
    expectNear(
      mixed,
      made.map((v) => Math.min(Math.max(v, 0), 1)),
      'mix',
    );
  });
});
