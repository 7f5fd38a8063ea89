/**
 * The page as its users meet it: in Chrome, built, under its policy (driven/built.test.ts), with a tiny network for any adapter.
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
  focus,
  focused,
  fromState,
  go,
  hidden,
  isHidden,
  losses,
  mean,
  mentions,
  phase,
  pressOn,
  pressStep,
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
import { resaved } from '../../lib/small_files';

const driven = drive();
const { address } = driven;

const open = (query: string) => driven.visit(`${address}${query}`);

// A network's shaders take seconds to compile: tests that train the same network do so on one page, one after another.

/** With a tiny network of the recipe `digits`, and no kernel measured. */
const digitsPage = inTurns(() => driven.visit(`${driven.tiny}?${TINY}&tune=off`));
/** With one of the recipe `tutorial`. */
const tutorialPage = inTurns(() => open(`?${TUTORIAL}`));

/** For what the page measures. */
const measuringPage = inTurns(() => open('?task=check&batch=4'));

/** One of these without a run and with the settings of TINY, on the Train view. */
async function fresh(turn: () => Promise<Visited>, settings: Readonly<Record<string, string>> = {}) {
  const all = { epochs: '6', ...Object.fromEntries(new URLSearchParams(TINY)), ...settings };
  const { page } = await turn();
  await until(page, () => ['idle', 'paused', 'finished', 'training'].includes(window.harness.state.phase));
  await go(page, 'train');
  if (await page.evaluate(() => window.harness.state.run !== undefined)) await click(page, '#reset');
  await until(page, () => window.harness.state.phase === 'idle' && window.harness.state.run === undefined);
  for (const [key, value] of Object.entries(all)) await setting(page, key, value);
  // Until what was typed is shown, a value that is typed next would be lost.
  await drawn(page);
  return { page };
}

/** How many different greys a canvas shows. */
const greys = (page: Page, id: string) =>
  page.evaluate((i) => {
    const canvas = document.getElementById(i) as HTMLCanvasElement;
    const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height);
    return new Set(data.filter((_, at) => at % 4 === 0)).size;
  }, id);

/** Counts, from now on, the GPU buffers that the training worker creates and does not destroy. */
async function countBuffers(page: Page): Promise<() => Promise<number>> {
  const worker = await workerOf(page);
  await worker.evaluate(() => {
    const alive = new Set<GPUBuffer>();
    const { createBuffer } = GPUDevice.prototype;
    const { destroy } = GPUBuffer.prototype;
    GPUDevice.prototype.createBuffer = function (descriptor) {
      const buffer = createBuffer.call(this, descriptor);
      alive.add(buffer);
      return buffer;
    };
    GPUBuffer.prototype.destroy = function () {
      alive.delete(this);
      return destroy.call(this);
    };
    Object.assign(globalThis, { aliveBuffers: alive });
  });
  return () =>
    worker.evaluate(() => (globalThis as unknown as { aliveBuffers: Set<unknown> }).aliveBuffers.size);
}

test('an address trains by itself, to the end, and in a tab in the background, where no frame is drawn', async () => {
  const { page } = await tutorialPage(() =>
    driven.visit(`${address}?${TUTORIAL}&epochs=5&kernel=noop&budget=5&autorun=1&nonsense=%3Cb%3E`, () => {
      const held: FrameRequestCallback[] = [];
      const { requestAnimationFrame } = window;
      window.requestAnimationFrame = (frame) => held.push(frame);
      const draw = () => {
        Object.assign(window, { requestAnimationFrame });
        for (const frame of held) requestAnimationFrame(frame);
      };
      Object.assign(window, { draw });
    }),
  );
  await until(page, () => window.harness.state.phase === 'finished');
  await page.evaluate(() => {
    const run = document.getElementById('bench-run') as HTMLButtonElement;
    run.disabled = false;
    run.click();
  });
  await until(page, () => (window.harness.bench as { status: string }).status === 'running');
  await page.evaluate(() => {
    document.getElementById('bench-run')!.click(); // which stops it
    (window as unknown as { draw: () => void }).draw();
  });
  const all = await losses(page);
  expect(all).toHaveLength(20);
  expect(mean(all.slice(-4))).toBeLessThan(mean(all.slice(0, 4)));
  await reads(page, 'reading-step', '20 / 20');
  expect(await text(page, 'reading-loss')).toMatch(/^0\.\d{4}$/);
  // The last pictures are made once the steps are.
  await reads(page, 'grid-step', 'after step 20');
  expect(await greys(page, 'grid')).toBeGreaterThan(8);
  expect(await greys(page, 'strip-predictions')).toBeGreaterThan(8);
  // A mistake in the address is shown as text.
  expect(await text(page, 'notices')).toContain('no setting nonsense');
  expect(await page.$('#notices b')).toBeNull();
});

