/** `npm run check` reads texts: each comparison and search finds what it is for. */
import { expect, test } from 'vitest';

/** What a script exports; its path is a variable, so that TypeScript does not look for its types. */
const script = async (name: string): Promise<Record<string, (...given: unknown[]) => string[]>> =>
  import(/* @vite-ignore */ new URL(`../../harness/tools/build/${name}.mjs`, import.meta.url).href);
const { deadLinks, glossaryFaults, workflowFaults, commentFaults } = await script('texts');
const { findings } = await script('plain_words');

test('links to missing files and headings are found', () => {
  const text =
    '# A b, c\n[a](#a-b-c) [b](#a) ![c](none.png) [d](README.md#run-it) [e](README.md#none) `[f](f)` [g](https://x.y)';
  expect(deadLinks('x.md', text)).toEqual(
    ['#a', 'none.png', 'README.md#none'].map((link) => `x.md: the link ${link} leads nowhere`),
  );
});

test('a word that is marked but not explained, explained but not marked, or explained in half sentences is found', () => {
  const glossary = { epoch: 'One pass over all images.', step: 'one batch', seed: 'A number.' };
  expect(glossaryFaults(glossary, '<dfn data-word="epoch">', "say('the {losses|loss} of a {step}')")).toEqual(
    [
      'glossary: "loss" is marked, and not explained',
      'glossary: "seed" is explained, and marked nowhere',
      'glossary: "step" is not explained in whole sentences of 45 words at most',
    ],
  );
});

test('a workflow that publishes another folder, or has too many rights, is found', () => {
  const rules = (workflow: string, base = './') =>
    workflowFaults(workflow, { check: '', build: '' }, { base, build: { outDir: 'dist/page' } }).length;
  const right = `    steps:
      - uses: actions/checkout@v6
      - run: npm ci
      - run: npm run check
      - run: npm run build
          path: dist/page
  deploy:
      pages: write
`;
  expect(rules(right)).toBe(0);
  expect(rules(right, '/')).toBe(1);
  for (const [text, wrong] of [
    ['npm ci', 'npm i'],
    ['run check', 'run checks'],
    ['dist/page', 'dist'],
    ['@v6', '@main'],
    ['steps:', 'contents: write\n    steps:'],
  ])
    expect(rules(right.replace(text, wrong)), wrong).toBe(1);
});

test('a shader without a comment about its work is found', () => {
  expect(commentFaults('a.wgsl', 'enable f16;\n\n// Copies.\nfn main() {}')).toEqual([]);
  expect(commentFaults('a.wgsl', 'fn main() {}')).toHaveLength(1);
});

test('a doc comment that begins with a pronoun is named, with its line', () => {
  const text = 'const a = 1;\n/** Of the run. */\n/**\n * Those of it.\n */\n/** Ofen. */\n// Of a line.\n';
  expect(findings('src/a.ts', text)).toEqual([
    'src/a.ts:2: a doc comment begins with "Of"',
    'src/a.ts:4: a doc comment begins with "Those"',
    'src/a.ts:4: "those of"',
  ]);
});

test('phrases are found in prose, code and titles of tests, also over the end of a line', () => {
  expect(findings('docs/a.md', 'It\nis told. Whoever reads so\nmany pages. Nobodyness')).toEqual([
    'docs/a.md:2: "is told"',
    'docs/a.md:2: "whoever"',
    'docs/a.md:2: "so many"',
  ]);
  expect(findings('src/a.ts', "fail('so long');\n/*\n * like that\n * of it */\n// that\n// of it")).toEqual([
    'src/a.ts:1: "so long"',
    'src/a.ts:3: "that of"',
    'src/a.ts:5: "that of"',
  ]);
  expect(findings('test/a.test.ts', "\ntest('so does one with names', () => {});")).toEqual([
    'test/a.test.ts:2: "so does"',
  ]);
});

test("the page's visible texts are read, too", () => {
  const text = "show('so long');\n/** Shown so long. */\nshow('that of');\n";
  expect(findings('harness/page/shell/a.ts', text)).toEqual([
    'harness/page/shell/a.ts:1: "so long"',
    'harness/page/shell/a.ts:2: "so long"',
    'harness/page/shell/a.ts:3: "that of"',
  ]);
});
