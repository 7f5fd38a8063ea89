/** The arithmetic of one pixel of a convolution's map, in 64 bits, and where it comes from and goes to. Pure. */
import { reference } from '../../../src/reference/conv2d';
import { swishAt } from '../../../src/reference/swish';
import type { Arithmetic, InsideLayer } from '../messages/inside_messages';

/** A pixel of an output map; all count from 0. */
export interface PixelPlace {
  readonly y: number;
  readonly x: number;
  readonly map: number;
}

/** One product: a weight, and the value of the input map under it; undefined outside of the image, which counts as 0. */
export interface Tap {
  readonly value: number | undefined;
  readonly weight: number;
}

/** The products of an input map, row by row of the window. */
export function pixelTaps(
  { height, width, kernelSize: k, inChannels, outChannels }: InsideLayer,
  { input, kernel }: Pick<Arithmetic, 'input' | 'kernel'>,
  { y, x, map }: PixelPlace,
  inputMap: number,
): Tap[] {
  const radius = (k - 1) / 2;
  return Array.from({ length: k * k }, (_, tap) => {
    const fromY = y + Math.floor(tap / k) - radius;
    const fromX = x + (tap % k) - radius;
    const inside = fromY >= 0 && fromY < height && fromX >= 0 && fromX < width;
    return {
      value: inside ? input[(fromY * width + fromX) * inChannels + inputMap] : undefined,
      weight: kernel[(tap * inChannels + inputMap) * outChannels + map],
    };
  });
}

export const tapProduct = ({ value, weight }: Tap) => (value === undefined ? 0 : value * weight);

/** The sum of the products of each input map. */
export const mapSums = (layer: InsideLayer, numbers: Arithmetic, place: PixelPlace): Float64Array =>
  Float64Array.from({ length: layer.inChannels }, (_, c) =>
    pixelTaps(layer, numbers, place, c).reduce((sum, tap) => sum + tapProduct(tap), 0),
  );

/** What the kernel's reference computes for the pixel: it gets the window as an image, zeros outside of the real one, and one output map. */
export function referenceAt(layer: InsideLayer, numbers: Arithmetic, place: PixelPlace): number {
  const { kernelSize: k, inChannels } = layer;
  // The reference reads kernels padded to 8 output maps.
  const padded = 8;
  const input = new Float64Array(inChannels * k * k);
  const kernel = new Float64Array(k * k * inChannels * padded);
  for (let c = 0; c < inChannels; c++) {
    for (const [tap, { value = 0, weight }] of pixelTaps(layer, numbers, place, c).entries()) {
      input[c * k * k + tap] = value;
      kernel[(tap * inChannels + c) * padded] = weight;
    }
  }
  const { bias, imageBias } = numbers;
  const shape = { batch: 1, height: k, width: k, inChannels, outChannels: 1, kernelSize: k };
  const { output } = reference(
    { ...shape, ...(imageBias ? { imageBias: 0 } : {}) },
    {
      input,
      kernel,
      bias: bias.subarray(place.map, place.map + 1),
      ...(imageBias ? { image_bias: imageBias.subarray(place.map, place.map + 1) } : {}),
    },
  );
  return output[(k * k - 1) / 2];
}

/** What goes on from the pixel: swish of `sum`, if the layer has it, plus the layer's own input, if it is residual. */
export function activationAt(
  { width, inChannels, activation, residual }: InsideLayer,
  { input }: Arithmetic,
  { y, x, map }: PixelPlace,
  sum: number,
): number {
  const own = residual ? input[(y * width + x) * inChannels + map] : 0;
  return (activation === 'swish' ? swishAt(sum).value : sum) + own;
}

/** Half the size after pooling, twice the size after upsampling. */
const scaleAfter = { pool: 1 / 2, upsample: 2, convolution: 1, output: 1 } as const;

/**
 * A pixel of the layer after that reads this one in the middle of its window, in its first map. Undefined for the last layer. `layers` are the
 * convolutions in forward order.
 */
export function pixelAfter(
  layers: readonly InsideLayer[],
  at: number,
  { y, x }: PixelPlace,
): PixelPlace | undefined {
  const layer = layers[at];
  const after = layers[at + 1];
  if (!after) return undefined;
  const scale = scaleAfter[layer.next];
  const most = { y: after.height - 1, x: after.width - 1 };
  return { y: Math.min(most.y, Math.floor(y * scale)), x: Math.min(most.x, Math.floor(x * scale)), map: 0 };
}

/**
 * The pixel of the layer before that the middle of the window was made of, in input map `map`: of four that were pooled the largest.
 * Undefined for the first layer. `activation` is the layer before's, [height][width][channels].
 */
export function pixelBefore(
  layers: readonly InsideLayer[],
  at: number,
  { y, x }: PixelPlace,
  map: number,
  activation: (layer: string) => Float32Array,
): PixelPlace | undefined {
  const before = layers[at - 1];
  if (!before) return undefined;
  if (before.next !== 'pool') {
    const scale = scaleAfter[before.next];
    return { y: Math.floor(y / scale), x: Math.floor(x / scale), map };
  }
  const values = activation(before.name);
  const four = [0, 1, 2, 3].map((i) => ({ y: 2 * y + (i >> 1), x: 2 * x + (i & 1), map }));
  const valueAt = (place: PixelPlace) =>
    values[(place.y * before.width + place.x) * before.outChannels + map];
  return four.reduce((most, place) => (valueAt(place) > valueAt(most) ? place : most));
}

/**
 * The lines of a plain convolution's text that compute a map: a product, the end, and the biases, also the image's if there is one. Those
 * that have other names there are left out.
 */
export function pixelLines(text: string, map: number, hasImageBias: boolean): string[] {
  // A workgroup computes 8 maps: the first four from the weights u, the others from v.
  const half = map % 8 < 4 ? 'u' : 'v';
  const lane = map % 4;
  const lines = text.split('\n').map((line) => line.trim());
  const product = `p${half}${lane} += p * ${half}[${lane}]`;
  const biases = hasImageBias ? 'return bias[channel] +' : 'if (params.biases == 1u)';
  return [product, 'output[at + p_at] =', biases].flatMap(
    (start) => lines.find((line) => line.startsWith(start)) ?? [],
  );
}
