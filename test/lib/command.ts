/** The command line in the process and on the device of the tests: as a user starts it, it takes two processes, and compiles everything. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, vi } from 'vitest';
import { main } from '../../harness/cli/main';
import { sharedSource } from './gpu';
import { temporaryFolder } from './system';

/** Defines it anew: as another test leaves it, it may not be assigned to. */
const give = (gpu: GPU) => Object.defineProperty(navigator, 'gpu', { value: gpu, configurable: true });

/** Its exit code, and what it says. */
export async function runHere(...args: string[]): Promise<{ code: number; output: string }> {
  let output = '';
  const { gpu } = navigator;
  const source = await sharedSource();
  const spies = [
    ...(['log', 'warn', 'error'] as const).map((name) =>
      vi.spyOn(console, name).mockImplementation((...text) => {
        output += `${text.join(' ')}\n`;
      }),
    ),
    // Node's console would write to these, but vitest's does not.
    ...[process.stdout, process.stderr].map((stream) =>
      vi.spyOn(stream, 'write').mockImplementation((text) => {
        output += text;
        return true;
      }),
    ),
  ];
  give(source);
  try {
    return { code: await main(args), output };
  } finally {
    give(gpu);
    for (const spy of spies) spy.mockRestore();
  }
}

/** What it says where it succeeds. */
export async function succeed(...args: string[]): Promise<string> {
  const { code, output } = await runHere(...args);
  expect(code, output).toBe(0);
  return output;
}

/** A folder for the tests of a file, and the command's cache in it. */
export function ownFolder(): string {
  const folder = temporaryFolder(afterAll);
  vi.stubEnv('WEBGPU_DIFFUSION_CACHE', join(folder, 'cache'));
  afterAll(() => vi.unstubAllEnvs());
  return folder;
}

/** Kernels of 3x3 compile in a third of the time. */
export const narrow = '--widths 4 --kernel-size 3'.split(' ');

/** What a run has written in its folder: its report, and the lines of its losses. */
export const reportIn = (out: string) => JSON.parse(readFileSync(join(out, 'run.json'), 'utf8'));
export const lossesIn = (out: string) => readFileSync(join(out, 'losses.csv'), 'utf8').trim().split('\n');