/** Returns a function that makes the weights of the run so large, on the GPU, that its loss is not finite. */
async function poisoner(page: Page): Promise<() => Promise<void>> {
  const worker = await workerOf(page);
  await worker.evaluate(() => {
    const { createBuffer } = GPUDevice.prototype;
    GPUDevice.prototype.createBuffer = function (descriptor) {
      const buffer = createBuffer.call(this, descriptor);
      const poison = () => this.queue.writeBuffer(buffer, 0, new Float32Array(buffer.size / 4).fill(1e30));
      if (descriptor.label === 'packed weights') Object.assign(globalThis, { poison });
      return buffer;
    };
  });
  return () => worker.evaluate(() => (globalThis as unknown as { poison: () => void }).poison());
}

test('a run that diverges says why, saves its last good state, and goes on from that state', async () => {
  const { page } = await fresh(tutorialPage, { epochs: '40' });
  const { save, drop } = await files(page);
  const poison = await poisoner(page);
  for (let made = 0; made < 2; made++) await step(page);
  const good = await losses(page);
  await poison();
  for (let attempts = 0; attempts < 2; attempts++) {
    // What the attempt before has said stays until this one begins.
    const said = await page.evaluateHandle(() => window.harness.state.error);
    await click(page, '#train');
    await until(
      page,
      (said) => window.harness.state.error?.code === 'diverged' && window.harness.state.error !== said,
      said,
    );
    await phase(page, 'paused');
    // The page is drawn a frame after its state.
    await expect.poll(() => text(page, 'error-text'), { timeout: 10_000 }).toContain('Step 3 was not made');
    expect(await losses(page)).toEqual(good);
  }
  const checkpoint = await save('save-checkpoint');
  expect(await fromState(page, 'saved')).toBe(2);
  expect(await text(page, 'error-text')).toContain(
    'Go back to its copy of step 1 with a smaller learning rate',
  );
  await reads(page, 'error-back', /rate of 0\.005$/);
  await click(page, '#error-back');
  await steps(page, 4);
  expect(await searchOf(page)).toContain('lr=0.005');
  expect((await losses(page)).slice(0, 2)).toEqual(good);
  expect((await losses(page)).every(Number.isFinite)).toBe(true);
  await reset(page);
  await drop(checkpoint, 'checkpoint.safetensors');
  await phase(page, 'paused');
  expect(await losses(page)).toEqual(good);
  await step(page);
  expect(await fromState(page, 'error')).toBeUndefined();
  expect((await losses(page)).every(Number.isFinite)).toBe(true);
});

/** A saved model as it was before there were checksums. */
function asVersion1(model: Uint8Array): Uint8Array {
  const head = Buffer.from(model.subarray(0, 300))
    .toString('latin1')
    .replace(/"crc32":"\w{8}",/, (sum) => ' '.repeat(sum.length))
    .replace('"version":"2"', '"version":"1"');
  return Buffer.concat([Buffer.from(head, 'latin1'), model.subarray(300)]);
}

