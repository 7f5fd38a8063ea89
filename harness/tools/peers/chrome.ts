/** The comparison in headless Chrome: all libraries in one page. */
import type { AddressInfo } from 'node:net';
import type { ViteDevServer } from 'vite';
import { launchBrowser } from '../../run/browsers';
import type { compare, PeerPlan } from './compare';

export async function compareInChrome(vite: ViteDevServer, plan: PeerPlan) {
  const { port } = vite.httpServer!.address() as AddressInfo;
  const browser = await launchBrowser('chrome');
  try {
    const page = await browser.newPage();
    const death = new Promise<never>((_, reject) => {
      page.on('error', (error) => reject(new Error(`The page crashed: ${error.message}`)));
      page.on('pageerror', reject);
    });
    page.on('console', (line) => line.type() === 'warn' && console.warn(line.text()));
    await page.goto(`http://localhost:${port}/harness/tools/peers/page.html`);
    const work = async () => {
      await page.waitForFunction('window.compare');
      return page.evaluate((p) => (window as unknown as { compare: typeof compare }).compare(p), plan);
    };
    return { comparison: await Promise.race([death, work()]), runtime: await browser.version() };
  } finally {
    await browser.close();
  }
}
