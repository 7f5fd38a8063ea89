/** Training in a worker, without the page: over a channel, in one thread. Real workers are in real_worker.all.test.ts. */
import { describe, expect, test, vi } from 'vitest';
import { loadModel, recipes } from '../../../src';
import type { Abortable } from '../../../src/base/abort';
import { loadCheckpoint } from '../../../src/weights/checkpoint';
import { encodeSafetensors } from '../../../src/weights/encode';
import { decodeSafetensors } from '../../../src/weights/safetensors';
import { type SessionClient, type TrainingNews, transfer } from '../../../src/worker';
import { testGpu } from '../../lib/gpu';
import { refused } from '../../lib/refused';
import { listenersOf, runAlone, trained } from '../../lib/worker/alone';
import { images, run, STEPS } from '../../lib/worker/tiny';
import { served, servedRun } from '../../lib/worker/world';

const { gpu, lane } = await testGpu();
const { alone, done } = await runAlone(gpu);

const order = { steps: 3, seed: 9, count: 2 } as const;
const cosine = { warmup: 3, decay: 'cosine', steps: 9, floor: 0.1 } as const;
/** A run that is not over before a test interferes, and soon enough where nothing ends it. */
const LONG = 9000;
const long = { ...run, fit: { epochs: LONG / 3 } };
const noRun = /has no run/;
const abortable = () => {
  const controller = new AbortController();
  return { signal: controller.signal, abort: () => controller.abort() };
};
const aborted = (call: Promise<unknown>) => expect(call).rejects.toMatchObject({ name: 'AbortError' });

test('a run in a worker gives the losses, weights and samples of a run without a worker', async () => {
  const { client, losses } = served();
  expect(await client.begin({ ...run, images })).toMatchObject({
    step: 0,
    images: 10,
    stepsPerEpoch: 3,
    network: { widths: [4, 8], channels: 1 },
    settings: { seed: 5, batchSize: 4, learningRate: 0.01, epochs: 8 },
  });
  expect(await trained(client)).toEqual(done);
  expect(losses).toEqual(alone.losses);
  expect(loadModel(await client.save()).parameters).toEqual(alone.parameters);
  const steps: number[] = [];
  const made = await client.sample(order, { onStep: (n) => steps.push(n) });
  expect(made).toEqual({ images: alone.samples, count: 2, height: 8, width: 8, channels: 1, seed: 9 });
  expect(steps.at(-1)).toBe(3);
  const frames: Float32Array[] = [];
  await client.sample(order, { onFrame: ({ x }) => frames.push(x) });
  expect(frames).toHaveLength(3);
  expect(frames[2]).toEqual(alone.samples);
  // A polish is one more frame, and no step.
  const polish = { ...order, method: 'euler', polish: { noises: 2, level: 0.2 } } as const;
  const polished = await client.sample(polish, { onStep: (n) => steps.push(n) });
  const shown: number[] = [];
  const onFrame = ({ step }: { readonly step: number }) => shown.push(step);
  expect(await client.sample(polish, { onFrame })).toEqual(polished);
  expect(steps.at(-1)).toBe(3);
  expect(shown).toEqual([0, 1, 2, 3]);
  await expect(client.sample({ ...polish, method: 'mix' })).rejects.toThrow('polish is for the methods');
});

test('the sampling that a run is begun with is the default of sample, and comes back from its files', async () => {
  const sampling = { method: 'mix', steps: 3 } as const;
  const { client } = served();
  const sampled = async (network: 'run' | 'model') =>
    expect((await client.sample({ network, seed: 9, count: 2 })).images).toEqual(alone.samples);
  await client.begin({ ...run, sampling });
  await trained(client);
  await sampled('run');
  const model = await client.save();
  const checkpoint = await client.save('checkpoint');
  expect(loadModel(model).sampling).toEqual(sampling);
  await client.close({ keep: false });
  await client.resume({ from: checkpoint });
  await sampled('run');
  await client.load(model);
  await sampled('model');
  // Without a setting, sampling is the recipe's.
  await client.close({ keep: false });
  await client.begin(run);
  expect(loadModel(await client.save()).sampling).toEqual(recipes.tutorial.sampling);
  await client.close({ keep: false });
  const wrong = client.begin({ ...run, sampling: { ...sampling, steps: 0 } });
  await refused(wrong, 'argument', 'sampling.steps is 0');
});

