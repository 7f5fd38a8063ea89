/** One writer per folder, where several processes find the lock of a dead one in the same moment. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { all, type Row } from './row';

const ROUNDS = 20;
const PROCESSES = 8;
/** Enough for all of them to have started. */
const START_MS = 4000;

/** Prints 1 if it gets the folder, in which case it keeps it for a while. */
const racer = `
  const { load } = await import('./harness/tools/load.mjs');
  const { lockFolder } = await load('harness/cli/lock.ts');
  const [folder, start] = process.argv.slice(1);
  while (Date.now() < Number(start));
  await lockFolder(folder).then(() => console.log(1), () => console.log(0));
  setTimeout(() => process.exit(), 1500);
`;

const race = (folder: string, start: number) =>
  new Promise<number>((resolve) => {
    const child = spawn(process.execPath, ['--input-type=module', '-e', racer, folder, String(start)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let out = '';
    child.stdout.on('data', (chunk) => {
      out += chunk;
    });
    child.on('close', () => resolve(Number(out)));
  });

export const races: Row = {
  name: `one writer: ${PROCESSES} processes at a dead one's lock`,
  async run() {
    const folder = mkdtempSync(join(tmpdir(), 'race-'));
    let good = 0;
    try {
      for (let round = 0; round < ROUNDS; round++) {
        const dead = { pid: 2 ** 22 + 1, host: hostname(), birth: '', since: 'long ago' };
        writeFileSync(join(folder, '.webgpu-diffusion.lock'), JSON.stringify(dead));
        const start = Date.now() + START_MS;
        const won = await Promise.all(Array.from({ length: PROCESSES }, () => race(folder, start)));
        if (won.reduce((a, b) => a + b, 0) === 1) good++;
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
    return all(good, ROUNDS);
  },
};
