/** The numbers that `train` writes: losses.csv, epochs.csv, loss.svg. Pure. */

import { csv, epochMeans, lossesCsv, nineDigits } from '../run/losses';
import { lossSvg } from './loss_svg';

interface RunLog {
  /** The loss of each step, from the first. */
  readonly losses: readonly number[];
  readonly stepsPerEpoch: number;
  /** The loss on held-out images after each epoch, where it is known. */
  readonly heldOut?: readonly (number | undefined)[];
  /** One line about data and settings, for the plot. */
  readonly subtitle: string;
}

export function runFiles({ losses, stepsPerEpoch, subtitle, heldOut }: RunLog): Record<string, string> {
  const epochs = epochMeans(losses, stepsPerEpoch).map((mean, i) => [
    i + 1,
    nineDigits(mean),
    ...(heldOut ? [heldOut[i] === undefined ? '' : nineDigits(heldOut[i])] : []),
  ]);
  return {
    'losses.csv': lossesCsv(losses, stepsPerEpoch),
    'epochs.csv': csv(['epoch', 'mean_loss', ...(heldOut ? ['held_out_loss'] : [])], epochs),
    'loss.svg': lossSvg({ losses, stepsPerEpoch, subtitle }),
  };
}
