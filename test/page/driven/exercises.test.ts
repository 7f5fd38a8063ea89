/**
 * The exercises of Explain and of the texts, as a reader does them: each link, what is pressed there, and what its answer says. The numbers
 * of the one on noise levels are checked in test/node/classify.test.ts.
 */
import type { Page } from 'puppeteer';
import { expect, test } from 'vitest';
import { exercises } from '../../../harness/page/explain/exercises';
import { violations } from '../axe';
import { drive } from '../drive';
import { apart, click, editShader, exist, go, ink, mean, phase, reads, setting, until } from '../visit';

const driven = drive();

/** Opens the view of an exercise at its address. */
const open = ({ search }: (typeof exercises)[keyof typeof exercises]) =>
  driven.visit(`${driven.address}${search}`);

test('each exercise of Explain leads to its view, at what is to be pressed, which is unfolded', async () => {
  // The answers of a tiny network are no worse for this.
  const { page } = await driven.visit(`${driven.tiny}?task=explain&scene=3`);
  await exist(page, '.exercises section', 2);
  await page.$$eval('.exercises summary', (all) => {
    for (const each of all) each.click();
  });
  expect(await violations(page)).toEqual([]);
  for (const { question, scene, lead } of Object.values(exercises)) {
    await go(page, 'explain');
    await setting(page, 'scene', String(scene));
    await until(
      page,
      (words) => [...document.querySelectorAll('.exercises h3')].some((each) => each.textContent === words),
      question,
    );
    await click(page, '.exercises > summary');
    await page.evaluate(
      (words, id) => {
        const all = [...document.querySelectorAll('.exercises section')];
        const own = all.find((each) => each.querySelector('h3')!.textContent === words)!;
        // The button of a view that has just been opened may be disabled for a moment.
        const to = document.getElementById(id);
        const { requestAnimationFrame } = window;
        window.requestAnimationFrame = (draw) =>
          requestAnimationFrame((now) => {
            if (to instanceof HTMLButtonElement) to.disabled = true;
            draw(now);
          });
        own.querySelector<HTMLAnchorElement>('a')!.click();
        window.requestAnimationFrame = requestAnimationFrame;
      },
      question,
      lead,
    );
    await until(
      page,
      (id) => document.getElementById(id)!.checkVisibility() && document.activeElement!.id === id,
      lead,
    );
  }
  // The one on a kernel.
  expect(await page.$eval('#inside-list', (list) => (list as HTMLDetailsElement).open)).toBe(true);
});

/** The ink of each pixel of a canvas that shows images side by side, `scale` screen pixels each. */
const inkOf = (page: Page, id: string) =>
  page.$eval(`#${id}`, (element) => {
    const canvas = element as HTMLCanvasElement;
    const { data } = canvas.getContext('2d')!.getImageData(0, 0, canvas.width, canvas.height);
    const scale = canvas.height / 28;
    const inks: number[] = [];
    for (let y = 0; y < 28; y++)
      for (let x = 0.5; x * scale < canvas.width; x++) {
        const at = Math.floor((y + 0.5) * scale) * canvas.width + Math.floor(x * scale);
        inks.push(1 - data[4 * at] / 255);
      }
    return inks;
  });
/** In percent, as answers say it. */
const greyShare = (values: readonly number[]) => {
  const inked = values.filter((value) => value > 0.2);
  return (100 * inked.filter((value) => value < 0.8).length) / inked.length;
};

/** The first of some numbers in an answer. */
const numbersIn = (answer: string) => (answer.match(/\d+\.\d+|\d+(?= %)/g) ?? []).map(Number);

const made = async (page: Page, id: string, ending: string) => {
  await click(page, '#sample');
  await phase(page, 'sampling');
  await until(page, (i, end) => document.getElementById(i)!.ariaLabel!.endsWith(end), id, ending);
  await phase(page, 'idle');
};

