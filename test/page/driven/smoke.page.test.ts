/**
 * A run as its users meet it: in Chrome, built, under its policy (driven/built), with a tiny network for any adapter.
 *
 * @module-tag nightly
 */
import type { Page } from 'puppeteer';
import { expect, test } from 'vitest';
import { recipeAt } from '../../../src/recipes';
import { trainerConfigOf } from '../../../src/training/options';
import { loadCheckpoint } from '../../../src/weights/checkpoint';
import { violationsEverywhere, violationsOnPhone } from '../../lib/page/axe';
import { drive, inTurns } from '../../lib/page/drive';
import { idx } from '../../lib/page/own_pictures';
import {
  click,
  deviceLoser,
  disabled,
  drawn,
  enabled,
  exist,
  files,
  focused,
  fromState,
  go,
  isHidden,
  losses,
  mean,
  mentions,
  phase,
  pressOn,
  reads,
  reset,
  searchOf,
  setting,
  settingsOf,
  step,
  steps,
  TINY,
  TUTORIAL,
  text,
  trainToEnd,
  type,
  unhidden,
  until,
  type Visited,
  workerOf,
} from '../../lib/page/visit';

const driven = drive();
const { address } = driven;

const open = (query: string) => driven.visit(`${address}${query}`);

// A network's shaders take seconds to compile: tests that train the same network do so on one page, one after another.

/** With a tiny network of the recipe `digits`, and no kernel measured. */
const digitsPage = inTurns(() => driven.visit(`${driven.tiny}?${TINY}&tune=off`));
/** With one of the recipe `tutorial`. */
const tutorialPage = inTurns(() => open(`?${TUTORIAL}`));

/** One of these without a run and with the settings of TINY, on the Train view. */
async function fresh(turn: () => Promise<Visited>, settings: Readonly<Record<string, string>> = {}) {
  const all = { epochs: '6', ...Object.fromEntries(new URLSearchParams(TINY)), ...settings };
  const { page } = await turn();
  await until(page, () => ['idle', 'paused', 'finished', 'training'].includes(window.harness.state.phase));
  await go(page, 'train');
  if (await fromState(page, 'run')) await click(page, '#reset');
  await until(page, () => window.harness.state.phase === 'idle' && window.harness.state.run === undefined);
  for (const [key, value] of Object.entries(all)) await setting(page, key, value);
  // Until what was typed is shown, a value that is typed next would be lost.
  await drawn(page);
  return page;
}

/** How many different greys a canvas shows. */
const greys = (page: Page, id: string) =>
  page.evaluate((i) => {
    const canvas = document.getElementById(i) as HTMLCanvasElement;
    const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height);
    return new Set(data.filter((_, at) => at % 4 === 0)).size;
  }, id);

/** From now on the worker counts the GPU buffers that it has not destroyed, and can make the run's weights so large that its loss is not finite. */
async function watchBuffers(page: Page) {
  const worker = await workerOf(page);
  await worker.evaluate(() => {
    const alive = new Set<GPUBuffer>();
    const { createBuffer } = GPUDevice.prototype;
    const { destroy } = GPUBuffer.prototype;
    GPUDevice.prototype.createBuffer = function (descriptor) {
      const buffer = createBuffer.call(this, descriptor);
      alive.add(buffer);
      const poison = () => this.queue.writeBuffer(buffer, 0, new Float32Array(buffer.size / 4).fill(1e30));
      if (descriptor.label === 'packed weights') Object.assign(globalThis, { poison });
      return buffer;
    };
    GPUBuffer.prototype.destroy = function () {
      alive.delete(this);
      return destroy.call(this);
    };
    Object.assign(globalThis, { alive });
  });
  return {
    alive: () => worker.evaluate(() => (globalThis as unknown as { alive: Set<unknown> }).alive.size),
    poison: () => worker.evaluate(() => (globalThis as unknown as { poison: () => void }).poison()),
  };
}

test('an address trains by itself to the end, also where no frame is drawn; its mistakes are shown as text', async () => {
  const { page } = await driven.visit(
    `${address}?${TUTORIAL}&epochs=5&autorun=1&nonsense=%3Cb%3E`,
    function holdFrames() {
      const held: FrameRequestCallback[] = [];
      const { requestAnimationFrame } = window;
      window.requestAnimationFrame = (frame) => held.push(frame);
      const draw = () => {
        Object.assign(window, { requestAnimationFrame });
        for (const frame of held) requestAnimationFrame(frame);
      };
      Object.assign(window, { draw });
    },
  );
  await until(page, () => window.harness.state.phase === 'finished');
  await page.evaluate(() => (window as unknown as { draw: () => void }).draw());
  const all = await losses(page);
  expect(all).toHaveLength(20);
  expect(mean(all.slice(-4))).toBeLessThan(mean(all.slice(0, 4)));
  await reads(page, 'reading-step', '20 / 20');
  // The last pictures are made once the steps are.
  await reads(page, 'grid-step', 'after step 20');
  for (const id of ['grid', 'strip-predictions']) expect(await greys(page, id), id).toBeGreaterThan(8);
  expect(await text(page, 'notices')).toContain('no setting nonsense');
  expect(await page.$('#notices b')).toBeNull();
});

