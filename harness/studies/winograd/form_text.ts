/** The WGSL file of a form: its five transforms in one dimension, with what a pair of points +-p shares computed once. */
import Fraction from 'fraction.js';
import { type Matrix, matrices, type Points } from '../../specs/lib/winograd_matrices';

const literal = (v: Fraction): string => {
  const value = v.valueOf();
  // A denominator that is a power of two gives an exact decimal.
  return new Fraction(value).equals(v) && Number.isInteger(Math.log2(Number(v.d)))
    ? Number.isInteger(value)
      ? `${value}.0`
      : `${value}`
    : `(${v.s < 0n ? '-' : ''}${v.n}.0 / ${v.d}.0)`;
};

/** c * x + …, without the terms that are 0. */
function sum(terms: readonly (readonly [Fraction, string])[]): string {
  const parts = terms.filter(([c]) => !c.equals(0));
  if (parts.length === 0) return 'Lane()';
  return parts
    .map(([c, name], i) => {
      const term = c.abs().equals(1) ? name : `${literal(c.abs())} * ${name}`;
      if (i === 0) return c.s < 0n ? `-${term}` : term;
      return c.s < 0n ? ` - ${term}` : ` + ${term}`;
    })
    .join('');
}

/** The pairs of rows that belong to points +-p, [row of p, row of -p], and the remaining rows. */
function pairsOf({ finite }: Points, count: number) {
  const points = finite.map((p) => new Fraction(p));
  const pairs: [number, number][] = [];
  const single: number[] = [];
  for (let f = 0; f < count; f++) {
    if (f < points.length && points[f].compare(0) > 0)
      pairs.push([f, points.findIndex((q) => q.equals(points[f].neg()))]);
    else if (f >= points.length || points[f].equals(0)) single.push(f);
  }
  return { pairs, single };
}

/** y[f] = sum over j of rows[f][j] x[j]. */
function toFrequencies(
  rows: Matrix,
  points: Points,
  name: string,
  from: string,
  to: string,
  x: string,
): string {
  const { pairs, single } = pairsOf(points, rows.length);
  const lines: string[] = [];
  const results: string[] = Array(rows.length).fill('');
  const named = (row: readonly Fraction[]) => row.map((c, j) => [c, `${x}[${j}]`] as const);
  pairs.forEach(([plus, minus], k) => {
    const half = (sign: 1 | -1) => rows[plus].map((c, j) => c.add(rows[minus][j].mul(sign)).div(2));
    lines.push(
      `  let even${k + 1} = ${sum(named(half(1)))};`,
      `  let odd${k + 1} = ${sum(named(half(-1)))};`,
    );
    results[plus] = `even${k + 1} + odd${k + 1}`;
    results[minus] = `even${k + 1} - odd${k + 1}`;
  });
  for (const f of single) results[f] = sum(named(rows[f]));
  return `fn ${name}(${x}: ${from}) -> ${to} {\n${lines.join('\n')}\n  return ${to}(\n${results.map((r) => `    ${r},\n`).join('')}  );\n}`;
}

/** y[i] = sum over f of rows[f][i] x[f]. */
function fromFrequencies(rows: Matrix, points: Points, name: string, to: string, x: string): string {
  const { pairs, single } = pairsOf(points, rows.length);
  const lines = pairs.flatMap(([plus, minus], k) => [
    `  let even${k + 1} = ${x}[${plus}] + ${x}[${minus}];`,
    `  let odd${k + 1} = ${x}[${plus}] - ${x}[${minus}];`,
  ]);
  const results = rows[0].map((_, i) => {
    const terms: [Fraction, string][] = [];
    for (const f of single) if (f < points.finite.length) terms.push([rows[f][i], `${x}[${f}]`]);
    pairs.forEach(([plus, minus], k) => {
      terms.push([rows[plus][i].add(rows[minus][i]).div(2), `even${k + 1}`]);
      terms.push([rows[plus][i].sub(rows[minus][i]).div(2), `odd${k + 1}`]);
    });
    for (const f of single) if (f >= points.finite.length) terms.push([rows[f][i], `${x}[${f}]`]);
    return sum(terms);
  });
  return `fn ${name}(${x}: Side) -> ${to} {\n${lines.join('\n')}\n  return ${to}(\n${results.map((r) => `    ${r},\n`).join('')}  );\n}`;
}

export function formText(points: Points): string {
  const { a, g, b } = matrices(points);
  const { outputs: m, taps: r, finite } = points;
  const n = m + r - 1;
  const list = [...finite, ...(finite.length < n ? ['infinity'] : [])].join(', ');
  return `// Winograd F(${m}x${m}, ${r}x${r}): its five transforms in one dimension.
// Interpolation points ${list}, in this order: one "frequency" each, ${n} per axis, ${n * n} in all.
//   forward          Y  = A' [ sum over cin of (G w G') . (B' X B) ] A      X: ${n}x${n} inputs, w: ${r}x${r} kernel, Y: ${m}x${m} outputs
//   weight gradient  dw = G' [ sum over tiles of (B' X B) . (A dY A') ] G
// A pair of points +-p shares its even and its odd part: result = even + odd and even - odd. Written by \`npm run winograd\`.
// The shader that imports this declares Lane, the type that a transform works on.

const TILE = ${m}u; // outputs
const KERNEL = ${r}u; // taps
const RADIUS = ${(r - 1) / 2}; // (KERNEL - 1) / 2
const SIDE = ${n}u; // frequencies, or inputs of a window: TILE + KERNEL - 1

alias Side = array<Lane, ${n}>;
alias Tile = array<Lane, ${m}>;
alias Taps = array<Lane, ${r}>;

// B' x: ${n} inputs to ${n} frequencies.
${toFrequencies(b, points, 'input_transform', 'Side', 'Side', 'x')}

// A' m: ${n} frequencies to ${m} outputs.
${fromFrequencies(a, points, 'output_transform', 'Tile', 'm')}

// A y: ${m} output gradients to ${n} frequencies.
${toFrequencies(a, points, 'gradient_transform', 'Tile', 'Side', 'y')}

// G w: ${r} kernel taps to ${n} frequencies.
${toFrequencies(g, points, 'kernel_transform', 'Taps', 'Side', 'w')}

// G' u: ${n} frequencies to ${r} kernel taps.
${fromFrequencies(g, points, 'kernel_gradient_transform', 'Taps', 'u')}
`;
}
