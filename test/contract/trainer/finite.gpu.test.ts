/** Steps that are not finite: found on the GPU before any weight changes, named, and ended or passed over. */
import { describe, expect, test } from 'vitest';
import { Random } from '../../../harness/specs/lib/spec';
import type { EngineError } from '../../../src/base/errors';
import { Dataset } from '../../../src/data/dataset';
import type { Batch } from '../../../src/training/batch';
import type { TrainerOptions, TrainingEvent } from '../../../src/training/options';
import { Trainer } from '../../../src/training/trainer';
import { UNet } from '../../../src/unet/unet';
import { loadCheckpoint, saveCheckpoint } from '../../../src/weights/checkpoint';
import { fingerprintImages } from '../../../src/weights/fingerprint';
import { testGpu } from '../../lib/gpu';
import { bufferOf, roomFor, submit } from '../../lib/on_gpu';
import { refused } from '../../lib/refused';

const { gpu } = await testGpu();

const config = { height: 4, width: 8, widths: [4, 8], kernelSize: 3 };
const size = 4 * 8;
const COUNT = 3;
const images = {
  images: Uint8Array.from(new Random(5).integers(10 * size, 256)),
  count: 10,
  height: 4,
  width: 8,
  channels: 1,
};
const { NaN: nan, POSITIVE_INFINITY: inf } = Number;

async function setUp(options: TrainerOptions = {}, told = false) {
  const conditioning = { noiseLevel: true, classes: 0 };
  const unet = await UNet.create(gpu, { ...config, ...(told ? { conditioning } : {}) }, { seed: 3 });
  const trainer = await Trainer.create(gpu, unet, { batchSize: 4, learningRate: 0.01, ...options });
  return { unet, trainer };
}

/** The same for the same seed. */
function goodBatch(seed: number, told = false) {
  const random = new Random(seed);
  const noisy = random.floats(COUNT * size, 0, 1);
  const target = random.floats(COUNT * size, 0, 1);
  return { noisy, target, ...(told ? { levels: random.floats(COUNT, 0, 1) } : {}) };
}

const onGpu = (values: Float32Array) => bufferOf(gpu, values);
const allOnGpu = (batch: object) =>
  ({ ...Object.fromEntries(Object.entries(batch).map(([k, v]) => [k, onGpu(v)])), count: COUNT }) as Batch<
    GPUBuffer,
    GPUBuffer
  >;

/** All that a step may change: weights, their average, what the kernels read, and the state. */
async function everything({ unet, trainer }: { unet: UNet; trainer: Trainer }) {
  const told = unet.config.conditioning ? { levels: new Float32Array(1) } : {};
  return {
    parameters: await unet.getParameters(),
    state: await trainer.getState(),
    prediction: await unet.predict(new Float32Array(size).fill(0.5), { count: 1, ...told }),
  };
}

/** What came of a fit: its events, and the error that ended it. */
async function run(events: AsyncIterable<TrainingEvent>, each?: (event: TrainingEvent) => unknown) {
  const all: TrainingEvent[] = [];
  try {
    for await (const event of events) {
      all.push(event);
      if ((await each?.(event)) === 'break') break;
    }
    return { events: all };
  } catch (error) {
    return { events: all, error: error as EngineError };
  }
}

/** Weights with which the loss overflows, though they are finite. */
async function overflow({ unet }: { unet: UNet }) {
  const good = await unet.getParameters();
  await unet.setParameters(new Map(good).set('up.1.bias', new Float32Array(1).fill(1e25)));
  return good;
}

