/**
 * The bench and the check themselves, on the cheapest kernels.
 *
 * @module-tag nightly
 */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { convInsideFlops, passesOfStep, sumOverLayers } from '../../harness/bench/inside';
import { breakDown, measureWork, openWork, ownSize } from '../../harness/bench/network';
import { measureGflops, measurePeaks } from '../../harness/bench/peaks';
import {
  addEvent,
  type BenchEvent,
  type BenchResult,
  type BenchTotal,
  totalNames,
} from '../../harness/bench/result';
import { type BenchOptions, runBench } from '../../harness/bench/run';
import { summary } from '../../harness/bench/statistics';
import { measurePoint } from '../../harness/bench/sweep';
import { Timer } from '../../harness/bench/timer';
import { type CheckRow, runCheck } from '../../harness/run/check';
import { configOf, type NetworkChoice } from '../../harness/run/network';
import { specs } from '../../harness/specs/lib/registry';
import { EngineError } from '../../src/base/errors';
import { createEngine } from '../../src/engine';
import type { EngineReport } from '../../src/report';
import { Trainer } from '../../src/training/trainer';
import { layersOf } from '../../src/unet/config';
import { testGpu } from '../lib/gpu';
import { refused } from '../lib/refused';

// The first test measures the peaks; the others, which would take longer for peaks than for what they are about, get its peaks.
vi.mock(import('../../harness/bench/peaks'), async (original) => {
  const real = await original();
  return { ...real, measurePeaks: vi.fn(real.measurePeaks), measureGflops: vi.fn(real.measureGflops) };
});
const { gpu } = await testGpu();
const engine = await createEngine({ device: gpu.device, selfCheck: false });
const createTimer = () => Timer.create(gpu, () => {});
const timer = await createTimer();
const peak = { gflops: 50, gbps: 5, copies: [{ bytes: 2 ** 20, gbps: 5 }] };

const { measure } = Timer.prototype;
beforeEach(() => {
  // Three short samples of everything: what is measured does not matter here.
  vi.spyOn(Timer.prototype, 'measure').mockImplementation(async function (this: Timer, encode, _, signal) {
    signal?.throwIfAborted();
    const samples = [];
    while (samples.length < 3) samples.push(await this.once(encode));
    return summary(samples);
  });
});
afterEach(() => {
  vi.resetAllMocks(); // to what they replace
});

function tellPeaks(): void {
  vi.mocked(measurePeaks).mockImplementationOnce(async () => ({ timer: await createTimer(), peak }));
  vi.mocked(measureGflops).mockResolvedValueOnce(peak.gflops);
}

/** What is measured up to the end, or an abort. */
async function bench(options: BenchOptions, told = (_: BenchEvent) => {}) {
  let result: BenchResult | undefined;
  try {
    for await (const event of runBench(engine, options)) {
      result = addEvent(result, event);
      told(event);
    }
  } catch (error) {
    expect(error).toBe(options.signal?.reason);
  }
  return result!;
}

test('bench: every row is checked and timed, and the peaks are of this run', async () => {
  // As it is, at its shortest.
  vi.mocked(Timer.prototype.measure).mockImplementation(function (this: Timer, encode, _, signal) {
    return measure.call(this, encode, 0, signal);
  });
  const result = await bench({
    kernel: 'swish_max_pool.*down.1,conv2d.one_output up.2,noop',
    batch: 4,
    budgetSeconds: 3600, // does not run out
    runtime: 'a test',
  });
  expect([result.runtime, result.end]).toEqual(['a test', 'complete']);
  expect(result.peak.gflops).toBeGreaterThan(0);
  expect(result.gflopsAtEnd).toBeGreaterThan(0);
  expect(result.peak.copies.map(({ bytes }) => bytes / 2 ** 20)).toEqual([1, 16, 128]);
  expect(result.peak.gbps).toBe(result.peak.copies[2].gbps);
  const rows = result.rows.map(({ kernel, layer }) => `${kernel} ${layer}`);
  expect(rows.sort()).toEqual(['conv2d up.2', 'noop dispatch', 'swish_max_pool down.1']);
  for (const { check, ms, gbps, shareOfPeak, batch } of result.rows) {
    expect({ batch, pass: check.pass }).toEqual({ batch: 4, pass: true });
    expect(ms!.n).toBeGreaterThanOrEqual(3);
    expect(gbps).toBeGreaterThan(0);
    expect(shareOfPeak).toBeGreaterThan(0);
  }
  const conv = result.rows.find(({ kernel }) => kernel === 'conv2d')!;
  expect(conv.shape).toBe('batch 4, height 28, width 28, in channels 32, out channels 1, kernel size 5');
  expect(conv.flops! / conv.ms!.median / 1e6).toBeCloseTo(conv.gflops!);
  expect(conv.bytes! / conv.ms!.median / 1e6).toBeCloseTo(conv.gbps!);
  expect(conv.shaders).toEqual(['conv2d.one_output']);
  expect(conv.insideGflops! / conv.gflops!).toBeCloseTo(0.916, 3);
});

test('the measured peak is the faster form of fma_peak', async () => {
  const left = [4, 1];
  const timed = { measure: async () => summary([left.shift()!]) } as unknown as Timer;
  const gflops = await measureGflops(engine, timed, 0);
  expect(left).toEqual([]);
  const { kernel, bench: shapes } = specs.get('fma_peak')!;
  expect(gflops).toBeCloseTo(kernel.cost(shapes(4).peak).flops / 1e6);
});

/** The totals of a network, with the breakdown of each. */
async function totalsOf(network: NetworkChoice) {
  const all = [];
  for (const name of totalNames) {
    const work = await openWork(engine, name, ownSize(network), 4, timer, network);
    const total = await measureWork(work, 0);
    all.push({ name, total, ...(await breakDown(engine, work, total, timer, 0)) });
    work.destroy();
  }
  return all;
}

