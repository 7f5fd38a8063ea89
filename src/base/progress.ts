/** Progress of a task that takes a moment while a trainer or sampler is created. */
export interface Progress {
  /** Shaders that the driver compiles, or shapes whose kernel variants the tuner measures. */
  readonly task: 'compiling' | 'tuning';
  /** How many are done. */
  readonly done: number;
  /** How many there are, as far as is known. */
  readonly total: number;
  /** A kernel whose shader has been compiling for long, `conv2d.winograd7` for instance. Told again every few seconds. */
  readonly kernel?: string;
  /** For how long that has been compiling. */
  readonly seconds?: number;
}