describe('a value in a batch that is not finite', () => {
  const places = [
    ['noisy', 17],
    ['target', COUNT * size - 1],
    ['levels', 1],
  ] as const;
  const cases = places.flatMap(([name, at]) =>
    [nan, inf, -inf, 1e30].flatMap((value) =>
      (['arrays', 'buffers'] as const).map((where) => ({ name, at, value, where })),
    ),
  );
  // An array of levels is looked at before, and any level that is finite has a sine.
  const found = ({ name, value, where }: (typeof cases)[number]) =>
    name !== 'levels' || (where === 'buffers' && value !== 1e30);
  test.each(cases.filter(found))(
    'changes nothing and is named: $value in $name, of $where',
    async ({ name, at, value, where }) => {
      const told = name === 'levels';
      for (const options of [{}, { clipNorm: 1, average: {} }]) {
        const one = await setUp(options, told);
        const other = await setUp(options, told);
        for (const { trainer } of [one, other]) await trainer.step(goodBatch(1, told));
        const before = await everything(one);
        const bad = goodBatch(2, told);
        bad[name]![at] = value;
        const { message } = await refused(
          one.trainer.step(where === 'arrays' ? bad : allOnGpu(bad)),
          'argument',
          'Step 2 was not made: ',
          `${name}[${at}] of its batch is ${Math.fround(value)}`,
        );
        expect(message).not.toContain('rate');
        expect(await everything(one)).toEqual(before);
        // The next one is as if there had been no other.
        for (const { trainer } of [one, other]) await trainer.step(goodBatch(3, told));
        expect(await everything(one)).toEqual(await everything(other));
        expect(await one.trainer.readLosses(5)).toEqual(await other.trainer.readLosses(5));
      }
    },
  );

  test('changes nothing in 20 steps of 20, one after the other, with one dispatch a submission', async () => {
    gpu.pacer.maxMilliseconds = 1e-6;
    const one = await setUp();
    await one.trainer.step(goodBatch(1));
    const before = await everything(one);
    for (let i = 0; i < 20; i++) {
      const bad = goodBatch(i);
      bad[i % 2 ? 'noisy' : 'target'][i * 4] = [nan, inf, -inf][i % 3];
      await refused(one.trainer.step(bad), 'argument', `[${i * 4}] of its batch is`);
      expect(await everything(one)).toEqual(before);
    }
  });

  test('does not matter in the padding of a batch', async () => {
    const { trainer } = await setUp();
    const { noisy, target } = goodBatch(1);
    const padded = (values: Float32Array) => {
      const all = new Float32Array(4 * size).fill(nan);
      all.set(values);
      return onGpu(all);
    };
    await trainer.step({ noisy: padded(noisy), target: padded(target), count: COUNT });
    const [loss] = await trainer.readLosses(1);
    expect(loss).toBe(await (await setUp()).trainer.step(goodBatch(1)));
  });
});

