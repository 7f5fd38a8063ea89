/** A folder as a web server gives it, and a page of it in Chrome. */
import { once } from 'node:events';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';
import { launchBrowser } from '../../../harness/run/browsers';

const types: Record<string, string> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.json': 'application/json',
};
const LIMIT_MS = 10 * 60_000;

export interface Served extends Disposable {
  readonly address: string;
  /** The paths that were asked for and are not there, by workers, too. */
  readonly missing: readonly string[];
}

/**
 * Serves `folder` on this machine until the end of the block. `cors`: pages of other origins may read it.
 * A request of `/fail-once` makes every file fail at its next
 * request, as on a server that is being restarted; `/fail-never` ends that.
 */
export async function serve(folder: string, { cors = false } = {}): Promise<Served> {
  const missing: string[] = [];
  let hasFailed: Set<string> | undefined;
  const server = createServer(({ url }, response) => {
    const path = new URL(url!, 'http://localhost').pathname.replace(/\/$/, '/index.html');
    const file = join(folder, path);
    if (path === '/fail-once' || path === '/fail-never') {
      hasFailed = path === '/fail-once' ? new Set() : undefined;
      return response.end();
    }
    // What a browser remembers it does not ask for.
    response.setHeader('cache-control', 'no-store');
    if (hasFailed && !hasFailed.has(path)) {
      hasFailed.add(path);
      return response.writeHead(503).end();
    }
    if (cors) response.setHeader('access-control-allow-origin', '*');
    if (!existsSync(file) || !statSync(file).isFile()) {
      missing.push(path);
      return response.writeHead(404).end();
    }
    response.setHeader('content-type', types[extname(file)] ?? 'application/octet-stream');
    return response.end(readFileSync(file));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    missing,
    [Symbol.dispose]: () => void server.close(),
  };
}

/**
 * Opens a page in Chrome and gives what `ask` resolves to there, which is its promise `result`. Throws what goes wrong on the page, but for
 * the status `expected`.
 */
export async function resultOf<T>(
  address: string,
  ask = (): Promise<unknown> | undefined => (globalThis as { result?: Promise<unknown> }).result,
  expected?: number,
): Promise<T> {
  // A canvas with WebGPU is lost in a headless Chrome without this.
  await using browser = await launchBrowser('chrome', { canvases: true });
  const page = await browser.newPage();
  const broken = new Promise<never>((_, reject) => {
    const note = (problem: string) => reject(new Error(problem));
    AbortSignal.timeout(LIMIT_MS).addEventListener('abort', () =>
      note('The page gave no result in ten minutes.'),
    );
    page.on('pageerror', (error) => note(String(error)));
    page.on('console', (message) => {
      if (message.type() === 'error' && !message.text().includes(`status of ${expected}`))
        note(message.text());
    });
    page.on('requestfailed', (request) => {
      // Chrome calls modules so that came with an error's status.
      if (expected && request.failure()?.errorText === 'net::ERR_ABORTED') return;
      note(`${request.failure()?.errorText} ${request.url()}`);
    });
    page.on('response', (response) => {
      if (response.status() >= 400 && response.status() !== expected)
        note(`${response.status()} ${response.url()}`);
    });
  });
  const given = await Promise.race([page.goto(address).then(() => page.evaluate(ask)), broken]);
  if (given === undefined) throw new Error('The page has no result.');
  return given as T;
}
