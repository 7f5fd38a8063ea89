/**
 * How much larger the rounding error of a Winograd convolution is than a direct one's: the transforms blow numbers up and cancel
 * them again, so that rounding is relative to larger intermediates. For data of random sign, an output y_i = sum over f of
 * A[f][i] * (G w)_f * (B x)_f has intermediates whose root mean square is larger than the output's by
 * sqrt(sum over f of A[f][i]^2 |G_f|^2 |B_f|^2) / sqrt(kernel size); in two dimensions by its square. For the weight gradient A and G
 * exchange their parts. (Barabasz et al., "Error analysis and improving the accuracy of Winograd convolution", 2020.)
 */

/** F(outputs, 5) by its interpolation points, as in shaders/lib: n = outputs + 4 of them, one of which may be infinity. */
export interface Points {
  readonly outputs: number;
  readonly finite: readonly number[];
  /** The frequency whose rows of B and G the shaders both negate. */
  readonly negated?: number;
}

export const F4: Points = { outputs: 4, finite: [0, 1, -1, 2, -2, 1 / 2, -1 / 2], negated: 0 };
export const F7: Points = { outputs: 7, finite: [0, 3 / 8, -3 / 8, 3 / 4, -3 / 4, 1, -1, 2, -2, 4, -4] };
export const F8: Points = {
  outputs: 8,
  finite: [0, 3 / 8, -3 / 8, 3 / 4, -3 / 4, 1, -1, 11 / 8, -11 / 8, 5 / 2, -5 / 2],
};

/** Coefficients, lowest power first, of the product of (x - p) over `points`. */
const product = (points: readonly number[]) =>
  points.reduce((poly, p) => [...poly.map((c, i) => (poly[i - 1] ?? 0) - p * c), 1], [1]);

/** Rows by frequency: A and G evaluate outputs and taps at a point, B interpolates. */
export function matrices({ outputs, finite, negated }: Points) {
  const powers = (p: number, n: number) => Array.from({ length: n }, (_, j) => p ** j);
  const others = (p: number) => finite.filter((q) => q !== p);
  // G carries the reciprocal of the Lagrange denominators, B their numerators.
  const sign = (f: number) => (f === negated ? -1 : 1);
  const scale = finite.map((p, f) => others(p).reduce((prod, q) => prod * (p - q), sign(f)));
  const a = finite.map((p) => powers(p, outputs));
  const g = finite.map((p, f) => powers(p, 5).map((v) => v / scale[f]));
  const b = finite.map((p, f) => product(others(p)).map((v) => v * sign(f)));
  if (finite.length < outputs + 4) {
    const last = (n: number) => Array.from({ length: n }, (_, j) => (j === n - 1 ? 1 : 0));
    a.push(last(outputs));
    g.push(last(5));
    b.push(product(finite));
  }
  return { a, g, b };
}

const squares = (row: readonly number[]) => row.reduce((sum, v) => sum + v * v, 0);

function gain(
  outer: readonly (readonly number[])[],
  inner: readonly (readonly number[])[],
  b: readonly (readonly number[])[],
): number {
  const outputs = outer[0].map((_, i) =>
    outer.reduce((sum, row, f) => sum + row[i] ** 2 * squares(inner[f]) * squares(b[f]), 0),
  );
  return Math.max(...outputs) / inner[0].length;
}

/** For forward convolution and input gradient: A back, G for the kernel. */
function convolutionGain(points: Points) {
  const { a, g, b } = matrices(points);
  return gain(a, g, b);
}

function kernelGradientGain(points: Points) {
  const { a, g, b } = matrices(points);
  return gain(g, a, b);
}

const byVariant = (of: (points: Points) => number) => ({
  winograd4: of(F4),
  winograd4_subgroups: of(F4),
  winograd7: of(F7),
  winograd7_gpu: of(F7),
  winograd7_subgroups: of(F7),
  winograd8: of(F8),
  winograd8_gpu: of(F8),
  winograd8_subgroups: of(F8),
});

/** About 30, 724 and 1613. */
export const convolutionGains = byVariant(convolutionGain);
/** About 36, 531 and 1099. */
export const kernelGradientGains = byVariant(kernelGradientGain);
