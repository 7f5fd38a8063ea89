/** A whole run of a sampler in f64, written from the definitions of the methods. Images are [count][height][width][channels]. */
import { normal, STREAM, threefry, uniform } from '../../src/base/random';
import type { LoadedOptions } from '../../src/sampling/options';
import type { UNetConfig } from '../../src/unet/config';
import type { ReferenceUNet } from './reference_unet';

const noiseBy =
  (make: (words: [number, number]) => readonly number[]) => (seed: number, count: number, size: number) =>
    Float32Array.from({ length: count * size }, (_, i) => {
      const n = Math.floor(i / size);
      return make(threefry(seed, STREAM.sample, n >> 1, i % size))[n % 2];
    });

/** What a seed makes for `count` images of `size` values: where a flow begins, and the method mix. */
export const normalNoise = noiseBy(normal);
export const uniformNoise = noiseBy((words) => words.map(uniform));

const clip = (v: number) => Math.min(Math.max(v, 0), 1);

/** From the range of a flow, -1 to 1, to the range of images. */
export const toUnit = (values: ArrayLike<number>) => Array.from(values, (v) => clip(0.5 * v + 0.5));

/** A step, or the polish after the last; along a flow values from -1 to 1. */
interface Step {
  readonly input: ArrayLike<number>;
  readonly prediction: ArrayLike<number>;
  readonly x: ArrayLike<number>;
}

/** What the network makes of images at a level, with the labels of the run or with none. */
type Ask = (x: ArrayLike<number>, level: number, told?: boolean) => Float64Array;

interface RunOptions extends LoadedOptions {
  readonly count: number;
  readonly seed: number;
  /** Whether the method is mix. */
  readonly mixes: boolean;
}

export function referenceRun(
  network: ReferenceUNet,
  { conditioning }: Partial<UNetConfig>,
  noise: Float32Array,
  options: RunOptions,
): Step[] {
  const { count, labels, mixes } = options;
  const none = conditioning?.classes ? Array<number>(count).fill(conditioning.classes) : undefined;
  const ask: Ask = (x, level, told = true) =>
    network.predict(x, count, {
      ...(conditioning?.noiseLevel ? { levels: Array<number>(count).fill(level) } : {}),
      ...(none ? { labels: (told && labels) || none } : {}),
    });
  return mixes ? mixRun(ask, noise, options) : flowRun(ask, noise, options);
}

/** The tutorial's steps. */
function mixRun(ask: Ask, noise: Float32Array, { steps = 0 }: RunOptions): Step[] {
  let x = Float64Array.from(noise);
  return Array.from({ length: steps }, (_, step) => {
    const input = x;
    const prediction = ask(x, 1 - step / steps);
    const m = 1 / (steps - step);
    x = x.map((v, i) => clip(v * (1 - m) + prediction[i] * m));
    return { input, prediction, x };
  });
}

function flowRun(ask: Ask, noise: Float32Array, options: RunOptions): Step[] {
  const { steps = 0, method = 'euler', from = 1, shift = 1, guidanceRange: [low, high] = [0, 1] } = options;
  const guidance = options.guidance ?? (options.labels ? 2 : 1);
  const begins = Float64Array.from(noise, (_, i) => 2 * (options.start?.[i] ?? 0) - 1);
  const atLevel = (t: number) => begins.map((s, i) => (1 - t) * s + t * noise[i]);
  const put = (x: Float64Array, t: number) =>
    options.mask ? atLevel(t).map((v, i) => (options.mask![i] > 0 ? v : x[i])) : x;
  const velocity = (x: ArrayLike<number>, t: number) => {
    const none = ask(x, t, false);
    const towards = t >= low && t <= high ? guidance : 1;
    return ask(x, t).map((v, i) => none[i] + towards * (v - none[i]));
  };
  const levelAfter = (done: number) => {
    const u = 1 - done / steps;
    return (from * shift * u) / (1 + (shift - 1) * u);
  };
  let old: Float64Array | undefined;
  let x: Float64Array = options.start ? atLevel(from) : Float64Array.from(noise);
  const ofSteps = Array.from({ length: steps }, (_, step) => {
    const [last, t, next] = [step - 1, step, step + 1].map(levelAfter);
    const input = x;
    x = put(x, t);
    let v = velocity(x, t);
    let moved = x.map((value, i) => value + (next - t) * v[i]);
    const straight = input.map((value, i) => value - t * v[i]);
    if (method === 'adams' && old) {
      const before = old;
      // The line through both velocities, in the middle of the step.
      const ahead = (next - t) / 2 / (t - last);
      moved = x.map((value, i) => value + (next - t) * (v[i] + ahead * (v[i] - before[i])));
    }
    old = v;
    if (method === 'heun' && next > 0) {
      const second = velocity(moved, next);
      moved = x.map((value, i) => value + ((next - t) * (v[i] + second[i])) / 2);
      v = second;
    }
    x = next > 0 ? moved : put(moved, 0);
    const prediction = method === 'adams' ? straight : x.map((value, i) => value - next * v[i]);
    return { input, prediction, x };
  });
  if (!options.polish) return ofSteps;
  const {
    count,
    polish: { noises, level },
  } = options;
  const input = x;
  const image = toUnit(input);
  const sum = new Float64Array(noise.length);
  for (let k = 0; k < noises; k++) {
    const [seed] = threefry(options.seed, STREAM.polish, k, 0);
    const fresh = normalNoise(seed, count, noise.length / count);
    const noised = Float64Array.from(image, (p, i) => (1 - level) * (2 * p - 1) + level * fresh[i]);
    const v = velocity(noised, level);
    for (const [i, p] of toUnit(noised.map((value, i) => value - level * v[i])).entries()) sum[i] += p;
  }
  const mean = sum.map((value) => (2 * value) / noises - 1);
  x = put(mean, 0);
  return [...ofSteps, { input, prediction: x, x }];
}
