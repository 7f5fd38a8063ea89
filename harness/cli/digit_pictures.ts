/** Pictures of a network that is conditioned on noise level and class: its training data, and samples of each class. */

import type { ImageSet } from '../../src/data/idx';
import type { Engine } from '../../src/engine';
import type { UNet } from '../../src/unet/unet';
import { noiseMoreAndMore } from '../pictures/noise';
import { type BytePicture, greys, grid, joinRows } from '../pictures/pictures';
import { finishedGrid, type PictureOptions } from './run_pictures';

/** Images in each row of a picture. */
const SHOWN = 8;
/** Rows of a sheet, which has a column for each class. */
const ROWS = 8;
/** Many steps, so that one sees how noise becomes a digit. */
const TRAJECTORY = { method: 'euler', steps: 20, polish: false } as const;
/** The most columns that a sheet has. */
const MOST_COLUMNS = 20;

/** Columns of a sheet: the classes, all or the first ones; without classes eight. */
export const sheetColumns = ({ config }: UNet) =>
  Math.min(config.conditioning?.classes || SHOWN, MOST_COLUMNS);

/** `count` labels in turn, in the row order of a sheet. */
export const labelsInTurn = (classes: readonly number[], count: number) =>
  Uint8Array.from({ length: count }, (_, i) => classes[i % classes.length]);

/** The labels of `count` images of a sheet, as a sampler takes them: none for a network without classes. */
export const classesInTurn = (unet: UNet, count: number) =>
  unet.config.conditioning?.classes
    ? { labels: labelsInTurn([...Array(sheetColumns(unet)).keys()], count) }
    : {};

/** Yields each picture of a run with its file name, without extension. */
export async function* digitPictures(
  engine: Engine,
  unet: UNet,
  set: ImageSet,
  { seed, signal, onStep, enlarge }: PictureOptions,
): AsyncGenerator<{ name: string; picture: BytePicture }, void, undefined> {
  const count = Math.min(SHOWN, set.count);
  const originals = greys(set, count);
  const { levels, input, ...noisy } = noiseMoreAndMore('flow', originals, seed);
  const shown = { ...originals, values: noisy.shown };
  yield { name: 'corruption', picture: grid(joinRows(originals, shown), count) };

  signal?.throwIfAborted();
  const conditions = {
    ...(unet.config.conditioning?.noiseLevel ? { levels } : {}),
    ...(unet.config.conditioning?.classes ? { labels: set.labels!.subarray(0, count) } : {}),
  };
  const behind = { ...originals, values: noisy.behind(await unet.predict(input, { count, ...conditions })) };
  yield { name: 'predictions', picture: grid(joinRows(originals, shown, behind), count) };

  yield { name: 'samples', picture: await classSheet(engine, unet, { seed, signal, onStep, enlarge }) };
  yield { name: 'trajectory', picture: await trajectory(engine, unet, { seed, signal }) };
}

/** A column for each class. */
export async function classSheet(
  engine: Engine,
  unet: UNet,
  { onStep, enlarge, ...options }: PictureOptions,
): Promise<BytePicture> {
  const { steps } = unet.sampling!;
  const columns = sheetColumns(unet);
  const count = columns * ROWS;
  using sampler = await engine.createSampler(unet, { count });
  const values = await sampler.sample({
    ...options,
    ...classesInTurn(unet, count),
    onStep: (done) => onStep?.('samples', done, steps),
  });
  return finishedGrid(engine, { ...unet.config, values }, columns, enlarge);
}

/** A row for each class: x from noise to image, a column for every other step of Euler, from left to right. */
async function trajectory(
  engine: Engine,
  unet: UNet,
  options: Pick<PictureOptions, 'seed' | 'signal'>,
): Promise<BytePicture> {
  const rows = sheetColumns(unet);
  using sampler = await engine.createSampler(unet, { count: rows });
  const columns: Float32Array[] = [];
  const run = { ...options, ...TRAJECTORY, ...classesInTurn(unet, rows) };
  // Every other step: more are too alike to tell apart.
  for await (const { step, input, x } of sampler.run(run)) {
    if (step % 2 === 0) columns.push(input);
    if (step === TRAJECTORY.steps - 1) columns.push(x);
  }
  const { height, width, channels } = unet.config;
  const size = height * width * channels;
  const values = new Float32Array(rows * columns.length * size);
  columns.forEach((images, c) => {
    for (let r = 0; r < rows; r++) {
      values.set(images.subarray(r * size, (r + 1) * size), (r * columns.length + c) * size);
    }
  });
  return grid({ ...unet.config, values }, columns.length, { scale: 3, gap: 3 });
}
