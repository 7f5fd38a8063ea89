/** A check as files, and the element that errs most. No GPU. */
import { expect, test } from 'vitest';
import type { CheckRow } from '../../harness/run/check';
import {
  type CheckReport,
  checkJson,
  checkMarkdown,
  compileText,
  shareText,
} from '../../harness/run/check_export';

const worst = { tensor: 'output', index: 7, place: ' (c 0, y 2)', expected: 1.25, actual: 1.5, allowed: 1 };
const row: CheckRow = {
  kernel: 'swish',
  variant: 'plain',
  result: 'pass',
  cases: 2,
  share: 0.25,
  inUse: true,
  each: [
    { title: 'one element', shape: 'elements 1', pass: true, share: 0 },
    { title: 'a prime', shape: 'elements 7', pass: true, share: 0.25, worst },
  ],
  shaders: ['swish'],
  compileMilliseconds: 12.34,
};
const nan = { ...worst, actual: Number.NaN };
const failed: CheckRow = {
  ...row,
  kernel: 'adam',
  result: 'fail',
  share: 1e9,
  reason: 'a prime: output: 1 of 7\n  | `got` NaN',
  each: [{ title: 'a prime', shape: 'elements 7', pass: false, share: 1e9, worst: nan }],
};
const skipped: CheckRow = {
  ...row,
  compileMilliseconds: undefined,
  result: 'skipped',
  cases: 0,
  share: 0,
  reason: 'no subgroups',
  each: [],
};
const report: CheckReport = {
  adapter: { vendor: 'mesa', architecture: '', device: '', description: 'a | b', software: true },
  runtime: 'a test',
  date: '2026-01-02T03:04:05.000Z',
  end: 'stopped',
  rows: [row, failed, skipped],
};

test('the JSON of a check report holds every row, and values like NaN as text', () => {
  const { schema, rows, end } = JSON.parse(checkJson(report));
  expect({ schema, end }).toEqual({ schema: 1, end: 'stopped' });
  expect(rows[0]).toEqual(row);
  expect(rows[1].each[0].worst.actual).toBe('NaN');
});

test('the Markdown of a check report has a line for each variant, its worst element, and the failures', () => {
  const text = checkMarkdown(report);
  expect(text).toContain('- 1 passed, 1 failed, 1 not run; stopped before its end.');
  expect(text).toContain('a \\| b (software');
  expect(text).toContain('\n|---|---|---|--:|--:|--:|\n');
  expect(text).toContain(
    '| swish.plain | passed | output\\[7\\] (c 0, y 2): 1.5, expected 1.25, off by 0.250 of 1.00 allowed | 2 | 12 ms | 25% |',
  );
  expect(text).toContain('| swish.plain | not run | no subgroups | 0 |  |  |');
  expect(text).toContain('## adam.plain\n\n    a prime: output: 1 of 7\n      | `got` NaN');
  const widths = text.split('\n').filter((line) => line.startsWith('|'));
  expect(new Set(widths.map((line) => line.replaceAll('\\|', '').split('|').length)).size).toBe(1);
});

test('a check report writes shares of the tolerance, counts and compile times in words', () => {
  expect([0, 0.0001, 0.05, 0.5, 1.5, 1e9].map(shareText)).toEqual([
    'exact',
    '< 0.1%',
    '5.0%',
    '50%',
    '150%',
    'far beyond',
  ]);
  expect([0.04, 9.9, 1234.5].map((ms) => compileText({ ...row, compileMilliseconds: ms }))).toEqual([
    '0.0 ms',
    '9.9 ms',
    '1235 ms',
  ]);
});
