/** Progress of a task that takes a moment while a trainer or sampler is created. */
export interface Progress {
  /** Shaders that the driver compiles, or shapes whose kernel variants the tuner measures. */
  readonly task: 'compiling' | 'tuning';
  readonly done: number;
  readonly total: number;
}
