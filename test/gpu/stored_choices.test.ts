/** What engines store in the browser: it can be deleted while they live. */
import { expect, test, vi } from 'vitest';
import { createEngine } from '../../src/index';
import { testGpu } from '../lanes/gpu';

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
if (lane !== 'node') {
  test('the browser’s database can be deleted while an engine lives, and what is stored afterwards is found', async () => {
    await deleted();
    const first = await createEngine({ device: gpu.device });
    await first.gpu.passed!.add(['before']);
    await deleted();
    await first.gpu.passed!.add(['after']);
    const second = await createEngine({ device: gpu.device });
    expect(await second.gpu.passed!.missing(['before', 'after'])).toEqual(['before']);
    const close = vi.spyOn(IDBDatabase.prototype, 'close');
    for (const engine of [first, second]) engine.destroy();
    await vi.waitFor(() => expect(close).toHaveBeenCalledTimes(2));
    close.mockRestore();
    await deleted();
  });
} else {
  test('Node has no database to store kernel choices in', () =>
    expect('indexedDB' in globalThis).toBe(false));
}
