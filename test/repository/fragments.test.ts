/** The page's markup, which lies in its rooms: put together, without an id twice; and the words of its glossary. */
import { readdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { glossary } from '../../harness/page/glossary/glossary_words';
import { pageRecipes } from '../../harness/page/messages/settings';
import { whole } from '../../harness/text/units';
import { recipes } from '../../src/recipes';
import { listParameters } from '../../src/unet/config';
import { fragmentPaths, markup } from '../lib/page/markup';

test('every HTML fragment is part of the page, and no id is there twice', async () => {
  const rooms = fileURLToPath(new URL('../../harness/page/', import.meta.url));
  const files = (await readdir(rooms, { recursive: true })).filter((file) => file.endsWith('.html'));
  expect(fragmentPaths.toSorted()).toEqual(files.map((file) => resolve(rooms, file)).toSorted());
  expect(markup).not.toContain('include ./');
  const ids = [...markup.matchAll(/\sid="([^"]*)"/g)].map(([_, id]) => id);
  expect(ids.length).toBeGreaterThan(300);
  expect(ids.filter((id, i) => ids.indexOf(id) !== i)).toEqual([]);
});

test('every id that a label or an aria attribute names exists', () => {
  const ids = new Set([...markup.matchAll(/\sid="([^"]*)"/g)].map(([_, id]) => id));
  const named = [...markup.matchAll(/\s(?:for|aria-(?:controls|labelledby|describedby)|list)="([^"]*)"/g)];
  const missing = named.flatMap(([_, list]) => list.split(' ')).filter((id) => !ids.has(id));
  expect(named.length).toBeGreaterThan(50);
  expect(missing).toEqual([]);
});

test('the word parameter has the numbers of the page’s recipes', () => {
  const numbers = pageRecipes.map((recipe) => listParameters(recipes[recipe].network).parameters);
  const rounded = numbers.map((all) => {
    const count = all.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b), 0);
    return 10_000 * Math.round(count / 10_000);
  });
  const words = `${whole(Math.min(...rounded))} to ${whole(Math.max(...rounded))}`;
  expect(glossary.parameter).toContain(words);
});
