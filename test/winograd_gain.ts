/**
 * How much larger the rounding error of a Winograd convolution is than a direct one's: the transforms blow numbers up and cancel
 * them again, so that rounding is relative to larger intermediates. For data of random sign, an output y_i = sum over f of
 * A[f][i] * (G w)_f * (B x)_f has intermediates whose root mean square is larger than the output's by
 * sqrt(sum over f of A[f][i]^2 |G_f|^2 |B_f|^2) / sqrt(kernel size); in two dimensions by its square. For the weight gradient A and G
 * exchange their parts. (Barabasz et al., "Error analysis and improving the accuracy of Winograd convolution", 2020.)
 */

/** Interpolation points of F(4, 5) beside infinity, as in shaders/lib/winograd.wgsl. */
const POINTS = [0, 1, -1, 2, -2, 1 / 2, -1 / 2];

/** Coefficients, lowest power first, of the product of (x - p) over `points`. */
const product = (points: readonly number[]) =>
  points.reduce((poly, p) => [...poly.map((c, i) => (poly[i - 1] ?? 0) - p * c), 1], [1]);

function matrices() {
  const powers = (p: number, n: number) => Array.from({ length: n }, (_, j) => p ** j);
  const unit = (n: number) => Array.from({ length: n }, (_, j) => (j === n - 1 ? 1 : 0));
  const others = (p: number) => POINTS.filter((q) => q !== p);
  // G carries the reciprocal of the Lagrange denominators, B their numerators.
  const scale = POINTS.map((p) => others(p).reduce((prod, q) => prod * (p - q), 1));
  const normalised = POINTS.map((p) => product(others(p)));
  return {
    a: [...POINTS.map((p) => powers(p, 4)), unit(4)],
    g: [...POINTS.map((p, f) => powers(p, 5).map((v) => v / scale[f])), unit(5)],
    b: [...normalised, product(POINTS)],
  };
}

const squares = (row: readonly number[]) => row.reduce((sum, v) => sum + v * v, 0);

function gain(
  outer: readonly (readonly number[])[],
  inner: readonly (readonly number[])[],
  terms: number,
): number {
  const { b } = matrices();
  const outputs = outer[0].map((_, i) =>
    outer.reduce((sum, row, f) => sum + row[i] ** 2 * squares(inner[f]) * squares(b[f]), 0),
  );
  return Math.max(...outputs) / terms;
}

/** For forward convolution and input gradient, about 30. */
export const convolutionGain = gain(matrices().a, matrices().g, 5);
/** For the weight gradient, about 36. */
export const kernelGradientGain = gain(matrices().g, matrices().a, 4);
