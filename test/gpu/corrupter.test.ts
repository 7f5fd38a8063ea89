/** Noise on images of the caller's, in the caller's buffers: the same that training draws. */
import { references } from 'virtual:references';
import { describe, expect, test } from 'vitest';
import { Random, type Values } from '../../harness/specs/lib/spec';
import { createEngine, type Pixels, readPictures } from '../../src/index';
import { STATE, STATE_WORDS } from '../../src/plan/step_state';
import { refused } from '../data/refused';
import { testGpu } from '../lanes/gpu';
import { expectClose, type Run, runOn, toNhwc } from './standalone_tools';

const { gpu } = await testGpu();
const engine = await createEngine({ device: gpu.device, selfCheck: false, variants: {} });
const run: Run = (inputs, outputs, record) => runOn(gpu, inputs, outputs, record);

const size = { height: 3, width: 5, channels: 3 };
const count = 6;
const values = count * 45;
const seed = 77;
const bytes = Uint8Array.from(new Random(2).integers(values + 2, 256));
const clean = Float32Array.from(bytes.subarray(0, values), (v) => v / 255);

/** What training draws from a data set of these images, in their order, after `step` steps. */
function drawn(objective: 'tutorial' | 'flow', step: number): Record<'noisy' | 'target' | 'levels', Values> {
  const flow = objective === 'flow';
  const state = new Uint32Array(STATE_WORDS);
  state[STATE.step] = step;
  state[STATE.count] = count;
  const order = Uint32Array.from({ length: count }, (_, i) => i);
  const conditions = {
    batch: 8,
    imageCount: count,
    classes: 0,
    drop: 0,
    labelled: false,
    logitNormal: flow,
    seed,
  };
  const { levels } = references.draw_conditions(conditions as never, { order, labels: order, state });
  const shape = { ...size, batch: 8, imageCount: count, seed, binarize: false, flow };
  const images = new Uint32Array(bytes.buffer);
  const made = references.corrupt(shape, { images, order, state, ...(flow ? { levels } : {}) });
  return {
    noisy: toNhwc(made.noisy, count, size),
    target: toNhwc(made.truth, count, size),
    levels: levels.subarray(0, count),
  };
}

/** The noise of step 5, out of what training draws with levels of its own. */
function drawnNoise(objective: 'tutorial' | 'flow'): Float64Array {
  const { noisy, levels } = drawn(objective, 5);
  return Float64Array.from(noisy, (v, i) => {
    const t = levels[Math.floor(i / 45)];
    const x = objective === 'flow' ? 2 * clean[i] - 1 : clean[i];
    return (v - (1 - t) * x) / t;
  });
}

