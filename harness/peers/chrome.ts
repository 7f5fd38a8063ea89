/** The comparison in headless Chrome: all libraries in one page. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ViteDevServer } from 'vite';
import { launchBrowser } from '../../test/lanes/browsers';
import type { Comparison, Plan } from './compare';

export async function compareInChrome(
  server: ViteDevServer,
  plan: Plan,
  report: (line: string) => void,
): Promise<{ comparison: Comparison; runtime: string }> {
  const http = createServer(server.middlewares).listen(0, 'localhost');
  await once(http, 'listening');
  const { port } = http.address() as AddressInfo;
  const browser = await launchBrowser('chrome');
  try {
    const page = await browser.newPage();
    const died = new Promise<never>((_, reject) => {
      page.on('error', (error) => reject(new Error(`The page crashed: ${error.message}`)));
      page.on('pageerror', (error) => reject(error));
    });
    await page.exposeFunction('report', report);
    await page.goto(`http://localhost:${port}/harness/peers/page.html`);
    await page.waitForFunction('window.comparePeers', { timeout: 60_000 });
    const comparison = await Promise.race([page.evaluate((p) => window.comparePeers!(p), plan), died]);
    return { comparison, runtime: await browser.version() };
  } finally {
    await browser.close();
    http.close();
  }
}
