/** What the page says of distilling, and when it offers it. */
import { expect, test } from 'vitest';
import { Losses } from '../../../harness/page/runs/losses';
import {
  distillable,
  distilOffer,
  distilShare,
  distilStatus,
  mayDistil,
} from '../../../harness/page/shell/distil_text';
import { initialState, type Run, type State } from '../../../harness/page/shell/state';
import { recipes } from '../../../src/recipes';
import { callsOf } from '../../../src/unet/sampling';

const settings = { recipe: 'digits', batch: 64 } as const;
const run: Run = {
  ...{ images: 640, held: 0, stepsPerEpoch: 10, parameters: 1, bytes: 1, variants: {} },
  classes: 10,
  data: { count: 640, height: 28, width: 28, channels: 1, fnv1a: '0' },
};
const trained: State = {
  ...initialState,
  run,
  losses: Losses.of(new Array(300).fill(1)),
  phase: 'finished',
  pace: 600,
};

test('distilling is offered for a trained network with a flow and classes, while no other task runs', () => {
  expect(mayDistil(trained, settings)).toBe(true);
  // What it began with is worth copying after its first step.
  expect(mayDistil({ ...trained, losses: Losses.of([1]), begin: 'pretrained' }, settings)).toBe(true);
  for (const other of [
    { ...trained, losses: Losses.of(new Array(299).fill(1)) },
    { ...trained, losses: Losses.of([]), begin: 'pretrained' as const },
    { ...trained, run: undefined },
    { ...trained, run: { ...run, classes: 0 } },
  ])
    expect(distillable(other, settings)).toBe(false);
  expect(distillable(trained, { recipe: 'tutorial' })).toBe(false);
  const distilling = {
    calls: 2,
    noises: 4000,
    steps: 200,
    batch: 128,
    trajectories: 0,
    step: 0,
    losses: Losses.of([]),
  } as const;
  for (const other of [
    { ...trained, training: true },
    { ...trained, phase: 'sampling' },
    { ...trained, distilling },
  ] as const) {
    expect(mayDistil(other, settings)).toBe(false);
    expect(distillable(other, settings)).toBe(true);
  }
});

test('the estimated time of distilling follows from the speed of the training', () => {
  // 4,000 trajectories of 16 passes, and 200 steps of 128 images of 3: as 46,933 images.
  const at = (pace: number, batch = 64) => distilOffer({ ...trained, pace }, { ...settings, batch });
  const calls = callsOf(recipes.digits.sampling);
  expect(at(700)).toContain(`instead of ${calls}. It takes about a minute;`);
  expect(at(160)).toContain('about 5 minutes');
  expect(at(4000)).toContain('about 12 s');
  expect(at(0)).toContain('as long as 733 steps of training');
  expect(at(0, 256)).toContain('as long as 183 steps');
});

test('the status of distilling says how far it is', () => {
  const begun = {
    calls: 1,
    noises: 4000,
    steps: 200,
    batch: 128,
    trajectories: 1000,
    step: 0,
    losses: Losses.of([]),
  } as const;
  expect(distilStatus(begun)).toBe('Distilling to 1 call: trajectory 1,000 of 4,000');
  const later = { ...begun, trajectories: 4000, step: 50, secondsLeft: 34 };
  expect(distilStatus(later)).toBe('Distilling to 1 call: step 50 of 200, 34 s left');
  expect([distilShare(begun), distilShare(later)]).toEqual([0.125, 0.625]);
});
