/** What axe-core finds wrong with a page, by the rules of WCAG 2.2 AA and good practice. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type axe from 'axe-core';
import type { Page } from 'puppeteer';
import { until } from './visit';

const source = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** A line for each violation: its rule, and the elements. */
export async function violations(page: Page): Promise<string[]> {
  if (!(await page.evaluate(() => 'axe' in globalThis))) await page.evaluate(source);
  const found = await page.evaluate(async () => {
    const { run } = (globalThis as unknown as { axe: typeof axe }).axe;
    const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
    return (await run(document, { runOnly: tags, resultTypes: ['violations'] })).violations.map(
      ({ id, nodes }) => ({
        id,
        where: nodes.map(({ target }) => String(target)),
      }),
    );
  });
  return found.map(({ id, where }) => `${id}: ${where.join(', ')}`);
}

type Size = readonly [width: number, height: number, colours: 'dark' | 'light'];
const PHONE: Size = [360, 740, 'dark'];
const SCREEN: Size = [1280, 800, 'light'];

/** The same on a phone in dark colours, and what makes it scroll sideways; then on a wide screen in light ones, as which it leaves the page. */
export async function violationsEverywhere(page: Page, sizes = [PHONE, SCREEN]): Promise<string[]> {
  const all: string[] = [];
  for (const [width, height, value] of sizes) {
    await page.setViewport({ width, height });
    await page.emulateMediaFeatures([
      { name: 'prefers-color-scheme', value },
      { name: 'prefers-reduced-motion', value: 'reduce' }, // as those who call this have it
    ]);
    // The browser lays it out anew by and by. What sticks out for ever ends this wait.
    await until(page, (w) => innerWidth === w && document.documentElement.scrollWidth <= w, width);
    all.push(...(await violations(page)).map((each) => `${width} px, ${value}: ${each}`));
  }
  return all;
}

/** The same on a phone alone. */
export const violationsOnPhone = (page: Page) => violationsEverywhere(page, [PHONE]);
