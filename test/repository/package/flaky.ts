/** The package on a server that gives each file at the second request only, after a page or worker has started. */
import { copyFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { html, importMap, ours, programs } from './projects';
import { resultOf, serve } from './serve';
import { install } from './shell';

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
    await install(folder, tarball);
    for (const file of ['flaky.js', 'flaky_worker.js'])
      await copyFile(join(programs, file), join(folder, file));
    await writeFile(join(folder, 'index.html'), html('flaky.js', importMap(ours)));
    const visit = async (query: string) => {
      using served = await serve(folder);
      return await resultOf<Result>(`${served.address}${query}`, undefined, 503);
    };
    const healthy = await visit('?healthy');
    const result = await visit('');
    if (healthy.inPage + healthy.inWorker > 0) throw new Error('A healthy server fails.');
    if (result.inPage < 5 || result.inWorker < 3)
      throw new Error(`Only ${result.inPage} and ${result.inWorker} calls failed.`);
    const bits = ({ page, worker }: Result) => JSON.stringify({ page, worker });
    if (bits(result) !== bits(healthy)) throw new Error(`${bits(result)}, not ${bits(healthy)}`);
    return `the same bits after ${result.inPage} calls that failed in the page, ${result.inWorker} in the worker`;
  },
};
