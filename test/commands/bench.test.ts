/** What the bench makes of its measurements: table, files, comparisons, roofline. No GPU. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { comparisonTable, parseResult } from '../../harness/bench/compare';
import {
  addEvent,
  type BenchEvent,
  type BenchResult,
  type Row,
  rowsToJson,
} from '../../harness/bench/result';
import { rooflineSvg } from '../../harness/bench/roofline';
import { usedIn } from '../../harness/bench/run';
import { benchMarkdown, benchTable, caveats, measuredText } from '../../harness/bench/table';
import { textTable } from '../../harness/text/table';
import { EngineError } from '../../src/base/errors';

const times = (median: number, spread = 0.1) => ({
  median,
  p10: median * (1 - spread),
  p90: median * (1 + spread),
  n: 5,
});
const place = { batch: 4, size: 28 };
const check = { pass: true, share: 0.1 };
const wholeOf = (kernel: string, ms: number): Row => ({
  part: 'whole',
  kernel,
  variant: '',
  layer: '',
  ...place,
  check,
  ms: times(ms),
  gflops: 100 / ms,
  insideGflops: 80 / ms,
  variants: { 'conv2d/down.1': 'winograd7' },
});
const opOf = (kernel: string, ms: number): Row => ({
  part: 'op',
  kernel,
  variant: 'plain',
  layer: 'down.1',
  ...place,
  check,
  ms: times(ms),
});
const untimed: Row = {
  part: 'kernel',
  kernel: 'conv2d',
  variant: 'direct',
  layer: 'down.1',
  ...place,
  check,
};
const row: Row = { ...untimed, ms: times(2), gflops: 50, insideGflops: 40, gbps: 1, shareOfPeak: 0.4 };
const failed: Row = {
  ...untimed,
  kernel: 'mse',
  check: { pass: false, share: 7, failure: 'grad: 3 of 9 elements\nare | off' },
};
const skipped: Row = { ...untimed, kernel: 'adam', layer: 'all', reason: 'it is too large' };
const begun: BenchResult = {
  schema: 2,
  adapter: { vendor: 'mesa', architecture: '', device: '', description: 'llvmpipe, "quick"', software: true },
  runtime: 'a test',
  date: '2026-01-02T03:04:05.000Z',
  batches: [4],
  sizes: [28],
  budgetSeconds: 60,
  timer: { kind: 'timestamp-query' },
  peak: {
    gflops: 100,
    gbps: 10,
    copies: [
      { bytes: 2 ** 20, gbps: 40 },
      { bytes: 2 ** 27, gbps: 10 },
    ],
  },
  end: 'stopped',
  rows: [],
  left: 3,
};
const ops = [opOf('conv2d', 3), opOf('swish', 1), opOf('conv2d', 3), opOf('conv2d_grad_input', 1)];
const rows = [wholeOf('step', 10), ...ops, row, failed, skipped];
const events: BenchEvent[] = [
  { kind: 'progress', done: 0, total: 3, title: 'peaks' },
  { kind: 'begin', result: begun },
  ...rows.map((row): BenchEvent => ({ kind: 'row', row })),
  { kind: 'progress', done: 3, total: 10, title: 'peak, again' },
  { kind: 'end', end: 'budget', gflopsAtEnd: 100 },
];
const resultOf = (from: readonly BenchEvent[]) =>
  from.reduce<BenchResult | undefined>((result, event) => addEvent(result, event), undefined);
const result = resultOf(events)!;

test('a result is built event by event, and is whole enough to show after its first event', () => {
  expect(resultOf(events.slice(0, 1))).toBeUndefined();
  expect(resultOf(events.slice(0, 3))).toEqual({ ...begun, rows: [rows[0]] });
});

test.each<[Partial<BenchResult>, string[]]>([
  [{ end: 'complete', left: 0 }, []],
  [{ end: 'stopped', left: 0 }, ['Stopped before its end: this is what was measured until then.']],
  [{}, ['The budget of 60 s ended, and 7 more were to come.']],
  [
    { end: 'complete', gflopsAtEnd: 50 },
    [expect.stringContaining('100 GFLOP/s at the start and 50.0 at the end')],
  ],
])('what is said of a run of %j', (changes, lines) => {
  expect(caveats({ ...result, ...changes })).toEqual(lines);
});

const plan = { 'adam/all': 'plain', 'conv2d/up.1': 'direct' };
test.each([
  ['the plan', undefined, plan],
  // Kernels without a choice are of the plan alone, which says nothing of convolutions that were measured.
  ['what was measured, and its plan', { 'conv2d/a': 'x' }, { 'adam/all': 'plain', 'conv2d/a': 'x' }],
])('the variants in use come from %s', (_, measured, used) => {
  expect(usedIn(plan, measured)).toEqual(used);
});

test('the table holds everything that was measured, names what was not, and marks what the step uses', () => {
  const large: Row = { ...wholeOf('step', 1), batch: 1024, reason: 'no memory' };
  const rival = { ...row, variant: 'winograd7', used: true };
  // What failed is not shown, even if something had measured it.
  const wrong = { ...row, variant: 'tile', check: failed.check! };
  const lines = (of: Partial<BenchResult>) =>
    textTable(benchTable({ ...result, ...of }))
      .split('\n')
      .map((line) => line.replace(/ +/g, ' '));
  expect(lines({ rows: [...rows, large, rival, wrong] })).toEqual([
    'Network: tutorial; 4 images of 28x28',
    '*: in use in the network of tutorial.',
    ' row ms p10 … p90 n images/s GFLOP/s inside GB/s of peak',
    ' training step 10.0 9.00 … 11.0 5 400 10.0 8.00',
    ' step: conv2d.plain down.1 3.00 2.70 … 3.30 5',
    ' step: swish.plain down.1 1.00 0.900 … 1.10 5',
    ' step: conv2d.plain down.1 3.00 2.70 … 3.30 5',
    ' step: conv2d_grad_input.plain down.1 1.00 0.900 … 1.10 5',
    ' conv2d.direct down.1 2.00 1.80 … 2.20 5 50.0 40.0 1.00 40%',
    ' mse.direct down.1 not timed, its check failed: grad: 3 of 9 elements',
    ' conv2d.winograd7 down.1 * 2.00 1.80 … 2.20 5 50.0 40.0 1.00 40%',
    ' conv2d.tile down.1 not timed, its check failed: grad: 3 of 9 elements',
    'conv2d: winograd7 (down.1)',
    'By kernel: conv2d 75.0%, swish 12.5%, conv2d_grad_input 12.5%.',
    '12.5% is not convolution. The 4 ops one by one take 8.00 ms together, 80% of the whole.',
    'not run: adam.direct at all: it is too large',
    'not run: training step, 1,024 images of 28x28: no memory',
  ]);
  expect(lines({ sizes: [28, 64], rows: [{ ...row, batch: 1, size: 64 }] }).slice(3)).toEqual([
    ' conv2d.direct down.1, 1 image of 64x64 2.00 1.80 … 2.20 5 50.0 40.0 1.00 40%',
  ]);
  expect(measuredText(rows)).toBe('6 rows; 1 failed its check and was not timed');
  expect(measuredText([wholeOf('step', 1), ...ops])).toBe('5 rows; 3 kernels right on small cases');
});

describe('the files', () => {
  test('Markdown has a table with a cell for each column, and says that the adapter is software', () => {
    const text = benchMarkdown(result);
    expect(text).toContain('(software, on the CPU');
    expect(text).toContain('The budget of 60 s ended, and 7 more were to come.');
    const lines = text.split('\n').filter((line) => line.startsWith('|'));
    expect(lines).toHaveLength(rows.length + 1);
    for (const line of lines) expect(line.replaceAll('\\|', '').split('|'), line).toHaveLength(11);
  });

  const kept = readdirSync('docs/results').filter((name) => name.endsWith('.json'));
  test.each(kept)('docs/results/%s has a line for each row, and the bench reads its own', (name) => {
    const text = readFileSync(`docs/results/${name}`, 'utf8');
    const value = JSON.parse(text);
    expect(rowsToJson(value)).toBe(text);
    if (!name.startsWith('bench-')) return;
    expect(parseResult(name, text)).toEqual({ name, result: value });
    expect(benchTable(value).rows.length).toBeGreaterThan(40);
  });

  test.each<[string, string | object, string]>([
    ['no JSON', '<html>', 'it is not JSON'],
    ['a list', '[1]', 'no field schema'],
    ['another schema', { schema: 1 }, 'its schema is 1, this program reads 2'],
    ['half a time', { rows: [{ ...row, ms: { median: 1 } }] }, 'field rows'],
    ['a strange part', { rows: [{ ...row, part: 'constructor' }] }, 'field rows'],
    ['an endless number', rowsToJson(result).replace('"gbps": 10', '"gbps": 1e999'), 'field peak'],
    ['no adapter', { adapter: {} }, 'field adapter'],
    ['no peak', { peak: null }, 'field peak'],
    ['a width', { network: { widths: 8 } }, 'field network'],
  ])('a file with %s is refused in one sentence', (_, content, why) => {
    const json = typeof content === 'string' ? content : rowsToJson({ ...result, ...content });
    const parse = () => parseResult('x.json', json);
    expect(parse).toThrow(EngineError);
    expect(parse).toThrow('x.json is not a result of this bench: ');
    expect(parse).toThrow(why);
  });
});

describe('comparing two results', () => {
  const compared = (before: Partial<BenchResult>, after: Partial<BenchResult>) =>
    comparisonTable(
      { name: 'a', result: { ...result, ...before } },
      { name: 'b', result: { ...result, ...after } },
    );

  test('matches rows by kernel, variant, layer, batch and size; a difference counts where the bands do not touch', () => {
    const layers = (...of: Partial<Row>[]) => of.map((changes) => ({ ...row, ...changes }));
    const before = layers({}, { layer: 'up.1' }, { layer: 'only' }, { layer: 'large' });
    const after = layers(
      { ms: times(2.3) },
      { layer: 'up.1', ms: times(3) },
      { layer: 'only', batch: 8 },
      { layer: 'large', size: 64 },
    );
    const a = wholeOf('step', 10);
    const b = wholeOf('step', 5);
    const peak = { ...begun.peak, gflops: 50 };
    const table = compared({ rows: [...before, a, ops[0]] }, { rows: [...after, b, ops[0]], peak });
    expect(table.rows.map((cells) => cells.slice(0, 2).join(': '))).toEqual([
      '0.50x ▼ faster: training step, 4 images of 28x28',
      '1.00x ≈ within noise: step: conv2d.plain down.1, 4 images of 28x28',
      '1.15x ≈ within noise: conv2d.direct down.1, 4 images of 28x28',
      '1.50x ▲ slower: conv2d.direct up.1, 4 images of 28x28',
    ]);
    expect(table.lead).toEqual([
      expect.stringMatching(/^1 faster, 1 slower, 2 within noise .*; 2 only in a, 2 only in b\.$/),
      'Peaks: 100 GFLOP/s and 10.0 GB/s in a, 50.0 GFLOP/s and 10.0 GB/s in b.',
      'Both ran in software, on the CPU: this says nothing about GPUs.',
    ]);
  });

  test.each([
    [0.94, 0.001, '0.94x ▼ faster'],
    [1.04, 0.001, '1.04x ≈ within noise'],
    [0.9, 0.1, '0.90x ≈ within noise'],
  ])(
    'counts medians less than a twentieth apart, and bands that touch, as noise: %d ± %d',
    (ms, spread, said) => {
      const of = (median: number) => ({ rows: [{ ...row, ms: times(median, spread) }] });
      expect(compared(of(1), of(ms)).rows[0][0]).toBe(said);
    },
  );

  test('names what differs beside the times', () => {
    const adapter = { ...begun.adapter, description: 'A GPU', software: false };
    const network = { recipe: 'digits', widths: [8, 16], kernelSize: 3 } as const;
    const timer = { kind: 'wall clock' } as const;
    const { lead } = compared(
      { rows: [row] },
      { adapter, network, timer, end: 'stopped', batches: [1], rows: [] },
    );
    expect(lead!.filter((line) => !line.startsWith('Peaks'))).toEqual([
      'The two have no measurement in common (1 only in a, 0 only in b).',
      expect.stringMatching(/^Different adapters: llvmpipe.*\(software.* in a, A GPU in b\.$/),
      'Different batches, so only what is alike in that is compared: 4 in a, 1 in b.',
      'Different networks: tutorial in a, digits with widths 8 16, kernels 3x3 in b.',
      'Different clocks: timestamp-query in a, wall clock in b.',
      'b is of a run that was stopped.',
    ]);
    expect(benchTable({ ...result, network }).title).toContain(
      'digits with widths 8 16, kernels 3x3; 4 images',
    );
  });
});

describe('the roofline', () => {
  const svgOf = (...of: Row[]) => rooflineSvg({ ...result, rows: of });

  test('has a titled point for each kernel that computes, or without them for each op, and the roofs and the label of the adapter', () => {
    const svg = svgOf(row, { ...row, layer: '<b>' }, failed, { ...row, part: 'op' })!;
    expect(svg.match(/<title>/g)).toHaveLength(2);
    for (const text of [
      'conv2d.direct &lt;b&gt;: 40.0 GFLOP/s at 40.0 FLOP per byte, 2.00 ms, 40% of peak',
      '100 GFLOP/s',
      'memory 10.0 GB/s',
      'cache 40.0 GB/s',
      '(software, on the CPU',
      // x from 1 to 100 FLOP per byte over 64 … 772, y from 10 to 1,000 GFLOP/s over 472 … 56: memory's roof of 10 GB/s enters at
      // 1 and 10, and reaches 100 at 10.
      'd="M64,472 L418,264 H772"',
    ])
      expect(svg).toContain(text);
    expect(svg).not.toMatch(/NaN|Infinity|undefined/);
    expect(svgOf({ ...row, part: 'op' })!.match(/<title>/g)).toHaveLength(1);
    expect(svgOf(failed)).toBe(undefined);
  });
});
