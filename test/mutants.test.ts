/** The planted faults of `npm run mutants` fit the sources: a list that nobody keeps would rot. */
import { existsSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { all } from './mutants/list';
import { type Mutant, mutated } from './mutants/mutant';

const root = new URL('../', import.meta.url);

test('there are many of them, no two of which are the same edit', () => {
  expect(all.length).toBeGreaterThanOrEqual(60);
  const edits = all.map(({ mutant: { file, text, becomes } }) => JSON.stringify([file, text, becomes]));
  expect(new Set(edits).size).toBe(all.length);
});

test('each can be planted', () => {
  const misfits = all.flatMap(({ name, mutant }) => {
    try {
      mutated(root, mutant);
      return [];
    } catch (error) {
      return [`${name}: ${(error as Error).message}`];
    }
  });
  expect(misfits).toEqual([]);
});

describe('an edit that does not fit is an error', () => {
  const here: Mutant = {
    file: 'test/mutants/mutant.ts',
    text: 'A planted fault',
    becomes: 'No fault',
    caughtBy: { lane: 'unit', words: [] },
  };
  test.each([
    ['text that is gone', { text: 'no such text' }, 'has 0 times, not once: no such text'],
    ['text that stands there twice', { text: 'readonly' }, 'times, not once: readonly'],
    ['a file that is gone', { file: 'src/gone.ts' }, 'ENOENT'],
  ])('%s', (_, change, message) => {
    expect(mutated(root, here)).toContain('/** No fault: an edit');
    expect(() => mutated(root, { ...here, ...change })).toThrow(message);
  });
});

test('each word names a kernel, a test file, or something in a title of one', () => {
  for (const {
    name,
    mutant: { caughtBy },
  } of all) {
    expect(caughtBy.words.length, name).toBeGreaterThan(0);
    const file = `${caughtBy.words[0]}.test.ts`;
    const isFile = existsSync(new URL(file, new URL('test/', root)));
    expect(isFile || caughtBy.lane === 'emulate', `${name}: ${file}`).toBe(true);
  }
});
