/** The data of the loss curve: columns of one length for all its lines, and the ranges of its axes. Pure. */

import { recipes } from '../../../src/recipes';
import { whole } from '../../text/units';
import type { HeldOutLoss, RateChange } from '../messages/measurements';
import type { PageRecipe, Settings } from '../messages/settings';
import { LossHistory, type LossSeries, recentSteps, smoother } from '../runs/losses';
import { loss as lossText } from '../shell/format';

export interface Curves {
  readonly losses: LossSeries;
  readonly heldOut: readonly HeldOutLoss[];
  readonly rates: readonly RateChange[];
  readonly batch: number;
  readonly stepsPerEpoch: number;
  readonly recipe: PageRecipe;
}

/** Null is a gap; undefined is none, where another line is drawn at more steps. */
type Column = (number | null | undefined)[];

/** Steps from 1; each step's loss, the smoothed loss, the held-out loss. */
export type Columns = [steps: number[], ...lines: Column[]];

/** The most steps at which a line is drawn: many more than a screen has pixels. */
export const MOST_DRAWN = 8192;

/**
 * The losses of a run and their running mean, at the steps that are drawn: all of them; of a longer run every second one, then every fourth,
 * and so on, and always the newest. Each loss is read once, so that what a step costs does not grow with the run.
 */
export class Line {
  private readonly batch: number;
  private readonly smooth: (loss: number) => number;
  private read = 0;
  private every = 1;
  private each: number[] = [];
  private smoothed: number[] = [];
  private newest = { loss: Number.NaN, smoothed: Number.NaN };
  private losses: LossSeries = [];

  constructor(batch: number) {
    this.batch = batch;
    this.smooth = smoother(batch);
  }

  /** The line of these losses: `before`, if they continue those that it has read. */
  static of(losses: LossSeries, batch: number, before?: Line): Line {
    const read = before?.losses;
    const continues = losses instanceof LossHistory && read instanceof LossHistory && losses.continues(read);
    const line = before && before.batch === batch && continues ? before : new Line(batch);
    line.take(losses);
    return line;
  }

  /** Calls back with each step that is drawn, its loss, and the smoothed one. */
  forEach(draw: (step: number, loss: number | null, smoothed: number) => void): void {
    const known = (loss: number) => (Number.isNaN(loss) ? null : loss);
    for (const [i, loss] of this.each.entries()) draw(i * this.every + 1, known(loss), this.smoothed[i]);
    const { loss, smoothed } = this.newest;
    if (this.read > 0) draw(this.read, known(loss), smoothed);
  }

  get length(): number {
    return this.read;
  }

  private take(losses: LossSeries): void {
    this.losses = losses;
    for (const loss of losses.slice(this.read)) {
      const smoothed = this.smooth(loss);
      if (this.read++ % this.every === 0) {
        this.each.push(loss);
        this.smoothed.push(smoothed);
      }
      this.newest = { loss, smoothed };
      if (this.each.length > MOST_DRAWN) this.thin();
    }
  }

  private thin(): void {
    this.every *= 2;
    this.each = this.each.filter((_, i) => i % 2 === 0);
    this.smoothed = this.smoothed.filter((_, i) => i % 2 === 0);
  }
}

/** `own`: the line of the losses. */
export function curveColumns(
  { losses, heldOut, batch }: Pick<Curves, 'losses' | 'heldOut' | 'batch'>,
  own = Line.of(losses, batch),
): Columns {
  const points = new Map<number, [loss: number | null, smoothed: number]>();
  own.forEach((step, loss, mean) => {
    points.set(step, [loss, mean]);
  });
  const held = new Map(heldOut.map(({ step, loss }) => [step, loss]));
  const steps = [...new Set([...points.keys(), ...held.keys()])].sort((a, b) => a - b);
  const column = (i: 0 | 1): Column =>
    steps.map((step) => (step > own.length ? null : points.get(step)?.[i]));
  return [steps, column(0), column(1), steps.map((step) => held.get(step) ?? null)];
}

/** The values at a step, in words. */
export interface Reading {
  readonly at: string;
  readonly each: string;
  readonly smoothed: string;
  readonly held: string;
}

/** The reading at index `index` of the columns; empty words if there is no step. The held-out loss is the newest up to that step. */
export function readCurves(
  { losses, heldOut, rates }: Curves,
  [steps, _, smoothed]: Columns,
  index: number | null | undefined,
): Reading {
  const step = steps[index ?? -1];
  const loss = step === undefined ? undefined : losses.at(step - 1);
  if (loss === undefined) return { at: '', each: '', smoothed: '', held: '' };
  const mean = smoothed[index!];
  const held = heldOut.findLast((point) => point.step <= step);
  const rate = rates.findLast((change) => change.step < step);
  return {
    at: `step ${whole(step)}${rate ? `, rate ${rate.lr}` : ''}`,
    each: Number.isNaN(loss) ? '' : lossText(loss),
    smoothed: mean == null ? '' : lossText(mean),
    held: held ? `${lossText(held.loss)}${held.step < step ? `, step ${whole(held.step)}` : ''}` : '',
  };
}

/** The end of the axis of steps: in the first epoch a round number, so that its start is not stretched. */
export function xEnd({ stepsPerEpoch }: Pick<Curves, 'stepsPerEpoch'>, count: number): number {
  const rooms = [20, 50, 100, 200, 500, 1000, 2000, 5000];
  const room = rooms.find((steps) => steps >= count) ?? count;
  return Math.max(count, Math.min(room, stepsPerEpoch), 2);
}

/** The least top of the loss axis, and its increment: the tutorial's plot ends at 0.1; along a flow losses are 0.2 to 2. */
const CURVE = { tutorial: { least: 0.1, grain: 0.05 }, flow: { least: 0.4, grain: 0.1 } };

/** Upper limit of the loss axis: covers recent losses, never below a minimum. */
function curveTop(recent: readonly number[], { recipe }: Pick<Settings, 'recipe'>): number {
  const { least, grain } = CURVE[recipes[recipe].trainer.objective];
  const grains = Math.ceil(Math.max(0, ...recent) / grain - 1e-9);
  return Math.max(least, Number((grains * grain).toPrecision(12)));
}

/**
 * A linear axis: high enough for the smoothed line of now and of 50,000 images ago, and for every held-out loss but the first ones.
 */
export function linearRange(
  [steps, _, own, held]: Columns,
  { recipe, batch }: Pick<Curves, 'recipe' | 'batch'>,
): [number, number] {
  const from = steps[own.findLastIndex((loss) => loss != null)] - recentSteps(batch);
  const recent = own.filter((loss, i) => loss != null && steps[i] > from) as number[];
  const top = (losses: readonly number[]) => (losses.length > 0 ? curveTop(losses, { recipe }) : 0);
  return [0, Math.max(top(recent), top(held.filter((loss) => loss != null).slice(-5)))];
}

/** A logarithmic axis, from a round number to another. */
export function logRange([_, ...lines]: Columns): [number, number] {
  let low = Number.POSITIVE_INFINITY;
  let high = 0;
  for (const line of lines) {
    for (const value of line) {
      if (value == null) continue;
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
