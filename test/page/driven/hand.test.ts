/** The field of the Make view, moved by mouse, finger and keys, and the number that is answered while it is typed; network calls. */
import { join } from 'node:path';
import type { Page } from 'puppeteer';
import { expect, test } from 'vitest';
import { violationsEverywhere } from '../axe';
import { drive, inTurns } from '../drive';
import {
  changed,
  click,
  disabled,
  drawn,
  focus,
  focused,
  go,
  hidden,
  isSeen,
  labelOf,
  mentions,
  messagesOf,
  phase,
  picture,
  pressOn,
  reads,
  recordMessages,
  root,
  searchOf,
  text,
  textsOf,
  type,
  unhidden,
  until,
  upload,
} from '../visit';

const driven = drive();

const makePage = inTurns(() => driven.visit(`${driven.tiny}?task=sample`, recordMessages));
/** The page where it makes a number with the pretrained network, from the first corner of the field. */
async function making(number: string) {
  const { page } = await makePage();
  await phase(page, 'idle');
  await pressOn(page, '#noise-handle', 'Home');
  await page.click('#text', { count: 3 });
  await page.keyboard.type(number);
  await finished(page, 4);
  await until(page, (n) => location.search === `?task=sample&text=${n}`, number);
  await phase(page, 'idle');
  return { page };
}

const prediction = (page: Page) => picture(page, 'sample-prediction');
/** All steps of what is chosen have been made. */
const finished = (page: Page, steps: number) => reads(page, 'frame-label', `step ${steps} of ${steps}`);

/** How often the worker was asked for something, and how much of that was under way at once. */
async function asked(page: Page, what: 'follow' | 'sample') {
  const all = (await messagesOf(page)).filter(({ type }) => type === what);
  let [waiting, most] = [0, 0];
  for (const { to } of all) {
    waiting += to === 'worker' ? 1 : -1;
    most = Math.max(most, waiting);
  }
  return { times: all.filter(({ to }) => to === 'worker').length, most };
}

test('digits appear while a number is typed, without a press, and with their steps when the typing rests', async () => {
  const { page } = await makePage();
  await phase(page, 'idle');
  const paper = await prediction(page);
  await pressOn(page, '#text', '7');
  await changed(page, paper);
  const seven = await prediction(page);
  expect(await searchOf(page)).toBe('?task=sample&text=7');
  await page.keyboard.type('42');
  await changed(page, seven);
  await finished(page, 4);
  expect(await focused(page)).toBe('text');
  expect((await asked(page, 'sample')).times).toBe(1);
  const typed = await prediction(page);
  // The same as if it had been ordered.
  await click(page, '#sample');
  await until(page, () => {
    const { messages } = window;
    return messages.filter(({ type }) => type === 'frame').length === 8;
  });
  expect((await asked(page, 'sample')).times).toBe(2);
  await drawn(page);
  expect(await prediction(page)).toBe(typed);
  // What is typed before the page is drawn anew stays, legal or not.
  await page.evaluate(() => {
    const input = document.getElementById('text') as HTMLInputElement;
    for (const value of ['7 4', '7 4x']) {
      input.value = value;
      input.dispatchEvent(new Event('input'));
    }
  });
  await drawn(page);
  expect(await page.$eval('#text', (input) => (input as HTMLInputElement).value)).toBe('7 4x');
  await pressOn(page, '#text', 'Backspace');
  await page.keyboard.press('Enter');
  await until(page, () => (document.getElementById('text') as HTMLInputElement).value === '74');
  await page.keyboard.type('2');
  // Without a number there are all digits again.
  await focus(page, '#text');
  for (let i = 0; i < 3; i++) await page.keyboard.press('Backspace');
  await finished(page, 4);
  await until(page, () => {
    const { width, height } = document.getElementById('sample-prediction') as HTMLCanvasElement;
    return Math.round((2 * width) / height) === 5; // five columns, two rows
  });
  expect(await searchOf(page)).toBe('?task=sample');
});

