/** The comparison in headless Chrome: all libraries in one page. */
import type { ViteDevServer } from 'vite';
import { launchBrowser } from '../../test/lanes/browsers';
import type { Comparison, Plan } from './compare';

export async function compareInChrome(
  server: ViteDevServer,
  plan: Plan,
  report: (line: string) => void,
): Promise<{ comparison: Comparison; runtime: string }> {
  await server.listen();
  const [origin] = server.resolvedUrls!.local;
  const browser = await launchBrowser('chrome');
  try {
    const page = await browser.newPage();
    const died = new Promise<never>((_, reject) => {
      page.on('error', (error) => reject(new Error(`The page crashed: ${error.message}`)));
      page.on('pageerror', (error) => reject(error));
    });
    await page.exposeFunction('report', report);
    await page.goto(new URL('harness/peers/page.html', origin).href);
    await page.waitForFunction('window.comparePeers', { timeout: 60_000 });
    const comparison = await Promise.race([page.evaluate((p) => window.comparePeers!(p), plan), died]);
    return { comparison, runtime: await browser.version() };
  } finally {
    await browser.close();
    await server.close();
  }
}
