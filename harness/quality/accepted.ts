import { type Classified, classCount } from './classifier';

/** The classifier was trained on the digits before this index, and never on later ones. */
export const firstHeldOut = 9000;
/** An image counts as accepted if its highest probability exceeds this. */
const sure = 0.95;

/** 1 where a value is above `threshold`, else 0: the classifier's input. */
export function binarise(values: Float32Array | Uint8Array, threshold: number): Float32Array {
  const result = new Float32Array(values.length);
  for (let i = 0; i < values.length; i++) if (values[i] > threshold) result[i] = 1;
  return result;
}

/** The class that the classifier sees in each image, and whether it is sure. */
export function verdicts({ probabilities }: Classified): { digit: number; accepted: boolean }[] {
  return Array.from({ length: probabilities.length / classCount }, (_, n) => {
    const row = probabilities.subarray(n * classCount, (n + 1) * classCount);
    const highest = Math.max(...row);
    return { digit: row.indexOf(highest), accepted: highest > sure };
  });
}
