/** The planted faults of `npm run mutants` fit the sources: a list without a check would rot. */
import { describe, expect, test } from 'vitest';
import { all, mutated, readList } from './list';

const root = new URL('../../', import.meta.url);

test('there are at least 60 planted faults, no two of them the same edit', () => {
  expect(all.length).toBeGreaterThanOrEqual(60);
  const edits = all.map(({ file, text, becomes }) => JSON.stringify([file, text, becomes]));
  expect(new Set(edits).size).toBe(all.length);
});

test('each planted fault fits its file', () => {
  const misfits = all.flatMap((mutant) => {
    try {
      mutated(root, mutant);
      return [];
    } catch (error) {
      return [`${mutant.at}: ${(error as Error).message}`];
    }
  });
  expect(misfits).toEqual([]);
});

describe('a planted fault that does not fit is an error', () => {
  const here = { file: 'test/mutants/list.ts', text: 'All planted faults', becomes: 'No fault' };
  test.each([
    ['text that is gone', { text: 'no such text' }, 'has 0 times, not once: no such text'],
    ['text that stands there twice', { text: 'readonly' }, 'times, not once: readonly'],
    ['a file that is gone', { file: 'src/gone.ts' }, 'ENOENT'],
  ])('%s', (_, change, message) => {
    expect(mutated(root, here)).toContain('* No fault: edits');
    expect(() => mutated(root, { ...here, ...change })).toThrow(message);
  });
});

describe('a list of planted faults', () => {
  const list = `# Faults of doors.

[doors]

# Both lines.
no door is shut
src/a.ts | node | gpu/a | a door | shut
- open();
-
-   shut();
+ open();

[keys]

no key
src/b.ts | unit | b
- const key = 1;
`;

  test('is read as faults, each with the line that it begins in', () => {
    expect(readList('a', list)).toEqual([
      {
        group: 'a',
        name: 'doors: no door is shut',
        at: 'test/mutants/a.txt:6',
        file: 'src/a.ts',
        text: 'open();\n\n  shut();',
        becomes: 'open();',
        caughtBy: { lane: 'node', words: ['gpu/a', 'a door', 'shut'] },
      },
      {
        group: 'a',
        name: 'keys: no key',
        at: 'test/mutants/a.txt:15',
        file: 'src/b.ts',
        text: 'const key = 1;',
        becomes: '',
        caughtBy: { lane: 'unit', words: ['b'] },
      },
    ]);
  });

  test.each([
    ['no place', '[doors]', '', '6: "no door is shut" stands before the first [place]'],
    ['an unknown lane', '| unit |', '| units |', '15: "no key" goes on with "src/b.ts | units | b", not'],
    ['no words', ' | b\n', '\n', '15: "no key" goes on with "src/b.ts | unit", not with FILE | LANE | WORDS'],
    ['no empty line', '\n\n[keys]\n', '\n[keys]', '6: "no door is shut" has "[keys]", which begins neither'],
    ['no text', '- const', '+ const', '15: "no key" has no text to change'],
  ])('with %s is an error', (_, from, to, message) => {
    expect(() => readList('a', list.replace(from, to))).toThrow(`test/mutants/a.txt:${message}`);
  });
});
