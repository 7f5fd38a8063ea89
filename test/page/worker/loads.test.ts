/** What the page's worker loads, without a GPU, where that does not come, or is held in the middle. */
import { afterEach, expect, test, vi } from 'vitest';
import { initialSettings } from '../../../harness/page/messages/settings';
import { PageHost } from '../../../harness/page/worker/host';
import type { OwnFile, readOwnImages } from '../../../harness/pictures/own_images';
import { type Engine, EngineError } from '../../../src';
import { TrainingSession } from '../../../src/worker/session';
import { gate } from '../../lib/gate';
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

/** The page's worker after its first call, what the page hears, and when nothing is done any more or is waited for. */
function opened(createEngine: () => Promise<Engine>, digits: boolean) {
  const heard: Record<string, unknown>[] = [];
  const tell = (type: string, value: object) => void heard.push({ type, ...value });
  const rest = gate<unknown>();
  const host = { hooks: {}, tell, createEngine, freeUses() {}, failed: rest.open, rest: () => rest.open(0) };
  const session = new TrainingSession(host, { store: false });
  const { calls } = new PageHost(session, tell);
  calls.open({ settings: initialSettings, visible: true, losses: [], digits });
  const phase = () => heard.findLast(({ type }) => type === 'phase')?.phase;
  return { calls, heard, phase, resting: rest.opened, rests: () => until(() => !session.tasks.busy) };
}
const fails = (code: 'device-lost' | 'no-adapter') => () =>
  Promise.reject(new EngineError(code, 'It is gone.'));

test('a device that is lost while the engine is made is reported', async () => {
  const { heard, resting, phase } = opened(fails('device-lost'), true);
  await resting;
  expect(heard).toContainEqual({ type: 'error', at: 'start', code: 'device-lost', message: 'It is gone.' });
  expect(phase()).toBe('failed');
});

test('digits that never load are reported after a minute; the page rests and works without them', async () => {
  vi.useFakeTimers();
  const engine = { adapter: { software: true }, gpu: { lost: new Promise(() => {}) } };
  const { heard, resting, phase } = opened(async () => engine as unknown as Engine, true);
  await vi.advanceTimersByTimeAsync(59_000);
  expect(phase()).toBe('loading');
  await vi.advanceTimersByTimeAsync(2000);
  await resting;
  expect(heard).toContainEqual({
    ...{ type: 'error', at: 'data', code: 'data' },
    message: expect.stringMatching(/^The digits have not come for 60 seconds\./),
  });
  expect(phase()).toBe('idle');
});

test('a setting of pictures that changes while a folder is read reads that folder again, not the one before', async () => {
  const { calls, rests } = opened(fails('no-adapter'), false);
  const read = (count: number) => until(() => reads[count - 1]);
  const folder = (name: string) => ({ from: [{ path: name } as OwnFile] });
  calls.data(folder('first'));
  (await read(1)).end();
  await rests();
  calls.data(folder('second'));
  await read(2);
  for (const [i, size] of [16, 24].entries()) {
    calls.adjust({ ...initialSettings, size });
    const again = await read(3 + i);
    expect(again.folder).toBe('second');
    again.end();
    await rests();
  }
});
