/** A shader, edited in the page as a person would, wrongly and rightly. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'puppeteer';
import { expect, test } from 'vitest';
import { violations, violationsEverywhere } from '../axe';
import { drive } from '../drive';
import {
  click,
  editShader,
  hidden,
  losses,
  mentions,
  phase,
  pressOnTrain,
  root,
  steps,
  TUTORIAL,
  text,
  unhidden,
  until,
  workerOf,
} from '../visit';

const driven = drive();

const RUN = `?task=inside&model=run&epochs=5&${TUTORIAL.replace('samples=4', 'samples=0')}`;
const FILE = join(root, 'shaders/activation/swish.wgsl');
/** What the kernel stores. */
const LINE = '= swish(input[i])';

/** Opens the page at the Inside view, where buttons can be pressed once it has looked. */
async function open() {
  const visited = await driven.visit(driven.address + RUN);
  await mentions(visited.page, 'inside-status', 'network');
  return visited;
}

/** Presses a button of the editor. */
async function press(page: Page, name: string) {
  const button = await page.evaluateHandle((words) => {
    const all = [...document.querySelectorAll<HTMLButtonElement>('.shader-editor button')];
    return all.find(({ textContent }) => textContent === words)!;
  }, name);
  await button.evaluate((element) => element.click());
}

/** Puts the cursor behind some words of the text, where they come last, as a click would. */
const clickBehind = (page: Page, words: string) =>
  page.$eval(
    '.code-area',
    (element, w) => {
      const area = element as HTMLTextAreaElement;
      const at = area.value.lastIndexOf(w) + w.length;
      area.focus();
      area.setSelectionRange(at, at);
    },
    words,
  );

const verdict = (page: Page) => page.$eval('.verdict', (box) => box.textContent!);

async function tryIt(page: Page): Promise<string> {
  await page.$eval('.verdict', (box) => box.replaceChildren());
  await press(page, 'Try it');
  await until(page, () => {
    const box = document.querySelector<HTMLElement>('.verdict')!;
    return box.dataset.kind !== undefined && box.childElementCount > 0;
  });
  return verdict(page);
}

const cursorLine = (page: Page) =>
  page.$eval('.code-area', (element) => {
    const { value, selectionStart } = element as HTMLTextAreaElement;
    return value.slice(0, selectionStart).split('\n').length;
  });

/** Whether an element lies in the visible part of the field. */
const isInSight = (page: Page, selector: string) =>
  page.$eval(selector, (element) => {
    const { top, bottom } = element.getBoundingClientRect();
    const field = element.closest('.code-field')!.getBoundingClientRect();
    return top >= field.top && bottom <= field.bottom;
  });

