/** What is remembered of an adapter: for how long, and for which others it does not hold. */
import { afterEach, describe, expect, test, vi } from 'vitest';
import { version } from '../../package.json';
import { memoryCache, type TuningCache } from '../../src/trust/cache';
import { AdapterMemory, type Kind, type MemoryOptions } from '../../src/trust/memory';

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const adapterInfo = { vendor: 'maker', architecture: 'family', device: 'model', description: 'card' };
const card = { adapterInfo, limits: { maxBufferSize: 2 ** 28 }, features: new Set(['a', 'b']) };

/** What is remembered of `card`, or of one that is `changed`. */
function memoryOf(
  cache: TuningCache,
  { device = {}, ...options }: { readonly device?: Partial<typeof card> } & MemoryOptions = {},
): AdapterMemory {
  return new AdapterMemory({ ...card, ...device } as unknown as GPUDevice, { cache, ...options });
}

const kinds: readonly Kind[] = ['choice', 'check'];
const all = (memory: AdapterMemory) =>
  Promise.all(kinds.map(async (kind) => (await memory.get(kind, 'key'))?.value));

async function filled(options: MemoryOptions = {}): Promise<TuningCache> {
  const cache = memoryCache();
  for (const kind of kinds) await memoryOf(cache, options).set(kind, 'key', `a ${kind}`);
  return cache;
}
const NOTHING = [undefined, undefined];
const ALL = ['a choice', 'a check'];

test('what is remembered of an adapter is there at the next visit, with its date', async () => {
  vi.useFakeTimers({ now: 5e11 });
  const cache = await filled();
  vi.setSystemTime(6e11);
  expect(await memoryOf(cache).get('check', 'key')).toEqual({ value: 'a check', date: 5e11, isOld: true });
  expect(await memoryOf(cache).get('check', 'another key')).toBeUndefined();
  await memoryOf(cache).set('check', 'key', 'older', 4e11);
  expect(await memoryOf(cache).get('check', 'key')).toEqual({ value: 'older', date: 4e11, isOld: true });
});

describe('what is remembered of an adapter does not count for another', () => {
  test.each(Object.keys(adapterInfo))('adapter: %s', async (name) => {
    const cache = await filled();
    const other = memoryOf(cache, { device: { adapterInfo: { ...adapterInfo, [name]: 'another' } } });
    expect(await all(other)).toEqual(NOTHING);
    expect(await all(memoryOf(cache))).toEqual(ALL);
  });

  test('set of limits or features; the order of features does not matter', async () => {
    const cache = await filled();
    // Devices have the names of their limits from their prototype.
    const limits = Object.create({ maxBufferSize: 2 ** 28 });
    expect(await all(memoryOf(cache, { device: { limits } }))).toEqual(ALL);
    expect(await all(memoryOf(cache, { device: { limits: { maxBufferSize: 2 ** 30 } } }))).toEqual(NOTHING);
    expect(await all(memoryOf(cache, { device: { features: new Set(['b', 'a']) } }))).toEqual(ALL);
    expect(await all(memoryOf(cache, { device: { features: new Set(['a']) } }))).toEqual(NOTHING);
  });

  test('version of the library', async () => {
    const cache = memoryCache();
    const set = vi.spyOn(cache, 'set');
    await memoryOf(cache).set('choice', 'key', 'value');
    expect(set.mock.calls[0][0]).toContain(JSON.stringify(version));
  });

  test('version of the runtime: of the browser, of Dawn, or the caller’s cacheKey', async () => {
    const browser = (userAgent: string) => vi.stubGlobal('navigator', { userAgent });
    const dawn = (runtimeVersion: string) => ({ runtimeVersion }) as unknown as GPU;
    const gpu = dawn('webgpu 1');
    browser('one');
    const cache = await filled({ cacheKey: 'driver 1', gpu });
    expect(await all(memoryOf(cache, { cacheKey: 'driver 1', gpu }))).toEqual(ALL);
    expect(await all(memoryOf(cache, { cacheKey: 'driver 2', gpu }))).toEqual(NOTHING);
    expect(await all(memoryOf(cache, { gpu }))).toEqual(NOTHING);
    expect(await all(memoryOf(cache, { cacheKey: 'driver 1', gpu: dawn('webgpu 2') }))).toEqual(NOTHING);
    // Where it is put in place of the browser's.
    vi.stubGlobal('navigator', { userAgent: 'one', gpu });
    expect(await all(memoryOf(cache, { cacheKey: 'driver 1' }))).toEqual(ALL);
    browser('two');
    expect(await all(memoryOf(cache, { cacheKey: 'driver 1', gpu }))).toEqual(NOTHING);
  });
});

describe('forget()', () => {
  test('forgets all that is remembered of an adapter, and of no other', async () => {
    const cache = await filled();
    const limits = { maxBufferSize: 2 ** 30 };
    const other = memoryOf(cache, { device: { adapterInfo: { ...adapterInfo, device: 'another' } } });
    await other.set('check', 'key', 'the same');
    await memoryOf(cache, { device: { limits }, cacheKey: 'another' }).forget();
    expect(await all(memoryOf(cache))).toEqual(NOTHING);
    expect((await other.get('check', 'key'))?.value).toBe('the same');

    // The memory goes on remembering, and can forget again.
    const memory = memoryOf(cache);
    await memory.set('check', 'key', 'new');
    expect((await memoryOf(cache).get('check', 'key'))?.value).toBe('new');
    await Promise.all([memory.forget(), memory.forget()]);
    expect(await all(memoryOf(cache))).toEqual(NOTHING);
  });

  test('works where the store holds nonsense', async () => {
    const cache = memoryCache();
    const nonsense: TuningCache = { ...cache, get: async (key) => (await cache.get(key)) ?? 'nonsense' };
    const memory = memoryOf(nonsense);
    await memory.set('check', 'key', 'known');
    expect((await memory.get('check', 'key'))?.value).toBe('known');
    await memory.forget();
    expect(await all(memory)).toEqual(NOTHING);
  });
});

test.each(['a1b2c3d4 00000001', 'direct', '', '3', 'null', '{"value":"direct"}', '{"value":1,"date":2}'])(
  'a stored text that this version has not written counts for nothing: %j',
  async (text) => {
    const cache: TuningCache = { get: async () => text, set: async () => {} };
    expect(await all(memoryOf(cache))).toEqual(NOTHING);
  },
);

test('an entry is old after 7 days, and when it is dated into the future', async () => {
  const memory = memoryOf(memoryCache());
  const isOld = async (days: number) => {
    await memory.set('check', 'key', 'value', Date.now() + days * 24 * 3600 * 1000);
    return (await memory.get('check', 'key'))!.isOld;
  };
  const old: boolean[] = [];
  for (const days of [-8, -6, 0, 6, 8]) old.push(await isOld(days));
  expect(old).toEqual([true, false, false, false, true]);
});
