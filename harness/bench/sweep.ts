/** Measures the whole network from small to large: over the batch size, or over the image size. */

import { EngineError } from '../../src/base/errors';
import type { Engine } from '../../src/engine';
import { padBatch } from '../../src/plan/tensor';
import { layersOf } from '../../src/unet/config';
import { configOf, type NetworkChoice } from '../run/network';
import { convInsideFlops } from './inside';
import { measureWork, openWork, ownSize } from './network';
import type { Axis, SweepPoint, SweepTotal } from './result';
import type { Timer } from './timer';

/** Sizes begin with the recipe's own. */
const defaultPoints = (axis: Axis, own: number): readonly number[] =>
  axis === 'batch' ? [1, 4, 16, 64, 256, 1024] : [own, 32, 64, 128];

/** A point of a sweep, before it is measured. */
export interface SweepSize {
  readonly axis: Axis;
  readonly batch: number;
  readonly size: number;
}

/** Small points first: they predict how long the large ones take. Throws `argument` for a size that the network does not support. */
export function placesOf(
  axis: Axis,
  batch: number,
  points?: readonly number[],
  network?: NetworkChoice,
): SweepSize[] {
  const own = ownSize(network);
  const sorted = [...new Set(points ?? defaultPoints(axis, own))].sort((a, b) => a - b);
  if (axis === 'batch') return sorted.map((n) => ({ axis, batch: n, size: own }));
  for (const size of sorted) configOf(network, { height: size, width: size });
  return sorted.map((size) => ({ axis, batch, size }));
}

/** Runs in a measurement: a warm-up, a trial, and three samples. */
const RUNS = 5;

/** The least seconds that `place` takes, at the rate of a measured point; undefined without one. */
export function foretell(
  place: SweepSize,
  measured: SweepPoint | undefined,
  network?: NetworkChoice,
): number | undefined {
  if (!measured?.step || !measured.forward) return undefined;
  const ms = measured.step.ms.median + measured.forward.ms.median;
  return (RUNS * ms * workOf(place, network)) / workOf(measured, network) / 1000;
}

/** Operations of a forward pass, on a batch that is padded as kernels require. */
export function workOf({ size, batch }: SweepSize | SweepPoint, network?: NetworkChoice): number {
  return layersOf(configOf(network, { height: size, width: size })).reduce(
    (sum, layer) => sum + convInsideFlops({ ...layer, batch: padBatch(batch) }),
    0,
  );
}

/** A point that the device cannot run has a reason instead of numbers. */
export async function measurePoint(
  engine: Engine,
  place: SweepSize,
  timer: Timer,
  seconds: number,
  signal?: AbortSignal,
  network?: NetworkChoice,
): Promise<SweepPoint> {
  const measure = async (name: 'step' | 'forward'): Promise<SweepTotal> => {
    signal?.throwIfAborted();
    const work = await openWork(engine, name, place.size, place.batch, timer, network);
    try {
      const total = await measureWork(work, seconds / 2, signal);
      const { median } = total.ms;
      // One GFLOP/s is one operation per nanosecond; a multiply-add is two operations.
      return { ...total, msPerImage: median / place.batch, psPerMultiplyAdd: 2000 / total.insideGflops };
    } finally {
      work.destroy();
    }
  };
  try {
    const step = await measure('step');
    return { ...place, step, forward: await measure('forward') };
  } catch (error) {
    if (!(error instanceof EngineError) || error.code !== 'limit') throw error;
    return { ...place, step: null, forward: null, reason: error.message };
  }
}
