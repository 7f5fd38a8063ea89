/**
 * Makes the recording that the page begins with, harness/page/welcome/recording.gz, and the animation of README.md: `npm run recording`. Both are
 * of real runs: the pretrained network makes ten digits; a new network is trained as the recipe says, and makes samples on the way. The
 * same adapter makes the same bytes.
 */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { loadDigitLabels, loadDigits } from '../../src/data/digits';
import type { Engine } from '../../src/engine';
import { loadPretrained } from '../../src/pretrained/index';
import { recipes } from '../../src/recipes';
import { labelsInTurn } from '../cli/digit_pictures';
import { nodeEngine } from '../cli/node_engine';
import { quietly } from '../cli/quiet';
import { encodeRecording, trajectory } from '../page/welcome/recording';
import { encodeGif } from '../pictures/gif';
import { type BytePicture, grid } from '../pictures/pictures';

const { network, trainer: training, fit } = recipes.digits;
/** The page makes x of the predictions as Euler does (harness/page/welcome/recording.ts). */
const sampling = { method: 'euler', steps: 20, guidance: 2 } as const;
const { height, width } = network;
const DIGITS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
const MAKING = { images: 10, steps: sampling.steps, seed: 20 };
const LEARNING = { images: 20, batch: training.batchSize, seed: 123, noise: 7 };
/** The training steps after which samples are made: much changes at first. */
const AT = [0, 10, 20, 30, 40, 60, 80, 100, 125, 150, 200, 250, 300, 400, 500, 600];
/** Shades of grey; more of them make a larger file, and look the same. */
const SHADES = 12;

const toBytes = (values: Float32Array) =>
  Uint8Array.from(values, (value) => Math.round((Math.round(value * (SHADES - 1)) / (SHADES - 1)) * 255));

/** The pretrained network's prediction at each step; throws if the page would not come to the same x. */
async function recordMaking(engine: Engine): Promise<Uint8Array[]> {
  const { config, parameters } = await loadPretrained('digits');
  const unet = await engine.createUNet(config);
  await unet.setParameters(parameters);
  const sampler = await engine.createSampler(unet, { count: MAKING.images });
  const predictions: Uint8Array[] = [];
  const inputs: Float32Array[] = [];
  for await (const event of sampler.run({ ...sampling, labels: DIGITS, seed: MAKING.seed })) {
    predictions.push(toBytes(event.prediction));
    inputs.push(event.input);
  }
  const shown = trajectory({ height, width, making: MAKING }, predictions);
  const difference = inputs.map((x, step) =>
    x.reduce((sum, value, i) => sum + Math.abs(value - shown[step][i] / 255), 0),
  );
  const mean = difference.reduce((sum, value) => sum + value, 0) / (inputs.length * inputs[0].length);
  if (mean > 0.02) throw new Error(`The page would show x that is ${mean} off, from 0 to 1`);
  unet.destroy();
  return predictions;
}

/** Samples of one noise as the network learns, and the loss of each step. */
async function learn(engine: Engine) {
  const unet = await engine.createUNet(network, { seed: LEARNING.seed });
  const dataset = await engine.createDataset({ ...(await loadDigits()), labels: await loadDigitLabels() });
  const trainer = await engine.createTrainer(unet, training);
  const sampler = await engine.createSampler(unet, { count: LEARNING.images });
  const labels = labelsInTurn(DIGITS, LEARNING.images);
  const samples: Float32Array[] = [];
  const losses: number[] = [];
  const sample = async () =>
    samples.push(await sampler.sample({ ...sampling, labels, seed: LEARNING.noise }));
  await sample();
  const maxSteps = AT[AT.length - 1];
  for await (const { step, loss } of trainer.fit(dataset, {
    ...fit,
    epochs: 100,
    seed: LEARNING.seed,
    maxSteps,
  })) {
    losses.push(Number(loss.toFixed(3)));
    if (AT.includes(step)) await sample();
  }
  return { samples, losses };
}

const writeTo = (path: string, bytes: Uint8Array) => {
  writeFileSync(fileURLToPath(new URL(`../../${path}`, import.meta.url)), bytes);
  console.log(`${path}: ${bytes.length} bytes`);
};

async function record(): Promise<number> {
  const engine = await nodeEngine();
  const predictions = await recordMaking(engine);
  const { samples, losses } = await learn(engine);
  engine.destroy();
  const learning = { images: LEARNING.images, at: AT, losses, batch: LEARNING.batch };
  const shades = samples.map(toBytes);
  const bytes = encodeRecording({ height, width, making: MAKING, learning }, predictions, shades);
  writeTo('harness/page/welcome/recording.gz', gzipSync(bytes, { level: 9 }));
  const frames = shades.map((picture): BytePicture => {
    const values = Float32Array.from(picture, (byte) => byte / 255);
    return grid({ height, width, channels: 1, values }, DIGITS.length, { scale: 2 });
  });
  writeTo('docs/images/learning.gif', encodeGif(frames, 300));
  return 0;
}

export const main = () => quietly(record);