describe.each(['tutorial', 'flow'] as const)('%s', (objective) => {
  test('what training draws, into parts of buffers, each time for the step that was recorded', async () => {
    using corrupter = await engine.createCorrupter({ ...size, count, objective, seed });
    // The last of them takes all four bytes.
    const steps = [0, 1000, 0x12345678];
    const sizes = steps.flatMap((_, i) => [
      [`noisy${i}`, values + 2],
      [`target${i}`, values],
      [`levels${i}`, count],
    ]);
    const results = await run({ clean }, Object.fromEntries(sizes), (encoder, buffers) => {
      for (const [i, step] of steps.entries()) {
        const noisy = { buffer: buffers[`noisy${i}`], offset: 8 };
        const rest = { target: buffers[`target${i}`], levels: buffers[`levels${i}`] };
        corrupter.encode(encoder, { clean: buffers.clean, noisy, ...rest }, { step });
      }
    });
    for (const [i, step] of steps.entries()) {
      const expected = drawn(objective, step);
      expectClose(`noisy ${i}`, results[`noisy${i}`].subarray(2), expected.noisy, 1e-5);
      expectClose(`target ${i}`, results[`target${i}`], expected.target, 1e-5);
      expectClose(`levels ${i}`, results[`levels${i}`], expected.levels, 1e-5);
      expect([...results[`noisy${i}`].subarray(0, 2)]).toEqual([Number.NaN, Number.NaN]);
    }
    expect(results.noisy0).not.toEqual(results.noisy1);
  });

  test('levels of one’s own', async () => {
    using corrupter = await engine.createCorrupter({ ...size, count, objective, seed });
    const customLevels = Float32Array.of(0, 0.1, 0.2, 0.5, 0.9, 1);
    const all = new Float32Array(count).fill(1);
    // Where all is noise, the noise is what comes.
    const { noise, ...made } = await run(
      { clean, customLevels, all },
      { noisy: values, target: values, noise: values },
      (encoder, { clean, customLevels, all, noisy, target, noise }) => {
        corrupter.encode(encoder, { clean, customLevels, noisy, target }, { step: 5 });
        corrupter.encode(encoder, { clean, customLevels: all, noisy: noise }, { step: 5 });
      },
    );
    const image = clean.map((v) => (objective === 'flow' ? 2 * v - 1 : v));
    const level = (i: number) => customLevels[Math.floor(i / 45)];
    const mixed = image.map((x, i) => (1 - level(i)) * x + level(i) * noise[i]);
    expectClose('noisy', made.noisy, mixed, 1e-6);
    const target = objective === 'flow' ? noise.map((e, i) => e - image[i]) : image;
    expectClose('target', made.target, target, 1e-6);
    expectClose('noise', noise, drawnNoise(objective), 1e-5);
    const host = await corrupter.corrupt(clean, { step: 5, levels: customLevels });
    expect(host).toEqual({ ...made, levels: customLevels });
  });

  test('on the host: of arrays and of pictures, and a trainer takes it', async () => {
    using corrupter = await engine.createCorrupter({ ...size, count, objective, seed });
    const pictures = Array.from({ length: count }, (_, n): Pixels => {
      const rgb = bytes.subarray(n * 45, (n + 1) * 45);
      const data = Uint8Array.from({ length: 60 }, (_, i) =>
        i % 4 === 3 ? 255 : rgb[(i >> 2) * 3 + (i % 4)],
      );
      return { data, width: 5, height: 3 };
    });
    const array = readPictures(pictures, { channels: 3 });
    const [one, other] = await Promise.all([
      corrupter.corrupt(pictures, { step: 3 }),
      corrupter.corrupt(array, { step: 3 }),
    ]);
    expect(one).toEqual(other);
    expectClose('noisy', one.noisy, drawn(objective, 3).noisy, 1e-5);
    const conditioning = objective === 'flow' ? { conditioning: { noiseLevel: true, classes: 0 } } : {};
    using unet = await engine.createUNet({ ...size, widths: [4], kernelSize: 3, ...conditioning });
    using trainer = await engine.createTrainer(unet, { batchSize: count, objective });
    const { levels, ...batch } = one;
    const loss = await trainer.step(objective === 'flow' ? { ...batch, levels } : batch);
    expect(loss).toBeGreaterThan(0);
  });
});

test('bad input', async () => {
  const legal = { ...size, count };
  await refused(
    () => engine.createCorrupter({ ...legal, objective: 'mix' as never }),
    'argument',
    '"mix"',
    'flow',
  );
  await refused(() => engine.createCorrupter({ ...legal, count: 0 }), 'argument', 'count is 0');
  await refused(() => engine.createCorrupter({ ...legal, seeds: 1 } as never), 'argument', 'seeds', 'seed');
  using corrupter = await engine.createCorrupter(legal);
  const usage = GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
  const buffer = (length: number) => gpu.device.createBuffer({ size: length * 4, usage });
  const good = { clean: buffer(values), noisy: buffer(values) };
  const encoder = gpu.device.createCommandEncoder();
  const encode = (more: object, options = {}) => corrupter.encode(encoder, { ...good, ...more }, options);
  await refused(() => encode({ clean: undefined }), 'argument', 'clean is of type Undefined');
  await refused(() => encode({ target: buffer(4) }), 'argument', 'target', '16', `${values * 4}`);
  await refused(() => encode({ customLevels: buffer(2) }), 'argument', 'customLevels', '24');
  await refused(() => encode({ level: good.clean }), 'argument', 'level', 'customLevels');
  await refused(() => encode({}, { step: -1 }), 'argument', 'step is -1');
  await refused(() => corrupter.encode(encoder, undefined as never), 'argument', 'clean, noisy');
  gpu.device.queue.submit([encoder.finish()]); // nothing was recorded that the device would refuse
  await refused(() => corrupter.corrupt(clean.subarray(1)), 'argument', `${values - 1} values`, `${values}`);
  await refused(() => corrupter.corrupt([1, 2] as never), 'argument', 'clean is of type Array');
  const picture = { data: new Uint8Array(4), width: 1, height: 1 };
  await refused(() => corrupter.corrupt([picture, picture]), 'argument', 'clean has 2 pictures');
  await refused(() => corrupter.corrupt(clean, { levels: Float32Array.of(2) }), 'argument', 'levels');
  corrupter.destroy();
  await refused(() => corrupter.corrupt(clean), 'destroyed', 'corrupter');
});
