/** What the programs of programs/ are given, and what they must come to: by the reference of the whole network in 64 bits. */

import { flowBatch } from '../../../harness/run/golden_workload';
import { loadPretrained } from '../../../src/pretrained/index';
import { ReferenceUNet } from '../../lib/reference_unet';
import { digitsSeen } from '../../lib/seen';

/** What a program gives: `use` of programs/use.js. */
export interface Used {
  readonly adapter: string;
  readonly prediction: readonly number[];
  readonly images: readonly number[];
  readonly loss: number;
  readonly digits: number;
  readonly onnx: number;
  /** What three.js draws of 0.25 and of 0.75: reds in linear light. */
  readonly mapped?: readonly number[];
  readonly errors?: readonly string[];
}

const COUNT = 2;
const { noisy, target, levels, labels } = flowBatch(0, COUNT);
/** The digits that are asked for. */
const drawn = [2, 0, 2, 6];

/** The module `input.js` of every project. */
export const input = Object.entries({ noisy, target, levels, labels, drawn })
  .map(([name, values]) => `export const ${name} = ${JSON.stringify([...values])};\n`)
  .join('');

/** Makes the check of what a program gives, which throws a sentence if that is wrong and else says it in short. */
export async function createCheck(): Promise<(used: Used) => Promise<string>> {
  const { config, parameters } = await loadPretrained('digits');
  const expected = new ReferenceUNet(config, parameters).predict(noisy, COUNT, { levels, labels });
  const scale = expected.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
  const loss = expected.reduce((sum, v, i) => sum + (v - target[i]) ** 2, 0) / expected.length;
  const pixels = drawn.length * config.height * config.width;
  const must = (condition: boolean, sentence: string) => {
    if (!condition) throw new Error(sentence);
  };
  return async (used) => {
    const off = furthest(used.prediction, expected) / scale;
    must(off < 1e-4, `The prediction is off by ${off} of its largest value.`);
    must(Math.abs(used.loss / loss - 1) < 1e-4, `The loss of a step is ${used.loss}, not ${loss}.`);
    must(used.images.length === pixels, `There are ${used.images.length} pixels, not ${pixels}.`);
    const seen = await digitsSeen(Float32Array.from(used.images));
    must(`${seen}` === `${drawn}`, `Asked for the digits ${drawn}, it drew ${seen}.`);
    must(used.digits === 10_000, `There are ${used.digits} digits.`);
    must(used.onnx > 600_000, `The ONNX file has ${used.onnx} bytes.`);
    must(!used.errors?.length, `The device reports: ${used.errors}`);
    if (used.mapped) {
      const wrong = furthest(used.mapped, [0.25, 0.75].map(linear));
      must(wrong <= 2, `three.js draws ${used.mapped} of a texture of 0.25 and 0.75.`);
    }
    return `${used.adapter || 'an adapter without a name'}: off by ${off.toExponential(0)}; digits ${seen.join(' ')}`;
  };
}

/** A value of sRGB in linear light, of 255 (IEC 61966-2-1). */
const linear = (v: number) => 255 * (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);

/** The largest difference; infinite unless there are as many numbers. */
function furthest(given: readonly number[], expected: ArrayLike<number>): number {
  if (given.length !== expected.length) return Number.POSITIVE_INFINITY;
  return given.reduce((most, v, i) => Math.max(most, Math.abs(v - expected[i])), 0);
}
