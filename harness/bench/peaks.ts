/** Measures the adapter's peak rates, to which every row is compared. */

import { EngineError } from '../../src/base/errors';
import type { Engine } from '../../src/engine';
import { Program } from '../../src/gpu/program';
import { op } from '../../src/plan/op';
import { tensor } from '../../src/plan/tensor';
import { missingFeature } from '../run/check';
import { specs } from '../specs/lib/registry';
import type { Peak } from './result';
import { Checks, type Entry, listEntries, RowBuffers } from './rows';
import { wholeDispatches } from './time_ops';
import { Timer } from './timer';

/** Measures the peaks, each for about `seconds`. Throws `shader` if a kernel that measures a peak fails its check. */
export async function measurePeaks(
  engine: Engine,
  seconds: number,
  signal?: AbortSignal,
): Promise<{ timer: Timer; peak: Peak }> {
  const timer = await chooseTimer(engine);
  try {
    const gflops = await measureGflops(engine, timer, seconds, signal);
    const rates = new Map<number, number>();
    for await (const { entry, ms } of fastest(engine, 'copy', timer, seconds, signal)) {
      const { bytes } = entry.spec.kernel.cost(entry.shape);
      rates.set(bytes, Math.max(rates.get(bytes) ?? 0, bytes / ms / 1e6));
    }
    const copies = [...rates].map(([bytes, gbps]) => ({ bytes, gbps })).sort((a, b) => a.bytes - b.bytes);
    return { timer, peak: { gflops, gbps: copies[copies.length - 1].gbps, copies } };
  } catch (error) {
    timer.destroy();
    throw error;
  }
}

/** The rate of multiply-adds in registers: which variant is faster differs between adapters. */
export async function measureGflops(
  engine: Engine,
  timer: Timer,
  seconds: number,
  signal?: AbortSignal,
): Promise<number> {
  let best = 0;
  for await (const { entry, ms } of fastest(engine, 'fma_peak', timer, seconds, signal))
    best = Math.max(best, entry.spec.kernel.cost(entry.shape).flops / ms / 1e6);
  return best;
}

/** Milliseconds of every variant and shape of a kernel, from the fastest samples: they are nearest to what the adapter can do. */
async function* fastest(engine: Engine, name: string, timer: Timer, seconds: number, signal?: AbortSignal) {
  const buffers = new RowBuffers(engine);
  const checks = new Checks(engine);
  try {
    for (const entry of entriesOf(engine, name)) {
      const check = await checks.of(entry);
      if (!check.pass) {
        throw new EngineError(
          'shader',
          `${name}.${entry.variant}, which measures this adapter's peak, fails its own check: ${check.failure}. The throughput is unknown; run check.`,
        );
      }
      yield { entry, ms: (await buffers.measure(entry, timer, seconds, signal)).p10 };
    }
  } finally {
    buffers.clear();
  }
}

const entriesOf = (engine: Engine, kernel: string): Entry[] =>
  listEntries(4, () => []).filter(
    ({ name, spec, variant }) => name === kernel && !missingFeature(engine, spec, variant),
  );

/** The GPU's clock if it can be trusted, else the host's; for an engine that checks nothing itself. The caller destroys it. */
export async function chooseTimer(engine: Engine): Promise<Timer> {
  const spec = specs.get('fma_peak')!;
  const shape = { invocations: 2 ** 14, iterations: 256 };
  const output = tensor('output', spec.kernel.sizes(shape).output);
  const plan = op(spec.kernel, 'probe', shape, { output });
  const program = await Program.compile(engine.gpu, 'bench probe', [plan], new Map(), wholeDispatches);
  try {
    return await Timer.create(engine.gpu, (pass) => program.encode(pass));
  } finally {
    program.destroy();
  }
}
