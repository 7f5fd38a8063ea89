/** Progress of a task that takes a moment while a trainer or sampler is created, or after its first step or result. */
export interface Progress {
  /** Shaders that the driver compiles, shapes whose kernel variants the tuner measures, or kernels whose results are compared. */
  readonly task: 'compiling' | 'tuning' | 'comparing';
  /** How many are done. */
  readonly done: number;
  /** How many there are, as far as is known. */
  readonly total: number;
  /** A kernel whose shader has been compiling for long, `conv2d.winograd7` for instance. Told again every few seconds. */
  readonly kernel?: string;
  /** For how long that has been compiling. */
  readonly seconds?: number;
}

/** Something that the engine can work around, or that follows from what it was asked to do. */
export interface Warning {
  /**
   * From now on the engine does without a variant of a kernel, as it computes wrong results on this adapter (`wrong-kernel`), or the
   * browser or driver refuses it (`refused-kernel`), or has not compiled it yet (`slow-kernel`; what is created after it has come may use
   * it), or was compiling or running it when a device was lost in the last seven days (`suspect-kernel`). `silent-device`: your device has not ended a submission for long. `distilled`: a distilled network is trained on, and so is distilled no
   * more.
   */
  readonly code:
    | 'wrong-kernel'
    | 'refused-kernel'
    | 'slow-kernel'
    | 'suspect-kernel'
    | 'silent-device'
    | 'distilled';
  /** Of a kernel variant: the kernel, for instance `conv2d`. */
  readonly kernel?: string;
  /** Of a kernel variant: the variant that is used no more. */
  readonly variant?: string;
  /** A message for people. */
  readonly message: string;
}
