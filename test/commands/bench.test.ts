/** What the bench makes of its measurements: figures, table, files, comparisons. No GPU. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { comparisonTable } from '../../harness/bench/compare';
import { parseResult, rowsToJson } from '../../harness/bench/read';
import {
  addEvent,
  type BenchEvent,
  type BenchHead,
  type BenchResult,
  copyRate,
  figuresOf,
  type Row,
  SCHEMA,
} from '../../harness/bench/result';
import { rooflineSvg } from '../../harness/bench/roofline';
import { usedIn } from '../../harness/bench/run';
import {
  benchMarkdown,
  benchTables,
  caveats,
  headLines,
  measuredText,
  rowCells,
} from '../../harness/bench/table';
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
  ...{ part: 'whole', kernel, variant: '', layer: '', ...place, check, ms: times(ms) },
  ...{ gflops: 100 / ms, insideGflops: 80 / ms, variants: { 'conv2d/down.1': 'winograd7' } },
});
const opOf = (kernel: string, ms: number): Row => ({
  ...{ part: 'op', kernel, variant: 'plain', layer: 'down.1', ...place, check, ms: times(ms) },
});
const row: Row = {
  ...{ part: 'kernel', kernel: 'conv2d', variant: 'direct', layer: 'down.1', ...place, check },
  ...{ ms: times(2), gflops: 50, insideGflops: 40, gbps: 1, shareOfPeak: 0.4 },
};
const { ms: _, gflops: __, insideGflops: ___, gbps: ____, shareOfPeak: _____, ...untimed } = row;
const failed: Row = {
  ...{ ...untimed, kernel: 'mse' },
  check: { pass: false, share: 7, failure: 'grad: 3 of 9 elements\nare | off' },
};
const skipped: Row = { ...untimed, kernel: 'adam', layer: 'all', reason: 'it is too large' };
const large: Row = { ...wholeOf('step', 1), batch: 1024, reason: 'no memory' };
const head: BenchHead = {
  schema: SCHEMA,
  adapter: { vendor: 'mesa', architecture: '', device: '', description: 'llvmpipe, "quick"', software: true },
  ...{ runtime: 'a test', date: '2026-01-02T03:04:05.000Z', batches: [4], sizes: [28], budgetSeconds: 60 },
  timer: { kind: 'timestamp-query', resolutionMs: 1e-6 },
  peak: {
    ...{ gflops: 100, gbps: 10 },
    copies: [
      { bytes: 2 ** 20, gbps: 40 },
      { bytes: 2 ** 27, gbps: 10 },
    ],
  },
};
const ops = [opOf('conv2d', 3), opOf('swish', 1), opOf('conv2d', 3), opOf('conv2d_grad_input', 1)];
const rows = [wholeOf('step', 10), ...ops, row, failed, skipped];
const events: BenchEvent[] = [
  { kind: 'progress', done: 0, total: 3, title: 'peaks' },
  { kind: 'head', head },
  ...rows.map((row): BenchEvent => ({ kind: 'row', row })),
  { kind: 'progress', done: 3, total: 10, title: 'peak, again' },
  { kind: 'end', end: 'budget', gflopsAtEnd: 100 },
];
const resultOf = (from: readonly BenchEvent[]) =>
  from.reduce<BenchResult | undefined>((result, event) => addEvent(result, event), undefined);
const result = resultOf(events)!;
const withRows = (...of: Row[]): BenchResult => ({ ...result, rows: of });

describe('a bench result', () => {
  test('is built event by event, and is whole enough to show after its first event', () => {
    expect(resultOf(events.slice(0, 1))).toBeUndefined();
    const early = resultOf(events.slice(0, 3))!;
    expect(early).toMatchObject({ end: 'stopped', rows: [{ kernel: 'step' }] });
    expect(early.gflopsAtEnd).toBeUndefined();
    expect(caveats(early)).toEqual(['Stopped before its end: this is what was measured until then.']);
    expect(caveats(result)).toEqual(['The budget of 60 s ended, and 7 more were to come.']);
    expect(addEvent(result, { kind: 'end', end: 'complete', gflopsAtEnd: 1 })!.left).toBe(0);
  });

  test('takes as the memory roof of a row the rate of a copy of similar size', () => {
    const rates = [1, 2 ** 20, 2 ** 23, 2 ** 24, 2 ** 30].map((bytes) => copyRate(head.peak, bytes));
    expect(rates).toEqual([40, 40, 40, 10, 10]);
  });

  test('counts of a convolution what is inside the image against the peak, and adds up the peaks of several ops', () => {
    const conv = { batch: 4, height: 7, width: 7, inChannels: 8, outChannels: 8, kernelSize: 5 };
    const flops = 2 * 4 * 7 * 7 * 8 * 8 * 25;
    const work = { kernel: 'conv2d', shape: conv, cost: { flops, bytes: 1 } };
    const copy = { kernel: 'copy', shape: {}, cost: { flops: 0, bytes: 2 ** 20 } };
    const inside = (29 / 35) ** 2 * flops;
    expect(figuresOf([work], 1, head.peak).insideGflops).toBeCloseTo(inside / 1e6);
    const both = figuresOf([work, copy], 2, head.peak);
    expect(both).toMatchObject({ flops, bytes: 2 ** 20 + 1, gflops: flops / 2e6 });
    expect(both.shareOfPeak).toBeCloseTo((inside / 100 + 2 ** 20 / 40) / 2e6);
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

describe('the table of a bench result', () => {
  test('shows no numbers for a row whose check failed, even if something had measured it', () => {
    const why = 'not timed, its check failed: grad: 3 of 9 elements';
    expect(rowCells(result, failed)).toEqual(['mse.direct down.1', why]);
    expect(rowCells(result, { ...row, check: failed.check! })).toHaveLength(2);
    expect(rowCells(result, row)).toEqual([
      ...['conv2d.direct down.1', '2.00', '1.80 … 2.20', '5', '', '50.0', '40.0', '1.00', '40%'],
    ]);
    expect(measuredText(rows)).toBe(
      '1 row of the whole network, 4 ops of its step, 1 kernel; 1 failed its check and was not timed',
    );
  });

  test('names images and size where there are several', () => {
    expect(rowCells(result, wholeOf('sample', 10)).slice(0, 5)).toEqual([
      ...['sampling step, 4 images of 28x28', '10.0', '9.00 … 11.0', '5', '400'],
    ]);
    const [name] = rowCells({ ...result, sizes: [28, 64] }, { ...row, batch: 1, size: 64 });
    expect(name).toBe('conv2d.direct down.1, 1 image of 64x64');
  });

  const plan = { 'adam/all': 'plain', 'conv2d/up.1': 'direct' };
  const forward = { ...wholeOf('forward', 1), variants: { 'conv2d/up.1': 'winograd7' } };
  test.each<[string, Row[], object]>([
    ['the plan', [], plan],
    // Kernels without a choice are of the step's plan alone, which says nothing of convolutions that were measured.
    [
      'the step and its plan',
      [forward, wholeOf('step', 1)],
      { 'adam/all': 'plain', 'conv2d/down.1': 'winograd7' },
    ],
    ['the forward pass where there is no step', [forward], forward.variants],
  ])('the variants in use come from %s', (_, of, used) => {
    expect(usedIn(of, plan)).toEqual(used);
  });

  test('holds everything that was measured, names what was not, and marks what the step uses', () => {
    const rival = { ...row, variant: 'winograd7', used: true };
    const [whole, step, kernels] = benchTables({ ...result, rows: [...rows, large, rival] });
    expect(whole.title).toBe('The whole network: tutorial');
    expect(whole.notes).toEqual([
      'conv2d: winograd7 (down.1)',
      'not run: training step, 1,024 images of 28x28: no memory',
    ]);
    expect(kernels.lead).toEqual(['*: in use in the network of tutorial.']);
    expect(kernels.rows.map(([name]) => name)).toEqual([
      ...['conv2d.direct down.1', 'mse.direct down.1', 'conv2d.winograd7 down.1 *'],
    ]);
    expect(kernels.notes).toEqual(['not run: adam.direct at all: it is too large']);
    for (const { head: columns, rows: of } of [whole, step, kernels])
      for (const cells of of) expect([columns.length, 2]).toContain(cells.length);
    const lines = textTable(step).split('\n');
    expect([lines[0], lines[1], lines[3]].map((line) => line.replace(/ +/g, ' '))).toEqual([
      'The training step, op by op',
      ' op of the step ms p10 … p90 n images/s GFLOP/s inside GB/s of peak',
      ' swish.plain down.1 1.00 0.900 … 1.10 5',
    ]);
    expect(lines.slice(-2)).toEqual([
      'By kernel: conv2d 75.0%, swish 12.5%, conv2d_grad_input 12.5%.',
      '12.5% is not convolution. The 4 ops one by one take 8.00 ms together, 80% of the whole.',
    ]);
  });
});

describe('the files of a bench result', () => {
  test('Markdown has tables with a cell for each column, and says that the adapter is software', () => {
    const text = benchMarkdown(result);
    expect(text).toContain('(software, on the CPU');
    expect(text).toContain('**The budget of 60 s ended, and 7 more were to come.**');
    expect(text).toContain('not run: adam.direct at all: it is too large');
    const blocks = text.split('\n\n').filter((block) => block.startsWith('|'));
    expect(blocks).toHaveLength(3);
    for (const block of blocks) {
      const widths = block.split('\n').map((line) => line.replaceAll('\\|', '').split('|').length);
      expect(new Set(widths).size, block).toBe(1);
    }
  });

  test('JSON is read back unchanged', () => {
    const whole = { ...row, shape: 'batch 4', flops: 1, bytes: 2, shaders: ['conv2d.direct'], firstMs: 3 };
    for (const all of [result, withRows({ ...whole, used: false })])
      expect(parseResult('a.json', rowsToJson(all)).result).toEqual(all);
  });

  const kept = readdirSync('docs/results').filter((name) => name.endsWith('.json'));

  test('each JSON file in docs/results has a line for each row, and the bench reads its own, of schema 1, with all that was measured', () => {
    for (const name of kept) {
      const text = readFileSync(`docs/results/${name}`, 'utf8');
      expect(rowsToJson(JSON.parse(text)), name).toBe(text);
    }
    const own = kept.filter((name) => name.startsWith('bench-'));
    const read = own.map((name) => {
      const old = JSON.parse(readFileSync(`docs/results/${name}`, 'utf8'));
      const { rows: of, batches, sizes } = parseResult(name, JSON.stringify(old)).result;
      expect([batches, sizes]).toEqual([[64], [28]]);
      expect(of.filter(({ part }) => part === 'kernel')).toHaveLength(old.rows.length + old.skipped.length);
      expect(of[0]).toMatchObject({ part: 'whole', kernel: 'step', ms: old.step.ms });
      expect(
        of.find(
          ({ part, layer, variant }) =>
            part === 'kernel' && layer === 'down.1' && variant === 'winograd7_subgroups',
        )!.used,
      ).toBe(true);
      return of.filter(({ part, ms }) => part === 'op' && ms).length === old.breakdowns.step.ops.length;
    });
    expect(read).toEqual([true, true]);
  });

  test('a sweep of schema 1 becomes rows of the whole network', () => {
    const total = { batch: 4, ms: times(8), imagesPerSecond: 500, gflops: 1, insideGflops: 1, timer: 'x' };
    const old = {
      ...{ ...head, schema: 1, batch: 4, end: 'complete', gflopsAtEnd: null, rows: [], network: undefined },
      ...{ step: null, forward: null, sample: null, breakdowns: { step: null } },
      sweep: [
        { axis: 'size', batch: 4, size: 32, step: total, forward: total },
        { axis: 'batch', batch: 1024, size: 28, step: null, forward: null, reason: 'no memory' },
      ],
      skipped: [{ kernel: 'sample', variant: '', layer: '', reason: 'no time' }],
    };
    const { rows: read } = parseResult('a.json', JSON.stringify(old)).result;
    expect(
      read.map(({ kernel, batch, size, ms, reason }) => [kernel, batch, size, ms?.median, reason]),
    ).toEqual([
      ['step', 4, 32, 8, undefined],
      ['forward', 4, 32, 8, undefined],
      ['step', 1024, 28, undefined, 'no memory'],
      ['forward', 1024, 28, undefined, 'no memory'],
      ['sample', 4, 28, undefined, 'no time'],
    ]);
  });

  test.each<[string, string | object, string]>([
    ['no JSON', '<html>', 'it is not JSON'],
    ['a list', '[1]', 'no field schema'],
    ['another schema', { schema: 99 }, 'its schema is 99, this program reads 1 and 2'],
    ['half of schema 1', { schema: 1 }, 'it is not whole'],
    ['half a check', { rows: [{ ...row, check: {} }] }, 'field rows'],
    ['half a time', { rows: [{ ...row, ms: { median: 1 } }] }, 'field rows'],
    ['a strange part', { rows: [{ ...row, part: 'constructor' }] }, 'field rows'],
    ['an endless number', rowsToJson(result).replace('"left": 7', '"left": 1e999'), 'field left'],
    ['no adapter', { adapter: {} }, 'field adapter'],
    ['no peak', { peak: null }, 'field peak'],
    ['no clock', { timer: { kind: 'wall clock' } }, 'field timer'],
    ['a width', { network: { widths: 8 } }, 'field network'],
  ])('a file with %s is refused in one sentence', (_, content, why) => {
    const json = typeof content === 'string' ? content : rowsToJson({ ...result, ...content });
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
  const verdicts = (before: Row[], after: Row[]) =>
    comparisonTable(named('a', { rows: before }), named('b', { rows: after })).rows.map((cells) =>
      cells.slice(0, 2).join(': '),
    );

  test('matches rows by kernel, variant, layer, batch and size; a difference counts where the bands do not touch', () => {
    const layers = (...of: Partial<Row>[]) => of.map((changes) => ({ ...row, ...changes }));
    const before = layers({}, { layer: 'up.1' }, { layer: 'only' }, { layer: 'large' });
    const more = [
      { layer: 'only', batch: 8 },
      { layer: 'large', size: 64 },
    ];
    const after = layers({ ms: times(2.3) }, { layer: 'up.1', ms: times(3) }, ...more);
    const [a, b] = [wholeOf('step', 10), wholeOf('step', 5)];
    expect(verdicts([...before, a, ops[0]], [...after, b, ops[0]])).toEqual([
      '0.50x ▼ faster: training step, 4 images of 28x28',
      '1.00x ≈ within noise: conv2d.plain down.1 in the step, 4 images of 28x28',
      '1.15x ≈ within noise: conv2d.direct down.1, 4 images of 28x28',
      '1.50x ▲ slower: conv2d.direct up.1, 4 images of 28x28',
    ]);
    const half = { ...head.peak, gflops: 50 };
    const { lead } = comparisonTable(named('a', { rows: before }), named('b', { rows: after, peak: half }));
    expect(lead).toEqual([
      expect.stringMatching(/^0 faster, 1 slower, 1 within noise .*; 2 only in a, 2 only in b\.$/),
      'Peaks: 100 GFLOP/s and 10.0 GB/s in a, 50.0 GFLOP/s and 10.0 GB/s in b.',
      'Both ran in software, on the CPU: this says nothing about GPUs.',
    ]);
  });

  test.each([
    [0.94, '0.94x ▼ faster'],
    [1.04, '1.04x ≈ within noise'],
  ])(
    'counts medians less than a twentieth apart as noise, however narrow the bands: %d is %s',
    (ms, said) => {
      const of = (median: number) => [{ ...row, ms: times(median, 0.001) }];
      expect(verdicts(of(1), of(ms))[0]).toContain(`${said}: `);
    },
  );

  test('names what differs beside the times, such as the adapter', () => {
    const adapter = { ...head.adapter, description: 'A GPU', software: false };
    const after = { adapter, runtime: 'another', end: 'stopped', rows: [] } as const;
    const { lead = [] } = comparisonTable(named('a.json', { rows: [row] }), named('b.json', after));
    expect(lead[0]).toContain('The two have no measurement in common');
    expect(lead[2]).toMatch(/^Different adapters: llvmpipe.*\(software.* in a\.json, A GPU in b\.json\.$/);
    expect(lead[3]).toContain('Different runtimes');
    expect(lead).toContain('b.json is of a run that was stopped.');
  });
});

describe('the roofline', () => {
  const svgOf = (...of: Row[]) => rooflineSvg(withRows(...of))!;

  test('has a titled point for each kernel that computes, and the roofs and the label of the adapter', () => {
    const svg = svgOf(row, { ...row, layer: '<b>' }, failed, { ...row, part: 'op' });
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
    expect(svgOf(row)).toContain('d="M64,472 L418,264"');
  });
});

test('the network of a bench is named in all texts and files', () => {
  const other = { ...result, network: { recipe: 'digits', widths: [8, 16], kernelSize: 3 } as const };
  const name = 'digits with widths 8 16, kernels 3x3';
  expect([other, result].map((of) => headLines(of)[2])).toEqual([
    ...[`Network: ${name}; 4 images of 28x28.`, 'Network: tutorial; 4 images of 28x28.'],
  ]);
  const named = (name: string, of: BenchResult) => parseResult(name, rowsToJson(of));
  expect(named('b', other).result.network).toEqual(other.network);
  const lead = (before: BenchResult) => comparisonTable(named('a', before), named('b', other)).lead!;
  expect(lead(result)).toContain(`Different networks: tutorial in a, ${name} in b.`);
  expect(lead(other).join()).not.toContain('networks');
});
