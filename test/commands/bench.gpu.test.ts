/**
 * The bench and the check themselves, on the cheapest kernels.
 *
 * @module-tag nightly
 */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { addEvent, type BenchEvent, type BenchResult, type Row } from '../../harness/bench/result';
import { type BenchOptions, runBench } from '../../harness/bench/run';
import { Runner } from '../../harness/bench/runner';
import { summary, Timer } from '../../harness/bench/timer';
import { type CheckRow, runCheck } from '../../harness/run/check';
import { specs } from '../../harness/specs/lib/registry';
import { shaderNames } from '../../harness/text/shape_text';
import { EngineError } from '../../src/base/errors';
import { createEngine } from '../../src/engine';
import { Program } from '../../src/gpu/program';
import type { EngineReport } from '../../src/report';
import { Trainer } from '../../src/training/trainer';
import { testGpu } from '../lib/gpu';
import { refused } from '../lib/refused';

// Three short samples of everything: what is measured does not matter here.
vi.mock(import('../../harness/bench/timer'), async (original) => {
  const real = await original();
  const sampled: typeof real.sampled = (once, options) =>
    real.sampled(once, { ...options, span: 0, seconds: 1e-3 });
  return { ...real, sampled };
});
const { gpu } = await testGpu();
const engine = await createEngine({ device: gpu.device, selfCheck: false });
const peak = { gflops: 50, gbps: 5, copies: [{ bytes: 2 ** 20, gbps: 5 }] };

const { measure } = Timer.prototype;
beforeEach(() => {
  vi.spyOn(Timer.prototype, 'measure').mockImplementation(async function (this: Timer, encode) {
    const samples = [];
    while (samples.length < 3) samples.push(await this.once(encode));
    return summary(samples);
  });
});
afterEach(() => {
  vi.resetAllMocks(); // to what they replace
});

/** The first test measures the peaks; the others would take longer for peaks than for what they are about. */
function tellPeaks(): void {
  vi.spyOn(Runner.prototype, 'peaks').mockResolvedValueOnce(peak);
  vi.spyOn(Runner.prototype, 'gflops').mockResolvedValueOnce(peak.gflops);
}

/** What is measured up to the end, or an abort. The budget does not run out. */
async function bench(options: BenchOptions, told = (_: BenchEvent) => {}) {
  let result: BenchResult | undefined;
  const tell = (event: BenchEvent) => {
    result = addEvent(result, event);
    told(event);
  };
  await runBench(engine, { batches: [4], budgetSeconds: 3600, ...options }, tell).catch((error) => {
    if (error !== options.signal?.reason) throw error;
  });
  return result!;
}

test('bench: every row is checked and timed, and the peaks are of this run', async () => {
  // As it is, at its shortest.
  vi.mocked(Timer.prototype.measure).mockImplementation(function (this: Timer, encode, { signal } = {}) {
    return measure.call(this, encode, { seconds: 1e-3, signal });
  });
  const writes = vi.spyOn(engine.device.queue, 'writeBuffer');
  const kernel = 'swish_max_pool.*down.1,conv2d.one_output up.2,noop';
  const { rows, peak: measured, ...about } = await bench({ kernel, runtime: 'a test' });
  expect(about).toMatchObject({ runtime: 'a test', end: 'complete', left: 0 });
  expect(about.gflopsAtEnd! / measured.gflops).toBeGreaterThan(0);
  expect(measured.copies.map(({ bytes }) => bytes / 2 ** 20)).toEqual([1, 16, 128]);
  expect(measured.gbps).toBe(measured.copies[2].gbps);
  const names = rows.map((row) => `${row.kernel} ${row.layer}`);
  expect(names.sort()).toEqual(['conv2d up.2', 'noop dispatch', 'swish_max_pool down.1']);
  for (const row of rows) {
    expect(row).toMatchObject({ part: 'kernel', batch: 4, size: 28, check: { pass: true } });
    expect(row.ms!.n).toBeGreaterThanOrEqual(3);
    expect(row.shareOfPeak).toBeGreaterThan(0);
  }
  const conv = rows.find((row) => row.kernel === 'conv2d')!;
  expect(conv.shape).toBe('height 28, width 28, in channels 32, out channels 1, kernel size 5, batch 4');
  expect(conv.gflops! * conv.ms!.median * 1e6).toBeCloseTo(2 * 28 * 28 * 32 * 25 * 4);
  expect(conv.shaders).toEqual(['conv2d.one_output']);
  // A check's tensors are longer.
  const inputs = writes.mock.calls.filter(
    ([_buffer, _offset, data]) => (data as Float32Array).length === 4 * 28 * 28 * 32,
  );
  expect(inputs).toHaveLength(1);
});

test('the measured peak is the faster form of fma_peak', async () => {
  const left = [1, 4];
  vi.mocked(Timer.prototype.measure).mockImplementation(async () => summary([left.shift()!]));
  const timer = { measure: Timer.prototype.measure } as unknown as Timer;
  const gflops = await new Runner(engine, timer, () => {}).gflops();
  expect(left).toEqual([]);
  const { kernel, bench: shapes } = specs.get('fma_peak')!;
  expect(gflops).toBeCloseTo(kernel.cost(shapes(4).peak).flops / 1e6);
});

