/** What is known of a run beside its losses, as the worker tells it and as the page keeps it. Pure. */

/** The loss on images that are not trained on, after so many steps. */
export interface HeldOutLoss {
  readonly step: number;
  readonly loss: number;
  /** The same by noise level, ten parts from 0 to 1; null where no image had such a level. */
  readonly bins: readonly (number | null)[];
  /** That it was measured with. */
  readonly images: number;
}

/** How many samples the classifier accepts, after so many steps; shares from 0 to 1. */
export interface AcceptedShare {
  readonly step: number;
  readonly accepted: number;
  readonly samples: number;
  /** The same for real digits, which the classifier has not seen either. */
  readonly real: number;
}

/** The learning rate that holds for the steps after this one. */
export interface RateChange {
  readonly step: number;
  readonly lr: number;
  /** And that of the steps before it. */
  readonly before?: number;
}

export type Measurement =
  | { readonly type: 'heldOut'; readonly measured: HeldOutLoss }
  | { readonly type: 'quality'; readonly measured: AcceptedShare }
  | { readonly type: 'rate'; readonly changed: RateChange }
  /** Training waits for this; undefined when it goes on. */
  | { readonly type: 'measuring'; readonly what: 'heldOut' | 'quality' | undefined }
  /** Told about once a second. Seconds. */
  | {
      readonly type: 'clock';
      /** So long the run has been trained: on this page, and since training was last asked for. */
      readonly run: number;
      readonly press: number;
      /** The share of that time which each measuring has taken. */
      readonly heldOutShare: number;
      readonly qualityShare: number;
      /** About how long it is to the next figure of quality; undefined where there will be none. */
      readonly nextQuality?: number;
    }
  /** The time that was set is over. */
  | { readonly type: 'timeUp' };

/** Of one run. */
export interface Measurements {
  readonly heldOut: readonly HeldOutLoss[];
  readonly quality: readonly AcceptedShare[];
  readonly rates: readonly RateChange[];
  readonly clock?: Omit<Extract<Measurement, { type: 'clock' }>, 'type'>;
  /** Seconds of training before this visit. */
  readonly secondsBefore: number;
  readonly measuring?: 'heldOut' | 'quality';
  readonly timeUp: boolean;
}

export const nothingMeasured: Measurements = {
  heldOut: [],
  quality: [],
  rates: [],
  secondsBefore: 0,
  timeUp: false,
};

export function reduceMeasurements(known: Measurements, event: Measurement): Measurements {
  switch (event.type) {
    case 'heldOut':
      return { ...known, heldOut: withPoint(known.heldOut, event.measured) };
    case 'quality':
      return { ...known, quality: withPoint(known.quality, event.measured) };
    case 'rate': {
      const { changed } = event;
      const last = known.rates.at(-1);
      // Changed twice between two steps, it is as if changed once.
      const before = last?.step === changed.step ? last.before : changed.before;
      return { ...known, rates: withPoint(known.rates, { ...changed, before }) };
    }
    case 'measuring':
      return { ...known, measuring: event.what };
    case 'clock': {
      const { type: _, ...clock } = event;
      return { ...known, clock };
    }
    case 'timeUp':
      return { ...known, timeUp: true };
  }
}

/** After this step nothing is known any more: steps come again. */
export function rewound(known: Measurements, step: number): Measurements {
  const isKept = (point: { readonly step: number }) => point.step <= step;
  const [heldOut, quality, rates] = [known.heldOut, known.quality, known.rates];
  return {
    ...known,
    heldOut: heldOut.filter(isKept),
    quality: quality.filter(isKept),
    rates: rates.filter(isKept),
  };
}

/** Seconds that the run has been trained, in all visits; undefined where nobody has counted. */
export const trainedSeconds = ({ secondsBefore, clock }: Measurements): number | undefined =>
  secondsBefore + (clock?.run ?? 0) || undefined;

/** The learning rate that was set at each of so many steps, which is `now`. */
export function ratesOf({ rates }: Pick<Measurements, 'rates'>, steps: number, now: number): number[] {
  const first = rates[0]?.before ?? now;
  return Array.from({ length: steps }, (_, i) => rates.findLast(({ step }) => step <= i)?.lr ?? first);
}

/** Points in the order of their steps; what is known of the same step, or of later ones, gives way. */
function withPoint<T extends { readonly step: number }>(points: readonly T[], point: T): readonly T[] {
  return [...points.filter(({ step }) => step < point.step), point];
}
