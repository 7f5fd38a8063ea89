import { execFileSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import {
  defineCommand,
  helpOf,
  integer,
  integers,
  number,
  oneOf,
  quoted,
  readFlags,
  text,
  texts,
  toggle,
  UsageError,
} from '../../harness/cli/args';

const command = defineCommand({
  name: 'paint',
  summary: 'Paints.',
  usage: '--out DIR [flags]',
  flags: {
    out: text('DIR', 'where to'),
    count: integer('N', 'how many', 1, 100),
    rate: number('X', 'how fast\n(second line)', 0.5, 10),
    sizes: integers('8,16', 'how large', 1, 64),
    in: oneOf('which', 'red', 'green'),
    wet: toggle('still'),
    from: texts('PATH', 'of what'),
  },
  run: async () => 0,
});

/** Expects a usage error that holds every one of `facts`, in one line. */
function refused(args: string, ...facts: string[]): void {
  expect(() => readFlags(command, args.split(' ').filter(Boolean))).toThrow(UsageError);
  try {
    readFlags(command, args.split(' ').filter(Boolean));
  } catch (error) {
    const { message } = error as Error;
    for (const fact of facts) expect(message).toContain(fact);
    expect(message).not.toContain('\n');
    expect(message).toMatch(/\.$/);
  }
}

describe('readFlags', () => {
  test('reads every kind of flag, with a space or with = before its value', () => {
    const args = '--out=a/b --count 3 --rate 1e0 --sizes 8,16,32 --in green --wet'.split(' ');
    expect(readFlags(command, args)).toEqual({
      out: 'a/b',
      count: 3,
      rate: 1,
      sizes: [8, 16, 32],
      in: 'green',
      wet: true,
    });
    expect(readFlags(command, [])).toEqual({});
    expect(readFlags(command, ['--out', '-'])).toEqual({ out: '-' });
    expect(readFlags(command, ['--from', 'a', '--from=b,c'])).toEqual({ from: ['a', 'b,c'] });
  });

  test('takes --help and -h before all other flags, also wrong ones', () => {
    expect(readFlags(command, ['--nonsense', '--help'])).toEqual({ help: true });
    expect(readFlags(command, ['-h'])).toEqual({ help: true });
  });

  test('refuses an unknown flag and names the flag that was meant, or lists the known flags', () => {
    for (const [given, meant] of [
      ['--cuont 3', 'count'],
      ['--count-', 'count'],
      ['--raet=1', 'rate'],
      ['--size', 'sizes'],
    ]) {
      const name = given.split(/[ =]/)[0];
      refused(given, `paint has no flag ${name}; did you mean --${meant}? See paint --help.`);
    }
    refused('--colour 3', '--colour', 'it has --out, --count, --rate', 'paint --help');
    refused('-x', '-x', '--out');
    refused('--no-wet', '--no-wet');
    refused('--constructor', '--constructor');
  });

  test('refuses words that belong to no flag', () => {
    refused('somewhere', '"somewhere"', 'flags only', 'put -- before the flags');
    refused('--wet somewhere', '"somewhere"');
    refused('-- --wet', '"--wet"');
  });

  test('refuses a flag without its value, and a value for a flag that takes none', () => {
    refused('--out', '--out lacks its value', 'DIR');
    refused('--out --wet', '--out lacks its value');
    refused('--out=', '--out is empty');
    refused('--wet=yes', '--wet takes no value', '"yes"');
  });

  test.each([
    ['--count 0', '--count is "0"', 'from 1 to 100'],
    ['--count 101', '"101"'],
    ['--count -3', '"-3"', 'whole number'],
    ['--count 2.5', '"2.5"'],
    ['--count 1e1', '"1e1"'],
    ['--count 0x10', '"0x10"'],
    ['--count ten', '"ten"'],
    ['--count Infinity', '"Infinity"'],
    ['--rate 0', '"0"', 'from 0.5 to 10'],
    ['--rate NaN', '"NaN"'],
    ['--rate 1,5', '"1,5"'],
    ['--sizes 8,', '"8,"', '8,16'],
    ['--sizes 8,65', '"8,65"', 'from 1 to 64'],
    ['--sizes ,', '","'],
    ['--sizes 8;16', '"8;16"'],
    ['--in blue', '"blue"', 'red, green'],
  ])('refuses %s and names the wrong value', (args, ...facts) => refused(args, ...facts));

  test('quotes control characters in its errors', () => {
    expect(() => readFlags(command, ['--count', '\u001b[31m'])).toThrow('"\\u001b[31m"');
    expect(() => readFlags(command, ['x'.repeat(5000)])).toThrow(/.{0,300}/);
  });
});

test('the help of a command lists every flag with the values that it takes', () => {
  const help = helpOf(command);
  expect(help).toContain('webgpu-diffusion paint --out DIR [flags]');
  for (const line of ['--out DIR       where to', '--in red|green  which', '--wet           still'])
    expect(help).toContain(line);
  expect(help).toContain('  --rate X        how fast\n                  (second line)\n');
  expect(Math.max(...help.split('\n').map((line) => line.length))).toBeLessThan(120);
});

test.skipIf(process.platform === 'win32')('words are quoted where a shell would change them', () => {
  for (const word of ['runs/lr=3e-3/checkpoint.safetensors', 'fit', "my run's/a", '$HOME/a b', 'a*', ''])
    expect(execFileSync('sh', ['-c', `printf %s ${quoted(word)}`], { encoding: 'utf8' })).toBe(word);
  expect(quoted('runs/a')).toBe('runs/a');
});
