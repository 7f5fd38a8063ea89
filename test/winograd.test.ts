/** The Winograd transforms that the shaders include, against the matrices that follow from their interpolation points. */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { reflect } from '../shaders/reflect';
import { call } from '../src/plan/op';
import { tensor } from '../src/plan/tensor';
import { emulate, type Memory, wordsOf } from './lanes/emulator';
import { F4, F7, F8, matrices, type Points } from './winograd_gain';

type Matrix = readonly (readonly number[])[];
const transposed = (m: Matrix) => m[0].map((_, j) => m.map((row) => row[j]));

/** What `transform` of shaders/conv2d/winograd/`lib` makes of each unit vector, as a matrix [out][in]. */
function matrixOf(lib: string, transform: string, from: string, inputs: number, outputs: number) {
  const code = `
alias Lane = f32;
${readFileSync(new URL(`../shaders/conv2d/winograd/${lib}`, import.meta.url), 'utf8')}
@group(0) @binding(0) var<storage, read_write> matrix: array<f32>;
@compute @workgroup_size(1)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let y = ${transform}(${from}(${Array.from({ length: inputs }, (_, i) => `select(0.0, 1.0, id.x == ${i}u)`).join(', ')}));
  ${Array.from({ length: outputs }, (_, i) => `matrix[${i * inputs}u + id.x] = y.${'abcdefghijkl'[i]};`).join('\n  ')}
}`;
  const matrix = tensor('matrix', inputs * outputs);
  const memory: Memory = new Map();
  expect(emulate([call(reflect('transform', code), {}, { matrix }, inputs)], memory)).toEqual([]);
  const values = new Float32Array(wordsOf(memory, matrix).buffer);
  return Array.from({ length: outputs }, (_, i) => [...values.subarray(i * inputs, (i + 1) * inputs)]);
}

const forms: [string, Points, string, string, string][] = [
  ['F(4x4, 5x5)', F4, 'winograd4.wgsl', 'Eight', 'Four'],
  ['F(7x7, 5x5)', F7, 'winograd7.wgsl', 'Eleven', 'Seven'],
  ['F(8x8, 5x5)', F8, 'winograd8.wgsl', 'Twelve', 'Eight'],
];

describe.each(forms)('%s', (_, points, lib, Frequencies, Outputs) => {
  const { a, g, b } = matrices(points);
  const [n, m] = [a.length, points.outputs];
  test.each<[string, string, Matrix]>([
    ['input_transform', Frequencies, b.map((row) => Array.from({ length: n }, (_, j) => row[j] ?? 0))],
    ['output_transform', Frequencies, transposed(a)],
    ['gradient_transform', Outputs, a],
    ['kernel_transform', 'Five', g],
    ['kernel_gradient_transform', Frequencies, transposed(g)],
  ])('%s', (transform, from, expected) => {
    const actual = matrixOf(lib, transform, from, expected[0].length, expected.length);
    // Each coefficient to the rounding of one or two float32 operations.
    for (const [i, row] of expected.entries())
      for (const [j, value] of row.entries())
        expect(
          Math.abs(actual[i][j] - value),
          `row ${i}, column ${j}: ${actual[i][j]}, not ${value}`,
        ).toBeLessThanOrEqual(2e-7 * Math.abs(value));
  });
  test('an output of a convolution is what its taps give', () => {
    for (let i = 0; i < m; i++)
      for (let k = 0; k < 5; k++)
        for (let j = 0; j < n; j++) {
          const sum = a.reduce((s, row, f) => s + row[i] * g[f][k] * (b[f][j] ?? 0), 0);
          expect(sum, `output ${i}, tap ${k}, input ${j}`).toBeCloseTo(j === i + k ? 1 : 0, 9);
        }
  });
});
