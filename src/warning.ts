/** A problem that the engine can work around. */
export interface Warning {
  /** A kernel variant computes wrong results on this adapter: from now on the engine uses another one. */
  readonly code: 'wrong-kernel';
  readonly kernel: string;
  readonly variant: string;
  /** A message for people. */
  readonly message: string;
}
