/** The package on a server that gives each file at the second request only, after a page or worker has started. */
import { copyFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { resultOf, serve } from './serve';
import { install } from './shell';

const programs = fileURLToPath(new URL('programs/', import.meta.url));

interface Result {
  readonly page: unknown;
  readonly worker: readonly number[];
  /** Calls that failed. */
  readonly inPage: number;
  readonly inWorker: number;
}

export const flaky = {
  name: 'files that each fail once, in a page and a worker',
  async run(folder: string, tarball: string): Promise<string> {
    await writeFile(join(folder, 'package.json'), '{ "private": true, "type": "module" }');
    await install(folder, tarball);
    for (const file of ['flaky.js', 'flaky_worker.js'])
      await copyFile(join(programs, file), join(folder, file));
    const entries = { 'webgpu-diffusion': 'index', 'webgpu-diffusion/worker': 'worker' };
    const imports = Object.fromEntries(
      Object.entries(entries).map(([name, file]) => [
        name,
        `./node_modules/webgpu-diffusion/dist/lib/${file}.js`,
      ]),
    );
    const map = `<script type="importmap">${JSON.stringify({ imports })}</script>`;
    const page = `<!doctype html><title>test</title><link rel="icon" href="data:,">${map}<script type="module" src="flaky.js"></script>`;
    await writeFile(join(folder, 'index.html'), page);
    const visit = async (query: string) => {
      const { address, close } = await serve(folder);
      return resultOf<Result>(`${address}${query}`, undefined, 503).finally(close);
    };
    const [healthy, result] = [await visit('?healthy'), await visit('')];
    if (healthy.inPage + healthy.inWorker > 0) throw new Error('A healthy server fails.');
    if (result.inPage < 5 || result.inWorker < 3)
      throw new Error(`Only ${result.inPage} and ${result.inWorker} calls failed.`);
    const bits = ({ page, worker }: Result) => JSON.stringify({ page, worker });
    if (bits(result) !== bits(healthy)) throw new Error(`${bits(result)}, not ${bits(healthy)}`);
    return `the same bits after ${result.inPage} calls that failed in the page, ${result.inWorker} in the worker`;
  },
};
