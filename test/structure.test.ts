/** What may import what, as far as biome.json cannot say it. */
import { readdirSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { describe, expect, test } from 'vitest';

/** The text of each script of a folder, by its path there without the ending. */
function sources(of = 'src'): Map<string, string> {
  const folder = new URL(`../${of}/`, import.meta.url);
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((file) => file.replaceAll('\\', '/'))
    .filter((file) => /\.m?[jt]s$/.test(file));
  return new Map(
    files.map((file) => [file.replace(/\.m?[jt]s$/, ''), readFileSync(new URL(file, folder), 'utf8')]),
  );
}

/** The files that each file imports or exports from. */
function importsOf(files: ReadonlyMap<string, string>): Map<string, string[]> {
  return new Map(
    [...files].map(([file, text]) => {
      const paths = [...text.matchAll(/\bfrom '(\.[^']+)'|\bimport\('(\.[^']+)'\)/g)];
      const targets = paths.map(([, a, b]) => posix.join(posix.dirname(file), a ?? b));
      return [file, targets.filter((target) => files.has(target))];
    }),
  );
}

/** Pairs of folders that import from each other; the files beside the folders are one folder. */
function mutualFolders(imports: ReadonlyMap<string, readonly string[]>): string[] {
  const folderOf = (file: string) => (file.includes('/') ? file.split('/')[0] : '.');
  const arrows = new Set(
    [...imports].flatMap(([file, targets]) =>
      targets.map((target) => `${folderOf(file)} ${folderOf(target)}`),
    ),
  );
  return [...arrows].filter((arrow) => {
    const [from, to] = arrow.split(' ');
    return from < to && arrows.has(`${to} ${from}`);
  });
}

test('no two folders of src/ import from each other', () => {
  expect(mutualFolders(importsOf(sources()))).toEqual([]);
});

test('such folders would be found', () => {
  const files = new Map([
    ['a/one', "import { two } from '../b/two';\nimport { three } from './three';"],
    ['a/three', ''],
    ['b/two', "import type { Three } from '../a/three';"],
    ['four', "import { one } from './a/one';"],
  ]);
  expect(mutualFolders(importsOf(files))).toEqual(['a b']);
});

test('the page is a guest of the worker door: one file lists what it takes beyond what the package exports', () => {
  const inside = [...importsInto('harness/page', /\/src\/worker\/(?!index')/)];
  expect(inside).toEqual(['worker/door']);
  const hosts = ['src', 'harness'].flatMap((of) =>
    [...sources(of)]
      .filter(([, text]) => /\bimplements SessionHost\b/.test(text))
      .map(([file]) => `${of}/${file}`),
  );
  expect(hosts).toEqual(['src/worker/server']);
});

/** Imports of the page from one room to another. Each takes of `shell` what it wants, and of `worker` types: what is asked of it, and answered. */
function crossings(files: ReadonlyMap<string, string>): string[] {
  const roomOf = (file: string) => (file.includes('/') ? file.split('/')[0] : '.');
  return [...files].flatMap(([file, text]) => {
    const room = roomOf(file);
    if (room === '.') return []; // main.ts connects the rooms
    const imports = text.matchAll(
      /\b(?:import|export)\b(\s+type\b)?[^;'"]*?\bfrom '(\.[^']+)'|\bimport\('(\.[^']+)'\)/g,
    );
    return [...imports].flatMap(([, type, path, late]) => {
      const target = posix.join(posix.dirname(file), path ?? late);
      const other = roomOf(target);
      const allowed = [room, 'shell', ...(type ? ['worker'] : [])];
      return files.has(target) && !allowed.includes(other) ? [`${file} imports ${target}`] : [];
    });
  });
}

test('the page has rooms, of which none imports from another but of the shell', () => {
  const files = sources('harness/page');
  expect(crossings(files)).toEqual([]);
  expect([...files.keys()].filter((file) => !file.includes('/'))).toEqual(['main', 'policy']);
});

test('an import from room to room would be found', () => {
  const files = new Map([
    ['main', "import { make } from './make/make';"],
    ['make/make', "import type { Draw } from '../draw/draw';\nimport { app } from '../shell/app';"],
    ['draw/draw', "import type {\n  Asked,\n} from '../worker/asked';\nimport { main } from '../main';"],
    ['shell/app', "const make = () => import('../make/make');\nexport { asked } from '../worker/asked';"],
    ['worker/asked', "import { app } from '../shell/app';\nexport { draw } from '../draw/draw';"],
  ]);
  expect(crossings(files)).toEqual([
    'make/make imports draw/draw',
    'draw/draw imports main',
    'shell/app imports make/make',
    'shell/app imports worker/asked',
    'worker/asked imports draw/draw',
  ]);
});

/** The files of a folder that import what matches. */
const importsInto = (folder: string, what: RegExp): string[] =>
  [...sources(folder)]
    .filter(([, text]) => [...text.matchAll(/\bfrom '([^']+)'/g)].some(([, path]) => what.test(`${path}'`)))
    .map(([file]) => file);

describe('src/reference/', () => {
  const isReference = (file: string) => file.startsWith('reference/');

  test('has of the launchers the types alone: what both compute in one way, both compute wrongly', () => {
    const launched = [...sources()].filter(
      ([file, text]) => isReference(file) && /^import (?!type\b)[^;]*'\.\.\/kernels\//m.test(text),
    );
    expect(launched.map(([file]) => file)).toEqual([]);
  });

  test('is imported by nobody else, unless late, as is all of the check', () => {
    const isLate = (file: string) => isReference(file) || /^checking\/(check_ops|one_form)$/.test(file);
    const early = [...sources()].filter(
      ([file, text]) => !isLate(file) && /\bfrom '[^']*\/reference\/\w+'/.test(text),
    );
    expect(early.map(([file]) => file)).toEqual([]);
  });
});