describe('weights with which', () => {
  test('the loss is not finite are kept as they are, and can be saved and evaluated', async () => {
    const one = await setUp();
    const first = await one.trainer.step(goodBatch(1));
    const good = await overflow(one);
    const before = await everything(one);
    await refused(
      one.trainer.step(goodBatch(2)),
      'diverged',
      'Step 2 was not made: its loss is ',
      'The weights are those after step 1.',
      'use a smaller learning rate than 0.01',
    );
    expect(await everything(one)).toEqual(before);

    const settings = { seed: 0, batchSize: 4, learningRate: 0.01, epochs: 1 };
    const data = fingerprintImages(images);
    const saved = loadCheckpoint(
      await saveCheckpoint({ trainer: one.trainer, settings, data, losses: [first] }),
    );
    expect(saved.parameters).toEqual(before.parameters);
    expect(saved.state.step).toBe(1);
    await one.trainer.evaluate(images);

    await one.unet.setParameters(good);
    const other = await setUp();
    await other.trainer.step(goodBatch(1));
    expect(await one.trainer.step(goodBatch(2))).toBe(await other.trainer.step(goodBatch(2)));
    expect(await everything(one)).toEqual(await everything(other));
  });

  test('a trainer begins are blamed for the first loss that is not finite, rather than the learning rate', async () => {
    const one = await setUp();
    await overflow(one);
    const { message } = await refused(
      one.trainer.step(goodBatch(2)),
      'diverged',
      'Step 1 was not made',
      'the weights or the state that training began with',
    );
    expect(message).not.toContain('rate');
  });

  test.each([{}, { clipNorm: 1 }, { average: {} }])(
    'the loss is finite and the gradient is not are kept as they are: %j',
    async (options) => {
      const one = await setUp(options);
      await one.trainer.step(goodBatch(1));
      // The loss is some 1e30: the layer's own gradient is as large as the loss's square root, the gradients of other layers as the loss.
      const parameters = await one.unet.getParameters();
      parameters.get('up.1.kernel')!.fill(1e15);
      await one.unet.setParameters(parameters);
      const before = await everything(one);
      await refused(
        one.trainer.step(goodBatch(2)),
        'diverged',
        /Step 2 was not made: the gradient of up\.0 .* at a loss of \d.*e\+\d/,
        'The loss had grown',
      );
      expect(await everything(one)).toEqual(before);
    },
  );

  test.each([{ average: {} }, {}])('a step was skipped are kept as they are: %j', async (options) => {
    const one = await setUp({ ...options, skipNonFinite: 1 });
    await one.trainer.step(goodBatch(1));
    await overflow(one);
    const before = await everything(one);
    expect(await one.trainer.step(goodBatch(2))).toBeNaN();
    const { state, ...rest } = await everything(one);
    expect({ ...rest, state: { ...state, step: 1 } }).toEqual(before);
  });
});

describe.each([
  ['several steps a submission', 300],
  ['a submission for each dispatch', 1e-6],
])('a fit with %s', (_, maxMilliseconds) => {
  const epochs = 30;
  async function setUpFit(options: TrainerOptions = {}) {
    gpu.pacer.maxMilliseconds = maxMilliseconds;
    return { ...(await setUp(options)), dataset: await Dataset.create(gpu, images) };
  }

  test('ends at the first step that is not finite, and steps under way change nothing', async () => {
    for (const at of [1, 2, 5]) {
      const one = await setUpFit();
      let bad: Awaited<ReturnType<typeof everything>>['parameters'] | undefined;
      const { events, error } = await run(one.trainer.fit(one.dataset, { epochs }), async ({ step }) => {
        if (step !== at) return;
        await overflow(one);
        bad = await one.unet.getParameters();
      });
      expect(error?.code).toBe('diverged');
      expect(error?.message).toContain(`Step ${events.length + 1} was not made: its loss is`);
      expect(error?.message).toContain(`The weights are those after step ${events.length}.`);
      expect(events.map(({ step }) => step)).toEqual(events.map((_, i) => i + 1));
      expect(events.every(({ loss, skipped }) => Number.isFinite(loss) && !skipped)).toBe(true);
      expect(events.length).toBeLessThan(epochs * 3);
      const { state, parameters } = await everything(one);
      expect(parameters).toEqual(bad);
      expect(state.step).toBe(events.length);
      const losses = await one.trainer.readLosses(events.length);
      expect([...losses]).toEqual(events.map(({ loss }) => loss));
    }
  });

  test('goes on after a step that is not finite as a fresh trainer does', async () => {
    const one = await setUpFit();
    let good: Awaited<ReturnType<typeof everything>>['parameters'];
    const first = await run(one.trainer.fit(one.dataset, { epochs }), async ({ step }) => {
      if (step === 2) good = await overflow(one);
    });
    expect(first.error?.code).toBe('diverged');
    // Again and again, as often as it is tried.
    const again = await run(one.trainer.fit(one.dataset, { epochs }));
    expect(again.events).toEqual([]);
    expect(again.error?.message).toBe(first.error?.message);
    await one.unet.setParameters(good!);
    const other = await setUpFit();
    await other.unet.setParameters(good!);
    other.trainer.setState(await one.trainer.getState());
    const losses = async ({ trainer, dataset }: typeof one) => {
      const { events, error } = await run(trainer.fit(dataset, { epochs, maxSteps: 7 }));
      expect(error).toBeUndefined();
      return events.map(({ step, loss }) => [step, loss]);
    };
    expect(await losses(one)).toEqual(await losses(other));
    expect(await everything(one)).toEqual(await everything(other));
  });

  test('passes over skipNonFinite steps in a row, and reports them', async () => {
    const one = await setUpFit({ skipNonFinite: 4 });
    const { events, error } = await run(one.trainer.fit(one.dataset, { epochs }), async ({ step }) => {
      if (step !== 2) return;
      await overflow(one);
    });
    const skipped = events.filter((event) => event.skipped);
    expect(events.map(({ step }) => step)).toEqual(events.map((_, i) => i + 1));
    expect(skipped).toEqual(events.slice(-4));
    for (const { loss, skipped: why } of skipped) {
      expect(loss).toBeNaN();
      expect(why).toMatch(/^its loss is (Infinity|NaN)$/);
    }
    expect(error?.message).toContain(`Step ${events.length + 1} was not made`);
    expect((await one.trainer.getState()).step).toBe(events.length);
    expect([...(await one.trainer.readLosses(4))]).toEqual([nan, nan, nan, nan]);

    const settings = { seed: 0, batchSize: 4, learningRate: 0.01, epochs };
    const data = fingerprintImages(images);
    const losses = events.map(({ loss }) => loss);
    const saved = loadCheckpoint(await saveCheckpoint({ trainer: one.trainer, settings, data, losses }));
    expect([...saved.losses].map(Number.isNaN)).toEqual(losses.map(Number.isNaN));
    expect(saved.training.skipNonFinite).toBe(4);
  });
});

