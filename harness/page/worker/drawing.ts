/** Applies the network to a drawing: the worker's side of the Draw view. */
import type { Engine, UNet } from '../../../src';
import { recipes } from '../../../src/recipes';
import type { Session } from '../../../src/worker';
import { classLosses } from '../../pictures/classify';
import { gaussianNoise } from '../../pictures/noise';
import { toBytes } from '../../pictures/pictures';
import type { DrawAnswer, DrawOrder } from '../messages/messages';
import { samplingOfDrawing } from '../messages/order';

/** Number of alternative fillings of a mask, one seed each. */
const FILLINGS = 4;

export async function answerDrawing(
  order: DrawOrder,
  { engine, unet, samplers }: { engine: Engine; unet: UNet; samplers: Session['samplers'] },
  signal: AbortSignal,
): Promise<DrawAnswer> {
  if (order.ask === 'classify') {
    return { ask: 'classify', losses: await classLosses(unet, order.image, order.seed) };
  }
  const images = order.ask === 'fill' ? FILLINGS : 1;
  const sampler = await samplers.sampler('drawing', engine, unet, images);
  const { image, seed, guidance } = order;
  const { classes } = unet.config.conditioning!;
  const samples = await sampler.sample({
    ...beginning(order, images),
    ...samplingOfDrawing(order),
    start: repeated(image, images),
    seed,
    noise: gaussianNoise(seed, images, image.length),
    // "Any" is the class for no class. Guidance leads from there to there, which changes nothing, and needs no other shaders.
    labels: new Uint8Array(images).fill(order.digit === 'all' ? classes : Math.min(order.digit, classes)),
    guidance: order.digit === 'all' ? recipes.digits.sampling.guidance : guidance,
    signal,
  });
  return { ask: order.ask, images: toBytes(samples) };
}

/** The sampler's options for a drawing: the level to start from, or the mask of pixels to keep. */
function beginning(order: Exclude<DrawOrder, { ask: 'classify' }>, images: number) {
  if (order.ask === 'denoise') return { from: order.level };
  return {
    mask: repeated(
      order.mask.map((masked) => 1 - masked),
      images,
    ),
  };
}

function repeated(image: Float32Array, times: number): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length: times * image.length }, (_, i) => image[i % image.length]);
}
