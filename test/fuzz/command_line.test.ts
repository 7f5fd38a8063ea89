/** The command line: whatever is typed behind a command ends with help, a run, or one line that says what is wrong. */

import { mkdtempSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, expect, test, vi } from 'vitest';
import { type Command, readFlags, UsageError } from '../../harness/cli/args';
import { main } from '../../harness/cli/main';
import { told } from './formats';
import { hostileText } from './hostile';

const folder = mkdtempSync(join(tmpdir(), 'webgpu-diffusion-'));
afterAll(() => rm(folder, { recursive: true }));

const modules = import.meta.glob<Record<string, Command>>('../../harness/cli/commands/*.ts', { eager: true });
const commands = Object.entries(modules).map(([path, module]) => module[/(\w+)\.ts$/.exec(path)![1]]);
const options = { seed: 1, numRuns: 400 };

const value = fc.oneof(
  hostileText,
  fc.constantFrom(
    '0',
    '1',
    '-1',
    '1e9',
    '8',
    '8,8',
    '4,,8',
    'NaN',
    'cosine',
    'cosine,warmup=2',
    'constant,warmup=x',
  ),
  fc.constantFrom(
    'digits',
    'tutorial',
    'mnist',
    'none',
    'a=b=c',
    'conv2d/down.0=direct',
    'conv2d/nope=direct',
    '--',
    '-',
  ),
  fc.integer().map(String),
  fc.double().map(String),
);

/** Of flags that take no whole number. */
const plausible: Readonly<Record<string, readonly string[]>> = {
  schedule: ['cosine', 'constant', 'cosine,warmup=2', 'cosine,floor=2', 'linear'],
  widths: ['8', '8,8', '4,8,8,8,8,8'],
  recipe: ['digits', 'tutorial'],
  variants: ['conv2d/down.0=direct', 'conv2d/nope=direct', 'package.json', folder],
  resume: [join(folder, 'none'), folder, 'package.json'],
  method: ['mix', 'euler', 'heun'],
};

/** What might be typed behind `command`: its flags, others, and their values. */
const typed = ({ flags }: Command) => {
  const flag = fc.oneof(
    { weight: 5, arbitrary: fc.constantFrom(...Object.keys(flags), 'help') },
    hostileText,
  );
  const right = fc
    .constantFrom(...Object.keys(flags))
    .chain(
      (name): fc.Arbitrary<string[]> =>
        flags[name].value === undefined
          ? fc.constant([`--${name}`])
          : fc.constantFrom(...(plausible[name] ?? ['1', '3', '8'])).map((text) => [`--${name}`, text]),
    );
  const word: fc.Arbitrary<string[]> = fc.oneof(
    { weight: 12, arbitrary: right },
    flag.map((name) => [`--${name}`]),
    fc.tuple(flag, value).map(([name, text]) => [`--${name}`, text]),
    fc.tuple(flag, value).map(([name, text]) => [`--${name}=${text}`]),
    value.map((text) => [text]),
  );
  // Nobody can type a zero byte, and Node cannot be given one.
  return fc
    .array(word, { maxLength: 6 })
    .map((words) => words.flat().map((text) => text.replaceAll('\0', '0')));
};

test.each(commands.filter(({ flags }) => Object.keys(flags).length > 0))('the flags of $name', (command) => {
  const seen = { read: 0, refused: 0 };
  fc.assert(
    fc.property(typed(command), (args) => {
      try {
        readFlags(command, args);
        seen.read++;
      } catch (error) {
        if (!(error instanceof UsageError)) throw error;
        told(error.message);
        seen.refused++;
      }
    }),
    options,
  );
  expect(seen.read).toBeGreaterThan(50);
  expect(seen.refused).toBeGreaterThan(50);
});

/** Behind everything that is typed: no command gets as far as a device. */
const ends = {
  train: ['--out', join(folder, 'run'), '--data', join(folder, 'none')],
  sample: ['--out', join(folder, 'x.png'), '--model', join(folder, 'none')],
  evaluate: ['--model', join(folder, 'none')],
};

test.each(Object.entries(ends))('what %s says', async (name, end) => {
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
