/** The bench and the check themselves, on the cheapest kernels. */
import { expect, test } from 'vitest';
import { type BenchResult, runBench } from '../../harness/bench';
import { type CheckRow, runCheck } from '../../harness/check';
import { createEngine } from '../../src/engine';
import { testGpu } from '../lanes/gpu';

const { gpu } = await testGpu();
const engine = await createEngine({ device: gpu.device });

async function bench(options: Parameters<typeof runBench>[1]): Promise<BenchResult> {
  for await (const event of runBench(engine, options)) if (event.kind === 'result') return event.result;
  throw new Error('no result');
}

test('bench: every row is checked and timed, and the peaks are of this run', async () => {
  const result = await bench({
    kernel: 'swish_max_pool.,forward',
    batch: 4,
    budgetSeconds: 0.5,
    runtime: 'a test',
  });
  expect(result.runtime).toBe('a test');
  expect(result.peak.gflops).toBeGreaterThan(0);
  expect(result.peak.gbps).toBeGreaterThan(0);
  expect(result.timer.resolutionMs).toBeGreaterThan(0);
  expect(result.rows.map(({ layer }) => layer)).toEqual(['down.0', 'down.1']);
  for (const { kernel, check, ms, gbps, shareOfPeak, batch } of result.rows) {
    expect({ kernel, batch, pass: check.pass }).toEqual({ kernel: 'swish_max_pool', batch: 4, pass: true });
    expect(ms!.n).toBeGreaterThanOrEqual(3);
    expect(ms!.median).toBeGreaterThan(0);
    expect(ms!.p10).toBeLessThanOrEqual(ms!.median);
    expect(ms!.p90).toBeGreaterThanOrEqual(ms!.median);
    expect(gbps).toBeGreaterThan(0);
    expect(shareOfPeak).toBeGreaterThan(0);
  }
  expect([result.step, result.sample]).toEqual([null, null]);
  expect(result.forward!.batch).toBe(4);
  expect(result.forward!.imagesPerSecond).toBeGreaterThan(0);
});

test('check: a row for each variant, skipped ones apart', async () => {
  const rows: CheckRow[] = [];
  for await (const event of runCheck(engine, { kernel: 'swish_max_pool' }))
    if (event.kind === 'row') rows.push(event.row);
  expect(rows.map(({ kernel }) => kernel)).toEqual(['swish_max_pool', 'swish_max_pool_grad']);
  for (const { result, cases, share } of rows) {
    expect(result).toBe('pass');
    expect(cases).toBeGreaterThan(3);
    expect(share).toBeLessThanOrEqual(1);
  }
});

test('both stop when they are told to', async () => {
  const abort = new AbortController();
  abort.abort(new Error('enough'));
  const { signal } = abort;
  const drain = async (events: AsyncGenerator<unknown>) => {
    for await (const _ of events);
  };
  await expect(drain(runCheck(engine, { kernel: 'swish_max_pool', signal }))).rejects.toThrow('enough');
  await expect(drain(runBench(engine, { kernel: 'swish_max_pool', signal }))).rejects.toThrow('enough');
});
