/** One writer per folder, where several processes find the lock of a dead one in the same moment. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { all, type Row, temporary } from './row';

const ROUNDS = 20;
const PROCESSES = 8;

/** Says when it is ready, tries for the folder at a word from the test, says 1 if it got the folder, and keeps it until the test ends it. */
const racer = `
  const { load } = await import('./harness/tools/build/load.mjs');
  const { lockFolder } = await load('harness/cli/lock.ts');
  process.stdin.on('end', () => process.exit());
  process.stdin.once('data', () => lockFolder(process.argv[1]).then(() => console.log(1), () => console.log(0)));
  console.log('ready');
`;

/** How many of them got the folder. */
async function race(folder: string): Promise<number> {
  const racers = Array.from({ length: PROCESSES }, () => {
    const child = spawn(process.execPath, ['--input-type=module', '-e', racer, folder], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    return { child, lines: createInterface({ input: child.stdout })[Symbol.asyncIterator]() };
  });
  const answers = () => Promise.all(racers.map(async ({ lines }) => (await lines.next()).value));
  await answers();
  for (const { child } of racers) child.stdin.write('go');
  const won = (await answers()).filter((answer) => answer === '1').length;
  for (const { child } of racers) child.stdin.end();
  await Promise.all(racers.map(({ child }) => once(child, 'close')));
  return won;
}

export const races: Row = {
  name: `one writer: ${PROCESSES} processes at a dead one's lock`,
  async run() {
    using own = temporary();
    const { folder } = own;
    let good = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const dead = { pid: 2 ** 22 + 1, host: hostname(), birth: '', since: 'long ago' };
      writeFileSync(join(folder, '.webgpu-diffusion.lock'), JSON.stringify(dead));
      if ((await race(folder)) === 1) good++;
    }
    return all(good, ROUNDS);
  },
};
