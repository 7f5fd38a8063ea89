/** Training in a worker, without the page: over a channel, in one thread. Real workers are in real_worker.test.ts. */
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { EngineError, loadModel, recipes } from '../../../src';
import { loadCheckpoint } from '../../../src/weights/checkpoint';
import { encodeSafetensors } from '../../../src/weights/encode';
import { decodeSafetensors } from '../../../src/weights/safetensors';
import { type CallContext, createWorkerClient, serve, type WorkerClient } from '../../../src/worker';
import type { ClientSampleOptions } from '../../../src/worker/client';
import type { ServeOptions } from '../../../src/worker/serve_options';
import { watchBuffers } from '../../lib/buffers';
import { mainlyIn, testGpu } from '../../lib/gpu';
import { makeHostile } from '../../lib/hostile/hostile_device';
import { refused } from '../../lib/refused';
import { heard, listenersOf, lossesOf, runAlone } from '../../lib/worker/alone';
import { losableGpu } from '../../lib/worker/losable';
import { images, run, STEPS } from '../../lib/worker/tiny';

const { gpu, lane, source } = await testGpu();

const { alone, done } = await runAlone(gpu);

/** A client of a server in this thread. */
function served(options: ServeOptions = {}) {
  const { port1, port2 } = new MessageChannel();
  serve(port2, { store: false, engine: { gpu: source, selfCheck: false }, images: () => images, ...options });
  const client = createWorkerClient(port1);
  onTestFinished(async () => {
    await client.reset().catch(() => {});
    client.destroy();
    port2.close();
  });
  return { client, losses: lossesOf(client) };
}

/**
 * A host whose run waits, `times` times, after step `step` or a later one until it is interrupted, or `goOn` is called: on a busy machine,
 * too, the run is not over before the test interferes.
 */
function waiting({ step = 1, times = 1 } = {}) {
  let goOn = () => {};
  const host: ServeOptions['host'] = () => ({
    async between(event, signal) {
      if (event.step < step || times-- <= 0) return;
      await new Promise<void>((resolve) => {
        goOn = resolve;
        signal.addEventListener('abort', goOn);
      });
    },
  });
  return { host, goOn: () => goOn() };
}

/** A host whose first run waits, as it is being built, until `goOn` is called: `builds` resolves when its first pipeline is asked for. */
function building() {
  let [asks, goOn] = [() => {}, () => {}];
  const builds = new Promise<void>((resolve) => {
    asks = resolve;
  });
  const held = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  const delays = () => {
    asks();
    return held;
  };
  const host: ServeOptions['host'] = () => ({
    device({ gpu: { device } }) {
      const hostile = makeHostile(device, { delays });
      onTestFinished(() => hostile[Symbol.dispose]());
    },
  });
  return { host, builds, goOn };
}

/** With a run that has begun. */
async function servedRun() {
  const made = served();
  await made.client.begin(run);
  return made;
}

/** One whose devices can be lost. */
function servedLosable(options: Pick<ServeOptions, 'engine' | 'host'> = {}) {
  const { gpu, ...device } = losableGpu();
  const made = served({ ...options, engine: { gpu, selfCheck: false, ...options.engine } });
  /** Loses the last device, and waits until the client knows. */
  const loseAndWait = () => {
    const lost = heard(made.client, 'lost');
    device.lose();
    return lost;
  };
  return { ...made, ...device, loseAndWait };
}

test('a run in a worker gives the losses, weights and samples of a run without a worker', async () => {
  const { client, losses } = served();
  const begun = await client.begin({ ...run, images });
  expect(begun).toMatchObject({
    ...{ step: 0, images: 10, stepsPerEpoch: 3, network: { widths: [4, 8], channels: 1 } },
    settings: { seed: 5, batchSize: 4, learningRate: 0.01, epochs: 8 },
  });
  expect(await client.start()).toEqual(done);
  expect(losses).toEqual(alone.losses);
  expect(loadModel(await client.save()).parameters).toEqual(alone.parameters);
  const steps: number[] = [];
  const made = await client.sample({ steps: 3, seed: 9, count: 2, onStep: (n) => steps.push(n) });
  expect(made).toEqual({ images: alone.samples, count: 2, height: 8, width: 8, channels: 1, seed: 9 });
  expect(steps.at(-1)).toBe(3);
  const frames: Float32Array[] = [];
  await client.sample({ steps: 3, seed: 9, count: 2, onFrame: ({ x }) => frames.push(x) });
  expect(frames).toHaveLength(3);
  expect(frames[2]).toEqual(alone.samples);
  // A polish is one more frame, and no step.
  const counted: number[] = [];
  const shown: number[] = [];
  const order = { steps: 3, method: 'euler', polish: { noises: 2, level: 0.2 }, count: 2, seed: 9 } as const;
  const polished = await client.sample({ ...order, onStep: (n) => counted.push(n) });
  const onFrame: ClientSampleOptions['onFrame'] = ({ step }) => shown.push(step);
  expect(await client.sample({ ...order, onFrame })).toEqual(polished);
  expect([counted.at(-1), shown]).toEqual([3, [0, 1, 2, 3]]);
  await expect(client.sample({ ...order, method: 'mix' })).rejects.toThrow('polish is for the methods');
});

