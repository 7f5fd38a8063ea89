/** Training that leaves the moving average of the weights in the UNet. */
import { afterAll, describe, expect, test, vi } from 'vitest';
import { Random } from '../../../harness/specs/lib/spec';
import { EngineError } from '../../../src/base/errors';
import { createEngine } from '../../../src/engine';
import type { Trainer } from '../../../src/training/trainer';
import type { UNet } from '../../../src/unet/unet';
import { loadCheckpoint, saveCheckpoint } from '../../../src/weights/checkpoint';
import { fingerprintImages } from '../../../src/weights/fingerprint';
import { loadModel } from '../../../src/weights/model';
import { testGpu } from '../../lib/gpu';
import { bufferOf, submit } from '../../lib/on_gpu';
import { refused } from '../../lib/refused';

const { gpu } = await testGpu();
const engine = await createEngine({ device: gpu.device, selfCheck: false });
afterAll(() => engine.destroy());

const config = { height: 4, width: 4, widths: [3, 8], kernelSize: 3 } as const;
const options = { batchSize: 4, learningRate: 0.01, average: {} } as const;
const random = new Random(3);
const batch = { noisy: random.floats(4 * 16, 0, 1), target: random.floats(4 * 16, 0, 1) };
const set = {
  images: new Uint8Array(random.floats(9 * 16, 0, 255)),
  count: 9,
  height: 4,
  width: 4,
  channels: 1,
};
const dataset = await engine.createDataset(set);
const [noisy, target] = [bufferOf(gpu, batch.noisy), bufferOf(gpu, batch.target)];

/** Records a step on `batch` into an encoder of its own. */
function recorded(trainer: Trainer): GPUCommandEncoder {
  const encoder = gpu.device.createCommandEncoder();
  trainer.encodeStep(encoder, { noisy, target });
  return encoder;
}

async function withTrainer<T>(
  settings: Parameters<typeof engine.createTrainer>[1],
  work: (trainer: Trainer, unet: UNet) => Promise<T>,
): Promise<T> {
  using unet = await engine.createUNet(config, { seed: 5 });
  using trainer = await engine.createTrainer(unet, settings);
  return await work(trainer, unet);
}

test('the UNet has the average of the weights of all steps, but losses come from the weights themselves', async () => {
  const plain = await withTrainer({ ...options, average: undefined }, async (trainer, unet) => {
    const steps = [];
    for (let s = 0; s < 4; s++)
      steps.push({ loss: await trainer.step(batch), weights: await unet.getParameters() });
    return steps;
  });
  await withTrainer(options, async (trainer, unet) => {
    const average = new Map(
      [...(await unet.getParameters())].map(([name, v]) => [name, Float64Array.from(v)]),
    );
    for (const [i, { loss, weights }] of plain.entries()) {
      expect(await trainer.step(batch)).toBe(loss);
      expect((await trainer.getState()).weights).toEqual(weights);
      const kept = (i + 1) / (i + 10);
      for (const [name, values] of await unet.getParameters()) {
        const mean = average.get(name)!;
        for (let k = 0; k < mean.length; k++) {
          mean[k] = kept * mean[k] + (1 - kept) * weights.get(name)![k];
          expect(Math.abs(values[k] - mean[k]), `${name}[${k}] after step ${i + 1}`).toBeLessThan(1e-6);
        }
      }
    }
    const [name] = average.keys();
    expect(await unet.getParameters()).not.toEqual(plain[3].weights);
    expect(name).toBe('down.0.kernel');
  });
});

test('until the step average.after the UNet has the weights, then their average from there on', async () => {
  await withTrainer({ ...options, average: { after: 2 } }, async (trainer, unet) => {
    const seen = [];
    for (let s = 0; s < 4; s++) {
      await trainer.step(batch);
      const { weights } = await trainer.getState();
      seen.push({
        weights: weights!.get('down.0.kernel')!,
        average: (await unet.getParameters()).get('down.0.kernel')!,
      });
    }
    for (const { weights, average } of seen.slice(0, 2)) expect(average).toEqual(weights);
    // The first one keeps a tenth, the second two elevenths.
    let mean = Array.from(seen[1].average);
    for (const [i, kept] of [1 / 10, 2 / 11].entries()) {
      const { weights, average } = seen[2 + i];
      mean = mean.map((m, k) => kept * m + (1 - kept) * weights[k]);
      for (const [k, m] of mean.entries()) expect(Math.abs(average[k] - m)).toBeLessThan(1e-6);
      expect(average).not.toEqual(weights);
    }
  });
});

