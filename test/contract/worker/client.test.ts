/** The messages between a client and its worker: whose they are, and what becomes of errors in the worker. */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { connect } from '../../../src/worker';
import { HELLO, isMarked, marked, READY } from '../../../src/worker/remote';
import { refused } from '../../lib/refused';
import { FakeWorker, listening } from '../../lib/worker/fake_worker';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** What an app posts for itself, some of it as this library once did. */
const FOREIGN = [
  null,
  undefined,
  7,
  'done',
  [],
  {},
  { id: 1 },
  { type: 'done', id: 1, value: 'theirs' },
  { type: 'failed', id: 1, error: { name: 'Error', message: 'theirs' } },
  { type: 'told', id: 1, crossing: 0 },
  { type: 'event', name: 'stored', value: {} },
  { type: 'ready' },
  { type: 'done', id: 1, value: 'theirs', library: 'another' },
];
/** A message of the worker to the client, about its first call. */
function says(worker: FakeWorker, message: object): void {
  const client = worker.heard.map((each) => (each as { client?: number } | null)?.client).find(Boolean);
  worker.says(marked({ ...message, id: 1, client }));
}
const answers = (worker: FakeWorker, value: unknown) => says(worker, { type: 'done', value });
const toldOf = (crossing: number, value: unknown) => ({ type: 'told', crossing, value });

test.each(['before', 'after'])(
  'the client ignores messages of the app’s own, %s its worker listens',
  async (when) => {
    const worker = new FakeWorker();
    const { client, ...heard } = worker.client();
    const stored = vi.fn();
    const settled = vi.fn();
    const onStep = vi.fn();
    client.on('stored', stored);
    if (when === 'after') worker.says(READY);
    const called = client.sample({}, { onStep });
    called.then(settled, settled);
    for (const message of FOREIGN) worker.says(message);
    if (when === 'before') worker.says(READY);
    await vi.advanceTimersByTimeAsync(300_000);
    for (const listener of [settled, onStep, stored, ...Object.values(heard)])
      expect(listener).not.toHaveBeenCalled();
    answers(worker, 'ours');
    expect(await called).toBe('ours');
  },
);

test.each(['ended', 'was aborted'])('what comes late of a call that %s calls nothing', async (how) => {
  const { worker, client } = listening();
  const onFrame = vi.fn();
  const onStep = vi.fn();
  const controller = new AbortController();
  const { signal } = controller;
  const called = client.sample({}, { onFrame, onStep, signal }).catch(({ name }: Error) => name);
  says(worker, toldOf(0, {}));
  if (how === 'ended') answers(worker, 'images');
  else controller.abort();
  for (const crossing of [0, 1]) says(worker, toldOf(crossing, 2));
  expect(await called).toBe(how === 'ended' ? 'images' : 'AbortError');
  expect(onFrame).toHaveBeenCalledTimes(1);
  expect(onStep).toHaveBeenCalledTimes(0);
});

test.each(['0.1.0'])(
  'a worker of version %s is not talked to, and the client says to reload the page, once the worker always answers with that version',
  async (version) => {
    const worker = new FakeWorker();
    const { client, stopped } = worker.client();
    const waits = client.pause();
    // The worker answers each question.
    for (let answered = 0; answered < worker.heard.length; answered++) {
      expect(stopped).not.toHaveBeenCalled();
      worker.says({ type: 'ready', version });
    }
    const message = expect.stringMatching(/is of version 0\..* Reload the page\.$/);
    expect(stopped.mock.calls).toEqual([[{ message }]]);
    for (const call of [waits, client.pause()])
      await expect(call).rejects.toMatchObject({ code: 'argument', message });
    expect(worker.heard).toEqual(worker.heard.map(() => HELLO));
    expect(worker.terminate).toHaveBeenCalledTimes(1);
  },
);