test('bench: the whole network, with the variants in use, op by op', async () => {
  const { chooser } = engine;
  const choose = chooser.choose.bind(chooser);
  // As if a tuner had preferred the plain form in one place.
  vi.spyOn(chooser, 'choose').mockImplementation(async (...args) => {
    const chosen = await choose(...args);
    return { ...chosen, variants: { ...chosen.variants, 'conv2d/down.1': 'direct' } };
  });
  for (const { total, ops, sumMs, otherShare } of await totalsOf({ widths: [8, 16, 16] })) {
    expect(total.batch).toBe(4);
    expect(total.imagesPerSecond).toBeCloseTo(4000 / total.ms.median);
    expect(total.insideGflops / total.gflops).toBeCloseTo(0.803, 2);
    expect(total.variants['conv2d/down.1']).toBe('direct');
    for (const { kernel, layer, variant } of ops)
      if (kernel === 'conv2d') expect(total.variants[`conv2d/${layer}`]).toBe(variant);
    expect(ops.reduce((sum, { ms }) => sum + ms.median, 0)).toBeCloseTo(sumMs);
    expect(otherShare).toBeGreaterThan(0);
    expect(otherShare).toBeLessThan(1);
  }
});

test('bench: a conditioned network is trained and sampled as its recipe says', async () => {
  const network = { recipe: 'digits', widths: [4] } as const;
  const all = await totalsOf(network);
  const own = { step: 'average_weights', forward: 'embedding', sample: 'flow_step' };
  for (const { name, kernels } of all) expect(kernels.map(({ kernel }) => kernel)).toContain(own[name]);
  // With guidance the network sees each image twice.
  const [step, forward, sample] = all.map(({ total }) => total);
  const flopsOf = ({ gflops, ms }: BenchTotal) => gflops * ms.median;
  expect(flopsOf(sample) / flopsOf(forward)).toBeCloseTo(2);
  expect(step.firstMs).toBeGreaterThan(0);
});

test('bench: a network is measured at the size of its recipe’s images, as its kernels are', async () => {
  tellPeaks();
  // Of four levels, which 24 x 24 has and 28 x 28 has not.
  const network = { recipe: 'pictures', widths: [4, 4, 4, 4], convolutionsPerLevel: 1 } as const;
  const { step } = await bench({ network, kernel: 'step', batch: 4, budgetSeconds: 3600 });
  const flops = sumOverLayers(layersOf(configOf(network)), 4, passesOfStep, convInsideFlops);
  expect((step!.insideGflops * step!.ms.median * 1e6) / flops).toBeCloseTo(1, 6);
});

test('bench: the breakdown of a network times each op by its own dispatches', async () => {
  const work = await openWork(engine, 'forward', ownSize(), 4, timer);
  const timed: string[][] = [];
  const recorder = {
    measure: async (encode: (pass: GPUComputePassEncoder) => void) => {
      const shaders: string[] = [];
      let shader = '';
      encode({
        setPipeline: ({ label }: GPUComputePipeline) => {
          shader = label;
        },
        setBindGroup: () => {},
        dispatchWorkgroups: () => shaders.push(shader),
      } as unknown as GPUComputePassEncoder);
      timed.push(shaders);
      return summary([1]);
    },
  } as unknown as Timer;
  const total = { ms: summary([work.ops.length]) } as BenchTotal;
  const { sumOfTotal } = await breakDown(engine, work, total, recorder, 0);
  expect(sumOfTotal).toBe(1);
  expect(timed).toEqual(work.ops.map(({ calls }) => calls.map(({ shader }) => shader.name)));
  work.destroy();
});

test('bench: a sweep has a row for each size, or the reason where the device is too small', async () => {
  const { step, forward, reason } = await measurePoint(
    engine,
    { axis: 'size', size: 32, batch: 4 },
    timer,
    0,
  );
  expect(reason).toBeUndefined();
  for (const total of [step!, forward!]) {
    expect(total.msPerImage).toBeCloseTo(total.ms.median / 4);
    expect(total.psPerMultiplyAdd).toBeCloseTo(2000 / total.insideGflops);
  }
  const large = await measurePoint(engine, { axis: 'size', size: 4096, batch: 64 }, timer, 0);
  expect([large.step, large.forward]).toEqual([null, null]);
  expect(large.reason).toMatch(/needs a buffer of \d+ bytes; this device allows/);
});

test('bench: rows that do not begin within the budget are left out, and named', async () => {
  tellPeaks();
  // Over before anything can begin, also on a device that has compiled it all before.
  const { sample, rows, skipped, sweep, end } = await bench({
    kernel: 'sample, noop',
    batch: 4,
    budgetSeconds: 1e-6,
    sweep: ['batch'],
    points: [4],
  });
  expect([sample, rows, end]).toEqual([null, [], 'budget']);
  expect(skipped.map(({ kernel, reason }) => [kernel, reason])).toEqual([
    ['sample', 'the budget of 0.000001 s ended'],
    ['noop', 'the budget of 0.000001 s ended'],
  ]);
  expect(sweep.map(({ step, reason }) => [step, reason])).toEqual([[null, 'the budget of 0.000001 s ended']]);
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
    for (const run of [runBench, runCheck])
      await refused(run(engine, { kernel: 'nope', sweep: ['batch'] }).next(), 'argument', why);
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
    const stopped = { kernel: 'noop,swish_grad', batch: 4, signal: abort.signal };
    const result = await bench(stopped, told);
    expect(result).toMatchObject({ end: 'stopped', gflopsAtEnd: null, rows: [{ kernel: 'swish_grad' }] });
    expect(result.rows).toHaveLength(1);
  });
});
