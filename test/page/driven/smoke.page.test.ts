/**
 * A run as its users meet it, with a tiny network.
 *
 * @module-tag nightly
 */
import type { Page } from 'puppeteer';
import { expect, test } from 'vitest';
import { violationsEverywhere, violationsOnPhone } from '../../lib/page/axe';
import { drive, inTurns } from '../../lib/page/drive';
import {
  click,
  deviceLoser,
  disabled,
  drawn,
  exist,
  files,
  focused,
  fromState,
  go,
  greys,
  losses,
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

/** Makes the weights of the run that begins next so large that its loss is not finite, when it is called. */
async function poisoner(page: Page) {
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

test('an address trains by itself to the end; its mistakes are shown as text', async () => {
  const { page } = await driven.visit(`${address}?${TUTORIAL}&epochs=5&autorun=1&nonsense=%3Cb%3E`);
  await phase(page, 'finished');
  const all = await losses(page);
  expect(all).toHaveLength(20);
  expect(Math.max(...all.slice(-4))).toBeLessThan(Math.max(...all.slice(0, 4)));
  await reads(page, 'reading-step', '20 / 20');
  await reads(page, 'grid-step', 'after step 20');
  for (const id of ['grid', 'strip-predictions']) expect(await greys(page, id), id).toBeGreaterThan(8);
  expect(await text(page, 'notices')).toContain('no setting nonsense');
  expect(await page.$('#notices b')).toBeNull();
});

test('a run that diverges keeps its last good state, and goes back to a copy with a smaller rate', async () => {
  const page = await fresh(tutorialPage, { epochs: '40' });
  const poison = await poisoner(page);
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
  expect(await fromState(page, 'saved')).toBe(3);
  expect(await asks()).toBe(false);

  await drop(model, 'mine.safetensors');
  await unhidden(page, 'panel-sample');
  await type(page, 'steps', '2');
  await click(page, '#sample');
  await reads(page, 'frame-label', 'step 2 of 2');
  await reads(page, 'sample-model', 'The file mine.safetensors');
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
  await step(page);
  await pressOn(page, '#step', 'Enter');
  await steps(page, 2);
  await until(page, () => !document.getElementById('step')!.ariaDisabled);
  expect(await focused(page)).toBe('step');
  expect(await losses(page)).toHaveLength(2);

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
  expect(await focused(page)).toBe('train');
  expect(paused).toBeLessThan(training + 100);
  for (const id of ['grid-step', 'strip-step']) await reads(page, id, `after step ${paused}`);

  await go(page, 'sample');
  await type(page, 'steps', '3');
  await type(page, 'count', '4');
  await click(page, '#sample');
  await reads(page, 'frame-label', 'step 3 of 3');
  await phase(page, 'paused');
  expect(await greys(page, 'sample-prediction')).toBeGreaterThan(8);
  expect(await losses(page)).toHaveLength(paused);

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
    expect(await searchOf(page)).toContain('batch=8&lr=0.0002&epochs=3000');
  }
});

test('a value that is not legal is refused beside its field until it is corrected; a refusal of the engine is shown', async () => {
  const page = await fresh(digitsPage);
  await type(page, 'batch', '0');
  await disabled(page, 'train');
  expect(await text(page, 'settings-problem')).toBe('Batch is 0; it must be a whole number from 1 to 8,192.');
  await type(page, 'batch', '');
  await type(page, 'widths', '8,8,8,8');
  await click(page, '#train');
  await reads(page, 'error-text', /with 4 levels it must be a multiple of 8/);
  await phase(page, 'idle');
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
