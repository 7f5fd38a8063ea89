/** What the bench makes of its measurements: counts, tables, files, comparisons. No GPU. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { compare, comparisonTable } from '../../harness/bench/compare';
import { rowsToJson, toCsv, toJson, toMarkdown } from '../../harness/bench/export';
import { convInsideFlops, insideFlops, tapsInside } from '../../harness/bench/inside';
import { parseResult } from '../../harness/bench/read';
import {
  addEvent,
  type BenchEvent,
  type BenchHead,
  type BenchResult,
  type BenchRow,
  type BenchTotal,
  breakdownOf,
  copyRate,
  SCHEMA,
  type SweepPoint,
} from '../../harness/bench/result';
import { NARROW, rooflineSvg } from '../../harness/bench/roofline';
import { convolutionsOf, listEntries } from '../../harness/bench/rows';
import { usedFirst } from '../../harness/bench/run';
import { foretell, placesOf } from '../../harness/bench/sweep';
import {
  benchTables,
  caveats,
  headLines,
  isInUse,
  measuredText,
  rowCells,
  textTable,
} from '../../harness/bench/table';
import { stepOps } from '../../harness/run/in_use';
import { changesOf, type NetworkChoice } from '../../harness/run/network';
import { specs } from '../../harness/specs/lib/registry';
import { EngineError } from '../../src/base/errors';
import { convFlops } from '../../src/kernels/conv2d';
import type { ConvShape } from '../../src/plan/conv_shape';

const times = (median: number, spread = 0.1) => ({
  median,
  p10: median * (1 - spread),
  p90: median * (1 + spread),
  n: 5,
});
const total = (ms: number): BenchTotal => ({
  batch: 4,
  ms: times(ms),
  imagesPerSecond: 4000 / ms,
  gflops: 100 / ms,
  insideGflops: 80 / ms,
  timer: 'wall clock',
  variants: { 'conv2d/down.1': 'winograd4' },
});
const head: BenchHead = {
  schema: SCHEMA,
  adapter: { vendor: 'mesa', architecture: '', device: '', description: 'llvmpipe, "quick"', software: true },
  runtime: 'a test',
  date: '2026-01-02T03:04:05.000Z',
  batch: 4,
  budgetSeconds: 60,
  timer: { kind: 'timestamp-query', resolutionMs: 1e-6 },
  peak: {
    gflops: 100,
    gbps: 10,
    copies: [
      { bytes: 2 ** 20, gbps: 40 },
      { bytes: 2 ** 27, gbps: 10 },
    ],
  },
};
const row: BenchRow = {
  kernel: 'conv2d',
  variant: 'direct',
  layer: 'down.1',
  batch: 4,
  ms: times(2),
  gflops: 50,
  insideGflops: 40,
  gbps: 1,
  shareOfPeak: 0.4,
  check: { pass: true, share: 0.1 },
};
const failed: BenchRow = {
  ...row,
  kernel: 'mse',
  ms: null,
  gflops: null,
  insideGflops: null,
  gbps: null,
  shareOfPeak: null,
  check: { pass: false, share: 7, failure: 'grad: 3 of 9 elements\nare | off' },
};
const op = (kernel: string, ms: number) => ({ kernel, variant: 'plain', layer: 'down.1', ms: times(ms) });
const ops = [op('conv2d', 3), op('swish', 1), op('conv2d', 3), op('conv2d_grad_input', 1)];
const point: SweepPoint = {
  axis: 'batch',
  batch: 4,
  size: 28,
  step: { ...total(8), msPerImage: 2, psPerMultiplyAdd: 200 },
  forward: { ...total(2), msPerImage: 0.5, psPerMultiplyAdd: 50 },
};
const events: BenchEvent[] = [
  { kind: 'progress', done: 0, total: 3, title: 'peaks' },
  { kind: 'head', head },
  { kind: 'total', name: 'step', total: total(10) },
  { kind: 'breakdown', name: 'step', breakdown: breakdownOf(ops, total(10)) },
  { kind: 'point', point },
  { kind: 'point', point: { ...point, batch: 1024, step: null, forward: null, reason: 'too large' } },
  { kind: 'row', row },
  { kind: 'row', row: failed },
  { kind: 'skipped', row: { kernel: 'adam', variant: 'plain', layer: 'all', reason: 'no time' } },
  { kind: 'end', end: 'budget', gflopsAtEnd: 100 },
];
const resultOf = (from: readonly BenchEvent[]) =>
  from.reduce<BenchResult | undefined>((result, event) => addEvent(result, event), undefined);
const result = resultOf(events)!;

describe('convolution taps inside the image', () => {
  /** Every output, every tap. */
  const counted = (length: number, kernelSize: number) => {
    let inside = 0;
    for (let x = 0; x < length; x++)
      for (let tap = 0; tap < kernelSize; tap++) {
        const at = x + tap - (kernelSize - 1) / 2;
        if (at >= 0 && at < length) inside++;
      }
    return inside;
  };

  test('are counted by a closed form that agrees with counting one by one', () => {
    for (let length = 1; length <= 30; length++)
      for (const kernelSize of [1, 3, 5, 7, 11, 31])
        expect(tapsInside(length, kernelSize), `${length}, ${kernelSize}`).toBe(counted(length, kernelSize));
  });

  test('make up the shares of the tutorial’s layers that docs/performance.md states', () => {
    const share = (side: number) => {
      const shape = { batch: 4, height: side, width: side, inChannels: 3, outChannels: 8, kernelSize: 5 };
      return `${((100 * convInsideFlops(shape)) / convFlops(shape)).toFixed(1)}%`;
    };
    expect([28, 14, 7].map(share)).toEqual(['91.6%', '83.6%', '68.7%']);
  });

  test('lower the counted work of convolutions, and of no other kernel', () => {
    for (const [name, { kernel, bench }] of specs) {
      for (const [layer, shape] of Object.entries(bench(4))) {
        const { flops } = kernel.cost(shape);
        const inside = insideFlops(name, shape, flops);
        if (name.startsWith('conv2d')) expect(inside / flops, `${name} ${layer}`).toBeCloseTo(0.8, 0);
        if (name.startsWith('conv2d')) expect(inside, `${name} ${layer}`).toBeLessThan(flops);
        else expect(inside, `${name} ${layer}`).toBe(flops);
      }
    }
  });
});

