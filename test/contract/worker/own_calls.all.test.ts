/** What a program adds to its worker: calls of its own, whose work has its turn. Who ends whom: turns.test.ts. */
import { describe, expect, test } from 'vitest';
import { EngineError } from '../../../src';
import { type CallContext, type Session, type TurnContext, transfer } from '../../../src/worker';
import { gate } from '../../lib/gate';
import { mainlyIn, testGpu } from '../../lib/gpu';
import { refused } from '../../lib/refused';
import { heard, runAlone, trained } from '../../lib/worker/alone';
import { run, STEPS } from '../../lib/worker/tiny';
import { served, type WorldOptions } from '../../lib/worker/world';

const { gpu } = await testGpu();
const { alone, done } = await runAlone(gpu);

const spoils = (): never => {
  throw new EngineError('data', 'It is spoilt.');
};
const spoilt = { name: 'EngineError', code: 'data', message: 'It is spoilt.' };
const aborted = (signal: AbortSignal) =>
  new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
/** The steps of the run, as its loop counts them. */
let steps = 0;
const callsOf = (session: Session) => ({
  half: (value: number) => value / 2,
  /** The sum of the run's weights, and whether something trains it. */
  look: () =>
    session.turn('answer', async ({ engine, network, trainer }) => {
      const weights = await network?.getParameters();
      const sum = [...(weights?.values() ?? [])].flatMap((all) => [...all]).reduce((a, b) => a + b, 0);
      return { sum, software: engine.adapter.software, trains: trainer !== undefined };
    }),
  grow(bytes: Uint8Array<ArrayBuffer>, { tell }: CallContext) {
    const grown = Uint8Array.from([...bytes, bytes.length]);
    const { length } = grown;
    tell('grown', grown, [grown.buffer]);
    return [length, grown.length];
  },
  fail: spoils,
  failInTurn: () => session.turn('answer', spoils),
  /** Its work does not return a promise. */
  countInTurn: (count: number) => session.turn('answer', () => count + 1),
  /** The steps that are made while it has its turn. */
  stepsBeside: () =>
    session.turn('answer', async ({ network }) => {
      const before = steps;
      for (let reads = 0; reads < 20; reads++) await network!.getParameters();
      return steps - before;
    }),
  /** Waits in its turn until it is ended. */
  wait: (_: undefined, { signal, tell }: CallContext) =>
    session.turn(
      'answer',
      (context) => {
        tell('waiting');
        return aborted(context.signal);
      },
      { signal },
    ),
});
interface Mine {
  readonly calls: ReturnType<typeof callsOf>;
  readonly events: { waiting: undefined; grown: Uint8Array };
}
const servedOwn = (options?: WorldOptions) => served<Mine>({ calls: callsOf, ...options });

