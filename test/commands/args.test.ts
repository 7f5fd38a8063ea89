import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import {
  defineCommand,
  integer,
  integers,
  number,
  oneOf,
  quoted,
  readFlags,
  text,
  textList,
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
    from: textList('PATH', 'of what'),
  },
  run: async () => 0,
});
const read = (line: string) => readFlags(command, line.split(' ').filter(Boolean));

test.each([
  [
    '--out=a/b --count 3 --rate 1e0 --sizes 8,16,32 --in green --wet',
    { out: 'a/b', count: 3, rate: 1, sizes: [8, 16, 32], in: 'green', wet: true },
  ],
  ['', {}],
  ['--from a --from=b,c', { from: ['a', 'b,c'] }],
  // Before all other flags, also wrong ones.
  ['--nonsense --help', { help: true }],
])('%s is read', (line, flags) => {
  expect(read(line)).toEqual(flags);
});

const meant = (name: string, flag: string) =>
  `paint has no flag ${name}; did you mean --${flag}? See paint --help.`;
test.each<[line: string, facts: string[]]>([
  ['--cuont 3', [meant('--cuont', 'count')]],
  ['--colour 3', ['--colour', 'it has --out, --count, --rate', 'paint --help']],
  // Words that belong to no flag, flags without their value, values for flags that take none.
  ['somewhere', ['"somewhere"', 'flags only', 'put -- before the flags']],
  ['--out', ['--out lacks its value', 'DIR']],
  ['--out=', ['--out is empty']],
  ['--wet=yes', ['--wet takes no value', '"yes"']],
  // Wrong values.
  ['--count 0', ['--count is "0"', 'from 1 to 100', 'whole number']],
  ...['101', '2.5', '0x10'].map((n): [string, string[]] => [`--count ${n}`, [`"${n}"`]]),
  ['--count \u001b[31m', ['"\\u001b[31m"']],
  ['--rate 0', ['"0"', 'from 0.5 to 10']],
  ['--sizes 8,65', ['"8,65"', 'from 1 to 64']],
  ['--in blue', ['"blue"', 'red or green']],
])('%s is refused in one line', (line, facts) => {
  expect(() => read(line)).toThrow(UsageError);
  expect(() => read(line)).toThrow(/^[^\n]{1,300}\.$/);
  for (const fact of facts) expect(() => read(line)).toThrow(fact);
});

test.skipIf(process.platform === 'win32')('words are quoted where a shell would change them', () => {
  for (const word of ['runs/lr=3e-3/checkpoint.safetensors', 'fit', "my run's/a", '$HOME/a b', 'a*', ''])
    expect(execFileSync('sh', ['-c', `printf %s ${quoted(word)}`], { encoding: 'utf8' })).toBe(word);
  expect(quoted('runs/a')).toBe('runs/a');
});
