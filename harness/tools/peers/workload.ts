/** The workload of all libraries: a recipe's network and settings, with the weights and the batches of harness/run/golden_workload.ts. */

import type { AdapterDescription } from '../../../src/gpu/adapter';
import { rateFactor } from '../../../src/plan/schedule';
import { type RecipeName, recipes } from '../../../src/recipes';
import type { Batch } from '../../../src/training/batch';
import { type TrainerOptions, toTrainerConfig } from '../../../src/training/options';
import type { AdamConfig } from '../../../src/training/step_config';
import { type Layer, listLayers, listParameters, type UNetConfig } from '../../../src/unet/config';
import { flowBatch, goldenBatch, initialWeights, presetWeights } from '../../run/golden_workload';

/** Images are [count][28][28]; with one channel that is the same in NHWC and NCHW. */
export type PeerBatch = Batch<Float32Array, Uint32Array>;

export interface Weight {
  readonly name: string;
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

export interface Workload {
  readonly recipe: PeerRecipe;
  /** The convolutions in forward order, and what follows each. */
  readonly layers: readonly Layer[];
  readonly adam: AdamConfig;
  readonly clipNorm?: number;
  /** The learning rate of a step, counted from 0. */
  rate(step: number): number;
  /** The initial weights, kernels in HWIO order. */
  weights(): Weight[];
  batch(step: number, count: number): PeerBatch;
}

/** A library in the comparison. */
export interface Peer {
  readonly adapter?: AdapterDescription;
  /** The renderer that the library reports, if it is not a WebGPU adapter. */
  readonly renderer?: string;
  /** Uploads the batch and trains on it; resolves to the loss once the loss is read back and the weights are updated. */
  step(batch: PeerBatch): Promise<number>;
  /** Uploads a batch without its target, runs the network, and reads its whole output back. */
  predict(batch: PeerBatch): Promise<ArrayLike<number>>;
  restoreWeights(): Promise<void>;
}

/** Requests a device and uploads the initial weights, for batches of `count` images. */
export type CreatePeer = (count: number, workload: Workload) => Promise<Peer>;

const sources = {
  tutorial: { weights: initialWeights, batch: goldenBatch },
  digits: { weights: presetWeights.digits, batch: flowBatch },
} as const satisfies Partial<Record<RecipeName, unknown>>;

/** The recipes of grey digits with classes, or of the tutorial. */
export type PeerRecipe = keyof typeof sources;
export const peerRecipes = Object.keys(sources) as PeerRecipe[];

export function makeWorkload(recipe: PeerRecipe): Workload {
  const network: UNetConfig = recipes[recipe].network;
  const options: TrainerOptions & { learningRate: number } = recipes[recipe].trainer;
  const { adam, clipNorm, schedule } = toTrainerConfig(options);
  const { weights, batch } = sources[recipe];
  return {
    recipe,
    layers: listLayers(network),
    adam,
    clipNorm,
    rate: (step) => options.learningRate * rateFactor(schedule, step),
    weights() {
      const values = weights();
      return listParameters(network).parameters.map((one) => ({ ...one, values: values.get(one.name)! }));
    },
    batch,
  };
}

/** The channels of each convolution to which the conditioning adds a bias per image, in the order of its outputs. */
export const conditionedChannels = ({ layers }: Workload) =>
  layers.filter(({ imageBias }) => imageBias !== undefined).map(({ outChannels }) => outChannels);

/** The factors of the noise level inside its sines and cosines. */
export const frequencies = Float32Array.from({ length: 16 }, (_, k) => 100 ** (k / 15));

/** Rows of the table of classes; the last one means no class. */
export const CLASS_ROWS = 11;