test('a model file is sampled beside the run, and a checkpoint goes on as if nothing had happened', async () => {
  const { page } = await fresh(tutorialPage, { epochs: '2' });
  await trainToEnd(page);
  const unbroken = await losses(page);
  await reset(page);
  const { save, read, add, drop, asks } = await files(page);
  const loseDevice = await deviceLoser(page);
  expect(await asks()).toBe(false);
  for (let made = 0; made < 3; made++) await step(page);
  const saved = () => fromState(page, 'saved');
  const model = await save('save-model');
  // A model has no state of the optimizer.
  expect(await saved()).toBe(0);
  const checkpoint = await save('save-checkpoint');
  expect(await saved()).toBe(3);
  // It is in a file, and in the browser.
  expect(await asks()).toBe(false);

  await drop(model, 'mine.safetensors');
  await until(page, () => window.harness.state.model?.name === 'mine.safetensors');
  await unhidden(page, 'panel-sample');
  await type(page, 'steps', '2');
  await type(page, 'count', '4');
  await click(page, '#sample');
  await reads(page, 'frame-label', 'step 2 of 2');
  expect(await text(page, 'sample-model')).toBe('The file mine.safetensors');
  expect(await isHidden(page, 'digits')).toBe(true);
  await click(page, '#use-run');
  await reads(page, 'sample-model', 'This page’s run, step 3');

  await drop(checkpoint, 'checkpoint.safetensors');
  await until(page, () => window.harness.state.error !== undefined);
  expect(await page.evaluate(() => window.harness.state.error!.message)).toContain('A run is in progress');
  expect(await losses(page)).toEqual(unbroken.slice(0, 3));
  await go(page, 'train');
  await step(page);
  await reset(page);
  await click(page, '#recipe-digits');
  await drop(await add(asVersion1(await read(model))), 'mine.safetensors');
  await until(page, () => window.harness.settings.recipe === 'tutorial');
  await mentions(page, 'notices', 'the recipe tutorial');
  expect(await text(page, 'notices')).toContain('mine.safetensors is of version 1 of the format');
  await go(page, 'train');
  await click(page, '#recipe-digits');
  for (const [id, value] of Object.entries({ batch: '8', seed: '7', lr: '0.5', epochs: '9', widths: '4' }))
    await type(page, id, value);
  // The run's own number replaces it, though the setting stays as it was.
  await type(page, 'batch', 'abc');
  await drop(checkpoint, 'checkpoint (1).safetensors');
  await phase(page, 'paused');
  expect(await losses(page)).toEqual(unbroken.slice(0, 3));
  expect(await searchOf(page)).toContain('recipe=tutorial&batch=4&lr=0.01&epochs=2&widths=8');
  expect(await greys(page, 'grid')).toBeGreaterThan(8);
  expect(await text(page, 'run-facts')).not.toContain('images a second');
  await loseDevice();
  await phase(page, 'lost');
  await save('save-checkpoint');
  await trainToEnd(page);
  expect(await losses(page)).toEqual(unbroken);
});

/** The checkpoint that the page saves. */
const checkpointOf = async ({ save, read }: Awaited<ReturnType<typeof files>>) =>
  loadCheckpoint(await read(await save('save-checkpoint')));

test('a checkpoint that leaves the last batch of an epoch out keeps doing so when it is saved again', {
  tags: 'nightly',
}, async () => {
  const { page } = await open(`?${TUTORIAL}`);
  await phase(page, 'idle');
  const all = await files(page);
  await step(page);
  const saved = () => checkpointOf(all);
  const loaded = await saved();
  expect(loaded.settings.dropLast).toBeUndefined();
  const other = await resaved({ ...loaded, settings: { ...loaded.settings, dropLast: true } });
  await reset(page);
  await all.drop(await all.add(other), 'other.safetensors');
  await phase(page, 'paused');
  expect((await saved()).settings).toEqual({ ...loaded.settings, dropLast: true });
});

test('a run whose network is dead has a warning until the run is reset', { tags: 'nightly' }, async () => {
  const { page } = await open(
    '?recipe=tutorial&batch=16&limit=64&widths=8&samples=0&lr=1&epochs=30&autorun=1',
  );
  await phase(page, 'finished');
  expect(await text(page, 'warning')).toMatch(
    /^The losses of the last 100 steps equal the losses of a constant image/,
  );
  expect(await isHidden(page, 'warning')).toBe(false);
  await reset(page);
  await hidden(page, 'warning');
});

