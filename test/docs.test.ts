/** What the documentation shows of examples/ are lines of theirs, which the lanes with a GPU run. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const root = new URL('../', import.meta.url);
const read = (path: string) => readFileSync(new URL(path, root), 'utf8');

/** Lines without what indents all of them. */
function flush(text: string): string {
  const lines = text.trimEnd().split('\n');
  const indents = lines.filter((line) => line.trim()).map((line) => line.search(/\S/));
  return lines.map((line) => line.slice(Math.min(...indents))).join('\n');
}

/** Whether `block` stands in `text` as whole lines that follow each other, wherever they are indented to. */
function hasLines(text: string, block: string): boolean {
  const lines = text.split('\n');
  const { length } = block.split('\n');
  return lines.some((_, i) => flush(lines.slice(i, i + length).join('\n')) === block);
}

const documents = ['docs/embedding.md', 'docs/worker.md'];
const blocks = documents.flatMap((document) =>
  [...read(document).matchAll(/^<!-- (examples\/\S+) -->\n```\w+\n([\s\S]*?)\n```/gm)].map(
    ([, path, block]) => ({
      document,
      path,
      block,
    }),
  ),
);

test('the documentation shows lines of examples', () => {
  expect(blocks.length).toBeGreaterThan(2);
});

test.each(blocks)('$document shows $path as it is', ({ path, block }) => {
  expect(hasLines(read(path), block), block).toBe(true);
});

test('a line that has changed would be noticed', () => {
  expect(hasLines('  a\n    b\n  c', 'a\n  b')).toBe(true);
  expect(hasLines('  a\n    b\n  c', 'a\n  c')).toBe(false);
  expect(hasLines('  a\n   b\n  c', 'a\n  b')).toBe(false);
});
