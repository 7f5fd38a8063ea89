import { expect, test } from 'vitest';
import { summary } from '../../harness/bench/statistics';
import { short, skippedLines } from '../../harness/bench/table';
import { explain, foldRepeats } from '../../harness/cli/explain_text';
import { matcher } from '../../harness/run/pattern';
import { duration, megabytes, plural, wrap } from '../../harness/text/units';
import { checkConfig, layersOf } from '../../src/unet/config';
import { defaultVariants } from '../../src/unet/variants';

test('a pattern chooses kernels by a part of the name, with * and commas, in any case', () => {
  const matches = (pattern: string | undefined, name: string) => matcher(pattern)(name);
  expect(matches(undefined, 'anything')).toBe(true);
  expect(matches('conv2d', 'conv2d_grad_kernel.direct down.1')).toBe(true);
  expect(matches('conv2d.', 'conv2d_grad_kernel.direct down.1')).toBe(false);
  expect(matches('GRAD*down.1', 'conv2d_grad_kernel.direct down.1')).toBe(true);
  expect(matches('adam, max_pool.', 'max_pool.plain down.0')).toBe(true);
  expect(matches('', 'adam.plain')).toBe(false);
  expect(matches('(', 'adam.plain')).toBe(false);
});

test('a summary of times has the median, the 10th and the 90th percentile', () => {
  expect(summary([3])).toEqual({ median: 3, p10: 3, p90: 3, n: 1 });
  const { median, p10, p90, n } = summary([11, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  expect({ median, p10, p90, n }).toEqual({ median: 6, p10: 2, p90: 10, n: 11 });
  expect(summary([1, 2]).median).toBe(1.5);
});

test('rows that did not run are listed by reason', () => {
  const rows = ['a', 'b'].map((layer) => ({ kernel: 'k', variant: 'v', layer, reason: 'it is too small' }));
  expect(skippedLines(rows)).toEqual(['not run: k.v at a, b: it is too small']);
  const step = { kernel: 'step', variant: 'breakdown', layer: '', reason: 'no time' };
  expect(skippedLines([step])).toEqual(['not run: training step, breakdown: no time']);
});

test('numbers are rounded, and times are written in seconds, minutes and hours', () => {
  expect([0.012345, 1.2345, 12.345, 1234.5].map(short)).toEqual(['0.0123', '1.23', '12.3', '1,235']);
  const times = [
    [0.04, '0.0 s'],
    [9.96, '10 s'],
    [59.4, '59 s'],
    [59.6, '1 min 0 s'],
    [200, '3 min 20 s'],
    [599.7, '10 min'],
    [2365, '39 min'],
    [3599.7, '1 h 0 min'],
    [7500, '2 h 5 min'],
    [Number.NaN, '–'],
  ] as const;
  for (const [seconds, text] of times) expect(duration(seconds)).toBe(text);
  expect([500, 1.25e6, 167.4e6].map(megabytes)).toEqual(['1 kB', '1.3 MB', '167 MB']);
  expect([0, 1, 1234.5].map((n) => plural(n, 'step'))).toEqual(['0 steps', '1 step', '1,235 steps']);
});

test('wrap breaks a text into lines between words', () => {
  expect(wrap('one two three', 7)).toEqual(['one two', 'three']);
  expect(wrap('one two three', 8, '  ')).toEqual(['one two', '  three']);
  expect(wrap('incomprehensible', 7)).toEqual(['incomprehensible']);
});

test('repeated dispatches are listed once', () => {
  const fold = (letters: string) =>
    foldRepeats([...letters].map((letter) => [letter])).map(({ row, times }) => row[0] + times);
  expect(fold('abc')).toEqual(['a1', 'b1', 'c1']);
  expect(fold('kxyxyxyz')).toEqual(['k1', 'x3', 'y3', 'z1']);
  expect(fold('aab')).toEqual(['a2', 'b1']);
  expect(fold('')).toEqual([]);
});

test('explain describes the tutorial network within its memory budget, and other networks', () => {
  const config = checkConfig();
  const variants = defaultVariants(layersOf(config), 256, { features: new Set(['subgroups']) }, 'software');
  const { summary: text, dispatches, memory } = explain(config, 256, 10_000, variants);
  for (const line of ['down.1  (n, 14, 14, 64)   51,264', 'Total params: 309,057'])
    expect(text).toContain(line);
  expect(dispatches).toContain('adam.plain');
  const [, total] = /Training takes (\d+) MB/.exec(memory)!;
  expect(Number(total)).toBeLessThanOrEqual(220);
  // By tiles, a GPU's weight gradients come in most slices.
  const tiles = Object.fromEntries(
    ['down.1', 'down.2', 'up.0', 'up.1'].flatMap((layer) =>
      ['conv2d', 'conv2d_grad_input', 'conv2d_grad_kernel'].map((kernel) => [`${kernel}/${layer}`, 'tile']),
    ),
  );
  const defaults = defaultVariants(layersOf(config), 256, { features: new Set(['subgroups']) }, 'gpu');
  const tiled = explain(config, 256, 10_000, { ...defaults, ...tiles });
  expect(Number(/Training takes (\d+) MB/.exec(tiled.memory)![1])).toBeLessThanOrEqual(160);
  expect(tiled.dispatches).toContain('30 dispatches');
  for (const { summary: layers, dispatches: list, memory: sizes } of [
    explain(config, 256, 10_000, defaults),
    tiled,
  ])
    for (const line of `${layers}\n${list}\n${sizes}`.split('\n'))
      expect(line.length, line).toBeLessThanOrEqual(120);
  const rgb = checkConfig({ height: 16, width: 24, channels: 3, widths: [4, 8, 8, 16], kernelSize: 3 });
  expect(explain(rgb, 5, 7, {}).summary).toContain('conv 3x3, 3 > 4, swish');
});
