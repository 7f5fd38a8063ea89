/**
 * Teaches the pretrained network `enlarger`: `node harness/tools/main.mjs harness/studies/icons/teach.ts FILE TO`, FILE of draw.mjs with a
 * side of 64. It makes halved icons, enlarged, with noise, sharp. TO is written every 300 steps.
 */
import { writeFileSync } from 'node:fs';
import { permutation } from '../../../src/base/random';
import { loadIdx } from '../../../src/data/idx';
import { loadPretrained } from '../../../src/pretrained';
import { LEVEL, noisyLarge } from '../../../src/pretrained/enlarge';
import { recipeAt } from '../../../src/recipes';
import { saveModel } from '../../../src/weights/save_model';
import { nodeEngine } from '../../cli/node_engine';
import { quietly } from '../../cli/quiet';
import { toFlow } from '../../pictures/noise';
import { RATE_OF_PICTURES } from '../../run/beginning';
import { trainerFor } from '../../run/plan';

const SEED = 1;
const BATCH = 16;
const STEPS = 3000;
const SAVED = 300;

export const main = (args: string[]) => quietly(() => teach(args));

async function teach([from, to]: string[]): Promise<number> {
  const { images, count, height, width } = await loadIdx(from);
  const size = 3 * height * width;
  const engine = await nodeEngine();
  const { config, objective, parameters } = await loadPretrained('pictures');
  const unet = await engine.createUNet({ ...config, height, width });
  await unet.setParameters(parameters);
  const trainer = await engine.createTrainer(unet, {
    ...trainerFor(recipeAt('pictures', BATCH).trainer, STEPS),
    learningRate: RATE_OF_PICTURES,
  });
  const levels = new Float32Array(BATCH).fill(LEVEL);
  const perEpoch = Math.floor(count / BATCH);
  let sum = 0;
  let order = permutation(count, SEED, 0);
  for (let step = 0; step < STEPS; step++) {
    const at = BATCH * (step % perEpoch);
    if (at === 0) order = permutation(count, SEED, step / perEpoch);
    const value = (_: unknown, i: number) =>
      images[order[at + Math.floor(i / size)] * size + (i % size)] / 255;
    const sharp = Float32Array.from({ length: BATCH * size }, value);
    const noisy = noisyLarge(halved(sharp, width), { height, width }, SEED, step * BATCH);
    const target = noisy.map((value, i) => (value - toFlow(sharp[i])) / LEVEL);
    sum += await trainer.step({ noisy, target, levels });
    if ((step + 1) % SAVED > 0) continue;
    console.log(`step ${step + 1} of ${STEPS}, mean loss ${(sum / SAVED).toFixed(4)}`);
    writeFileSync(to, await saveModel(unet, { objective, dtype: 'F16' }));
    sum = 0;
  }
  engine.destroy();
  return 0;
}

/** The means of 2 x 2 pixels. */
const halved = (images: Float32Array, width: number) =>
  Float32Array.from({ length: images.length / 4 }, (_, i) => {
    const row = Math.floor((2 * i) / 3 / width);
    const at = Math.floor(i / 3) % (width / 2);
    const from = 3 * (2 * row * width + 2 * at) + (i % 3);
    return [0, 3, 3 * width, 3 * width + 3].reduce((sum, more) => sum + images[from + more] / 4, 0);
  });
