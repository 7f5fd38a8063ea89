/** What the host makes of the GPU's records of steps: losses, why a step changed nothing, the advice then, and images per second. */
import { afterEach, describe, expect, test, vi } from 'vitest';
import { STATE, STATE_WORDS } from '../../../src/plan/step_state';
import type { BatchSource } from '../../../src/training/batch';
import { SpeedMeter } from '../../../src/training/fit';
import { Losses } from '../../../src/training/losses';
import { divergence, whyNot, wrongInput } from '../../../src/training/refusal';
import { LOSS_RING } from '../../../src/training/step_config';

/** What the GPU has after `step` steps: records of the last ones from `recordOf`, and one of a step that it refused. */
function lossesAfter(
  step: number,
  recordOf: (step: number) => readonly number[],
  { skipped = 0, mostSkipped = 0, refused = [-1, -2, -3, 7] },
) {
  const ring = new Float32Array(4 * (LOSS_RING + 1)).fill(NaN);
  for (let s = Math.max(0, step - LOSS_RING); s < step; s++) ring.set(recordOf(s), 4 * (s % LOSS_RING));
  ring.set(refused, 4 * LOSS_RING);
  const state = new Uint32Array(STATE_WORDS);
  state[STATE.step] = step;
  state[STATE.skipped] = skipped;
  return new Losses([state.buffer, ring.buffer], mostSkipped);
}
/** Every fifth step was skipped. */
const counted = (s: number) => [s, s + 0.25, s + 0.5, s % 5 === 4 ? 12 : 0];

describe('Losses', () => {
  test.each([5, LOSS_RING, LOSS_RING + 1, 10_000])(
    'reads the last losses, rates and norms from the ring after %i steps',
    (step) => {
      const losses = lossesAfter(step, counted, {});
      expect(losses.step).toBe(step);
      for (const count of [0, 1, 4, LOSS_RING].map((n) => Math.min(n, step))) {
        const steps = Array.from({ length: count }, (_, i) => step - count + i);
        expect([...losses.last(count)]).toEqual(steps.map((s) => (s % 5 === 4 ? NaN : s)));
        expect(losses.records(count)).toEqual(
          steps.map((s) => ({
            loss: s,
            learningRate: s + 0.25,
            gradientNorm: s + 0.5,
            cause: s % 5 === 4 ? 12 : 0,
          })),
        );
      }
      expect(losses.refused).toBeUndefined();
    },
  );

  test.each([0, 3])('ends the run when more than %i steps in a row are skipped', (mostSkipped) => {
    const { refused } = lossesAfter(5, counted, { skipped: mostSkipped + 1, mostSkipped });
    expect(refused).toEqual({ loss: -1, learningRate: -2, gradientNorm: -3, cause: 7 });
  });
});

const layers = ['down.0', 'down.0', 'up.0'];

test.each([
  [NaN, 1, 'its loss is NaN'],
  [0.25, 3, 'the gradient of down.0 or its square is not finite, at a loss of 0.25'],
  [6.514e21, 4, 'the gradient of up.0 or its square is not finite, at a loss of 6.51e+21'],
])('whyNot of a step with loss %d and cause %i: %s', (loss, cause, why) => {
  expect(whyNot({ loss, learningRate: 1e-3, gradientNorm: 1, cause }, layers)).toBe(why);
});

const calm = Array.from({ length: 300 }, (_, i) => 0.1 + 0.02 * Math.sin(i));
const skipped = (count: number) => new Array<number>(count).fill(NaN);
const smaller = 'a smaller learning rate than 0.01';