test('a fit that is left before its loop has seen the step that is not finite leaves the trainer ready', async () => {
  const one = await setUp();
  using dataset = await Dataset.create(gpu, images);
  // Two submissions are under way when the weights change, and the next is when the first event of the second comes.
  const { error } = await run(one.trainer.fit(dataset, { epochs: 30 }), async ({ step }) => {
    if (step === 1) await overflow(one);
    return step === 4 ? 'break' : undefined;
  });
  expect(error).toBeUndefined();
  expect((await one.trainer.getState()).step).toBe(6);
  expect(await one.trainer.readLosses(10)).toHaveLength(6);
  const next = await run(one.trainer.fit(dataset, { epochs: 30 }));
  expect(next.events).toEqual([]);
  expect(next.error?.message).toContain('Step 7 was not made');
});

describe('steps that skipNonFinite skips', () => {
  test('change nothing but the number of steps', async () => {
    const one = await setUp({ skipNonFinite: 2 });
    const other = await setUp();
    const bad = goodBatch(9);
    bad.target[3] = nan;
    const losses = [];
    for (const batch of [goodBatch(1), bad, bad, goodBatch(2), bad, goodBatch(3)])
      losses.push(await one.trainer.step(batch));
    expect(losses.map(Number.isNaN)).toEqual([false, true, true, false, true, false]);
    const made = [];
    for (const seed of [1, 2, 3]) made.push(await other.trainer.step(goodBatch(seed)));
    expect(losses.filter((loss) => !Number.isNaN(loss))).toEqual(made);
    const { state, ...rest } = await everything(one);
    expect(state.step).toBe(6);
    expect({ ...rest, state: { ...state, step: 3 } }).toEqual(await everything(other));
    expect([...(await one.trainer.readLosses(6))]).toEqual(losses);
  });

  test('may follow each other up to the number that it allows, and the next one is refused', async () => {
    const { trainer } = await setUp({ skipNonFinite: 2 });
    const bad = goodBatch(9);
    bad.noisy[5] = inf;
    await trainer.step(goodBatch(1));
    for (let round = 0; round < 2; round++) {
      for (let i = 0; i < 2; i++) expect(await trainer.step(bad)).toBeNaN();
      await refused(trainer.step(bad), 'argument', 'noisy[5] of its batch is Infinity');
    }
    expect((await trainer.getState()).step).toBe(5);
  });

  test.each([-1, 0.5, nan, '1'])(
    'need a whole number from 0; skipNonFinite is refused as %j',
    async (skipNonFinite) => {
      await refused(setUp({ skipNonFinite: skipNonFinite as number }), 'argument', 'skipNonFinite is');
    },
  );
});

