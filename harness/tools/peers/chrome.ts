/** The comparison in headless Chrome: all libraries in one page. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Page } from 'puppeteer';
import type { ViteDevServer } from 'vite';
import { launchBrowser } from '../../run/browsers';
import type { PeerPlan, PeerTimes } from './compare';

export async function compareInChrome(
  vite: ViteDevServer,
  plan: PeerPlan,
  report: (line: string) => void,
): Promise<{ comparison: PeerTimes; runtime: string }> {
  // Serve the page without Vite, which would add its client to it.
  const html = readFileSync(new URL('page.html', import.meta.url));
  const server = createServer((request, response) => {
    if (request.url === '/') response.setHeader('content-type', 'text/html').end(html);
    else vite.middlewares(request, response);
  }).listen(0, 'localhost');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const browser = await launchBrowser('chrome');
  try {
    const page = await browser.newPage();
    const comparison = await Promise.race([
      death(page),
      compareInPage(page, `http://localhost:${port}/`, plan, report),
    ]);
    return { comparison, runtime: await browser.version() };
  } finally {
    await browser.close();
    server.close();
  }
}

async function compareInPage(page: Page, url: string, plan: PeerPlan, report: (line: string) => void) {
  await page.exposeFunction('report', report);
  await page.goto(url);
  await page.waitForFunction('window.waitForComparison', { timeout: 60_000 });
  // Poll in short calls: one call of puppeteer's may take three minutes at most.
  await page.evaluate((p) => window.startComparison!(p), plan);
  for (;;) {
    const done = await page.evaluate((ms) => window.waitForComparison!(ms), 10_000);
    if (done) return done;
  }
}

function death(page: Page): Promise<never> {
  return new Promise((_, reject) => {
    page.on('error', (error) => reject(new Error(`The page crashed: ${error.message}`)));
    page.on('pageerror', (error) => reject(error));
  });
}
