/** The command line in the process of the tests, which is faster than in one of its own. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, vi } from 'vitest';
import { main } from '../../harness/cli/main';
import { sharedSource } from './gpu';
import { temporaryFolder } from './system';

/** What a command that reaches no GPU ends with: its exit code, and what it prints. */
export async function typed(...args: string[]) {
  const said = { out: '', err: '', output: '' };
  const to = (stream: 'out' | 'err') => (text: string | Uint8Array) => {
    said[stream] += text;
    said.output += text;
    return true;
  };
  const lines =
    (write: (text: string) => unknown) =>
    (...text: unknown[]) =>
      void write(`${text.join(' ')}\n`);
  const spies = [
    vi.spyOn(console, 'log').mockImplementation(lines(to('out'))),
    ...(['warn', 'error'] as const).map((name) =>
      vi.spyOn(console, name).mockImplementation(lines(to('err'))),
    ),
    // Node's console would write to these, but vitest's does not.
    vi.spyOn(process.stdout, 'write').mockImplementation(to('out')),
    vi.spyOn(process.stderr, 'write').mockImplementation(to('err')),
  ];
  try {
    const code = await main(args);
    return { code, ...said };
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}

/** The same on the device of the tests, as a command in a process of its own would compile everything. */
export async function runHere(...args: string[]) {
  const { gpu } = navigator;
  // Defines it anew: as another test leaves it, it may not be assigned to.
  const give = (value: GPU) => Object.defineProperty(navigator, 'gpu', { value, configurable: true });
  give(await sharedSource());
  try {
    return await typed(...args);
  } finally {
    give(gpu);
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