test('the sampling that a run is begun with is the default of sample, and comes back from its files', async () => {
  const sampling = { method: 'mix', steps: 3 } as const;
  const { client } = served();
  await client.begin({ ...run, sampling });
  await client.start();
  expect((await client.sample({ seed: 9, count: 2 })).images).toEqual(alone.samples);
  const [model, checkpoint] = [await client.save(), await client.save('checkpoint')];
  expect(loadModel(model).sampling).toEqual(sampling);
  await client.reset();
  await client.resume({ from: checkpoint });
  expect((await client.sample({ seed: 9, count: 2 })).images).toEqual(alone.samples);
  await client.load(model);
  const made = await client.sample({ network: 'model', seed: 9, count: 2 });
  expect(made.images).toEqual(alone.samples);
  // Without a setting, sampling is the recipe's.
  await client.reset();
  await client.begin(run);
  expect(loadModel(await client.save()).sampling).toEqual(recipes.tutorial.sampling);
  await client.reset();
  const wrong = { ...sampling, steps: 0 };
  await expect(client.begin({ ...run, sampling: wrong })).rejects.toThrow('sampling.steps is 0');
});

test('a run that pauses, makes single steps, samples and goes on from a file gives the same bits', async () => {
  const { client, losses } = served({ host: waiting().host });
  await client.begin(run);
  const started = client.start();
  await heard(client, 'loss');
  const paused = await client.pause();
  expect(await started).toEqual(paused);
  expect(paused).toMatchObject({ complete: false, loss: alone.losses[paused.step - 1] });
  expect(await client.step(2)).toMatchObject({ step: paused.step + 2 });
  const file = await client.save('checkpoint');
  expect(loadCheckpoint(file).losses).toEqual(Float32Array.from(alone.losses.slice(0, paused.step + 2)));
  await client.reset();
  await refused(client.start(), 'argument', /has no run/);
  const resumed = await client.resume({ from: file });
  expect(resumed.step).toBe(paused.step + 2);
  const going = client.start();
  await client.sample({ count: 1, steps: 1 });
  expect(await going).toEqual(done);
  expect(losses).toEqual(alone.losses);
  // More epochs, and a rate that is its own.
  await client.setLearningRate(0.001);
  expect(await client.start({ epochs: 9 })).toMatchObject({ step: STEPS + 3, complete: true });
});

const cosine = { warmup: 3, decay: 'cosine', steps: 9, floor: 0.1 } as const;

test('a schedule and an end that change are in the copies of the run, which goes on with the same bits', async () => {
  const one = served();
  await one.client.begin(run);
  await one.client.step(3);
  await one.client.adjust({ schedule: cosine, maxSteps: 9 });
  expect(await one.client.start()).toMatchObject({ step: 9, complete: true });
  // The first step after the change has the base rate yet, by both.
  expect(one.losses.slice(0, 5)).toEqual(alone.losses.slice(0, 5));
  expect(one.losses[5]).not.toBe(alone.losses[5]);

  const { client, losses } = await servedRun();
  await client.step(3);
  await client.adjust({ schedule: cosine });
  await client.step(2);
  await client.adjust({ maxSteps: 9 });
  const file = await client.save('checkpoint');
  const { training, settings } = loadCheckpoint(file);
  expect(training.schedule).toEqual(cosine);
  expect(settings).toMatchObject({ epochs: 8, maxSteps: 9, learningRate: 0.01, scheduleChanges: [3] });
  await client.reset();
  expect((await client.resume({ from: file })).settings).toMatchObject({ maxSteps: 9 });
  expect(await client.start()).toMatchObject({ step: 9, complete: true });
  expect(losses).toEqual(one.losses);
  // A later end, as far as the epochs go.
  await client.adjust({ maxSteps: 100 });
  expect(await client.start()).toMatchObject({ step: STEPS, complete: true });
});

test('steps that are asked for one after another are all made, and do not end a start', async () => {
  const { client, losses } = await servedRun();
  const ten = { step: 10, complete: false };
  expect(await Promise.all([client.step(5), client.step(5)])).toMatchObject([ten, ten]);
  expect(losses).toEqual(alone.losses.slice(0, 10));
  const [started, stepped] = [client.start(), client.step(2)];
  expect(await started).toEqual(done);
  expect(await stepped).toEqual(done);
});

test('an end that moves before the present step ends training under way, begun by start or by step', async () => {
  for (const how of ['start', 'step'] as const) {
    const { client } = served();
    await client.begin({ ...run, fit: { epochs: 100_000 } });
    const started = how === 'start' ? client.start() : client.step(200_000);
    await heard(client, 'loss');
    await client.adjust({ maxSteps: 2 });
    const { step, complete } = await within(20_000, started);
    expect(complete).toBe(true);
    expect(step).toBeLessThan(10_000);
  }
});

test('a rate and a schedule that are set while a run is being built hold from its first step', async () => {
  const changes = { learningRate: 0.02, schedule: cosine };
  const one = served();
  await one.client.begin({ ...run, trainer: { ...run.trainer, ...changes } });
  await one.client.start();

  const { host, builds, goOn } = building();
  const { client, losses } = served({ host });
  const begun = client.begin(run);
  await builds;
  await client.adjust(changes);
  goOn();
  expect((await begun).settings.learningRate).toBe(0.02);
  await client.start();
  expect(losses).toEqual(one.losses);
});

