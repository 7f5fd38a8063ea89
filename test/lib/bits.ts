/** Short runs of both recipes, training and sampling, whose bits are compared: between engines, processes, and stacks of compiler and adapter. */

import { TestRandom } from '../../harness/specs/lib/spec';
import { loadDigitLabels, loadDigits } from '../../src/data/digits';
import type { ImageSet } from '../../src/data/idx';
import { createEngine, type Engine } from '../../src/engine';
import { recipeAt } from '../../src/recipes';
import { saveCheckpoint } from '../../src/weights/checkpoint';
import { fingerprintImages } from '../../src/weights/fingerprint';

export const recipeNames = ['tutorial', 'digits'] as const;
export type Name = (typeof recipeNames)[number];
export const STEPS = 20;
const seed = 7;

export interface Run {
  readonly losses: readonly number[];
  /** SHA-256 of all that a run leaves: weights, moments, averages, losses, and samples. */
  readonly bits: string;
}

interface Size {
  readonly network: object;
  readonly batchSize: number;
  readonly data: () => ImageSet | Promise<ImageSet>;
}

/** For every day: seconds on any adapter. */
const small: Size = {
  network: { height: 8, width: 8, widths: [8, 16] },
  batchSize: 6,
  data: () => ({
    images: Uint8Array.from(new TestRandom(1).integers(20 * 64, 256)),
    count: 20,
    height: 8,
    width: 8,
    channels: 1,
    labels: Uint8Array.from(new TestRandom(2).integers(20, 10)),
  }),
};

/** The networks as they are, on digits. */
const whole: Size = {
  network: {},
  batchSize: 64,
  data: async () => ({ ...(await loadDigits()), labels: await loadDigitLabels() }),
};

const sizes = { small, whole };
export type SizeName = keyof typeof sizes;

/** Both, on an engine of their own. */
export async function runs(size: SizeName, gpu?: GPU): Promise<Record<Name, Run>> {
  using engine = await createEngine({ gpu, selfCheck: false });
  return { tutorial: await run(engine, 'tutorial', size), digits: await run(engine, 'digits', size) };
}

export async function run(engine: Engine, name: Name, size: SizeName = 'small'): Promise<Run> {
  // As the recipe was when the golden losses were made.
  const { network, trainer: settings, fit, sampling } = recipeAt(name, 256);
  const { network: change, batchSize, data } = sizes[size];
  const images = await data();
  using dataset = await engine.createDataset(images);
  using unet = await engine.createUNet({ ...network, ...change }, { seed });
  using trainer = await engine.createTrainer(unet, { ...settings, batchSize });
  const epochs = STEPS; // as many as it takes
  const losses: number[] = [];
  for await (const { loss } of trainer.fit(dataset, {
    ...fit,
    dropLast: false,
    epochs,
    seed,
    maxSteps: STEPS,
  }))
    losses.push(loss);
  const { learningRate } = settings;
  const checkpoint = await saveCheckpoint({
    trainer,
    settings: { seed, batchSize, learningRate, epochs },
    data: fingerprintImages(images),
    losses,
  });
  using sampler = await engine.createSampler(unet, { count: 4 });
  const labels = unet.config.conditioning && { labels: [0, 1, 2, 3] };
  const samples = await sampler.sample({ ...sampling, steps: 3, seed, ...labels });
  return { losses, bits: await digest(checkpoint, samples) };
}

async function digest(...parts: (Uint8Array<ArrayBuffer> | Float32Array<ArrayBuffer>)[]): Promise<string> {
  const bytes = await new Blob(parts).arrayBuffer();
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** The widest relative difference. */
export function widest(a: readonly number[], b: readonly number[]): number {
  return Math.max(...a.map((loss, step) => Math.abs(loss / b[step] - 1)));
}
