/** Something that the engine can work around, or that follows from what it was asked to do. */
export interface Warning {
  /**
   * `wrong-kernel`: a kernel variant computes wrong results on this adapter, and from now on the engine uses another one. `distilled`: a
   * distilled network is trained on, and so is distilled no more.
   */
  readonly code: 'wrong-kernel' | 'distilled';
  /** Of `wrong-kernel`: the kernel, for instance `conv2d`. */
  readonly kernel?: string;
  /** Of `wrong-kernel`: the variant that is used no more. */
  readonly variant?: string;
  /** A message for people. */
  readonly message: string;
}
