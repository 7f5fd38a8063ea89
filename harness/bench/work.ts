/** What kernels compute and move, beside the most that an adapter can. Pure. */
import { convFlops } from '../../src/kernels/conv2d';
import type { ConvShape } from '../../src/plan/conv_shape';
import type { Cost, Op } from '../../src/plan/op';
import type { AnySpec } from '../specs/lib/registry';
import type { Figures, Peak, Row } from './result';

/** A kernel's variant at a layer. */
export interface Entry extends Pick<Row, 'kernel' | 'variant' | 'layer' | 'used'> {
  readonly spec: AnySpec;
  readonly shape: unknown;
  readonly cost: Cost;
  /** The same shape at small batches, for the check: the smallest first. None: it is checked on a case of its kernel's tests. */
  readonly small: readonly unknown[];
  /** As the network runs it, which may take over a neighbour's results. Default: by itself. */
  readonly op?: Op;
}

type Work = Pick<Entry, 'kernel' | 'shape' | 'cost'>;

/** What `works` together do in `ms` milliseconds. */
export function computeFigures(works: readonly Work[], ms: number, peak: Peak): Figures {
  const rate = (of: (work: Work) => number) => works.reduce((sum, work) => sum + of(work), 0) / ms / 1e6;
  const atPeak = (work: Work) =>
    Math.max(insideFlops(work) / peak.gflops, work.cost.bytes / copyRate(peak, work.cost.bytes));
  return {
    gflops: rate(({ cost }) => cost.flops),
    insideGflops: rate(insideFlops),
    gbps: rate(({ cost }) => cost.bytes),
    shareOfPeak: rate(atPeak),
  };
}

/** GB/s of a copy of about `bytes` bytes (reads and writes): a tensor that stays in a cache has another peak. */
export function copyRate({ copies }: Peak, bytes: number): number {
  const distance = (copy: { bytes: number }) => Math.abs(Math.log(copy.bytes / bytes));
  return copies.reduce((best, copy) => (distance(copy) < distance(best) ? copy : best)).gbps;
}

/** The names of convolutions and of their gradients begin so. Their shapes are ConvShapes. */
export const isConvolution = (kernel: string) => kernel.startsWith('conv2d');

/** Operations without a convolution's taps outside the image, where a `same` convolution need not multiply by zeros. */
export function insideFlops({ kernel, shape, cost: { flops } }: Work): number {
  if (!isConvolution(kernel)) return flops;
  const conv = shape as ConvShape;
  const { height, width, kernelSize } = conv;
  const inside = tapsInside(height, kernelSize) * tapsInside(width, kernelSize);
  return flops - convFlops(conv) * (1 - inside / (height * width * kernelSize ** 2));
}

/** Pairs of an output and a tap whose input pixel is inside, along an axis of `length` pixels; `kernelSize` is odd. */
export function tapsInside(length: number, kernelSize: number): number {
  // For a tap at distance d from the centre, on either side, length - d outputs have their input inside; `reach` is the largest such d.
  const reach = Math.min((kernelSize - 1) / 2, length);
  return length * (2 * reach + 1) - reach * (reach + 1);
}