describe('a bench result', () => {
  test('is built event by event, and is whole enough to show after its first event', () => {
    expect(resultOf(events.slice(0, 1))).toBeUndefined();
    const early = resultOf(events.slice(0, 4))!;
    expect([early.end, early.step?.ms.median, early.rows, early.gflopsAtEnd]).toEqual([
      'stopped',
      10,
      [],
      null,
    ]);
    expect(caveats(early)).toEqual(['Stopped before its end: this is what was measured until then.']);
    const after = addEvent(early, { kind: 'progress', done: 3, total: 10, title: 'a row' })!;
    expect(caveats(after)[0]).toContain('and 7 more were to come');
    const whole = addEvent(after, { kind: 'end', end: 'complete', gflopsAtEnd: 1 })!;
    expect(whole.left).toBeUndefined();
    expect([result.end, result.rows.length, result.skipped.length, result.sweep.length]).toEqual([
      'budget',
      2,
      1,
      2,
    ]);
  });

  test('breaks the step down by kernel, the costliest first, with the share of all but convolutions', () => {
    const { kernels, sumMs, sumOfTotal, otherShare } = result.breakdowns.step!;
    expect(kernels).toEqual([
      { kernel: 'conv2d', ops: 2, ms: 6, share: 0.75 },
      { kernel: 'swish', ops: 1, ms: 1, share: 0.125 },
      { kernel: 'conv2d_grad_input', ops: 1, ms: 1, share: 0.125 },
    ]);
    expect([sumMs, sumOfTotal, otherShare]).toEqual([8, 0.8, 0.125]);
  });

  test('takes as the memory roof of a row the rate of a copy of similar size', () => {
    expect([1, 2 ** 20, 2 ** 23, 2 ** 24, 2 ** 30].map((bytes) => copyRate(head.peak, bytes))).toEqual([
      40, 40, 40, 10, 10,
    ]);
  });

  test('warns where the peak of the adapter changed during the bench', () => {
    expect(caveats({ ...result, end: 'complete' })).toEqual([]);
    const [line] = caveats({ ...result, end: 'complete', gflopsAtEnd: 50 });
    expect(line).toContain('100 GFLOP/s at the start and 50.0 at the end');
    const copy = { ...row, kernel: 'copy', layer: '1 MiB', shareOfPeak: 1.5 };
    const [late, ...more] = caveats({
      ...result,
      end: 'complete',
      rows: [copy, { ...copy, shareOfPeak: 1.1 }],
    });
    expect([late, more]).toEqual([
      expect.stringContaining('copy.direct 1 MiB, itself a measure of the peak'),
      [],
    ]);
  });
});

