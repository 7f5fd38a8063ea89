/** The pictures of a sampling run on the page. */
import { expect, test } from 'vitest';
import { LivePictures } from '../../harness/page/worker/live_pictures';
import type { NumberedOrder, WorkerEvent } from '../../harness/page/worker/messages';
import type { Engine, SampleEvent, UNet } from '../../src/index';

test('the last step shows what was made, also where a step does not end at its prediction', async () => {
  const steps = 2;
  const grey = (value: number) => new Float32Array(4).fill(value);
  async function* run(): AsyncGenerator<SampleEvent> {
    for (let step = 0; step < steps; step++)
      yield { step, input: grey(0), prediction: grey(0.2 + step / 10), x: grey(0.6 + step / 5) };
  }
  const unet = { config: { height: 2, width: 2, channels: 1 } } as UNet;
  const engine = { createSampler: async () => ({ count: 1, unet, run }) } as unknown as Engine;
  const shown: number[] = [];
  const pictures = new LivePictures((event: WorkerEvent) => {
    if (event.type === 'sampled') shown.push(event.frame!.prediction[0]);
  });
  const order = { steps, count: 1, method: 'adams', digit: 'all', text: '', seed: 1 } as unknown;
  const go = await pictures.run(engine, { unet, objective: 'flow' }, order as NumberedOrder);
  await go(new AbortController().signal);
  expect(shown).toEqual([0.2, 0.8].map((value) => Math.round(255 * value)));
});
