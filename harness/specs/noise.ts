import { normal, uniform } from '../../src/base/random';
import { type NoiseShape, noise } from '../../src/kernels/noise';
import { fromWords, reference, stepWith } from '../../src/reference/noise';
import { COS_TURNS_ERROR } from './embedding';
import { EPSILON, exact, padded, type Spec } from './lib/spec';

/** The two normal numbers of a draw, and their error bounds. */
export function normalsAt(words: readonly [number, number]) {
  const values = normal(words);
  const ulp = 2 * EPSILON;
  const u = uniform(words[0]) + 2 ** -24;
  const square = -2 * Math.log(u);
  const radius = Math.sqrt(square);
  // The logarithm errs by 2^-21 (WGSL) where u >= 1/2, however small it is itself, and by 3 ulp below. About u = 1 its root errs by far
  // more: by up to 1e-3, of a number that is hardly larger.
  const ofSquare = u >= 0.5 ? 2 * 2 ** -21 : 3 * ulp * square;
  const ofRoot = Math.max(
    Math.sqrt(square + ofSquare) - radius,
    radius - Math.sqrt(Math.max(square - ofSquare, 0)),
  );
  // A root errs by 4.5 ulp: an inverse root's 2 and a division's 2.5. Where the square is not positive, it is 1e-15.
  const ofRadius = ofRoot + 4.5 * ulp * (radius + ofRoot) + 1e-15;
  const errors = values.map((value) => {
    const direction = radius > 0 ? Math.abs(value) / radius : 1;
    return ofRadius * (direction + COS_TURNS_ERROR) + radius * COS_TURNS_ERROR + ulp * Math.abs(value);
  });
  return { values, errors };
}

const pixel = { channels: 1, height: 1, width: 1 };
const digit = { channels: 1, height: 28, width: 28 };
const colours = { channels: 3, height: 5, width: 7 };
const large = { channels: 3, height: 152, width: 149 };

export const spec: Spec<NoiseShape & { readonly seed: number }, 'step' | 'output'> = {
  kernel: noise,
  cases: {
    'one pixel': { ...pixel, batch: padded(1), count: 1, seed: 0, gaussian: false },
    'one pixel, normal': { ...pixel, batch: padded(1), count: 1, seed: 0, gaussian: true },
    // The first words of these seeds are all ones and all zeros, as far as they count.
    'the smallest radius': { ...pixel, batch: padded(3), count: 3, seed: 7724966, gaussian: true },
    'the largest radius': { ...pixel, batch: padded(3), count: 3, seed: 1582208, gaussian: true },
    'prime sizes': { ...colours, batch: padded(13), count: 13, seed: 7, gaussian: false },
    'prime sizes, normal': { ...colours, batch: padded(12), count: 11, seed: 7, gaussian: true },
    'the whole batch': { ...digit, batch: padded(8), count: 8, seed: 123, gaussian: false },
    'the whole batch, normal': { ...digit, batch: padded(64), count: 64, seed: 123, gaussian: true },
    'the largest seed': { ...digit, batch: padded(5), count: 5, seed: 0xffffffff, gaussian: false },
    'the largest seed, normal': { ...digit, batch: padded(5), count: 5, seed: 0xffffffff, gaussian: true },
    'more than one row of workgroups': { ...large, batch: padded(3), count: 3, seed: 123, gaussian: false },
    'more than one row of workgroups, normal': {
      ...large,
      batch: padded(3),
      count: 3,
      seed: 123,
      gaussian: true,
    },
  },
  inputs: ({ seed }) => ({ step: stepWith(seed) }),
  reference,
  // Uniform numbers have 24 bits, exact in f32.
  error: (shape, { step }) =>
    shape.gaussian
      ? { output: fromWords(shape, step, (words, which) => normalsAt(words).errors[which]) }
      : exact(),
  bench: (batch) => ({
    uniform: { ...digit, batch: padded(batch), count: batch, seed: 123, gaussian: false },
    gaussian: { ...digit, batch: padded(batch), count: batch, seed: 123, gaussian: true },
  }),
};