test('the buttons of a run work in turn: step, train, pause, sample, reset', async () => {
  const { page } = await fresh(digitsPage);
  const alive = await countBuffers(page);

  for (const id of ['step', 'reset', 'progress', 'samples', 'loss'])
    expect(await isHidden(page, id), id).toBe(true);
  expect(await greys(page, 'strip-noisy')).toBeGreaterThan(100);
  await step(page);
  for (const id of ['step', 'reset']) expect(await isHidden(page, id), id).toBe(false);
  expect(await losses(page)).toHaveLength(1);

  await type(page, 'epochs', '1000');
  expect(await searchOf(page)).toContain('epochs=1000');
  await click(page, '#train');
  await steps(page, 6);
  const training = await page.evaluate(() => {
    document.getElementById('train')!.click();
    return window.harness.state.losses.length;
  });
  await phase(page, 'paused');
  const paused = (await losses(page)).length;
  // Of four thousand steps: what is under way is finished, and no more.
  expect(paused).toBeLessThan(training + 100);
  // Curve, samples and denoising are seen whole on the first screen.
  await page.setViewport({ width: 1280, height: 800 });
  for (const id of ['curve', 'grid', 'strip-predictions'])
    await until(page, (i) => document.getElementById(i)!.getBoundingClientRect().bottom <= 800, id);

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
  expect(await losses(page)).toEqual([]);
  expect(await alive()).toBe(0);
});

test('by keyboard the focus stays on the button that is pressed, again and again', async () => {
  const { page } = await fresh(digitsPage);
  await step(page);
  await focus(page, '#step');
  for (const steps of [2, 3]) {
    await page.keyboard.press('Enter');
    await until(page, (n) => window.harness.state.losses.length === n, steps);
    await until(page, () => !document.getElementById('step')!.ariaDisabled);
    expect(await focused(page)).toBe('step');
  }
  await type(page, 'epochs', '1000');
  await pressOn(page, '#train', 'Enter');
  await steps(page, 5);
  await page.keyboard.press('Enter');
  await phase(page, 'paused');
  expect(await focused(page)).toBe('train');
  await reads(page, 'train', 'Resume');
  // Both pictures are of the step at which it stands.
  const at = (await losses(page)).length;
  for (const id of ['grid-step', 'strip-step'])
    await until(
      page,
      (i, words) => document.getElementById(i)!.textContent === words,
      id,
      `after step ${at}`,
    );
  // Nothing can be stepped while it trains, and the button that says so keeps the focus.
  await page.keyboard.press('Enter');
  await phase(page, 'training');
  await pressOn(page, '#train', 'Enter');
  await phase(page, 'paused');
});

test('the Back button of the browser changes the tab, never a setting', async () => {
  const { page } = await fresh(digitsPage, { epochs: '2000' });
  await go(page, 'sample');
  await go(page, 'train');
  for (const [id, value] of Object.entries({ batch: '8', lr: '0.0002', epochs: '3000' }))
    await type(page, id, value);
  await click(page, '#train');
  await steps(page, 1);
  for (const task of ['sample', 'train']) {
    await page.evaluate(() => history.back());
    await until(page, (t) => window.harness.settings.task === t, task);
    expect(await settingsOf(page)).toMatchObject({
      batch: 8,
      lr: 0.0002,
      epochs: 3000,
    });
    const search = await searchOf(page);
    expect(search).toContain('batch=8&lr=0.0002&epochs=3000');
    expect(search.includes('task=sample')).toBe(task === 'sample');
    await until(page, (t) => !document.getElementById(`panel-${t}`)!.hidden, task);
    expect(await page.$eval('#batch', (input) => (input as HTMLInputElement).value)).toBe('8');
  }
});

