/** The page's part of its worker, on a session that makes nothing. */
import { expect, test, vi } from 'vitest';
import type { TrainingSession } from '../../harness/page/worker/door';
import { PageHost } from '../../harness/page/worker/host';
import { Tasks } from '../../src/worker/tasks';

test('after the loss of a device nothing that was asked for before it is done, and what is asked for then is', async () => {
  const goBack = vi.fn(() => false);
  const tasks = new Tasks({
    background: () => undefined,
    failed: () => {},
    rest: () => {},
    idle: async () => {},
  });
  const host = new PageHost({ tasks, goBack } as unknown as TrainingSession, () => {});
  for (let turn = 0; turn < 2; turn++) {
    goBack.mockClear();
    let end = () => {};
    const present = new Promise<void>((resolve) => {
      end = resolve;
    });
    tasks.request(() => present);
    host.calls.goBack();
    host.lost();
    end();
    await expect.poll(() => tasks.busy).toBe(false);
    expect(goBack).not.toHaveBeenCalled();
    host.calls.goBack();
    await expect.poll(() => goBack).toHaveBeenCalledOnce();
    await expect.poll(() => tasks.busy).toBe(false);
  }
});
