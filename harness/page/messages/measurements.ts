/** Measurements of a run beside its losses, as the worker sends them and as the page keeps them. Pure. */
import type { ImageSize } from './settings';

/** The loss on held-out images after `step` steps. */
export interface HeldOutLoss {
  readonly step: number;
  readonly loss: number;
  /** The same by noise level, ten parts from 0 to 1; null where no image had such a level. */
  readonly bins: readonly (number | null)[];
  readonly images: number;
}

/** The share of samples that the classifier accepts after `step` steps, from 0 to 1. */
export interface AcceptedShare {
  readonly step: number;
  readonly accepted: number;
  readonly samples: number;
  /** The same for real digits, which the classifier has not seen either. */
  readonly real: number;
}

/** Samples after `step` steps, and the training picture nearest to each. */
export interface NearestFound extends ImageSize {
  readonly step: number;
  /** Bytes, [count][height][width][channels], as `nearest`. */
  readonly samples: Uint8Array<ArrayBuffer>;
  readonly nearest: Uint8Array<ArrayBuffer>;
  /** Distances of the pairs: see run/nearest.ts. */
  readonly distances: readonly number[];
  /** Samples that are nearer than pictures usually are to each other; undefined for too few pictures. */
  readonly near: number | undefined;
}

export type MeasureKind = 'heldOut' | 'quality' | 'nearest';

/** The learning rate of the steps after this one. */
export interface RateChange {
  readonly step: number;
  readonly lr: number;
  readonly before?: number;
}

/** What was measured, or has changed about it. */
export interface Measurement {
  readonly heldOut?: HeldOutLoss;
  readonly quality?: AcceptedShare;
  readonly rate?: RateChange;
  /** Training waits for this; undefined when it goes on. */
  readonly measuring?: MeasureKind | undefined;
  /** Sent about once a second. Seconds. */
  readonly clock?: {
    /** Training time: on this page in total (`run`), and since Train was last pressed (`press`). */
    readonly run: number;
    readonly press: number;
    /** The share of the training time that each kind of measurement has taken. */
    readonly heldOutShare: number;
    readonly qualityShare: number;
  };
  readonly timeUp?: boolean;
}

export interface Measurements extends Pick<Measurement, 'clock' | 'measuring'> {
  readonly heldOut: readonly HeldOutLoss[];
  readonly quality: readonly AcceptedShare[];
  readonly rates: readonly RateChange[];
  /** Seconds of training before this visit. */
  readonly secondsBefore: number;
  readonly timeUp: boolean;
}

export const nothingMeasured: Measurements = {
  heldOut: [],
  quality: [],
  rates: [],
  secondsBefore: 0,
  timeUp: false,
};

export function reduceMeasurements(
  known: Measurements,
  { heldOut, quality, rate, ...others }: Measurement,
): Measurements {
  const last = known.rates.at(-1);
  // Changed twice between two steps, it is as if changed once.
  const before = last && last.step === rate?.step ? last.before : rate?.before;
  return {
    ...known,
    ...others,
    heldOut: heldOut ? bounded(withPoint(known.heldOut, heldOut)) : known.heldOut,
    quality: quality ? bounded(withPoint(known.quality, quality)) : known.quality,
    rates: rate ? withPoint(known.rates, { ...rate, before }) : known.rates,
  };
}

/** Removes the measurements after this step, because the run repeats those steps. */
export function rewound(known: Measurements, step: number): Measurements {
  const isKept = (point: { readonly step: number }) => point.step <= step;
  const heldOut = known.heldOut;
  const quality = known.quality;
  const rates = known.rates;
  return {
    ...known,
    heldOut: heldOut.filter(isKept),
    quality: quality.filter(isKept),
    rates: rates.filter(isKept),
  };
}

/** The run's training time in all visits, in seconds; undefined if it was not counted. */
export const trainedSeconds = ({ secondsBefore, clock }: Measurements): number | undefined =>
  secondsBefore + (clock?.run ?? 0) || undefined;

/** The learning rate at each of `steps` steps. `now`: the current rate, used if no change is known. */
export function learningRates({ rates }: Pick<Measurements, 'rates'>, steps: number, now: number): number[] {
  const first = rates[0]?.before ?? now;
  return Array.from({ length: steps }, (_, i) => rates.findLast(({ step }) => step <= i)?.lr ?? first);
}

/** A loss that is higher than the least by this share has risen. */
const RISE = 0.01;

/** The step since which the held-out loss has been higher, for a tenth of a plan of `steps` steps; undefined if it has not. */
export function risenSince(heldOut: readonly HeldOutLoss[], steps: number): number | undefined {
  const last = heldOut.at(-1);
  if (!last) return undefined;
  const least = heldOut.reduce((a, b) => (b.loss < a.loss ? b : a));
  const isLong = last.step - least.step >= steps / 10;
  return isLong && last.loss > (1 + RISE) * least.loss ? least.step : undefined;
}

/** Adds a point in the order of steps; it replaces the points of the same step and of later ones. */
function withPoint<T extends { readonly step: number }>(points: readonly T[], point: T): readonly T[] {
  return [...points.filter(({ step }) => step < point.step), point];
}

/** Most points that a run's notes keep; the page keeps twice as many, so that an event of a long run costs no more than one of a short run. */
const MOST = 200;

const bounded = <T>(points: readonly T[]) => (points.length > 2 * MOST ? thinned(points) : points);

/** At most `most` of these points, evenly spread, with the first and the last. */
export function thinned<T>(points: readonly T[], most = MOST): readonly T[] {
  if (points.length <= most) return points;
  const every = (points.length - 1) / (most - 1);
  return Array.from({ length: most }, (_, i) => points[Math.round(i * every)]);
}
