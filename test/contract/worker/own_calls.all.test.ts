import { describe, expect, test } from 'vitest';
import { EngineError } from '../../../src';
import { type CallContext, serve } from '../../../src/worker';
import { testGpu } from '../../lib/gpu';
import { refused } from '../../lib/refused';
import { heard, lossesOf, runAlone } from '../../lib/worker/alone';
import { run, STEPS } from '../../lib/worker/tiny';
import { served, type WorldOptions } from '../../lib/worker/world';

const { gpu } = await testGpu();
const { alone, done } = await runAlone(gpu);

const spoils = (): never => {
  throw new EngineError('data', 'It is spoilt.');
};
const spoilt = { name: 'EngineError', code: 'data', message: 'It is spoilt.' };
/** The steps of the run, where the host counts them. */
let steps = 0;
const calls = {
  half: (value: number) => value / 2,
  /** The sum of the run's weights, and what trains it. */
  async look(_: undefined, { inTurn, network, trainer, engine, tell }: CallContext) {
    tell('looking', { trains: trainer() !== undefined });
    return inTurn(async () => {
      const weights = await (await network())?.getParameters();
      const sum = [...(weights?.values() ?? [])].flatMap((all) => [...all]).reduce((a, b) => a + b, 0);
      return { sum, software: (await engine()).adapter.software };
    });
  },
  grow(bytes: Uint8Array<ArrayBuffer>, { tell }: CallContext) {
    const grown = Uint8Array.from([...bytes, bytes.length]);
    const { length } = grown;
    tell('grown', grown, [grown.buffer]);
    return [length, grown.length];
  },
  fail: spoils,
  failInTurn: (_: undefined, { inTurn }: CallContext) => inTurn(spoils),
  /** Does not return a promise, as a program without types may. */
  countInTurn: (count: number, { inTurn }: CallContext) => inTurn(() => (count + 1) as never),
  async askLate(_: undefined, { inTurn, signal, tell }: CallContext) {
    tell('asking');
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
    await inTurn(async () => {}).catch(({ message }) => tell('refused', message));
  },
  /** The steps that are made while it has its turn. */
  stepsBeside: (_: undefined, { inTurn, network }: CallContext) =>
    inTurn(async () => {
      const before = steps;
      for (let reads = 0; reads < 20; reads++) await (await network())!.getParameters();
      return steps - before;
    }),
  wait: (_: undefined, { inTurn, signal }: CallContext) =>
    inTurn(() => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))),
};
interface Mine {
  readonly calls: typeof calls;
  readonly events: {
    looking: { trains: boolean };
    grown: Uint8Array;
    asking: undefined;
    refused: string;
  };
}
const events = ['looking', 'grown', 'asking', 'refused'];
const servedOwn = (options?: WorldOptions) => served<Mine>({ calls, events, ...options }).client;

describe('the calls that a program adds to its worker', () => {
  test('get their arguments, and return, throw and send events', async () => {
    const client = servedOwn();
    expect(await client.call('half', 5)).toBe(2.5);
    const grown: unknown[] = [];
    const off = client.on('grown', (bytes) => grown.push(bytes));
    const bytes = Uint8Array.of(3, 4);
    expect(await client.call('grow', bytes, { transfer: [bytes.buffer] })).toEqual([3, 0]);
    expect([bytes.length, grown]).toEqual([0, [Uint8Array.of(3, 4, 2)]]);
    off();
    await client.call('grow', Uint8Array.of(1));
    expect(grown).toHaveLength(1);
    await expect(client.call('fail')).rejects.toMatchObject(spoilt);
    await refused(client.call('toString' as 'fail'), 'argument', /no call "?toString.*half, look/);
    expect(() => client.on('other' as 'grown', () => {})).toThrow(/no event.*looking, grown, asking/);
  });

  test('have their turn between two steps, with the run’s network; training goes on with the same bits', async () => {
    const client = servedOwn({ waits: 1 });
    const losses = lossesOf(client);
    expect(await client.call('look')).toMatchObject({ sum: 0, software: expect.any(Boolean) });
    await client.begin(run);
    const before = await client.call('look');
    const trains: boolean[] = [];
    client.on('looking', (event) => trains.push(event.trains));
    const started = client.start();
    await heard(client, 'loss');
    expect((await client.call('look')).sum).not.toBe(before.sum);
    expect(trains).toEqual([true]);
    expect(losses.length).toBeLessThan(STEPS);
    expect(await started).toEqual(done);
    expect(losses).toEqual(alone.losses);
  });

  test('have the GPU for themselves while they run', async () => {
    const between = async () => void steps++;
    const client = servedOwn({ host: () => ({ between }) });
    await client.begin({ ...run, fit: { epochs: 10_000 } });
    const started = client.start();
    await heard(client, 'loss');
    expect(await client.call('stepsBeside')).toBe(0);
    await heard(client, 'loss');
    await client.pause();
    await started;
  });

  test('are ended by a signal, under way or before their turn', async () => {
    const client = servedOwn();
    const [first, second] = [new AbortController(), new AbortController()];
    const waits = client.call('wait', undefined, { signal: first.signal });
    const waitsToo = client.call('wait', undefined, { signal: second.signal });
    second.abort(new Error('Not that one.'));
    await expect(waitsToo).rejects.toThrow('Not that one.');
    const looked = client.call('look');
    first.abort(new Error('Nor that.'));
    await expect(waits).rejects.toThrow('Nor that.');
    // The second would hold it up for good.
    expect(await looked).toMatchObject({ sum: 0 });
  });

  test('get the signal’s reason from a turn that they ask for after an abort', async () => {
    const client = servedOwn();
    const controller = new AbortController();
    const told = new Promise((resolve) => client.on('refused', resolve));
    const asked = client.call('askLate', undefined, { signal: controller.signal });
    await heard(client, 'asking' as never);
    controller.abort();
    await expect(asked).rejects.toMatchObject({ name: 'AbortError' });
    expect(await told).toMatch(/abort/);
  });

  test('may throw at once in their turn, or return no promise there; training goes on', async () => {
    const client = servedOwn({ waits: 1 });
    await client.begin(run);
    const started = client.start();
    await heard(client, 'loss');
    const answers: unknown[] = [];
    const note = (answer: unknown) => answers.push(answer);
    client.call('failInTurn').catch(note);
    client.call('countInTurn', 5).then(note);
    expect(await started).toEqual(done);
    expect(answers).toEqual([expect.objectContaining(spoilt), 6]);
  });

  test('must be functions', () => {
    expect(() => serve(new MessageChannel().port1, { calls: { half: 3 as never } })).toThrow(/half is/);
  });
});