const wholes = (rows: readonly Row[]) => rows.filter(({ part }) => part === 'whole');
const ops = (rows: readonly Row[]) => rows.filter(({ part }) => part === 'op');
/** What a row computes. */
const workOf = ({ insideGflops, ms }: Row) => insideGflops! * ms!.median * 1e6;

test('bench: the whole network, with the variants in use, and its step op by op', async () => {
  tellPeaks();
  const { chooser } = engine;
  const choose = chooser.choose.bind(chooser);
  // As if a tuner had preferred the plain form in one place.
  vi.spyOn(chooser, 'choose').mockImplementation(async (...args) => {
    const chosen = await choose(...args);
    return { ...chosen, variants: { ...chosen.variants, 'conv2d/down.1': 'direct' } };
  });
  const compiled = vi.spyOn(Program, 'compile');
  const kernel = 'step,forward,sample,*down.1';
  const { rows, left } = await bench({ network: { widths: [8, 16, 16] }, kernel });
  expect(left).toBe(0);
  expect(wholes(rows).map(({ kernel }) => kernel)).toEqual(['step', 'forward', 'sample']);
  for (const { variants, insideGflops, gflops, check } of wholes(rows)) {
    expect(insideGflops! / gflops!).toBeCloseTo(0.81, 1);
    expect(variants!['conv2d/down.1']).toBe('direct');
    expect(check!.pass).toBe(true);
  }
  const [step] = wholes(rows);
  const all = ops(rows);
  const kernels = rows.filter(({ part, ms }) => part === 'kernel' && ms);
  const at = (layer: string) => all.find((op) => op.kernel === 'conv2d' && op.layer === layer)!;
  expect([at('down.1').variant, at('up.1').variant]).toEqual(['direct', step.variants!['conv2d/up.1']]);
  expect(all.reduce((sum, op) => sum + workOf(op), 0) / workOf(step)).toBeCloseTo(1, 6);
  // An op takes what a neighbour has left, which a kernel by itself makes.
  const gradient = all.find((op) => op.kernel === 'conv2d_grad_kernel' && op.layer === 'up.1')!;
  expect(at('up.1').shaders).toContain('conv2d.winograd7_input');
  expect(gradient.shaders).not.toContain('conv2d.winograd7_input');
  const benched = compiled.mock.calls.filter(([_, label]) => label.startsWith('bench '));
  const timed = benched.slice(1).map(([_gpu, _label, [op]]) => shaderNames(op)); // after the clock's probe
  expect(timed).toEqual([...all, ...kernels].map(({ shaders }) => shaders));
  const [first] = kernels;
  expect(first.used).toBe(true);
  expect(rows).toContainEqual(expect.objectContaining({ part: 'kernel', variant: 'direct', used: true }));
});

test('bench: a conditioned network is trained and sampled as its recipe says, at the size of its images', async () => {
  tellPeaks();
  const network = { recipe: 'digits', widths: [4] } as const;
  const { rows } = await bench({ network, kernel: 'step,forward,sample' });
  expect(ops(rows).map(({ kernel }) => kernel)).toContain('average_weights');
  // With guidance the network sees each image twice.
  const [_, forward, sample] = wholes(rows);
  expect(workOf(sample) / workOf(forward)).toBeCloseTo(2, 0);
  // Of four levels, which 24 x 24 has and 28 x 28 has not.
  tellPeaks();
  const pictures = { recipe: 'pictures', widths: [4, 4, 4, 4], convolutionsPerLevel: 1 } as const;
  const { rows: small } = await bench({ network: pictures, kernel: 'forward' });
  expect(small).toMatchObject([{ kernel: 'forward', size: 24, check: { pass: true }, ms: { n: 3 } }]);
});

test('bench: several batches and sizes have rows of the whole network alone, or the reason where the device is too small', async () => {
  tellPeaks();
  const network = { widths: [4] };
  const { rows, batches, sizes } = await bench({ network, batches: [4, 1, 4], sizes: [32, 30] });
  expect({ batches, sizes }).toEqual({ batches: [1, 4], sizes: [30, 32] });
  const places = ['30 1', '30 4', '32 1', '32 4'];
  expect(rows.map(({ kernel, size, batch }) => `${kernel} ${size} ${batch}`)).toEqual(
    places.flatMap((place) => ['step', 'forward', 'sample'].map((name) => `${name} ${place}`)),
  );
  for (const { ms } of rows) expect(ms!.median).toBeGreaterThan(0);
  tellPeaks();
  const large = await bench({ network, batches: [16384], sizes: [512], kernel: 'forward' });
  expect(large.rows).toMatchObject([
    { part: 'whole', kernel: 'forward', reason: expect.stringMatching(/needs a buffer of \d+ bytes/) },
  ]);
});

