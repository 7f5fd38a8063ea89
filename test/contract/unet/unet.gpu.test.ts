/** Networks of many shapes against the f64 reference of the whole training step. */
import { describe, expect, test, vi } from 'vitest';
import { Random } from '../../../harness/specs/lib/spec';
import { Dataset } from '../../../src/data/dataset';
import { Program } from '../../../src/gpu/program';
import { readBuffer } from '../../../src/gpu/staging';
import { tensor } from '../../../src/plan/tensor';
import { Trainer } from '../../../src/training/trainer';
import { backwardPass, planGradients } from '../../../src/unet/backward';
import { checkConfig, type UNetConfig } from '../../../src/unet/config';
import { forwardPass } from '../../../src/unet/forward';
import { Predictor } from '../../../src/unet/predictor';
import { UNet } from '../../../src/unet/unet';
import { testGpu } from '../../lib/gpu';
import {
  bufferOf,
  expectSteps,
  floatsIn,
  randomParameters,
  relativeError,
  roomFor,
  submit,
} from '../../lib/on_gpu';
import { refused } from '../../lib/refused';

const { gpu } = await testGpu();

const configs: Record<string, { config: Partial<UNetConfig>; counts: number[] }> = {
  'one level, one pixel': { config: { height: 1, width: 1, widths: [3], kernelSize: 3 }, counts: [1, 2] },
  'one level, kernel 5': { config: { height: 4, width: 6, widths: [9], kernelSize: 5 }, counts: [3, 2] },
  'two levels, RGB': {
    config: { height: 6, width: 10, channels: 3, widths: [5, 7], kernelSize: 5 },
    counts: [3, 3, 1],
  },
  'three levels, 20x12': {
    config: { height: 20, width: 12, widths: [4, 6, 9], kernelSize: 5 },
    counts: [2, 2],
  },
  'four levels, kernel 3': {
    config: { height: 16, width: 8, widths: [3, 8, 5, 11], kernelSize: 3 },
    counts: [5, 5, 2],
  },
  'two levels, kernel 7': { config: { height: 8, width: 8, widths: [6, 16], kernelSize: 7 }, counts: [1, 1] },
  'no final activation': {
    config: { height: 4, width: 4, widths: [4, 4], kernelSize: 3, finalActivation: 'none' },
    counts: [3, 2],
  },
  'two convolutions a level': {
    config: { height: 8, width: 4, widths: [5, 6], kernelSize: 3, convolutionsPerLevel: 2 },
    counts: [3, 2],
  },
  'residuals on all levels, kernel 5': {
    config: { height: 8, width: 8, widths: [4, 6], convolutionsPerLevel: [2, 3], residual: true },
    counts: [3, 2],
  },
  'residuals, four levels, RGB': {
    ...{ counts: [2, 1] },
    config: {
      ...{ height: 8, width: 16, channels: 3, widths: [4, 5, 6, 7], kernelSize: 3, finalActivation: 'none' },
      ...{ convolutionsPerLevel: [1, 2, 1, 3], residual: true },
    },
  },
  'residuals on a single level': {
    config: { height: 3, width: 5, widths: [6], kernelSize: 3, convolutionsPerLevel: 3, residual: true },
    counts: [2, 3],
  },
  'nothing to add, one convolution a level': {
    config: { height: 4, width: 4, widths: [3, 5], kernelSize: 3, residual: true },
    counts: [2],
  },
  'widths of 32 and 64': { config: { height: 4, width: 8, widths: [32, 64], kernelSize: 5 }, counts: [5, 3] },
};

for (const [title, { config, counts }] of Object.entries(configs)) {
  test(`predictions, losses, gradients and weights are the reference’s in several steps: ${title}`, async () => {
    const { height, width, channels } = checkConfig(config);
    const options = { batchSize: Math.max(...counts) };
    await expectSteps(gpu, config, options, (random) => {
      const floats = (count: number) => random.floats(count * height * width * channels, 0, 1);
      return counts.map((count) => ({ count, noisy: floats(count), target: floats(count) }));
    });
  });
}

