/** Lets vitest's browser mode run tests in any browser that puppeteer can start. */
import { defineBrowserProvider } from '@vitest/browser';
import type { Browser } from 'puppeteer';
import type { BrowserProvider, TestProject } from 'vitest/node';
import { type BrowserKind, launchBrowser } from '../../../harness/run/browsers.ts';

class PuppeteerProvider implements BrowserProvider {
  readonly name = 'puppeteer';
  readonly supportsParallelism = false;
  private readonly project: TestProject;
  private browser: Browser | undefined;

  constructor(project: TestProject) {
    this.project = project;
  }

  getCommandsContext() {
    return {};
  }

  async openPage(_sessionId: string, url: string): Promise<void> {
    this.browser ??= await launchBrowser(this.project.config.browser.name as BrowserKind);
    const page = await this.browser.newPage();
    // What vitest itself does not see: errors outside of the tests' own frame, and a page that dies.
    page.on('pageerror', (error) => console.error(`${this.project.name}: uncaught in the page: ${error}`));
    page.on('error', (error) => console.error(`${this.project.name}: the page crashed: ${error.message}`));
    await page.goto(url);
  }

  async close(): Promise<void> {
    await this.browser?.close();
  }
}

export const puppeteerProvider = defineBrowserProvider({
  name: 'puppeteer',
  options: {},
  providerFactory: (project) => new PuppeteerProvider(project),
});
