import { expect, test } from 'vitest';

// A variable, so that TypeScript does not look for its types.
const script = new URL('../../harness/tools/build/plain_words.mjs', import.meta.url).href;
const { findings } = (await import(/* @vite-ignore */ script)) as {
  findings(path: string, text: string): string[];
};

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
