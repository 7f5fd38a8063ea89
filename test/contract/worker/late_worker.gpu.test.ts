/**
 * A worker whose device answers late.
 *
 * @module-tag nightly
 */
import { expect, onTestFinished, test, vi } from 'vitest';
import { after, hurry } from '../../lib/clock';
import { testGpu } from '../../lib/gpu';
import { hostileGpu } from '../../lib/hostile/hostile_device';
import { heard, trained } from '../../lib/worker/alone';
import { losableGpu } from '../../lib/worker/losable';
import { run, STEPS } from '../../lib/worker/tiny';
import { served } from '../../lib/worker/world';

await testGpu();

test('a worker whose device answers late samples during training, also after an abort, and trains on', async () => {
  const { gpu: losable } = losableGpu();
  let late = 0;
  const source = hostileGpu({ delaysAnswers: () => (late > 0 ? after<void>(late) : undefined) }, losable);
  const { client } = served({ engine: { gpu: source, tune: false } });
  let phase = '';
  client.on('phase', (event) => {
    phase = event.phase;
  });
  onTestFinished(() => {
    vi.useRealTimers();
  });
  await client.begin(run);
  const started = trained(client);
  await heard(client, 'phase', () => phase === 'training');
  const order = { count: 2, steps: 2, seed: 4 };
  const { images } = await client.sample(order);
  void hurry();
  late = 1500;
  const controller = new AbortController();
  const { signal } = controller;
  // The training that the first one interrupts, and what the second one follows, are still under way.
  const given = client.sample(order, { signal });
  given.catch(() => {});
  await heard(client, 'phase', () => phase === 'sampling');
  controller.abort();
  await expect(given).rejects.toBe(signal.reason);
  const { images: again } = await client.sample(order);
  expect(again).toHaveLength(images.length);
  late = 0;
  expect(await started).toMatchObject({ step: STEPS, complete: true });
});
