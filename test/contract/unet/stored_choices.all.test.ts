/** What engines store in the browser: it can be deleted while they live. */
import { expect, test, vi } from 'vitest';
import { createEngine } from '../../../src/index';
import { testGpu } from '../../lib/gpu';
import { until } from '../../lib/until';

const { gpu, lane } = await testGpu();

/** Resolves when the database is deleted; rejects if an engine blocks that. */
const deleted = () =>
  new Promise<void>((resolve, reject) => {
    const request = indexedDB.deleteDatabase('webgpu-diffusion');
    request.onsuccess = () => resolve();
    request.onerror = () => reject(request.error);
    request.onblocked = () => reject(new Error('An engine blocks the deletion.'));
  });

// Node has no database.
test.skipIf(lane === 'node')(
  'the browser’s database can be deleted while an engine lives, and what is stored afterwards is found',
  async () => {
    await deleted();
    const engine = () => createEngine({ device: gpu.device });
    const first = await engine();
    await (await first.gpu.trust!.ledger()).passWith('before', 4);
    await deleted();
    const second = await engine();
    expect(await (await second.gpu.trust!.ledger()).hasPassed('before', 4)).toBe(false);
    await (await first.gpu.trust!.ledger()).passWith('after', 4);
    const third = await engine();
    expect(await (await third.gpu.trust!.ledger()).hasPassed('after', 4)).toBe(true);
    const close = vi.spyOn(IDBDatabase.prototype, 'close');
    for (const each of [first, second, third]) each.destroy();
    await until(() => close.mock.calls.length === 3);
    close.mockRestore();
    await deleted();
  },
);