describe('the calls that a program adds to its worker', () => {
  test('get their arguments, and return, throw and send events', async () => {
    const { client } = servedOwn();
    expect(await client.half(5)).toBe(2.5);
    const grown: unknown[] = [];
    const off = client.on('grown', (bytes) => grown.push(bytes));
    const bytes = Uint8Array.of(3, 4);
    expect(await client.grow(transfer(bytes, [bytes.buffer]))).toEqual([3, 0]);
    expect({ bytesCount: bytes.length, grown }).toEqual({ bytesCount: 0, grown: [Uint8Array.of(3, 4, 2)] });
    off();
    await client.grow(Uint8Array.of(1));
    expect(grown).toHaveLength(1);
    await expect(client.fail()).rejects.toMatchObject(spoilt);
    const { other } = client as unknown as { other(): Promise<unknown> };
    await refused(other(), 'argument', /no call "?other.*close, half, look/);
  });

  test('have their turn between two steps, with the run’s network; training goes on with the same bits', async () => {
    const { client, losses, reached } = servedOwn({ waits: 1 });
    expect(await client.look()).toEqual({ sum: 0, software: expect.any(Boolean), trains: false });
    await client.begin(run);
    const before = await client.look();
    const started = trained(client);
    await reached;
    const { sum, trains } = await client.look();
    expect(sum === before.sum).toBe(false);
    expect(trains).toBe(true);
    expect(losses.length).toBeLessThan(STEPS);
    expect(await started).toEqual(done);
    expect(losses).toEqual(alone.losses);
  });

  test('have the GPU for themselves while they run', async () => {
    const between = async () => void steps++;
    const { client, stepped } = servedOwn({ between });
    await client.begin({ ...run, fit: { epochs: 10_000 } });
    const started = trained(client);
    await stepped();
    expect(await client.stepsBeside()).toBe(0);
    await stepped();
    await client.pause();
    await started;
  });

  test('are ended by a signal, under way or before their turn', async () => {
    const { client } = servedOwn();
    const first = new AbortController();
    const second = new AbortController();
    const waits = client.wait(undefined, { signal: first.signal });
    const waitsToo = client.wait(undefined, { signal: second.signal });
    second.abort(new Error('Not that one.'));
    await expect(waitsToo).rejects.toThrow('Not that one.');
    const looked = client.look();
    first.abort(new Error('Nor that.'));
    await expect(waits).rejects.toThrow('Nor that.');
    // The second would hold it up for good.
    expect(await looked).toMatchObject({ sum: 0 });
  });

  test('may throw at once in their turn, or return no promise there; training goes on', async () => {
    const { client, losses, reached } = servedOwn({ waits: 1 });
    await client.begin(run);
    const started = trained(client);
    await reached;
    const answers: unknown[] = [];
    const note = (answer: unknown) => answers.push(answer);
    client.failInTurn().catch(note);
    client.countInTurn(5).then(note);
    expect(await started).toEqual(done);
    expect(losses).toEqual(alone.losses);
    expect(answers).toEqual([expect.objectContaining(spoilt), 6]);
  });
});

test('a sample interrupts training at a step, and a pause does not end images that are being made', async () => {
  const { client, session, losses, reached } = servedOwn({ waits: 2 });
  await client.begin({ ...run, fit: { epochs: 10_000, seed: run.fit.seed } });
  const started = trained(client);
  await reached;
  const middle = gate();
  const sampled = client.sample({ count: 2, steps: 20, seed: 9 }, { onFrame: () => middle.open() });
  await middle.opened;
  const before = await session.run!.trainer!.getState();
  const paused = await client.pause();
  expect((await sampled).images).toHaveLength(2 * 64);
  // No step was made meanwhile.
  expect(before.step).toEqual(paused.step);
  expect(losses.at(-1)).toEqual(paused.loss);
  expect(await started).toEqual(paused);
  expect(await trained(client, { steps: 1 })).toMatchObject({ step: paused.step + 1 });
});

test('what is done in the background gives way to training, and is done again when nothing is wanted', async () => {
  const { client, session } = servedOwn();
  await client.begin(run);
  const begun = gate();
  const steps = [] as number[];
  const work = async ({ signal }: TurnContext) => {
    steps.push(session.run!.losses.length);
    begun.open();
    if (steps.length === 1) await aborted(signal);
  };
  const over = session.turn('background', work);
  await begun.opened;
  expect(await trained(client)).toEqual(done);
  await over;
  expect(steps).toEqual([0, STEPS]);
});

test.each([
  ['a device is lost', { code: 'device-lost' }],
  ['a run is closed', { name: 'AbortError', message: 'The run was closed.' }],
])('what has or waits for its turn when %s is dropped', mainlyIn('node'), async (what, reason) => {
  const { client, loseAndWait } = servedOwn({ losable: true });
  await client.begin(run);
  const waiting = heard(client, 'waiting' as never);
  const calls = [client.wait(), client.look(), client.sample(), client.save()];
  const ends = Promise.allSettled(calls);
  await waiting;
  // The others are there when this one is answered, which takes no turn.
  await client.half(1);
  if (what === 'a run is closed') await client.close({ keep: false });
  else await loseAndWait();
  expect(await ends).toMatchObject(calls.map(() => ({ reason })));
  expect(await client.look()).toMatchObject({ trains: false });
});