test('a run that pauses, makes single steps, samples and goes on from a file gives the same bits', async () => {
  const { client, losses, reached } = await servedRun({ waits: 1 });
  const started = trained(client);
  await reached;
  const paused = await client.pause();
  expect(await started).toEqual(paused);
  const { step } = paused;
  expect(paused).toMatchObject({ complete: false, loss: alone.losses[step - 1] });
  expect(await trained(client, { steps: 2 })).toMatchObject({ step: step + 2 });
  const file = await client.save('checkpoint');
  expect(loadCheckpoint(file).losses).toEqual(Float32Array.from(alone.losses.slice(0, step + 2)));
  await client.close({ keep: false });
  await refused(trained(client), 'argument', noRun);
  expect(await client.resume({ from: file })).toMatchObject({ step: step + 2 });
  const going = trained(client);
  await client.sample({ count: 1, steps: 1 });
  expect(await going).toEqual(done);
  expect(losses).toEqual(alone.losses);
  // More epochs, and a rate that is its own.
  await client.adjust({ learningRate: 0.001 });
  expect(await client.adjust({ epochs: 9 }).then(() => trained(client))).toMatchObject({
    step: STEPS + 3,
    complete: true,
  });
});

test('a run leaves last batches out with dropLast, and also after its file was opened again', async () => {
  const { client } = served();
  const fit = { ...run.fit, epochs: 2, dropLast: true };
  expect(await client.begin({ ...run, fit })).toMatchObject({ images: 10, stepsPerEpoch: 2 });
  await trained(client, { steps: 3 });
  const { buffer } = await client.save('checkpoint');
  await client.close({ keep: false });
  const resumed = await client.resume({ from: new DataView(buffer) });
  expect(resumed).toMatchObject({ step: 3, stepsPerEpoch: 2 });
  expect(await trained(client)).toMatchObject({ step: 4, complete: true });
});

test('a client hears that its run goes on with other kernels, and nothing where they are the same', async () => {
  const { client } = await servedRun();
  const warnings: unknown[] = [];
  client.on('warning', (warning) => warnings.push(warning));
  const from = (name: string) => ({
    message: expect.stringMatching(`goes on with other kernels, .*: the run began on ${name}\\.$`),
    run: true,
  });
  await trained(client, { steps: 3 });
  const file = await client.save('checkpoint');
  const { tensors, metadata } = decodeSafetensors(file);
  const { crc32: _, ...others } = metadata;
  const named = [...tensors].map(([name, tensor]) => ({ name, ...tensor }));
  const foreign = encodeSafetensors(named, { ...others, adapter: 'Acme One', version: '1' });
  // Firefox names no adapter, and an adapter without a name may be another one.
  const own = others.adapter ? [] : [from('an adapter without a name')];
  for (const [bytes, expected] of [
    [file, own],
    [foreign, [from('Acme One')]],
  ] as const) {
    await client.close({ keep: false });
    await client.resume({ from: bytes });
    expect(warnings.splice(0)).toEqual(expected);
  }
});

test('a run that diverges throws, keeps its last good state, and goes on with a smaller rate', async () => {
  const { client } = served();
  // With a rate of 10, every step makes all weights nine times as large.
  await client.begin({ ...run, trainer: { ...run.trainer, weightDecay: 1 }, fit: { epochs: 100 } });
  await trained(client, { steps: 3 });
  await trained(client, { steps: 3 });
  // Another copy of the same step is not one of before.
  await client.save('checkpoint');
  await client.adjust({ learningRate: 10 });
  await refused(trained(client), 'diverged');
  expect(loadCheckpoint(await client.save('checkpoint')).state.step).toBe(6);
  // The newest copy may hold already what made the run diverge.
  expect(await client.goBack()).toMatchObject({ step: 3 });
  await client.adjust({ learningRate: 0.01 });
  expect(await trained(client, { steps: 2 })).toMatchObject({ step: 5, loss: expect.any(Number) });
});

test('a loaded network can be sampled, and a run can begin with it', async () => {
  const { client } = served();
  const sampled = async () =>
    expect((await client.sample({ ...order, network: 'model' })).images).toEqual(alone.samples);
  await refused(client.sample(), 'argument', /no network to sample/);
  const { parameters } = alone;
  const model = { config: { ...run.network, channels: 1 }, objective: 'tutorial', parameters } as const;
  await client.load(model as unknown as Parameters<typeof client.load>[0]);
  await sampled();
  await client.begin({ ...run, network: model as never });
  expect(loadModel(await client.save()).parameters).toEqual(parameters);
  await sampled();
});

