/** Measures the adapter's peak rates, to which every row is compared. */
import { EngineError } from '../../src/base/errors';
import { missingFeature } from '../run/check';
import { type Kernels, listEntries } from './kernels';
import type { Peak } from './work';

/** Measures the peaks, each for about `seconds`. Throws `shader` if a kernel that measures a peak fails its check. */
export async function measurePeak(kernels: Kernels, seconds: number): Promise<Peak> {
  const gflops = await measureGflops(kernels, seconds);
  const best = new Map<number, number>();
  for (const { bytes, gbps } of await ratesOf(kernels, 'copy', seconds))
    best.set(bytes, Math.max(gbps, best.get(bytes) ?? 0));
  const copies = [...best].sort(([a], [b]) => a - b).map(([bytes, gbps]) => ({ bytes, gbps }));
  return { gflops, gbps: copies[copies.length - 1].gbps, copies };
}

/** The rate of multiply-adds in registers: which variant is faster differs between adapters. */
export const measureGflops = async (kernels: Kernels, seconds: number): Promise<number> =>
  Math.max(...(await ratesOf(kernels, 'fma_peak', seconds)).map(({ gflops }) => gflops));

/** The rates of every variant and shape of a kernel, from the fastest samples: they are nearest to what the adapter can do. */
async function ratesOf(kernels: Kernels, name: string, seconds: number) {
  const rates: { bytes: number; gflops: number; gbps: number }[] = [];
  for (const entry of listEntries(4, () => [])) {
    const { spec, variant, shape } = entry;
    if (entry.name !== name || missingFeature(kernels.engine, spec, variant)) continue;
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
