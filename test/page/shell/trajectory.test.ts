/** What the page shows of images that are being made, step by step. */
import { expect, test } from 'vitest';
import type { Order } from '../../../harness/page/messages/messages';
import { initialSettings } from '../../../harness/page/messages/settings';
import { initialState, networkIn } from '../../../harness/page/shell/state';
import { stepOf, Trajectory } from '../../../harness/page/shell/trajectory';
import { recipes } from '../../../src/recipes';

test.each([
  ['the last step of samples shows the images, also where it does not end at its prediction', undefined],
  ['a polish of samples comes as one more step', { noises: 4, level: 0.2 }],
])('%s', (_, polish) => {
  const steps = 2;
  const grey = (value: number) => new Float32Array(4).fill(value);
  const events = [0, 1].map((step) => ({
    ...{ step, input: grey(0), prediction: grey(0.2 + step / 10), x: grey(0.6 + step / 5) },
  }));
  if (polish) events.push({ step: steps, input: grey(0.8), prediction: grey(0.95), x: grey(0.95) });
  const order = { steps, count: 1, method: 'adams', digit: 'all', text: '', seed: 1 } as unknown as Order;
  const sampling = { ...recipes.digits.sampling, polish };
  const network = { recipe: 'digits', classes: 0, height: 2, width: 2, channels: 1, sampling } as const;
  const shown = events.map((event) =>
    stepOf(event, { order, settings: initialSettings, network, trained: 0 }),
  );
  const pixels = shown.map(({ prediction }) => prediction[0]);
  expect(pixels).toEqual([0.2, 0.8, ...(polish ? [0.95] : [])].map((value) => Math.round(255 * value)));
  expect(shown.map((each) => [each.step, each.steps])).toEqual(events.map((_, i) => [i + 1, events.length]));
});

test('few frames are kept of a thousand steps, the first and the last among them', () => {
  const trajectory = new Trajectory(() => {});
  const order = { steps: 1000, count: 1, digit: 'all' } as Order;
  const origin = {
    order,
    network: networkIn('run', initialState, initialSettings),
    settings: initialSettings,
  };
  const frame = { x: new Uint8Array(784), prediction: new Uint8Array(784) };
  for (let step = 1; step <= 1000; step++)
    trajectory.take({ ...origin, ...frame, trained: 0, step, steps: 1000 });
  expect([trajectory.all[0].step, trajectory.last?.step, trajectory.complete]).toEqual([1, 1000, true]);
  expect(trajectory.length).toBeLessThanOrEqual(100);
});