test('samples and files that are asked for in the body of the loop are made there, and change no bits', async () => {
  const sampled: number[] = [];
  const { client, losses } = await servedRun({
    async between({ step }, session) {
      if (step % 8 !== 1) return;
      const { images: made } = await session.sample(order);
      const file = await session.save('checkpoint');
      sampled.push(made.length, loadCheckpoint(file).state.step);
    },
  });
  expect(await trained(client)).toEqual(done);
  expect(losses).toEqual(alone.losses);
  expect(sampled).toEqual([128, expect.any(Number), 128, expect.any(Number), 128, expect.any(Number)]);
});

test('the worker’s images are asked for again where that failed, and after that no more', async () => {
  const asked = vi.fn(() => images).mockRejectedValueOnce(new Error('No network.') as never);
  const { client } = served({ images: asked });
  await expect(client.begin(run)).rejects.toThrow('No network.');
  for (let times = 0; times < 2; times++) {
    expect(await client.begin(run)).toMatchObject({ images: 10 });
    await client.close({ keep: false });
  }
  expect(asked).toHaveBeenCalledTimes(2);
});

test('a schedule and an end that change are in the copies of the run, which goes on with the same bits', async () => {
  const one = await servedRun();
  await trained(one.client, { steps: 3 });
  await one.client.adjust({ schedule: cosine, maxSteps: 9 });
  const nine = { step: 9, complete: true };
  expect(await trained(one.client)).toMatchObject(nine);
  // The first step after the change has the base rate yet, by both.
  expect(one.losses.slice(0, 5)).toEqual(alone.losses.slice(0, 5));
  expect(one.losses[5]).not.toBe(alone.losses[5]);

  const { client, losses } = await servedRun();
  await trained(client, { steps: 3 });
  await client.adjust({ schedule: cosine });
  await trained(client, { steps: 2 });
  await client.adjust({ maxSteps: 9 });
  const file = await client.save('checkpoint');
  expect(loadCheckpoint(file)).toMatchObject({
    training: { schedule: cosine },
    settings: { epochs: 8, maxSteps: 9, learningRate: 0.01, scheduleChanges: [3] },
  });
  await client.close({ keep: false });
  expect((await client.resume({ from: file })).settings).toMatchObject({ maxSteps: 9 });
  expect(await trained(client)).toMatchObject(nine);
  expect(losses).toEqual(one.losses);
  // A later end, as far as the epochs go.
  await client.adjust({ maxSteps: 100 });
  expect(await trained(client)).toMatchObject({ step: STEPS, complete: true });
});

test('a rate and a schedule that are set while a run is being built hold from its first step', async () => {
  const changes = { learningRate: 0.02, schedule: cosine };
  const one = served();
  await one.client.begin({ ...run, trainer: { ...run.trainer, ...changes } });
  await trained(one.client);

  const { client, losses, reached, goOn } = served({ waits: 'building' });
  const begun = client.begin(run);
  await reached;
  await client.adjust(changes);
  goOn();
  expect((await begun).settings.learningRate).toBe(0.02);
  await trained(client);
  expect(losses).toEqual(one.losses);
});

test('a checkpoint that is saved after goBack has the rate, schedule and end that were set since then', async () => {
  const { client, losses } = await servedRun();
  await trained(client, { steps: 3 });
  await trained(client, { steps: 2 });
  await client.goBack();
  await client.adjust({ learningRate: 0.001, schedule: cosine, maxSteps: 9 });
  const file = await client.save('checkpoint');
  expect(loadCheckpoint(file)).toMatchObject({
    state: { step: 3 },
    settings: { learningRate: 0.001, maxSteps: 9, scheduleChanges: [3] },
    training: { schedule: cosine },
  });
  expect(await trained(client)).toMatchObject({ step: 9, complete: true });
  const again = served();
  await again.client.resume({ from: file });
  await trained(again.client);
  expect(again.losses).toEqual(losses.slice(3));
});

test.each([
  [{ learningRate: 0.5, maxSteps: 0 }, 'maxSteps is 0'],
  [{ learningRate: 0.5, epochs: 0.5 }, 'epochs is 0.5'],
  [{ learningRate: 0.5, schedule: { warmup: -1 } }, 'schedule.warmup is -1'],
  [{ maxSteps: 2, learningRate: 11 }, 'learningRate is 11'],
  [{ maxSteps: 2, rate: 1 } as object, 'adjust has no setting'],
])('adjusting to illegal settings %j is refused, and changes nothing', async (changes, message) => {
  const { client } = served();
  await refused(client.adjust(changes), 'argument', message.startsWith('adjust') ? message : noRun);
  await client.begin(run);
  await refused(client.adjust(changes), 'argument', message);
  expect(await trained(client)).toEqual(done);
});