test('the bench has its own batch field, which no run locks', async () => {
  const { page } = await fresh(digitsPage);
  await step(page);
  await go(page, 'gpu');
  const field = () =>
    page.$eval('#bench-batch', (input) => {
      const { disabled, value, placeholder } = input as HTMLInputElement;
      return { disabled, value, placeholder };
    });
  await until(page, () => (document.getElementById('batch') as HTMLInputElement).disabled);
  expect(await field()).toEqual({ disabled: false, value: '', placeholder: '4' });
  await type(page, 'bench-batch', '2');
  expect(await searchOf(page)).toContain('batch=4&');
  expect(await searchOf(page)).toContain('&benchBatch=2');
  await enabled(page, 'bench-run');
});

test('an error of a dropped file is shown on the tab of the drop, in sight, until the message is closed', async () => {
  const { page } = await fresh(digitsPage);
  await go(page, 'sample');
  const { drop } = await files(page);
  for (const name of ['train-images-idx3-ubyte', 'model.safetensors']) {
    await page.evaluate(() => scrollTo(0, document.body.scrollHeight));
    await drop('hello', name);
    await until(page, (n) => document.getElementById('files-problem-text')!.textContent!.startsWith(n), name);
    const { top, bottom } = await page.$eval('#files-problem', (element) =>
      element.getBoundingClientRect().toJSON(),
    );
    expect(top).toBeGreaterThanOrEqual(0);
    expect(bottom).toBeGreaterThan(top);
    expect(await isHidden(page, 'panel-sample')).toBe(false);
  }
  await click(page, '#files-problem-close');
  await hidden(page, 'files-problem');
});

test('a value that is not legal is refused beside its field, and a refusal of the engine is shown', async () => {
  const { page } = await fresh(digitsPage);
  await type(page, 'batch', '0');
  await disabled(page, 'train');
  expect(await text(page, 'settings-problem')).toBe('Batch is 0; it must be a whole number from 1 to 8,192.');
  await type(page, 'batch', '4');
  await type(page, 'lr', 'abc');
  expect(await text(page, 'settings-problem')).toMatch(/^Learning rate is abc; /);
  await type(page, 'lr', '0.01');
  await type(page, 'widths', '8,8,8,8');
  await enabled(page, 'train');
  await click(page, '#train');
  await until(page, () => window.harness.state.error !== undefined);
  await phase(page, 'idle');
  await unhidden(page, 'error');
  expect(await text(page, 'error-text')).toContain('with 4 levels it must be a multiple of 8');
});

test('a wrong field that is corrected in another way, or folded away, leaves no button disabled', async () => {
  const { page } = await fresh(digitsPage);
  await go(page, 'sample');
  await type(page, 'steps', '5');
  await drawn(page);
  await type(page, 'steps', 'abc');
  await disabled(page, 'sample');
  await click(page, '#calls-8');
  await enabled(page, 'sample');
  expect(await page.$eval('#steps', (input) => (input as HTMLInputElement).value)).toBe('');
  expect(await text(page, 'sample-problem')).toBe('');

  await go(page, 'train');
  await click(page, '#settings-fold');
  await type(page, 'widths', '0');
  await click(page, '#settings-fold');
  await until(page, () => document.getElementById('settings-problem')!.checkVisibility());
  await disabled(page, 'train');
  await type(page, 'widths', '8');
  await enabled(page, 'train');
  // An emptied field has its default again, which the plan fills in.
  await type(page, 'batch', '');
  expect((await settingsOf(page)).batch).toBe(64);
});

test('samples are labelled with the network that made them', async () => {
  const { page } = await fresh(digitsPage);
  await go(page, 'sample');
  await type(page, 'steps', '2');
  await type(page, 'count', '4');
  await click(page, '#use-run');
  const says = (words: string) => reads(page, 'sample-model', words);
  const step = async (to: number) => {
    await go(page, 'train');
    await pressStep(page);
    await until(page, (n) => window.harness.state.losses.length === n, to);
    await go(page, 'sample');
  };
  await click(page, '#sample');
  await reads(page, 'frame-label', 'step 2 of 2');
  await says('An untrained network makes nothing but noise. Train it first, or choose the pretrained one');
  await step(1);
  await says('Made by an untrained network; it is at step 1 now');
  await click(page, '#sample');
  await says('This page’s run, step 1');
  await step(2);
  await says('Made by this page’s run, step 1; it is at step 2 now');
  await click(page, '#use-pretrained');
  await says('The pretrained network, after 340,000 images');
});

