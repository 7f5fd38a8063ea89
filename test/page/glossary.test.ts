/** The words that explain themselves: every mark has its explanation, and every explanation its mark. */
import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { glossary, isWord, type Word } from '../../harness/page/shell/glossary_words';
import { markup } from './markup';

const root = new URL('../../', import.meta.url);
const read = (path: string) => readFileSync(new URL(path, root), 'utf8');
const scenes = readdirSync(new URL('harness/page/explain/', root))
  .filter((file) => file.endsWith('.ts'))
  .map((file) => read(`harness/page/explain/${file}`))
  .join('\n');

/** What is marked in the page's markup, and in the prose of the scenes: `{epoch}`, `{epochs|epoch}`. */
const marked = [
  ...[...markup.matchAll(/data-word="([^"]+)"/g)].map(([, word]) => word),
  ...[...scenes.matchAll(/[^$`]\{(?:[\w ]+\|)?([a-z][a-z ]+)\}(?=[^`]*')/g)].map(([, word]) => word),
];

test('all that is marked is explained', () => {
  expect(marked.length).toBeGreaterThan(20);
  expect(marked.filter((word) => !isWord(word))).toEqual([]);
});

test('all that is explained is marked somewhere', () => {
  const words = Object.keys(glossary) as Word[];
  expect(words.filter((word) => !marked.includes(word))).toEqual([]);
});

test.each(Object.entries(glossary))('%s is explained shortly, in whole sentences', (_, meaning) => {
  expect(meaning).toMatch(/^[A-Zz].*[.)]$/);
  expect(meaning.split(' ').length).toBeLessThanOrEqual(45);
});