describe('an uncaught error in the worker', () => {
  const error = { type: 'error', message: 'Uncaught SyntaxError: Expected property name.' };

  test('before the worker listens ends the client, as the worker’s program does not run', async () => {
    const worker = new FakeWorker();
    const { client, stopped } = worker.client();
    const called = client.pause();
    worker.fires(error);
    await expect(called).rejects.toThrow(
      /^The worker stopped: Uncaught SyntaxError: Expected property name\. Give/,
    );
    expect(stopped).toHaveBeenCalledTimes(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('is a warning with its text, and calls under way go on', async () => {
    const { worker, client, warnings, stopped } = listening();
    const paused = client.pause();
    for (let i = 0; i < 3; i++) worker.fires(error);
    const message = `The worker has an error that it does not catch: ${error.message} It goes on.`;
    expect(warnings.mock.calls).toEqual(Array(3).fill([{ message, run: false }]));
    // The worker is asked once, however many errors there are, and answers.
    expect(worker.heard.filter((message) => !isMarked(message))).toEqual([HELLO, HELLO]);
    worker.says(READY);
    expect(vi.getTimerCount()).toBe(0);
    answers(worker, { step: 3 });
    expect(await paused).toEqual({ step: 3 });
    expect(stopped).not.toHaveBeenCalled();
  });

  test.each(['a call', 'a call that was aborted'])(
    'does not end a worker that %s blocks for 70 s',
    async (what) => {
      const { worker, client, stopped } = listening();
      const controller = new AbortController();
      const called = client.long(undefined, { signal: controller.signal });
      const settled = called.catch(({ name }: Error) => name);
      worker.fires(error);
      if (what !== 'a call') controller.abort();
      await vi.advanceTimersByTimeAsync(70_000);
      answers(worker, 'at last');
      worker.says(READY);
      expect(await settled).toBe(what === 'a call' ? 'at last' : 'AbortError');
      expect(stopped).not.toHaveBeenCalled();
      expect(vi.getTimerCount()).toBe(0);
    },
  );

  test('after which the worker leaves a call unanswered ends the client after a minute, not counting sleep', async () => {
    const { worker, client, stopped } = listening();
    worker.fires(error);
    await vi.advanceTimersByTimeAsync(300_000);
    expect(stopped).not.toHaveBeenCalled();
    const called = client.pause();
    called.catch(() => {});
    await vi.advanceTimersByTimeAsync(50_000);
    // A sign of life, if not an answer.
    worker.says({ an: 'app’s own' });
    await vi.advanceTimersByTimeAsync(50_000);
    const now = performance.now.bind(performance);
    vi.spyOn(performance, 'now').mockImplementation(() => now() + 3_600_000);
    await vi.advanceTimersByTimeAsync(8_000);
    expect(stopped).not.toHaveBeenCalled();
    await vi.advanceTimersByTimeAsync(6_000);
    const message = 'The worker has had an error, and does not answer any more. Reload the page.';
    expect(stopped.mock.calls).toEqual([[{ message }]]);
    for (const call of [called, client.pause()])
      await expect(call).rejects.toMatchObject({ code: 'argument', message });
    expect(worker.terminate).toHaveBeenCalledTimes(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('leaves no timer after the client is destroyed', () => {
    const { worker, client, warnings } = listening();
    worker.fires(error);
    client.destroy();
    worker.fires(error);
    expect(warnings).toHaveBeenCalledTimes(1);
    expect({ timers: vi.getTimerCount(), listeners: worker.listeners }).toEqual({
      timers: 0,
      listeners: 0,
    });
  });
});

test.each(['port', 'worker'])(
  'a destroyed client of a port tells the worker to end before it closes the port, and terminates a worker: a %s',
  (kind) => {
    const worker = new FakeWorker();
    const close = vi.fn(() => expect(worker.heard.at(-1)).toEqual(marked({ type: 'end' })));
    if (kind === 'port') Object.assign(worker, { terminate: undefined, close });
    worker.client().client.destroy();
    if (kind === 'port') expect(close).toHaveBeenCalledTimes(1);
    else
      expect({ heard: worker.heard, callsCount: worker.terminate.mock.calls.length }).toEqual({
        heard: [HELLO],
        callsCount: 1,
      });
  },
);

describe('the worker’s client', () => {
  test('takes a worker only, and functions for listeners', async () => {
    await refused(() => connect(undefined as never), 'argument', /The worker is of type Undefined/);
    const { client } = listening();
    await refused(() => client.on('stored', undefined as never), 'argument', /^listener is/);
  });

  test('reports what a listener throws, and calls the next one; one that is taken off is called no more', () => {
    const { worker, client } = listening();
    const reports = vi.spyOn(globalThis, 'queueMicrotask').mockImplementation(() => {});
    const next = vi.fn();
    const off = vi.fn();
    client.on('stored', () => {
      throw new Error('mine');
    });
    client.on('stored', next);
    client.on('stored', off)();
    worker.says(marked({ type: 'event', name: 'stored', value: 3 }));
    expect(next.mock.calls).toEqual([[3]]);
    expect(off.mock.calls).toEqual([]);
    expect(reports.mock.calls).toHaveLength(1);
    expect(reports.mock.calls[0][0]).toThrow('mine');
  });

  test('that was destroyed rejects calls that wait, and later ones', async () => {
    const { client } = listening();
    const waits = client.pause();
    client.destroy();
    for (const call of [waits, client.pause()]) await refused(call, 'destroyed');
  });
});
