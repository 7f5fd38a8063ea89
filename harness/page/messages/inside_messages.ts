/** The Inside view's orders to the training worker, and the answers. Images are bytes, maps are floats. */
import type { Objective } from '../../../src/training/step_config';
import type { Layer } from '../../../src/unet/config';
import type { ListedOp, StepToList } from '../../run/step_list';
import type { ImageSize, NetworkSource } from './settings';

export interface LookChoice {
  readonly source: NetworkSource;
  /** Index of one of the ten images to choose from. */
  readonly choice: number;
  /** The share of noise in it, from 0 to 1. */
  readonly level: number;
  /** The class label, for a conditional network; the number of classes means no class. */
  readonly label: number;
}

export type InsideOrder =
  /** One pass over the picture. `layer`: the convolution whose arithmetic is shown. */
  | { readonly kind: 'look'; readonly picture: LookChoice; readonly layer?: string }
  /** One training step of a copy of the network, on a small batch of which the picture is the first image. */
  | { readonly kind: 'step'; readonly picture: LookChoice }
  | { readonly kind: 'list'; readonly source: NetworkSource }
  /** The time of each dispatch. Any other request ends it early. */
  | { readonly kind: 'time'; readonly source: NetworkSource };

/** A layer of the network, in forward order. */
export interface InsideLayer extends Layer {
  /** Whether the layer is one of the two linear layers that turn noise level and class into biases. */
  readonly isConditioning: boolean;
  readonly parameters: number;
}

/** Maps of one image by layer, [height][width][channels]. */
export type Maps = Readonly<Record<string, Float32Array>>;
export type NumberOf = Readonly<Record<string, number>>;

/** The numbers that a convolution computes a picture's maps of, and the form of the kernel that does. */
export interface Arithmetic {
  readonly layer: string;
  /** [height][width][inChannels], as the GPU has them. */
  readonly input: Float32Array;
  /** [kernelSize][kernelSize][inChannels][outChannels]. */
  readonly kernel: Float32Array;
  /** [outChannels]. */
  readonly bias: Float32Array;
  /** What noise level and class add to each map, [outChannels]; absent in a network without conditioning. */
  readonly imageBias?: Float32Array;
  /** `conv2d` or `conv2d_pool`, and its variant. */
  readonly form: { readonly kernel: string; readonly variant: string };
}

/** The first convolution's kernels, [kernelSize][kernelSize][inChannels][outChannels]. */
export type Kernels = Float32Array;

export interface Looked extends ImageSize {
  readonly kind: 'looked';
  readonly picture: LookChoice;
  readonly objective: Objective;
  readonly layers: readonly InsideLayer[];
  readonly classes: number;
  readonly choices: Uint8Array;
  readonly labels: readonly (number | undefined)[];
  readonly noisy: Uint8Array;
  readonly prediction: Uint8Array;
  readonly activations: Maps;
  readonly preActivations: Maps;
  readonly kernels: Kernels;
  readonly arithmetic?: Arithmetic;
  /** Gradient norms of the run's last step. */
  readonly gradientNorms?: NumberOf;
}

export interface Stepped {
  readonly kind: 'stepped';
  readonly picture: LookChoice;
  readonly images: number;
  readonly loss: number;
  readonly learningRate: number;
  /** Norm of the gradient of all parameters together, and its upper limit. */
  readonly norm: number;
  readonly clipNorm?: number;
  readonly clean: Uint8Array;
  readonly noisy: Uint8Array;
  /** The network's output and its target: the clean image, or the way from it to the noise. */
  readonly output: Float32Array;
  readonly target: Float32Array;
  readonly activations: Maps;
  readonly gradients: Maps;
  readonly gradientNorms: NumberOf;
  /** Norm of the change of each layer's weights, as a share of the weights' norm. */
  readonly changes: NumberOf;
  readonly kernels: { readonly before: Kernels; readonly after: Kernels };
}

export interface Listed {
  readonly kind: 'listed';
  readonly source: NetworkSource;
  readonly batch: number;
  /** Whether these are the kernels of the run, rather than those that are usual on the adapter. */
  readonly ofRun: boolean;
  /** The source of the list: the trial of an edited shader makes the list again. */
  readonly step: StepToList;
  readonly ops: readonly ListedOp[];
}

export type InsideAnswer =
  | Looked
  | Stepped
  | Listed
  /** The ops were timed; an event `timed` reported each. */
  | { readonly kind: 'timedAll'; readonly clock: 'timestamp-query' | 'wall clock' | 'stopped' }
  /** `order` could not be carried out. */
  | { readonly kind: 'failed'; readonly order: InsideOrder['kind']; readonly message: string };