describe('the transformed kernels of predictions', () => {
  const config = { height: 8, width: 8, widths: [8, 8] };
  const images = new Random(5).floats(4 * 64, 0, 1);
  const variants = { 'conv2d/down.1': 'winograd4' };
  /** By this device's usual choice there may be nothing to transform. */
  const chooser = { choose: async () => ({ variants, isFixed: false }), replace: async () => undefined };
  const create = (seed = 0) => UNet.create(gpu, config, { seed }, chooser);
  /** By a network of its own, which has made no prediction before. */
  const expected = async (unet: UNet) => {
    using fresh = await create();
    await fresh.setParameters(await unet.getParameters());
    return await fresh.predict(images, { count: 4 });
  };
  /** A prediction, and of how many programs it was made: one more if kernels were transformed. */
  const predict = async (unet: UNet) => {
    const run = vi.spyOn(gpu, 'runAnd');
    run.mockClear();
    const values = await unet.predict(images, { count: 4 });
    return { values, programs: run.mock.calls.map(([programs]) => programs.length) };
  };

  test('are made again only when the weights have changed', async () => {
    using unet = await create(1);
    using other = await create(2);
    const first = await predict(unet);
    expect(first.programs).toEqual([2]);
    expect(await predict(unet)).toEqual({ ...first, programs: [1] });

    await unet.setParameters(await other.getParameters());
    const second = await predict(unet);
    expect(second).toEqual({ values: await expected(unet), programs: [2] });
    expect(second.values).not.toEqual(first.values);
  });

  test('are made in each prediction while there is a trainer, and once more when it is gone', async () => {
    using unet = await create(1);
    const trainers = await Promise.all([2, 4].map((batchSize) => Trainer.create(gpu, unet, { batchSize })));
    for (const trainer of trainers) {
      for (let i = 0; i < 2; i++) expect((await predict(unet)).programs).toEqual([2]);
      trainer.destroy();
    }
    expect((await predict(unet)).programs).toEqual([2]);
    expect((await predict(unet)).programs).toEqual([1]);
  });

  test('are made after a prediction that failed before it made them', async () => {
    using unet = await create(1);
    vi.spyOn(gpu, 'runAnd').mockRejectedValueOnce(new Error('once'));
    await expect(unet.predict(images, { count: 4 })).rejects.toThrow('once');
    expect(await predict(unet)).toEqual({ values: await expected(unet), programs: [2] });
  });

  test('all belong to the same weights while setParameters replaces the weights', async () => {
    using unet = await create(1);
    using other = await create(2);
    const before = await predict(unet);
    const replaced = unet.setParameters(await other.getParameters());
    const meanwhile = await unet.predict(images, { count: 4 });
    await replaced;
    const after = await expected(unet);
    expect([before.values, after]).toContainEqual(meanwhile);
    expect(await unet.predict(images, { count: 4 })).toEqual(after);
  });

  test('are made each time while a trainer may change the weights, and once more when it is gone', async () => {
    using unet = await create(1);
    await predict(unet);
    const train = () => Trainer.create(gpu, unet, { batchSize: 4, learningRate: 0.01, variants });
    const short = await train();
    await short.step({ noisy: images, target: images });
    short.destroy();
    expect(await predict(unet)).toEqual({ values: await expected(unet), programs: [2] });

    const trainer = await train();
    for (let step = 0; step < 2; step++) {
      await trainer.step({ noisy: images, target: images });
      expect(await predict(unet)).toEqual({ values: await expected(unet), programs: [2] });
    }
    await trainer.step({ noisy: images, target: images });
    trainer.destroy();
    const after = { values: await expected(unet), programs: [2] };
    expect(await predict(unet)).toEqual(after);
    expect(await predict(unet)).toEqual({ ...after, programs: [1] });
  });

  test('are made by a recorded prediction when it is submitted, whatever came between', async () => {
    using unet = await create(1);
    using other = await create(2);
    using predictor = await Predictor.create(gpu, unet.weights, {
      count: 4,
      variants,
    });
    const buffer = bufferOf(gpu, images);
    const encoder = gpu.device.createCommandEncoder();
    predictor.encode(encoder, buffer, buffer);
    await unet.setParameters(await other.getParameters());
    gpu.device.queue.submit([encoder.finish()]);
    const got = await floatsIn(gpu, buffer);
    expect(relativeError(got, await other.predict(images, { count: 4 }))).toBeLessThan(1e-4);
    buffer.destroy();
  });
});

