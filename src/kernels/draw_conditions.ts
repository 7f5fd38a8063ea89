import shaders from 'virtual:kernel/draw_conditions';
import { call, type Kernel } from '../plan/op';
import { STATE_WORDS } from '../plan/step_state';

export interface ConditionsShape {
  /** A multiple of 4; the step state has the number of images in it. */
  readonly batch: number;
  /** Images in the data set. */
  readonly imageCount: number;
  /** Labels are less than this; a label equal to it means no class. */
  readonly classes: number;
  /** The share of images whose class is withheld, 0 to 1. */
  readonly drop: number;
  /** Whether to draw levels as sigmoid(z) with z standard normal, instead of uniformly. */
  readonly logitNormal: boolean;
  /** Whether images have labels; if not, no image gets a class. */
  readonly labelled: boolean;
  readonly seed: number;
}

/** Draws noise levels and classes. `labels` are bytes, four to a word; without labels, one word that is never read. */
export const drawConditions: Kernel<ConditionsShape, 'order' | 'labels' | 'state' | 'levels' | 'classes'> = {
  name: 'draw_conditions',
  sizes: ({ batch, imageCount, labelled }) => ({
    order: imageCount,
    labels: labelled ? Math.ceil(imageCount / 4) : 1,
    state: STATE_WORDS,
    levels: batch,
    classes: batch,
  }),
  cost: ({ batch }) => ({ flops: 2 * batch, bytes: 13 * batch }),
  variants: {
    plain: {
      calls: ({ batch, classes, drop, logitNormal, labelled, seed }, tensors) => {
        const flags = { logit_normal: Number(logitNormal), labelled: Number(labelled) };
        return [call(shaders.plain, { batch, classes, drop, ...flags, seed }, tensors, batch)];
      },
    },
  },
};