test('average.span and average.most set how much of the earlier average stays in each step', async () => {
  const settings = { ...options, average: { after: 1, span: 11, most: 0.25 } };
  await withTrainer(settings, async (trainer, unet) => {
    const kernelOf = (of: ReadonlyMap<string, Float32Array>) => of.get('down.0.kernel')!;
    await trainer.step(batch);
    let mean = Array.from(kernelOf(await unet.getParameters()));
    expect(mean).toEqual(Array.from(kernelOf((await trainer.getState()).weights!)));
    // (1 + 2) / (1 + 11), then 4 / 13, which is more than the most.
    for (const kept of [3 / 12, 0.25]) {
      await trainer.step(batch);
      const weights = kernelOf((await trainer.getState()).weights!);
      mean = mean.map((m, k) => kept * m + (1 - kept) * weights[k]);
      const average = kernelOf(await unet.getParameters());
      for (const [k, m] of mean.entries()) expect(Math.abs(average[k] - m)).toBeLessThan(1e-6);
    }
  });
});

test('wrong settings of the average are refused, and default ones left out of the config', async () => {
  const withAverage = (average: object | undefined, work: (trainer: Trainer) => void = () => {}) =>
    withTrainer({ ...options, average }, async (trainer) => work(trainer));
  await refused(() => withAverage({ after: -1 }), 'argument', 'average.after is -1');
  for (const span of [-1, Number.NaN, Number.POSITIVE_INFINITY, '9']) {
    await refused(() => withAverage({ span }), 'argument', 'a number from 0 to 1000000');
  }
  await refused(() => withAverage({ most: 1.01 }), 'argument', 'average.most is 1.01');
  await refused(
    () => withAverage({ spam: 9 }),
    'argument',
    'average has no setting spam; it has after, span, most',
  );
  for (const wrong of [true, false, null, 9])
    await refused(() => withAverage(wrong as never), 'argument', 'average was given settings of type');
  const own = { after: 3, span: 36, most: 0.99975 };
  const usual = { after: 0, span: 9, most: 0.999 };
  await withAverage(undefined, ({ config }) => expect(config).not.toHaveProperty('average'));
  await withAverage(usual, ({ config }) => expect(config.average).toEqual({}));
  await withAverage(own, ({ config }) => expect(config.average).toEqual(own));
});

test('with averaged weights, predict uses the average', async () => {
  await withTrainer(options, async (trainer, unet) => {
    for (let s = 0; s < 3; s++) await trainer.step(batch);
    using other = await engine.createUNet(config, { seed: 1 });
    await other.setParameters(await unet.getParameters());
    expect(await unet.predict(batch.noisy, { count: 4 })).toEqual(
      await other.predict(batch.noisy, { count: 4 }),
    );
  });
});

test.each([
  { name: 'with the usual average', own: options },
  { name: 'with an average that reaches further back', own: { average: { span: 36, most: 0.99975 } } },
])(
  'a run $name that was saved goes on bit for bit, and its file is a model of the average',
  async ({ own }) => {
    const settings = { seed: 7, batchSize: 4, learningRate: 0.01, epochs: 4 };
    const run = (maxSteps: number, from?: Uint8Array) => {
      const before = from && loadCheckpoint(from);
      // The file has all settings of the average.
      return withTrainer({ ...options, ...(before?.training ?? own) }, async (trainer, unet) => {
        const losses = [];
        if (before) {
          losses.push(...before.losses);
          await unet.setParameters(before.parameters);
          trainer.setState(before.state);
        }
        for await (const { loss } of trainer.fit(dataset, { epochs: 4, seed: 7, maxSteps }))
          losses.push(loss);
        const bytes = await saveCheckpoint({ trainer, settings, data: fingerprintImages(set), losses });
        expect(loadModel(bytes).parameters).toEqual(await unet.getParameters());
        return bytes;
      });
    };
    const whole = await run(7);
    expect(await run(4, await run(3))).toEqual(whole);
    expect(loadCheckpoint(whole).training.average).toEqual(own.average);
    expect(loadCheckpoint(whole).state.weights).not.toEqual(loadCheckpoint(whole).parameters);
  },
);

