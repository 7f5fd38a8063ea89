/** Progress of a task that takes a moment while a trainer or sampler is created, or after its first step or result. */
export interface Progress {
  /** Shaders that the driver compiles, shapes whose kernel variants the tuner measures, or kernels whose results are compared. */
  readonly task: 'compiling' | 'tuning' | 'comparing';
  /** Number of finished shaders, shapes or kernels. */
  readonly done: number;
  /** Number of all of them, as far as known. */
  readonly total: number;
  /** A kernel whose shader has been compiling for long, `conv2d.winograd7` for instance. Repeated every few seconds. */
  readonly kernel?: string;
  /** Compilation time of that kernel so far. */
  readonly seconds?: number;
}

/** A problem that the engine works around, or a consequence of a call. */
export interface Warning {
  /**
   * From now on the engine does without a variant of a kernel, because it computes wrong results on this adapter (`wrong-kernel`), or the
   * browser or driver refuses it (`refused-kernel`), or has not compiled it yet (`slow-kernel`; later objects may use it once it is compiled).
   * `silent-device`: your device has not ended a submission for long. `distilled`: a distilled network is trained further, and is not
   * distilled any more. `other-kernels`: a run goes on with other kernels than at its start.
   */
  readonly code:
    | 'wrong-kernel'
    | 'refused-kernel'
    | 'slow-kernel'
    | 'silent-device'
    | 'distilled'
    | 'other-kernels';
  /** The kernel, for instance `conv2d`, if the warning is about a variant. */
  readonly kernel?: string;
  /** The variant that is not used any more. */
  readonly variant?: string;
  /** A message for people. */
  readonly message: string;
}
