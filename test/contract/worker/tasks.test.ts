/** One thing at a time: what is asked for comes first, and nothing that was asked for is forgotten. */
import { expect, test } from 'vitest';
import { Tasks, type TasksHost } from '../../../src/worker/tasks';

const soon = () => new Promise((resolve) => setTimeout(resolve));

function tasksOf(host: Partial<TasksHost> = {}) {
  const did: string[] = [];
  const tasks = new Tasks<'work'>({
    background: () => undefined,
    failed: (error) => did.push(String(error)),
    idle: async () => {},
    rest: () => did.push('rest'),
    ...host,
  });
  const ask = (name: string) =>
    tasks.request(async () => {
      did.push(name);
    });
  return { tasks, did, ask };
}

test('requests to the worker are done in turn, and one that fails does not hold up the others', async () => {
  const { tasks, did, ask } = tasksOf();
  ask('a');
  tasks.request(() => Promise.reject(new Error('no')));
  ask('b');
  await soon();
  expect(did).toEqual(['a', 'Error: no', 'b', 'rest']);
});

test('a request interrupts the work in the background, which goes on afterwards', async () => {
  let times = 0;
  const { tasks, did, ask } = tasksOf({
    background: () =>
      times++ < 2
        ? async () => {
            const whole = await tasks.interruptible('work', async (signal) => {
              await soon();
              signal.throwIfAborted();
            });
            did.push(whole ? 'whole' : 'interrupted');
          }
        : undefined,
  });
  tasks.work();
  ask('a');
  await soon();
  await soon();
  await soon();
  expect(did).toEqual(['interrupted', 'a', 'whole', 'rest']);
});

test.each([
  ['when all requests are done', (ask: () => void) => ask()],
  ['in the turn after all requests are done', (ask: () => void) => queueMicrotask(ask)],
])('a request that comes %s is done, too', async (_, when) => {
  let asked = false;
  const { did, ask } = tasksOf({
    rest: () => {
      if (!asked) when(() => ask('last'));
      asked = true;
    },
  });
  ask('first');
  await soon();
  expect(did).toEqual(['first', 'last']);
});

test('an interrupted task ends only when the device has no more of its work', async () => {
  let free = () => {};
  const busy = new Promise<void>((resolve) => {
    free = resolve;
  });
  let begun = false;
  const { tasks, did, ask } = tasksOf({
    idle: () => busy,
    background: () => {
      if (begun) return undefined;
      begun = true;
      return async () => {
        await tasks.interruptible('work', async (signal) => {
          await soon();
          signal.throwIfAborted();
        });
        did.push('interrupted');
      };
    },
  });
  tasks.work();
  ask('a');
  for (let i = 0; i < 3; i++) await soon();
  expect(did).toEqual([]);
  free();
  for (let i = 0; i < 3; i++) await soon();
  expect(did).toEqual(['interrupted', 'a', 'rest']);
});