test('a checkpoint that is saved after goBack has the rate, schedule and end that were set since then', async () => {
  const { client, losses } = await servedRun();
  await client.step(3);
  await client.step(2);
  await client.goBack();
  await client.adjust({ learningRate: 0.001, schedule: cosine, maxSteps: 9 });
  const file = await client.save('checkpoint');
  const { state, settings, training } = loadCheckpoint(file);
  expect(state.step).toBe(3);
  expect(settings).toMatchObject({ learningRate: 0.001, maxSteps: 9, scheduleChanges: [3] });
  expect(training.schedule).toEqual(cosine);
  expect(await client.start()).toMatchObject({ step: 9, complete: true });
  const again = served();
  await again.client.resume({ from: file });
  await again.client.start();
  expect(again.losses).toEqual(losses.slice(3));
});

test('a client hears that its run goes on with other kernels, and nothing where they are the same', async () => {
  const { client } = await servedRun();
  const warnings: unknown[] = [];
  client.on('warning', (warning) => warnings.push(warning));
  const from = (name: string) => ({
    message: expect.stringMatching(
      new RegExp(`goes on with other kernels, .*: the run began on ${name}\\.$`),
    ),
    run: true,
  });
  await client.step(3);
  const file = await client.save('checkpoint');
  const { tensors, metadata } = decodeSafetensors(file);
  const { crc32: _, ...others } = metadata;
  const named = [...tensors].map(([name, tensor]) => ({ name, ...tensor }));
  await client.reset();
  await client.resume({ from: file });
  // Firefox names no adapter, and an adapter without a name may be another one.
  expect(warnings.splice(0)).toEqual(others.adapter ? [] : [from('an adapter without a name')]);
  await client.reset();
  await client.resume({ from: encodeSafetensors(named, { ...others, adapter: 'Acme One', version: '1' }) });
  expect(warnings).toEqual([from('Acme One')]);
});

test('adjusting to illegal settings is refused, and changes nothing', async () => {
  const { client } = served();
  await expect(client.adjust({ learningRate: 1 })).rejects.toThrow('has no run');
  await client.begin(run);
  for (const [changes, message] of [
    [{ learningRate: 0.5, maxSteps: 0 }, 'maxSteps is 0'],
    [{ learningRate: 0.5, epochs: 0.5 }, 'epochs is 0.5'],
    [{ learningRate: 0.5, schedule: { warmup: -1 } }, 'schedule.warmup is -1'],
    [{ maxSteps: 2, learningRate: 11 }, 'learningRate is 11'],
    [{ maxSteps: 2, rate: 1 } as object, 'adjust has no setting'],
  ] as const)
    await refused(client.adjust(changes), 'argument', message);
  expect(await client.start()).toEqual(done);
});

test('a run leaves last batches out with dropLast, and also after its file was opened again', async () => {
  const { client } = served();
  const fit = { ...run.fit, epochs: 2, dropLast: true };
  expect(await client.begin({ ...run, fit })).toMatchObject({ images: 10, stepsPerEpoch: 2 });
  await client.step(3);
  const file = await client.save('checkpoint');
  await client.reset();
  expect(await client.resume({ from: new DataView(file.buffer) })).toMatchObject({
    step: 3,
    stepsPerEpoch: 2,
  });
  expect(await client.start()).toMatchObject({ step: 4, complete: true });
});