test('a run that diverges keeps its last good state, and goes back to a copy with a smaller rate', async () => {
  const page = await fresh(tutorialPage, { epochs: '40' });
  const { poison } = await watchBuffers(page);
  for (let made = 0; made < 2; made++) await step(page);
  const good = await losses(page);
  await poison();
  await click(page, '#train');
  await reads(page, 'error-text', /Step 3 was not made.*Go back to its copy of step 1 with a smaller/);
  await phase(page, 'paused');
  expect(await losses(page)).toEqual(good);
  await reads(page, 'error-back', /rate of 0\.005$/);
  await click(page, '#error-back');
  await steps(page, 4);
  expect(await searchOf(page)).toContain('lr=0.005');
  expect((await losses(page)).slice(0, 2)).toEqual(good);
  expect((await losses(page)).every(Number.isFinite)).toBe(true);
  expect(await fromState(page, 'error')).toBeUndefined();
});

test('a model file is sampled beside the run, and a checkpoint goes on as if nothing had happened', async () => {
  const page = await fresh(tutorialPage, { epochs: '2' });
  await trainToEnd(page);
  const unbroken = await losses(page);
  await reset(page);
  const { save, drop, asks } = await files(page);
  const loseDevice = await deviceLoser(page);
  for (let made = 0; made < 3; made++) await step(page);
  const model = await save('save-model');
  // A model has no state of the optimizer.
  expect(await fromState(page, 'saved')).toBe(0);
  const checkpoint = await save('save-checkpoint');
  expect([await fromState(page, 'saved'), await asks()]).toEqual([3, false]);

  await drop(model, 'mine.safetensors');
  await unhidden(page, 'panel-sample');
  await type(page, 'steps', '2');
  await click(page, '#sample');
  await reads(page, 'frame-label', 'step 2 of 2');
  expect(await text(page, 'sample-model')).toBe('The file mine.safetensors');
  expect(await isHidden(page, 'digits')).toBe(true);
  await click(page, '#use-run');
  await reads(page, 'sample-model', 'This page’s run, step 3');

  await go(page, 'train');
  await reset(page);
  await click(page, '#recipe-digits');
  for (const [id, value] of Object.entries({ batch: '8', seed: '7', lr: '0.5', epochs: '9', widths: '4' }))
    await type(page, id, value);
  // The run's own number replaces it, though the setting stays as it was.
  await type(page, 'batch', 'abc');
  await drop(checkpoint, 'checkpoint (1).safetensors');
  await phase(page, 'paused');
  expect(await losses(page)).toEqual(unbroken.slice(0, 3));
  expect(await searchOf(page)).toContain('recipe=tutorial&batch=4&lr=0.01&epochs=2&widths=8');
  await loseDevice();
  await phase(page, 'lost');
  await save('save-checkpoint');
  await trainToEnd(page);
  expect(await losses(page)).toEqual(unbroken);
});

test('the buttons of a run work in turn, and keep the focus: step, train, pause, sample, reset', async () => {
  const page = await fresh(digitsPage);
  const { alive } = await watchBuffers(page);
  const hiddenAtFirst = ['step', 'reset', 'progress', 'samples', 'loss'];
  for (const id of hiddenAtFirst) expect(await isHidden(page, id), id).toBe(true);
  await step(page);
  for (const id of hiddenAtFirst) expect(await isHidden(page, id), id).toBe(false);
  await pressOn(page, '#step', 'Enter');
  await steps(page, 2);
  await until(page, () => !document.getElementById('step')!.ariaDisabled);
  expect([await focused(page), (await losses(page)).length]).toEqual(['step', 2]);

  await type(page, 'epochs', '1000');
  await pressOn(page, '#train', 'Enter');
  await steps(page, 6);
  const training = await page.evaluate(() => {
    document.getElementById('train')!.click();
    return window.harness.state.losses.length;
  });
  await phase(page, 'paused');
  await reads(page, 'train', 'Resume');
  const paused = (await losses(page)).length;
  // Of four thousand steps: what is under way is finished, and no more.
  expect([await focused(page), paused < training + 100]).toEqual(['train', true]);
  for (const id of ['grid-step', 'strip-step']) await reads(page, id, `after step ${paused}`);

  await go(page, 'sample');
  await type(page, 'steps', '3');
  await type(page, 'count', '4');
  await click(page, '#sample');
  await reads(page, 'frame-label', 'step 3 of 3');
  await phase(page, 'paused');
  expect(await greys(page, 'sample-prediction')).toBeGreaterThan(8);
  expect(await losses(page)).toHaveLength(paused);
  expect(await alive()).toBeGreaterThan(10);

  await go(page, 'train');
  // A run that is in no checkpoint is not thrown away unasked.
  page.removeAllListeners('dialog');
  const questions: string[] = [];
  page.once('dialog', (dialog) => {
    questions.push(dialog.message());
    void dialog.dismiss();
  });
  await click(page, '#reset');
  expect(questions).toEqual([expect.stringContaining(`${paused} of its steps are in no checkpoint`)]);
  expect(await losses(page)).toHaveLength(paused);
  page.on('dialog', (dialog) => void dialog.accept());
  await reset(page);
  expect([await losses(page), await alive()]).toEqual([[], 0]);
});

