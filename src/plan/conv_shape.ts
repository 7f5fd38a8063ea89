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
