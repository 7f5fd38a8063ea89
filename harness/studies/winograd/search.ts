/**
 * `npm run winograd -- M R [POINTS]`: searches the interpolation points of F(MxM, RxR) with the smallest error gain, and prints the WGSL
 * file of the best. Candidates are 0, pairs +-p of fractions with small numerators and denominators that are powers of two (exact in f32),
 * and infinity if one point is missing.
 */

import { convolutionGain, kernelGradientGain, type Points } from '../../specs/lib/winograd_matrices';
import { formText } from './form_text';

const USAGE = `npm run winograd -- M R [POINTS]

M       outputs of a tile a side, R: taps of a kernel a side (odd)
POINTS  print the file of these, such as 0,3/8,-3/8,1,-1,3/2,-3/2,15/4,-15/4, and search nothing`;

const candidates = [1 / 4, 3 / 8, 1 / 2, 5 / 8, 3 / 4, 1, 5 / 4, 11 / 8, 3 / 2, 2, 5 / 2, 3, 15 / 4, 4];

function* combinations<T>(items: readonly T[], count: number): Generator<T[]> {
  if (count === 0) yield [];
  else
    for (const [i, item] of items.entries())
      for (const rest of combinations(items.slice(i + 1), count - 1)) yield [item, ...rest];
}

function search(outputs: number, taps: number): { points: Points; gain: number }[] {
  const count = outputs + taps - 1;
  const pairs = Math.floor((count - 1) / 2);
  const found = [...combinations(candidates, pairs)].map((chosen) => {
    const points = { outputs, taps, finite: [0, ...chosen.flatMap((p) => [p, -p])] };
    return { points, gain: convolutionGain(points) };
  });
  return found.sort((a, b) => a.gain - b.gain).slice(0, 5);
}

const pointsText = ({ finite, outputs, taps }: Points) =>
  [...finite, ...(finite.length < outputs + taps - 1 ? ['infinity'] : [])].join(', ');

export function main(args: readonly string[]): number {
  const [outputs, taps] = args.map(Number);
  if (!(outputs > 0 && taps > 1 && taps % 2 === 1)) {
    console.error(USAGE);
    return 2;
  }
  const given = args[2]?.split(',');
  const wrong = given?.find((point) => !/^-?\d+(\.\d+|\/[1-9]\d*)?$/.test(point));
  if (wrong !== undefined) {
    console.error(
      `"${wrong}" is not a point; give numbers such as 3/8 or -0.5, and leave infinity out.\n\n${USAGE}`,
    );
    return 2;
  }
  const found = given ? [{ points: { outputs, taps, finite: given } }] : search(outputs, taps);
  for (const { points } of found) {
    const gains = [convolutionGain(points), kernelGradientGain(points)].map((g) => g.toFixed(0));
    console.log(`// ${pointsText(points)}: gain ${gains[0]} for convolutions, ${gains[1]} for weights`);
  }
  console.log(`\n${formText(found[0].points)}`);
  return 0;
}