describe('a batch', () => {
  test('of 5 images gives the same in a trainer for 64, whose padding does not count', async () => {
    const config = { height: 4, width: 4, widths: [4, 8], kernelSize: 3 };
    const random = new Random(3);
    const batch = { noisy: random.floats(5 * 16, 0, 1), target: random.floats(5 * 16, 0, 1) };
    const results = [];
    for (const batchSize of [5, 64]) {
      using unet = await UNet.create(gpu, config, { seed: 5 });
      using trainer = await Trainer.create(gpu, unet, { batchSize });
      // A larger batch first, so that the slots beyond the fifth hold stale images.
      if (batchSize === 64) {
        await trainer.step({ noisy: random.floats(64 * 16, 0, 1), target: random.floats(64 * 16, 0, 1) });
        await unet.setParameters(await freshParameters(config));
      }
      const loss = await trainer.step(batch);
      results.push({ loss, gradients: await trainer.getGradients() });
    }
    const [alone, padded] = results;
    expect(Math.abs(padded.loss / alone.loss - 1)).toBeLessThan(1e-6);
    for (const [name, values] of alone.gradients) {
      expect(relativeError(padded.gradients.get(name)!, values), name).toBeLessThan(1e-6);
    }
  });

  const freshParameters = async (config: Partial<UNetConfig>) => {
    using unet = await UNet.create(gpu, config, { seed: 5 });
    return await unet.getParameters();
  };

  test('and a seed give the same bits twice', async () => {
    const run = async () => {
      using unet = await UNet.create(gpu, { height: 8, width: 8, widths: [8, 16] }, { seed: 9 });
      using trainer = await Trainer.create(gpu, unet, { batchSize: 6 });
      const random = new Random(4);
      for (let i = 0; i < 3; i++) {
        await trainer.step({ noisy: random.floats(6 * 64, 0, 1), target: random.floats(6 * 64, 0, 1) });
      }
      return await unet.getParameters();
    };
    const [first, second] = [await run(), await run()];
    for (const [name, values] of first) expect(second.get(name), name).toEqual(values);
  });

  test('gives the same gradients without reuse of memory', async () => {
    const config = { height: 8, width: 8, widths: [4, 8, 8], kernelSize: 3 };
    const random = new Random(6);
    const batch = { noisy: random.floats(3 * 64, 0, 1), target: random.floats(3 * 64, 0, 1) };
    const gradients = [];
    for (const reuseMemory of [true, false]) {
      using unet = await UNet.create(gpu, config, { seed: 1 });
      using trainer = await Trainer.create(gpu, unet, { batchSize: 3, reuseMemory });
      await trainer.step(batch);
      gradients.push(await trainer.getGradients());
    }
    expect(gradients[1]).toEqual(gradients[0]);
  });
});

describe('predict', () => {
  const config = { height: 4, width: 4, widths: [4, 8], kernelSize: 3 };

  test('called several times at once gives each call its own result, also where it needs more and more memory', async () => {
    using unet = await UNet.create(gpu, config, { seed: 5 });
    using other = await UNet.create(gpu, config, { seed: 5 });
    const random = new Random(12);
    const counts = [1, 5, 2, 70, 3];
    const inputs = counts.map((count) => random.floats(count * 16, 0, 1));
    const together = await Promise.all(counts.map((count, i) => unet.predict(inputs[i], { count })));
    for (const [i, count] of counts.entries()) {
      expect(relativeError(together[i], await other.predict(inputs[i], { count })), `call ${i}`).toBeLessThan(
        1e-6,
      );
    }
  });

  test('gives of many images, in turns, what it gives of few', async () => {
    using unet = await UNet.create(gpu, config, { seed: 5 });
    const images = new Random(14).floats(200 * 16, 0, 1);
    const all = await unet.predict(images, { count: 200 });
    for (let at = 0; at < 200; at += 40) {
      const part = await unet.predict(images.subarray(at * 16, (at + 40) * 16), { count: 40 });
      expect(relativeError(all.subarray(at * 16, (at + 40) * 16), part), `from ${at}`).toBeLessThan(1e-6);
    }
  });

  test('throws where its network is destroyed meanwhile', async () => {
    const images = new Random(13).floats(200 * 16, 0, 1);
    const submit = gpu.submit.bind(gpu);
    for (const n of [0, 1, 2, 3, 4]) {
      const unet = await UNet.create(gpu, config, { seed: 5 });
      let submissions = 0;
      vi.spyOn(gpu, 'submit').mockImplementation((...args) => {
        if (++submissions === n) unet.destroy();
        return submit(...args);
      });
      const calls = [unet.predict(images, { count: 200 }), unet.predict(images, { count: 200 })];
      if (n === 0) unet.destroy();
      for (const result of await Promise.allSettled(calls)) {
        expect(result).toMatchObject({ reason: { name: 'EngineError', code: 'destroyed' } });
      }
      vi.restoreAllMocks();
    }
  });

  test('refuses other types than Float32Array, and another number of values', async () => {
    using unet = await UNet.create(gpu, config, { seed: 5 });
    for (const [images, fact] of [
      [new Float64Array(16), 'images is of type Float64Array; it must be a Float32Array'],
      [new Uint8Array(16), 'Uint8Array'],
      [Array(16).fill(0), 'Array'],
      [undefined, 'Undefined'],
      [new Float32Array(15), '15 values'],
    ] as const) {
      const refused = expect(unet.predict(images as never, { count: 1 })).rejects;
      await refused.toMatchObject({ code: 'argument', message: expect.stringContaining(fact) });
    }
  });

  test('refuses the arguments of earlier versions, and the error names the new ones', async () => {
    using unet = await UNet.create(gpu, config, { seed: 5 });
    await refused(
      unet.predict(new Float32Array(16), 1 as never),
      'argument',
      'predict(images, { count: 1 })',
    );
  });

  test('works after a call that failed', async () => {
    using unet = await UNet.create(gpu, config, { seed: 5 });
    const images = new Random(13).floats(16, 0, 1);
    const run = vi.spyOn(gpu, 'runAnd').mockRejectedValueOnce(new Error('once'));
    const [first, second] = await Promise.allSettled([
      unet.predict(images, { count: 1 }),
      unet.predict(images, { count: 1 }),
    ]);
    run.mockRestore();
    expect(first.status).toBe('rejected');
    expect(second).toEqual({ status: 'fulfilled', value: await unet.predict(images, { count: 1 }) });
  });
});

