/**
 * Calls of a device fail, one at a time: a typed error, and nothing is lost. All of them: `npm run test:all -- long calls`.
 *
 * @module-tag nightly
 */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { requestDevice } from '../../src/gpu/request_device';
import {
  callsOfMaking,
  failEach,
  failMaking,
  firstCheckpoint,
  hurry,
  loseEach,
  setUp,
} from '../lib/call_failures';
import { FailingDevice, failuresOf, type Planned } from '../lib/failing_device';
import { testGpu } from '../lib/gpu';

await testGpu();

describe('a typed error, and nothing lost, from a device', () => {
  const request = async () => (await requestDevice()).device;
  let undo: () => void;
  beforeEach(() => {
    undo = hurry();
  });
  afterEach(() => undo());

  // Many calls are alike; a run of sampling makes the same ones in each of its passes.
  test.each([
    ['a training step', 3],
    ['a run of sampling', 7],
  ] as const)('that fails a call of %s', async (deed, every) => {
    const failing = new FailingDevice(await request());
    const world = await setUp(failing.device);
    const checkpoint = await firstCheckpoint(world);
    const { failures, faults } = await failEach(failing, world, deed, checkpoint, every);
    expect(failures).toBeGreaterThan(100 / every);
    expect(faults).toEqual([]);
    failing.device.destroy();
  });

  test('that fails a call while an engine checks itself and is furnished', async () => {
    const failing = new FailingDevice(await request());
    await setUp(failing.device);
    const unchecked = failuresOf(await callsOfMaking(failing));
    const planned = failuresOf(await callsOfMaking(failing, true));
    expect(planned.length).toBeGreaterThan(1.2 * unchecked.length);
    const some = planned.filter((_, i) => i % Math.ceil(planned.length / 12) === 0);
    const { failures, faults } = await failMaking(failing, some, true);
    expect(failures).toBeGreaterThan(10);
    expect(faults).toEqual([]);
    failing.device.destroy();
  });

  test.each(['throws', 'refused', 'memory'] as const)(
    'that %s what a recorded run writes',
    async (failure) => {
      const failing = new FailingDevice(await request());
      const { sampler } = await setUp(failing.device);
      const { device } = failing;
      const order = { steps: 2, labels: [0, 1, 1], seed: 3 };
      const images = device.createBuffer({ size: 3 * 16 * 4, usage: GPUBufferUsage.COPY_DST });
      const record = () => sampler.encodeRun(device.createCommandEncoder(), images, order);
      for (let twice = 0; twice < 2; twice++) {
        failing.watch({ name: 'writeBuffer', nth: 0, failure });
        record();
        expect(failing.unwatch()).toBe(true);
        // The device says it later.
        const later = async () => {
          for (;;) {
            record();
            await device.queue.onSubmittedWorkDone();
          }
        };
        await expect(later()).rejects.toMatchObject({ code: failure === 'memory' ? 'limit' : 'shader' });
      }
      failing.watch();
      record();
      record();
      expect(failing.calls.filter((name) => name === 'writeBuffer')).toHaveLength(1);
      expect(failing.uncaught).toEqual([]);
      device.destroy();
    },
  );

  const lost = (name: string): Planned => ({ name, nth: 0, failure: 'lost' });
  test.each([
    ['a pipeline is made', 'createComputePipelineAsync', undefined],
    ['its queue is waited for', 'onSubmittedWorkDone', undefined],
    ['a buffer is mapped', 'mapAsync', 'a training step'],
    ['commands are recorded that are then submitted', 'beginComputePass', 'a training step'],
    ['it samples', 'submit', 'a run of sampling'],
  ])('that is lost while %s', async (_, name, deed) => {
    expect(await loseEach(request, [lost(name)], deed)).toEqual({ failures: 1, faults: [] });
  });
});