// In Chrome the page loses its device (page/driven/survival.test.ts).
describe('a device that is lost', mainlyIn('node'), () => {
  test('while it trains is replaced, and the run ends with the same bits', async () => {
    const { client, lose, refuse, losses } = servedLosable({ host: waiting({ step: 11 }).host });
    const told: unknown[] = [];
    client.on('lost', ({ step, losses, ...event }) => {
      expect([...losses]).toEqual(alone.losses.slice(0, step));
      told.push({ step, recovers: event.recovers, again: event.again });
    });
    client.on('recovered', ({ step }) => told.push(step));
    await client.begin({ ...run, images });
    await client.step(10);
    const started = client.start();
    await heard(client, 'loss');
    refuse(1);
    lose();
    expect(await started).toEqual(done);
    const lost = { step: 10, recovers: true };
    expect(told).toEqual([{ ...lost, again: false }, { ...lost, again: true }, 10]);
    expect(losses).toEqual(alone.losses);
  });

  test('leaves the run its present schedule', async () => {
    const change = async ({ client, losses }: ReturnType<typeof served>, lose = () => {}) => {
      await client.begin(run);
      await client.step(3);
      lose();
      await client.adjust({ schedule: cosine });
      await client.start();
      // Where the device has taken steps along, it holds for them, too.
      const { scheduleChanges } = loadCheckpoint(await client.save('checkpoint')).settings;
      return { losses, scheduleChanges };
    };
    const losable = servedLosable();
    const lost = heard(losable.client, 'lost');
    const changed = await change(losable, losable.lose);
    await lost;
    expect(changed).toEqual(await change(served()));
    expect(changed.scheduleChanges).toEqual([3]);
  });

  test('before there is a copy is replaced, as often as it is lost, and the run is made anew from its beginning', async () => {
    const { client, lose, refuse, losses } = servedLosable({ host: waiting({ times: 2 }).host });
    await client.begin({ ...run, images });
    let trains = heard(client, 'loss');
    const started = client.start();
    for (const refused of [1, 0]) {
      await trains;
      refuse(refused);
      const recovered = heard(client, 'recovered');
      trains = heard(client, 'loss');
      lose();
      await recovered;
    }
    expect(await started).toEqual(done);
    expect(losses).toEqual(alone.losses);
  });

  test('loses no steps that were wanted before: those that are asked for meanwhile come after them', async () => {
    const { client, loseAndWait } = servedLosable({ host: waiting().host });
    await client.begin(run);
    const started = client.step(6);
    await heard(client, 'loss');
    await loseAndWait();
    expect(await client.step(2)).toMatchObject({ step: 8 });
    expect(await started).toMatchObject({ step: 8 });
  });

  test.each([0, 1])('while a run begins is replaced, and %i tries may fail before', async (refused) => {
    const { host, builds, goOn } = building();
    const { client, lose, refuse, losses } = servedLosable({ host });
    const told: unknown[] = [];
    client.on('lost', ({ step, recovers }) => told.push({ step, recovers }));
    const begun = client.begin({ ...run, images });
    await builds;
    refuse(refused);
    lose();
    goOn();
    expect(await begun).toMatchObject({ step: 0, images: 10 });
    expect(told).toEqual(Array(1 + refused).fill({ step: 0, recovers: true }));
    expect(await client.start()).toEqual(done);
    expect(losses).toEqual(alone.losses);
  });

  test.each(['a pause', 'an abort'])('while a run begins is no longer asked for after %s', async (how) => {
    const { host, builds, goOn } = building();
    const { client, lose, refuse } = servedLosable({ host });
    const controller = new AbortController();
    const begun = client
      .begin(run, { signal: controller.signal })
      .catch(({ name, code }) => (name === 'EngineError' ? code : name));
    await builds;
    refuse(1000);
    const lost = heard(client, 'lost');
    lose();
    goOn();
    await lost;
    if (how === 'a pause') await client.pause();
    else controller.abort();
    expect(await begun).toMatch(how === 'a pause' ? /^(device-lost|no-adapter|destroyed)$/ : /^AbortError$/);
    await expect(client.start()).rejects.toMatchObject({ message: expect.stringMatching(/has no run/) });
    refuse(0);
    await client.begin(run);
    expect(await client.start()).toEqual(done);
  });

  test('because it does not answer any more is replaced', async () => {
    const { host, goOn } = waiting();
    const engine = { deadlineSeconds: 0.5 };
    const { client, silence, losses, destroyed } = servedLosable({ engine, host });
    await client.begin(run);
    const started = client.start();
    await heard(client, 'loss');
    const lost = heard(client, 'lost');
    silence();
    goOn();
    await within(20_000, lost);
    // The silent device may come to again, with all its memory.
    expect(destroyed.size).toBe(1);
    expect(await started).toEqual(done);
    expect(losses).toEqual(alone.losses);
  });

  test('and holds up the training for another second is replaced', async () => {
    const { gpu, lose, devices } = losableGpu();
    const { client, losses } = served({
      engine: { gpu, selfCheck: false },
      host: (session) => ({
        async between() {
          if (devices.length > 1) return;
          lose();
          const unanswered = new Promise(() => {});
          await session.run!.trainer!.inTime(unanswered);
        },
      }),
    });
    await client.begin(run);
    expect(await client.start()).toEqual(done);
    expect(losses).toEqual(alone.losses);
  });

  test('leaves the run, and its file, the rate that was set', async () => {
    const { client, loseAndWait, losses } = servedLosable();
    await client.begin(run);
    await client.step(10);
    await client.setLearningRate(0.001);
    await client.step(5);
    const checkpoint = await client.save('checkpoint');
    expect(loadCheckpoint(checkpoint).settings.learningRate).toBe(0.001);
    const undisturbed = served();
    await undisturbed.client.resume({ from: checkpoint });
    await undisturbed.client.start();
    await loseAndWait();
    expect(await client.start()).toMatchObject({ step: STEPS });
    expect(losses.slice(15)).toEqual(undisturbed.losses);
  });

  test('while the run rests is requested again when it is needed', async () => {
    const { client, loseAndWait } = servedLosable();
    await client.begin(run);
    await client.step(10);
    const before = await client.save('checkpoint');
    await loseAndWait();
    expect(await client.save('checkpoint')).toEqual(before);
    expect((await client.sample({ count: 1, steps: 2 })).images).toHaveLength(64);
    expect(await client.start()).toEqual(done);
  });

  test('and does not come back can be given up by a pause', async () => {
    const { client, loseAndWait, refuse } = servedLosable({ host: waiting({ step: 5 }).host });
    await client.begin(run);
    await client.step(4);
    const started = client.start();
    // A start that comes after the loss is refused instead.
    await heard(client, 'loss');
    refuse(1000);
    await loseAndWait();
    const recovers: boolean[] = [];
    client.on('lost', (event) => recovers.push(event.recovers));
    expect(await client.pause()).toMatchObject({ step: 4, complete: false });
    expect(recovers.at(-1)).toBe(false);
    expect(await started).toMatchObject({ step: 4 });
    await refused(client.sample(), 'no-adapter');
    refuse(0);
    expect(await client.start()).toEqual(done);
  });
});

