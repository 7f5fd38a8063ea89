/** The page's markup, which lies in its rooms: put together, without an id twice; and the words of its glossary. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createLogger, createServer } from 'vite';
import { expect, test } from 'vitest';
import { glossary } from '../../harness/page/glossary/glossary_words';
import { pageRecipes } from '../../harness/page/messages/settings';
import { whole } from '../../harness/text/units';
import { recipes } from '../../src/recipes';
import { parametersOf } from '../../src/unet/config';
import { fragmentPaths, markup } from '../lib/page/markup';

test('every HTML fragment is part of the page, and no id is there twice', async () => {
  const rooms = fileURLToPath(new URL('../../harness/page/', import.meta.url));
  const files = (await readdir(rooms, { recursive: true })).filter((file) => file.endsWith('.html'));
  expect(fragmentPaths.toSorted()).toEqual(files.map((file) => resolve(rooms, file)).toSorted());
  expect(markup).not.toContain('include ./');
  const ids = [...markup.matchAll(/\sid="([^"]*)"/g)].map(([, id]) => id);
  expect(ids.length).toBeGreaterThan(300);
  expect(ids.filter((id, i) => ids.indexOf(id) !== i)).toEqual([]);
});

test('every id that a label or an aria attribute names exists', () => {
  const ids = new Set([...markup.matchAll(/\sid="([^"]*)"/g)].map(([, id]) => id));
  const named = [...markup.matchAll(/\s(?:for|aria-(?:controls|labelledby|describedby)|list)="([^"]*)"/g)];
  const missing = named.flatMap(([, list]) => list.split(' ')).filter((id) => !ids.has(id));
  expect(named.length).toBeGreaterThan(50);
  expect(missing).toEqual([]);
});

test('the development server finds the libraries of the page before a page is open, and warns of nothing', async () => {
  const cacheDir = await mkdtemp(join(tmpdir(), 'optimized-'));
  const complaints: string[] = [];
  const note = (text: string) => complaints.push(text);
  const customLogger = { ...createLogger('silent'), warn: note, warnOnce: note, error: note };
  const server = await createServer({
    ...{
      configFile: fileURLToPath(new URL('../../vite.config.ts', import.meta.url)),
      cacheDir,
      customLogger,
    },
    server: { middlewareMode: true, ws: false },
  });
  try {
    const { scanProcessing, metadata } = server.environments.client.depsOptimizer!;
    await scanProcessing;
    // What is found later makes the server load the page anew, in the middle of a run.
    const found = Object.keys({ ...metadata.discovered, ...metadata.optimized });
    expect(found).toEqual(expect.arrayContaining(['uplot', 'gifenc', 'wgsl_reflect/wgsl_reflect.module.js']));
    // Before a build, as in a fresh clone, the examples' pages import a package that is not there.
    expect(complaints).toEqual([]);
  } finally {
    await server.close();
    await rm(cacheDir, { recursive: true, force: true });
  }
});

test('the word parameter has the numbers of the page’s recipes', () => {
  const numbers = pageRecipes.map((recipe) => parametersOf(recipes[recipe].network).parameters);
  const rounded = numbers.map((all) => {
    const count = all.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b), 0);
    return 10_000 * Math.round(count / 10_000);
  });
  const words = `${whole(Math.min(...rounded))} to ${whole(Math.max(...rounded))}`;
  expect(glossary.parameter).toContain(words);
});
