/** A run that is on no device. */
import { afterEach, expect, test, vi } from 'vitest';
import { createSession } from '../../../src/worker';
import { TrainingRun } from '../../../src/worker/run';

const images = { images: new Uint8Array(64 * 6), count: 6, height: 8, width: 8, channels: 1 };
const begin = () =>
  TrainingRun.begin({
    network: { height: 8, width: 8, channels: 1, widths: [4], kernelSize: 3, finalActivation: 'swish' },
    trainer: {},
    images,
    settings: { seed: 1, batchSize: 2, learningRate: 0.1, epochs: 5 },
  });

test('a run ends by its epochs or its steps, whichever end comes first', () => {
  const run = begin();
  expect(run.end).toBe(15);
  run.adjust({ maxSteps: 9 });
  expect(run.end).toBe(9);
  run.adjust({ epochs: 2 });
  expect(run.end).toBe(6);
  run.adjust({ epochs: 9, learningRate: 0.2 });
  expect(run.settings).toEqual({ seed: 1, batchSize: 2, learningRate: 0.2, epochs: 9, maxSteps: 9 });
});

test('a run notes the steps after which its schedule changed, also when it goes back to its beginning', () => {
  const run = begin();
  const change = (...losses: number[]) => {
    run.losses.push(...losses);
    run.adjust({ schedule: { warmup: 3 } });
    return run.settings.scheduleChanges;
  };
  expect(run.settings.scheduleChanges).toBeUndefined();
  expect([change(1, 1), change(), change(1, 1, 1)]).toEqual([[2], [2], [2, 5]]);
  run.adjust({ learningRate: 0.2 });
  expect(run.settings.scheduleChanges).toEqual([2, 5]);
  // Without a copy it begins again, with the present schedule.
  run.rewind();
  expect(run.settings.scheduleChanges).toEqual([0]);
  expect(change(1)).toEqual([0, 1]);
});

afterEach(() => void vi.useRealTimers());

test.each<[how: string, ends: string]>([
  ['a pause', 'done'],
  ['an abort', 'AbortError'],
  ['the end of the loop', 'done'],
])('%s resolves after 10 s where the device says nothing of the step under way', async (how, ends) => {
  vi.useFakeTimers();
  const session = createSession({ store: false });
  await session.parts();
  async function* train() {
    yield await new Promise(() => {});
  }
  session.run = Object.assign(begin(), { trainer: {} as never, train: train as never });
  const controller = new AbortController();
  const training = session.train({ signal: controller.signal });
  await vi.advanceTimersByTimeAsync(1);
  const end = how === 'a pause' ? session.pause() : how === 'an abort' ? training.next() : training.return!();
  if (how === 'an abort') controller.abort();
  const over = vi.fn();
  end.then(
    () => over('done'),
    ({ name }) => over(name),
  );
  await vi.advanceTimersByTimeAsync(9000);
  expect(over).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(2000);
  expect(over.mock.calls).toEqual([[ends]]);
  expect(vi.getTimerCount()).toBe(0);
});
