/** The tutorial's pictures of a trained network, which `train` and `sample` write. */
import type { ImageSet } from '../../src/data/idx';
import type { Engine } from '../../src/engine';
import { enlarge } from '../../src/pretrained';
import type { SampleOptions } from '../../src/sampling/options';
import type { UNet } from '../../src/unet/unet';
import { noiseMoreAndMore } from '../pictures/noise';
import { type BytePicture, greys, grid, type Images, joinRows } from '../pictures/pictures';
import { type Enlarge, enlargerFor } from '../run/enlarging';

const SHOWN = 8;

export interface PictureOptions {
  readonly seed: number;
  readonly signal?: AbortSignal;
  /** How finished images are shown. */
  readonly enlarge?: Enlarge | undefined;
  /** Called at the start of a sampling run and after each step, or after several. */
  readonly onStep?: (name: string, step: number, steps: number) => void;
}

/** Yields each picture of a run with its file name, without extension. */
export async function* runPictures(
  engine: Engine,
  unet: UNet,
  set: ImageSet,
  { seed, signal, onStep }: PictureOptions,
): AsyncGenerator<{ name: string; picture: BytePicture }, void, undefined> {
  const options = { seed, signal, onStep };
  const count = Math.min(SHOWN, set.count);
  const originals = greys(set, count);
  const { input, behind } = noiseMoreAndMore('tutorial', originals, seed);
  const corrupted = { ...originals, values: input };
  yield { name: 'corruption', picture: grid(joinRows(originals, corrupted), count) };

  signal?.throwIfAborted();
  const predictions = { ...originals, values: behind(await unet.predict(input, { count })) };
  yield { name: 'predictions', picture: grid(joinRows(originals, corrupted, predictions), count) };

  const history = await sampleHistory(engine, unet, {
    ...options,
    count: SHOWN,
    steps: 5,
    name: 'samples-5-steps',
  });
  yield { name: 'samples-5-steps', picture: historyGrid(history, SHOWN) };

  const name = 'samples-50-steps';
  yield {
    name,
    picture: grid(await sampleImages(engine, unet, { ...options, count: 64, steps: 50, name }), 8),
  };
}

interface SampleRun extends PictureOptions, Pick<SampleOptions, 'steps' | 'labels'> {
  readonly count: number;
  /** Passed to onStep. */
  readonly name: string;
}

/** Samples `count` images from noise. */
export async function sampleImages(engine: Engine, unet: UNet, run: SampleRun): Promise<Images> {
  using sampler = await engine.createSampler(unet, { count: run.count });
  return { ...unet.config, values: await sampler.sample(optionsOf(unet, run)) };
}

/** Finished images in rows of `columns`. */
export async function finishedGrid(
  engine: Engine,
  images: Images,
  columns: number,
  way: Enlarge | undefined,
): Promise<BytePicture> {
  if (way !== 'smooth') return grid(images, columns);
  using enlarger = await enlargerFor(engine, images);
  const values = await enlarge(enlarger, Float32Array.from(images.values));
  return grid({ ...enlarger.config, values }, columns, { scale: 2 });
}

/** For each step: x before it, then the network's prediction from that. */
export async function sampleHistory(engine: Engine, unet: UNet, run: SampleRun): Promise<Images[]> {
  using sampler = await engine.createSampler(unet, { count: run.count });
  const history: Images[] = [];
  for await (const { input, prediction } of sampler.run(optionsOf(unet, run))) {
    history.push({ ...unet.config, values: input }, { ...unet.config, values: prediction });
  }
  return history;
}

/** One row per step: x on the left, the prediction on the right. */
export function historyGrid(history: readonly Images[], count: number): BytePicture {
  return grid(joinRows(...history), 2 * count, { group: count });
}

function optionsOf(unet: UNet, { name, count: _, onStep, ...options }: SampleRun): SampleOptions {
  const { steps = unet.sampling!.steps } = options;
  onStep?.(name, 0, steps);
  return { ...options, onStep: (done) => onStep?.(name, done, steps) };
}
