/** What a page says of itself when a test that waits for it ends: for the message of its failure. */
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'puppeteer';

/** A page that hangs answers nothing, and has no picture. */
const ANSWER_MS = 10_000;
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

async function answer(question: Promise<unknown>): Promise<unknown> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise((resolve) => {
    timer = setTimeout(resolve, ANSWER_MS, `no answer in ${ANSWER_MS / 1000} s`);
  });
  const failed = (error: unknown) => String(error);
  return Promise.race([question.catch(failed), late]).finally(() => clearTimeout(timer));
}

async function picture(page: Page): Promise<string> {
  const path = join(await mkdtemp(join(tmpdir(), 'webgpu-diffusion-failed-')), 'page.png') as `${string}.png`;
  // A page behind another one draws nothing.
  await page.bringToFront();
  await page.screenshot({ path });
  return path;
}

/** Phase, preparing, error and run of the page, the end of its console, and the path of a picture of it. */
export async function stateOf(page: Page): Promise<string> {
  const { console, waitsFor } = hear(page);
  const state = await answer(
    page.evaluate(() => {
      const harness = window.harness as typeof window.harness | undefined;
      if (!harness) return 'The page has not begun.';
      const { phase, preparing, error, run, losses, notStored } = harness.state;
      const settled = { preparing, error, run, losses: losses.length, notStored };
      const notices = document.getElementById('notices')?.textContent;
      return JSON.stringify({ phase, ...settled, drawn: harness.isDrawn, notices });
    }),
  );
  return [
    `The page ${page.url()}`,
    `  state: ${state}`,
    ...(waitsFor ? [`  waits for: ${waitsFor}`] : []),
    `  picture: ${await answer(picture(page))}`,
    `  console: ${console.length === 0 ? 'nothing' : ''}`,
    ...console.slice(-LINES).map((line) => `    ${line}`),
  ].join('\n');
}

/** The same of all pages that somebody has listened to. */
export async function statesOf(pages: readonly Page[]): Promise<string> {
  return (await Promise.all(pages.filter((page) => heard.has(page)).map(stateOf))).join('\n');
}