describe('recorded steps', () => {
  const submitSteps = (trainer: Trainer, ...batches: object[]) =>
    submit(gpu, (encoder) => {
      for (const batch of batches) trainer.encodeStep(encoder, allOnGpu(batch));
    });

  /** Good, bad and good again, in one submission. */
  async function record(options: TrainerOptions) {
    const one = await setUp(options);
    const bad = goodBatch(9);
    bad.noisy[5] = nan;
    submitSteps(one.trainer, goodBatch(1), bad, goodBatch(2));
    const other = await setUp();
    const losses = [await other.trainer.step(goodBatch(1))];
    return { ...one, other, losses };
  }

  test('after one that is not finite change nothing until the error was thrown', async () => {
    const { other, losses, ...one } = await record({});
    expect(await everything(one)).toEqual(await everything(other));
    await refused(
      one.trainer.readLosses(5),
      'diverged',
      'Step 2 was not made: its loss is NaN',
      'If another step was recorded after it, its batch may be at fault',
    );
    expect([...(await one.trainer.readLosses(5))]).toEqual(losses);
    expect(await one.trainer.step(goodBatch(2))).toBe(await other.trainer.step(goodBatch(2)));
    expect(await everything(one)).toEqual(await everything(other));
  });

  test.each(['step', 'fit'] as const)('that are not finite are an error of the next %s', async (what) => {
    const { other, ...one } = await record({});
    using dataset = await Dataset.create(gpu, images);
    const attempt = async () =>
      what === 'step' ? one.trainer.step(goodBatch(2)) : one.trainer.fit(dataset, { epochs: 1 }).next();
    await refused(attempt(), 'diverged', 'Step 2 was not made: its loss is NaN');
    expect(await everything(one)).toEqual(await everything(other));
    await attempt();
  });

  const places = [
    ['noisy', 17],
    ['target', 3],
    ['levels', 1],
  ] as const;
  const told = ['readLosses', 'step', 'fit', 'runFor'] as const;
  test.each(places.flatMap(([name, at]) => told.map((by) => ({ name, at, by }))))(
    'with a value in $name that is not finite are named by $by',
    async ({ name, at, by }) => {
      const one = await setUp({}, true);
      const bad = goodBatch(9, true);
      bad[name]![at] = nan;
      using dataset = await Dataset.create(gpu, images);
      const attempts = {
        readLosses: () => one.trainer.readLosses(1),
        step: () => one.trainer.step(goodBatch(3, true)),
        fit: () => one.trainer.fit(dataset, { epochs: 1 }).next(),
        runFor: () => one.trainer.runFor(dataset, { milliseconds: 1 }),
      };
      const before = await everything(one);
      submitSteps(one.trainer, bad);
      const { message } = await refused(
        attempts[by](),
        'argument',
        `Step 1 was not made: ${name}[${at}] of the last recorded batch is NaN`,
      );
      expect(message).not.toContain('too large');
      expect(await everything(one)).toEqual(before);
      await attempts[by]();
    },
  );

  test('with a custom loss, that are not finite are named', async () => {
    const bad = goodBatch(9);
    bad.noisy[5] = nan;
    const one = await setUp({ customLoss: true });
    const output = roomFor(gpu, COUNT * size);
    submit(gpu, (encoder) => {
      one.trainer.encodeForward(encoder, { input: onGpu(bad.noisy), output, count: COUNT });
      one.trainer.encodeBackward(encoder, { outputGradient: output });
      one.trainer.encodeUpdate(encoder);
    });
    await refused(one.trainer.readLosses(), 'argument', 'input[5] of the last recorded batch');
  });

  test('that are not finite are skipped with skipNonFinite', async () => {
    const { other, losses, ...one } = await record({ skipNonFinite: 1 });
    losses.push(nan, await other.trainer.step(goodBatch(2)));
    expect([...(await one.trainer.readLosses(5))]).toEqual(losses);
    expect((await everything(one)).parameters).toEqual((await everything(other)).parameters);
  });

  test('that are not finite are forgotten with a new state', async () => {
    const { other, ...one } = await record({});
    one.trainer.setState(await other.trainer.getState());
    expect(await one.trainer.step(goodBatch(2))).toBe(await other.trainer.step(goodBatch(2)));
  });
});

