interface Training {
  readonly name: string;
  /** What the last epoch's mean loss must be below. */
  readonly most: number;
  /** For `train`. */
  readonly flags: readonly string[];
}

/** `sevenSets`: a folder with seven times as many digits as the package, for the tutorial's 274 steps an epoch. */
export function trainings(given: {
  readonly quick: boolean;
  readonly sevenSets: string;
}): readonly Training[];