test('weights that setParameters puts in replace the average, and are trained from then on', async () => {
  using other = await engine.createUNet(config, { seed: 6 });
  const expected = await withTrainer({ ...options, average: undefined }, async (trainer, unet) => {
    await unet.setParameters(await other.getParameters());
    return await trainer.step(batch);
  });
  await withTrainer(options, async (trainer, unet) => {
    await trainer.step(batch);
    await unet.setParameters(await other.getParameters());
    expect((await trainer.getState()).weights).toEqual(await other.getParameters());
    expect(await trainer.step(batch)).toBe(expected);
  });
});

test.each(['batch', 'submission'])(
  'a %s that is refused costs a trainer with an average neither its first weights nor the weights of a state',
  async (what) => {
    const destroyed = gpu.device.createBuffer({ size: 4 * 64, usage: GPUBufferUsage.COPY_SRC });
    destroyed.destroy();
    const { queue } = gpu.device;
    const both = (isRefused: boolean) =>
      withTrainer(options, async (trainer, unet) => {
        const tried = async () => {
          const submit = vi.spyOn(queue, 'submit');
          if (isRefused && what === 'submission')
            submit.mockImplementationOnce(() => {
              throw new TypeError('refused');
            });
          const bad = what === 'batch' ? { noisy: destroyed, target: destroyed } : batch;
          if (isRefused) await expect(trainer.step(bad)).rejects.toBeInstanceOf(EngineError);
          submit.mockRestore();
          return trainer.step(batch);
        };
        const first = await tried();
        const state = await trainer.getState();
        await trainer.step(batch);
        trainer.setState(state);
        return [first, await tried(), await trainer.getState(), await unet.getParameters()];
      });
    expect(await both(true)).toEqual(await both(false));
  },
);

test('a recorded first step that is never submitted costs a trainer with an average no weights', async () => {
  const losses = (isRecorded: boolean) =>
    withTrainer(options, async (trainer) => {
      if (isRecorded) recorded(trainer);
      return [await trainer.step(batch), await trainer.step(batch)];
    });
  expect(await losses(true)).toEqual(await losses(false));
});

describe.each(['setParameters', 'setState', 'encodePack'] as const)(
  'weights that %s puts in are trained',
  (name) => {
    /** Two losses, of steps on weights that were put in after the first step. */
    const losses = (two: (trainer: Trainer) => Promise<Iterable<number>>) =>
      withTrainer(options, async (trainer, unet) => {
        using other = await engine.createUNet(config, { seed: 6 });
        const [weights, state] = [await other.getParameters(), await trainer.getState()];
        await trainer.step(batch);
        if (name === 'setParameters') await unet.setParameters(weights);
        else if (name === 'setState') trainer.setState({ ...state, weights });
        else {
          submit(gpu, (encoder) => {
            const { parameterBuffer } = other;
            encoder.copyBufferToBuffer(parameterBuffer, 0, unet.parameterBuffer, 0, parameterBuffer.size);
            unet.encodePack(encoder);
          });
        }
        return [...(await two(trainer))];
      });
    const steps = async (trainer: Trainer) => [await trainer.step(batch), await trainer.step(batch)];
    const submitted = (encoder: GPUCommandEncoder) => gpu.device.queue.submit([encoder.finish()]);

    test('after a recorded step that is dropped, or refused, too', async () => {
      const expected = await losses(steps);
      const dropped = losses((trainer) => {
        recorded(trainer);
        return steps(trainer);
      });
      expect(await dropped).toEqual(expected);
      const refused = losses(async (trainer) => {
        const encoder = recorded(trainer);
        const gone = gpu.device.createBuffer({ size: 4, usage: GPUBufferUsage.COPY_DST });
        encoder.clearBuffer(gone);
        gone.destroy();
        gpu.device.pushErrorScope('validation');
        submitted(encoder);
        expect(await gpu.device.popErrorScope()).not.toBeNull();
        return steps(trainer);
      });
      expect(await refused).toEqual(expected);
    });

    test('by recorded steps, each once, whichever of them run', async () => {
      const expected = await losses(steps);
      const both = losses((trainer) => {
        for (const encoder of [recorded(trainer), recorded(trainer)]) submitted(encoder);
        return trainer.readLosses(2);
      });
      expect(await both).toEqual(expected);
      const second = losses(async (trainer) => {
        recorded(trainer);
        submitted(recorded(trainer));
        return [...(await trainer.readLosses()), await trainer.step(batch)];
      });
      expect(await second).toEqual(expected);
    });
  },
);