describe('a number that is not finite is refused by', () => {
  test.each([nan, inf, -inf])('setParameters: %d', async (value) => {
    const { unet, ...one } = await setUp();
    const before = await everything({ unet, ...one });
    const parameters = await unet.getParameters();
    parameters.get('down.1.bias')![3] = value;
    await refused(
      unet.setParameters(parameters),
      'argument',
      `down.1.bias is not finite: value 3 of 8 is ${value}`,
    );
    expect(await everything({ unet, ...one })).toEqual(before);
  });

  const fromHost = {
    'a list': (values: number[]) => values,
    'an array of doubles': (values: number[]) => Float64Array.from(values),
  };
  test.each(Object.entries(fromHost))(
    'setParameters, where it is infinite as a 32-bit float, in %s',
    async (_, from) => {
      const { unet } = await setUp();
      const parameters: Map<string, ArrayLike<number>> = await unet.getParameters();
      parameters.set('down.1.bias', from([0, 0, 0, -1e39, 0, 0, 0, 0]));
      await refused(
        unet.setParameters(parameters),
        'argument',
        'down.1.bias is not finite: value 3 of 8 is -1e+39, and -Infinity as a 32-bit float',
      );
    },
  );

  test.each(['moment1', 'moment2', 'weights'] as const)(
    'setState: %s infinite as a 32-bit float',
    async (name) => {
      const one = await setUp({ average: {} });
      await one.trainer.step(goodBatch(1));
      const state = await one.trainer.getState();
      const values: unknown = Float64Array.from(state[name]!.get('up.0.kernel')!).fill(1e39, 7, 8);
      const changed = new Map(state[name]!).set('up.0.kernel', values as Float32Array<ArrayBuffer>);
      await refused(
        (async () => one.trainer.setState({ ...state, [name]: changed }))(),
        'argument',
        `${name} of up.0.kernel is not finite: value 7 of ${8 * 4 * 9} is 1e+39`,
      );
    },
  );

  test.each([
    ['moment1', nan],
    ['moment1', 1e30],
    ['moment1', -1e30],
    ['moment2', inf],
    ['moment2', -1],
    ['weights', nan],
    ['corrections', nan],
    ['corrections', -0.5],
    ['corrections', 2],
  ] as const)('setState: %s with %d', async (name, value) => {
    const one = await setUp({ average: {} });
    await one.trainer.step(goodBatch(1));
    const before = await everything(one);
    const state = await one.trainer.getState();
    if (name === 'corrections') state.corrections[1] = value;
    else state[name]!.get('up.0.kernel')![7] = value;
    const { message } = await refused(
      (async () => one.trainer.setState({ ...state, step: 7 }))(),
      'argument',
    );
    const place = name === 'corrections' ? 'corrections[1] is' : `${name} of up.0.kernel is not`;
    expect(message).toContain(place);
    expect(message).toContain(name === 'corrections' ? ` ${value};` : `value 7 of ${8 * 4 * 9}`);
    expect(message).toContain(String(Math.fround(value)));
    expect(await everything(one)).toEqual(before);
  });
});
