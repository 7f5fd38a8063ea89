/** What the ledger knows of checks and variants, in this visit and in later ones. */
import { afterEach, describe, expect, test, vi } from 'vitest';
import { EngineError } from '../../src/base/errors';
import { memoryCache, type TuningCache } from '../../src/trust/cache';
import { unusable, wrongAtSize } from '../../src/trust/faults';
import { Ledger } from '../../src/trust/ledger';
import { UnusableKernel } from '../../src/trust/unusable_kernel';

afterEach(() => {
  vi.useRealTimers();
});

const device = { adapterInfo: {}, limits: {}, features: new Set() } as unknown as GPUDevice;
const ledgerIn = (cache: TuningCache = memoryCache()) => new Ledger(device, { cache });
const DAY = 24 * 3600 * 1000;

const tile = { kernel: 'conv2d', variant: 'tile' };
const atSize = wrongAtSize(tile, 'a card', 'it is off');
const refused = unusable(tile as never, 'a card', new EngineError('shader', 'no')) as UnusableKernel;

test('checks that have passed are in one entry, which is as old as the first of them', async () => {
  vi.useFakeTimers({ now: 5e11 });
  const cache = memoryCache();
  const set = vi.spyOn(cache, 'set');
  await ledgerIn(cache).pass(['a', 'b']);
  vi.setSystemTime(5e11 + 6 * DAY);
  await ledgerIn(cache).pass(['c']);
  expect(new Set(set.mock.calls.map(([key]) => key)).size).toBe(1);
  const keys = ['a', 'd', 'c', 'b'];
  const ledger = ledgerIn(cache);
  expect(await ledger.unknown(keys)).toEqual(['d']);
  expect(ledger.checks).toMatchObject({ passed: ['a', 'b', 'c'], since: 5e11 });
  vi.setSystemTime(5e11 + 8 * DAY);
  expect(await ledgerIn(cache).unknown(keys)).toEqual(keys);
  await ledgerIn(cache).pass(['d']);
  expect(await ledgerIn(cache).unknown(keys)).toEqual(['a', 'c', 'b']);
});

test('a check that fails is unknown until it passes, and no variant', async () => {
  const ledger = ledgerIn();
  await ledger.pass(['a', 'b']);
  ledger.add('a', refused);
  expect(await ledger.unknown(['a', 'b'])).toEqual(['a']);
  expect([ledger.checks.errors, ledger.leftOut]).toEqual([[refused], []]);
  await ledger.pass(['a']);
  expect([await ledger.unknown(['a']), ledger.errorOf('a')]).toEqual([[], undefined]);
});

describe('what is forgotten', () => {
  test.each([
    ['before another engine that trusted it stores checks', 'forgotten', ['a']],
    ['while checks are being stored', 'set', ['a', 'c']],
  ] as const)('%s is not stored again', async (_, moment, forgotten) => {
    const cache = memoryCache();
    const [one, other] = [ledgerIn(cache), ledgerIn(cache)];
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
});

test('a late variant is left out until it is compiled, unless something worse is known of it', async () => {
  const ledger = ledgerIn();
  let come = () => {};
  const compiled = new Promise<void>((resolve) => {
    come = resolve;
  });
  const pending = { compiled, wait: async () => {} };
  const late = new UnusableKernel('slow-kernel', tile, {
    ...{ adapter: 'a card', problem: ' yet.', advice: '', pending },
  });
  ledger.add('conv2d.tile', late);
  ledger.add('conv2d.direct');
  ledger.add('conv2d.direct', late);
  ledger.add('conv2d.winograd7', late);
  ledger.add('conv2d.winograd7', refused);
  expect(ledger.leftOut).toHaveLength(3);
  come();
  await compiled;
  expect(ledger.leftOut).toEqual(['conv2d.direct', 'conv2d.winograd7']);
});

test('a variant that was wrong in use stays so; only such a one is refused to those who fix it; a warning names it once', () => {
  const ledger = ledgerIn();
  ledger.add('conv2d.tile', refused);
  expect(ledger.wrongAtSize('conv2d.tile')).toBeUndefined();
  ledger.add('conv2d.tile', atSize);
  expect(ledger.isNews('conv2d.tile')).toBe(true);
  ledger.add('conv2d.tile', refused);
  expect(ledger.wrongAtSize('conv2d.tile')).toBe(atSize);
  expect(ledger.isNews('conv2d.tile')).toBe(false);
  // It was late, and has come meanwhile.
  expect(ledger.isNews('conv2d.direct')).toBe(true);
});
