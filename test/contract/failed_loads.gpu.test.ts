/**
 * A part of the library does not load once: an error, nothing left, and the next use gives the result of an engine to which nothing happened.
 *
 * @module-tag nightly
 */
import { expect, test, vi } from 'vitest';
import { failLoad, loads } from '../lib/failed_load';
import { testGpu } from '../lib/gpu';
import { createWorld, subjects } from '../lib/subjects';

vi.mock(import('../../src/base/load'), async (original) =>
  (await import('../lib/failed_load')).failedLoads(original),
);

await testGpu();

/** All that they need is there with a trainer, a network or a device. */
const loadsNothing: readonly string[] = [
  'trainer.step',
  'trainer.getState',
  'trainer.readLosses',
  'unet.getParameters',
  'createEngine',
  'engine.createUNet',
];
const loading = Object.entries(subjects).filter(([name]) => !loadsNothing.includes(name));
test.each(loading)('%s works again after a failed load of a part', async (name, subject) => {
  const checked = () => createWorld({});
  const healthy = await checked();
  const work = await subject.make(healthy);
  failLoad(Number.POSITIVE_INFINITY);
  const expected = await work.use();
  const { count } = loads;
  expect(count).toBeGreaterThan(0);
  // All of one that also loads the comparison at size; of the others three.
  const step = name === 'unet.predict' ? 1 : Math.ceil(count / 3);
  for (let nth = 0; nth < count; nth += step) {
    const world = await checked();
    const { use, again } = await subject.make(world);
    const before = world.failing.labels;
    failLoad(nth);
    const ended = await use().catch((error) => error);
    expect(loads.failing, `part ${nth} of ${count}`).toBe(-1);
    // Some texts of shaders are loaded again at once, for a check of each kernel alone.
    if (nth === 0 || ended instanceof Error) {
      expect(ended).toMatchObject({ code: 'data' });
      const held = nth === 0 ? before : healthy.failing.labels;
      expect(held).toEqual(expect.arrayContaining(world.failing.labels));
    }
    await again?.();
    expect(await use()).toEqual(expected);
    expect(world.failing.labels).toEqual(healthy.failing.labels);
  }
});
