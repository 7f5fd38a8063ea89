/** Steps that are not finite: found on the GPU before any weight changes, named, and ended or passed over. */
import { describe, expect, test, vi } from 'vitest';
import { TestRandom } from '../../../harness/specs/lib/spec';
import type { EngineError } from '../../../src/base/errors';
import { Dataset } from '../../../src/data/dataset';
import type { TrainerOptions, TrainingEvent } from '../../../src/training/options';
import type { Trainer } from '../../../src/training/trainer';
import type { UNet } from '../../../src/unet/unet';
import { testGpu } from '../../lib/gpu';
import { bufferOf, roomFor, submit } from '../../lib/on_gpu';
import { refused } from '../../lib/refused';
import { batchOf, images, network, SIZE, setUp } from '../../lib/small_trainer';

const { gpu } = await testGpu();
const dataset = await Dataset.create(gpu, images);

const COUNT = 3;
const levelled = { ...network, conditioning: { noiseLevel: true, classes: 0 } };
const setUpTold = (options: TrainerOptions = {}) => setUp(gpu, { learningRate: 0.01, ...options }, levelled);
/** The same for the same seed. */
const toldBatch = (seed: number) => ({
  ...batchOf(seed, COUNT),
  levels: new TestRandom(seed).floats(COUNT, 0, 1),
});
type Name = keyof ReturnType<typeof toldBatch>;
function badBatch(name: Name, at: number, value: number) {
  const batch = toldBatch(9);
  batch[name][at] = value;
  return batch;
}
const onGpu = ({ noisy, target, levels }: ReturnType<typeof toldBatch>) => ({
  noisy: bufferOf(gpu, noisy),
  target: bufferOf(gpu, target),
  levels: bufferOf(gpu, levels),
  count: COUNT,
});

/** All that a step may change: weights, their average, what the kernels read, and the state. */
const everything = async ({ unet, trainer }: { unet: UNet; trainer: Trainer }) => ({
  parameters: await unet.getParameters(),
  state: await trainer.getState(),
  prediction: await unet.predict(new Float32Array(SIZE).fill(0.5), { levels: new Float32Array(1) }),
});

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

/** Sets finite weights with which the loss overflows, or only the gradient; returns those before. */
async function overflow({ unet }: { unet: UNet }, what: 'loss' | 'gradient' = 'loss') {
  const good = await unet.getParameters();
  // With the kernel the loss is some 1e30: the layer’s own gradient is as large as the loss’s square root, other layers’ gradients as the loss.
  const [name, value] = what === 'loss' ? ['up.1.bias', 1e25] : ['up.1.kernel', 1e15];
  await unet.setParameters(
    new Map(good).set(
      name as string,
      good.get(name as string)!.map(() => +value),
    ),
  );
  return good;
}

const places = [
  ['noisy', 17],
  ['target', COUNT * SIZE - 1],
  ['levels', 1],
] as const;

