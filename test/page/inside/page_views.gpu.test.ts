/** The page's views of a network keep nothing of it on the GPU after it. */
import { expect, test } from 'vitest';
import { Views } from '../../../harness/page/worker/views';
import type { WorkerState } from '../../../harness/page/worker/worker_state';
import { createEngine, type UNet, type UNetConfig } from '../../../src';
import { createSession } from '../../../src/worker';
import { watchBuffers } from '../../lib/buffers';
import { testGpu } from '../../lib/gpu';

const { gpu } = await testGpu();
const { device } = gpu;

const config: UNetConfig = {
  height: 4,
  width: 4,
  channels: 1,
  widths: [4],
  kernelSize: 3,
  finalActivation: 'none',
};

test('Inside’s predictor is destroyed with its network, when another takes its place or all are freed', async () => {
  using engine = await createEngine({ device, selfCheck: false });
  let unet: UNet = await engine.createUNet(config);
  const images = { images: new Uint8Array(64), count: 4, height: 4, width: 4, channels: 1 };
  const session = createSession({ store: false });
  await session.parts();
  session.engine = engine;
  const { samplers } = session;
  const views = new Views({
    session,
    turn: session.turn.bind(session),
    current: { seed: 1, batch: 4 },
    trainingImages: async () => images,
    networkFrom: async () => ({ unet, objective: 'tutorial' }),
  } as unknown as WorkerState);
  const look = async () => {
    const picture = { source: 'run', choice: 0, level: 0.5, label: 0 } as const;
    expect(await views.calls.inside({ kind: 'look', picture })).toMatchObject({ kind: 'looked' });
  };

  const left = watchBuffers(device);

  await look();
  expect(left().length).toBeGreaterThan(4);
  // Another network, which is not looked into, leaves it.
  const other = await engine.createUNet(config);
  const before = left().length;
  samplers.free(other);
  expect(left()).toHaveLength(before);
  other.destroy();

  samplers.free(unet);
  unet.destroy();
  expect(left()).toEqual([]);

  unet = await engine.createUNet(config);
  await look();
  samplers.free();
  unet.destroy();
  expect(left()).toEqual([]);
});
