/** The statistics that are reported for several measurements. Pure. */

/** Milliseconds: the median of `n` samples, and the band that holds all but the outer tenths. */
export interface Times {
  readonly median: number;
  readonly p10: number;
  readonly p90: number;
  readonly n: number;
}

export function summary(samples: readonly number[]): Times {
  const sorted = [...samples].sort((a, b) => a - b);
  const at = (share: number) => {
    const place = share * (sorted.length - 1);
    const below = Math.floor(place);
    const above = Math.min(below + 1, sorted.length - 1);
    return sorted[below] + (sorted[above] - sorted[below]) * (place - below);
  };
  return { median: at(0.5), p10: at(0.1), p90: at(0.9), n: sorted.length };
}