describe('a value in a batch that is not finite', () => {
  const cases = places.flatMap(([name, at]) =>
    [NaN, Infinity, -Infinity, 1e30].flatMap((value) =>
      (['arrays', 'buffers', 'runFor'] as const).map((way) => ({ name, at, value, way })),
    ),
  );
  // An array of levels is looked at before, and any level that is finite has a sine.
  const found = ({ name, value, way }: (typeof cases)[number]) =>
    name !== 'levels' || (way === 'buffers' && value !== 1e30);
  test.each(cases.filter(found))(
    'changes nothing and is named: $value in $name, by $way',
    async ({ name, at, value, way }) => {
      const bad = badBatch(name, at, value);
      for (const [options, maxMilliseconds] of [
        [{}, 1e-6],
        [{ clipNorm: 1, average: {} }, 300],
      ] as const) {
        const one = await setUpTold(options);
        const other = await setUpTold(options);
        for (const { trainer } of [one, other]) await trainer.step(toldBatch(1));
        const before = await everything(one);
        gpu.pacer.maxMilliseconds = maxMilliseconds;
        const made = {
          arrays: () => one.trainer.step(bad),
          buffers: () => one.trainer.step(onGpu(bad)),
          async runFor() {
            for (;;) await one.trainer.runFor(() => bad, { milliseconds: 1 });
          },
        };
        const fact = `${name}[${at}] of its batch is ${Math.fround(value)}`;
        const { message } = await refused(made[way], 'argument', 'Step 2 was not made: ', fact);
        expect(message).not.toContain('rate');
        expect(await everything(one)).toEqual(before);
        // The next one is as if there had been no other.
        for (const { trainer } of [one, other]) await trainer.step(toldBatch(3));
        expect(await everything(one)).toEqual(await everything(other));
        expect(await one.trainer.readLosses(5)).toEqual(await other.trainer.readLosses(5));
      }
    },
  );

  test('NaN in a batch’s padding is ignored', async () => {
    const one = await setUp(gpu);
    const other = await setUp(gpu);
    const batch = batchOf(1, COUNT);
    const padded = (values: Float32Array) => {
      const all = new Float32Array(4 * SIZE).fill(NaN);
      all.set(values);
      return bufferOf(gpu, all);
    };
    const loss = one.trainer.step({
      noisy: padded(batch.noisy),
      target: padded(batch.target),
      count: COUNT,
    });
    expect(await loss).toBe(await other.trainer.step(batch));
  });
});

const grown = [/: the gradient of up\.0 .* at a loss of \d.*e\+\d/, 'The loss had grown'];
interface Unfit {
  readonly what: 'loss' | 'gradient';
  /** Steps that were made before. */
  readonly made: number;
  readonly options?: TrainerOptions;
  readonly facts: readonly (string | RegExp)[];
}
test.each<Unfit>([
  {
    what: 'loss',
    made: 1,
    facts: [': its loss is ', 'The weights are those after step 1.', 'a smaller learning rate than 0.01'],
  },
  { what: 'loss', made: 0, facts: ['the weights or the state that training began with'] },
  { what: 'gradient', made: 1, facts: grown },
  { what: 'gradient', made: 1, options: { clipNorm: 1, average: {} }, facts: grown },
])('weights with which the $what after $made steps is not finite stay: $options', async (row) => {
  const { what, made, options, facts } = row;
  const one = await setUpTold(options);
  const other = await setUpTold(options);
  for (const { trainer } of [one, other]) if (made > 0) await trainer.step(toldBatch(1));
  const good = await overflow(one, what);
  const before = await everything(one);
  const step = () => one.trainer.step(toldBatch(2));
  const { message } = await refused(step, 'diverged', `Step ${made + 1} was not made`, ...facts);
  if (made === 0) expect(message).not.toContain('rate');
  expect(await everything(one)).toEqual(before);
  await one.unet.setParameters(good);
  await other.unet.setParameters(good);
  expect(await step()).toBe(await other.trainer.step(toldBatch(2)));
  expect(await everything(one)).toEqual(await everything(other));
});

