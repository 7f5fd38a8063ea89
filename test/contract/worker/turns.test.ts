/** One thing at a time: who comes first, who ends whom, and nothing that was asked for is forgotten. */
import { describe, expect, test } from 'vitest';
import { isEnded, type TurnKind, Turns } from '../../../src/worker/turns';
import { gate } from '../../lib/gate';
import { until } from '../../lib/until';
import { listenersOf } from '../../lib/worker/alone';

/** Turns that note what they did. */
function turnsOf(owner: Partial<ConstructorParameters<typeof Turns>[0]> = {}, did: string[] = []) {
  const turns = new Turns({ idle: async () => {}, rest: () => did.push('rest'), ...owner });
  /** Takes a turn, which ends when it may: at once, or at `end`. */
  const take = (
    kind: TurnKind,
    { name = kind as string, end = Promise.resolve(), signal = undefined as AbortSignal | undefined } = {},
  ) => {
    const begun = gate();
    const work = async (own: AbortSignal) => {
      begun.open();
      await Promise.race([end, new Promise((resolve) => own.addEventListener('abort', resolve))]);
      own.throwIfAborted();
    };
    const failed = (error: unknown) => void did.push(isEnded(error) ? `no ${name}` : `${error}`);
    return {
      begun: begun.opened,
      over: turns.take(kind, work, { signal }).then(() => void did.push(name), failed),
    };
  };
  /** All that was done when it rests. */
  const rests = () => until(() => (did.at(-1) === 'rest' ? did : undefined));
  return { turns, did, take, rests };
}
/** With a turn under way that ends at `go`. */
async function busy(kind: TurnKind = 'answer', owner = {}, did: string[] = []) {
  const made = turnsOf(owner, did);
  const go = gate();
  await made.take(kind, { name: 'first', end: go.opened }).begun;
  return { ...made, go: () => go.open() };
}

const KINDS = ['answer', 'order', 'pictures', 'training', 'background'] as const;
/** Who comes, in the order above: `x` ends what is there, `a` has it done again later, `!` is dropped, `-` waits for its turn. */
type Row = [TurnKind, string];

describe('of two turns', () => {
  test.each<Row>([
    ['answer', '- - - - -'],
    ['order', 'x x - - -'],
    ['pictures', 'x x - x -'],
    ['training', '- - - - -'],
    ['background', 'a a a a -'],
  ])('of which one is under way, %s, the other one ends it: %s', async (kind, row) => {
    for (const [i, comes] of KINDS.entries()) {
      const { take, rests, go } = await busy(kind);
      const { over } = take(comes, { name: 'second' });
      const what = row.split(' ')[i] as 'x' | 'a' | '-';
      if (what === '-') go();
      await over;
      go();
      const done = { x: ['no first', 'second'], a: ['second', 'first'], '-': ['first', 'second'] };
      expect(await rests(), comes).toEqual([...done[what], 'rest']);
    }
  });

  test.each<Row>([
    ['answer', '- - ! - -'],
    ['order', 'x x ! - -'],
    ['pictures', 'x x - x -'],
    ['training', '- - - - -'],
    ['background', '- - - - -'],
  ])('of which one waits, %s, the other one ends it, or is dropped: %s', async (kind, row) => {
    for (const [i, comes] of KINDS.entries()) {
      const { take, rests, go } = await busy();
      take(kind, { name: 'waits' });
      take(comes, { name: 'comes' });
      go();
      const did = await rests();
      const dropped = { x: ['no waits'], '!': ['no comes'] }[row.split(' ')[i]] ?? [];
      expect(
        did.filter((each) => each.startsWith('no')),
        comes,
      ).toEqual(dropped);
      expect(did, comes).toHaveLength(4);
    }
  });

  test.each<[TurnKind[], TurnKind[]]>([
    [
      ['background', 'training', 'pictures'],
      ['pictures', 'training', 'background'],
    ],
    [
      ['background', 'training', 'answer', 'order'],
      ['answer', 'order', 'training', 'background'],
    ],
    [
      ['training', 'order', 'answer', 'answer'],
      ['answer', 'answer', 'training'],
    ],
  ])('that wait, %j, the more urgent one comes first: %j', async (asked, done) => {
    const { take, rests, go } = await busy();
    for (const kind of asked) take(kind);
    go();
    expect((await rests()).filter((each) => !each.startsWith('no '))).toEqual(['first', ...done, 'rest']);
  });
});

