/** What the Explain tab asks the training worker, and what it is told. Images travel as bytes, 0 to 255, one after the other. */

import type { PretrainedName } from '../../../src/pretrained';
import type { RecipeName } from '../../../src/recipes';
import type { Objective } from '../../../src/training/step_config';
import type { Source } from '../shell/settings';

/** Whose network is asked: one of the page's, or the pretrained one of a recipe. */
export type Asked = Source | (PretrainedName & RecipeName);

export type ExplainOrder =
  /** What the network sees behind more and more noise, and what it saw before it was trained. */
  | {
      readonly kind: 'predict';
      readonly of: Asked;
      /** Which of the ten images to choose from. */
      readonly choice: number;
      readonly seed: number;
    }
  /** Samples, step by step. */
  | {
      readonly kind: 'make';
      readonly of: Asked;
      /** A class for each image; of networks that are told none, only their number counts. */
      readonly labels: readonly number[];
      /** 0 for as many as the recipe says. */
      readonly steps: number;
      readonly seed: number;
    };

export interface Predicted {
  readonly kind: 'predicted';
  readonly objective: Objective;
  readonly height: number;
  readonly width: number;
  /** The images to choose from, and their classes. */
  readonly choices: Uint8Array;
  readonly labels: readonly (number | undefined)[];
  readonly clean: Uint8Array;
  /** Of each noise level: the noisy image, and the image behind it as the network saw it before training and sees it now. */
  readonly levels: readonly number[];
  readonly noisy: readonly Uint8Array[];
  readonly before: readonly Uint8Array[];
  readonly after: readonly Uint8Array[];
  /** What it was before training: new, or the pretrained network that the run began with. */
  readonly began: 'new' | 'pretrained';
}

export interface Made {
  readonly kind: 'made';
  readonly objective: Objective;
  readonly height: number;
  readonly width: number;
  /** Whether the network is told classes. */
  readonly told: boolean;
  /** x before each step, and at last the samples: one more than there are steps. */
  readonly x: readonly Uint8Array[];
  /** What the network sees in x at each step. */
  readonly predictions: readonly Uint8Array[];
}

export type ExplainAnswer = Predicted | Made;