test('a run takes the training settings of its recipe at its batch', async () => {
  const { page } = await fresh(digitsPage, { batch: '16', limit: '40', samples: '0' });
  await step(page);
  const { training, state, settings } = await checkpointOf(await files(page));
  const { adam, ...expected } = trainerConfigOf(recipeAt('digits', 16).trainer);
  expect(training).toMatchObject(expected);
  expect(state.adam).toEqual(adam);
  expect(settings).toMatchObject({ batchSize: 16, epochs: 6, dropLast: true });
});

test('a page without a recipe trains digits, with a column of samples for each, and goes on from a file', async () => {
  const { page } = await fresh(digitsPage, { samples: '20', epochs: '2' });
  const { save, drop } = await files(page);
  expect(await page.$eval('#recipes :checked', (radio) => (radio as HTMLInputElement).value)).toBe('digits');
  const noise = await greys(page, 'strip-noisy');
  expect(noise).toBeGreaterThan(100);
  for (let made = 0; made < 2; made++) await step(page);
  expect(await page.evaluate(() => window.harness.state.run!.classes)).toBe(10);
  const checkpoint = await save('save-checkpoint');
  await trainToEnd(page);
  const unbroken = await losses(page);
  expect(unbroken).toHaveLength(8);
  // Along a flow they begin above the variance of noise and images together, of which so few steps learn little.
  for (const loss of unbroken) expect(loss).toBeGreaterThan(0.5);
  expect(unbroken[7]).toBeLessThan(unbroken[0]);
  await reads(page, 'grid-step', 'after step 8');
  expect(await greys(page, 'strip-predictions')).toBeGreaterThan(8);
  const sides = await page.$eval('#grid', (canvas) => {
    const { width, height } = canvas as HTMLCanvasElement;
    return width / height;
  });
  expect(Math.round(sides)).toBe(5); // ten columns, two rows

  await reset(page);
  await click(page, '#recipe-tutorial');
  await until(page, () => window.harness.settings.recipe === 'tutorial');
  await drop(checkpoint, 'checkpoint.safetensors');
  await phase(page, 'paused');
  expect(await losses(page)).toEqual(unbroken.slice(0, 2));
  expect(await searchOf(page)).not.toContain('recipe');
  await unhidden(page, 'notices');
  expect(await text(page, 'notices')).toContain('checkpoint.safetensors uses the recipe digits');
  await trainToEnd(page);
  expect(await losses(page)).toEqual(unbroken);
});

