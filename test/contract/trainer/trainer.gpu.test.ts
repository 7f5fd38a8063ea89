/** The trainer as its users see it: fitting, recording, losses, and what ends it early. */
import { describe, expect, test, vi } from 'vitest';
import { Dataset } from '../../../src/data/dataset';
import { createEngine } from '../../../src/engine';
import { Gpu } from '../../../src/gpu/gpu';
import type { FitOptions } from '../../../src/training/options';
import type { Trainer } from '../../../src/training/trainer';
import { memoryCache } from '../../../src/trust/cache';
import { testGpu } from '../../lib/gpu';
import { afterSubmissions, bufferOf, roomFor, submit } from '../../lib/on_gpu';
import { refused } from '../../lib/refused';
import {
  BATCH,
  batchOf,
  conditionedNetwork,
  eventsOf,
  images,
  lossesOf,
  network,
  SIZE,
  setUp,
} from '../../lib/small_trainer';

const { gpu } = await testGpu();

const setUpAll = async () => ({ ...(await setUp(gpu)), dataset: await Dataset.create(gpu, images) });

/** A submission for each dispatch, and so one step at a time: no step is submitted before the loop has seen the one before it. */
function stepByStep(): void {
  gpu.pacer.maxMilliseconds = 1e-6;
  vi.spyOn(gpu.pacer, 'outlastsWord').mockReturnValue(true);
}