test('the exercises of Make: one call makes smears, and guidance 4 has 1.6 times the ink of guidance 1', async () => {
  const { page } = await open(exercises.calls);
  await made(page, 'sample-prediction', '2, 0, 2, 6, finished');
  const smears = greyShare(await inkOf(page, 'sample-prediction'));
  for (const [key, value] of Object.entries({ steps: '', method: 'auto', guidance: '2' }))
    await setting(page, key, value);
  await made(page, 'sample-prediction', '2, 0, 2, 6, finished');
  const [one, eight] = numbersIn(exercises.calls.answer);
  expect(Math.abs(smears - one)).toBeLessThan(2);
  expect(Math.abs(greyShare(await inkOf(page, 'sample-prediction')) - eight)).toBeLessThan(3);

  // The settings of the address of the other exercise.
  for (const [key, value] of new URLSearchParams(exercises.guidance.search))
    if (key !== 'task') await setting(page, key, value);
  await made(page, 'column-right', 'guidance 4: step 4 of 4');
  const [left, right] = [await inkOf(page, 'column-left'), await inkOf(page, 'column-right')].map(mean);
  expect((right / left).toFixed(1)).toBe(String(numbersIn(exercises.guidance.answer)[0]));
});

/** Inside has looked: its picture is of these choices. Between two looks it is idle for a frame, so it must be idle for some. */
const looked = async (page: Page) => {
  await reads(page, 'inside-status', /network, after/);
  await page.evaluate(async () => {
    const status = document.getElementById('inside-status')!.parentElement!;
    for (let idle = 0; idle < 5; idle = status.classList.contains('busy') ? 0 : idle + 1)
      await new Promise(requestAnimationFrame);
  });
};

test('the exercises of Inside: the mean of all without the class; the pixel of a stroke; a broken kernel is refused', async () => {
  const { page } = await open(exercises.without);
  await looked(page);
  const set = (id: string, value: string) =>
    page.$eval(
      `#${id}`,
      (element, v) => {
        Object.assign(element, { value: v });
        for (const type of ['input', 'change']) element.dispatchEvent(new Event(type));
      },
      value,
    );
  const guess = async (given: string) => {
    await set('inside-label', given);
    await looked(page);
    // The last one is the prediction.
    return ink(page, '#inside-net canvas', -1);
  };
  await set('inside-level', '100');
  const byClass: number[][] = [];
  for (let digit = 0; digit < 10; digit++) byClass.push(await guess(String(digit)));
  const none = await guess('10');
  const all = none.map((_, i) => mean(byClass.map((image) => image[i])));
  const nearest = Math.min(...byClass.map((image) => apart(image, none)));
  expect(apart(none, all)).toBeLessThan(0.6 * nearest);

  await set('inside-label', '');
  await set('inside-level', '0');
  await looked(page);
  await set('part-slider', '32');
  await page.$eval('#part-pixel', (element) => element.scrollIntoView());
  const { x, y, size } = await page.$eval('#part-map', (canvas) => {
    const { left, top, width } = canvas.getBoundingClientRect();
    return { x: left, y: top, size: width };
  });
  await page.mouse.click(x + (7.5 * size) / 28, y + (13.5 * size) / 28);
  await reads(page, 'pixel-title', /map 32, row 14, column 8/);
  await reads(page, 'pixel-about', /adds 2\.87/);
  const table = (id: string) =>
    page.$$eval(`#${id} td`, (all) => all.map((cell) => Number(cell.textContent!.replace('−', '-'))));
  const [window, kernel, products] = [
    await table('pixel-window'),
    await table('pixel-kernel'),
    await table('pixel-products'),
  ];
  const below = 17;
  const answer = [window[below], kernel[below], Math.max(...products)];
  expect(answer).toEqual(numbersIn(exercises.pixel.answer).slice(0, 3));
  expect(products[below]).toBe(answer[2]);

  await editShader(page, 'adam');
  const [, words] = /Delete “(.*?)”/.exec(exercises.kernel.press)!;
  await page.$eval(
    '.code-area',
    (element, w) => {
      const area = element as HTMLTextAreaElement;
      const at = area.value.indexOf(w);
      if (at < 0) throw new Error('These words are not in the shader.');
      area.focus();
      area.setSelectionRange(at, at + w.length);
    },
    words,
  );
  await page.keyboard.press('Backspace');
  await page.evaluate(() => {
    const all = [...document.querySelectorAll<HTMLButtonElement>('.shader-editor button')];
    all.find(({ textContent }) => textContent === 'Try it')!.click();
  });
  await until(page, () => document.querySelector<HTMLElement>('.verdict')!.dataset.kind !== undefined);
  expect(await page.$eval('.verdict', (box) => box.textContent!)).toMatch(/^It is wrong: adam\./);
});
