/** A problem that the engine can work around. */
export interface Warning {
  /** A kernel variant computes wrong results on this adapter: from now on the engine uses another one. */
  readonly code: 'wrong-kernel';
  /** The kernel, for instance `conv2d`. */
  readonly kernel: string;
  /** The variant that is used no more. */
  readonly variant: string;
  /** A message for people. */
  readonly message: string;
}
