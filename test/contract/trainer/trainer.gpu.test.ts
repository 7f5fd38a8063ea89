/** The trainer as its users see it: fitting, aborting, resuming, recording, and its complaints. */
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { Random } from '../../../harness/specs/lib/spec';
import { permutation } from '../../../src/base/random';
import { Dataset } from '../../../src/data/dataset';
import { createEngine } from '../../../src/engine';
import { Gpu } from '../../../src/gpu/gpu';
import { reference as corrupt } from '../../../src/reference/corrupt';
import { Sampler } from '../../../src/sampling/sampler';
import type { FitOptions, TrainingEvent } from '../../../src/training/options';
import { LOSS_RING } from '../../../src/training/step_config';
import { Trainer } from '../../../src/training/trainer';
import { memoryCache } from '../../../src/trust/cache';
import { checkConfig } from '../../../src/unet/config';
import { Predictor } from '../../../src/unet/predictor';
import { UNet } from '../../../src/unet/unet';
import { testGpu } from '../../lib/gpu';
import { afterSubmissions, bufferOf, roomFor, submit } from '../../lib/on_gpu';
import { ReferenceUNet } from '../../lib/reference_unet';
import { refused } from '../../lib/refused';

const { gpu } = await testGpu();

const config = { height: 4, width: 8, widths: [4, 8], kernelSize: 3 };
const size = 4 * 8;
const count = 10;
const images = Uint8Array.from(new Random(5).integers(count * size, 256));
const blank = { noisy: new Float32Array(size), target: new Float32Array(size) };
const createDataset = () => Dataset.create(gpu, { images, count, height: 4, width: 8, channels: 1 });

async function setUp(batchSize = 4) {
  const unet = await UNet.create(gpu, config, { seed: 3 });
  return { unet, trainer: await Trainer.create(gpu, unet, { batchSize }), dataset: await createDataset() };
}

async function collect(events: AsyncIterable<TrainingEvent>): Promise<TrainingEvent[]> {
  const all: TrainingEvent[] = [];
  for await (const event of events) all.push(event);
  return all;
}

