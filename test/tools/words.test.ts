/**
 * Planted faults, docs/reliability.md and moved.md name tests by words: each word finds one. Titles are read in the sources, and no
 * test runs.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';
import { specs } from '../../harness/specs/lib/registry';
import { filters, type Lane, laneFiles, laneNames } from '../lanes/run';
import { all } from '../mutants/list';

const root = fileURLToPath(new URL('../../', import.meta.url));
const read = (path: string) => readFileSync(`${root}${path}`, 'utf8');

// ---------------------------------------------------------------- titles

/** What a file calls its tests, or its rows of `npm run test:long` and `test:package`. */
interface Titled {
  /** Each as the texts around what a table of cases puts into it. */
  readonly titles: readonly (readonly string[])[];
  /** All strings of the file and names of properties, with those that its tables put into titles. */
  readonly texts: ReadonlySet<string>;
}

/** `test` in `test.each(cases)('…', …)`. */
function calledName(node: ts.Node): string {
  if (ts.isCallExpression(node) || ts.isPropertyAccessExpression(node)) return calledName(node.expression);
  return ts.isIdentifier(node) ? node.text : '';
}

function textsAround(title: ts.Node): string[] {
  const parts = ts.isTemplateExpression(title)
    ? [title.head, ...title.templateSpans.map(({ literal }) => literal)]
    : [title];
  return parts.flatMap((part) =>
    ts.isStringLiteralLike(part) || ts.isTemplateLiteralToken(part)
      ? part.text.split(/%[a-z]|\$[\w.]+/)
      : ['', ''],
  );
}

function titlesIn(path: string, source: string): Titled {
  const isOfRows = !path.endsWith('.test.ts');
  const titles: string[][] = [];
  const texts = new Set<string>();
  const visit = (node: ts.Node, above: readonly string[]): void => {
    let within = above;
    if (ts.isStringLiteralLike(node) || ts.isTemplateLiteralToken(node)) texts.add(node.text);
    if (ts.isObjectLiteralElement(node) && node.name) texts.add(node.name.getText());
    if (isOfRows && ts.isPropertyAssignment(node) && node.name.getText() === 'name')
      titles.push(textsAround(node.initializer));
    if (ts.isCallExpression(node) && node.arguments.length > 1) {
      const called = calledName(node.expression);
      const [first, ...others] = textsAround(node.arguments[0]);
      const whole = [...above.slice(0, -1), `${above.at(-1) ?? ''} ${first}`.trimStart(), ...others];
      if (called === 'describe') within = whole;
      if (called === 'test') titles.push(whole);
    }
    node.forEachChild((child) => visit(child, within));
  };
  visit(ts.createSourceFile(path, source, ts.ScriptTarget.Latest, true), []);
  return { titles, texts };
}

/** What test/engine/emulate.test.ts and test/gpu/kernels.test.ts name their tests after. */
const casesOfKernels = [...specs].flatMap(([name, { kernel, cases }]) =>
  Object.keys(kernel.variants).flatMap((variant) =>
    Object.keys(cases).map((title) => `${name}.${variant}: ${title}`),
  ),
);

const known = new Map<string, Titled>();
function titlesOf(path: string): Titled {
  if (!known.has(path)) known.set(path, titlesIn(path, read(path)));
  return known.get(path)!;
}

/** Whether a title fits, with at most one of the file's texts put into it. */
function hasTitle({ titles, texts }: Titled, fits: (title: string) => boolean): boolean {
  return titles.some(
    (title) =>
      fits(title.join('…')) ||
      title.slice(1).some((_, i) => {
        const [before, after] = [title.slice(0, i + 1), title.slice(i + 1)].map((part) => part.join('…'));
        return [...texts].some((text) => fits(before + text + after));
      }),
  );
}

// ---------------------------------------------------------------- words

/** Words for `npm test` that find nothing in these lanes. */
function missed(words: readonly string[], lanes: readonly Lane[]): string[] {
  const inLanes = new Set(lanes.flatMap(laneFiles));
  const files = filters(words).files.filter((file) => inLanes.has(file));
  return words.filter((word) => {
    const { files: named, pattern } = filters([word]);
    if (!pattern) return !named.some((file) => inLanes.has(file));
    const fits = (title: string) => new RegExp(pattern).test(title);
    const isByKernel = (file: string) => /emulate|gpu.kernels/.test(file);
    return !files.some(
      (file) => hasTitle(titlesOf(file), fits) || (isByKernel(file) && casesOfKernels.some(fits)),
    );
  });
}