test('a bench sweep goes through legal sizes in order, and estimates the time of each point from its work', () => {
  expect(placesOf('batch', 256, [64, 1, 64]).map(({ batch, size }) => [batch, size])).toEqual([
    [1, 28],
    [64, 28],
  ]);
  const pictures = { recipe: 'pictures', widths: [16, 32, 64, 64] } as const;
  expect(placesOf('batch', 256, [64], pictures)).toEqual([{ axis: 'batch', batch: 64, size: 24 }]);
  expect(placesOf('size', 256, undefined, pictures).map(({ size }) => size)).toEqual([24, 32, 64, 128]);
  expect(placesOf('size', 16).map(({ batch, size }) => [batch, size])).toEqual([
    [16, 28],
    [16, 32],
    [16, 64],
    [16, 128],
  ]);
  expect(() => placesOf('size', 16, [30])).toThrow('height is 30; with 3 levels it must be a multiple of 4');
  const place = { axis: 'batch', batch: 16, size: 28 } as const;
  expect(foretell(place, undefined)).toBeUndefined();
  // Five runs of 10 ms each, four times the images.
  expect(foretell(place, point)).toBeCloseTo(0.2);
  // Of a network of one level any size is legal.
  const [odd] = placesOf('size', 4, [15], { widths: [8] });
  expect(foretell(odd, point, { widths: [8] })).toBeLessThan(0.05 / 3);
  // A batch of 1 is padded to 4, so it does not promise that 4 take four times as long.
  expect(foretell({ ...place, batch: 4 }, { ...point, batch: 1 })).toBeCloseTo(0.05);
});