test('Winograd transforms kept for the kernel gradient give the same bits, also in three chunks of images', async () => {
  const batch = 600;
  const config = { height: 14, width: 14, widths: [8, 64] };
  using unet = await UNet.create(gpu, config, { seed: 5 });
  const { layers } = unet.weights.plan;
  const size = 14 * 14 * batch;
  const [input, pre, outputGrad] = ['input', 'pre', 'grad'].map((name) => tensor(name, size));
  const choose = (_: string, layer: string) => (layer === 'down.1' ? 'winograd7' : undefined);
  const { all: gradients, byLayer } = planGradients(layers, batch, choose);
  const own = [input, pre, outputGrad, gradients];
  const buffers = await gpu.createBuffers(own.map((t) => ({ label: t.label, bytes: t.size * 4 })));
  const fixed = new Map([...unet.weights.boundBuffers, ...own.map((t, i) => [t, buffers[i]] as const)]);
  const random = new Random(4);
  for (const i of [0, 2])
    gpu.device.queue.writeBuffer(buffers[i], 0, random.floats(size) as Float32Array<ArrayBuffer>);
  const results = [];
  for (const keeps of [false, true]) {
    const conditions = { levels: tensor('levels', batch), classes: tensor('classes', batch) };
    const forward = forwardPass(unet.weights.plan, batch, input, pre, conditions, choose, keeps);
    const all = [...forward.ops, ...backwardPass(forward, batch, outputGrad, byLayer, choose).ops];
    const transforms = all.flatMap((o) => o.calls).filter((c) => c.shader.name === 'conv2d.winograd7_input');
    expect(transforms).toHaveLength(keeps ? 6 : 9); // three chunks: of the input for the convolution, of the output gradient, and perhaps of the input again
    const program = await Program.compile(gpu, 'passes', all, fixed);
    await gpu.run([program]);
    program.destroy();
    results.push(new Uint32Array(await readBuffer(gpu, buffers[3], gradients.size)));
  }
  expect(results[1]).toEqual(results[0]);
  expect(results[0].some((word) => word !== 0)).toBe(true);
  for (const b of buffers) b.destroy();
});

