import type { Browser, Page } from 'puppeteer';
import { afterAll, beforeAll } from 'vitest';
import { launchBrowser } from '../../../harness/run/browsers';
import { tellOfFailures } from './drive';
import { serveSources } from './serve_sources';
import { watch } from './visit';

/** Opens examples in one Chrome that lives as long as the test file. */
export function driveExamples() {
  let server: Awaited<ReturnType<typeof serveSources>>;
  let browser: Browser;
  beforeAll(async () => {
    server = await serveSources();
    browser = await launchBrowser('chrome', { canvases: true });
  });
  tellOfFailures(() => browser);
  afterAll(async () => {
    await browser?.close();
    await server?.close();
  });
  return {
    /** The page of examples/NAME, and the problems that it has; `before` runs in it before its own scripts. */
    async open(
      name: string,
      before = () => {},
    ): Promise<{ readonly page: Page; readonly problems: string[] }> {
      const page = await browser.newPage();
      page.setDefaultTimeout(0); // the test's own limit ends it
      await page.evaluateOnNewDocument(before);
      const problems: string[] = [];
      watch(page, problems);
      await page.goto(`${server.address}examples/${name}/index.html`);
      return { page, problems };
    },
  };
}