describe('the tables of a bench result', () => {
  test('show no numbers for a row whose check failed', () => {
    expect(rowCells(failed)).toEqual([
      'mse',
      'direct',
      'down.1',
      'not timed, its check failed: grad: 3 of 9 elements',
    ]);
    // Even if something had measured it.
    expect(rowCells({ ...row, check: failed.check })).toHaveLength(4);
    expect(rowCells(row).slice(3)).toEqual(['2.00', '1.80 … 2.20', '50.0', '40.0', '1.00', '40%']);
  });

  test('say how much was measured', () => {
    const nothing = { ...result, step: null, rows: [], sweep: [] };
    expect(measuredText(nothing)).toBe('');
    expect(measuredText({ ...nothing, rows: [row] })).toBe('1 row');
    expect(measuredText({ ...nothing, sweep: result.sweep })).toBe('2 points of sweeps');
    expect(measuredText(result)).toBe(
      'training step, 2 points of sweeps, 2 rows; 1 failed its check and was not timed',
    );
  });

  test('name the variants behind the training step, and mark the rows of these variants', () => {
    const rival = { ...row, variant: 'winograd4' };
    const other = { ...rival, layer: 'up.1' };
    const [whole, , , kernels] = benchTables({ ...result, rows: [row, rival, other] });
    expect(whole.notes).toEqual(['conv2d: winograd4 (down.1)']);
    expect(kernels.rows.map(([, variant, layer]) => `${variant} ${layer}`)).toEqual([
      'direct down.1',
      'winograd4 down.1 *',
      'winograd4 up.1',
    ]);
    expect(kernels.notes).toEqual(['*: in use in the training step of tutorial.']);
    expect([row, rival, other].map((one) => isInUse(result, one))).toEqual([false, true, undefined]);
    // Without it, the next one; without any, nothing.
    const forward = {
      ...result,
      step: null,
      forward: { ...total(1), variants: { 'conv2d/up.1': 'winograd4' } },
    };
    expect([rival, other].map((one) => isInUse(forward, one))).toEqual([undefined, true]);
    const none = benchTables({ ...result, step: null, rows: [rival] }).at(-1)!;
    expect([none.rows[0][2], none.notes]).toEqual(['down.1', []]);
    // Kernels without a choice are of the step's plan alone, which says nothing of convolutions that were measured.
    const planned = { ...result, inUse: { 'adam/all': 'plain', 'conv2d/up.1': 'winograd4' } };
    const adam = { kernel: 'adam', variant: 'plain', layer: 'all' };
    expect([adam, other, rival].map((one) => isInUse(planned, one))).toEqual([true, undefined, true]);
    expect(isInUse({ ...planned, step: null, sample: total(1) }, adam)).toBe(undefined);
    // Without any total, what the step would use.
    const asked = { ...result, step: null, inUse: { 'conv2d/up.1': 'winograd4' } };
    expect([rival, other].map((one) => isInUse(asked, one))).toEqual([undefined, true]);
    expect(benchTables({ ...asked, rows: [other] }).at(-1)!.notes).toEqual([
      '*: in use in the training step of tutorial.',
    ]);
  });

  test('hold everything that was measured, with a cell for each column or a remark', () => {
    const tables = benchTables(result);
    expect(tables.map(({ title }) => title)).toEqual([
      'The whole network: tutorial, 4 images',
      'Training step, by kernel',
      'Over the batch',
      'Kernels: tutorial',
    ]);
    for (const { rows, head: columns } of tables)
      for (const cells of rows) expect([columns.length, 3, 4]).toContain(cells.length);
    expect(textTable(tables[1]).split('\n')).toEqual([
      'Training step, by kernel',
      '  kernel            ops   ms share',
      '  conv2d              2 6.00 75.0%',
      '  swish               1 1.00 12.5%',
      '  conv2d_grad_input   1 1.00 12.5%',
      '12.5% is not convolution. The ops one by one take 8.00 ms together, 80% of the whole.',
    ]);
    expect(headLines(result)[0]).toContain('(software, on the CPU: its speed says nothing about GPUs)');
  });
});