test('the Back button of the browser changes the tab, never a setting', async () => {
  const page = await fresh(digitsPage, { epochs: '2000' });
  await go(page, 'sample');
  await go(page, 'train');
  for (const [id, value] of Object.entries({ batch: '8', lr: '0.0002', epochs: '3000' }))
    await type(page, id, value);
  await click(page, '#train');
  await steps(page, 1);
  for (const task of ['sample', 'train']) {
    await page.evaluate(() => history.back());
    await unhidden(page, `panel-${task}`);
    expect(await settingsOf(page)).toMatchObject({ task, batch: 8, lr: 0.0002, epochs: 3000 });
    const search = await searchOf(page);
    expect(search).toContain('batch=8&lr=0.0002&epochs=3000');
    expect(search.includes('task=sample')).toBe(task === 'sample');
    expect(await page.$eval('#batch', (input) => (input as HTMLInputElement).value)).toBe('8');
  }
});

test('a value that is not legal is refused beside its field until it is corrected, here or in another way; a refusal of the engine is shown', async () => {
  const page = await fresh(digitsPage);
  await type(page, 'batch', '0');
  await disabled(page, 'train');
  expect(await text(page, 'settings-problem')).toBe('Batch is 0; it must be a whole number from 1 to 8,192.');
  // An emptied field has its default again, which the plan fills in.
  await type(page, 'batch', '');
  expect((await settingsOf(page)).batch).toBe(64);
  await type(page, 'widths', '8,8,8,8');
  await click(page, '#train');
  await reads(page, 'error-text', /with 4 levels it must be a multiple of 8/);
  await phase(page, 'idle');
  // Also where it is folded away.
  await click(page, '#settings-fold');
  await type(page, 'widths', '0');
  await click(page, '#settings-fold');
  await until(page, () => document.getElementById('settings-problem')!.checkVisibility());
  await disabled(page, 'train');
  await type(page, 'widths', '8');
  await enabled(page, 'train');

  await go(page, 'sample');
  await type(page, 'steps', '5');
  await drawn(page);
  await type(page, 'steps', 'abc');
  await disabled(page, 'sample');
  await click(page, '#calls-8');
  await enabled(page, 'sample');
  expect(await page.$eval('#steps', (input) => (input as HTMLInputElement).value)).toBe('');
  expect(await text(page, 'sample-problem')).toBe('');
});

test('a page without a recipe trains digits as the recipe says, with a column of samples for each, and goes on from a file', async () => {
  const page = await fresh(digitsPage, { batch: '16', limit: '64', samples: '20', epochs: '2' });
  const { save, read, drop } = await files(page);
  expect(await page.$eval('#recipes :checked', (radio) => (radio as HTMLInputElement).value)).toBe('digits');
  for (let made = 0; made < 2; made++) await step(page);
  expect((await fromState(page, 'run'))!.classes).toBe(10);
  const checkpoint = await save('save-checkpoint');
  const { training, state, settings } = await loadCheckpoint(await read(checkpoint));
  const { adam, ...expected } = trainerConfigOf(recipeAt('digits', 16).trainer);
  expect(training).toMatchObject(expected);
  expect(state.adam).toEqual(adam);
  expect(settings).toMatchObject({ batchSize: 16, epochs: 2, dropLast: true });
  await trainToEnd(page);
  const unbroken = await losses(page);
  await reads(page, 'grid-step', `after step ${unbroken.length}`);
  const columns = await page.$eval('#grid', (grid) => {
    const { width, height } = grid as HTMLCanvasElement;
    return (2 * width) / height;
  });
  expect(Math.round(columns)).toBe(10); // in two rows

  await reset(page);
  await click(page, '#recipe-tutorial');
  await until(page, () => window.harness.settings.recipe === 'tutorial');
  await drop(checkpoint, 'checkpoint.safetensors');
  await phase(page, 'paused');
  expect(await losses(page)).toEqual(unbroken.slice(0, 2));
  expect(await searchOf(page)).not.toContain('recipe');
  await mentions(page, 'notices', 'checkpoint.safetensors uses the recipe digits');
  await trainToEnd(page);
  expect(await losses(page)).toEqual(unbroken);
});

