/**
 * What happens to a run when the machine, the terminal or another run get in its way: the command as a user starts it.
 *
 * @module-tag nightly
 */
import { spawn } from 'node:child_process';
import { existsSync, openSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test, vi } from 'vitest';
import { loadCheckpoint } from '../../src/weights/checkpoint';
import { testGpu } from '../lib/gpu';
import { limit } from '../lib/lanes/limits';
import { temporaryFolder } from '../lib/system';
import { until } from '../lib/until';

vi.setConfig(limit('runsProcesses'));
await testGpu();

const root = temporaryFolder(afterAll);
const started: number[] = [];
afterAll(() => {
  for (const pid of started) kill(pid, 'SIGKILL');
});
const env = { ...process.env, WEBGPU_DIFFUSION_CACHE: join(root, 'cache') };

/** To the command and its child, as a terminal sends signals; what has ended already gets none. */
function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {}
}

/** The forms for 3x3 compile in a third of the time. */
const narrow = '--widths 4 --kernel-size 3 --no-tune';
/** An epoch of it has 10,000 steps. */
const long = `--batch 1 --epochs 1000 ${narrow}`.split(' ');
const short = `--limit 16 --batch 8 --epochs 1 ${narrow}`.split(' ');

/** `stdout`: a file to write to in place of a pipe. */
function train(args: readonly string[], { stdout = '' } = {}) {
  const child = spawn(process.execPath, ['harness/run.mjs', 'train', ...args], {
    env,
    detached: true,
    stdio: ['ignore', stdout ? openSync(stdout, 'w') : 'pipe', 'pipe'],
  });
  const pid = child.pid!;
  started.push(pid);
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (data) => {
      output += data;
    });
  let over = false;
  const ended = new Promise<number>((resolve) =>
    child.on('close', (code) => {
      over = true;
      resolve(code ?? -1);
    }),
  );
  return {
    kill: (signal: NodeJS.Signals) => kill(pid, signal),
    ended: async () => ({ code: await ended, output }),
    /** Waits until `condition` holds; the process must not end before. */
    until: (condition: () => boolean) =>
      until(() => {
        if (over) throw new Error(`It ended before: ${output}`);
        return condition();
      }),
  };
}

const checkpointIn = (out: string) => join(out, 'checkpoint.safetensors');
/** 0 before there is one. */
const savedStep = (out: string) =>
  existsSync(checkpointIn(out)) ? loadCheckpoint(readFileSync(checkpointIn(out))).state.step : 0;
const hidden = (out: string) => readdirSync(out).filter((name) => name.startsWith('.'));

test('train saves after the first step and as often as asked; killed, it resumes and leaves nothing behind', async () => {
  const out = join(root, 'killed');
  const run = train(['--out', out, ...long, '--checkpoint-every', '1']);
  await run.until(() => savedStep(out) > 0);
  const first = savedStep(out);
  await run.until(() => savedStep(out) > first);
  // Not at the end of an epoch.
  expect(savedStep(out)).toBeLessThan(10_000);

  // The first run rests meanwhile, and so leaves the processor to the other.
  run.kill('SIGSTOP');
  const other = await train(['--out', out, ...short, '--overwrite']).ended();
  expect(other).toMatchObject({
    code: 1,
    output: expect.stringMatching(/already \(process \d+, since .*--out/),
  });

  run.kill('SIGKILL');
  await run.ended();
  expect(hidden(out)).toContain('.webgpu-diffusion.lock');
  const { pid } = JSON.parse(readFileSync(join(out, '.webgpu-diffusion.lock'), 'utf8'));
  writeFileSync(join(out, `.checkpoint.safetensors.${pid}-0123abcd.tmp`), 'a part');

  const end = savedStep(out) + 2;
  const resumed = await train(['--resume', checkpointIn(out), '--max-steps', String(end)]).ended();
  expect(resumed.code, resumed.output).toBe(0);
  expect(savedStep(out)).toBe(end);
  expect(hidden(out)).toEqual([]);
});

test('the first checkpoint does not wait for --checkpoint-every', async () => {
  const out = join(root, 'first');
  const run = train(['--out', out, ...long, '--checkpoint-every', '3600']);
  await run.until(() => savedStep(out) > 0);
  expect(savedStep(out)).toBeLessThan(1000);
  run.kill('SIGTERM');
  expect((await run.ended()).code).toBe(143);
});

test('train saves when its terminal is closed', async () => {
  const out = join(root, 'closed');
  const run = train(['--out', out, ...long]);
  await run.until(() => savedStep(out) > 0);
  run.kill('SIGHUP');
  const { code, output } = await run.ended();
  expect(code).toBe(129);
  const step = (/Stopped after step ([\d,]+)\. Go on with/.exec(output) ?? [])[1];
  expect(savedStep(out)).toBeGreaterThanOrEqual(Number(step.replaceAll(',', '')));
  expect(hidden(out)).toEqual([]);
});

if (existsSync('/dev/full')) {
  test('train goes on where its log is on a full disk', async () => {
    const out = join(root, 'full');
    const { code, output } = await train(['--out', out, ...short], { stdout: '/dev/full' }).ended();
    expect(code, output).toBe(0);
    expect(output).toBe(
      'Nothing more can be printed (ENOSPC: no space left on device, write); the work goes on.\n',
    );
    expect(readdirSync(out)).toEqual(expect.arrayContaining(['model.safetensors', 'run.json']));
  });
}
