/** Something is not as it should be, and the engine goes on without it. */
export interface Warning {
  /** A variant of a kernel computes wrongly on this adapter: from now on the engine uses another one. */
  readonly code: 'wrong-kernel';
  readonly kernel: string;
  readonly variant: string;
  /** For people. */
  readonly message: string;
}
