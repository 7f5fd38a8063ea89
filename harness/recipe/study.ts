/**
 * The measurements of docs/recipe.md: `npm run recipe -- --out FOLDER NAME…`. Each run trains on the first 9,000 digits, writes a line of
 * JSON to FOLDER/results.jsonl for each measurement, and a sheet of samples.
 */
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createQualityMeter } from '../../src/quality/index';
import { type Recipe, recipes } from '../../src/recipes';
import type { SampleOptions } from '../../src/sampling/sampler';
import { saveModel } from '../../src/weights/checkpoint';
import { holdOut, loadImages } from '../images';
import { manySamples } from '../measure_quality';
import { nodeEngine } from '../node_engine';
import { grid } from '../pictures';
import { encodePng } from '../png';

type Sampling = Pick<SampleOptions, 'steps' | 'method' | 'guidance'>;

interface Study extends Omit<Recipe, 'sampling'> {
  /** Steps after which it is measured; the last one ends it. */
  readonly at: readonly number[];
  /** How it is sampled from then. */
  readonly sampling: readonly Sampling[];
}

const { tutorial, digits } = recipes;
const euler = (steps: number, guidance?: number): Sampling => ({ steps, method: 'euler', guidance });
const heun = (steps: number, guidance?: number): Sampling => ({ steps, method: 'heun', guidance });
const w2 = [euler(20, 2)];

/** From the tutorial to the digits, a change at a time, 200 steps each. */
const greys = {
  network: { ...tutorial.network, finalActivation: 'none' },
  trainer: tutorial.trainer,
  fit: { binarize: false },
} as const;
const told = { ...greys, network: { ...greys.network, conditioning: { noiseLevel: true, classes: 0 } } };
const flow = { ...told, trainer: { batchSize: 256, learningRate: 1e-3, objective: 'flow' } } as const;
const faster = { ...flow, trainer: digits.trainer };

const studies: Record<string, Study> = {
  tutorial: { ...tutorial, at: [200, 1370], sampling: [tutorial.sampling] },
  greys: { ...greys, at: [200], sampling: [tutorial.sampling] },
  told: { ...told, at: [200], sampling: [tutorial.sampling] },
  flow: { ...flow, at: [200], sampling: [euler(20)] },
  faster: { ...faster, at: [200], sampling: [euler(20)] },
  digits: { ...digits, at: [50, 100, 200, 400, 700, 1370], sampling: [euler(20, 2), euler(20, 1.5)] },
  samplers: {
    ...digits,
    at: [400],
    sampling: [euler(20, 1), euler(20, 3), euler(10, 2), euler(40, 2), heun(10, 2), heun(20, 2)],
  },
  // Changes to the recipe.
  'no clipping': { ...digits, trainer: { ...digits.trainer, clipNorm: undefined }, at: [200], sampling: w2 },
  'cosine 1370': {
    ...digits,
    trainer: { ...digits.trainer, schedule: { warmup: 20, decay: 'cosine', steps: 1370 } },
    at: [1370],
    sampling: [euler(20, 2), euler(20, 1.5), euler(20, 1.25)],
  },
  'cosine 400': {
    ...digits,
    trainer: { ...digits.trainer, schedule: { warmup: 20, decay: 'cosine', steps: 400 } },
    at: [400],
    sampling: [euler(20, 2), euler(20, 1.5)],
  },
  'cosine 200': {
    ...digits,
    trainer: { ...digits.trainer, schedule: { warmup: 20, decay: 'cosine', steps: 200 } },
    at: [200],
    sampling: w2,
  },
  'rate 2e-3': {
    ...digits,
    trainer: { ...digits.trainer, learningRate: 2e-3 },
    at: [200, 400],
    sampling: w2,
  },
  'rate 5e-3': { ...digits, trainer: { ...digits.trainer, learningRate: 5e-3 }, at: [200], sampling: w2 },
  'beta2 0.999': { ...digits, trainer: { ...digits.trainer, beta2: 0.999 }, at: [200], sampling: w2 },
  'batch 128': { ...digits, trainer: { ...digits.trainer, batchSize: 128 }, at: [200, 400], sampling: w2 },
  'decay 1e-2': {
    ...digits,
    trainer: { ...digits.trainer, weightDecay: 1e-2 },
    at: [200, 400],
    sampling: w2,
  },
};

export async function main(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      out: { type: 'string' },
      seed: { type: 'string', default: '1' },
      count: { type: 'string', default: '1000' },
    },
  });
  const unknown = positionals.find((name) => !Object.hasOwn(studies, name));
  if (!values.out || positionals.length === 0 || unknown) {
    console.error(
      `npm run recipe -- --out FOLDER [--seed 1] [--count 1000] NAME…, of ${Object.keys(studies).join(', ')}`,
    );
    return 2;
  }
  mkdirSync(values.out, { recursive: true });
  const [seed, count] = [Number(values.seed), Number(values.count)];
  const { train, held } = holdOut(await loadImages('mnist'), 1000);
  const meter = await createQualityMeter();
  const engine = await nodeEngine();
  console.log(`real digits ${JSON.stringify(meter.measureReal())}`);
  for (const name of positionals) {
    const { network, trainer: settings, fit, at, sampling } = studies[name];
    const unet = await engine.createUNet(network, { seed });
    const dataset = await engine.createDataset(train);
    const trainer = await engine.createTrainer(unet, settings);
    let [done, seconds] = [0, 0];
    for (const step of at) {
      const start = performance.now();
      for await (const event of trainer.fit(dataset, {
        ...fit,
        epochs: 10_000,
        seed,
        maxSteps: step - done,
      })) {
        if (event.step === step) done = step;
      }
      seconds += (performance.now() - start) / 1000;
      const { loss } = await trainer.evaluate(held!, fit);
      for (const how of sampling) {
        const { images, labels } = await manySamples(engine, unet, { count, seed: 1234, sampling: how });
        const result = { name, seed, step, seconds, heldOut: loss, ...how, ...meter.measure(images, labels) };
        appendFileSync(join(values.out, 'results.jsonl'), `${JSON.stringify(result)}\n`);
        console.log(JSON.stringify(result));
        const sheet = grid({ ...unet.config, values: images.subarray(0, 80 * 784) }, 10, {
          scale: 2,
          gap: 2,
        });
        const file = `${name}-seed${seed}-${step}-${how.method}${how.steps}${how.guidance ? `-w${how.guidance}` : ''}.png`;
        writeFileSync(join(values.out, file.replaceAll(' ', '-')), await encodePng(sheet));
      }
      const { objective } = trainer.settings;
      const model = await saveModel(unet, { objective, dtype: 'F16' });
      writeFileSync(join(values.out, `${name}-seed${seed}-${step}.safetensors`.replaceAll(' ', '-')), model);
    }
    for (const thing of [trainer, dataset, unet]) thing.destroy();
  }
  engine.destroy();
  return 0;
}
