/**
 * What users type: behind a command it ends with help, a run, or one line that says what is wrong; behind the question mark of the page's
 * address with legal settings, and notices of what was left out.
 */
import { mkdtempSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, expect, test, vi } from 'vitest';
import { main } from '../../../harness/cli/main';
import { openAt, query } from './address';
import { told } from './formats';
import { commands, read, typed } from './typed';

const folder = mkdtempSync(join(tmpdir(), 'webgpu-diffusion-'));
afterAll(() => rm(folder, { recursive: true }));

const options = { seed: 1, numRuns: 400 };

test.each(commands)('any flags of $name are read, or refused in one line', (command) => {
  const seen = { read: 0, refused: 0 };
  fc.assert(
    fc.property(typed(command), (args) => {
      seen[read(command, args)]++;
    }),
    options,
  );
  expect(Math.min(seen.read, seen.refused)).toBeGreaterThan(50);
});

/** Behind everything that is typed: no command gets as far as a device. */
const ends = {
  train: ['--out', join(folder, 'run'), '--data', join(folder, 'none')],
  sample: ['--out', join(folder, 'x.png'), '--model', join(folder, 'none')],
  evaluate: ['--model', join(folder, 'none')],
};

test.each(Object.entries(ends))('any command line of %s ends in one clean message', async (name, end) => {
  const command = commands.find((one) => one.name === name)!;
  const said: string[] = [];
  /** 1 for files that are not there, 2 for flags that make no sense. */
  const codes = { 1: 0, 2: 0 };
  vi.spyOn(console, 'error').mockImplementation((text) => void said.push(text));
  vi.spyOn(console, 'log').mockImplementation(() => {});
  try {
    await fc.assert(
      fc.asyncProperty(typed(command), async (args) => {
        said.length = 0;
        const code = await main([name, ...args, ...end]);
        if (code === 0 && args.some((arg) => arg === '--help' || arg === '-h')) return;
        if (code !== 1 && code !== 2) throw new Error(`It ended with ${code}: ${said}`);
        if (said.length !== 1) throw new Error(`${said.length} messages: ${said}`);
        codes[code]++;
        if (/\n +at /.test(told(said[0]))) throw new Error(`A stack: ${said[0]}`);
      }),
      options,
    );
  } finally {
    vi.restoreAllMocks();
  }
  expect(Math.min(codes[1], codes[2])).toBeGreaterThan(30);
  expect(await readdir(folder)).toEqual([]);
});

test('the page opens at any address with legal settings, and names what it left out', () => {
  let set = 0;
  fc.assert(
    fc.property(query, (text) => {
      if (openAt(text)) set++;
    }),
    { seed: 1, numRuns: 500 },
  );
  expect(set).toBeGreaterThan(20);
});