test('turns are taken in order, and one that fails does not hold up the others', async () => {
  const { take, rests } = turnsOf();
  take('answer', { name: 'a' });
  take('answer', { end: Promise.reject(new Error('no')) });
  take('answer', { name: 'b' });
  expect(await rests()).toEqual(['a', 'Error: no', 'b', 'rest']);
});

test('what is done in the background gives way to an answer, waits while training is wanted, and is done again then', async () => {
  const { turns, take, did, rests, go } = await busy('background');
  turns.training = true;
  for (const kind of ['answer', 'training'] as const) {
    await take(kind).over;
    expect(turns.doing).toBeUndefined();
  }
  expect(did).toEqual(['answer', 'training']);
  turns.training = false;
  go();
  void turns.next();
  expect(await rests()).toEqual(['answer', 'training', 'first', 'rest']);
});

test('what has given way is not done again if its signal is aborted before it has ended', async () => {
  const { turns, did, take, rests } = turnsOf();
  const begun = gate();
  const stops = gate();
  const controller = new AbortController();
  const work = async (own: AbortSignal) => {
    did.push('begins');
    begun.open();
    await stops.opened;
    own.throwIfAborted();
  };
  const over = turns.take('background', work, { signal: controller.signal }).catch(isEnded);
  await begun.opened;
  take('answer');
  controller.abort();
  stops.open();
  expect(await over).toBe(true);
  expect(await rests()).toEqual(['begins', 'answer', 'rest']);
});

test.each<[TurnKind, string]>([
  ['pictures', 'no first'],
  ['order', 'first'],
  ['answer', 'first'],
  ['background', 'first'],
])('a pause while there are %s leaves: %s', async (kind, left) => {
  const { turns, rests, go } = await busy(kind);
  turns.pause();
  go();
  expect(await rests()).toEqual([left, 'rest']);
});

test('where all is ended, the turn under way gets the reason, and nothing that waits stays but a step', async () => {
  const { turns, take, rests } = await busy();
  for (const kind of ['background', 'training', 'pictures', 'order'] as const) take(kind);
  turns.endAll(new Error('lost'));
  const lost = Array(3).fill('Error: lost');
  expect(await rests()).toEqual(['no pictures', ...lost, 'training', 'rest']);
});

test.each(['under way', 'that waits', 'that is asked for later'])(
  'a turn %s ends with the reason of its signal, at which no listener stays',
  async (which) => {
    const { take, rests, go } = await busy();
    const controller = new AbortController();
    const { signal } = controller;
    const listeners = listenersOf(signal);
    const abort = () => controller.abort(new Error('mine'));
    if (which === 'that is asked for later') abort();
    if (which === 'under way') go();
    const { begun } = take('answer', { signal, end: gate().opened });
    if (which === 'under way') await begun;
    abort();
    go();
    expect((await rests()).sort()).toEqual(['Error: mine', 'first', 'rest']);
    expect(listeners()).toBe(0);
  },
);

test.each([
  ['when all turns are over', (ask: () => void) => ask()],
  ['just after all turns are over', (ask: () => void) => queueMicrotask(ask)],
])('a turn that is asked for %s is done, too', async (_, when) => {
  let rests = 0;
  const { take, did } = turnsOf({
    rest: () => rests++ === 0 && when(() => take('answer', { name: 'last' })),
  });
  take('answer', { name: 'first' });
  await until(() => rests === 2);
  expect(did).toEqual(['first', 'last']);
});

test('a turn begins and ends only when the device has no more work of another; a step may follow a step', async () => {
  const did: string[] = [];
  const idle = async () => {
    did.push('waits');
    await null;
    did.push('free');
  };
  const { take, rests } = await busy('order', { idle }, did);
  take('answer');
  await rests();
  const free = ['waits', 'free'];
  expect(did.splice(0)).toEqual([...free, ...free, 'no first', ...free, ...free, 'answer', 'rest']);
  for (const kind of ['training', 'training', 'answer'] as const) await take(kind).over;
  expect(did.filter((each) => each !== 'rest')).toEqual([
    ...free,
    'training',
    'training',
    ...free,
    ...free,
    'answer',
  ]);
});
