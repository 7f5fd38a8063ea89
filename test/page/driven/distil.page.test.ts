/**
 * Distilling a run's network on the Train view, until its copy makes images on the Make view.
 *
 * @module-tag nightly
 */
import { expect, test } from 'vitest';
import { violations } from '../../lib/page/axe';
import { drive } from '../../lib/page/drive';
import { idx } from '../../lib/page/own_pictures';
import {
  click,
  files,
  fromState,
  go,
  isHidden,
  isOff,
  pause,
  phase,
  reads,
  steps,
  until,
} from '../../lib/page/visit';

const driven = drive();

/** Ten images of 4x4, a class each: so small that thousands of trajectories are made soon. */
const images = idx([10, 4, 4], (i) => (i * 7) % 128);
const labels = idx([10], (i) => i);

test('a trained network is distilled while samples are made, stopped, and distilled to the end; its copy makes images', async () => {
  const query = '?batch=4&widths=8&samples=0&epochs=10000';
  const { page } = await driven.visit(`${driven.address}${query}`);
  await phase(page, 'idle');
  const { asks, dropAll, save, read } = await files(page);
  await dropAll([images, 'small-images-idx3-ubyte'], [labels, 'small-labels-idx1-ubyte']);
  await until(page, () => !window.harness.state.data!.builtIn && window.harness.state.phase === 'idle');
  await click(page, '#train');
  await steps(page, 50);
  expect(await isHidden(page, 'distil')).toBe(true);
  await steps(page, 300);
  await pause(page);

  // It is stopped, and nothing stays.
  await click(page, '#distil-1');
  await until(page, () => window.harness.state.distilling !== undefined);
  // What is distilled so far would be lost.
  await until(page, () => window.harness.state.stored === window.harness.state.losses.length);
  expect(await asks()).toBe(true);
  expect(await isOff(page, '#train')).toBe(true);
  await click(page, '#distil-stop');
  await until(page, () => window.harness.state.distilling === undefined);
  expect(await fromState(page, 'model')).toBeUndefined();
  expect(await asks()).toBe(false);

  // Samples are made meanwhile, and it goes on.
  await click(page, '#distil-2');
  await until(page, () => (window.harness.state.distilling?.trajectories ?? 0) > 0);
  await go(page, 'sample');
  await click(page, '#sample');
  await reads(page, 'frame-label', 'polished');
  await go(page, 'train');
  expect(await violations(page)).toEqual([]);
  await until(page, () => window.harness.state.distilling === undefined);
  expect(await fromState(page, 'error')).toBeUndefined();
  const model = (await fromState(page, 'model'))!;
  const sampling = { method: 'euler', steps: 2, calls: 2 };
  expect(model).toMatchObject({ classes: 10, height: 4, width: 4, sampling });
  expect(model.name).toMatch(/^small-images-idx3-ubyte-distilled-to-2-step-\d+-seed-123\.safetensors$/);

  // It makes images, in as many steps as it has calls.
  await click(page, '#distil-make');
  await click(page, '#sample');
  await reads(page, 'frame-label', 'step 2 of 2');
  await go(page, 'train');

  // Its file says what it is.
  const blob = await save('distil-save');
  const header = Buffer.from((await read(blob)).subarray(0, 2000)).toString();
  expect(header).toContain('\\"calls\\":2');
  expect(header).toMatch(/"teacher":"[0-9a-f]{8}"/);
});
