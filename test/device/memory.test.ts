/** What is remembered of an adapter: for how long, and for which others it does not hold. */
import { afterEach, expect, test, vi } from 'vitest';
import { version } from '../../package.json';
import { memoryCache, type TuningCache } from '../../src/trust/cache';
import { AdapterMemory, type Kind, type MemoryOptions } from '../../src/trust/memory';

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const adapterInfo = { vendor: 'maker', architecture: 'family', device: 'model', description: 'card' };
const card = { adapterInfo, limits: { maxBufferSize: 2 ** 28 }, features: new Set(['a', 'b']) };
const dawn = (runtimeVersion: string) => ({ runtimeVersion }) as unknown as GPU;
const runtime: MemoryOptions = { cacheKey: 'driver 1', gpu: dawn('webgpu 1') };

interface Changes extends MemoryOptions {
  readonly device?: Partial<typeof card>;
}

/** What is remembered of `card`, or of one that is changed. */
const memoryOf = (cache: TuningCache, { device, ...options }: Changes = {}) =>
  new AdapterMemory({ ...card, ...device } as unknown as GPUDevice, { cache, ...runtime, ...options });

const kinds: readonly Kind[] = ['choice', 'check'];
const all = (memory: AdapterMemory) =>
  Promise.all(kinds.map(async (kind) => (await memory.get(kind, 'key'))?.value));
const NOTHING = [undefined, undefined];

async function filled(): Promise<TuningCache> {
  const cache = memoryCache();
  for (const kind of kinds) await memoryOf(cache).set(kind, 'key', `a ${kind}`);
  return cache;
}

test('what is remembered of an adapter is there at the next visit, with its date, of a version of the library', async () => {
  vi.useFakeTimers({ now: 5e11 });
  const cache = await filled();
  const set = vi.spyOn(cache, 'set');
  vi.setSystemTime(6e11);
  expect(await memoryOf(cache).get('check', 'key')).toEqual({ value: 'a check', date: 5e11, isOld: true });
  expect(await memoryOf(cache).get('check', 'another key')).toBeUndefined();
  await memoryOf(cache).set('check', 'key', 'older', 4e11);
  expect(await memoryOf(cache).get('check', 'key')).toEqual({ value: 'older', date: 4e11, isOld: true });
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
  expect(await all(memoryOf(cache, changes))).toEqual(NOTHING);
});

test('forget() forgets all that is remembered of an adapter, and of no other', async () => {
  const cache = await filled();
  const limits = { maxBufferSize: 2 ** 30 };
  const other = memoryOf(cache, another[2][1]);
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

test.each(['a1b2c3d4 00000001', 'direct', '', '3', 'null', '{"value":"direct"}', '{"value":1,"date":2}'])(
  'a stored text that this version has not written counts for nothing: %j',
  async (text) => {
    expect(await all(memoryOf({ get: async () => text, set: async () => {} }))).toEqual(NOTHING);
  },
);