describe.each([
  ['several steps a submission', 300],
  ['a submission for each dispatch', 1e-6],
])('a fit with %s', (_, maxMilliseconds) => {
  const epochs = 30;
  const setUpFit = (options: TrainerOptions = {}) => {
    gpu.pacer.maxMilliseconds = maxMilliseconds;
    return setUpTold(options);
  };

  test('ends at the first step that is not finite, as often as it is tried, and goes on as a fresh trainer', async () => {
    for (const at of [1, 5]) {
      const one = await setUpFit();
      let good = new Map();
      let bad = new Map();
      const { events, error } = await run(one.trainer.fit(dataset, { epochs }), async ({ step }) => {
        if (step !== at) return;
        good = await overflow(one);
        bad = await one.unet.getParameters();
      });
      expect(error?.code).toBe('diverged');
      expect(error?.message).toContain(`Step ${events.length + 1} was not made: its loss is`);
      expect(error?.message).toContain(`The weights are those after step ${events.length}.`);
      expect(events.map(({ step }) => step)).toEqual(events.map((_, i) => i + 1));
      const { state, parameters } = await everything(one);
      expect(parameters).toEqual(bad);
      expect(state.step).toBe(events.length);
      const losses = await one.trainer.readLosses(events.length);
      expect([...losses]).toEqual(events.map(({ loss }) => loss));

      const again = await run(one.trainer.fit(dataset, { epochs }));
      expect({ events: again.events, message: again.error?.message }).toEqual({
        events: [],
        message: error?.message,
      });
      const other = await setUpFit();
      for (const { unet } of [one, other]) await unet.setParameters(good);
      other.trainer.setState(await one.trainer.getState());
      const goesOn = async ({ trainer }: typeof one) => {
        const { events, error } = await run(trainer.fit(dataset, { epochs, maxSteps: 7 }));
        return [error, events.map(({ step, loss }) => [step, loss])];
      };
      expect(await goesOn(one)).toEqual(await goesOn(other));
      expect(await everything(one)).toEqual(await everything(other));
    }
  });

  test('passes over skipNonFinite steps in a row, and reports them', async () => {
    const one = await setUpFit({ skipNonFinite: 4 });
    const { events, error } = await run(one.trainer.fit(dataset, { epochs }), ({ step }) =>
      step === 2 ? overflow(one) : undefined,
    );
    expect(events.map(({ step }) => step)).toEqual(events.map((_, i) => i + 1));
    expect(events.filter((event) => event.skipped)).toEqual(events.slice(-4));
    for (const { loss, skipped } of events.slice(-4)) {
      expect(loss).toBeNaN();
      expect(skipped).toMatch(/^its loss is (Infinity|NaN)$/);
    }
    expect(error?.message).toContain(`Step ${events.length + 1} was not made`);
    expect((await one.trainer.getState()).step).toBe(events.length);
    expect([...(await one.trainer.readLosses(4))]).toEqual([NaN, NaN, NaN, NaN]);
  });
});

test('a fit that is left before its loop has seen the step that is not finite leaves the trainer ready', async () => {
  const one = await setUpTold();
  let good = new Map();
  // Two submissions are under way when the weights change; word of the second one's end comes when there is a third.
  const submit = gpu.submit.bind(gpu);
  let isThird = () => {};
  const third = new Promise<void>((resolve) => {
    isThird = resolve;
  });
  let submissions = 0;
  vi.spyOn(gpu, 'submit').mockImplementation(async (encoder, load, onSent) => {
    const nth = load ? ++submissions : 0;
    if (nth === 3) isThird();
    await submit(encoder, load, onSent);
    if (nth === 2) await third;
  });
  const { error } = await run(one.trainer.fit(dataset, { epochs: 30 }), async ({ step }) => {
    if (step === 1) good = await overflow(one);
    return step === 4 ? 'break' : undefined;
  });
  expect(error).toBeUndefined();
  expect((await one.trainer.getState()).step).toBe(6);
  expect(await one.trainer.readLosses(10)).toHaveLength(6);
  vi.restoreAllMocks();
  await one.unet.setParameters(good);
  const next = await run(one.trainer.fit(dataset, { epochs: 30, maxSteps: 1 }));
  expect(next.error).toBeUndefined();
  expect(next.events.map(({ step }) => step)).toEqual([7]);
});

test('skipped steps change nothing but the number of steps, and as many follow each other as skipNonFinite says', async () => {
  const one = await setUpTold({ skipNonFinite: 2 });
  const other = await setUpTold();
  const bad = badBatch('target', 3, NaN);
  const losses = [];
  for (const batch of [toldBatch(1), bad, bad, toldBatch(2), bad, toldBatch(3)])
    losses.push(await one.trainer.step(batch));
  expect(losses.map(Number.isNaN)).toEqual([false, true, true, false, true, false]);
  const made = [];
  for (const seed of [1, 2, 3]) made.push(await other.trainer.step(toldBatch(seed)));
  expect(losses.filter((loss) => !Number.isNaN(loss))).toEqual(made);
  const { state, ...rest } = await everything(one);
  expect(state.step).toBe(6);
  expect({ ...rest, state: { ...state, step: 3 } }).toEqual(await everything(other));
  expect([...(await one.trainer.readLosses(6))]).toEqual(losses);
  for (let round = 0; round < 2; round++) {
    for (let i = 0; i < 2; i++) expect(await one.trainer.step(bad)).toBeNaN();
    await refused(one.trainer.step(bad), 'argument', 'target[3] of its batch is NaN');
  }
  expect((await one.trainer.getState()).step).toBe(10);

  const averaged = await setUpTold({ skipNonFinite: 1, average: {} });
  await averaged.trainer.step(toldBatch(1));
  const before = await averaged.unet.getParameters();
  expect(await averaged.trainer.step(bad)).toBeNaN();
  expect(await averaged.unet.getParameters()).toEqual(before);
});