test('bench: at other sizes than the recipe’s own the network and its kernels pass their checks', async () => {
  tellPeaks();
  const kernel = 'forward,conv2d_pool.one_input_subgroups';
  const { rows } = await bench({ sizes: [32], kernel });
  expect(rows.map(({ kernel, check, size, used }) => [kernel, size, check!.pass, used])).toEqual([
    ['forward', 32, true, undefined],
    ['conv2d_pool', 32, true, true],
  ]);
});

test('bench: what fails its check is not timed, nor the network that runs it', async () => {
  tellPeaks();
  const { check } = Runner.prototype;
  vi.spyOn(Runner.prototype, 'check').mockImplementation(async function (this: Runner, entry) {
    const isWrong = entry.kernel === 'adam';
    return isWrong ? { pass: false, share: 9, failure: 'it is wrong' } : check.call(this, entry);
  });
  const { rows } = await bench({ network: { widths: [4] }, kernel: 'step,adam' });
  const wrong = rows.filter(({ ms }) => !ms);
  expect(wrong.map(({ part, check }) => [part, check!.failure])).toEqual([
    ['whole', 'adam.plain all layers: it is wrong'],
    ['op', 'it is wrong'],
    ['kernel', 'it is wrong'],
  ]);
  expect(rows.length).toBeGreaterThan(5);
});

test('bench: an error that is no limit of the device ends the run', async () => {
  tellPeaks();
  const lost = new EngineError('device-lost', 'The device was lost.');
  vi.mocked(Timer.prototype.measure).mockRejectedValueOnce(lost);
  await expect(bench({ kernel: 'noop' })).rejects.toBe(lost);
});

test('bench: what has not begun by the end of the budget is counted', async () => {
  tellPeaks();
  const { rows, left, end } = await bench({ kernel: 'step, noop', budgetSeconds: 1e-6 });
  // The step, its 30 ops, and a kernel.
  expect({ rows, left, end }).toEqual({ rows: [], left: 32, end: 'budget' });
});

test('check: each variant has a row, skipped ones apart', async () => {
  const rows: CheckRow[] = [];
  let report: EngineReport | undefined;
  const inUse = { 'swish_max_pool_grad/down.0': 'plain' };
  for await (const event of runCheck(engine, { kernel: 'swish_max_pool', inUse })) {
    if (event.kind === 'row') rows.push(event.row);
    else if (event.kind !== 'progress') report = event.report;
  }
  // What is in use comes first.
  expect(rows.map(({ kernel, inUse: used }) => [kernel, used])).toEqual([
    ['swish_max_pool_grad', true],
    ['swish_max_pool', false],
  ]);
  for (const { kernel, result, cases, share, each, shaders, compileMilliseconds } of rows) {
    expect(result).toBe('pass');
    expect(each).toHaveLength(cases);
    expect(Math.max(...each.map((one) => one.share))).toBe(share);
    expect(shaders).toContain(kernel);
    const own = report!.pipelines.filter(({ shader }) => shaders.includes(shader));
    expect(own).toHaveLength(shaders.length);
    expect(compileMilliseconds).toBeCloseTo(own.reduce((sum, { milliseconds }) => sum + milliseconds, 0));
    const { worst } = each.find((one) => one.share === share)!;
    expect(Math.abs(worst!.actual - worst!.expected) / worst!.allowed).toBeCloseTo(share);
  }
});

test('check: a network whose loss is no number has a failed row', async () => {
  vi.spyOn(Trainer.prototype, 'step').mockRejectedValue(new EngineError('diverged', 'NaN'));
  const rows: CheckRow[] = [];
  for await (const event of runCheck(engine, { kernel: 'unet.gradient' }))
    if (event.kind === 'row') rows.push(event.row);
  expect(rows).toMatchObject([{ kernel: 'unet', result: 'fail', reason: 'NaN' }]);
});

describe('bench and check', () => {
  test('refuse an unknown kernel before anything is measured', async () => {
    const why = /^No kernel matches nope; there are .*conv2d, conv2d_grad_input/;
    await refused(bench({ kernel: 'nope' }), 'argument', why);
    await refused(runCheck(engine, { kernel: 'nope' }).next(), 'argument', why);
    await refused(bench({ sizes: [30] }), 'argument', /height is 30/);
  });

  test('a check stops when its signal is aborted', async () => {
    const signal = AbortSignal.abort(new Error('enough'));
    const drain = async () => {
      for await (const _ of runCheck(engine, { kernel: 'swish_max_pool', signal }));
    };
    await expect(drain()).rejects.toThrow('enough');
  });

  test('a run of the bench that is stopped has what was measured until then', async () => {
    tellPeaks();
    const abort = new AbortController();
    const told = ({ kind }: BenchEvent) => {
      if (kind === 'row') abort.abort(new Error('enough'));
    };
    const stopped = { kernel: 'noop,swish_grad', signal: abort.signal };
    const result = await bench(stopped, told);
    expect(result).toMatchObject({ end: 'stopped', rows: [{ kernel: 'swish_grad' }] });
    expect(result.rows).toHaveLength(1);
    expect(result.left).toBeGreaterThan(0);
  });
});
