/** The Winograd transforms of each form against the matrices that follow from its interpolation points, in exact arithmetic. */
import Fraction from 'fraction.js';
import { describe, expect, test } from 'vitest';
import { forms } from '../../harness/specs/lib/winograd_gain';
import { type Matrix, matrices } from '../../harness/specs/lib/winograd_matrices';

import { readText, wgslFiles } from '../../shaders/plugin';
import { reflect } from '../../shaders/reflect';
import { call } from '../../src/plan/op';
import { tensor } from '../../src/plan/tensor';
import { winogradForms } from '../../src/winograd/forms';
import { emulate, type Memory, wordsOf } from '../lib/emulator';

const transposed = (m: Matrix) => m[0].map((_, j) => m.map((row) => row[j]));

/** What `transform` makes of each unit vector, as a matrix [out][in]. */
function matrixOf(form: string, transform: string, from: string, inputs: number, outputs: number) {
  const code = `
alias Lane = f32;
${readText(`conv2d/winograd/${form}.wgsl`)}
@group(0) @binding(0) var<storage, read_write> matrix: array<f32>;
@compute @workgroup_size(1)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let y = ${transform}(${from}(${Array.from({ length: inputs }, (_, i) => `select(0.0, 1.0, id.x == ${i}u)`).join(', ')}));
  ${Array.from({ length: outputs }, (_, i) => `matrix[${i * inputs}u + id.x] = y[${i}];`).join('\n  ')}
}`;
  const matrix = tensor('matrix', inputs * outputs);
  const memory: Memory = new Map();
  expect(emulate([call(reflect('transform', code), {}, { matrix }, inputs)], memory)).toEqual([]);
  const values = new Float32Array(wordsOf(memory, matrix).buffer);
  return Array.from({ length: outputs }, (_, i) => [...values.subarray(i * inputs, (i + 1) * inputs)]);
}

test('every form of Winograd in shaders/ has its points in this test', () => {
  const files = wgslFiles().flatMap((file) => file.match(/winograd\/(f\d+x\d+)\.wgsl$/)?.[1] ?? []);
  expect(new Set(Object.keys(forms))).toEqual(new Set(files));
});

test.each(winogradForms)(
  '$name has the tile, kernel and index of its points',
  ({ file, tile, kernel, pointOneIndex }) => {
    const { outputs, taps, finite } = forms[file];
    expect({ file, tile, kernel, pointOneIndex }).toEqual({
      file: `f${outputs}x${taps}`,
      tile: outputs,
      kernel: taps,
      pointOneIndex: finite.indexOf(1),
    });
  },
);

describe.each(Object.entries(forms))('the Winograd form %s', (form, points) => {
  const { a, g, b } = matrices(points);
  test.each<[string, string, Matrix]>([
    ['input_transform', 'Side', b],
    ['output_transform', 'Side', transposed(a)],
    ['gradient_transform', 'Tile', a],
    ['kernel_transform', 'Taps', g],
    ['kernel_gradient_transform', 'Side', transposed(g)],
  ])('has the coefficients of its points in %s', (transform, from, expected) => {
    const actual = matrixOf(form, transform, from, expected[0].length, expected.length);
    // Each coefficient to the rounding of one or two float32 operations.
    for (const [i, row] of expected.entries())
      for (const [j, exact] of row.entries()) {
        const value = exact.valueOf();
        expect(
          Math.abs(actual[i][j] - value),
          `row ${i}, column ${j}: ${actual[i][j]}, not ${value}`,
        ).toBeLessThanOrEqual(2e-7 * Math.abs(value));
      }
  });
  test('gives exactly the convolution’s output, in fractions', () => {
    for (let i = 0; i < points.outputs; i++)
      for (let k = 0; k < points.taps; k++)
        for (let j = 0; j < a.length; j++) {
          const sum = a.reduce((s, row, f) => s.add(row[i].mul(g[f][k]).mul(b[f][j])), new Fraction(0));
          expect(
            sum.equals(j === i + k ? 1 : 0),
            `output ${i}, tap ${k}, input ${j}: ${sum.toFraction()}`,
          ).toBe(true);
        }
  });
});
