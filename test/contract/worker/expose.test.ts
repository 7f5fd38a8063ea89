/** What a worker makes of messages, where a part of it loads badly, and where its answers are lost. */
import { expect, onTestFinished, test, vi } from 'vitest';
import type { TrainingEvent } from '../../../src';
import type { Engine } from '../../../src/engine';
import { type CallContext, createSession, expose, type OwnCalls } from '../../../src/worker';
import { HELLO, marked, READY } from '../../../src/worker/remote';
import { holdTimers } from '../../lib/clock';
import { gate } from '../../lib/gate';
import { refused } from '../../lib/refused';
import { until } from '../../lib/until';
import { FakeWorker } from '../../lib/worker/fake_worker';

/** A worker with these calls of its own, and its client. */
function serving(calls: OwnCalls) {
  const worker = new FakeWorker();
  const exposed = worker.expose(calls);
  return { worker, ...exposed, ...worker.client() };
}

// The first test: what is loaded stays loaded.
test('a part of the worker that does not load fails the calls that need it, and is loaded again by the next', async () => {
  vi.doMock('../../../src/worker/parts', () => {
    throw new TypeError('503');
  });
  const { client, stopped } = serving({ long: () => 'here' });
  const message = /could not be loaded: .*Call again; if that fails, too, reload the page/;
  const failed = { code: 'data', message: expect.stringMatching(message) };
  const calls = await Promise.allSettled([client.runs(), client.runs(), client.long()]);
  expect(calls).toMatchObject([{ reason: failed }, { reason: { code: 'data' } }, { value: 'here' }]);
  vi.doUnmock('../../../src/worker/parts');
  expect(await client.runs()).toEqual([]);
  expect(stopped).not.toHaveBeenCalled();
});

test('the worker ignores messages that are not its client’s', async () => {
  const worker = new FakeWorker();
  const long = vi.fn();
  const { said } = worker.expose({ long });
  const call = { type: 'call', id: 1, call: 'long', args: [], crossings: [] } as const;
  for (const message of [null, undefined, 7, 'lose', [], {}, { type: 'abort', id: 1 }, call])
    worker.postMessage(message);
  worker.postMessage(HELLO);
  worker.postMessage(marked(call));
  await until(() => said.length === 3);
  expect(said.slice(0, 2)).toEqual([READY, READY]);
  expect(long).toHaveBeenCalledTimes(1);
});

test('two clients of one worker get their own answers, and both hear its events', async () => {
  const { worker, client, session } = serving({ long: (given: unknown) => given });
  const { client: other } = worker.client();
  const heard = vi.fn();
  for (const each of [client, other]) each.on('stored', heard);
  const controller = new AbortController();
  // The calls of both have the same numbers.
  const calls = [client.long(1), other.long(2), client.long(3), other.long(4, { signal: controller.signal })];
  controller.abort(new Error('Not that one.'));
  const reason = (await Promise.allSettled(calls))[3];
  expect(reason).toMatchObject({ reason: { message: 'Not that one.' } });
  expect(await Promise.all(calls.slice(0, 3))).toEqual([1, 2, 3]);
  session.tell('stored', { step: 3, id: 'a' });
  await until(() => heard.mock.calls.length === 2);
  expect(heard.mock.calls).toEqual(Array(2).fill([{ step: 3, id: 'a' }]));
});

test('a scope is exposed once, and no call of an app has the name of a session’s', async () => {
  const { scope } = serving({});
  await refused(() => expose(scope, createSession()), 'argument', 'exposed already');
  const { port1 } = new MessageChannel();
  for (const name of ['sample', 'close', 'on', 'destroy'])
    await refused(
      () => expose(port1, createSession(), { [name]: () => 1 }),
      'argument',
      `a call ${name} already`,
    );
  await refused(() => expose(port1, createSession(), { half: 3 as never }), 'argument', /^half is/);
  await refused(() => expose({} as never, createSession()), 'argument', /given something of type Object/);
  // A call that was refused has exposed nothing.
  expose(port1, createSession());
  port1.close();
});

test('a function in an answer is refused in words', async () => {
  const { client } = serving({ long: () => ({ later() {} }) });
  await refused(client.long(), 'argument', /^long has a result that cannot be sent to the page, a function/);
});

/** Steps as `fit` yields them, with numbers that no float of 32 bits has. */
const steps = [1, 2, 3].map((step) => ({
  step,
  epoch: 1,
  loss: 1 / (3 + step),
  learningRate: 0.001 / 3,
  gradientNorm: Math.PI * step,
  imagesPerSecond: Number.NaN,
}));
test.each<[what: string, items: readonly object[], arePacked: boolean]>([
  ['steps', steps, true],
  ['steps that were skipped', steps.map((step) => ({ ...step, skipped: 'its loss is NaN' })), false],
  [
    'items with other names',
    [
      { a: 1, b: 2 },
      { a: 3, b: 4 },
      { a: 5, c: 6 },
    ],
    false,
  ],
])('%s cross with the same values; what comes at once crosses as one', async (_, items, arePacked) => {
  onTestFinished(() => void vi.useRealTimers());
  holdTimers('performance');
  const { client, session, said } = serving({});
  session.train = async function* () {
    yield* items as readonly TrainingEvent[];
  };
  const got: unknown[] = [];
  for await (const item of client.train()) got.push(item);
  expect(got).toEqual(items);
  type Sent = { items?: { numbers: Float64Array; others: unknown[] } };
  const sent = said.flatMap((message) => (message as Sent).items ?? []);
  expect(sent).toHaveLength(2);
  const rest = arePacked ? { numbers: expect.any(Float64Array), others: [] } : { others: items.slice(1) };
  expect(sent[1]).toMatchObject(rest);
});

test('an answer that cannot be read is an error of its call alone; other calls go on', async () => {
  const answered = gate<string>();
  const long = (short?: true) => {
    worker.unreadable = short === true;
    return short ?? answered.opened;
  };
  const { worker, client, warnings, stopped } = serving({ long });
  const called = client.long();
  const message = expect.stringMatching(/could not read the answer.*call again/);
  await expect(client.long(true)).rejects.toMatchObject({ code: 'data', message });
  expect(warnings).toHaveBeenCalledWith({
    message: 'A message of the worker could not be read. It goes on.',
    run: false,
  });
  answered.open('at last');
  expect(await called).toBe('at last');
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
  await expect(client.long()).rejects.toMatchObject({ message });
});

test('a worker ends its calls when the browser says that the port’s other end is closed', async () => {
  const begun = gate();
  const ended = gate();
  const long = (_: undefined, { signal }: CallContext) => {
    signal.addEventListener('abort', () => ended.open());
    begun.open();
    return ended.opened;
  };
  const { worker, client } = serving({ long });
  const called = client.long();
  await begun.opened;
  worker.closes();
  await called;
});

test('a closed port frees the engine after a minute, also while a turn waits for a device that never answers', async () => {
  const worker = new FakeWorker();
  const { session } = worker.expose({});
  const destroy = vi.fn();
  session.engine = { destroy } as unknown as Engine;
  const begun = gate();
  void session.turns.take('answer', () => new Promise(() => begun.open()));
  await begun.opened;
  onTestFinished(() => void vi.useRealTimers());
  holdTimers('performance');
  worker.closes();
  await vi.advanceTimersByTimeAsync(55_000);
  expect(destroy).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(10_000);
  expect(destroy).toHaveBeenCalledOnce();
});