describe('the calls that a program adds to its worker', () => {
  const calls = {
    half: (value: number) => value / 2,
    /** The sum of the run's weights, and what trains it. */
    async look(_: undefined, { inTurn, network, trainer, engine, tell }: CallContext) {
      tell('looking', { trains: trainer() !== undefined });
      return inTurn(async () => {
        const weights = await (await network())?.getParameters();
        const sum = [...(weights?.values() ?? [])].flatMap((all) => [...all]).reduce((a, b) => a + b, 0);
        return { sum, software: (await engine()).adapter.software };
      });
    },
    grow: (bytes: Uint8Array<ArrayBuffer>, { tell }: CallContext) => {
      const grown = Uint8Array.from([...bytes, bytes.length]);
      const { length } = grown;
      tell('grown', grown, [grown.buffer]);
      return [length, grown.length];
    },
    fail: () => {
      throw new EngineError('data', 'It is spoilt.');
    },
    failInTurn: (_: undefined, { inTurn }: CallContext) =>
      inTurn(() => {
        throw new EngineError('data', 'It is spoilt.');
      }),
    /** Does not return a promise, as a program without types may. */
    countInTurn: (count: number, { inTurn }: CallContext) => inTurn(() => (count + 1) as never),
    async askLate(_: undefined, { inTurn, signal, tell }: CallContext) {
      tell('asking');
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      await inTurn(async () => {}).catch(({ message }) => tell('refused', message));
    },
    hold: (ms: number, { inTurn, tell }: CallContext) =>
      inTurn(async () => {
        tell('held', true);
        await new Promise((resolve) => setTimeout(resolve, ms));
        tell('held', false);
      }),
    wait: (_: undefined, { inTurn, signal }: CallContext) =>
      inTurn(() => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))),
  };
  type Mine = {
    readonly calls: typeof calls;
    readonly events: {
      looking: { trains: boolean };
      grown: Uint8Array;
      held: boolean;
      asking: undefined;
      refused: string;
    };
  };
  const servedOwn = (host?: ServeOptions['host']) => {
    const { port1, port2 } = new MessageChannel();
    const engine = { gpu: source, selfCheck: false };
    serve(port2, { store: false, engine, images: () => images, calls, host });
    const client = createWorkerClient<Mine>(port1, {
      events: ['looking', 'grown', 'held', 'asking', 'refused'],
    });
    onTestFinished(() => {
      client.destroy();
      port2.close();
    });
    return client;
  };

  test('get their arguments, and return, throw and send events', async () => {
    const client = servedOwn();
    expect(await client.call('half', 5)).toBe(2.5);
    const grown: unknown[] = [];
    const off = client.on('grown', (bytes) => grown.push(bytes));
    const bytes = Uint8Array.of(3, 4);
    expect(await client.call('grow', bytes, { transfer: [bytes.buffer] })).toEqual([3, 0]);
    expect([bytes.length, grown]).toEqual([0, [Uint8Array.of(3, 4, 2)]]);
    off();
    await client.call('grow', Uint8Array.of(1));
    expect(grown).toHaveLength(1);
    await expect(client.call('fail')).rejects.toMatchObject({
      name: 'EngineError',
      code: 'data',
      message: 'It is spoilt.',
    });
    await refused(client.call('toString' as 'fail'), 'argument', /no call "?toString.*half, look/);
    expect(() => client.on('other' as 'grown', () => {})).toThrow(/no event.*looking, grown, held/);
  });

  test('have their turn between two steps, with the run’s network; training goes on with the same bits', async () => {
    const client = servedOwn(waiting().host);
    const losses = lossesOf(client);
    expect(await client.call('look')).toMatchObject({ sum: 0, software: expect.any(Boolean) });
    await client.begin(run);
    const before = await client.call('look');
    const trains: boolean[] = [];
    client.on('looking', (event) => trains.push(event.trains));
    const started = client.start();
    await heard(client, 'loss');
    const looked = await client.call('look');
    expect(looked.sum).not.toBe(before.sum);
    expect(trains).toEqual([true]);
    expect(losses.length).toBeLessThan(STEPS);
    expect(await started).toEqual(done);
    expect(losses).toEqual(alone.losses);
  });

  test('have the GPU for themselves while they run', async () => {
    const client = servedOwn();
    await client.begin({ ...run, fit: { epochs: 10_000 } });
    const started = client.start();
    await heard(client, 'loss');
    const heardOf: unknown[] = [];
    client.on('loss', () => heardOf.push('loss'));
    client.on('held', (held) => heardOf.push(held));
    await client.call('hold', 300);
    await heard(client, 'loss');
    expect(heardOf.indexOf(false) - heardOf.indexOf(true)).toBe(1);
    await client.pause();
    await started;
  });

  test('are ended by a signal, under way or before their turn', async () => {
    const client = servedOwn();
    const [first, second] = [new AbortController(), new AbortController()];
    const waits = client.call('wait', undefined, { signal: first.signal });
    const waitsToo = client.call('wait', undefined, { signal: second.signal });
    second.abort(new Error('Not that one.'));
    await expect(waitsToo).rejects.toThrow('Not that one.');
    const looked = client.call('look');
    first.abort(new Error('Nor that.'));
    await expect(waits).rejects.toThrow('Nor that.');
    // The second would hold it up for good.
    expect(await looked).toMatchObject({ sum: 0 });
  });

  test('get the signal’s reason from a turn that they ask for after an abort', async () => {
    const client = servedOwn();
    const controller = new AbortController();
    const refused = new Promise((resolve) => client.on('refused', resolve));
    const asked = client.call('askLate', undefined, { signal: controller.signal });
    await heard(client, 'asking' as never);
    controller.abort();
    await expect(asked).rejects.toMatchObject({ name: 'AbortError' });
    expect(await within(20_000, refused)).toMatch(/abort/);
  });

  test('may throw at once in their turn, or return no promise there; training goes on', async () => {
    const client = servedOwn();
    await client.begin(run);
    const started = client.start();
    started.catch(() => {});
    await heard(client, 'loss');
    await expect(within(20_000, client.call('failInTurn'))).rejects.toMatchObject({
      code: 'data',
      message: 'It is spoilt.',
    });
    expect(await within(20_000, client.call('countInTurn', 5))).toBe(6);
    expect(await started).toEqual(done);
  });

  test('must be functions', () => {
    expect(() => serve(new MessageChannel().port1, { calls: { half: 3 as never } })).toThrow(/half is/);
  });
});