describe('recorded steps', () => {
  const submitSteps = (trainer: Trainer, ...batches: ReturnType<typeof toldBatch>[]) =>
    submit(gpu, (encoder) => {
      for (const batch of batches) trainer.encodeStep(encoder, onGpu(batch));
    });
  /** Good, bad and good again, in one submission; and a trainer that made the first one only. */
  async function record(options: TrainerOptions = {}) {
    const one = await setUpTold(options);
    submitSteps(one.trainer, toldBatch(1), badBatch('noisy', 5, NaN), toldBatch(2));
    const other = await setUpTold();
    return { one, other, first: await other.trainer.step(toldBatch(1)) };
  }

  test.each(['readLosses', 'step', 'fit', 'runFor'] as const)(
    'after one that is not finite change nothing until %s has named it',
    async (by) => {
      const { one, other } = await record();
      const attempts = {
        readLosses: () => one.trainer.readLosses(5),
        step: () => one.trainer.step(toldBatch(3)),
        fit: () => one.trainer.fit(dataset, { epochs: 1 }).next(),
        runFor: () => one.trainer.runFor(dataset, { milliseconds: 1 }),
      };
      const facts = ['Step 2 was not made: its loss is NaN', 'recorded after it, its batch may be at fault'];
      await refused(attempts[by], 'diverged', ...facts);
      for (const [name, at] of places) {
        expect(await everything(one)).toEqual(await everything(other));
        submitSteps(one.trainer, badBatch(name, at, NaN));
        const fact = `Step 2 was not made: ${name}[${at}] of the last recorded batch is NaN`;
        const { message } = await refused(attempts[by], 'argument', fact);
        expect(message).not.toContain('too large');
      }
      expect(await one.trainer.step(toldBatch(2))).toBe(await other.trainer.step(toldBatch(2)));
      expect(await everything(one)).toEqual(await everything(other));
      await attempts[by]();
    },
  );

  test.each([
    ['input', NaN, 0, 'argument', 'input[5] of the last recorded batch'],
    ['gradient', 0, NaN, 'diverged', 'Step 1 was not made'],
  ] as const)('with a custom loss, whose %s is not finite, change nothing and are named', async (...row) => {
    const [_, value, slope, code, fact] = row;
    const { trainer, unet } = await setUp(gpu, { customLoss: true });
    const before = await unet.getParameters();
    const input = bufferOf(gpu, badBatch('noisy', 5, value).noisy);
    const output = roomFor(gpu, COUNT * SIZE);
    const outputGradient = bufferOf(gpu, new Float32Array(COUNT * SIZE).fill(slope, 3, 4));
    submit(gpu, (encoder) => {
      trainer.encodeForward(encoder, { input, output, count: COUNT });
      trainer.encodeBackward(encoder, { outputGradient });
      trainer.encodeUpdate(encoder);
    });
    await refused(trainer.readLosses(), code, fact);
    expect(await unet.getParameters()).toEqual(before);
  });

  test('that are not finite are skipped with skipNonFinite, and forgotten with a new state', async () => {
    const { one, other, first } = await record({ skipNonFinite: 1 });
    const losses = [first, NaN, await other.trainer.step(toldBatch(2))];
    expect([...(await one.trainer.readLosses(5))]).toEqual(losses);
    expect((await everything(one)).parameters).toEqual((await everything(other)).parameters);

    const again = await record();
    again.one.trainer.setState(await again.other.trainer.getState());
    const next = ({ trainer }: typeof one) => trainer.step(toldBatch(2));
    expect(await next(again.one)).toBe(await next(again.other));
  });
});