describe('a predictor', () => {
  const config = { height: 4, width: 4, widths: [4, 8], kernelSize: 3 };
  const count = 5;
  const images = new Random(13).floats(count * 16, 0, 1) as Float32Array<ArrayBuffer>;
  const bytes = images.byteLength;

  test('predicts from buffer to buffer, with the weights at the time of submission', async () => {
    using unet = await UNet.create(gpu, config, { seed: 5 });
    using predictor = await Predictor.create(gpu, unet.weights, { count });
    const [input, output] = [
      bufferOf(gpu, Float32Array.of(...images, 0, 0, 0, 0)),
      roomFor(gpu, count * 16 + 4),
    ];
    for (const seed of [5, 6]) {
      using other = await UNet.create(gpu, config, { seed });
      await unet.setParameters(await other.getParameters());
      submit(gpu, (encoder) => {
        predictor.encode(encoder, input, output);
        predictor.encode(encoder, output, output);
      });
      const twice = await other.predict(await other.predict(images, { count }), { count });
      expect(await floatsIn(gpu, output, count * 16)).toEqual(twice);
    }
    expect(await floatsIn(gpu, input, count * 16)).toEqual(images);
    input.destroy();
    output.destroy();
  });

  test('that is destroyed while its next images wait leaves nothing behind that another call meets', async () => {
    using unet = await UNet.create(gpu, config, { seed: 5 });
    using other = await UNet.create(gpu, config, { seed: 6 });
    const expected = await other.predict(images, { count });
    const predictor = await Predictor.create(gpu, unet.weights, { count });
    const runs = [predictor.run(images), predictor.run(images)];
    predictor.destroy();
    for (const run of runs) await refused(run, 'destroyed');
    expect(await other.predict(images, { count })).toEqual(expected);
  });

  test('refuses wrong buffers and options before anything is recorded', async () => {
    const unet = await UNet.create(gpu, config, { seed: 5 });
    const predictor = await Predictor.create(gpu, unet.weights, { count });
    const [small, right] = [count * 16 - 1, count * 16].map((n) => roomFor(gpu, n));
    const [unreadable] = await gpu.createBuffers([
      { label: 'images', bytes, usage: GPUBufferUsage.COPY_DST | GPUBufferUsage.MAP_READ },
    ]);
    const encode = (input: GPUBuffer, output: GPUBuffer) => () =>
      predictor.encode(gpu.device.createCommandEncoder(), input, output);
    expect(encode(small, right)).toThrow(`input has ${bytes - 4} bytes`);
    expect(encode(right, small)).toThrow(`it needs ${bytes} bytes and COPY_DST`);
    expect(encode(unreadable, right)).toThrow('COPY_SRC');
    expect(encode(right, unreadable)).not.toThrow();
    for (const options of [{ count: 0 }, { counts: 3 }, { variants: { 'conv2d/down.0': 'best' } }])
      await refused(Predictor.create(gpu, unet.weights, options), 'argument');
    unet.destroy();
    expect(encode(right, right)).toThrow('This UNet was destroyed');
    predictor.destroy();
    expect(encode(right, right)).toThrow('This predictor was destroyed');
    for (const b of [small, right, unreadable]) b.destroy();
  });
});

test('the loss rises along the gradient by the gradient’s length', async () => {
  const config = { height: 8, width: 12, widths: [8, 8, 16], kernelSize: 5 };
  const random = new Random(11);
  using unet = await UNet.create(gpu, config, { seed: 2 });
  using trainer = await Trainer.create(gpu, unet, { batchSize: 4, learningRate: 1e-12 });
  const batch = { noisy: random.floats(4 * 96, 0, 1), target: random.floats(4 * 96, 0, 1) };
  await trainer.step(batch);
  const gradients = await trainer.getGradients();
  const start = await unet.getParameters();
  // Along the gradient itself the derivative of the loss is |gradient|^2 / |gradient| = |gradient|.
  const norm = Math.sqrt(
    [...gradients.values()].reduce((sum, g) => sum + g.reduce((a, v) => a + v * v, 0), 0),
  );
  const lossAt = async (distance: number) => {
    const moved = [...start].map(([name, values]): [string, Float32Array] => {
      const g = gradients.get(name)!;
      return [name, values.map((w, i) => w + (distance * g[i]) / norm)];
    });
    await unet.setParameters(new Map(moved));
    return trainer.step(batch);
  };
  const h = 0.01;
  const slope = ((await lossAt(h)) - (await lossAt(-h))) / (2 * h);
  // f32 losses of about 0.3 over a difference of 2h * |gradient|, and the third derivative: a per cent.
  expect(Math.abs(slope / norm - 1)).toBeLessThan(0.01);
});

