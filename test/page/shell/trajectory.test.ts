/** What the page shows of a step of images that are being made. */
import { expect, test } from 'vitest';
import type { Order } from '../../../harness/page/messages/messages';
import { initialSettings } from '../../../harness/page/messages/settings';
import { initialState, networkIn } from '../../../harness/page/shell/state';
import { sampledStep } from '../../../harness/page/shell/trajectory';

test.each([
  ['the last step of samples shows the images, also where it does not end at its prediction', undefined],
  ['a polish of samples comes as one more step', { noises: 4, level: 0.2 }],
])('%s', (_, polish) => {
  const settings = initialSettings;
  const { sampling, ...network } = networkIn('pretrained', initialState, settings);
  const order = { steps: 2 } as Order;
  const origin = { order, settings, network: { ...network, sampling: { ...sampling, polish } }, trained: 0 };
  const of = (value: number) => Float32Array.of(value);
  const steps = [0, 0.2, 0.4].slice(0, polish ? 3 : 2).map((value, step) => {
    const made = sampledStep({ step, input: of(0), prediction: of(value), x: of(value + 0.4) }, origin);
    return [made.step, made.steps, made.prediction[0]];
  });
  const all = [0, 153, 102].map((pixel, i) => [i + 1, polish ? 3 : 2, pixel]);
  expect(steps).toEqual(all.slice(0, polish ? 3 : 2));
});