test('digits follow mouse, finger and arrow keys in the noise field, one picture at a time; the address has the place', async () => {
  const { page } = await making('38');
  await page.setViewport({ width: 1280, height: 800 });
  const box = async () => (await (await page.$('#noise-field'))!.boundingBox())!;
  const { x, y, width, height } = await box();
  const place = () =>
    page.$eval('#noise-handle', (handle) => [handle.ariaValueNow, handle.ariaValueText] as const);

  let before = await prediction(page);
  const digit = await picture(page, 'noise-digit');
  await page.mouse.move(x + 20, y + 20);
  await page.mouse.down();
  await page.mouse.move(x + width / 2, y + height / 2, { steps: 30 });
  await changed(page, before);
  await changed(page, digit, 'noise-digit');
  await page.mouse.up();
  await finished(page, 4);
  const [across, words] = await place();
  expect(Number(across)).toBeCloseTo(50, 0);
  expect(words).toMatch(/^(49|50|51)(\.\d)? % to the right, (49|50|51)(\.\d)? % down$/);
  expect(await searchOf(page)).toContain(`&across=${across}&down=`);
  // Moved again without a button, nothing happens.
  before = await prediction(page);
  const { times } = await asked(page, 'follow');
  await page.mouse.move(x + 10, y + height - 10);
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect([await prediction(page), (await place())[0]]).toEqual([before, across]);
  // The button that opens a menu moves nothing either.
  await page.mouse.down({ button: 'right' });
  await page.mouse.up({ button: 'right' });
  expect(await place()).toEqual([across, words]);

  await pressOn(page, '#noise-handle', 'End');
  await changed(page, before);
  expect((await place())[0]).toBe('100');
  for (let i = 0; i < 6; i++) await page.keyboard.press('PageUp');
  await finished(page, 4);
  await until(page, () => location.search.includes('across=100') && !location.search.includes('down'));
  const corner = await prediction(page);

  // The second corner is the next seed's noise, but for rounding: its digits are the same to the eye.
  before = corner;
  await page.keyboard.press('Home');
  await changed(page, before);
  await finished(page, 4);
  await until(page, () => location.search === '?task=sample&text=38');

  await page.touchscreen.touchStart(x + width - 5, y + 5);
  await page.touchscreen.touchMove(x + width - 3, y + 3);
  await page.touchscreen.touchEnd();
  await until(page, () => location.search.includes('across=100'));
  await finished(page, 4);
  expect(await prediction(page)).toBe(corner);

  const follow = await asked(page, 'follow');
  expect(follow.times).toBeGreaterThan(times);
  expect(follow.most).toBe(1);
  await page.reload();
  await phase(page, 'idle');
  await until(
    page,
    () => document.getElementById('noise-handle')!.ariaValueText === '100 % to the right, 0 % down',
  );
  await click(page, '#sample');
  await finished(page, 4);
  expect(await prediction(page)).toBe(corner);
  expect(await violationsEverywhere(page)).toEqual([]);
});

test('more network calls take the same noise and digits; the page says how many, and by which network', async () => {
  const { page } = await making('5');
  const pressed = () => textsOf(page, '#calls [aria-pressed=true]');
  expect([await text(page, 'calls-note'), await pressed()]).toEqual([
    '4 steps of Adams · 8 network calls',
    ['8'],
  ]);
  const pictures = new Set([await prediction(page)]);
  for (const [calls, steps, note] of [
    ['2', 2, '2 steps of a network taught to do it in two · 2 network calls'],
    ['40', 20, '20 steps of Euler · 40 network calls'],
  ] as const) {
    await click(page, `#calls-${calls}`);
    await finished(page, steps);
    await phase(page, 'idle');
    expect([await text(page, 'calls-note'), await pressed()]).toEqual([note, [calls]]);
    expect(await text(page, 'sample-model')).toBe(
      calls === '2'
        ? 'The pretrained network, distilled to two calls'
        : 'The pretrained network, after 340,000 images',
    );
    expect(await searchOf(page)).toBe(`?task=sample&calls=${calls}&text=5`);
    expect(await page.$eval('#steps', (input) => (input as HTMLInputElement).placeholder)).toBe(
      String(steps),
    );
    pictures.add(await prediction(page));
  }
  expect(pictures.size).toBe(3);
  await click(page, '#calls-2');
  await finished(page, 2);
  expect(await text(page, 'sample-model')).toBe('The pretrained network, distilled to two calls');

  // Another guidance is none of the distilled network's; a number of steps is none of the choices.
  await pressOn(page, '#guidance', 'ArrowRight');
  await mentions(page, 'sample-model', '340,000');
  await phase(page, 'idle');
  await type(page, 'steps', '5');
  await until(page, () => document.querySelector('#calls [aria-pressed=true]') === null);
  expect(await text(page, 'calls-note')).toMatch(/^5 steps of \w+ · 10 network calls$/);
  // A choice leaves nothing of that, and the distilled network has its own guidance.
  for (const [calls, note] of [
    ['2', '2 steps of a network taught to do it in two · 2 network calls'],
    ['8', '4 steps of Adams · 8 network calls'],
  ] as const) {
    await click(page, `#calls-${calls}`);
    await reads(page, 'calls-note', note);
  }
  expect(await text(page, 'guidance-value')).toBe('2');
});

