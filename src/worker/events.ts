/** The events of a training session. */
import type { Attempt } from '../keeping/recoverer';
import type { KeptRun } from '../keeping/store';
import type { Variants } from '../unet/variants';

/** The present activity of the worker. */
export type Phase =
  | 'starting'
  | 'loading'
  | 'idle'
  | 'compiling'
  | 'training'
  | 'pausing'
  | 'paused'
  | 'finished'
  | 'sampling'
  | 'lost'
  | 'failed';

export type SessionEvent =
  /** `training`: somebody wants training, even if something else is done first. */
  | { readonly type: 'phase'; readonly phase: Phase; readonly training: boolean }
  /** A run exists from now on. */
  | {
      readonly type: 'built';
      readonly images: number;
      readonly stepsPerEpoch: number;
      readonly parameters: number;
      /** That its network is told; 0 for none. */
      readonly classes: number;
      readonly bytes: number;
      readonly variants: Variants;
    }
  /** The losses of steps first + 1 …, the newest last. */
  | {
      readonly type: 'losses';
      readonly first: number;
      readonly losses: Float32Array;
      readonly imagesPerSecond: number;
    }
  /** A problem of a run that goes on. */
  | { readonly type: 'warning'; readonly message: string }
  /** The run is gone, and its memory is free. */
  | { readonly type: 'freed' }
  /** The runs that the browser keeps beside this session's own. */
  | { readonly type: 'kept'; readonly runs: readonly KeptRun[] }
  /** The run is kept up to this step, by this name. */
  | { readonly type: 'stored'; readonly step: number; readonly id: string }
  /** It is not, or not any more. Said once. */
  | { readonly type: 'notStored'; readonly message: string }
  /** The run is as it was after these steps. */
  | { readonly type: 'wentBack'; readonly losses: Float32Array }
  /** The device is gone, and the run as it was after these steps. `attempt`: what trained goes on by itself, so. */
  | { readonly type: 'lost'; readonly why: string; readonly losses: Float32Array; readonly attempt?: Attempt }
  /** No other device so far; it is asked for again. */
  | { readonly type: 'stillLost'; readonly why: string; readonly attempt: Attempt }
  /** There is another device. What trained goes on from this step. */
  | { readonly type: 'recovered'; readonly step: number };

export type EventOf<Type extends SessionEvent['type']> = Extract<SessionEvent, { readonly type: Type }>;
