/** What a training run says in numbers: losses.csv, epochs.csv, loss.svg. Pure; the page offers the same files. */
import { epochMeans, lossSvg } from './loss_svg';

export interface RunLog {
  /** The loss of each step, from the first. */
  readonly losses: readonly number[];
  readonly stepsPerEpoch: number;
  /** The loss on held-out images after each epoch, as far as it is known. */
  readonly heldOut?: readonly (number | undefined)[];
  /** One line about data and settings, for the plot. */
  readonly subtitle: string;
}

export function runFiles({ losses, stepsPerEpoch, subtitle, heldOut }: RunLog): Record<string, string> {
  const steps = losses.map((loss, i) => [i + 1, Math.floor(i / stepsPerEpoch) + 1, digits(loss)]);
  const epochs = wholeEpochs(losses, stepsPerEpoch).map((mean, i) => [
    i + 1,
    digits(mean),
    ...(heldOut ? [heldOut[i] === undefined ? '' : digits(heldOut[i])] : []),
  ]);
  return {
    'losses.csv': csv(['step', 'epoch', 'loss'], steps),
    'epochs.csv': csv(['epoch', 'mean_loss', ...(heldOut ? ['held_out_loss'] : [])], epochs),
    'loss.svg': lossSvg({ losses, stepsPerEpoch, subtitle }),
  };
}

/** The mean losses of the epochs that are complete. */
export function wholeEpochs(losses: ArrayLike<number>, stepsPerEpoch: number): number[] {
  return epochMeans(losses, stepsPerEpoch).slice(0, Math.floor(losses.length / stepsPerEpoch));
}

/** Nine digits give back the same f32. */
const digits = (value: number) => Number(value.toPrecision(9));

const csv = (head: readonly string[], rows: readonly (readonly (number | string)[])[]) =>
  `${[head, ...rows].map((row) => row.join(',')).join('\n')}\n`;
