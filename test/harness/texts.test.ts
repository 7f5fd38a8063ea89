/** `npm run check` compares texts: each comparison finds what it is for. */
import { expect, test } from 'vitest';

// A variable, so that TypeScript does not look for its types.
const script = new URL('../../harness/tools/build/texts.mjs', import.meta.url).href;
const { deadLinks, glossaryFaults, workflowFaults, commentFaults } = (await import(
  /* @vite-ignore */ script
)) as Record<string, (...given: unknown[]) => string[]>;

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
