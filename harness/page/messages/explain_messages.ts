/** The Explain view's orders to the training worker, and the answers. Images are bytes, 0 to 255, one after the other. */

import type { Objective } from '../../../src/training/step_config';
import type { Beginning, ImageSize, NetworkSource } from './settings';

export type ExplainOrder =
  /** Predictions at rising noise levels, from the network as it is now and as it was before training. */
  | {
      readonly kind: 'predict';
      readonly of: NetworkSource;
      /** What the run began with, as far as it is known. */
      readonly began?: Beginning | undefined;
      /** Index of one of the images to choose from. */
      readonly choice: number;
      readonly seed: number;
    }
  | {
      readonly kind: 'make';
      readonly of: NetworkSource;
      /** Its class, for a network that is conditioned on classes. */
      readonly label: number;
      readonly seed: number;
    };

export interface PredictedImages extends ImageSize {
  readonly kind: 'predicted';
  readonly objective: Objective;
  readonly choices: Uint8Array;
  readonly labels: readonly (number | undefined)[];
  readonly clean: Uint8Array;
  /** For each noise level: the noisy image, and the network's prediction of the clean image before training and now. */
  readonly levels: readonly number[];
  readonly noisy: readonly Uint8Array[];
  readonly before: readonly Uint8Array[];
  readonly after: readonly Uint8Array[];
  /** The network before training: new, or the pretrained network that the run began with. */
  readonly began: Beginning;
}

export interface Made extends ImageSize {
  readonly kind: 'made';
  readonly objective: Objective;
  readonly byClass: boolean;
  /** x before each step, and at last the sample: one more than there are steps. */
  readonly x: readonly Uint8Array[];
  readonly predictions: readonly Uint8Array[];
}

export type ExplainAnswer = PredictedImages | Made;
