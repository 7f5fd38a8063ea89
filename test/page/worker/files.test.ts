/** The user's files in the page's worker, without a GPU; what reads them is held in the middle. */
import { expect, test, vi } from 'vitest';
import { initialSettings } from '../../../harness/page/messages/settings';
import { PageHost } from '../../../harness/page/worker/host';
import type { OwnFile, readOwnImages } from '../../../harness/pictures/own_images';
import { EngineError } from '../../../src';
import { TrainingSession } from '../../../src/worker/session';

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

test('a setting of pictures that changes while a folder is read reads that folder again, not the one before', async () => {
  await import('../../../harness/pictures/own_images'); // a load takes longer than a poll waits
  const host = {
    hooks: {},
    createEngine: () => Promise.reject(new EngineError('no-adapter', 'No GPU.')),
    freeUses() {},
  };
  const tell = vi.fn();
  const session = new TrainingSession({ ...host, tell, failed() {}, rest() {} }, { store: false });
  const { calls } = new PageHost(session, tell);
  calls.open({ settings: initialSettings, visible: true, losses: [], digits: false });
  const read = async (count: number) => {
    await expect.poll(() => reads.length).toBe(count);
    return reads[count - 1];
  };
  const folder = (name: string) => ({ from: [{ path: `${name}/1.png` } as OwnFile] });
  calls.data(folder('first'));
  (await read(1)).end();
  await expect.poll(() => session.tasks.busy).toBe(false);
  calls.data(folder('second'));
  await read(2);
  calls.adjust({ ...initialSettings, size: 16 });
  const again = await read(3);
  expect(again.folder).toBe('second/1.png');
  again.end();
  await expect.poll(() => session.tasks.busy).toBe(false);
  calls.adjust({ ...initialSettings, size: 24 });
  expect((await read(4)).folder).toBe('second/1.png');
});
