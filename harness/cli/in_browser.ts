/** Runs the bench or the check in a browser of this machine, from the repository's sources. */
import { existsSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { EngineError, type ErrorCode } from '../../src/base/errors';
import type { AdapterDescription } from '../../src/gpu/adapter';
import { adapterText } from '../text/adapter_text';
import { show } from './args';

/** A path rather than a URL, which a build would treat as an asset to copy. */
const here = dirname(fileURLToPath(import.meta.url));

export type BrowserJob = 'bench' | 'check';

export type BrowserEvent<E> =
  | { readonly kind: 'adapter'; readonly adapter: AdapterDescription }
  | { readonly kind: 'event'; readonly event: E }
  | { readonly kind: 'end' }
  | { readonly kind: 'error'; readonly message: string; readonly code?: ErrorCode };

/** Which adapter it is, before the events of the job. */
export type BrowserNews<E> = E | { readonly kind: 'adapter'; readonly line: string };

/** `E` is the event type of the job. */
export async function* inBrowser<E>(
  browserName: 'chrome' | 'firefox',
  job: BrowserJob,
  options: object,
  signal: AbortSignal,
): AsyncGenerator<BrowserNews<E>, void, undefined> {
  if (!existsSync(join(here, 'bench_page.html'))) {
    throw new EngineError(
      'argument',
      `--in ${browserName} works in the repository only: npm run ${job === 'check' ? 'gpu-check' : job} -- --in ${browserName}. Or open the page and its ${job} tab in the browser.`,
    );
  }
  const { createServer } = await import('vite');
  const { launchBrowser } = await import('../run/browsers');
  const browser = await launchBrowser(browserName, { signals: false }).catch((cause: Error) => {
    throw new EngineError('no-webgpu', cause.message, { cause });
  });
  const server = await createServer({
    root: join(here, '../..'),
    logLevel: 'error',
    optimizeDeps: { noDiscovery: true },
    server: { host: '127.0.0.1', port: 0, hmr: false, ws: false, watch: null },
  });
  const close = () => Promise.all([browser.close(), server.close()]);
  const onAbort = () => void close();
  signal.addEventListener('abort', onAbort);
  try {
    await server.listen();
    const { port } = server.httpServer!.address() as AddressInfo;
    const page = await browser.newPage();
    const problems: string[] = [];
    page.on('pageerror', (error) => problems.push(String(error)));
    await page.goto(`http://127.0.0.1:${port}/harness/cli/bench_page.html`);
    await page.waitForFunction('"startJob" in window').catch(() => {
      throw new Error(`The page did not load in ${browserName}: ${show(problems.join('; '))}`);
    });
    await page.evaluate((j, o) => window.startJob(j, o), job, options);
    for (;;) {
      const events: BrowserEvent<E>[] = JSON.parse(await page.evaluate(() => window.nextEvents()));
      for (const event of events) {
        if (event.kind === 'end') return;
        if (event.kind === 'error')
          throw event.code ? new EngineError(event.code, event.message) : new Error(event.message);
        yield event.kind === 'event'
          ? event.event
          : { kind: 'adapter', line: `${adapterText(event.adapter)}, in ${await browser.version()}` };
      }
    }
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener('abort', onAbort);
    if (!signal.aborted) await close();
  }
}