describe('the files of a bench result', () => {
  /** RFC 4180, as a spreadsheet reads it. */
  function readCsv(text: string): string[][] {
    const lines: string[][] = [[]];
    const cells = /("(?:[^"]|"")*"|[^",\r\n]*)(,|\r\n)/gy;
    for (let found = cells.exec(text); found; found = cells.exec(text)) {
      const [, cell, end] = found;
      lines[lines.length - 1].push(cell.startsWith('"') ? cell.slice(1, -1).replaceAll('""', '"') : cell);
      if (end !== ',') lines.push([]);
    }
    expect(lines.pop()).toEqual([]);
    return lines;
  }

  test('CSV has a line for each measurement, labelled with the adapter and whether it is software', () => {
    const [columns, ...lines] = readCsv(toCsv(result));
    const objects = lines.map((cells) => Object.fromEntries(columns.map((name, i) => [name, cells[i]])));
    for (const line of lines) expect(line).toHaveLength(columns.length);
    for (const { adapter, software, end } of objects) {
      expect(adapter).toContain('llvmpipe, "quick" (software');
      expect([software, end]).toEqual(['true', 'budget']);
    }
    expect(objects.map(({ section, kernel }) => `${section} ${kernel}`)).toEqual([
      'total step',
      'step op conv2d',
      'step op swish',
      'step op conv2d',
      'step op conv2d_grad_input',
      'batch sweep step',
      'batch sweep forward',
      'batch sweep ',
      'row conv2d',
      'row mse',
      'not run adam',
    ]);
    const [conv, mse] = objects.filter(({ section }) => section === 'row');
    expect([conv.ms_median, conv.gflops_inside, conv.share_of_peak, conv.check]).toEqual([
      '2',
      '40',
      '0.4',
      'pass',
    ]);
    expect([mse.ms_median, mse.check, mse.note]).toEqual(['', 'fail', failed.check.failure]);
  });

  test('Markdown has tables with a cell for each column, and says that the adapter is software', () => {
    const text = toMarkdown(result);
    expect(text).toContain('(software, on the CPU');
    expect(text).toContain('**Not everything was measured within the budget of 60 s.**');
    expect(text).toContain('- not run: adam.plain at all: no time');
    const blocks = text.split('\n\n').filter((block) => block.startsWith('|'));
    expect(blocks).toHaveLength(4);
    for (const block of blocks) {
      const widths = block.split('\n').map((line) => line.replaceAll('\\|', '').split('|').length);
      expect(new Set(widths).size, block).toBe(1);
    }
  });

  test('JSON is read back unchanged', () => {
    expect(parseResult('a.json', toJson(result)).result).toEqual(result);
    const whole = { ...row, shape: 'batch 4', flops: 1, bytes: 2, shaders: ['conv2d.direct'] };
    const all = { ...result, inUse: { 'conv2d/down.1': 'direct' }, rows: [whole] };
    expect(parseResult('a.json', toJson(all)).result).toEqual(all);
  });

  test('JSON has a line for each row', () => {
    const content = {
      batch: 4,
      peak: { gflops: 1 },
      none: undefined,
      rows: [{ a: [1, 2] }, { b: null }],
      few: [],
    };
    const text = rowsToJson({ ...content, modes: [{ mode: 'train', rows: [{ c: 1 }] }] });
    expect(JSON.parse(text)).toEqual({ ...content, modes: [{ mode: 'train', rows: [{ c: 1 }] }] });
    expect(text.split('\n')).toEqual([
      '{',
      '"batch": 4,',
      '"peak": {"gflops":1},',
      '"rows": [',
      '{"a":[1,2]},',
      '{"b":null}',
      '],',
      '"few": [],',
      '"modes": [',
      '{',
      '"mode": "train",',
      '"rows": [',
      '{"c":1}',
      ']',
      '}',
      ']',
      '}',
      '',
    ]);
  });

  const kept = readdirSync('docs/results').filter((name) => name.endsWith('.json'));
  const textOf = (name: string) => readFileSync(`docs/results/${name}`, 'utf8');

  test('the bench results in docs/results can all be read', () => {
    const names = kept.filter((name) => name.startsWith('bench-'));
    expect(names.length).toBeGreaterThan(3);
    for (const name of names) parseResult(name, textOf(name));
  });

  test('each JSON file in docs/results has a line for each row', () => {
    for (const name of kept) expect(rowsToJson(JSON.parse(textOf(name))), name).toBe(textOf(name));
  });

  test.each<[string, string | object, string]>([
    ['no JSON', '<html>', 'it is not JSON'],
    ['a list', '[1]', 'no field schema'],
    ['nothing', 'null', 'no field schema'],
    ['another schema', { schema: 99 }, 'its schema is 99, this program reads 1'],
    ['no rows', { rows: undefined }, 'field rows'],
    ['a row without a name', { rows: [{ ...row, kernel: 3 }] }, 'field rows'],
    ['a row without a check', { rows: [{ ...row, check: null }] }, 'field rows'],
    ['half a time', { step: { ...total(1), ms: { median: 1 } } }, 'field step'],
    ['a strange sweep', { sweep: [{ ...point, forward: 1 }] }, 'field sweep'],
    ['no adapter', { adapter: {} }, 'field adapter'],
    ['no peak', { peak: null }, 'field peak'],
    ['a share in words', { rows: [{ ...row, shareOfPeak: 'x' }] }, 'field rows'],
    ['half a breakdown', { breakdowns: { step: {} } }, 'field breakdowns'],
    ['shaders that are no list', { rows: [{ ...row, shaders: 'x' }] }, 'field rows'],
    ['no clock', { timer: { kind: 'wall clock' } }, 'field timer'],
  ])('a file with %s is refused in one sentence', (_, content, why) => {
    const json = typeof content === 'string' ? content : toJson({ ...result, ...content });
    const parse = () => parseResult('x.json', json);
    expect(parse).toThrow(EngineError);
    expect(parse).toThrow('x.json is not a result of this bench: ');
    expect(parse).toThrow(why);
  });
});