test.each([
  ['an end that moves before the present step', undefined, { maxSteps: 2 }],
  ['an end that moves before the present step, with a number of steps,', LONG, { maxSteps: 2 }],
  ['fewer epochs', undefined, { epochs: 1 }],
])('%s end training that is under way', async (_, steps, changes) => {
  const { client, reached, goOn } = served({ waits: 5 });
  await client.begin(long);
  const started = trained(client, { steps });
  await reached;
  await client.adjust(changes);
  goOn();
  const state = await started;
  expect(state.complete).toBe(true);
  expect(state.step).toBeLessThan(LONG);
});

test.each<[title: string, leave: (client: SessionClient) => Promise<unknown>]>([
  ['close', (client) => client.close({ keep: false })],
  ['goBack', (client) => client.goBack()],
])('%s waits for the copy of a pause that comes before it', async (_, leave) => {
  const { client, reached } = await servedRun({ waits: 5 });
  await trained(client, { steps: 2 });
  await trained(client, { steps: 2 });
  const started = trained(client);
  await reached;
  const [{ step }] = await Promise.all([client.pause(), leave(client)]);
  expect(step).toBeGreaterThanOrEqual(5);
  await started;
});

test('goBack says when there is nothing to go back to', async () => {
  const { client } = await servedRun();
  const nothing = () => refused(client.goBack(), 'argument', 'nothing to go back to');
  await nothing();
  await trained(client, { steps: 3 });
  await nothing();
  await trained(client, { steps: 2 });
  expect(await client.goBack()).toMatchObject({ step: 3 });
  expect(await trained(client)).toEqual(done);
});

test('a second train is refused while one is under way; after it, exactly the steps that are asked for are made', async () => {
  const { client, losses } = await servedRun();
  const started = trained(client, { steps: 5 });
  await refused(trained(client, { steps: 5 }), 'busy', 'trains already');
  expect(await started).toMatchObject({ step: 5, complete: false });
  expect(await trained(client, { steps: 5 })).toMatchObject({ step: 10, complete: false });
  expect(losses).toEqual(alone.losses.slice(0, 10));
});

test('a pause ends a train that waits for its turn, and none that comes later', async () => {
  const { client, losses } = served();
  const begun = client.begin(run);
  for (const before of [() => begun, () => client.sample({ count: 1, steps: 1 })]) {
    const [_, ...states] = await Promise.all([before(), trained(client), client.pause()]);
    expect(states).toMatchObject(Array(2).fill({ step: 0, complete: false }));
  }
  expect(losses).toEqual([]);
  const ended = trained(client);
  await client.pause();
  await ended;
  expect(await trained(client)).toEqual(done);
});

test('a train that is aborted while it waits for its turn is not made', async () => {
  const { client, losses } = served();
  const begun = client.begin(run);
  for (const steps of [undefined, 2]) {
    const { signal, abort } = abortable();
    const called = trained(client, { steps, signal });
    abort();
    await aborted(called);
  }
  await begun;
  await client.sample({ count: 1, steps: 1 });
  expect(await client.pause()).toMatchObject({ step: 0 });
  expect(losses).toEqual([]);
});

test.each<[how: string, end: (client: SessionClient, abort: () => void) => unknown]>([
  ['a pause', (client) => client.pause()],
  ['an abort', (_, abort) => abort()],
  ['the end of its loop', () => 'leave'],
  ['an error in its loop', () => Promise.reject(new Error('mine'))],
])(
  'training rests after %s, with a copy of all its steps; the next train goes on from there',
  async (how, end) => {
    const { client } = served();
    await client.begin(long);
    const { signal, abort } = abortable();
    let read = 0;
    const train = async () => {
      for await (const { step, type } of client.train({ signal })) {
        if (type === undefined) read = step;
        if (step === 2 && (await end(client, abort)) === 'leave') return;
      }
    };
    const ended = await train().catch(({ name, message }: Error) => (name === 'Error' ? message : name));
    expect(ended).toBe({ 'an abort': 'AbortError', 'an error in its loop': 'mine' }[how]);
    const { step } = await client.pause();
    expect(step).toBeGreaterThanOrEqual(2);
    expect(step).toBeLessThan(LONG);
    // Steps that ended meanwhile come as steps, to whom reads on.
    if (how === 'a pause' || how === 'an abort') expect(read).toBe(step);
    expect(loadCheckpoint(await client.save('checkpoint')).state.step).toBe(step);
    await client.sample({ count: 1, steps: 1 });
    expect(await trained(client, { steps: 2 })).toMatchObject({ step: step + 2 });
    expect(loadCheckpoint(await client.save('checkpoint')).losses).toHaveLength(step + 2);
  },
);

