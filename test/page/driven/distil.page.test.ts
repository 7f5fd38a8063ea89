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
  unhidden,
  until,
} from '../../lib/page/visit';

const driven = drive();

/** Ten images of 4x4, a class each: so small that thousands of trajectories are made soon. */
const images = idx([10, 4, 4], (i) => (i * 7) % 128);
const labels = idx([10], (i) => i);

test('a trained network is distilled while samples are made, stopped, and distilled to the end; its copy makes images', async () => {
  const query = '?recipe=digits-3x3&batch=4&widths=8&samples=0&epochs=10000';
  const { page } = await driven.visit(`${driven.address}${query}`);
  await phase(page, 'idle');
  const { asks, drop, dropAll, save, read } = await files(page);
  await dropAll([images, 'small-images-idx3-ubyte'], [labels, 'small-labels-idx1-ubyte']);
  await until(page, () => !window.harness.state.data!.builtIn && window.harness.state.phase === 'idle');
  expect(await isHidden(page, 'distil')).toBe(true);
  await click(page, '#train');
  await steps(page, 50);
  expect(await isHidden(page, 'distil')).toBe(true);
  await steps(page, 300);
  await pause(page);
  await reads(page, 'distil-text', /It takes about .*; anything else/);

  // It is stopped, and nothing stays.
  const fold = () => page.$eval('#after', (after) => (after as HTMLDetailsElement).open);
  expect(await fold()).toBe(false);
  await click(page, '#distil-1');
  await until(page, () => window.harness.state.distilling !== undefined);
  await reads(page, 'status-text', 'Distilling');
  await reads(page, 'after-title', /^: distilling, \d+/);
  expect(await fold()).toBe(true);
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
  // The images are the user's own.
  await reads(page, 'frame-label', 'polished');
  await reads(page, 'sample-status-text', '');
  await go(page, 'train');
  // It trains; on a slow machine it may have ended meanwhile.
  await until(page, () => {
    const { distilling, model } = window.harness.state;
    return distilling ? distilling.losses.length > 1 : model !== undefined;
  });
  expect(await violations(page)).toEqual([]);
  await until(page, () => window.harness.state.distilling === undefined);
  expect(await fromState(page, 'error')).toBeUndefined();
  const model = await page.evaluate(() => window.harness.state.model!);
  expect(model).toMatchObject({
    classes: 10,
    height: 4,
    width: 4,
    sampling: { method: 'euler', steps: 2, calls: 2 },
  });
  expect(model.name).toMatch(/^small-images-idx3-ubyte-distilled-to-2-step-\d+-seed-123\.safetensors$/);
  await reads(page, 'distil-text', /^Made small-images-idx3-ubyte-distilled-to-2/);

  // It makes images, in as many steps as it has calls.
  await click(page, '#distil-make');
  await click(page, '#sample');
  await reads(page, 'frame-label', 'step 2 of 2');
  await reads(page, 'sample-model', `The file ${model.name}`);
  await go(page, 'train');

  // Its file says what it is.
  const blob = await save('distil-save');
  const header = Buffer.from((await read(blob)).subarray(0, 2000)).toString();
  expect(header).toContain('\\"calls\\":2');
  expect(header).toMatch(/"teacher":"[0-9a-f]{8}"/);

  // An opened file takes its place, so nothing more is made with it; it can still be saved.
  expect(await isHidden(page, 'distil-make')).toBe(false);
  await drop(blob, model.name);
  await unhidden(page, 'panel-sample');
  await go(page, 'train');
  expect(
    await page.$$eval('#distil-save, #distil-make', (both) =>
      both.map((each) => [each.id, (each as HTMLElement).hidden]),
    ),
  ).toEqual(
    expect.arrayContaining([
      ['distil-save', false],
      ['distil-make', true],
    ]),
  );

  // Other tabs name it, and take the pretrained network.
  await go(page, 'draw');
  await until(
    page,
    (name) => {
      const words = document.getElementById('draw-model')!.textContent!;
      return words.startsWith('The pretrained network') && words.includes(`${name} is distilled to 2 calls`);
    },
    model.name,
  );

  // The run goes on from where it was.
  await go(page, 'train');
  const before = await page.evaluate(() => window.harness.state.losses.length);
  await click(page, '#train');
  await steps(page, before + 2);

  // Without the run, its network cannot be distilled on.
  await pause(page);
  await click(page, '#distil-1');
  await until(page, () => (window.harness.state.distilling?.trajectories ?? 0) > 0);
  await click(page, '#reset');
  await until(page, () => window.harness.state.run === undefined && !window.harness.state.distilling);
  await phase(page, 'idle');
});
