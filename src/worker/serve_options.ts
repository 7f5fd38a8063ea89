/** The options of `serve`. */
import type { ImageSet } from '../data/idx';
import type { EngineOptions } from '../engine';

/** Options of `serve`. */
export interface ServeOptions {
  /** The images of runs that come without: called once, when they are needed. */
  readonly images?: (() => ImageSet | Promise<ImageSet>) | undefined;
  /**
   * Whether the browser is to keep the run, in its own file system, so that it can be gone on with after a reload or a crash. Default true.
   */
  readonly keep?: boolean | undefined;
  /** For `createEngine`, whenever there is to be a device. Submissions are 12 ms long by default, so that the page stays smooth. */
  readonly engine?: Omit<EngineOptions, 'device' | 'onProgress' | 'onWarning'> | undefined;
}
