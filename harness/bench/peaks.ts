/** Measures the adapter's peak rates, to which every row is compared. */

import { EngineError } from '../../src/base/errors';
import type { Engine } from '../../src/engine';
import { Program } from '../../src/gpu/program';
import { op } from '../../src/plan/op';
import { tensor } from '../../src/plan/tensor';
import { missingFeature } from '../run/check';
import { specs } from '../specs/lib/registry';
import type { Peak } from './result';
import { type Kernels, listEntries } from './rows';
import { wholeDispatches } from './time_ops';
import { Timer } from './timer';

/** Measures the peaks, each for about `seconds`. Throws `shader` if a kernel that measures a peak fails its check. */
export async function measurePeak(engine: Engine, kernels: Kernels, seconds: number): Promise<Peak> {
  const gflops = await measureGflops(engine, kernels, seconds);
  const rates = await ratesOf(engine, kernels, 'copy', seconds);
  const sizes = [...new Set(rates.map(({ bytes }) => bytes))].sort((a, b) => a - b);
  const copies = sizes.map((size) => ({
    bytes: size,
    gbps: Math.max(...rates.filter(({ bytes }) => bytes === size).map(({ gbps }) => gbps)),
  }));
  return { gflops, gbps: copies[copies.length - 1].gbps, copies };
}

/** The rate of multiply-adds in registers: which variant is faster differs between adapters. */
export const measureGflops = async (engine: Engine, kernels: Kernels, seconds: number): Promise<number> =>
  Math.max(...(await ratesOf(engine, kernels, 'fma_peak', seconds)).map(({ gflops }) => gflops));

/** The rates of every variant and shape of a kernel, from the fastest samples: they are nearest to what the adapter can do. */
async function ratesOf(engine: Engine, kernels: Kernels, name: string, seconds: number) {
  const rates: { bytes: number; gflops: number; gbps: number }[] = [];
  for (const entry of listEntries(4, () => [])) {
    const { spec, variant, shape } = entry;
    if (entry.name !== name || missingFeature(engine, spec, variant)) continue;
    const check = await kernels.check(entry);
    if (!check.pass) {
      throw new EngineError(
        'shader',
        `${name}.${variant}, which measures this adapter's peak, fails its own check: ${check.failure}. The throughput is unknown; run check.`,
      );
    }
    const { flops, bytes } = spec.kernel.cost(shape);
    const nanoseconds = 1e6 * (await kernels.time(entry, seconds)).p10;
    rates.push({ bytes, gflops: flops / nanoseconds, gbps: bytes / nanoseconds });
  }
  return rates;
}

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
