/** What a worker makes of messages, where its program loads badly, and where its answers are lost. */
import { expect, onTestFinished, test, vi } from 'vitest';
import type { Engine } from '../../../src/engine';
import { HELLO, marked, READY } from '../../../src/worker/protocol';
import type { TrainingSession } from '../../../src/worker/session';
import { FakeWorker } from '../../lib/worker/fake_worker';

// The first test: what is loaded stays loaded.
test('a part of the worker that does not load fails the calls that need it, and is loaded again by the next', async () => {
  vi.doMock('../../../src/worker/server', () => {
    throw new TypeError('503');
  });
  const worker = new FakeWorker();
  worker.serve({ calls: { long: () => 'here' } });
  const { client, stopped } = worker.client();
  const [first, second] = await Promise.allSettled([client.call('long'), client.call('long')]);
  expect(first).toMatchObject({
    reason: {
      code: 'data',
      message: expect.stringMatching(
        /worker could not be loaded: .*Call again; if that fails, too, reload the page/,
      ),
    },
  });
  expect(second.status).toBe('rejected');
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
  await vi.waitFor(() => expect(said).toEqual([READY, READY]));
  worker.postMessage(marked(call));
  await vi.waitFor(() => expect(said).toHaveLength(3), 10_000);
  expect(long).toHaveBeenCalledTimes(1);
});

test('an answer that cannot be read is an error of its call alone; other calls go on', async () => {
  const worker = new FakeWorker();
  let end = (_: string) => {};
  const waits = () => new Promise<string>((resolve) => (end = resolve));
  worker.serve({ calls: { long: waits, short: () => (worker.unreadable = true) } });
  const { client, warnings, stopped } = worker.client();
  const long = client.call('long');
  const failed = vi.fn();
  client.call('short' as 'long').catch(failed);
  const message = expect.stringMatching(/could not read the answer.*call again/);
  await vi.waitFor(
    () => expect(failed).toHaveBeenCalledWith(expect.objectContaining({ code: 'data', message })),
    5000,
  );
  expect(warnings).toHaveBeenCalledWith({
    message: 'A message of the worker could not be read. It goes on.',
    run: false,
  });
  end('at last');
  expect(await long).toBe('at last');
  expect(stopped).not.toHaveBeenCalled();
});

test('whatever a call in the worker throws arrives as an error with its text', async () => {
  const worker = new FakeWorker();
  let thrown: unknown;
  worker.serve({
    calls: {
      long() {
        throw thrown;
      },
    },
  });
  const { client } = worker.client();
  for (const [value, message] of [
    [{ weird: 1 }, '{"weird":1}'],
    [null, 'null'],
    [undefined, 'undefined'],
    ['a text', 'a text'],
    [new RangeError('far'), 'far'],
  ] as const) {
    thrown = value;
    await expect(client.call('long')).rejects.toMatchObject({ message });
  }
});

test('a worker ends its calls when the browser says that the port’s other end is closed', async () => {
  const worker = new FakeWorker();
  const begun = vi.fn();
  const ended = vi.fn();
  worker.serve({
    calls: {
      long: (_, { signal }) => {
        begun();
        return new Promise<void>((resolve) => {
          signal.addEventListener('abort', () => {
            ended();
            resolve();
          });
        });
      },
    },
  });
  void worker
    .client()
    .client.call('long')
    .catch(() => {});
  await vi.waitFor(() => expect(begun).toHaveBeenCalled(), 10_000);
  expect(ended).not.toHaveBeenCalled();
  worker.closes();
  await vi.waitFor(() => expect(ended).toHaveBeenCalled());
});

test('a closed port frees the engine after a minute, also while a task waits for a device that never answers', async () => {
  const worker = new FakeWorker();
  let session!: TrainingSession;
  const host = (of: TrainingSession) => {
    session = of;
    return {};
  };
  worker.serve({ store: false, host });
  await vi.waitFor(() => expect(session).toBeDefined(), 10_000);
  const destroy = vi.fn();
  session.engine = { destroy } as unknown as Engine;
  session.tasks.request(() => new Promise(() => {}));
  onTestFinished(() => void vi.useRealTimers());
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] });
  worker.closes();
  await vi.advanceTimersByTimeAsync(55_000);
  expect(destroy).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(10_000);
  expect(destroy).toHaveBeenCalledOnce();
});
