/** What a worker makes of messages, where its program loads badly, and where its answers are lost. */
import { expect, onTestFinished, test, vi } from 'vitest';
import type { Engine } from '../../../src/engine';
import { HELLO, marked, READY } from '../../../src/worker/protocol';
import type { CallContext, HostCalls } from '../../../src/worker/serve_options';
import type { TrainingSession } from '../../../src/worker/session';
import { holdTimers } from '../../lib/clock';
import { gate } from '../../lib/gate';
import { until } from '../../lib/until';
import { FakeWorker } from '../../lib/worker/fake_worker';

/** A worker with these calls of its own, and its client. */
function serving(calls: HostCalls) {
  const worker = new FakeWorker();
  const said = worker.serve({ calls });
  return { worker, said, ...worker.client() };
}

// The first test: what is loaded stays loaded.
test('a part of the worker that does not load fails the calls that need it, and is loaded again by the next', async () => {
  vi.doMock('../../../src/worker/server', () => {
    throw new TypeError('503');
  });
  const { client, stopped } = serving({ long: () => 'here' });
  const message = /worker could not be loaded: .*Call again; if that fails, too, reload the page/;
  const failed = { code: 'data', message: expect.stringMatching(message) };
  const calls = await Promise.allSettled([client.call('long'), client.call('long')]);
  expect(calls).toMatchObject([{ reason: failed }, { reason: { code: 'data' } }]);
  vi.doUnmock('../../../src/worker/server');
  expect(await client.call('long')).toBe('here');
  expect(stopped).not.toHaveBeenCalled();
});

test('the worker ignores messages that are not its client’s', async () => {
  const worker = new FakeWorker();
  const long = vi.fn();
  const said = worker.serve({ calls: { long } });
  const call = { type: 'custom', id: 1, call: 'long', args: [] } as const;
  for (const message of [null, undefined, 7, 'lose', [], {}, { type: 'abort', id: 1 }, call])
    worker.postMessage(message);
  worker.postMessage(HELLO);
  worker.postMessage(marked(call));
  await until(() => said.length === 3);
  expect(said.slice(0, 2)).toEqual([READY, READY]);
  expect(long).toHaveBeenCalledTimes(1);
});

test('an answer that cannot be read is an error of its call alone; other calls go on', async () => {
  const answered = gate<string>();
  const calls = { long: () => answered.opened, short: () => (worker.unreadable = true) };
  const { worker, client, warnings, stopped } = serving(calls);
  const long = client.call('long');
  const message = expect.stringMatching(/could not read the answer.*call again/);
  await expect(client.call('short' as 'long')).rejects.toMatchObject({ code: 'data', message });
  expect(warnings).toHaveBeenCalledWith({
    message: 'A message of the worker could not be read. It goes on.',
    run: false,
  });
  answered.open('at last');
  expect(await long).toBe('at last');
  expect(stopped).not.toHaveBeenCalled();
});

test.each([
  [{ weird: 1 }, '{"weird":1}'],
  [null, 'null'],
  [undefined, 'undefined'],
  [3, '3'],
  ['a text', 'a text'],
  [new RangeError('far'), 'far'],
])('whatever a call in the worker throws (%o) arrives as an error with its text', async (thrown, message) => {
  const { client } = serving({
    long() {
      throw thrown;
    },
  });
  await expect(client.call('long')).rejects.toMatchObject({ message });
});

test('a worker ends its calls when the browser says that the port’s other end is closed', async () => {
  const [begun, ended] = [gate(), gate()];
  const long = (_: undefined, { signal }: CallContext) => {
    signal.addEventListener('abort', () => ended.open());
    begun.open();
    return ended.opened;
  };
  const { worker, client } = serving({ long });
  const called = client.call('long');
  await begun.opened;
  worker.closes();
  await called;
});

test('a closed port frees the engine after a minute, also while a task waits for a device that never answers', async () => {
  const worker = new FakeWorker();
  const made = gate<TrainingSession>();
  worker.serve({
    store: false,
    host(of) {
      made.open(of);
      return {};
    },
  });
  const session = await made.opened;
  const destroy = vi.fn();
  session.engine = { destroy } as unknown as Engine;
  session.tasks.request(() => new Promise(() => {}));
  onTestFinished(() => void vi.useRealTimers());
  holdTimers('performance');
  worker.closes();
  await vi.advanceTimersByTimeAsync(55_000);
  expect(destroy).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(10_000);
  expect(destroy).toHaveBeenCalledOnce();
});