test('the recipe digits trains on images of the user’s, with the classes of their labels or without labels', async () => {
  const { page } = await open(`?${TINY}`);
  await phase(page, 'idle');
  const { drop, dropAll } = await files(page);
  const images = [idx([12, 8, 8], (i) => (i * 37) % 128), 'train-images-idx3-ubyte'] as const;
  const labelsOf = (count: number) => [idx([count], (i) => i % 3), 'train-labels-idx1-ubyte'] as const;
  const told = (words: string) => mentions(page, 'files-problem-text', words);
  const data = () => fromState(page, 'data');
  await drop(...labelsOf(12));
  await told('together with its images');
  await dropAll(images, labelsOf(11));
  await told('holds 11 labels, but there are 12 images');
  expect(await data()).toMatchObject({ builtIn: true, count: 10_000, classes: 10 });

  await dropAll(labelsOf(12), images);
  await until(page, () => !window.harness.state.data!.builtIn);
  expect(await data()).toMatchObject({ count: 12, height: 8, width: 8, classes: 3 });
  await step(page);
  expect((await fromState(page, 'run'))!.classes).toBe(3);
  await go(page, 'sample');
  await exist(page, '#digit-buttons button', 4);
  expect(await text(page, 'digits-legend')).toBe('Class');

  await go(page, 'train');
  await reset(page);
  await drop(...images);
  await until(page, () => window.harness.state.data!.classes === undefined);
  await step(page);
  expect((await fromState(page, 'run'))!.classes).toBe(0);
});

/** How many kernels the engine has measured and remembers in the browser's storage. */
const remembered = (page: Page) =>
  page.evaluate(async () => {
    const settle = <T>(request: IDBRequest<T>) =>
      new Promise<T>((resolve, reject) => {
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error);
      });
    // Opened before the engine does, it would be another.
    if (!(await indexedDB.databases()).some(({ name }) => name === 'webgpu-diffusion')) return 0;
    const database = await settle(indexedDB.open('webgpu-diffusion'));
    const keys = await settle(database.transaction('tuning').objectStore('tuning').getAllKeys());
    database.close();
    return keys.filter((key) => String(key).startsWith('["choice"')).length;
  });

test.each([
  ['measured once if the address asks for it', 'on', 3],
  ['not measured if the address says so', 'off', 0],
] as const)('kernels are %s, and the first step is timed', async (_, tune, measured) => {
  const before = await remembered((await digitsPage()).page);
  // Of one channel, layers have few forms.
  const { page } = await open(`?${TUTORIAL.replace('widths=8', 'widths=1')}&epochs=1&tune=${tune}&autorun=1`);
  const finished = async () => {
    await phase(page, 'finished');
    return (await fromState(page, 'run'))!.variants;
  };
  const variants = await finished();
  expect(variants['conv2d/down.0']).toBeDefined();
  const first = (await page.evaluate(() => window.harness.firstStep))!;
  expect([first.from, first.seconds > 0.1]).toEqual(['page', true]);
  await mentions(page, 'run-facts', 'after the page was opened');
  expect(await remembered(page)).toBe(before + measured);
  // The next visit finds it in the browser's storage. Nothing is measured for the four samples.
  await page.reload();
  expect(await finished()).toEqual(variants);
  expect(await remembered(page)).toBe(before + measured);
});

test('axe finds nothing wrong with Explain and Draw, nor on a phone with Inside, Train and the GPU; nothing scrolls sideways', async () => {
  const { page } = await driven.visit(`${driven.tiny}?task=draw&level=50&scene=2&${TINY}`);
  await page.emulateMediaFeatures([{ name: 'prefers-reduced-motion', value: 'reduce' }]);
  await phase(page, 'idle');
  await click(page, '#draw-example');
  await mentions(page, 'draw-status-text', 'The noise hides the details');
  expect(await violationsEverywhere(page)).toEqual([]);
  await go(page, 'explain');
  await exist(page, '.guess button');
  expect(await violationsEverywhere(page)).toEqual([]);
  for (const task of ['inside', 'train', 'gpu']) {
    await go(page, task);
    expect(await violationsOnPhone(page), task).toEqual([]);
  }
});
