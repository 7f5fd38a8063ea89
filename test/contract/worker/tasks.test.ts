/** One thing at a time: what is asked for comes first, and nothing that was asked for is forgotten. */
import { expect, test } from 'vitest';
import { Tasks, type TasksHost } from '../../../src/worker/tasks';
import { until } from '../../lib/until';

/** Tasks that note what they did, with work in the background that is done `times` times. */
function tasksOf(times = 0, host: Partial<TasksHost> = {}) {
  const did: string[] = [];
  const work = async () => {
    const whole = await tasks.interruptible('work', async (signal) => {
      await null;
      signal.throwIfAborted();
    });
    did.push(whole ? 'whole' : 'interrupted');
  };
  const tasks = new Tasks<'work'>({
    background: () => (times-- > 0 ? work : undefined),
    failed: (error) => did.push(String(error)),
    idle: async () => {},
    rest: () => did.push('rest'),
    ...host,
  });
  const ask = (name: string) => tasks.request(async () => void did.push(name));
  /** All that was done when `last` is. */
  const didUntil = (last = 'rest') => until(() => did.at(-1) === last && did);
  return { tasks, did, ask, didUntil };
}

test('requests to the worker are done in turn, and one that fails does not hold up the others', async () => {
  const { tasks, ask, didUntil } = tasksOf();
  ask('a');
  tasks.request(() => Promise.reject(new Error('no')));
  ask('b');
  expect(await didUntil()).toEqual(['a', 'Error: no', 'b', 'rest']);
});

test('a request interrupts the work in the background, which goes on afterwards', async () => {
  const { tasks, ask, didUntil } = tasksOf(2);
  tasks.work();
  ask('a');
  expect(await didUntil()).toEqual(['interrupted', 'a', 'whole', 'rest']);
});

test.each([
  ['when all requests are done', (ask: () => void) => ask()],
  ['in the turn after all requests are done', (ask: () => void) => queueMicrotask(ask)],
])('a request that comes %s is done, too', async (_, when) => {
  let rests = 0;
  const { ask, didUntil } = tasksOf(0, { rest: () => rests++ === 0 && when(() => ask('last')) });
  ask('first');
  expect(await didUntil('last')).toEqual(['first', 'last']);
});

test('an interrupted task ends only when the device has no more of its work', async () => {
  const idle = async () => {
    did.push('waits');
    await null;
    did.push('free');
  };
  const { tasks, did, ask, didUntil } = tasksOf(1, { idle });
  tasks.work();
  ask('a');
  const free = ['waits', 'free'];
  expect(await didUntil()).toEqual([...free, 'interrupted', ...free, 'a', ...free, 'rest']);
});
