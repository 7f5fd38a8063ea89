/** What a page says of itself when a test that waits for it ends: for the message of its failure. */
import type { Page } from 'puppeteer';

/** Number of lines of the console that are shown. */
const LINES = 20;

interface Heard {
  readonly console: string[];
  /** The condition that a test waits for. */
  waitsFor?: string;
}
const heard = new WeakMap<Page, Heard>();

/** The page's console, from the first call for the page on, and what is waited for. */
export function hear(page: Page): Heard {
  const known = heard.get(page);
  if (known) return known;
  const console: string[] = [];
  page.on('console', (message) => console.push(`${message.type()}: ${message.text()}`));
  page.on('pageerror', (error) => console.push(`uncaught: ${error}`));
  const all: Heard = { console };
  heard.set(page, all);
  return all;
}

/** Phase, preparing, error, run and kept runs of the page, and the end of its console. */
async function stateOf(page: Page): Promise<string> {
  const { console, waitsFor } = hear(page);
  const state = await page
    .evaluate(() => {
      if (!window.harness) return 'The page has not begun.';
      const { phase, preparing, error, run, losses, notStored, kept } = window.harness.state;
      const notices = document.getElementById('notices')?.textContent;
      const rows = document.getElementById('runs-body')?.textContent;
      const settled = { phase, preparing, error, run, losses: losses.length, notStored, notices };
      const held = kept.map((each) => each.held);
      return JSON.stringify({ ...settled, held, rows, drawn: window.harness.isDrawn });
    })
    .catch(String);
  return [
    `The page ${page.url()}`,
    `  state: ${state}`,
    `  waits for: ${waitsFor}`,
    '  console:',
    ...console.slice(-LINES).map((line) => `    ${line}`),
  ].join('\n');
}

/** The same of all pages that somebody has listened to. */
export async function statesOf(pages: readonly Page[]): Promise<string> {
  return (await Promise.all(pages.filter((page) => heard.has(page)).map(stateOf))).join('\n');
}
