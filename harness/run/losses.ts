/** Evaluates the losses of a run. Pure; shared by the page and the command line. */

/** The unweighted mean of the step losses of each whole epoch. */
export const epochMeans = (losses: ArrayLike<number>, stepsPerEpoch: number): number[] =>
  meansSoFar(losses, stepsPerEpoch).slice(0, Math.floor(losses.length / stepsPerEpoch));

/**
 * The same, plus the mean so far of the epoch in progress: for plots, which would show nothing of a short run. Leaves out skipped steps.
 */
export function meansSoFar(losses: ArrayLike<number>, stepsPerEpoch: number): number[] {
  const means: number[] = [];
  for (let from = 0; from < losses.length; from += stepsPerEpoch) {
    let sum = 0;
    let steps = 0;
    for (let i = from; i < Math.min(from + stepsPerEpoch, losses.length); i++) {
      if (Number.isNaN(losses[i])) continue;
      sum += losses[i];
      steps++;
    }
    means.push(sum / steps);
  }
  return means;
}

/** losses.csv: step and epoch count from 1. `measured`: columns of what was measured after some steps; one that has nothing is left out. */
export function lossesCsv(
  losses: readonly number[],
  stepsPerEpoch: number,
  measured: Readonly<Record<string, ReadonlyMap<number, number>>> = {},
): string {
  const more = Object.entries(measured).filter(([_, values]) => values.size > 0);
  return csv(
    ['step', 'epoch', 'loss', ...more.map(([name]) => name)],
    losses.map((loss, i) => {
      const after = more.map(([_, values]) => values.get(i + 1));
      const cells = after.map((value) => (value === undefined ? '' : nineDigits(value)));
      return [i + 1, Math.floor(i / stepsPerEpoch) + 1, nineDigits(loss), ...cells];
    }),
  );
}

/** Nine digits are enough to restore the same f32. */
export const nineDigits = (value: number): number => Number(value.toPrecision(9));

export const csv = (head: readonly string[], rows: readonly (readonly (number | string)[])[]): string =>
  `${[head, ...rows].map((row) => row.join(',')).join('\n')}\n`;
