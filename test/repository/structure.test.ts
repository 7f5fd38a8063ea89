/** What may import what, as far as biome.json cannot say it; and where faults are planted. */
import { readdirSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { expect, test } from 'vitest';
import { readList, withFault } from '../faults/list';
import { needs } from '../lib/lanes/run';

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
      const targets = paths.map(([_, a, b]) => posix.join(posix.dirname(file), a ?? b));
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

/** The files of a folder whose text matches. */
const matching = (of: string, what: RegExp) =>
  [...sources(of)].filter(([_, text]) => what.test(text)).map(([file]) => file);

test.each([
  ['shell/', 'worker/'],
  ['worker/', 'shell/'],
])('the page’s %s imports nothing from its %s', (one, other) => {
  const imports = [...importsOf(sources('harness/page'))];
  const wrong = imports.filter(
    ([file, to]) => file.startsWith(one) && to.some((path) => path.startsWith(other)),
  );
  expect(wrong).toEqual([]);
});

test('only the page’s worker imports from src/worker beyond the exports of the package', () => {
  const deep = matching('harness/page', /\bfrom '[^']*\/src\/worker\/(?!index')/);
  expect(deep.filter((file) => !file.startsWith('worker/'))).toEqual([]);
});

test('the calls between two threads know nothing of a session', () => {
  const imports = importsOf(sources()).get('worker/remote')!;
  expect(imports.filter((file) => !file.startsWith('base/'))).toEqual([]);
});

test('harness/page has only main and policy outside of its folders', () => {
  const loose = [...sources('harness/page').keys()].filter((file) => !file.includes('/'));
  expect(loose).toEqual(['main', 'policy']);
});

test('src/reference/ imports only types from the launchers, so that the two share no mistakes, and loads late', () => {
  const isReference = (file: string) => file.startsWith('reference/');
  expect(matching('src', /^import (?!type\b)[^;]*'\.\.\/kernels\//m).filter(isReference)).toEqual([]);
  const isLate = (file: string) => isReference(file) || /^trust\/(small|forms)$/.test(file);
  expect(matching('src', /\bfrom '[^']*\/reference\/\w+'/).filter((file) => !isLate(file))).toEqual([]);
});

test('each fault of test/faults/list.txt fits the text that it is planted in', () => {
  const at = 'test/faults/list.txt';
  for (const fault of readList(at, readFileSync(at, 'utf8')))
    expect(withFault(readFileSync(fault.file, 'utf8'), fault)).toContain(fault.becomes);
});

test('the development container has what `npm test` installs', () => {
  const dockerfile = readFileSync('.devcontainer/Dockerfile', 'utf8');
  const installed = dockerfile.match(/(?<=install -y --no-install-recommends)[^&]*/)![0];
  const packages = Object.values(needs).flatMap((need) => need.packages);
  expect(installed.split(/[\s\\]+/).filter(Boolean)).toEqual(packages.sort());
});
