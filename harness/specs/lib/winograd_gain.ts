/** The interpolation points of the forms in shaders/conv2d/winograd, and the factors by which they increase rounding errors. */

import { type FormFile, winogradForms } from '../../../src/winograd/forms';
import { convolutionGain, kernelGradientGain, type Points } from './winograd_matrices';

export const forms: Readonly<Record<FormFile, Points>> = {
  f7x5: { outputs: 7, taps: 5, finite: [0, '3/8', '-3/8', '3/4', '-3/4', 1, -1, 2, -2, 4, -4] },
  f8x5: {
    outputs: 8,
    taps: 5,
    finite: [0, '3/8', '-3/8', '3/4', '-3/4', 1, -1, '11/8', '-11/8', '5/2', '-5/2'],
  },
  f6x3: { outputs: 6, taps: 3, finite: [0, '1/2', '-1/2', 1, -1, 2, -2] },
  f7x3: { outputs: 7, taps: 3, finite: [0, '3/8', '-3/8', 1, -1, '3/2', '-3/2', '15/4', '-15/4'] },
  f8x3: { outputs: 8, taps: 3, finite: [0, '3/8', '-3/8', 1, -1, '5/4', '-5/4', 2, -2] },
};

const byVariant = (of: (points: Points) => number) =>
  Object.fromEntries(
    winogradForms.flatMap(({ name, file }) => {
      const gain = of(forms[file]);
      return ['', '_gpu', '_subgroups'].map((technique) => [`${name}${technique}`, gain]);
    }),
  );

/** Gains of the forms in their order: about 724, 1613, 46, 157 and 663. */
export const convolutionGains = byVariant(convolutionGain);
/** About 531, 1099, 26, 74 and 307. */
export const kernelGradientGains = byVariant(kernelGradientGain);
