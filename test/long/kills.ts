/** A run that is killed again and again while it saves, and ends as one that never was. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { TestRandom } from '../../harness/specs/lib/spec';
import { loadCheckpoint } from '../../src/weights/checkpoint';
import { all, type Row, temporary } from './row';

const KILLS = 50;
/** Eight steps an epoch: it saves all the time. */
const tiny = '--limit 64 --batch 8 --widths 4 --epochs 1000000 --no-tune'.split(' ');

/** In a group of its own, with the process that it starts. */
function train(args: readonly string[]): { child: ChildProcess; said: () => string } {
  const child = spawn(process.execPath, ['harness/run.mjs', 'train', ...args], {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (data) => {
      output += data;
    });
  }
  return { child, said: () => output };
}

async function succeed(args: readonly string[]): Promise<void> {
  const { child, said } = train(args);
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`It ended with ${code}: ${said()}`);
}

export const kills: Row = {
  name: 'kill -9 while a checkpoint is saved',
  async run() {
    using root = temporary();
    const killed = join(root.folder, 'killed');
    const whole = join(root.folder, 'whole');
    const path = join(killed, 'checkpoint.safetensors');
    /** Throws for a file that is not whole. */
    const savedStep = () => (existsSync(path) ? loadCheckpoint(readFileSync(path), path).state.step : 0);
    const random = new TestRandom(1);
    let intact = 0;
    let inTheAct = 0;
    let step = 0;
    for (let i = 0; i < KILLS; i++) {
      const { child, said } = train(step === 0 ? ['--out', killed, ...tiny] : ['--resume', path]);
      const closed = once(child, 'close');
      try {
        while (savedStep() === step) {
          if (child.exitCode !== null) throw new Error(`It ended with ${child.exitCode}: ${said()}`);
          await setTimeout(5);
        }
        await setTimeout(300 * random.next());
      } finally {
        if (child.exitCode === null) process.kill(-child.pid!, 'SIGKILL');
        await closed;
      }
      if (readdirSync(killed).some((name) => name.endsWith('.tmp'))) inTheAct++;
      const now = savedStep();
      if (now > step) intact++;
      step = now;
    }
    const end = ['--max-steps', String(step + 8)];
    await succeed(['--resume', path, ...end]);
    await succeed(['--out', whole, ...tiny, ...end]);
    const files = [
      'checkpoint.safetensors',
      'model.safetensors',
      'losses.csv',
      'epochs.csv',
      'samples-50-steps.png',
    ];
    const same = files.filter((file) =>
      readFileSync(join(killed, file)).equals(readFileSync(join(whole, file))),
    );
    const left = readdirSync(killed).filter((name) => name.startsWith('.'));
    if (left.length > 0) throw new Error(`Left behind: ${left}`);
    return `${all(intact, KILLS)} whole and resumed (${inTheAct} in the act); ${all(same.length, files.length)} files as of a run of ${step + 8} steps never killed`;
  },
};