describe('fit', () => {
  test.each([
    ['with', false, [1, 1, 1, 2, 2, 2]],
    ['without', true, [1, 1, 2, 2]],
  ])('two epochs %s a smaller last batch agree with the f64 reference', async (_, dropLast, epochs) => {
    const { unet, trainer, dataset } = await setUp();
    const reference = new ReferenceUNet(checkConfig(config), await unet.getParameters());
    const options = { epochs: 2, seed: 42, dropLast };
    // Several steps in a submission, and a second fit that goes on within an epoch.
    const first = await collect(trainer.fit(dataset, { ...options, maxSteps: epochs.length - 1 }));
    const events = [...first, ...(await collect(trainer.fit(dataset, options)))];
    expect(events.map(({ step, epoch }) => [step, epoch])).toEqual(epochs.map((epoch, i) => [i + 1, epoch]));
    for (const { step, epoch, loss } of events) {
      const start = ((step - 1) % (epochs.length / 2)) * 4;
      const n = Math.min(4, count - start);
      const { target, noisy } = corruptedBatch(epoch - 1, step - 1, start, n);
      const expected = reference.train(noisy, target, n);
      expect(Math.abs(loss / expected - 1), `loss of step ${step}`).toBeLessThan(1e-5);
    }
  });

  /** What the corrupt kernel's reference makes of a batch, as [n][height][width][1]. */
  function corruptedBatch(epoch: number, step: number, start: number, n: number) {
    const words = new Uint32Array(images.buffer.slice(0));
    const state = Uint32Array.of(step, start, n, count, 0, 0, 0, 0);
    const sizes = { batch: 4, height: 4, width: 8, channels: 1, imageCount: count };
    const shape = { ...sizes, seed: 42, binarize: true, flow: false };
    const made = corrupt(shape, { images: words, order: permutation(count, 42, epoch), state });
    const unpack = (chwn: ArrayLike<number>) =>
      Float64Array.from({ length: n * size }, (_, i) => chwn[(i % size) * 4 + Math.floor(i / size)]);
    return { target: unpack(made.truth), noisy: unpack(made.noisy) };
  }

  test.each([
    [1, true],
    [3, false],
  ])('images of %i channels become black and white by themselves: %s', async (channels, usual) => {
    const colours = Uint8Array.from(new Random(5).integers(count * size * channels, 256));
    const lossesWith = async (binarize: boolean | undefined) => {
      const unet = await UNet.create(gpu, { ...config, channels }, { seed: 3 });
      const trainer = await Trainer.create(gpu, unet, { batchSize: 4 });
      const dataset = await Dataset.create(gpu, { images: colours, count, height: 4, width: 8, channels });
      const events = await collect(trainer.fit(dataset, { epochs: 1, binarize }));
      const { loss } = await trainer.evaluate(dataset, { binarize });
      return [...events.map((event) => event.loss), loss];
    };
    const byDefault = await lossesWith(undefined);
    expect(byDefault).toEqual(await lossesWith(usual));
    expect(byDefault).not.toEqual(await lossesWith(!usual));
  });

  test('a fit that is aborted and goes on gives the losses of an unbroken fit', async () => {
    gpu.pacer.maxMilliseconds = 1e-6; // few steps are under way when it is aborted
    const unbroken = await setUp();
    const expected = await collect(unbroken.trainer.fit(unbroken.dataset, { epochs: 3, seed: 1 }));
    const { trainer, dataset } = await setUp();
    const losses: number[] = [];
    const abort = new AbortController();
    const reason = new Error('enough');
    const run = async () => {
      const fit = trainer.fit(dataset, { epochs: 3, seed: 1, signal: abort.signal });
      for await (const { step, loss } of fit) {
        losses.push(loss);
        if (step === 4) abort.abort(reason);
      }
    };
    await expect(run()).rejects.toBe(reason);
    for await (const { step, loss } of trainer.fit(dataset, { epochs: 3, seed: 1 })) losses[step - 1] = loss;
    expect(losses).toEqual(expected.map((e) => e.loss));
  });

  test.each([{}, { dropLast: true }])('a fit whose epochs are complete is refused: %o', async (options) => {
    const { trainer, dataset } = await setUp();
    const { length } = await collect(trainer.fit(dataset, { epochs: 2, ...options }));
    const again = (epochs: number) => collect(trainer.fit(dataset, { epochs, ...options, seed: 1 }));
    for (const epochs of [1, 2])
      await refused(again(epochs), 'argument', `epochs is ${epochs}, and 2 are complete`, 'Give 3 or more');
    expect((await again(3)).map(({ step }) => step)[0]).toBe(length + 1);
  });

  test('leaving fit’s loop early frees the trainer', async () => {
    const { trainer, dataset } = await setUp();
    for await (const { step } of trainer.fit(dataset, { epochs: 5 })) if (step === 2) break;
    const events = await collect(trainer.fit(dataset, { epochs: 5 }));
    expect(events.at(-1)?.step).toBe(15);
  });

  test('an aborted fit that waits in its loop is busy until its iterator returns', async () => {
    const { trainer, dataset } = await setUp();
    const abort = new AbortController();
    const fit = trainer.fit(dataset, { epochs: 1, signal: abort.signal });
    await fit.next();
    abort.abort();
    await refused(trainer.step(blank), 'busy', 'call return() of its iterator');
    await fit.return();
    await trainer.step(blank);
  });

  test('a signal that is aborted already starts no step', async () => {
    const { trainer, dataset } = await setUp();
    const fit = collect(trainer.fit(dataset, { epochs: 1, signal: AbortSignal.abort('no') }));
    await expect(fit).rejects.toBe('no');
    expect((await trainer.getState()).step).toBe(0);
  });

  /** A submission for each dispatch, and so one step at a time: no step is submitted before the loop has seen the one before it. */
  function stepByStep(): void {
    gpu.pacer.maxMilliseconds = 1e-6;
    vi.spyOn(gpu.pacer, 'outlastsWord').mockReturnValue(true);
  }

  test('a learning rate that is set in the loop counts from the next step on', async () => {
    const { unet, trainer, dataset } = await setUp();
    const kernels: (Float32Array | undefined)[] = [];
    const rates: number[] = [];
    const kernel = async () => (await unet.getParameters()).get('up.0.kernel');
    stepByStep();
    for await (const { step, learningRate } of trainer.fit(dataset, { epochs: 1 })) {
      kernels.push(await kernel());
      rates.push(learningRate);
      trainer.learningRate = step === 1 ? 1e-12 : 0.01;
    }
    expect(rates).toEqual([0.001, 1e-12, 0.01].map(Math.fround));
    expect(kernels[1]).toEqual(kernels[0]);
    expect(kernels[2]).not.toEqual(kernels[1]);
  });

  test.each<Partial<FitOptions>>([{ seed: 2 }, { binarize: false }])(
    'a second fit with %j gives what a fresh trainer gives',
    async (other) => {
      const { unet, trainer, dataset } = await setUp();
      await collect(trainer.fit(dataset, { epochs: 1, seed: 1 }));
      const fresh = await setUp();
      await fresh.unet.setParameters(await unet.getParameters());
      fresh.trainer.setState(await trainer.getState());
      const losses = async (run: { trainer: Trainer; dataset: Dataset }) =>
        (await collect(run.trainer.fit(run.dataset, { epochs: 2, seed: 1, ...other }))).map((e) => e.loss);
      expect(await losses({ trainer, dataset })).toEqual(await losses(fresh));
    },
  );

  test('steps that a driver loses are an error of fit and step', async () => {
    const create = gpu.device.createShaderModule.bind(gpu.device);
    vi.spyOn(gpu.device, 'createShaderModule').mockImplementation(({ code, ...rest }) =>
      create({ ...rest, code: code.replace('state.step += 1u', 'state.step += 0u') }),
    );
    // One of its own, that has no shaders yet.
    const faulty = new Gpu(gpu.device);
    const unet = await UNet.create(faulty, config);
    const trainer = await Trainer.create(faulty, unet, { batchSize: 4 });
    const dataset = await createDataset();
    const fit = collect(trainer.fit(dataset, { epochs: 1, seed: 1, maxSteps: 1 }));
    await refused(fit, 'shader', 'the GPU made 0');
    const images = new Float32Array(4 * size);
    await refused(trainer.step({ noisy: images, target: images }), 'shader', 'the GPU made 0');
  });

  test('a step that was recorded before a fit and is submitted in its loop is named as the possible cause', async () => {
    const { trainer, dataset } = await setUp();
    const [noisy, target] = [roomFor(gpu, 4 * size), roomFor(gpu, 4 * size)];
    const encoder = gpu.device.createCommandEncoder();
    trainer.encodeStep(encoder, { noisy, target });
    const run = async () => {
      const fit = trainer.fit(dataset, { epochs: 12 });
      for await (const { step } of fit) if (step === 2) gpu.device.queue.submit([encoder.finish()]);
    };
    gpu.pacer.maxMilliseconds = 0.01;
    await refused(run, 'shader', 'or a recorded step was submitted meanwhile');
    trainer.destroy();
  });

  test('images per second are all images, divided by all the time that the GPU took', async () => {
    const { trainer, dataset } = await setUp();
    let now = 0;
    vi.spyOn(performance, 'now').mockImplementation(() => now);
    const submit = gpu.submit.bind(gpu);
    vi.spyOn(gpu, 'submit').mockImplementation((encoder, load) => {
      if (load) now += 10;
      return submit(encoder, load);
    });
    stepByStep();
    for await (const { step, imagesPerSecond } of trainer.fit(dataset, { epochs: 1 }))
      expect(imagesPerSecond).toBeCloseTo((1000 * Math.min(4 * step, count)) / now);
    expect(now).toBeGreaterThan(100);
  });

  test('a learning rate can change between two fits', async () => {
    const { unet, trainer, dataset } = await setUp();
    trainer.learningRate = 1e-12;
    const before = await unet.getParameters();
    await collect(trainer.fit(dataset, { epochs: 1 }));
    const frozen = await unet.getParameters();
    expect(frozen.get('up.0.kernel')).toEqual(before.get('up.0.kernel'));
    trainer.learningRate = 0.01;
    await collect(trainer.fit(dataset, { epochs: 2 }));
    expect((await unet.getParameters()).get('up.0.kernel')).not.toEqual(before.get('up.0.kernel'));
  });
});

