/** What the loss curve draws: columns of one length for all its lines, and how far its axes go. Pure. */
import { loss as lossText, whole } from '../shell/format';
import type { HeldOutLoss, RateChange } from '../shell/measurements';
import type { PageRecipe } from '../shell/settings';
import { curveTop, smooth } from '../shell/state';

/** Another run beside the page's own. */
export interface Overlay {
  readonly name: string;
  readonly losses: ArrayLike<number>;
  /** Images of a step. */
  readonly batch: number;
  /** Which of the colours it has, from 0. */
  readonly hue: number;
}

export interface Curves {
  readonly losses: readonly number[];
  readonly heldOut: readonly HeldOutLoss[];
  readonly rates: readonly RateChange[];
  readonly overlays: readonly Overlay[];
  readonly batch: number;
  readonly stepsPerEpoch: number;
  readonly recipe: PageRecipe;
}

type Column = (number | null)[];

/** Steps from 1; each step's loss, the smoothed loss, the held-out loss; then the smoothed loss of each other run. */
export type Columns = [steps: number[], ...lines: Column[]];

const smoothedOthers = new WeakMap<object, readonly number[]>();

/** A run that is over does not change, so this is done once. */
function smoothedOf({ losses, batch }: Overlay): readonly number[] {
  const known = smoothedOthers.get(losses);
  if (known) return known;
  const smoothed = smooth(Array.from(losses), batch);
  smoothedOthers.set(losses, smoothed);
  return smoothed;
}

export function columnsOf({ losses, heldOut, overlays, batch }: Curves): Columns {
  const own = smooth(losses, batch);
  const others = overlays.map(smoothedOf);
  const length = Math.max(losses.length, ...others.map((line) => line.length));
  const held = new Map(heldOut.map(({ step, loss }) => [step, loss]));
  const column = (at: (i: number) => number | undefined): Column =>
    Array.from({ length }, (_, i) => {
      const value = at(i);
      return value === undefined || Number.isNaN(value) ? null : value;
    });
  return [
    Array.from({ length }, (_, i) => i + 1),
    column((i) => losses[i]),
    column((i) => own[i]),
    column((i) => held.get(i + 1)),
    ...others.map((line) => column((i) => line[i])),
  ];
}

/** What is drawn above a step, in words. */
export interface Reading {
  readonly at: string;
  readonly each: string;
  readonly smoothed: string;
  readonly held: string;
}

/** Of the step at this place of the columns; empty words where there is nothing. The held-out loss is the newest by then. */
export function readingOf(
  { losses, heldOut, rates }: Curves,
  [, , smoothed]: Columns,
  index: number | null | undefined,
): Reading {
  const loss = losses[index ?? -1];
  if (loss === undefined) return { at: '', each: '', smoothed: '', held: '' };
  const step = index! + 1;
  const held = heldOut.findLast((point) => point.step <= step);
  const rate = rates.findLast((change) => change.step < step);
  return {
    at: `step ${whole(step)}${rate ? `, rate ${rate.lr}` : ''}`,
    each: Number.isNaN(loss) ? '' : lossText(loss),
    smoothed: lossText(smoothed[index!]!),
    held: held ? `${lossText(held.loss)}${held.step < step ? `, step ${whole(held.step)}` : ''}` : '',
  };
}

/** Where the axis of steps ends: for the first epoch at a round number, so that its start is not stretched. */
export function xEnd({ stepsPerEpoch }: Pick<Curves, 'stepsPerEpoch'>, count: number): number {
  const rooms = [20, 50, 100, 200, 500, 1000, 2000, 5000];
  const room = rooms.find((steps) => steps >= count) ?? count;
  return Math.max(count, Math.min(room, stepsPerEpoch), 2);
}

/** A linear axis: high enough for the end of every smoothed line, and for every held-out loss but the first ones. */
export function linearRange(
  [, , own, held, ...others]: Columns,
  { recipe, batch, overlays }: Pick<Curves, 'recipe' | 'batch' | 'overlays'>,
): [number, number] {
  const top = (line: Column, batch: number) => {
    const known = line.filter((loss) => loss !== null);
    return known.length > 0 ? curveTop(known, { recipe, batch }) : 0;
  };
  const lastHeld = held.filter((loss) => loss !== null).slice(-5);
  const tops = others.map((line, i) => top(line, overlays[i].batch));
  return [0, Math.max(top(own, batch), top(lastHeld, batch), ...tops)];
}

/** A logarithmic axis, from a round number to another. */
export function logRange([, ...lines]: Columns): [number, number] {
  let low = Number.POSITIVE_INFINITY;
  let high = 0;
  for (const line of lines) {
    for (const value of line) {
      if (value === null) continue;
      if (value > 0 && value < low) low = value;
      if (value > high) high = value;
    }
  }
  return [rounded(low, false), rounded(high, true)];
}

/** The numbers from which logarithmic axes may begin and end. */
const ROUND = [1, 2, 5, 10];

/** The closest round number that is not above `value`, or not below it. */
function rounded(value: number, up: boolean): number {
  const power = 10 ** Math.floor(Math.log10(value));
  const digits = value / power;
  const round = up ? ROUND.find((r) => r >= digits - 1e-9)! : ROUND.findLast((r) => r <= digits + 1e-9)!;
  return round * power;
}