test('a shader edited wrongly, without end, and rightly: the run goes on with the right text only', async () => {
  const { page } = await open();
  await pressOnTrain(page, 'train');
  await phase(page, 'finished');
  const unbroken = await losses(page);
  expect(unbroken).toHaveLength(20);
  await pressOnTrain(page, 'reset');
  await phase(page, 'idle');
  await pressOnTrain(page, 'step');
  await steps(page, 1);
  await phase(page, 'paused');
  await editShader(page, 'swish');

  // A word that WGSL does not know, behind a comment and blank lines that the GPU does not get.
  const line =
    readFileSync(FILE, 'utf8')
      .split('\n')
      .findIndex((each) => each.includes('let i =')) + 41;
  await clickBehind(page, 'first_group: u32,\n}');
  await page.keyboard.type('\n'.repeat(40));
  await clickBehind(page, 'let i = ');
  await page.keyboard.type('nonsense(1) + ');
  // The worker that tries it comes with the first trial, as does the parser of WGSL.
  const trial = () =>
    page.evaluate(
      () => performance.getEntriesByType('resource').filter(({ name }) => name.includes('trial')).length,
    );
  expect(await trial()).toBe(0);
  expect(await tryIt(page)).toMatch(
    /^It does not compile: one error\.activation\/swish\.wgsl, line \d+ .*nonsense/,
  );
  expect(await trial()).toBe(1);
  expect(await page.$eval('.verdict .place', (link) => link.textContent)).toBe(
    `activation/swish.wgsl, line ${line}`,
  );
  expect(await page.$$eval('.code-numbers .bad', (all) => all.map((e) => e.textContent!.trim()))).toEqual([
    `${line}`,
  ]);
  expect(await isInSight(page, '.code-numbers .bad')).toBe(true);
  expect(await violationsEverywhere(page)).toEqual([]);
  await clickBehind(page, 'struct');
  await click(page, '.verdict .place');
  expect(await cursorLine(page)).toBe(line);
  expect(await page.evaluate(() => document.activeElement!.className)).toBe('code-area');
  await press(page, 'Revert');

  // Wrong numbers.
  await clickBehind(page, LINE);
  await page.keyboard.type(' * 1.5');
  const wrong = await tryIt(page);
  expect(wrong).toContain('It is wrong: swish.plain in the case “one vec4”');
  expect(wrong).toMatch(/worst at \[3\]: got -0\.4176\d*, expected -0\.2784\d*,/);
  expect(
    await page.$$eval('.shader-editor button', (all) => all.map((b) => [b.textContent, b.disabled])),
  ).toContainEqual(['Use it in training', true]);
  await press(page, 'Revert');

  // A loop without end.
  await clickBehind(page, 'groups: vec3u) {');
  await page.keyboard.type('\nfor (var k = 0u; k < 3u; k = k) {}');
  expect(await tryIt(page)).toContain('It does not end: a loop of swish.plain made more than 65,536 turns');
  await press(page, 'Revert');

  // Right, by the keyboard alone.
  await clickBehind(page, '= swish(');
  await page.keyboard.type('1.0 * ');
  await page.keyboard.down('Control');
  await page.keyboard.press('Enter');
  await page.keyboard.up('Control');
  await until(page, () => document.querySelector<HTMLElement>('.verdict')!.dataset.kind === 'passed');
  expect(await verdict(page)).toMatch(
    /^It is right: swish\.plain agrees with the reference in 3 cases; .* swish of down\.0 takes \d\.\d\d times as long/,
  );
  expect(await violations(page)).toEqual([]);
  const worker = await workerOf(page);
  await worker.evaluate(() => {
    const codes: string[] = [];
    const { createShaderModule } = GPUDevice.prototype;
    GPUDevice.prototype.createShaderModule = function (descriptor) {
      codes.push(descriptor.code);
      return createShaderModule.call(this, descriptor);
    };
    Object.assign(globalThis, { codes });
  });
  const compiled = (words: string) =>
    worker.evaluate(
      (w) => (globalThis as unknown as { codes: string[] }).codes.some((c) => c.includes(w)),
      words,
    );
  await page.keyboard.press('Tab');
  expect(await page.$eval('.code-area', (area) => (area as HTMLTextAreaElement).value)).toContain(
    'swish(1.0 *   input',
  );
  await page.keyboard.press('Backspace');
  await page.keyboard.press('Backspace');
  await page.keyboard.press('Escape');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Tab');
  expect(await page.evaluate(() => document.activeElement!.textContent)).toBe('Use it in training');
  await page.keyboard.press('Enter');
  await unhidden(page, 'shaders-used');
  expect(await text(page, 'shaders-used')).toContain('shaders/activation/swish.wgsl');
  expect(await verdict(page)).toMatch(/Training uses it now\.$/);
  expect(await losses(page)).toEqual(unbroken.slice(0, 1));
  await phase(page, 'paused');
  for (const n of [2, 3]) {
    await pressOnTrain(page, 'step');
    await steps(page, n);
    await phase(page, 'paused');
  }
  expect(await compiled('swish(1.0 * input[i])')).toBe(true);
  await click(page, '#shaders-back');
  await hidden(page, 'shaders-used');
  await phase(page, 'paused');
  await pressOnTrain(page, 'train');
  await phase(page, 'finished');
  expect(await losses(page)).toEqual(unbroken);
});
