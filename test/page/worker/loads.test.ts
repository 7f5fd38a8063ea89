/** What the page's worker loads, without a GPU, where that does not come, or is held in the middle. */
import { afterEach, expect, test, vi } from 'vitest';
import { initialSettings } from '../../../harness/page/messages/settings';
import type { OwnFile, readOwnImages } from '../../../harness/pictures/own_images';
import { type Engine, EngineError } from '../../../src';
import { engineWithout, pageWorker } from '../../lib/page/page_worker';
import { until } from '../../lib/until';

vi.mock('../../../src/data/digits', () => {
  const never = () => new Promise(() => {});
  return { loadDigits: never, loadDigitLabels: never };
});

/** The folders whose reading has begun, each with what ends it. */
const reads: { readonly folder: string; end(): void }[] = [];
vi.mock('../../../harness/pictures/own_images', async (original) => {
  const read: typeof readOwnImages = ([{ path }], _, __, { signal } = {}) =>
    new Promise((resolve, reject) => {
      signal?.addEventListener('abort', () => reject(signal.reason));
      const images = { images: new Uint8Array(256), count: 1, height: 16, width: 16, channels: 1 };
      reads.push({ folder: path, end: () => resolve({ images, notes: [] }) });
    });
  return { ...(await original<object>()), readOwnImages: read };
});

afterEach(() => {
  vi.useRealTimers();
});

/** The page's worker after its first call, and the phase that the page hears of last. */
async function opened(createEngine: () => Promise<Engine>, digits: boolean) {
  const worker = await pageWorker(createEngine);
  await worker.open(initialSettings, digits);
  return { ...worker, phase: () => worker.patched('phase').at(-1) };
}
const fails = (code: 'device-lost' | 'no-adapter') => () =>
  Promise.reject(new EngineError(code, 'It is gone.'));

test('a device that is lost while the engine is made is reported', async () => {
  const { told, rests, phase } = await opened(fails('device-lost'), true);
  await rests();
  expect(told('problem')).toEqual([{ at: 'start', code: 'device-lost', message: 'It is gone.' }]);
  expect(phase()).toBe('failed');
});

test('digits that never load are reported after a minute; the page rests and works without them', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const { told, rests, phase } = await opened(async () => engineWithout().engine, true);
  await until(() => phase() === 'loading');
  await vi.advanceTimersByTimeAsync(59_000);
  expect(phase()).toBe('loading');
  await vi.advanceTimersByTimeAsync(2000);
  await rests();
  expect(told('problem')).toEqual([
    {
      at: 'data',
      code: 'data',
      message: expect.stringMatching(/^The digits have not come for 60 seconds\./),
    },
  ]);
  expect(phase()).toBe('idle');
});

test('a setting of pictures that changes while a folder is read reads that folder again, not the one before', async () => {
  const { client, rests } = await opened(fails('no-adapter'), false);
  const read = (count: number) => until(() => reads[count - 1]);
  const folder = (name: string) => [{ path: name } as OwnFile];
  const first = client.data(folder('first'));
  (await read(1)).end();
  await first;
  const second = client.data(folder('second'));
  await read(2);
  for (const [i, size] of [16, 24].entries()) {
    await client.settings({ ...initialSettings, size });
    const again = await read(3 + i);
    expect(again.folder).toBe('second');
    again.end();
    await rests();
  }
  await second;
});
