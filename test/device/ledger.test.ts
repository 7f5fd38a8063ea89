/** What is remembered of kernels on an adapter, in this visit and in later ones, for how long, and for which others it does not hold. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { version } from '../../package.json';
import { EngineError } from '../../src/base/errors';
import { memoryCache, type TuningCache } from '../../src/trust/cache';
import { unusable, wrongAtSize } from '../../src/trust/faults';
import { Ledger } from '../../src/trust/ledger';
import type { AdapterMemory, MemoryOptions } from '../../src/trust/memory';
import { UnusableKernel } from '../../src/trust/unusable_kernel';

const DAY = 24 * 3600 * 1000;
const NOW = 5e11;

beforeEach(() => void vi.useFakeTimers({ now: NOW }));
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const adapterInfo = { vendor: 'maker', architecture: 'family', device: 'model', description: 'card' };
const card = { adapterInfo, limits: { maxBufferSize: 2 ** 28 }, features: new Set(['a', 'b']) };
const dawn = (runtimeVersion: string) => ({ runtimeVersion }) as unknown as GPU;

interface Changes extends MemoryOptions {
  readonly device?: Partial<typeof card>;
}
/** The ledger of a visit on `card`, or on one that is changed. */
const ledgerIn = (cache: TuningCache = memoryCache(), { device, ...changes }: Changes = {}) => {
  const options = { cache, cacheKey: 'driver 1', gpu: dawn('webgpu 1'), ...changes };
  return new Ledger({ ...card, ...device } as unknown as GPUDevice, options);
};

const tile = { kernel: 'conv2d', variant: 'tile' };
const atSize = wrongAtSize(tile, 'a card', 'it is off');
const refused = unusable(tile as never, 'a card', new EngineError('shader', 'no')) as UnusableKernel;

test('checks that have passed are in one entry, which is as old as the first of them', async () => {
  const cache = memoryCache();
  const set = vi.spyOn(cache, 'set');
  await ledgerIn(cache).pass(['a', 'b']);
  vi.setSystemTime(NOW + 6 * DAY);
  await ledgerIn(cache).pass(['c']);
  expect(new Set(set.mock.calls.map(([key]) => key)).size).toBe(1);
  const keys = ['a', 'd', 'c', 'b'];
  const ledger = ledgerIn(cache);
  expect(await ledger.unknown(keys)).toEqual(['d']);
  expect(ledger.checks).toMatchObject({ passed: ['a', 'b', 'c'], since: NOW });
  vi.setSystemTime(NOW + 8 * DAY);
  expect(await ledgerIn(cache).unknown(keys)).toEqual(keys);
  await ledgerIn(cache).pass(['d']);
  expect(await ledgerIn(cache).unknown(keys)).toEqual(['a', 'c', 'b']);
});

test('a check that fails is unknown until it passes, and no variant', async () => {
  const ledger = ledgerIn();
  await ledger.pass(['a', 'b']);
  ledger.add('a', refused);
  expect(await ledger.unknown(['a', 'b'])).toEqual(['a']);
  expect({ errors: ledger.checks.errors, leftOut: ledger.leftOut }).toEqual({
    errors: [refused],
    leftOut: [],
  });
  await ledger.pass(['a']);
  expect(await ledger.unknown(['a'])).toEqual([]);
  expect(ledger.errorOf('a')).toBeUndefined();
});

test('a late variant is left out until it is compiled, unless something worse is known of it', async () => {
  const ledger = ledgerIn();
  let come = () => {};
  const compiled = new Promise<void>((resolve) => {
    come = resolve;
  });
  const pending = { compiled, wait: async () => {} };
  const late = new UnusableKernel('slow-kernel', tile, {
    adapter: 'a card',
    problem: ' yet.',
    advice: '',
    pending,
  });
  ledger.add('conv2d.tile', late);
  ledger.add('conv2d.direct');
  ledger.add('conv2d.direct', late);
  ledger.add('conv2d.winograd7', late);
  ledger.add('conv2d.winograd7', refused);
  expect([ledger.isNews('conv2d.tile'), ledger.isNews('conv2d.tile')]).toEqual([true, false]);
  expect(ledger.leftOut).toHaveLength(3);
  come();
  await compiled;
  expect(ledger.leftOut).toEqual(['conv2d.direct', 'conv2d.winograd7']);
  expect(ledger.isNews('conv2d.tile')).toBe(true);
});

test('a variant that was wrong at size stays so; only such a one is refused to those who fix it; a warning names it once', () => {
  const ledger = ledgerIn();
  ledger.add('conv2d.tile', refused);
  expect(ledger.wrongAtSize('conv2d.tile')).toBeUndefined();
  ledger.add('conv2d.tile', atSize);
  expect(ledger.isNews('conv2d.tile')).toBe(true);
  ledger.add('conv2d.tile', refused);
  expect(ledger.wrongAtSize('conv2d.tile')).toBe(atSize);
  expect(ledger.isNews('conv2d.tile')).toBe(false);
});

