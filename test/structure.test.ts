/** The house rules: files and functions small enough to read at a sitting, no import circles (types included), and what may import what. */
import { readdirSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';

const MOST_LINES = 600;
const MOST_LINES_OF_FUNCTION = 60;
const MOST_LINES_OF_PAGE_FUNCTION = 80;

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

/** Circles: groups of files each of which is reached from each other. */
function circles(imports: ReadonlyMap<string, readonly string[]>): string[][] {
  const reached = new Map(
    [...imports.keys()].map((file) => {
      const seen = new Set<string>();
      const queue = [...(imports.get(file) ?? [])];
      for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
        if (seen.has(next)) continue;
        seen.add(next);
        queue.push(...(imports.get(next) ?? []));
      }
      return [file, seen];
    }),
  );
  const inCircles = [...reached].filter(([file, seen]) => seen.has(file)).map(([file]) => file);
  const groups = inCircles.map((file) =>
    inCircles.filter((other) => reached.get(file)?.has(other) && reached.get(other)?.has(file)),
  );
  return [...new Map(groups.map((group) => [group.join(), group])).values()];
}

test.each(['src', 'harness/page'])('no file of %s/ is in an import circle', (folder) => {
  const imports = importsOf(sources(folder));
  expect([...imports.values()].flat().length).toBeGreaterThan(imports.size);
  expect(circles(imports)).toEqual([]);
});

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

test('a circle would be found', () => {
  const files = new Map([
    ['a/one', "import type { Two } from './two';"],
    ['a/two', "export {\n  three,\n} from '../three';"],
    ['three', "import { one } from './a/one';\nimport { four } from './four';"],
    ['four', "import { readFileSync } from 'node:fs';"],
  ]);
  expect(circles(importsOf(files))).toEqual([['a/one', 'a/two', 'three']]);
});

test(`no file of src/ has more than ${MOST_LINES} lines`, () => {
  const long = [...sources()].map(([file, text]) => [file, text.trimEnd().split('\n').length] as const);
  expect(long.filter(([, lines]) => lines > MOST_LINES)).toEqual([]);
});

/** `file: name` and the lines of each function that is longer than `most`; what is inside another counts with it, too. */
function longFunctions(files: ReadonlyMap<string, string>, most: number): [string, number][] {
  return [...files].flatMap(([file, text]) => {
    const found: [string, number][] = [];
    const source = ts.createSourceFile(`${file}.ts`, text, ts.ScriptTarget.Latest, true);
    const lineOf = (at: number) => source.getLineAndCharacterOfPosition(at).line;
    const visit = (node: ts.Node, name: string) => {
      const named = ts.isVariableDeclaration(node) || ts.isFunctionLike(node) ? node.name : undefined;
      const own = named?.getText() ?? name;
      if (ts.isFunctionLike(node)) {
        const lines = lineOf(node.end) - lineOf(node.getStart()) + 1;
        if (lines > most) found.push([`${file}: ${own}`, lines]);
      }
      ts.forEachChild(node, (child) => visit(child, own));
    };
    visit(source, 'a function');
    return found;
  });
}

test('a long function would be found', () => {
  const lines = (n: number) => '\n'.repeat(n - 1);
  const text = `const one = () => {${lines(3)}};\nclass Two { three() {${lines(4)}} }\nfunction four() {${lines(2)}}`;
  expect(longFunctions(new Map([['a', text]]), 2)).toEqual([
    ['a: one', 3],
    ['a: three', 4],
  ]);
  expect(longFunctions(new Map([['a', text]]), 4)).toEqual([]);
});

test(`no function of src/ has more than ${MOST_LINES_OF_FUNCTION} lines`, () => {
  expect(longFunctions(sources(), MOST_LINES_OF_FUNCTION)).toEqual([]);
});

test(`no function of the page has more than ${MOST_LINES_OF_PAGE_FUNCTION} lines`, () => {
  const long = longFunctions(sources('harness/page'), MOST_LINES_OF_PAGE_FUNCTION);
  expect(long).toEqual([]);
});

test('nothing of src/ comes from test/ or harness/', () => {
  const astray = [...sources()].filter(([, text]) => /['"](\.\.\/)+(test|harness)\//.test(text));
  expect(astray.map(([file]) => file)).toEqual([]);
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

test('nothing outside test/ comes from test/', () => {
  const folders = ['harness', 'shaders', 'examples'];
  const astray = folders.flatMap((of) =>
    [...sources(of)].filter(([, text]) => /['"](\.\.\/)+test\//.test(text)).map(([file]) => `${of}/${file}`),
  );
  const config = readFileSync(new URL('../vite.config.ts', import.meta.url), 'utf8');
  expect([...astray, ...(/'\.\/test\//.test(config) ? ['vite.config.ts'] : [])]).toEqual([]);
});

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