test('weights that setParameters puts in during the loop of a fit are trained from the next submission on', async () => {
  // At this rate, 120 steps change no weight by more than 0.00012.
  await withTrainer({ ...options, learningRate: 1e-6 }, async (trainer, unet) => {
    using other = await engine.createUNet(config, { seed: 6 });
    const weights = await other.getParameters();
    engine.maxSubmitMilliseconds = 1;
    for await (const { step } of trainer.fit(dataset, { epochs: 40, seed: 1 }))
      if (step === 2) await unet.setParameters(weights);
    engine.maxSubmitMilliseconds = 300;
    const trained = (await trainer.getState()).weights!;
    for (const [name, values] of weights)
      for (const [k, value] of values.entries())
        expect(Math.abs(trained.get(name)![k] - value), name).toBeLessThan(1e-3);
  });
});

test.each([
  { name: 'its own weights', hasWeights: true },
  { name: 'the weights of the UNet', hasWeights: false },
])(
  'a state with $name that the device refuses at first is brought by the next step',
  async ({ hasWeights }) => {
    const losses = (isRefused: boolean) =>
      withTrainer(options, async (trainer) => {
        using other = await engine.createUNet(config, { seed: 6 });
        const weights = hasWeights ? await other.getParameters() : undefined;
        const state = await trainer.getState();
        await trainer.step(batch);
        const submit = vi.spyOn(gpu.device.queue, 'submit');
        if (isRefused)
          submit.mockImplementationOnce(() => {
            throw new TypeError('refused');
          });
        trainer.setState({ ...state, weights });
        submit.mockRestore();
        return [await trainer.step(batch), await trainer.step(batch)];
      });
    expect(await losses(true)).toEqual(await losses(false));
  },
);

test('weights that a second trainer leaves are trained by the first one from then on', async () => {
  await withTrainer(options, async (trainer, unet) => {
    await trainer.step(batch);
    const second = await engine.createTrainer(unet, { ...options, average: undefined });
    await second.step(batch);
    second.destroy();
    expect((await trainer.getState()).weights).toEqual(await unet.getParameters());
  });
});

test('a second trainer that is destroyed before it trains costs the first one no weights', async () => {
  const losses = (isThereAnother: boolean) =>
    withTrainer(options, async (trainer, unet) => {
      const first = await trainer.step(batch);
      if (isThereAnother) (await engine.createTrainer(unet, options)).destroy();
      return [first, await trainer.step(batch)];
    });
  expect(await losses(true)).toEqual(await losses(false));
});

test('setState without averaged weights takes the UNet’s, and with them needs an average', async () => {
  const state = await withTrainer(options, async (trainer) => {
    await trainer.step(batch);
    return await trainer.getState();
  });
  await withTrainer({ ...options, average: undefined }, async (trainer) => {
    await refused(() => trainer.setState(state), 'argument', 'average: {}');
  });
  await withTrainer(options, async (trainer, unet) => {
    const { weights: _, ...rest } = state;
    trainer.setState(rest);
    expect((await trainer.getState()).weights).toEqual(await unet.getParameters());
    await refused(
      () => trainer.setState({ ...state, weights: new Map() }),
      'argument',
      'weights of down.0.kernel',
    );
  });
});
