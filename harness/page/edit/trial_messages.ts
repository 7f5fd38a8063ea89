/** Messages between the page and the worker that tries edited shaders. */

import type { StepToList } from '../../run/step_list';
import type { Replacement } from '../messages/replace';
import type { SourcePlace, Texts } from './assemble';

export interface TrialOrder {
  readonly id: number;
  /** The edited files. */
  readonly texts: Texts;
  /** The training step that the shaders are for. */
  readonly step: StepToList;
  /** The op of that step to time, if the edit changes it; otherwise the heaviest op that the edit changes is timed. */
  readonly op?: number;
}

/** An error in a text. */
export interface TextProblem extends SourcePlace {
  /** The shader in which it was found; a file makes several. */
  readonly shader?: string;
  readonly message: string;
}

/** Milliseconds of one op of the step, medians of turns that alternate. */
export interface TrialTimes {
  readonly kernel: string;
  readonly layer: string;
  readonly shipped: number;
  readonly edited: number;
  readonly rounds: number;
  readonly clock: 'timestamp-query' | 'wall clock';
}

export type TrialResult =
  /** The GPU gets the shipped text: only comments or spaces were edited. */
  | { readonly kind: 'same' }
  /** The text does not compile, or does not fit its launcher. */
  | { readonly kind: 'refused'; readonly problems: readonly TextProblem[] }
  /** `variant`: the form of a kernel, as kernel.variant. `failure`: a few lines. */
  | { readonly kind: 'wrong'; readonly variant: string; readonly case: string; readonly failure: string }
  | { readonly kind: 'endless'; readonly variant: string; readonly case: string; readonly turns: number }
  | {
      readonly kind: 'passed';
      /** The checked forms, as kernel.variant. */
      readonly variants: readonly string[];
      readonly cases: number;
      /** The largest error, as a share of the allowed one. */
      readonly share: number;
      /** Undefined if the step uses none of the shaders. */
      readonly times?: TrialTimes;
      /** The shaders to train with: all that the edit changes. */
      readonly replacements: readonly Replacement[];
    }
  /** The text could not be tried. */
  | { readonly kind: 'failed'; readonly message: string };

export type TrialEvent =
  | { readonly id: number; readonly progress: string }
  | { readonly id: number; readonly result: TrialResult };
