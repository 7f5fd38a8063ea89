/** The page's part of its worker, on a session that makes nothing. */
import { expect, test, vi } from 'vitest';
import { initialOf } from '../../../harness/page/messages/settings';
import type { TrainingSession } from '../../../harness/page/worker/door';
import { PageHost } from '../../../harness/page/worker/host';
import { Workplace } from '../../../harness/page/worker/place';
import type { Engine, UNetConfig, UNetOptions } from '../../../src';
import { Tasks } from '../../../src/worker/tasks';

test('after a device is lost, the worker drops tasks from before the loss, and does new ones', async () => {
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

test('a network of the recipe pictures is sampled as the recipe says, also on grey images', async () => {
  const made: [config: UNetConfig, sampling: UNetOptions['sampling']][] = [];
  const engine = {
    createUNet: async (config: UNetConfig, { sampling }: UNetOptions) => void made.push([config, sampling]),
  } as unknown as Engine;
  const place = new Workplace({ device: async () => engine } as unknown as TrainingSession, () => {});
  place.settings = initialOf('pictures');
  const image = { height: 16, width: 16, channels: 1 };
  place.images = { images: new Uint8Array(20 * 256), count: 20, ...image, labels: new Uint8Array(20) };
  await place.networkFrom('run');
  await (await place.newRun()).network(engine);
  place.images = { ...place.images, labels: undefined };
  await (await place.newRun()).network(engine);
  const pictures = { method: 'adams', steps: 8 };
  for (const [i, guidance] of [1.5, 1.5, undefined].entries()) {
    expect(made[i][0]).toMatchObject({ ...image, kernelSize: 3, convolutionsPerLevel: [2, 2, 3] });
    expect(made[i][1]).toEqual({ ...pictures, guidance });
  }
  place.images = { ...place.images, height: 12 };
  await expect(place.newRun()).rejects.toThrow('The images are 12 x 16; the recipe pictures takes');
});