test.each([
  ['before another engine that trusted it stores checks', 'forgotten', ['a']],
  ['while checks are being stored', 'set', ['a', 'c']],
] as const)('what is forgotten %s is not stored again', async (_, moment, forgotten) => {
  const cache = memoryCache();
  const one = ledgerIn(cache);
  const other = ledgerIn(cache);
  await one.pass(['a']);
  expect(await other.unknown(['a'])).toEqual([]);
  const { memory } = other;
  const original: (...given: never[]) => Promise<unknown> = memory[moment].bind(memory);
  vi.spyOn(memory, moment).mockImplementationOnce((async (...given: never[]) => {
    await one.memory.forget();
    return original(...given);
  }) as never);
  await other.pass(['c']);
  expect(await ledgerIn(cache).unknown(['a', 'c'])).toEqual(forgotten);
  await other.pass(['d']);
  expect(await ledgerIn(cache).unknown(['a', 'd'])).toEqual(['a']);
});

const kinds = ['choice', 'check'] as const;
const all = (memory: AdapterMemory) =>
  Promise.all(kinds.map(async (kind) => (await memory.get(kind, 'key'))?.value));
const NOTHING = [undefined, undefined];

async function filled(): Promise<TuningCache> {
  const cache = memoryCache();
  for (const kind of kinds) await ledgerIn(cache).memory.set(kind, 'key', `a ${kind}`);
  return cache;
}

test('what is remembered of an adapter is there at the next visit, with its date, of a version of the library', async () => {
  const cache = await filled();
  const set = vi.spyOn(cache, 'set');
  vi.setSystemTime(6e11);
  const { memory } = ledgerIn(cache);
  expect(await memory.get('check', 'key')).toEqual({ value: 'a check', date: NOW });
  expect(await memory.get('check', 'another key')).toBeUndefined();
  await memory.set('check', 'key', 'older', 4e11);
  expect(await memory.get('check', 'key')).toEqual({ value: 'older', date: 4e11 });
  expect(set.mock.calls[0][0]).toContain(JSON.stringify(version));
});

const another = Object.keys(adapterInfo).map((name): [string, Changes] => [
  `adapter: ${name}`,
  { device: { adapterInfo: { ...adapterInfo, [name]: 'another' } } },
]);

test.each<[string, Changes, userAgent?: string]>([
  ...another,
  ['limits', { device: { limits: { maxBufferSize: 2 ** 30 } } }],
  ['features', { device: { features: new Set(['a']) } }],
  ['version of the driver', { cacheKey: 'driver 2' }],
  ['driver that tells no version', { cacheKey: undefined }],
  ['version of Dawn', { gpu: dawn('webgpu 2') }],
  ['browser', {}, 'two'],
])('what is remembered does not count for another %s', async (_, changes, userAgent = 'one') => {
  vi.stubGlobal('navigator', { userAgent: 'one' });
  const cache = await filled();
  vi.stubGlobal('navigator', { userAgent });
  expect(await all(ledgerIn(cache, changes).memory)).toEqual(NOTHING);
});

test('forget() forgets all that is remembered of an adapter by then, and of no other', async () => {
  const cache = await filled();
  const other = ledgerIn(cache, another[2][1]).memory;
  await other.set('check', 'key', 'the same');
  const limits = { maxBufferSize: 2 ** 30 };
  await ledgerIn(cache, { device: { limits }, cacheKey: 'another' }).memory.forget();
  expect(await all(ledgerIn(cache).memory)).toEqual(NOTHING);
  expect((await other.get('check', 'key'))?.value).toBe('the same');

  // The memory goes on remembering in the same millisecond, or where a clock was wrong, and can forget again.
  const { memory } = ledgerIn(cache);
  for (const now of [NOW, NOW - DAY]) {
    vi.setSystemTime(now);
    await memory.set('check', 'key', 'new');
    expect((await ledgerIn(cache).memory.get('check', 'key'))?.value).toBe('new');
    await Promise.all([memory.forget(), memory.forget()]);
    expect(await all(ledgerIn(cache).memory)).toEqual(NOTHING);
  }
});

test.each(['a1b2c3d4 00000001', 'direct', '', '3', 'null', '{"value":"direct"}', '{"value":1,"date":2}'])(
  'a stored text that this version has not written counts for nothing: %j',
  async (text) => {
    const { memory } = ledgerIn({ get: async () => text, set: async () => {} });
    expect(await all(memory)).toEqual(NOTHING);
  },
);
