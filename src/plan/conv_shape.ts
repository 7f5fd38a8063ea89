import type { Tensor } from './tensor';

/** A `same` convolution with a bias, stride 1, no activation. `batch` is a multiple of 4, the kernel size is odd. */
export interface ConvShape {
  readonly batch: number;
  readonly height: number;
  readonly width: number;
  readonly inChannels: number;
  readonly outChannels: number;
  readonly kernelSize: number;
  /**
   * If given, each image has a bias beside the layer's: channel `o` adds row `imageBias + o` of the tensor image_bias
   * [rows][batch]. Only conv2d and conv2d_pool read it.
   */
  readonly imageBias?: number;
}

/** Packed weights pad channel counts to multiples of 8 (see pack_weights), so that register tiles need no edge cases. */
export const padChannels = (channels: number) => Math.ceil(channels / 8) * 8;

export type BiasParam = 'biases' | 'image_bias_at';

/** The biases of a convolution, as its shaders take them: see shaders/lib/biases.wgsl. */
export interface Biases {
  readonly params: Readonly<Record<BiasParam, number>>;
  readonly tensors: Readonly<Record<'bias' | 'image_bias', Tensor>>;
}

export const NO_BIASES: Biases['params'] = { biases: 0, image_bias_at: 0 };

/** An input gradient has no `bias`; shapes with a bias per image have `image_bias`, too. The shader does not read `unread`, which is bound in place of one. */
export function bindBiases(
  { imageBias }: ConvShape,
  unread: Tensor,
  { bias, image_bias }: { readonly bias?: Tensor; readonly image_bias?: Tensor },
): Biases {
  return {
    params: { biases: bias ? (imageBias === undefined ? 1 : 2) : 0, image_bias_at: imageBias ?? 0 },
    tensors: { bias: bias ?? unread, image_bias: image_bias ?? unread },
  };
}