test('a distilled network from a file is sampled in the one way that it has learned; Draw takes another network', async () => {
  const { page } = await making('4');
  await click(page, '#calls-8');
  await finished(page, 4);
  await phase(page, 'idle');
  await upload(page, 'model-file', join(root, 'src/pretrained/digits-instant.safetensors'));
  await until(page, () => window.harness.state.model !== undefined);
  await click(page, '#sample');
  await finished(page, 2);
  expect(await text(page, 'calls-note')).toBe('2 steps of Euler · 2 network calls');
  expect(await text(page, 'sample-model')).toBe('The file digits-instant.safetensors');
  expect(await isSeen(page, '#calls')).toBe(false);
  for (const id of ['steps', 'guidance'])
    expect(await page.$eval(`#${id}`, (field) => field.matches(':disabled')), id).toBe(true);
  const made = await prediction(page);
  await pressOn(page, '#noise-handle', 'End');
  await changed(page, made);
  await finished(page, 2);
  await go(page, 'draw');
  await mentions(page, 'draw-model', 'is distilled to 2 calls');
  expect(await text(page, 'draw-model')).toMatch(/^The pretrained network/);
  // A run of the page's own is not distilled.
  await go(page, 'sample');
  await click(page, '#use-run');
  await disabled(page, 'calls-2');
});

test('two columns of a comparison are made from the same noise, and one slider moves both', async () => {
  const { page } = await driven.visit(
    `${driven.tiny}?task=sample&left=guidance-4&right=calls-9&text=31`,
    recordMessages,
  );
  await phase(page, 'idle');
  // What the address cannot mean is said, and the page takes what it takes at first.
  expect(await text(page, 'notices-list')).toContain('right is calls-9; it must be one of calls-2, ');
  await page.select('#right-choice', 'calls-2');
  await click(page, '#sample');
  const ends = (side: string, steps: number) =>
    until(
      page,
      (id, label) => document.getElementById(id)!.ariaLabel!.endsWith(label),
      `column-${side}`,
      `step ${steps} of ${steps}`,
    );
  await ends('left', 4);
  await ends('right', 2);
  await phase(page, 'idle');
  expect(await searchOf(page)).toBe('?task=sample&left=guidance-4&right=calls-2&text=31');
  expect(await isSeen(page, '#one')).toBe(false);
  const both = () => Promise.all(['column-left', 'column-right'].map((id) => picture(page, id)));
  const [left, right] = await both();
  expect(left).not.toBe(right);
  const orders = (await messagesOf(page)).filter(({ type, to }) => type === 'sample' && to === 'worker');
  expect(orders).toHaveLength(2);

  await pressOn(page, '#way', 'Home');
  await reads(page, 'way-label', '0 % of the way');
  const [first, second] = await both();
  expect([first === left, second === right]).toEqual([false, false]);
  expect(await labelOf(page, 'column-left')).toBe('guidance 4: step 1 of 4');

  // A network that is not there yet is a sentence; the other column is made all the same.
  await page.select('#right-choice', 'run');
  await unhidden(page, 'right-problem');
  expect(await text(page, 'right-problem')).toBe('There is no run to compare with: train one first.');
  await page.keyboard.press('End');
  await ends('left', 4);
  expect(await violationsEverywhere(page)).toEqual([]);
  await click(page, '#compare');
  await until(page, () => document.getElementById('one')!.checkVisibility());
  await finished(page, 4);
  expect(await searchOf(page)).toBe('?task=sample&text=31');
  // Beside a comparison, the images that it hides are not saved, nor shared.
  const saves = () =>
    page.$$eval('#sample-menu [id^=save]:not(#save-model-2):not([hidden])', (all) =>
      all.filter((each) => !each.matches(':disabled, [aria-disabled=true]')).map(({ id }) => id),
    );
  expect(await saves()).toEqual(['save-sampled', 'save-sheet', 'save-gif']);
  await click(page, '#compare');
  await ends('right', 20);
  expect(await saves()).toEqual(['save-columns']);
  await phase(page, 'idle');
  await page.evaluate(() => document.getElementById('save-columns')!.click());
  await reads(page, 'shared', 'Saved as digits-31-calls-2-calls-40-seed-123.png.');
});

test('an order that is not the usual one says so beside Make, whatever has made it so, and a press undoes it', async () => {
  const { page } = await driven.visit(
    `${driven.tiny}?task=sample&steps=1&count=2&method=euler&guidance=1&digit=7`,
  );
  await phase(page, 'idle');
  const says = 'Not the usual order: 1 step of Euler, guidance 1 and 2 images.';
  expect([await text(page, 'unusual-text'), await isSeen(page, '#usual')]).toEqual([says, true]);
  await click(page, '#sample');
  await finished(page, 1);
  expect(await text(page, 'unusual-text')).toBe(says);
  await click(page, '#usual');
  await hidden(page, 'unusual');
  await finished(page, 4);
  expect([await searchOf(page), await text(page, 'calls-note')]).toEqual([
    '?task=sample&digit=7',
    '4 steps of Adams · 8 network calls',
  ]);
});