test.each([undefined, '0.1.0'])(
  'a worker of version %s is not talked to, and the client says to reload the page',
  async (version) => {
    const { port1, port2 } = new MessageChannel();
    const heardByWorker: unknown[] = [];
    port2.onmessage = ({ data }) => {
      heardByWorker.push(data.type);
      if (data.type === 'hello') port2.postMessage({ type: 'ready', version });
      else port2.postMessage({ type: 'done', id: data.id });
    };
    const client = createWorkerClient(port1);
    onTestFinished(() => port2.close());
    const told = new Promise((resolve) => client.on('stopped', resolve));
    const reload = { message: expect.stringMatching(/is of version 0\..* Reload the page\.$/) };
    await expect(client.begin(run)).rejects.toMatchObject({ code: 'argument', ...reload });
    expect(await told).toMatchObject(reload);
    await expect(client.pause()).rejects.toMatchObject(reload);
    expect(new Set(heardByWorker)).toEqual(new Set(['hello']));
  },
);

test('training goes on after a task beside it that fails', async () => {
  const [failed, mine] = [vi.fn(), new Error('mine')];
  const { client, losses } = served({
    host: (session) => ({
      failed,
      async between({ step }) {
        if (step === 3) session.tasks.request(() => Promise.reject(mine));
      },
    }),
  });
  await client.begin(run);
  expect(await client.start()).toEqual(done);
  expect(losses).toEqual(alone.losses);
  expect(failed.mock.calls).toEqual([[mine]]);
});

test('events report when a run is on the GPU, and when it is freed', async () => {
  const { client } = served();
  const told: unknown[] = [];
  client.on('built', ({ step, images: count, losses }) => told.push([step, count, [...losses]]));
  client.on('freed', () => told.push('freed'));
  client.on('wentBack', ({ losses }) => told.push([...losses]));
  await client.begin(run);
  await client.step(2);
  await client.step(1);
  await client.goBack();
  await client.step(1);
  await client.reset();
  const [first, second] = alone.losses;
  expect(told).toEqual([[0, 10, []], [first, second], [2, 10, [first, second]], 'freed']);
  await expect(client.putAside()).resolves.toBeUndefined();
});

test('goBack says when there is nothing to go back to', async () => {
  const { client } = await servedRun();
  const nothing = { code: 'argument', message: expect.stringContaining('nothing to go back to') };
  await expect(client.goBack()).rejects.toMatchObject(nothing);
  await client.step(3);
  await expect(client.goBack()).rejects.toMatchObject(nothing);
  await client.step(2);
  expect(await client.goBack()).toMatchObject({ step: 3 });
  expect(await client.start()).toEqual(done);
});

test('a call that is aborted while it waits for its turn is not made', async () => {
  const { client } = served();
  const trains: boolean[] = [];
  client.on('phase', ({ training }) => trains.push(training));
  const begun = client.begin(run);
  const calls = [
    (signal: AbortSignal) => client.start({ signal }),
    (signal: AbortSignal) => client.step(2, { signal }),
  ];
  for (const call of calls) {
    const controller = new AbortController();
    const called = call(controller.signal);
    controller.abort();
    await expect(called).rejects.toMatchObject({ name: 'AbortError' });
  }
  await begun;
  await client.sample({ count: 1, steps: 1 });
  expect(await client.pause()).toMatchObject({ step: 0 });
  expect(trains).not.toContain(true);
});

test('a pause ends a start that waits for its turn, and none that comes later', async () => {
  const { client, losses } = served();
  const begun = client.begin(run);
  for (const before of [() => begun, () => client.sample({ count: 1, steps: 1 })]) {
    const [ended, started, paused] = [before(), client.start(), client.pause()];
    await ended;
    expect(await paused).toMatchObject({ step: 0, complete: false });
    expect(await started).toMatchObject({ step: 0, complete: false });
  }
  expect(losses).toEqual([]);
  const [, , last] = [client.start(), client.pause(), client.start()];
  expect(await last).toEqual(done);
});

test('a run that diverges throws, keeps its last good state, and goes on with a smaller rate', async () => {
  const { client } = served();
  // With a rate of 10, every step makes all weights nine times as large.
  await client.begin({ ...run, trainer: { ...run.trainer, weightDecay: 1 }, fit: { epochs: 100 } });
  await client.step(3);
  await client.step(3);
  // Another copy of the same step is not one of before.
  await client.save('checkpoint');
  await client.setLearningRate(10);
  await refused(client.start(), 'diverged');
  const file = loadCheckpoint(await client.save('checkpoint'));
  expect(file.state.step).toBe(6);
  // The newest copy may hold already what made the run diverge.
  expect(await client.goBack()).toMatchObject({ step: 3 });
  await client.setLearningRate(0.01);
  expect(await client.step(2)).toMatchObject({ step: 5, loss: expect.any(Number) });
});

