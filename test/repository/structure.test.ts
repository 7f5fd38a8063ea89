/** What may import what, as far as biome.json cannot say it. */
import { readdirSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { describe, expect, test } from 'vitest';

/** The text of each script of a folder, by its path there without the ending. */
function sources(of = 'src'): Map<string, string> {
  const folder = new URL(`../../${of}/`, import.meta.url);
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

/** Circles of folders that import from each other; the files beside the folders are one folder. */
function circlesOf(imports: ReadonlyMap<string, readonly string[]>): string[] {
  const folderOf = (file: string) => (file.includes('/') ? file.split('/')[0] : '.');
  const arrows = new Map<string, Set<string>>();
  for (const [file, targets] of imports) {
    const from = folderOf(file);
    const to = targets.map(folderOf).filter((folder) => folder !== from);
    arrows.set(from, new Set([...(arrows.get(from) ?? []), ...to]));
  }
  const reached = (from: string, seen = new Set<string>()): Set<string> => {
    for (const to of arrows.get(from) ?? []) if (!seen.has(to)) reached(to, seen.add(to));
    return seen;
  };
  return [...arrows.keys()].filter((folder) => reached(folder).has(folder)).sort();
}

test.each(['src', 'harness', 'harness/page'])(
  'no folders of %s/ import from each other in a circle',
  (of) => {
    expect(circlesOf(importsOf(sources(of)))).toEqual([]);
  },
);

test('a circle of imports between folders is found', () => {
  const files = new Map([
    ['a/one', "import { two } from '../b/two';\nimport { three } from './three';"],
    ['a/three', ''],
    ['b/two', "import type { Four } from '../c/four';"],
    ['c/four', "import { three } from '../a/three';"],
    ['five', "import { one } from './a/one';"],
  ]);
  expect(circlesOf(importsOf(files))).toEqual(['a', 'b', 'c']);
});

test('the page and its worker import nothing from each other', () => {
  const imports = [...importsOf(sources('harness/page'))];
  for (const [one, other] of [
    ['shell/', 'worker/'],
    ['worker/', 'shell/'],
  ])
    expect(
      imports.filter(([file, to]) => file.startsWith(one) && to.some((path) => path.startsWith(other))),
    ).toEqual([]);
});

test('one file of the page lists what it imports from src/worker beyond the exports of the package', () => {
  const inside = [...importsInto('harness/page', /\/src\/worker\/(?!index')/)];
  expect(inside).toEqual(['worker/door']);
  const hosts = ['src', 'harness'].flatMap((of) =>
    [...sources(of)]
      .filter(([, text]) => /\bimplements SessionHost\b/.test(text))
      .map(([file]) => `${of}/${file}`),
  );
  expect(hosts).toEqual(['src/worker/server']);
});

test('harness/page has only main and policy outside of its folders', () => {
  const loose = [...sources('harness/page').keys()].filter((file) => !file.includes('/'));
  expect(loose).toEqual(['main', 'policy']);
});

/** The files of a folder that import what matches. */
const importsInto = (folder: string, what: RegExp): string[] =>
  [...sources(folder)]
    .filter(([, text]) => [...text.matchAll(/\bfrom '([^']+)'/g)].some(([, path]) => what.test(`${path}'`)))
    .map(([file]) => file);

describe('src/reference/', () => {
  const isReference = (file: string) => file.startsWith('reference/');

  test('imports only types from the kernel launchers, so that the two share no mistakes', () => {
    const launched = [...sources()].filter(
      ([file, text]) => isReference(file) && /^import (?!type\b)[^;]*'\.\.\/kernels\//m.test(text),
    );
    expect(launched.map(([file]) => file)).toEqual([]);
  });

  test('is imported only by its own files and by parts of the check that load late', () => {
    const isLate = (file: string) => isReference(file) || /^trust\/(small|forms)$/.test(file);
    const early = [...sources()].filter(
      ([file, text]) => !isLate(file) && /\bfrom '[^']*\/reference\/\w+'/.test(text),
    );
    expect(early.map(([file]) => file)).toEqual([]);
  });
});
