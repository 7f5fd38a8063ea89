/** What axe-core finds wrong with a page, by the rules of WCAG 2.2 AA and good practice. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type axe from 'axe-core';
import type { Page } from 'puppeteer';

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

/** The same on a wide screen in light colours and on a phone in dark ones; leaves the page wide and light. */
export async function violationsEverywhere(page: Page): Promise<string[]> {
  const all: string[] = [];
  for (const [width, height, value] of [
    [360, 740, 'dark'],
    [1280, 800, 'light'],
  ] as const) {
    await page.setViewport({ width, height });
    await page.emulateMediaFeatures([
      { name: 'prefers-color-scheme', value },
      { name: 'prefers-reduced-motion', value: 'reduce' }, // as those who call this have it
    ]);
    all.push(...(await violations(page)).map((each) => `${width} px, ${value}: ${each}`));
  }
  return all;
}