describe('fit', () => {
  test('that is aborted is busy until its iterator returns', async () => {
    const { trainer, dataset } = await setUpAll();
    const abort = new AbortController();
    const fit = trainer.fit(dataset, { epochs: 9, signal: abort.signal });
    await fit.next();
    abort.abort('enough');
    await refused(trainer.step(batchOf(1)), 'busy', 'call return() of its iterator');
    await fit.return();
    await trainer.step(batchOf(1));
  });

  test('and others with a signal that is aborted already make no step', async () => {
    const { trainer, dataset } = await setUpAll();
    const signal = AbortSignal.abort('no');
    for (const call of [
      () => trainer.fit(dataset, { epochs: 1, signal }).next(),
      () => trainer.evaluate(dataset, { signal }),
      () => trainer.prepare(dataset, { signal }),
    ])
      await expect(call()).rejects.toBe('no');
    expect((await trainer.getState()).step).toBe(0);
  });

  test('takes a learning rate that is set in its loop from the next step on', async () => {
    const { unet, trainer, dataset } = await setUpAll();
    const kernels: (Float32Array | undefined)[] = [];
    const rates: number[] = [];
    stepByStep();
    for await (const { step, learningRate } of trainer.fit(dataset, { epochs: 1 })) {
      kernels.push((await unet.getParameters()).get('up.0.kernel'));
      rates.push(learningRate);
      trainer.learningRate = step === 1 ? 1e-12 : 0.01;
    }
    expect(rates).toEqual([0.001, 1e-12, 0.01].map(Math.fround));
    expect(kernels[1]).toEqual(kernels[0]);
    expect(kernels[2]).not.toEqual(kernels[1]);
  });

  test.each<Partial<FitOptions>>([{ seed: 2 }, { binarize: false }])(
    'a second time, with %j, gives what a fresh trainer gives',
    async (other) => {
      const one = await setUpAll();
      await eventsOf(one.trainer.fit(one.dataset, { epochs: 1, seed: 1 }));
      const fresh = await setUpAll();
      await fresh.unet.setParameters(await one.unet.getParameters());
      fresh.trainer.setState(await one.trainer.getState());
      const losses = ({ trainer, dataset }: typeof one) =>
        lossesOf(trainer.fit(dataset, { epochs: 2, seed: 1, ...other }));
      expect(await losses(one)).toEqual(await losses(fresh));
    },
  );

  test('and step miss steps that a driver loses', async () => {
    const create = gpu.device.createShaderModule.bind(gpu.device);
    vi.spyOn(gpu.device, 'createShaderModule').mockImplementation(({ code, ...rest }) =>
      create({ ...rest, code: code.replace('state.step += 1u', 'state.step += 0u') }),
    );
    // One of its own, that has no shaders yet.
    const { trainer } = await setUp(new Gpu(gpu.device));
    const dataset = await Dataset.create(gpu, images);
    const fit = eventsOf(trainer.fit(dataset, { epochs: 1, maxSteps: 1 }));
    await refused(fit, 'shader', 'the GPU made 0');
    await refused(trainer.step(batchOf(1)), 'shader', 'the GPU made 0');
  });

  test('names a step that was recorded before it, and is submitted in its loop, as the possible cause', async () => {
    const { trainer, dataset } = await setUpAll();
    const encoder = gpu.device.createCommandEncoder();
    const room = roomFor(gpu, BATCH * SIZE);
    trainer.encodeStep(encoder, { noisy: room, target: room });
    const run = async () => {
      const fit = trainer.fit(dataset, { epochs: 12 });
      for await (const { step } of fit) if (step === 2) gpu.device.queue.submit([encoder.finish()]);
    };
    gpu.pacer.maxMilliseconds = 0.01;
    await refused(run, 'shader', 'or a recorded step was submitted meanwhile');
    trainer.destroy();
  });

  test('tells all images a second of all the time that the GPU took', async () => {
    const { trainer, dataset } = await setUpAll();
    let now = 0;
    vi.spyOn(performance, 'now').mockImplementation(() => now);
    const submit = gpu.submit.bind(gpu);
    vi.spyOn(gpu, 'submit').mockImplementation((encoder, load) => {
      if (load) now += 10;
      return submit(encoder, load);
    });
    stepByStep();
    for await (const { step, imagesPerSecond } of trainer.fit(dataset, { epochs: 1 }))
      expect(imagesPerSecond).toBeCloseTo((1000 * Math.min(BATCH * step, images.count)) / now);
    expect(now).toBeGreaterThan(100);
  });

  test('whose device is lost while its loop waits throws in the next step, and the program goes on', async () => {
    const engine = await createEngine({ selfCheck: false });
    const trainer = await engine.createTrainer(await engine.createUNet(network), { batchSize: BATCH });
    const dataset = await engine.createDataset(images);
    await refused(async () => {
      for await (const { step } of trainer.fit(dataset, { epochs: 50 })) {
        if (step !== 2) continue;
        engine.device.destroy();
        // What is under way fails while no caller awaits it.
        await engine.device.lost;
        await trainer.idle;
      }
    }, 'device-lost');
  });

  test('of which the device refuses a part of a step has changed nothing', async () => {
    const { unet, trainer, dataset } = await setUpAll();
    const before = await unet.getParameters();
    gpu.pacer.maxMilliseconds = 1e-6;
    afterSubmissions(gpu, 5, () =>
      vi.spyOn(gpu.device.queue, 'submit').mockImplementationOnce(() => {
        throw new TypeError('refused.');
      }),
    );
    await refused(eventsOf(trainer.fit(dataset, { epochs: 1 })), 'shader', 'refused');
    expect(await unet.getParameters()).toEqual(before);
  });
});

test.each(['getState', 'getGradients', 'readLosses'] as const)(
  'a trainer that is destroyed during %s and another read throws in the latter',
  async (read) => {
    const { trainer } = await setUp(gpu);
    // What was submitted before may still come.
    const first = trainer[read]().catch(() => {});
    const second = trainer.readLosses();
    trainer.destroy();
    await refused(second, 'destroyed');
    await first;
  },
);

