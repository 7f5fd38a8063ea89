/** What the page says of distilling, and when it offers it. */
import { expect, test } from 'vitest';
import { LossHistory } from '../../../harness/page/runs/losses';
import { distillable, distilOffer, mayDistil } from '../../../harness/page/shell/distil_text';
import { initialState, type Run, type State } from '../../../harness/page/shell/state';
import { recipes } from '../../../src/recipes';
import { countCalls } from '../../../src/unet/sampling';

const settings = { recipe: 'digits', batch: 64 } as const;
const run: Run = {
  images: 640,
  held: 0,
  stepsPerEpoch: 10,
  parameters: 1,
  bytes: 1,
  variants: {},
  classes: 10,
  data: { count: 640, height: 28, width: 28, channels: 1, fnv1a: '0' },
};
const trained: State = {
  ...initialState,
  run,
  losses: LossHistory.of(new Array(300).fill(1)),
  phase: 'finished',
  pace: 600,
};

test('distilling is offered for a trained network with a flow and classes, while no other task runs', () => {
  expect(mayDistil(trained, settings)).toBe(true);
  // What it began with is worth copying after its first step.
  expect(mayDistil({ ...trained, losses: LossHistory.of([1]), begin: 'pretrained' }, settings)).toBe(true);
  for (const other of [
    { ...trained, losses: LossHistory.of(new Array(299).fill(1)) },
    { ...trained, run: undefined },
    { ...trained, run: { ...run, classes: 0 } },
  ])
    expect(distillable(other, settings)).toBe(false);
  expect(distillable(trained, { recipe: 'tutorial' })).toBe(false);
  expect(mayDistil({ ...trained, training: true }, settings)).toBe(false);
});

test('the estimated time of distilling follows from the speed of the training', () => {
  // 4,000 trajectories of 16 passes, and 200 steps of 128 images of 3: as 46,933 images.
  const at = (pace: number, batch = 64) => distilOffer({ ...trained, pace }, { ...settings, batch });
  const calls = countCalls(recipes.digits.sampling);
  expect(at(700)).toContain(`instead of ${calls}. It takes about a minute;`);
  expect(at(4000)).toContain('about 12 s');
  expect(at(0)).toContain('as long as 733 steps of training');
});