interface End {
  readonly losses: readonly number[];
  /** How many of these steps the trainer itself made; default: all. */
  readonly made?: number;
  readonly refused?: readonly [loss: number, cause: number];
}
test.each<[string, End, (string | RegExp)[], string[]]>([
  [
    'blames the rate where the loss has grown',
    { losses: [...calm, 0.2, 0.9, 55, 1e4, 3e7] },
    [
      /grown, from about 0\.1\d* to 30000000: the learning rate is too large/,
      `${smaller}, a warm-up or clipNorm`,
    ],
    [],
  ],
  [
    'so where it has grown in the refused step itself',
    { losses: [0.124], refused: [6.51e21, 4] },
    ['grown, from about 0.124 to 6.51e+21'],
    [],
  ],
  [
    'says that the loss had not grown',
    { losses: calm, refused: [Infinity, 1] },
    ['its loss is Infinity', /The loss before was 0\.\d+ and had not grown/, smaller],
    [],
  ],
  ...[NaN, 1e20].map((loss): [string, End, string[], string[]] => [
    'blames weights or state in the first step of a trainer',
    { losses: calm, made: 0, refused: [loss, 2] },
    ['the weights or the state that training began with'],
    ['rate'],
  ]),
  ['does not count skipped steps', { losses: [...calm, NaN, NaN] }, ['had not grown'], []],

  ...[100, LOSS_RING].map((count): [string, End, string[], string[]] => [
    `says after ${count} skipped steps that some were made before`,
    { losses: [...calm, ...skipped(count)] },
    ['None of the last 100 steps was made either', smaller],
    ['began with'],
  ]),
  [
    'so where those that were made are not the trainer’s',
    { losses: [...calm, ...skipped(150)], made: 150 },
    ['None was made before it'],
    [],
  ],
])(
  'the advice after a step that is not finite %s',
  (_, { losses, made = losses.length, refused }, facts, others) => {
    const [loss, cause] = refused ?? [NaN, 1];
    const recordOf = (s: number) => [losses[s], 0, 0, Number.isFinite(losses[s]) ? 0 : 1];
    const known = lossesAfter(losses.length, recordOf, { skipped: 1, refused: [loss, 0, 0, cause] });
    const { code, message } = divergence(known, layers, 0.01, made);
    expect(code).toBe('diverged');
    const always = [
      `Step ${losses.length + 1} was not made`,
      `The weights are those after step ${losses.length}.`,
    ];
    for (const fact of [...always, ...facts]) expect(message).toMatch(fact);
    for (const other of others) expect(message).not.toContain(other);
  },
);

test.each<[number, string?]>([
  [0],
  ...[NaN, -1e10].map((value): [number, string] => [
    value,
    `target[2] of its batch is ${Math.fround(value)}`,
  ]),
])('wrongInput names the first value of a batch that is out of range: %d', async (value, found) => {
  const source = (name: BatchSource['name'], to: BatchSource['to'], values: readonly number[]) => ({
    name,
    to,
    bytes: 4 * values.length,
    source: Float32Array.from(values),
  });
  const batch = [
    source('noisy', 'noisyImages', [0, 1, -1, 1e9]),
    source('labels', 'classes', [NaN]),
    source('target', 'targetImages', [0, 0, value, found ? NaN : 0]),
  ];
  const read = async ({ source }: (typeof batch)[number]) => source.buffer;
  expect(await wrongInput(batch, read as never)).toBe(found);
});

describe('SpeedMeter', () => {
  afterEach(() => void vi.useRealTimers());

  test('gives images per second, and forgets what is more than five seconds ago', () => {
    vi.useFakeTimers({ toFake: ['performance'], now: 1000 });
    const meter = new SpeedMeter();
    const inSeconds = (seconds: number, images: number) => {
      vi.advanceTimersByTime(1000 * seconds);
      return meter.add(images);
    };
    expect(inSeconds(0.5, 50)).toBeCloseTo(100);
    for (let i = 0; i < 10; i++) expect(inSeconds(1, 100)).toBeCloseTo(100);
    expect(inSeconds(1, 40)).toBeCloseTo(90); // the last six seconds
    for (let i = 0; i < 5; i++) inSeconds(1, 40);
    expect(inSeconds(1, 40)).toBeCloseTo(40);
  });
});