describe('comparing two bench results', () => {
  const named = (name: string, changed: Partial<BenchResult>) => ({
    name,
    result: { ...result, ...changed },
  });
  const before = named('a.json', { rows: [row, { ...row, layer: 'up.1' }, { ...row, layer: 'only' }] });

  test('matches rows by kernel, variant, layer and batch; a difference counts where the bands do not touch', () => {
    const after = named('b.json', {
      step: total(5),
      peak: { ...head.peak, gflops: 50 },
      rows: [
        { ...row, ms: times(2.3) },
        { ...row, layer: 'up.1', ms: times(3) },
        { ...row, layer: 'only', batch: 8 },
      ],
    });
    const { rows, onlyBefore, onlyAfter, differences } = compare(before, after);
    expect(rows.map(({ what, ratio, verdict }) => [what.join(' ').trim(), ratio, verdict])).toEqual([
      ['training step', 0.5, 'faster'],
      ['training step batch sweep 28x28', 1, 'within noise'],
      ['forward pass batch sweep 28x28', 1, 'within noise'],
      ['conv2d direct down.1', 1.15, 'within noise'],
      ['conv2d direct up.1', 1.5, 'slower'],
    ]);
    expect([onlyBefore, onlyAfter]).toEqual([1, 1]);
    expect(differences).toEqual(['Both ran in software, on the CPU: this says nothing about GPUs.']);
    const table = comparisonTable(before, after);
    expect(table.title).toBe('b.json against a.json');
    expect(table.rows.map((cells) => cells.slice(0, 2))).toEqual([
      ['0.50x ▼ faster', 'training step'],
      ['1.00x ≈ within noise', 'training step, batch sweep 28x28'],
      ['1.00x ≈ within noise', 'forward pass, batch sweep 28x28'],
      ['1.15x ≈ within noise', 'conv2d.direct down.1'],
      ['1.50x ▲ slower', 'conv2d.direct up.1'],
    ]);
    expect(table.lead![0]).toContain('1 faster, 1 slower, 3 within noise');
    expect(table.lead![1]).toBe(
      'Peaks: 100 GFLOP/s and 10.0 GB/s in a.json, 50.0 GFLOP/s and 10.0 GB/s in b.json.',
    );
    const first = compare(
      named('a.json', {}),
      named('b.json', { step: total(10), rows: [{ ...row, ms: times(1) }] }),
    );
    expect(first.rows.map(({ ratio }) => ratio)).toEqual([0.5, 1, 1, 1]);
  });

  test('counts medians less than 5% apart as noise, however narrow the bands', () => {
    const verdictOf = (ms: number) => {
      const after = named('b.json', { step: { ...total(1), ms: times(ms, 0.001) } });
      return compare(named('a.json', { step: { ...total(1), ms: times(1, 0.001) } }), after).rows.find(
        ({ what }) => what[0] === 'training step' && what[1] === '',
      )!.verdict;
    };
    expect([0.94, 0.96, 1.04, 1.06].map(verdictOf)).toEqual([
      'faster',
      'within noise',
      'within noise',
      'slower',
    ]);
  });

  test('names what differs beside the times, such as the adapter', () => {
    const adapter = { ...head.adapter, description: 'A GPU', software: false };
    const after = named('b.json', {
      adapter,
      runtime: 'another',
      end: 'stopped',
      rows: [],
      step: null,
      sweep: [],
    });
    const { lead = [] } = comparisonTable(before, after);
    expect(lead[0]).toContain('The two have no measurement in common');
    expect(lead[2]).toMatch(/^Different adapters: llvmpipe.*\(software.* in a\.json, A GPU in b\.json\.$/);
    expect(lead[3]).toContain('Different runtimes');
    expect(lead).toContain('b.json is of a run that was stopped.');
  });
});

describe('the roofline', () => {
  test('has a titled point for each row that computes, and the roofs and the label of the adapter', () => {
    const svg = rooflineSvg({ ...result, rows: [row, { ...row, layer: '<b>' }, failed] })!;
    expect(svg.match(/<title>/g)).toHaveLength(2);
    expect(svg).toContain(
      'conv2d.direct &lt;b&gt;: 40.0 GFLOP/s at 40.0 FLOP per byte, 2.00 ms, 40% of peak',
    );
    for (const text of ['100 GFLOP/s', 'memory 10.0 GB/s', 'cache 40.0 GB/s', '(software, on the CPU'])
      expect(svg).toContain(text);
    expect(svg).not.toMatch(/NaN|Infinity|undefined/);
  });

  test('draws the memory roof up to where it meets the peak', () => {
    const svg = rooflineSvg({ ...result, rows: [row] })!;
    // x from 1 to 100 FLOP per byte over 64 … 772, y from 10 to 1,000 GFLOP/s over 472 … 56: memory's roof of 10 GB/s enters at
    // 1 and 10, and reaches 100 at 10.
    expect(svg).toContain('d="M64,472 L418,264"');
  });

  test('marks the variants that the network uses among their rivals', () => {
    const rows = [{ ...row, variant: 'winograd4' }, row, { ...row, kernel: 'swish', layer: 'down.2' }];
    const svg = rooflineSvg({ ...result, rows })!;
    const kinds = [
      ...svg.matchAll(/<g class="point"[^>]*><path class="([^"]*)".*?<title>(\S+) .*?(, in use)?<\/title>/g),
    ];
    expect(kinds.map(([, kind, name, used]) => [kind, name, used])).toEqual([
      ['mark rival', 'conv2d.direct', undefined],
      ['mark', 'swish.direct', undefined],
      ['mark used', 'conv2d.winograd4', ', in use'],
    ]);
    expect(svg).toContain('outlined: in use in the training step of tutorial');
    expect(rooflineSvg({ ...result, step: null, rows })).not.toMatch(/outlined|class="mark (used|rival)/);
  });

  test('names both axes, and wraps its words in a narrow drawing', () => {
    const rows = [row, { ...row, kernel: 'conv2d_grad_kernel' }, { ...row, kernel: 'swish' }];
    const svg = rooflineSvg({ ...result, rows }, NARROW)!;
    expect(svg).toMatch(/rotate\(-90 .*>GFLOP\/s</);
    expect(svg).toContain('>FLOP per byte<');
    const texts = [...svg.matchAll(/<text[^>]* x="([\d.]+)" y="([\d.]+)"(?! text-anchor)[^>]*>([^<]*)</g)];
    for (const [, x, y, text] of texts) {
      expect(Number(x) + 5 * text.length, text).toBeLessThan(NARROW);
      expect(Number(y)).toBeLessThan(Number(/viewBox="0 0 380 ([\d.]+)"/.exec(svg)![1]));
    }
    expect(texts.map(([, , , text]) => text).join(' ')).toContain('(software, on the CPU');
  });

  test('is not drawn where no row computes', () => {
    expect(rooflineSvg({ ...result, rows: [failed] })).toBeUndefined();
    expect(rooflineSvg({ ...result, rows: [{ ...row, insideGflops: 0 }] })).toBeUndefined();
  });
});

test('the bench measures the variants that the step uses before all others, the heaviest first', () => {
  const entries = listEntries(64);
  const inUse = {
    'conv2d/down.1': 'winograd7',
    'conv2d/up.2': 'one_output',
    'mse/loss': 'plain', // the bench calls its layer up.2
    'adam/all layers': 'plain',
  };
  const sorted = usedFirst(entries, inUse, head.peak);
  const names = sorted.map(({ name, variant, layer }) => `${name}.${variant} ${layer}`);
  expect(names.slice(0, 4)).toEqual([
    'conv2d.winograd7 down.1',
    'adam.plain all layers',
    'conv2d.one_output up.2',
    'mse.plain up.2',
  ]);
  expect(sorted.slice(4)).toEqual(entries.filter((entry) => !sorted.slice(0, 4).includes(entry)));
  expect(sorted).toHaveLength(entries.length);
});

test('the bench lists the convolutions of any network layer by layer', () => {
  for (const [name, spec] of specs)
    if (name.startsWith('conv2d')) expect(convolutionsOf(name, {}, 7), name).toEqual(spec.bench(7));
  const list = (network: NetworkChoice) =>
    listEntries(8, {
      network,
      ops: (batch) => stepOps({ network, batch, software: true, features: new Set() }),
    });
  const entries = list({ widths: [4, 12], kernelSize: 3 });
  const shapes = (kernel: string) =>
    Object.fromEntries(
      entries.filter(({ name }) => name === kernel).map(({ layer, shape }) => [layer, shape as ConvShape]),
    );
  expect(Object.keys(shapes('conv2d'))).toEqual(['down.0', 'down.1', 'up.0', 'up.1']);
  expect(Object.keys(shapes('conv2d_grad_input'))).toEqual(['down.1', 'up.0', 'up.1']);
  expect(shapes('conv2d')['down.1']).toMatchObject({
    batch: 8,
    height: 14,
    inChannels: 4,
    outChannels: 12,
    kernelSize: 3,
  });
  for (const { name, small, shape } of entries)
    if (name.startsWith('conv2d')) expect(small[0]).toEqual({ ...(shape as ConvShape), batch: 4 });
  expect(list({ widths: [4] }).some(({ name }) => name === 'conv2d_pool')).toBe(false);
  const rich = { widths: [4, 12], kernelSize: 3, convolutionsPerLevel: [1, 2], residual: true };
  const layers = list(rich).flatMap(({ name, variant, layer }) =>
    name === 'conv2d' && variant === 'direct' ? [layer] : [],
  );
  expect(layers).toEqual(['down.0', 'down.1.0', 'down.1.1', 'up.0.0', 'up.0.1', 'up.1']);
  expect(list(rich).some(({ name }) => name === 'conv2d_pool')).toBe(true);
  expect(list(rich).some(({ name }) => name === 'conv2d_grad_upsample')).toBe(false);
});

test('the bench of a conditioned network has convolutions with biases per image, and the linear layers', () => {
  const of = (kernel: string) => convolutionsOf(kernel, { recipe: 'digits' }, 8);
  expect(Object.values(of('conv2d')).map(({ imageBias }) => imageBias)).toEqual([
    ...[0, 32, 96, 160, 224],
    ...[undefined, undefined, undefined],
  ]);
  expect(of('conv2d_pool')['down.0'].imageBias).toBe(0);
  expect(of('conv2d_grad_kernel')['down.0']).not.toHaveProperty('imageBias');
  const linear = (kernel: string) => Object.keys(of(kernel)).filter((layer) => !/^(down|up)/.test(layer));
  expect(linear('conv2d_grad_kernel')).toEqual(['conditioning.hidden', 'conditioning.output']);
  expect(linear('conv2d_grad_input')).toEqual(['conditioning.output']);
});

test('flags that repeat the settings of the recipe do not change its network', () => {
  expect(changesOf({ recipe: 'tutorial', widths: [32, 64, 64], kernelSize: 5 })).toBeUndefined();
  expect(changesOf({ recipe: 'digits-3x3', kernelSize: 3, convolutionsPerLevel: [1, 2, 3] })).toEqual({
    recipe: 'digits-3x3',
  });
  expect(changesOf({ recipe: 'digits', widths: [8, 16] })).toEqual({ recipe: 'digits', widths: [8, 16] });
});

test('a bench result names its network in all texts, tables and files', () => {
  const other = { ...result, network: { recipe: 'digits', widths: [8, 16], kernelSize: 3 } as const };
  const name = 'digits with widths 8 16, kernels 3x3';
  expect(headLines(other)[2]).toBe(`Network: ${name}; 4 images.`);
  expect(headLines(result)[2]).toBe('Network: tutorial; 4 images.');
  expect(toMarkdown(other)).toContain(`## The whole network: ${name}, 4 images`);
  expect(toCsv(other).split('\r\n')[1]).toContain(`,"${name}"`);
  expect(benchTables(other).at(-1)).toMatchObject({
    title: `Kernels: ${name}`,
    notes: [`*: in use in the training step of ${name}.`],
  });
  const named = (name: string, of: BenchResult) => parseResult(name, toJson(of));
  expect(named('b', other).result.network).toEqual(other.network);
  const { lead } = comparisonTable(named('a', result), named('b', other));
  expect(lead).toContain(`Different networks: tutorial in a, ${name} in b.`);
  const same = comparisonTable(named('a', other), named('b', other)).lead!;
  expect(same.join()).not.toContain('networks');
  for (const network of [{ widths: 8 }, { recipe: 3 }]) {
    const wrong = { ...result, network } as unknown as BenchResult;
    expect(() => named('c', wrong)).toThrow('its field network');
  }
});