/** Words for `npm run test:long` or `test:package` that no row and no group has. */
function missedRows(folder: string, words: readonly string[]): string[] {
  const files = readdirSync(`${root}test/${folder}`).filter((file) => file.endsWith('.ts'));
  const groups = titlesOf(`test/${folder}/main.ts`).texts;
  const hasRow = (word: string) =>
    files.some((file) => hasTitle(titlesOf(`test/${folder}/${file}`), (title) => title.includes(word)));
  return words.filter((word) => !groups.has(word) && !hasRow(word));
}

/** Words of a command that find nothing. */
function missedBy(command: string): string[] {
  const [, script, rest] = /^npm (?:run )?test(:long|:package)? -- (.+)$/.exec(command) ?? [];
  if (!rest) return [];
  const args = [...rest.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(([, a, b, c]) => a ?? b ?? c);
  if (script) return missedRows(script.slice(1), args);
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { lane: { type: 'string' }, thorough: { type: 'boolean' } },
  });
  const lanes = (values.lane?.split(',') as Lane[] | undefined) ?? laneNames;
  return [...lanes.filter((lane) => !laneNames.includes(lane)), ...missed(positionals, lanes)];
}

/** The code in a text, with its line; in moved.md without `npm test -- `. */
const commandsIn = (path: string, text: string) =>
  text.split('\n').flatMap((line, i) =>
    [...line.matchAll(/`([^`]+)`/g)].map(([, code]) => ({
      at: `${path}:${i + 1}`,
      command: path === 'test/lanes/moved.md' && !code.startsWith('npm ') ? `npm test -- ${code}` : code,
    })),
  );

const said = (at: string, words: readonly string[]) =>
  words.map((word) => `${at}: "${word}" finds no test: put the words right, or the title`);

describe('words for npm test', () => {
  test('of planted faults find tests, and begin with a file where the lane has several', () => {
    const isNoFile = (word: string) => !existsSync(`${root}test/${word}.test.ts`);
    const wrong = all.flatMap(({ at, caughtBy: { lane, words } }) =>
      said(at, [...missed(words, [lane]), ...(lane === 'emulate' ? [] : words.slice(0, 1).filter(isNoFile))]),
    );
    expect(wrong).toEqual([]);
  });

  test.each(['docs/reliability.md', 'test/lanes/moved.md'])('of commands in %s find tests', (path) => {
    const commands = commandsIn(path, read(path));
    expect(commands.length).toBeGreaterThan(50);
    expect(commands.flatMap(({ at, command }) => said(at, missedBy(command)))).toEqual([]);
  });
});

describe('a word that finds no test is noticed:', () => {
  test.each([
    ['part of no title', 'npm test -- node/bench "no such title"', 'no such title'],
    [
      'part of a title of another file',
      'npm test -- node/bench "a run that a page kept"',
      'a run that a page kept',
    ],
    ['part of a title of another lane', 'npm test -- --lane emulate "the focus stays"', 'the focus stays'],
    ['a file of another lane', 'npm test -- --lane node page/plan', 'page/plan'],
    ['a lane that there is not', 'npm test -- --lane node,safari node/bench', 'safari'],
    ['a kernel that there is not', 'npm test -- --lane emulate conv4d', 'conv4d'],
    ['a case that there is not', 'npm test -- gpu/kernels "conv2d.tile: no case"', 'conv2d.tile: no case'],
    ['part of no row', "npm run test:long -- rates 'no such row'", 'no such row'],
    ['part of no project', "npm run test:package -- Vite 'no such project'", 'no such project'],
  ])('%s', (_, command, word) => {
    expect(missedBy(command)).toEqual([word]);
  });

  test('a text that a table does not put into a title', () => {
    const source =
      "describe('a door', () => test.each([['red', { key: 1 }]])('that is %s has a $key', () => {}));";
    const has = (word: string) => hasTitle(titlesIn('a.test.ts', source), (title) => title.includes(word));
    expect(
      ['a door that is', 'door that is red', 'has a key', 'that is blue', 'is red has a key'].map(has),
    ).toEqual([true, true, true, false, false]);
  });

  test('with its file and line', () => {
    expect(commandsIn('a.md', 'One\n`npm test` and `npm test -- two`')).toEqual([
      { at: 'a.md:2', command: 'npm test' },
      { at: 'a.md:2', command: 'npm test -- two' },
    ]);
    expect(said('a.md:2', ['two'])).toEqual([expect.stringMatching(/^a\.md:2: "two" finds no test/)]);
  });
});