test.each(['fit', 'runFor', 'step'] as const)(
  'a trainer that is destroyed while %s compares its kernels leaves nothing behind that another call meets',
  async (name) => {
    let made: Trainer | undefined;
    let compares = false;
    using engine = await createEngine({
      device: gpu.device,
      tuningCache: memoryCache(),
      onProgress({ task }) {
        if (task !== 'comparing' || !made || compares) return;
        compares = true;
        afterSubmissions(engine.gpu, 1, () => made!.destroy());
      },
    });
    using other = await engine.createUNet(network, { seed: 6 });
    await other.predict(new Float32Array(SIZE));
    using unet = await engine.createUNet(network, { seed: 5 });
    const trainer = await engine.createTrainer(unet, { batchSize: BATCH });
    made = trainer;
    // Each step has the order of a new epoch.
    const few = {
      images: images.images.subarray(0, BATCH * SIZE),
      count: BATCH,
      height: 4,
      width: 8,
      channels: 1,
    };
    using dataset = await engine.createDataset(few);
    const work = {
      fit: () => eventsOf(trainer.fit(dataset, { epochs: 5 })),
      runFor: () => trainer.runFor(dataset, { milliseconds: 5000 }),
      step: () => trainer.step(batchOf(1)).then(() => trainer.step(batchOf(1))),
    };
    await refused(work[name](), 'destroyed');
    expect(compares).toBe(true);
    expect(await other.predict(new Float32Array(SIZE))).toHaveLength(SIZE);
  },
);

test.each([
  ['data set', 'fit'],
  ['data set', 'runFor'],
  ['data set', 'evaluate'],
  ['UNet', 'fit'],
] as const)(
  'destroying the %s of %s is an error by its name, and no fault of kernels',
  async (what, name) => {
    const { unet, trainer } = await setUp(gpu);
    const many = { images: new Uint8Array(4000 * SIZE), count: 4000, height: 4, width: 8, channels: 1 };
    const dataset = await Dataset.create(gpu, many);
    const onError = vi.spyOn(trainer, 'onError');
    const work = {
      fit: () => eventsOf(trainer.fit(dataset, { epochs: 100 })),
      runFor: () => trainer.runFor(dataset, { milliseconds: 10_000 }),
      evaluate: () => trainer.evaluate(dataset),
    };
    afterSubmissions(gpu, 1, () => (what === 'UNet' ? unet : dataset).destroy());
    await refused(work[name](), 'destroyed', what);
    for (const [error] of onError.mock.calls) expect(error).toMatchObject({ code: 'destroyed' });
    trainer.destroy();
  },
);

test('encodeStep on buffers does what step does on arrays, told and with fewer images', async () => {
  const batch = { ...batchOf(8, 3), levels: Float32Array.of(0.1, 0.5, 0.9), labels: Uint32Array.of(2, 3, 0) };
  const one = await setUp(gpu, {}, conditionedNetwork);
  const loss = await one.trainer.step(batch);
  const two = await setUp(gpu, {}, conditionedNetwork);
  const [noisy, target, levels, labels] = Object.values(batch).map((values) => bufferOf(gpu, values));
  submit(gpu, (encoder) => two.trainer.encodeStep(encoder, { noisy, target, levels, labels, count: 3 }));
  expect([...(await two.trainer.readLosses(1))]).toEqual([loss]);
  expect(await two.unet.getParameters()).toEqual(await one.unet.getParameters());
});

describe('readLosses', () => {
  test('gives the losses only of steps that this trainer made', async () => {
    const { trainer } = await setUp(gpu);
    const losses = async () => [...(await trainer.readLosses(5))];
    expect(await losses()).toEqual([]);
    const first = await trainer.step(batchOf(1));
    trainer.setState({ ...(await trainer.getState()), step: 200 });
    expect(await losses()).toEqual([]);
    const second = await trainer.step(batchOf(1));
    expect(await losses()).toEqual([second]);
    expect(second).not.toBe(first);
  });

  test('can be called any number of times at once, beside a fit', async () => {
    const { trainer, dataset } = await setUpAll();
    const reads: Promise<Float32Array>[] = [];
    for await (const _ of trainer.fit(dataset, { epochs: 4 }))
      reads.push(trainer.readLosses(2), trainer.readLosses(2));
    for (const losses of await Promise.all(reads)) expect(losses).toHaveLength(2);
  });
});