describe('takeParameters', () => {
  const shape = { height: 4, width: 4, widths: [4, 6], kernelSize: 3 };
  const knowing = (classes: number) => ({ ...shape, conditioning: { noiseLevel: true, classes } });
  const TABLE = 'conditioning.hidden.classes';
  const bare = async (unet: UNet) => {
    const { [TABLE]: _, ...rest } = Object.fromEntries(await unet.getParameters());
    return new Map(Object.entries(rest));
  };

  test.each([
    ['without classes', 3, 0, [TABLE]],
    ['with another number of classes', 3, 5, [TABLE]],
    ['with the same number of classes', 3, 3, []],
    ['without classes, in a UNet without classes', 0, 0, []],
  ])('sets all weights of a network %s, and names what it leaves', async (_, own, others, left) => {
    using unet = await UNet.create(gpu, knowing(own), { seed: 1 });
    using other = await UNet.create(gpu, knowing(others), { seed: 2 });
    const random = new Random(3);
    const given = randomParameters(other, random);
    const { [TABLE]: table } = Object.fromEntries(await unet.getParameters());
    expect(await unet.takeParameters(given)).toEqual(left);
    const now = await unet.getParameters();
    expect([...now.keys()]).toEqual(unet.parameters.map(({ name }) => name));
    for (const [name, values] of now)
      expect(values, name).toEqual(left.includes(name) ? table : given.get(name));
    // The kernels' copies are of the same weights.
    using same = await UNet.create(gpu, knowing(own));
    await same.setParameters(now);
    const images = random.floats(2 * 16, -1, 1) as Float32Array<ArrayBuffer>;
    const levels = Float32Array.of(0.2, 0.8);
    const options = { levels, ...(own > 0 ? { labels: [0, own] } : {}) };
    expect(await unet.predict(images, options)).toEqual(await same.predict(images, options));
  });

  test('refuses any other difference with its name, and changes nothing', async () => {
    using unet = await UNet.create(gpu, knowing(3), { seed: 1 });
    using classless = await UNet.create(gpu, knowing(0), { seed: 1 });
    const before = await unet.getParameters();
    const given = await bare(unet);
    const bias = new Float32Array(4);
    const wrong: [Map<string, Float32Array>, string[]][] = [
      [new Map([...given].slice(2)), ['missing down.0.kernel; missing down.0.bias.']],
      [new Map([...given, ['net.bias', bias]]), ['unknown net.bias.']],
      [
        new Map([...given, ['down.0.bias', bias.subarray(1)]]),
        ['down.0.bias has 3 values instead of 4 (4).'],
      ],
      [new Map([...given, ['down.0.bias', bias.map(() => Number.NaN)]]), ['down.0.bias', 'not finite']],
    ];
    for (const [values, facts] of wrong) {
      const error = await unet.takeParameters(values).catch((error) => error);
      expect(error).toMatchObject({ code: 'argument' });
      for (const fact of facts) expect(error.message).toContain(fact);
    }
    for (const values of [undefined, {}, [...given]])
      await refused(unet.takeParameters(values as never), 'argument');
    // A table that there is no place for is no table that is left.
    await expect(classless.takeParameters(before)).rejects.toThrow(`unknown ${TABLE}`);
    expect(await unet.getParameters()).toEqual(before);
  });

  test('is busy in the middle of a fit, and works after it', async () => {
    using unet = await UNet.create(gpu, knowing(3), { seed: 1 });
    using trainer = await Trainer.create(gpu, unet, { batchSize: 2, objective: 'flow' });
    const given = await bare(unet);
    const images = { images: new Uint8Array(4 * 16), count: 4, height: 4, width: 4, channels: 1 };
    using dataset = await Dataset.create(gpu, { ...images, labels: new Uint8Array(4) });
    const busy = { code: 'busy', message: expect.stringContaining('in the middle of a step, a fit') };
    const [first] = await Promise.all([
      trainer.evaluate(dataset),
      expect(unet.takeParameters(given)).rejects.toMatchObject(busy),
    ]);
    let events = 0;
    for await (const _ of trainer.fit(dataset, { epochs: 2 })) {
      if (events++ === 0) await expect(unet.takeParameters(given)).rejects.toMatchObject(busy);
    }
    expect(events).toBe(4);
    // What was taken is what is trained on, of the table what the training made of it.
    const trained = await unet.getParameters();
    expect(await unet.takeParameters(given)).toEqual([TABLE]);
    expect(await unet.getParameters()).toEqual(new Map([...trained, ...given]));
    expect(first.loss).toBeGreaterThan(0);
  });

  test('throws for a network that is destroyed, or is being destroyed', async () => {
    const unet = await UNet.create(gpu, knowing(3));
    const given = await bare(unet);
    const taking = unet.takeParameters(given);
    unet.destroy();
    await refused(taking, 'destroyed');
    await refused(unet.takeParameters(given), 'destroyed');
  });
});
