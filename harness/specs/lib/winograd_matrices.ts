/**
 * The matrices of Winograd's convolution F(m, r) for given interpolation points, in exact arithmetic, and how much they amplify rounding
 * errors. (Toom and Cook's construction; Lavin and Gray, "Fast algorithms for convolutional neural networks", 2015.)
 */
import Fraction from 'fraction.js';

/** m outputs from r taps: m + r - 1 different points; if the list has one fewer, infinity is the last. */
export interface Points {
  readonly outputs: number;
  readonly taps: number;
  readonly finite: readonly (number | string)[];
}

/** One row per frequency. */
export type Matrix = readonly (readonly Fraction[])[];

/** Coefficients, lowest power first, of the product of (x - p) over `points`. */
function product(points: readonly Fraction[]): Fraction[] {
  const poly = [new Fraction(1)];
  for (const p of points) {
    poly.push(new Fraction(0));
    for (let i = poly.length - 1; i >= 0; i--) poly[i] = (poly[i - 1] ?? new Fraction(0)).sub(poly[i].mul(p));
  }
  return poly;
}

/** A and G evaluate outputs and taps at a point, B interpolates: y = A' ((G w) . (B x)). */
export function matrices({ outputs, taps, finite }: Points): { a: Matrix; g: Matrix; b: Matrix } {
  const points = finite.map((p) => new Fraction(p));
  const size = outputs + taps - 1;
  const powers = (p: Fraction, n: number) =>
    Array.from({ length: n }, (_, j) => (j === 0 ? new Fraction(1) : p.pow(j)!));
  const others = (p: Fraction) => points.filter((q) => !q.equals(p));
  const padded = (row: Fraction[], n: number) =>
    Array.from({ length: n }, (_, j) => row[j] ?? new Fraction(0));
  // G contains the reciprocal of the Lagrange denominators, B their numerators.
  const scale = points.map((p) => others(p).reduce((prod, q) => prod.mul(p.sub(q)), new Fraction(1)));
  const a = points.map((p) => powers(p, outputs));
  const g = points.map((p, f) => powers(p, taps).map((v) => v.div(scale[f])));
  const b = points.map((p) => padded(product(others(p)), size));
  if (points.length < size) {
    const last = (n: number) => padded([...Array<Fraction>(n - 1).fill(new Fraction(0)), new Fraction(1)], n);
    a.push(last(outputs));
    g.push(last(taps));
    b.push(product(points));
  }
  return { a, g, b };
}

const squares = (row: readonly Fraction[]) => row.reduce((sum, v) => sum + v.valueOf() ** 2, 0);

/**
 * The factor by which the rounding error exceeds the error of plain sums: the transforms produce larger numbers, which then cancel, so that rounding
 * is relative to larger intermediates. For data of random sign, an output y_i = sum over f of A[f][i] (G w)_f (B x)_f has intermediates
 * whose root mean square is larger than the output's by sqrt(sum over f of A[f][i]^2 |G_f|^2 |B_f|^2) / sqrt(r); in two dimensions by its
 * square. (Barabasz et al., "Error analysis and improving the accuracy of Winograd convolution", 2020.)
 */
function gain(outer: Matrix, inner: Matrix, b: Matrix): number {
  const outputs = outer[0].map((_, i) =>
    outer.reduce((sum, row, f) => sum + row[i].valueOf() ** 2 * squares(inner[f]) * squares(b[f]), 0),
  );
  return Math.max(...outputs) / inner[0].length;
}

/** The gain of a convolution and of its input gradient. */
export function convolutionGain(points: Points): number {
  const { a, g, b } = matrices(points);
  return gain(a, g, b);
}

/** The gain of the weight gradient, in which A and G exchange their roles. */
export function kernelGradientGain(points: Points): number {
  const { a, g, b } = matrices(points);
  return gain(g, a, b);
}