test('a reader who is late gets all steps, and the events of the session between them', async () => {
  const { client, reached } = await servedRun({ waits: 3 });
  const training = client.train();
  await reached;
  await client.pause();
  const news: TrainingNews[] = [];
  for await (const each of training) news.push(each);
  for await (const each of client.train()) news.push(each);
  const steps = news.flatMap((each) => (each.type === undefined ? [each.loss] : []));
  expect(steps).toEqual(alone.losses);
  expect(news).toContainEqual({ type: 'phase', phase: 'training', training: true });
});

test('a run whose begin was aborted is freed', async () => {
  const { client, reached, goOn } = served({ waits: 'building' });
  const { signal, abort } = abortable();
  const begun = client.begin(run, { signal });
  await reached;
  abort();
  await aborted(begun);
  // The worker has the abort when it answers what was sent after it.
  await client.runs();
  goOn();
  await refused(trained(client), 'argument', noRun);
  await client.begin(run);
  expect(await trained(client)).toEqual(done);
});

test('a begin or resume that is aborted when its run is made, or its answer under way already, leaves no run', async () => {
  const { client, session } = await servedRun();
  await trained(client, { steps: 1 });
  const from = await client.save('checkpoint');
  await client.close({ keep: false });
  const { open } = session;
  for (const make of [
    (how: Abortable) => client.begin(run, how),
    (how: Abortable) => client.resume({ from }, how),
  ])
    for (const isLate of [true, false]) {
      const { signal, abort } = abortable();
      session.open = async (...args) => {
        const made = await open.apply(session, args);
        const late = async () => {
          // No message arrives before all that is done at once.
          for (let turns = 0; turns < 20; turns++) await null;
          abort();
        };
        if (isLate) void late();
        else {
          abort();
          // The worker has the abort when it answers what was sent after it.
          await client.runs();
        }
        return made;
      };
      await aborted(make({ signal }));
      await client.runs();
      await refused(trained(client), 'argument', noRun);
    }
});

test('sample is ended by a signal', async () => {
  const { client, reached, goOn } = served({ waits: 1 });
  await client.begin(long);
  const sampledLate = client.sample({}, { signal: AbortSignal.abort(new Error('Not now.')) });
  await expect(sampledLate).rejects.toThrow('Not now.');
  const started = trained(client);
  await reached;
  const sample = new AbortController();
  const onStep = () => sample.abort(new Error('Enough.'));
  const sampled = client.sample({ steps: 1000, count: 1 }, { signal: sample.signal, onStep });
  await expect(sampled).rejects.toThrow('Enough.');
  goOn();
  expect(await client.pause()).toEqual(await started);
});

test('a call that has ended leaves no listener at its signal', async () => {
  const { client } = served();
  const { signal } = abortable();
  const listeners = listenersOf(signal);
  await client.begin(run, { signal });
  await trained(client, { steps: 1, signal });
  await client.sample({ count: 1, steps: 1 }, { signal });
  await expect(client.sample({ steps: 0 }, { signal })).rejects.toThrow(/steps is 0/);
  expect(listeners()).toBe(0);
});

describe('the worker’s client', () => {
  test('gets wrong arguments back as an EngineError, which leaves the worker as it was', async () => {
    const { client } = served({ images: undefined });
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
    const unknown = /No run with the id "unknown"|files for pages/;
    await refused(client.resume({ from: 'unknown' }), lane === 'node' ? 'data' : 'argument', unknown);
    await refused(client.resume({ from: 7 as never, images }), 'argument', /from is of type Number/);
    await begin({});
    await refused(begin({}), 'busy', /close it/);
    await refused(client.sample({ steps: 0 }), 'argument', /steps is 0/);
    await refused(client.sample({ network: 'other' as 'run' }), 'argument', /network is other/);
    await refused(client.save('all' as 'model'), 'argument', /save was asked for "all"/);
    await trained(client, { steps: 1 });
    const from = await client.save('checkpoint');
    await client.close({ keep: false });
    const inverse = images.images.map((byte) => 255 - byte);
    await refused(
      client.resume({ from, images: { ...images, images: inverse } }),
      'data',
      /Give the same images/,
    );
    await client.resume({ from, images });
    expect(await trained(client)).toEqual(done);
  });

  test('can transfer the images of a run', async () => {
    const { client } = served();
    const own = { ...images, images: images.images.slice() };
    await client.begin(transfer({ ...run, images: own }, [own.images.buffer]));
    expect(own.images).toHaveLength(0);
    expect(await trained(client)).toEqual(done);
  });
});