test('the recipe digits trains on images of the user’s, with the classes of their labels or without labels', async () => {
  const { page } = await open(`?${TINY}`);
  await phase(page, 'idle');
  const { drop, dropAll } = await files(page);
  const images = [idx([12, 8, 8], (i) => (i * 37) % 128), 'train-images-idx3-ubyte'] as const;
  const labelsOf = (count: number) => [idx([count], (i) => i % 3), 'train-labels-idx1-ubyte'] as const;
  const labels = labelsOf(12);
  const told = (words: string) => mentions(page, 'files-problem-text', words);
  const data = () => page.evaluate(() => window.harness.state.data!);
  await drop(...labels);
  await told('together with its images');
  await dropAll(images, labelsOf(11));
  await told('holds 11 labels, but there are 12 images');
  expect(await data()).toMatchObject({ builtIn: true, count: 10_000, classes: 10 });

  await dropAll(labels, images);
  await until(page, () => !window.harness.state.data!.builtIn);
  expect(await data()).toMatchObject({ count: 12, height: 8, width: 8, classes: 3 });
  await phase(page, 'idle');
  await step(page);
  expect(await page.evaluate(() => window.harness.state.run!.classes)).toBe(3);
  await go(page, 'sample');
  await exist(page, '#digit-buttons button', 4);
  expect(await text(page, 'digits-legend')).toBe('Class');

  // The tutorial has no use for labels.
  await go(page, 'train');
  await reset(page);
  await click(page, '#recipe-tutorial');
  await drop(...images);
  await until(page, () => window.harness.state.data!.classes === undefined);
  await phase(page, 'idle');
  await step(page);
  await reset(page);
  await click(page, '#recipe-digits');
  await step(page);
  expect(await page.evaluate(() => window.harness.state.run!.classes)).toBe(0);
  await reset(page);
  expect(await page.$eval('#recipe-digits', (radio) => (radio as HTMLInputElement).disabled)).toBe(false);
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

test('kernels are measured once if the address asks for it, and the first step is timed', async () => {
  // Of one channel, layers have few forms.
  const query = `?${TUTORIAL.replace('widths=8', 'widths=1')}&epochs=1&tune=on&autorun=1`;
  const { page } = await open(query);
  await until(page, () => window.harness.state.preparing?.task === 'tuning');
  await phase(page, 'finished');
  const run = () =>
    page.evaluate(() => ({
      variants: window.harness.state.run!.variants,
      firstStep: window.harness.firstStep,
    }));
  const first = await run();
  expect(first.variants['conv2d/down.0']).toBeDefined();
  expect(first.firstStep).toMatchObject({ from: 'page' });
  expect(first.firstStep!.seconds).toBeGreaterThan(0.1);
  await mentions(page, 'run-facts', 'after the page was opened');

  // The next visit finds it in the browser's storage. Nothing is measured for the four samples.
  const choices = await remembered(page);
  expect(choices).toBe(3);
  await page.reload();
  await phase(page, 'finished');
  expect((await run()).variants).toEqual(first.variants);
  expect(await remembered(page)).toBe(choices);
});

test('no kernel is measured if the address says so, and the first step is timed from the click', async () => {
  const { page } = await fresh(digitsPage);
  const before = await remembered(page);
  expect((await settingsOf(page)).tune).toBe('off');
  await step(page);
  expect(await page.evaluate(() => window.harness.firstStep)).toMatchObject({ from: 'click' });
  expect(await remembered(page)).toBe(before);
});

test('an unknown kernel is refused at once, and known kernels are offered', async () => {
  const { page } = await measuringPage();
  for (const task of ['check', 'bench']) {
    await go(page, 'gpu');
    await type(page, 'kernel', 'nope');
    await click(page, `#${task}-run`);
    await until(
      page,
      (t) => (window.harness[t] as { status: string }).status === 'failed',
      task as 'check' | 'bench',
    );
    await unhidden(page, 'kernels-error');
    expect(await text(page, 'kernels-error')).toMatch(
      /^No kernel matches nope; there are .*conv2d, conv2d_grad_input/,
    );
    expect(await text(page, 'kernels-status')).toBe('Not started');
    await focus(page, '#kernel');
    await exist(page, '#kernel-names option[value=conv2d]');
  }
});

test('a device that is lost while the page measures is reported as lost, in words for the page', async () => {
  const { page } = await measuringPage();
  for (const task of ['check', 'bench'] as const) {
    await go(page, 'gpu');
    await type(page, 'kernel', '');
    await click(page, `#${task}-run`);
    const status = (name: string) =>
      until(page, (t, n) => (window.harness[t] as { status: string }).status === n, task, name);
    await status('running');
    // The engine is there, and hears of the loss of its device.
    await until(
      page,
      () =>
        (document.getElementById('kernels-bar') as HTMLProgressElement).value > 0 ||
        document.getElementById('kernels-detail')!.textContent!.includes('peaks'),
    );
    const loseDevice = await deviceLoser(page, 'measure_worker');
    await loseDevice().catch(() => {}); // The page ends the worker at once.
    await status('failed');
    await unhidden(page, 'kernels-error');
    expect(await text(page, 'kernels-error')).toMatch(/^The GPU device was lost.* Press the button again\.$/);
  }
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
