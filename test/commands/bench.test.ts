/** What the bench makes of its measurements: counts, tables, files, comparisons. No GPU. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { compare, comparisonTable } from '../../harness/bench/compare';
import { rowsToJson, toCsv, toJson, toMarkdown } from '../../harness/bench/export';
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
import { rooflineSvg } from '../../harness/bench/roofline';
import { foretell, placesOf } from '../../harness/bench/sweep';
import { benchTables, caveats, headLines, isInUse, rowCells, textTable } from '../../harness/bench/table';
import { EngineError } from '../../src/base/errors';

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

describe('a bench result', () => {
  test('is built event by event, and is whole enough to show after its first event', () => {
    expect(resultOf(events.slice(0, 1))).toBeUndefined();
    const early = resultOf(events.slice(0, 4))!;
    expect(early).toMatchObject({
      end: 'stopped',
      step: { ms: { median: 10 } },
      rows: [],
      gflopsAtEnd: null,
    });
    expect(caveats(early)).toEqual(['Stopped before its end: this is what was measured until then.']);
    const after = addEvent(early, { kind: 'progress', done: 3, total: 10, title: 'a row' })!;
    expect(caveats(after)[0]).toContain('and 7 more were to come');
    const whole = addEvent(after, { kind: 'end', end: 'complete', gflopsAtEnd: 1 })!;
    expect(whole.left).toBeUndefined();
    const { end, rows, skipped, sweep } = result;
    expect([end, rows.length, skipped.length, sweep.length]).toEqual(['budget', 2, 1, 2]);
  });

  test('takes as the memory roof of a row the rate of a copy of similar size', () => {
    const rates = [1, 2 ** 20, 2 ** 23, 2 ** 24, 2 ** 30].map((bytes) => copyRate(head.peak, bytes));
    expect(rates).toEqual([40, 40, 40, 10, 10]);
  });

  const copy = { ...row, kernel: 'copy', layer: '1 MiB', shareOfPeak: 1.5 };
  test.each<[Partial<BenchResult>, string[]]>([
    [{}, []],
    [{ gflopsAtEnd: 50 }, ['100 GFLOP/s at the start and 50.0 at the end']],
    [{ rows: [copy, { ...copy, shareOfPeak: 1.1 }] }, ['copy.direct 1 MiB, itself a measure of the peak']],
  ])('warns where the peak of the adapter changed during the bench: %#', (changes, lines) => {
    const containing = lines.map((line) => expect.stringContaining(line));
    expect(caveats({ ...result, end: 'complete', ...changes })).toEqual(containing);
  });
});

describe('a bench sweep', () => {
  const pictures = { recipe: 'pictures', widths: [16, 32, 64, 64] } as const;
  test.each<[Parameters<typeof placesOf>, string[]]>([
    [
      ['batch', 256, [64, 1, 64]],
      ['1 x 28', '64 x 28'],
    ],
    [
      ['size', 256, undefined, pictures],
      ['256 x 24', '256 x 32', '256 x 64', '256 x 128'],
    ],
  ])('goes through legal sizes in order: %j', (given, places) => {
    expect(placesOf(...given).map(({ batch, size }) => `${batch} x ${size}`)).toEqual(places);
  });

  test('refuses other sizes, and estimates the time of each point from its work', () => {
    const why = 'height is 30; with 3 levels it must be a multiple of 4';
    expect(() => placesOf('size', 16, [30])).toThrow(why);
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
});

describe('the tables of a bench result', () => {
  test('show no numbers for a row whose check failed, even if something had measured it', () => {
    const why = 'not timed, its check failed: grad: 3 of 9 elements';
    expect(rowCells(failed)).toEqual(['mse', 'direct', 'down.1', why]);
    expect(rowCells({ ...row, check: failed.check })).toHaveLength(4);
    expect(rowCells(row).slice(3)).toEqual(['2.00', '1.80 … 2.20', '50.0', '40.0', '1.00', '40%']);
  });

  const rival = { ...row, variant: 'winograd4' };
  const other = { ...rival, layer: 'up.1' };
  const adam = { kernel: 'adam', variant: 'plain', layer: 'all' };
  const none = { step: null };
  const forward = { ...total(1), variants: { 'conv2d/up.1': 'winograd4' } };
  const inUse = { 'adam/all': 'plain', 'conv2d/up.1': 'winograd4' };
  test.each<[string, Partial<BenchResult>, (boolean | undefined)[]]>([
    ['of the step', {}, [false, true, undefined, undefined]],
    [
      'of the forward pass where there is none',
      { ...none, forward },
      [undefined, undefined, true, undefined],
    ],
    // Kernels without a choice are of the step's plan alone, which says nothing of convolutions that were measured.
    ['of the plan beside the step', { inUse }, [false, true, undefined, true]],
    [
      'of nothing beside a sampling',
      { ...none, sample: total(1), inUse },
      [false, true, undefined, undefined],
    ],
  ])('know what is in use: variants %s', (_, changes, used) => {
    const given = { ...result, ...changes };
    expect([row, rival, other, adam].map((one) => isInUse(given, one))).toEqual(used);
  });

  test('name the variants behind the training step, and mark their rows', () => {
    const [whole, , , kernels] = benchTables({ ...result, rows: [row, rival, other] });
    expect(whole.notes).toEqual(['conv2d: winograd4 (down.1)']);
    const layers = kernels.rows.map(([, variant, layer]) => `${variant} ${layer}`);
    expect(layers).toEqual(['direct down.1', 'winograd4 down.1 *', 'winograd4 up.1']);
    expect(kernels.notes).toEqual(['*: in use in the training step of tutorial.']);
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
    const adapter = expect.stringContaining('llvmpipe, "quick" (software');
    expect(objects).toMatchObject(objects.map(() => ({ adapter, software: 'true', end: 'budget' })));
    expect(objects.map(({ section, kernel }) => `${section} ${kernel}`)).toEqual([
      'total step',
      ...ops.map(({ kernel }) => `step op ${kernel}`),
      ...['batch sweep step', 'batch sweep forward', 'batch sweep '],
      ...['row conv2d', 'row mse', 'not run adam'],
    ]);
    expect(objects.filter(({ section }) => section === 'row')).toMatchObject([
      { ms_median: '2', gflops_inside: '40', share_of_peak: '0.4', check: 'pass' },
      { ms_median: '', check: 'fail', note: failed.check.failure },
    ]);
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
    const whole = { ...row, shape: 'batch 4', flops: 1, bytes: 2, shaders: ['conv2d.direct'] };
    for (const all of [result, { ...result, inUse: { 'conv2d/down.1': 'direct' }, rows: [whole] }])
      expect(parseResult('a.json', toJson(all)).result).toEqual(all);
  });

  const kept = readdirSync('docs/results').filter((name) => name.endsWith('.json'));

  test('each JSON file in docs/results has a line for each row, and the results of the bench can be read', () => {
    expect(kept.filter((name) => name.startsWith('bench-')).length).toBe(2);
    for (const name of kept) {
      const text = readFileSync(`docs/results/${name}`, 'utf8');
      expect(rowsToJson(JSON.parse(text)), name).toBe(text);
      if (name.startsWith('bench-')) parseResult(name, text);
    }
  });

  test.each<[string, string | object, string]>([
    ['no JSON', '<html>', 'it is not JSON'],
    ['a list', '[1]', 'no field schema'],
    ['another schema', { schema: 99 }, 'its schema is 99, this program reads 1'],
    ['a row without a check', { rows: [{ ...row, check: null }] }, 'field rows'],
    ['half a time', { step: { ...total(1), ms: { median: 1 } } }, 'field step'],
    ['a strange sweep', { sweep: [{ ...point, forward: 1 }] }, 'field sweep'],
    ['no adapter', { adapter: {} }, 'field adapter'],
    ['no peak', { peak: null }, 'field peak'],
    ['half a breakdown', { breakdowns: { step: {} } }, 'field breakdowns'],
    ['no clock', { timer: { kind: 'wall clock' } }, 'field timer'],
    ['a width', { network: { widths: 8 } }, 'field network'],
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

  test('matches rows by kernel, variant, layer and batch; a difference counts where the bands do not touch', () => {
    const layers = (...rows: Partial<BenchRow>[]) => rows.map((changes) => ({ ...row, ...changes }));
    const before = named('a.json', { rows: layers({}, { layer: 'up.1' }, { layer: 'only' }) });
    const after = named('b.json', {
      step: total(5),
      peak: { ...head.peak, gflops: 50 },
      rows: layers({ ms: times(2.3) }, { layer: 'up.1', ms: times(3) }, { layer: 'only', batch: 8 }),
    });
    const { onlyBefore, onlyAfter, differences } = compare(before, after);
    expect([onlyBefore, onlyAfter]).toEqual([1, 1]);
    expect(differences).toEqual(['Both ran in software, on the CPU: this says nothing about GPUs.']);
    const table = comparisonTable(before, after);
    expect(table.rows.map((cells) => cells.slice(0, 2).join(': '))).toEqual([
      '0.50x ▼ faster: training step',
      '1.00x ≈ within noise: training step, batch sweep 28x28',
      '1.00x ≈ within noise: forward pass, batch sweep 28x28',
      '1.15x ≈ within noise: conv2d.direct down.1',
      '1.50x ▲ slower: conv2d.direct up.1',
    ]);
    const peaks = 'Peaks: 100 GFLOP/s and 10.0 GB/s in a.json, 50.0 GFLOP/s and 10.0 GB/s in b.json.';
    expect(table.lead!.slice(0, 2)).toEqual([
      expect.stringContaining('1 faster, 1 slower, 3 within noise'),
      peaks,
    ]);
  });

  test.each([
    [0.94, 'faster'],
    [1.04, 'within noise'],
  ])(
    'counts medians less than a twentieth apart as noise, however narrow the bands: %d is %s',
    (ms, verdict) => {
      const of = (ms: number) =>
        named('a', { step: { ...total(1), ms: times(ms, 0.001) }, sweep: [], rows: [] });
      expect(compare(of(1), of(ms)).rows[0]).toMatchObject({ verdict });
    },
  );

  test('names what differs beside the times, such as the adapter', () => {
    const adapter = { ...head.adapter, description: 'A GPU', software: false };
    const after = { adapter, runtime: 'another', end: 'stopped', rows: [], step: null, sweep: [] } as const;
    const { lead = [] } = comparisonTable(named('a.json', { rows: [row] }), named('b.json', after));
    expect(lead[0]).toContain('The two have no measurement in common');
    expect(lead[2]).toMatch(/^Different adapters: llvmpipe.*\(software.* in a\.json, A GPU in b\.json\.$/);
    expect(lead[3]).toContain('Different runtimes');
    expect(lead).toContain('b.json is of a run that was stopped.');
  });
});

describe('the roofline', () => {
  const svgOf = (rows: readonly BenchRow[]) => rooflineSvg({ ...result, rows })!;

  test('has a titled point for each row that computes, and the roofs and the label of the adapter', () => {
    const svg = svgOf([row, { ...row, layer: '<b>' }, failed]);
    expect(svg.match(/<title>/g)).toHaveLength(2);
    for (const text of [
      'conv2d.direct &lt;b&gt;: 40.0 GFLOP/s at 40.0 FLOP per byte, 2.00 ms, 40% of peak',
      ...['100 GFLOP/s', 'memory 10.0 GB/s', 'cache 40.0 GB/s', '(software, on the CPU'],
      ...['>GFLOP/s<', '>FLOP per byte<'],
    ])
      expect(svg).toContain(text);
    expect(svg).not.toMatch(/NaN|Infinity|undefined/);
  });

  test('draws the memory roof up to where it meets the peak', () => {
    // x from 1 to 100 FLOP per byte over 64 … 772, y from 10 to 1,000 GFLOP/s over 472 … 56: memory's roof of 10 GB/s enters at
    // 1 and 10, and reaches 100 at 10.
    expect(svgOf([row])).toContain('d="M64,472 L418,264"');
  });
});

describe('the network of a bench', () => {
  test('is named in all texts, tables and files', () => {
    const other = { ...result, network: { recipe: 'digits', widths: [8, 16], kernelSize: 3 } as const };
    const name = 'digits with widths 8 16, kernels 3x3';
    expect([other, result].map((of) => headLines(of)[2])).toEqual([
      ...[`Network: ${name}; 4 images.`, 'Network: tutorial; 4 images.'],
    ]);
    expect(toCsv(other).split('\r\n')[1]).toContain(`,"${name}"`);
    const named = (name: string, of: BenchResult) => parseResult(name, toJson(of));
    expect(named('b', other).result.network).toEqual(other.network);
    const lead = (before: BenchResult) => comparisonTable(named('a', before), named('b', other)).lead!;
    expect(lead(result)).toContain(`Different networks: tutorial in a, ${name} in b.`);
    expect(lead(other).join()).not.toContain('networks');
  });
});