describe('a training run that is interrupted', () => {
  /** A training run on a device of its own. */
  async function setUpAlone() {
    const engine = await createEngine({ selfCheck: false });
    const unet = await engine.createUNet(config);
    const trainer = await engine.createTrainer(unet, { batchSize: 4 });
    const dataset = await engine.createDataset({ images, count, height: 4, width: 8, channels: 1 });
    return { engine, unet, trainer, dataset };
  }

  test('by the loss of its device gets the error in its next step, and the program goes on', async () => {
    const { engine, trainer, dataset } = await setUpAlone();
    await refused(async () => {
      for await (const { step } of trainer.fit(dataset, { epochs: 50 })) {
        if (step !== 2) continue;
        engine.device.destroy();
        // Time for what is under way to fail while no caller awaits it.
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
    }, 'device-lost');
  });

  describe.each([
    ['several steps a submission', 300],
    ['a submission for each dispatch', 1e-6],
  ])('with %s', (_, maxMilliseconds) => {
    beforeEach(() => {
      gpu.pacer.maxMilliseconds = maxMilliseconds;
    });

    test.each(['trainer', 'dataset', 'unet'] as const)('by destroying the %s throws in fit', async (what) => {
      for (const n of [1, 4, 13]) {
        const all = await setUp();
        const submissions = afterSubmissions(gpu, n, () => all[what].destroy());
        await refused(collect(all.trainer.fit(all.dataset, { epochs: 30 })), 'destroyed');
        // Of ninety steps, only what is under way is submitted; of a step in parts, the rest.
        expect(submissions(), `after ${n}`).toBeLessThanOrEqual(n + (maxMilliseconds < 1 ? 60 : 4));
        vi.restoreAllMocks();
      }
    });

    test.each(['trainer', 'dataset', 'unet'] as const)('by a loop destroying the %s throws', async (what) => {
      for (const last of [1, 2, 4]) {
        const all = await setUp();
        const seen: number[] = [];
        const run = async () => {
          for await (const { step } of all.trainer.fit(all.dataset, { epochs: 2 })) {
            seen.push(step);
            if (step === last) all[what].destroy();
          }
        };
        await refused(run, 'destroyed');
        expect(seen.at(-1)).toBe(last);
      }
    });

    test('by destroying trainer or UNet throws in step', async () => {
      for (const what of ['trainer', 'unet'] as const) {
        for (const n of [1, 2, 9]) {
          const all = await setUp();
          afterSubmissions(gpu, n, () => all[what].destroy());
          const end = await all.trainer.step(blank).catch(({ code }) => code);
          // What was submitted may still come, and a short step is one submission.
          if (maxMilliseconds < 1 || typeof end !== 'number') expect(end, `after ${n}`).toBe('destroyed');
          vi.restoreAllMocks();
        }
      }
    });
  });

  test('by destroying the trainer while state, gradients or losses are read throws in each read', async () => {
    for (const read of ['getState', 'getGradients', 'readLosses'] as const) {
      const { trainer } = await setUp();
      const reading = trainer[read]();
      const later = trainer.readLosses();
      trainer.destroy();
      // What was submitted before may still come.
      const results = await Promise.allSettled([reading, later]);
      const errors = results.flatMap((r) => (r.status === 'rejected' ? [r.reason] : []));
      expect(errors.length).toBeGreaterThan(0);
      for (const error of errors) expect(error).toMatchObject({ name: 'EngineError', code: 'destroyed' });
    }
  });

  test.each(['fit', 'runFor', 'step'] as const)(
    'by destroying the trainer while %s compares its kernels leaves nothing behind that another call meets',
    async (name) => {
      let made: Trainer | undefined;
      let compares = false;
      using engine = await createEngine({
        device: gpu.device,
        tuningCache: memoryCache(),
        onProgress({ task }) {
          if (task !== 'comparing' || !made || compares) return;
          compares = true;
          setTimeout(() => made!.destroy());
        },
      });
      using other = await engine.createUNet(config, { seed: 6 });
      await other.predict(new Float32Array(size));
      using unet = await engine.createUNet(config, { seed: 5 });
      const trainer = await engine.createTrainer(unet, { batchSize: 4 });
      made = trainer;
      const few = { images: images.subarray(0, 4 * size), count: 4, height: 4, width: 8, channels: 1 };
      using dataset = await engine.createDataset(few);
      const batch = { noisy: new Float32Array(4 * size), target: new Float32Array(4 * size) };
      const work = {
        fit: () => collect(trainer.fit(dataset, { epochs: 5 })),
        runFor: () => trainer.runFor(dataset, { milliseconds: 5000 }),
        step: () => trainer.step(batch).then(() => trainer.step(batch)),
      };
      await refused(work[name](), 'destroyed');
      expect(compares).toBe(true);
      expect(await other.predict(new Float32Array(size))).toHaveLength(size);
    },
  );

  test('by an abort and a destruction ends with the abort', async () => {
    const { trainer, dataset } = await setUp();
    const abort = new AbortController();
    const run = async () => {
      for await (const _ of trainer.fit(dataset, { epochs: 30, signal: abort.signal })) {
        abort.abort('enough');
        trainer.destroy();
      }
    };
    await expect(run()).rejects.toBe('enough');
  });

  test('by destroying its data set is refused in the next fit', async () => {
    const { trainer, dataset } = await setUp();
    await collect(trainer.fit(dataset, { epochs: 1 }));
    dataset.destroy();
    await refused(collect(trainer.fit(dataset, { epochs: 2 })), 'destroyed');
  });

  test.each(['fit', 'runFor', 'evaluate'] as const)(
    'by destroying its data set during %s ends with the name of the data set, and not as a fault of kernels',
    async (name) => {
      const { trainer } = await setUp();
      const many = { images: new Uint8Array(4000 * size), count: 4000, height: 4, width: 8, channels: 1 };
      const dataset = await Dataset.create(gpu, many);
      const onError = vi.spyOn(trainer, 'onError');
      const work = {
        fit: () => collect(trainer.fit(dataset, { epochs: 100 })),
        runFor: () => trainer.runFor(dataset, { milliseconds: 10_000 }),
        evaluate: () => trainer.evaluate(dataset),
      };
      afterSubmissions(gpu, 1, () => dataset.destroy());
      const ended = work[name]();
      await refused(ended, 'destroyed', 'data set');
      for (const [error] of onError.mock.calls) expect(error).toMatchObject({ code: 'destroyed' });
      trainer.destroy();
    },
  );

  test('by destroying an engine that owns its device throws', async () => {
    for (const n of [1, 2]) {
      const { engine, trainer, dataset } = await setUpAlone();
      const run = async () => {
        for await (const { step } of trainer.fit(dataset, { epochs: 30 })) if (step === n) engine.destroy();
      };
      await refused(run, 'destroyed');
    }
  });

  test('by a device that refuses a part of a step has changed nothing, and the next fit goes on', async () => {
    const { unet, trainer, dataset } = await setUp();
    const before = await unet.getParameters();
    const usual = gpu.pacer.maxMilliseconds;
    gpu.pacer.maxMilliseconds = 1e-6;
    const { queue } = gpu.device;
    const submit = queue.submit.bind(queue);
    let submissions = 0;
    vi.spyOn(queue, 'submit').mockImplementation((commands) => {
      if ([...commands].length > 0 && ++submissions === 6) throw new TypeError('refused.');
      submit(commands);
    });
    await refused(collect(trainer.fit(dataset, { epochs: 1 })), 'shader', 'refused');
    vi.restoreAllMocks();
    gpu.pacer.maxMilliseconds = usual;
    expect(await unet.getParameters()).toEqual(before);
    expect((await collect(trainer.fit(dataset, { epochs: 1 }))).map(({ step }) => step)).toEqual([1, 2, 3]);
  });

  test('by an abort takes the started step back, but not the learning rate that was set meanwhile', async () => {
    const { unet, trainer, dataset } = await setUp();
    const usual = gpu.pacer.maxMilliseconds;
    gpu.pacer.maxMilliseconds = 1e-6; // a submission for each dispatch
    const abort = new AbortController();
    afterSubmissions(gpu, 16, () => {
      trainer.learningRate = 1e-12;
      abort.abort('enough');
    });
    const fit = collect(trainer.fit(dataset, { epochs: 1, signal: abort.signal }));
    await expect(fit).rejects.toBe('enough');
    vi.restoreAllMocks();
    gpu.pacer.maxMilliseconds = usual;
    const fresh = await setUp();
    expect(await trainer.getState()).toEqual(await fresh.trainer.getState());
    await collect(trainer.fit(dataset, { epochs: 1, maxSteps: 1 }));
    const name = 'up.0.kernel';
    expect((await unet.getParameters()).get(name)).toEqual((await fresh.unet.getParameters()).get(name));
  });
});

describe('recording a step', () => {
  test('encodeStep on GPU buffers does what step does on arrays', async () => {
    const random = new Random(8);
    const batch = { noisy: random.floats(3 * size, 0, 1), target: random.floats(3 * size, 0, 1) };
    const one = await setUp();
    const loss = await one.trainer.step(batch);
    const two = await setUp();
    const buffers = { noisy: bufferOf(gpu, batch.noisy), target: bufferOf(gpu, batch.target) };
    submit(gpu, (encoder) => two.trainer.encodeStep(encoder, { ...buffers, count: 3 }));
    expect([...(await two.trainer.readLosses(1))]).toEqual([loss]);
    expect(await two.unet.getParameters()).toEqual(await one.unet.getParameters());
  });

  test('fit and step allocate nothing after the first ones', async () => {
    const { trainer, dataset } = await setUp();
    await collect(trainer.fit(dataset, { epochs: 1 }));
    await trainer.step(blank);
    const created = vi.spyOn(gpu.device, 'createBuffer');
    await collect(trainer.fit(dataset, { epochs: 4 }));
    await trainer.step(blank);
    await trainer.readLosses(3);
    expect(created.mock.calls).toEqual([]);
  });
});

describe('the state of a trainer', () => {
  test('getState, setState and the parameters are the whole run', async () => {
    const one = await setUp();
    await collect(one.trainer.fit(one.dataset, { epochs: 1, seed: 2 }));
    const saved = { state: await one.trainer.getState(), parameters: await one.unet.getParameters() };
    const rest = await collect(one.trainer.fit(one.dataset, { epochs: 3, seed: 2 }));
    const two = await setUp();
    await two.unet.setParameters(saved.parameters);
    two.trainer.setState(saved.state);
    const resumed = await collect(two.trainer.fit(two.dataset, { epochs: 3, seed: 2 }));
    expect(resumed.map((e) => e.loss)).toEqual(rest.map((e) => e.loss));
    expect(await two.unet.getParameters()).toEqual(await one.unet.getParameters());
  });

  test('is refused where it is not whole, which changes nothing', async () => {
    const { trainer } = await setUp();
    const before = await trainer.getState();
    const ones = new Map([...before.moment1].map(([name, values]) => [name, values.map(() => 1)]));
    const state = {
      ...before,
      step: 7,
      corrections: Float32Array.of(0.5, 0.5),
      moment1: ones,
      moment2: ones,
    };
    for (const [change, fact] of [
      [{ corrections: undefined }, 'corrections has no values'],
      [{ corrections: Float32Array.of(0.5) }, 'corrections has 1 values'],
      [{ moment1: Object.fromEntries(ones) }, 'moment1 is of type Object; it must be a Map'],
      [{ moment2: undefined }, 'moment2 is of type Undefined'],
      [{ moment2: new Map([...ones].slice(1)) }, 'moment2 of down.0.kernel has no values'],
    ] as const) {
      await refused(() => trainer.setState({ ...state, ...change } as never), 'argument', fact);
    }
    expect(await trainer.getState()).toEqual(before);
  });
});

describe('the settings of Adam', () => {
  test('are part of a trainer’s state, which a trainer with other settings refuses', async () => {
    const unet = await UNet.create(gpu, config, { seed: 3 });
    const adam = { beta1: 0.5, beta2: 0.99, epsilon: 1e-5, weightDecay: 0.25 };
    const state = await (await Trainer.create(gpu, unet, { batchSize: 4, ...adam })).getState();
    expect(state.adam).toEqual(adam);
    (await Trainer.create(gpu, unet, { batchSize: 4, ...state.adam })).setState(state);
    for (const name of ['beta1', 'beta2', 'epsilon', 'weightDecay'] as const) {
      const trainer = await Trainer.create(gpu, unet, { batchSize: 4, ...adam, [name]: 0.75 });
      const before = await trainer.getState();
      await refused(
        () => trainer.setState({ ...state, step: 7 }),
        'argument',
        `${name} ${adam[name]}`,
        '0.75',
      );
      expect(await trainer.getState()).toEqual(before);
    }
  });
});

describe('readLosses', () => {
  const batch = { noisy: new Float32Array(size), target: new Float32Array(size).fill(1) };

  test('gives the losses only of steps that this trainer made', async () => {
    const { trainer } = await setUp();
    expect([...(await trainer.readLosses(5))]).toEqual([]);
    const first = await trainer.step(batch);
    trainer.setState({ ...(await trainer.getState()), step: 200 });
    expect([...(await trainer.readLosses(5))]).toEqual([]);
    const second = await trainer.step(batch);
    expect([...(await trainer.readLosses(5))]).toEqual([second]);
    expect(second).not.toBe(first);
    await refused(trainer.readLosses(1025), 'argument', 'count is 1025');
  });

  test('gives losses across the end of the ring in which they are kept', async () => {
    const { trainer } = await setUp();
    const expected: number[] = [];
    for (let i = 0; i < 8; i++) expected.push(await trainer.step(batch));
    const later = await setUp();
    later.trainer.setState({ ...(await later.trainer.getState()), step: LOSS_RING - 4 });
    for (let i = 0; i < 8; i++) await later.trainer.step(batch);
    expect([...(await later.trainer.readLosses(8))]).toEqual(expected);
  });

  test('can be called any number of times at once', async () => {
    const { trainer, dataset } = await setUp();
    const expected = (await collect(trainer.fit(dataset, { epochs: 1 }))).map(({ loss }) => loss);
    const counts = [3, 1, 2, 3, 1, 2, 3];
    const read = await Promise.all(counts.map((n) => trainer.readLosses(n)));
    expect(read.map((losses) => [...losses])).toEqual(counts.map((n) => expected.slice(3 - n)));
  });

  test('can be called beside a fit', async () => {
    const { trainer, dataset } = await setUp();
    const reads: Promise<Float32Array>[] = [];
    for await (const { step } of trainer.fit(dataset, { epochs: 4 })) {
      if (step > 3) reads.push(trainer.readLosses(2), trainer.readLosses(2));
    }
    for (const losses of await Promise.all(reads)) expect(losses).toHaveLength(2);
  });
});

describe('what a trainer refuses:', () => {
  test('options out of range, and the error names the option and the legal range', async () => {
    const { unet, trainer, dataset } = await setUp();
    for (const [options, fact] of [
      [{ batchSize: 0 }, 'batchSize is 0'],
      [{ batchSize: 2.5 }, 'batchSize is 2.5'],
      [{ learningRate: NaN }, 'learningRate is NaN'],
      [{ learningRate: -1 }, 'learningRate is -1'],
      [{ learningRate: '0.01' as never }, 'learningRate is "0.01"'],
      [{ batchSize: '4' as never }, 'batchSize is "4"'],
      [{ beta2: 1 }, 'beta2 is 1'],
      [{ variants: { 'conv2d/down.0': 'none' } }, 'no variant none'],
      [{ batchsize: 4 } as object, 'no setting batchsize'],
      [{ kernelSize: 5 } as object, 'no setting kernelSize'],
    ] as const) {
      await refused(Trainer.create(gpu, unet, options), 'argument', fact);
    }
    for (const [options, fact] of [
      [{ epochs: 0 }, 'epochs is 0'],
      [{ epochs: 1, seed: -1 }, 'seed is -1'],
      [{ epochs: 1, maxSteps: -1 }, 'maxSteps is -1'],
      [{ epochs: 1, maxSteps: 0.5 }, 'maxSteps is 0.5'],
      [{ epochs: 1, maxStep: 1 } as FitOptions, 'no setting maxStep'],
    ] as const)
      await refused(collect(trainer.fit(dataset, options)), 'argument', fact);
  });

  test('no settings that are undefined: they get their defaults', async () => {
    const { unet, trainer } = await setUp();
    const undefinedOnes = { beta1: undefined, beta2: undefined, epsilon: undefined, learningRate: undefined };
    const other = await Trainer.create(gpu, await UNet.create(gpu, config, { seed: 3 }), {
      batchSize: 4,
      ...undefinedOnes,
    });
    const batch = { noisy: new Float32Array(size), target: new Float32Array(size).fill(1) };
    for (const t of [trainer, other]) await t.step(batch);
    expect(await other.unet.getParameters()).toEqual(await unet.getParameters());
  });

  test('batches and data sets of another size', async () => {
    const { trainer } = await setUp();
    const floats = (n: number) => new Float32Array(n);
    await refused(
      trainer.step({ noisy: floats(5 * size), target: floats(5 * size) }),
      'argument',
      '5 images',
    );
    await refused(
      trainer.step({ noisy: floats(2 * size), target: floats(2 * size - 1) }),
      'argument',
      'target',
    );
    using other = await Dataset.create(gpu, {
      images: new Uint8Array(16),
      count: 1,
      height: 4,
      width: 4,
      channels: 1,
    });
    await refused(collect(trainer.fit(other, { epochs: 1 })), 'data', '4x4x1');
  });

  test('two steps at once, and use after destroy', async () => {
    const { unet, trainer, dataset } = await setUp();
    const first = trainer.step(blank);
    await refused(trainer.step(blank), 'busy');
    await first;
    trainer.destroy();
    trainer.destroy();
    await refused(trainer.step(blank), 'destroyed');
    await refused(collect(trainer.fit(dataset, { epochs: 1 })), 'destroyed');
    unet.destroy();
    await refused(unet.getParameters(), 'destroyed');
  });

  test('a data set that no buffer can hold', async () => {
    const { maxBufferSize, maxStorageBufferBindingSize } = gpu.device.limits;
    const count = Math.floor(Math.min(maxBufferSize, maxStorageBufferBindingSize) / 2 ** 20) + 1;
    // Nothing but this is looked at.
    const length = count * 2 ** 20;
    const images = { [Symbol.toStringTag]: 'Uint8Array', length } as Uint8Array;
    const set = { images, count, height: 1024, width: 1024, channels: 1 };
    await refused(
      Dataset.create(gpu, set),
      'limit',
      'fewer or smaller images',
      'maxStorageBufferBindingSize',
    );
  });

  test('a batch that no buffer can hold', async () => {
    using unet = await UNet.create(gpu, { height: 64, width: 64, widths: [32] });
    await refused(Trainer.create(gpu, unet, { batchSize: 4096 }), 'limit', 'smaller batch', 'requestDevice');
  });

  test.each([
    ['batchSize', (unet: UNet, n: number) => Trainer.create(gpu, unet, { batchSize: n })],
    ['count', (unet: UNet, n: number) => Sampler.create(gpu, unet, { count: n })],
    ['count', (unet: UNet, n: number) => Predictor.create(gpu, unet.weights, { count: n })],
  ])('a %s too large; the error names the largest one that fits: %#', async (option, create) => {
    using unet = await UNet.create(gpu, { height: 8, width: 8, widths: [8] });
    const real = gpu.device.limits;
    const limits = { maxBufferSize: 2 ** 18, maxStorageBufferBindingSize: 2 ** 18 };
    Object.defineProperty(gpu.device, 'limits', {
      value: new Proxy(real, {
        get: (_, name: 'maxBufferSize') => limits[name] ?? real[name],
      }),
      configurable: true,
    });
    try {
      const { message } = await refused(create(unet, 1000), 'limit');
      const largest = Number(new RegExp(` Here ${option} can be up to (\\d+)\\.$`).exec(message)?.[1]);
      expect(largest).toBeGreaterThan(10);
      using made = await create(unet, largest);
      expect(made.bytes).toBeGreaterThan(0);
      await refused(create(unet, largest + 1), 'limit');
    } finally {
      Object.defineProperty(gpu.device, 'limits', { value: real, configurable: true });
    }
  });
});