test('a loaded network can be sampled, and a run can begin with it', async () => {
  const { client } = served();
  const model = {
    config: { ...run.network, channels: 1 },
    objective: 'tutorial',
    parameters: alone.parameters,
  };
  await refused(client.sample(), 'argument', /no network to sample/);
  await client.load(model as unknown as Parameters<typeof client.load>[0]);
  const made = await client.sample({ steps: 3, seed: 9, count: 2 });
  expect(made.images).toEqual(alone.samples);
  const network = loadModel(await savedModel());
  await client.begin({ ...run, network });
  expect(loadModel(await client.save()).parameters).toEqual(alone.parameters);
  expect((await client.sample({ network: 'model', steps: 3, seed: 9, count: 2 })).images).toEqual(
    made.images,
  );
});

/** The file of the network of the run alone. */
async function savedModel(): Promise<Uint8Array> {
  const { client } = await servedRun();
  await client.start();
  return client.save();
}

/** Settles like `promise`, unless that takes too long. */
async function within<T>(ms: number, promise: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(reject, ms, new Error(`It takes longer than ${ms} ms.`));
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

test.each(['start', 'step'] as const)('training rests after an abort of %s', async (call) => {
  const { client, losses } = served();
  await client.begin({ ...run, fit: { epochs: 10_000 } });
  const { signal, abort } = abortable();
  const trained = call === 'start' ? client.start({ signal }) : client.step(30_000, { signal });
  await heard(client, 'loss');
  const rests = new Promise<void>((resolve) => {
    client.on('phase', ({ training }) => !training && resolve());
  });
  abort();
  await expect(trained).rejects.toMatchObject({ name: 'AbortError' });
  await within(5000, rests);
  // The steps that were under way.
  await client.save('checkpoint');
  const { length } = losses;
  await client.sample({ count: 1, steps: 1 });
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(losses).toHaveLength(length);
});

test('a run whose begin was aborted is freed', async () => {
  const { host, builds, goOn } = building();
  const { client } = served({ host });
  const { signal, abort } = abortable();
  const begun = client.begin(run, { signal });
  await builds;
  const freed = heard(client, 'freed');
  abort();
  await expect(begun).rejects.toMatchObject({ name: 'AbortError' });
  // The worker has the abort when it answers what was sent after it.
  await client.runs();
  goOn();
  await within(20_000, freed);
  await expect(client.step()).rejects.toThrow(/has no run/);
  await client.begin(run);
  expect(await client.start()).toEqual(done);
});

test('a begin or resume that is aborted when its run is built already leaves no run', async () => {
  const { client } = await servedRun();
  await client.step();
  const file = await client.save('checkpoint');
  await client.reset();
  for (const make of [
    (signal: AbortSignal) => client.begin(run, { signal }),
    (signal: AbortSignal) => client.resume({ from: file }, { signal }),
  ]) {
    const { signal, abort } = abortable();
    const off = client.on('built', abort);
    await expect(make(signal)).rejects.toMatchObject({ name: 'AbortError' });
    off();
    await expect(client.step()).rejects.toThrow(/has no run/);
  }
});

test('fewer epochs, set by a call of the program’s own, end training that is under way', async () => {
  const { client } = served({
    host: (session) => ({ calls: { epochs: (epochs: number) => session.adjust({ epochs }) } }),
  });
  await client.begin({ ...run, fit: { epochs: 100_000 } });
  const started = client.start();
  await heard(client, 'loss');
  await client.call('epochs' as never, 1 as never);
  expect(await within(20_000, started)).toMatchObject({ complete: true });
});

test('the worker’s images are asked for again where that failed, and after that no more', async () => {
  let asked = 0;
  const { client } = served({
    images: async () => {
      if (++asked === 1) throw new Error('No network.');
      return images;
    },
  });
  await expect(client.begin(run)).rejects.toThrow('No network.');
  for (let times = 0; times < 2; times++) {
    expect(await client.begin(run)).toMatchObject({ images: 10 });
    await client.reset();
  }
  expect(asked).toBe(2);
});

const abortable = () => {
  const controller = new AbortController();
  return { signal: controller.signal, abort: () => controller.abort() };
};

test('a call that has ended leaves no listener at its signal', async () => {
  const { client } = served();
  const { signal } = abortable();
  const listeners = listenersOf(signal);
  await client.begin(run, { signal });
  await client.step(1, { signal });
  await client.sample({ count: 1, steps: 1, signal });
  await expect(client.sample({ steps: 0, signal })).rejects.toThrow(/steps is 0/);
  expect(listeners()).toBe(0);
});

describe('a worker holds no buffers of before', () => {
  const count = { steps: 1, seed: 1 };

  test.each<[what: string, again: (client: WorkerClient, model: Uint8Array) => Promise<unknown>]>([
    ['other numbers of samples', (client) => client.sample({ ...count, count: 1 })],
    ['another model', (client, model) => client.load(model)],
    [
      'another model that is sampled from',
      (client, model) => client.load(model).then(() => client.sample({ ...count, network: 'model' })),
    ],
    ['going back to a copy', (client) => client.step(2).then(() => client.goBack())],
    [
      'another run',
      async (client) => {
        await client.reset();
        await client.begin(run);
        await client.step(1);
      },
    ],
    ['saving files', (client) => client.save('checkpoint').then(() => client.save('model'))],
  ])('after %s', async (_, again) => {
    const { client } = served();
    const model = await savedModel();
    const left = watchBuffers(gpu.device);
    // Each network has a sampler.
    const settle = async () => {
      await client.sample({ ...count, network: 'run', count: 4 });
      await client.sample({ ...count, network: 'model', count: 4 });
    };
    await client.begin(run);
    await client.step(1);
    await client.load(model);
    await again(client, model);
    await client.step(1);
    await settle();
    const first = left().sort();
    for (let times = 0; times < 2; times++) {
      await again(client, model);
      await client.step(1);
      await settle();
    }
    expect(left().sort()).toEqual(first);
    await client.reset();
    const { length } = left();
    await client.load(model);
    expect(left().length).toBeLessThan(length);
  });

  test('when its run is reset', async () => {
    const { client } = served();
    // What the engine keeps for every run is there already.
    await client.begin(run);
    await client.step(1);
    await client.reset();
    const left = watchBuffers(gpu.device);
    await client.begin(run);
    await client.step(1);
    await client.sample(count);
    expect(left()).not.toEqual([]);
    await client.reset();
    expect(left()).toEqual([]);
  });

  test('when its device was lost', async () => {
    const { client, loseAndWait, devices } = servedLosable();
    const model = await savedModel();
    await client.load(model);
    const left = watchBuffers(devices[0]);
    await client.load(model);
    await client.begin(run);
    await client.step(1);
    await client.sample({ ...count, network: 'run' });
    await client.sample({ ...count, network: 'model' });
    expect(left()).not.toEqual([]);
    await loseAndWait();
    expect(left()).toEqual([]);
    expect((await client.sample({ ...count, network: 'model', count: 1 })).images).toHaveLength(64);
    await client.step(1);
  });
});

test('sample and start are ended by a signal', async () => {
  const { client } = served();
  await client.begin({ ...run, fit: { epochs: 10_000 } });
  const signal = AbortSignal.abort(new Error('Not now.'));
  await expect(client.sample({ signal })).rejects.toThrow('Not now.');
  const start = new AbortController();
  const started = client.start({ signal: start.signal });
  await heard(client, 'loss');
  const sample = new AbortController();
  const sampled = client.sample({
    ...{ steps: 1000, count: 1, signal: sample.signal },
    onStep: () => sample.abort(new Error('Enough.')),
  });
  await expect(sampled).rejects.toThrow('Enough.');
  start.abort();
  await expect(started).rejects.toMatchObject({ name: 'AbortError' });
  const { step } = await client.pause();
  expect(await client.pause()).toMatchObject({ step });
});

describe('the worker’s client', () => {
  test('gets wrong arguments back as an EngineError, which leaves the worker as it was', async () => {
    const { client } = served({ images: undefined });
    const refused = (call: Promise<unknown>, code: string, message: RegExp) =>
      expect(call).rejects.toMatchObject({
        name: 'EngineError',
        code,
        message: expect.stringMatching(message),
      });
    const begin = (options: object) => client.begin({ ...run, images, ...options });
    await refused(client.begin(run), 'argument', /No images are given/);
    await refused(begin({ trainer: { batchSize: 0 } }), 'argument', /batchSize is 0/);
    await refused(begin({ fit: { epochs: 0 } }), 'argument', /epochs is 0/);
    await refused(begin({ fit: undefined }), 'argument', /^fit is of type Undefined/);
    await refused(begin({ recipe: 'digits' }), 'argument', /begin has no setting recipe/);
    await refused(begin({ network: { height: 9 } }), 'argument', /height/);
    await refused(begin({ network: {} }), 'data', /images of 8x8x1; this UNet takes 28x28x1/);
    await refused(begin({ trainer: { onStep() {} } }), 'argument', /begin was given what cannot be sent/);
    await refused(client.resume({ from: new Uint8Array(9) }), 'data', /checkpoint/);
    await refused(
      client.resume({ from: 'unknown' }),
      lane === 'node' ? 'data' : 'argument',
      /No run with the id "unknown"|files for pages/,
    );
    await refused(client.resume({ from: 7 as never, images }), 'argument', /from is of type Number/);
    await begin({});
    await refused(begin({}), 'busy', /reset it/);
    await refused(client.sample({ steps: 0 }), 'argument', /steps is 0/);
    await refused(client.sample({ network: 'other' as 'run' }), 'argument', /network is other/);
    await refused(client.save('all' as 'model'), 'argument', /save was asked for all/);
    const file = await client.step().then(() => client.save('checkpoint'));
    await client.reset();
    const other = { ...images, images: images.images.map((byte) => 255 - byte) };
    await refused(client.resume({ from: file, images: other }), 'data', /Give the same images/);
    await client.resume({ from: file, images });
    expect(await client.start()).toEqual(done);
  });

  test('refuses wrong arguments of its own calls before anything is sent', async () => {
    const { client } = served();
    await expect(client.setLearningRate(0)).rejects.toThrow(/learningRate is 0/);
    await expect(client.step(0.5)).rejects.toThrow(/count is 0.5/);
    await expect(client.start({ epochs: 0 })).rejects.toThrow(/epochs is 0/);
    expect(() => createWorkerClient(undefined as never)).toThrow(/The worker is of type Undefined/);
    expect(() => serve({} as never)).toThrow(/serve was given something of type Object/);
    expect(() => serve(new MessageChannel().port1, { kept: true } as object)).toThrow(/serve has no setting/);
  });

  test('that was destroyed rejects calls that wait, and later ones', async () => {
    const { client } = served();
    const begun = client.begin({ ...run, images });
    client.destroy();
    await refused(begun, 'destroyed');
    await refused(client.pause(), 'destroyed');
  });

  test('can transfer the images of a run', async () => {
    const { client } = served();
    const own = { ...images, images: images.images.slice() };
    await client.begin({ ...run, images: own }, { transfer: true });
    expect(own.images).toHaveLength(0);
    expect(await client.start()).toEqual(done);
  });
});
