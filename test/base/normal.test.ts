/** Normal random numbers: their distribution on the host, and the arithmetic of the shaders' own, in an interpreter. */
import { describe, expect, test } from 'vitest';
import { COS_TURNS_ERROR } from '../../harness/specs/embedding';
import { normalsAt } from '../../harness/specs/noise';
import { readText } from '../../shaders/plugin';
import { reflect } from '../../shaders/reflect';
import { normal, STREAM, threefry } from '../../src/base/random';
import { call } from '../../src/plan/op';
import { tensor } from '../../src/plan/tensor';
import { resolveText } from '../../src/plan/text';
import { emulate, type Memory, wordsOf } from '../lanes/emulator';

/** Runs `main` over the words of `input`, four to an invocation, with shaders/lib/`lib`; returns as many floats. */
function run(lib: string, body: string, input: Uint32Array): Float32Array {
  const code = resolveText(
    `#import lib/${lib}
@group(0) @binding(0) var<storage, read> input: array<vec4u>;
@group(0) @binding(1) var<storage, read_write> output: array<vec4f>;
@compute @workgroup_size(1)
fn main(@builtin(global_invocation_id) id: vec3u) {
  output[id.x] = ${body};
}`,
    readText,
  );
  const tensors = { input: tensor('input', input.length), output: tensor('output', input.length) };
  const memory: Memory = new Map([[tensors.input, Uint32Array.from(input)]]);
  expect(emulate([call(reflect('test', code), {}, tensors, [input.length / 4, 1, 1])], memory)).toEqual([]);
  return new Float32Array(wordsOf(memory, tensors.output).buffer);
}

describe('normal() on the host', () => {
  const COUNT = 100_000;
  const draws = Array.from({ length: COUNT }, (_, i) => normal(threefry(11, STREAM.noise, 3, i)));
  const mean = (of: (pair: [number, number]) => number) =>
    draws.reduce((sum, pair) => sum + of(pair), 0) / COUNT;

  // Each bound is five standard deviations of the statistic of COUNT normal numbers.
  test.each([0, 1])(
    'number %i of each draw has mean, variance, skew and kurtosis of a normal distribution',
    (k) => {
      expect(Math.abs(mean((z) => z[k]))).toBeLessThan(5 * Math.sqrt(1 / COUNT));
      expect(Math.abs(mean((z) => z[k] ** 2) - 1)).toBeLessThan(5 * Math.sqrt(2 / COUNT));
      expect(Math.abs(mean((z) => z[k] ** 3))).toBeLessThan(5 * Math.sqrt(15 / COUNT));
      expect(Math.abs(mean((z) => z[k] ** 4) - 3)).toBeLessThan(5 * Math.sqrt(96 / COUNT));
    },
  );
  test('the two numbers of a draw are independent', () => {
    expect(Math.abs(mean(([a, b]) => a * b))).toBeLessThan(5 * Math.sqrt(1 / COUNT));
    // The squares would depend on each other if the radius were wrong: cov(a^2, b^2) = 0, of products with a deviation of 2.
    expect(Math.abs(mean(([a, b]) => (a * a - 1) * (b * b - 1)))).toBeLessThan(5 * Math.sqrt(4 / COUNT));
  });
  test('the shares of numbers beyond 1, 2 and 3 are right for a normal distribution', () => {
    for (const [limit, share] of [
      [1, 0.3173105],
      [2, 0.0455003],
      [3, 0.0026998],
    ])
      expect(Math.abs(mean(([z]) => Number(Math.abs(z) > limit)) - share)).toBeLessThan(
        5 * Math.sqrt((share * (1 - share)) / COUNT),
      );
  });
  test('any random words give finite numbers', () => {
    for (const x of [0, 255, 0x80000000, 0xffffffff])
      for (const y of [0, 0x40000000, 0xffffffff])
        for (const z of normal([x, y])) expect(Math.abs(z)).toBeLessThanOrEqual(Math.sqrt(48 * Math.LN2));
  });
});

describe('cos_turns in WGSL', () => {
  const largestError = (angles: Float32Array, phase: number, exact: (angle: number) => number) => {
    const words = new Uint32Array(angles.buffer);
    const got = run('turns.wgsl', `cos_turns(bitcast<vec4f>(input[id.x]) - ${phase})`, words);
    return got.reduce(
      (worst, value, i) => Math.max(worst, Math.abs(value - exact(2 * Math.PI * angles[i]))),
      0,
    );
  };

  // Here operations round to nearest, which is half of what is allowed.
  test.each([
    ['one turn', 0, 1],
    ['small angles', 0, 1e-3],
    ['about a quarter', 0.249, 0.251],
    ['many turns', 0, 16],
  ])('cosine and sine are right within 2e-7: %s', (_, from, to) => {
    const angles = Float32Array.from({ length: 4096 }, (_, i) => from + ((to - from) * i) / 4095);
    expect(largestError(angles, 0, Math.cos)).toBeLessThan(2e-7);
    expect(largestError(angles, 0.25, Math.sin)).toBeLessThan(2e-7);
    const negative = angles.map((angle) => -angle);
    expect(largestError(negative, 0, Math.cos)).toBeLessThan(2e-7);
    expect(COS_TURNS_ERROR).toBeGreaterThan(2e-7);
  });
  test('the polynomial of cos_turns, in float32 at 100,000 places, is within 2e-7 of the sine', () => {
    const numbers = [
      ...readText('lib/turns.wgsl')
        .split('fn cos_turns')[1]
        .matchAll(/-?\d+\.\d+/g),
    ].map(Number);
    const coefficients = numbers.slice(1); // the first one is a quarter
    expect(coefficients.length).toBe(5);
    let [worst, worstExact] = [0, 0];
    for (let i = 0; i <= 100_000; i++) {
      const q = Math.fround(i / 400_000);
      const square = Math.fround(q * q);
      let rounded = 0;
      let exact = 0;
      for (const c of coefficients.toReversed()) {
        rounded = Math.fround(Math.fround(c) + Math.fround(square * rounded));
        exact = Math.fround(c) + q * q * exact;
      }
      const sine = Math.sin(2 * Math.PI * q);
      worst = Math.max(worst, Math.abs(Math.fround(q * rounded) - sine));
      worstExact = Math.max(worstExact, Math.abs(q * exact - sine));
    }
    expect(worst).toBeLessThan(2e-7);
    expect(worstExact).toBeLessThan(8e-9);
  });
});

test('normal() of the shaders gives the numbers of normal() on the host', () => {
  const COUNT = 1000;
  const words = Uint32Array.from(
    Array.from({ length: COUNT }, (_, i) => threefry(5, STREAM.noise, i, 9)).flat(),
  );
  // The largest radius, and those about 0, at several angles.
  words.set([0, 0, 255, 0x40000000, 0xffffffff, 0x80000000, 0xfffffeff, 0xc0000000, 0xfff00000, 0xffffffff]);
  // Not input[id.x].xy, of which the interpreter would make floats.
  const pair = (x: string, y: string) => `vec2u(input[id.x].${x}, input[id.x].${y})`;
  const got = run('normal.wgsl', `normal(${pair('x', 'y')}, ${pair('z', 'w')})`, words);
  for (let i = 0; i < words.length; i += 2) {
    const { values, errors } = normalsAt([words[i], words[i + 1]]);
    for (const k of [0, 1])
      expect(Math.abs(got[i + k] - values[k]), `of ${words[i]}, ${words[i + 1]}`).toBeLessThanOrEqual(
        errors[k],
      );
  }
});
