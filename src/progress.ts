/** How far something is that takes a moment when a trainer or sampler is created. */
export interface Progress {
  /** Shaders that the driver compiles, or layers whose kernel variants are measured. */
  readonly task: 'compiling' | 'tuning';
  readonly done: number;
  readonly total: number;
}
