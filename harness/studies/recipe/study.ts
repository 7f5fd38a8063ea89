/**
 * What made the networks that come along, and the tables of docs/recipe.md in which they stand: `npm run recipe -- --out FOLDER NAME…`. Each run
 * trains on the first 9,000 digits, writes a line of JSON to FOLDER/results.jsonl for each measurement, and a sheet of samples.
 */
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Recipe, recipeAt, recipes } from '../../../src/recipes';
import type { Sampling } from '../../../src/unet/sampling';
import { saveModel } from '../../../src/weights/save_model';
import { holdOut, loadImages } from '../../cli/images';
import { manySamples } from '../../cli/measure_quality';
import { nodeEngine } from '../../cli/node_engine';
import { encodePng } from '../../cli/png';
import { quietly } from '../../cli/quiet';
import { grid } from '../../pictures/pictures';
import { createQualityMeter } from '../../quality/quality';

interface Study extends Pick<Recipe, 'network' | 'trainer'> {
  readonly fit: Omit<Recipe['fit'], 'epochs'>;
  /** The steps after which the network is measured, and how it is sampled there; the last one ends the run. */
  readonly at: readonly (readonly [step: number, sampling: readonly Sampling[]])[];
}

const euler = (guidance: number): Sampling => ({ steps: 20, method: 'euler', guidance });
const both = [euler(2), euler(1.5)];

const { tutorial } = recipes;
const mix = [tutorial.sampling];

/** The recipe with 256 images a step: averaged after 51,200 images, and with the small last batch of each epoch. */
const at256 = recipeAt('digits', 256);
const average = { ...at256.trainer.average, after: 200 };
const digits256 = {
  network: at256.network,
  trainer: { ...at256.trainer, average },
  fit: { binarize: false },
};

const studies: Record<string, Study> = {
  tutorial: {
    ...tutorial,
    at: [
      [200, mix],
      [1370, mix],
    ],
  },
  digits: {
    ...digits256,
    at: [
      [50, [euler(2)]],
      [100, [euler(2)]],
      [200, [euler(2), euler(1)]],
      [400, both],
      [1370, both],
    ],
  },
  // With a rate that falls to a hundredth, instead of averaged weights.
  'cosine 1370': {
    ...digits256,
    trainer: {
      ...at256.trainer,
      average: undefined,
      schedule: { warmup: 20, decay: 'cosine', steps: 1370 },
    },
    at: [[1370, both]],
  },
};

export const main = (args: readonly string[]) => quietly(() => measure(args));

async function measure(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      out: { type: 'string' },
      seed: { type: 'string', default: '1' },
      count: { type: 'string', default: '1000' },
      help: { type: 'boolean' },
    },
  });
  const isLegal = (name: string) => Object.hasOwn(studies, name);
  if (!values.out || positionals.length === 0 || !positionals.every(isLegal)) {
    const usage = `npm run recipe -- --out FOLDER [--seed 1] [--count 1000] NAME…, of ${Object.keys(studies).join(', ')}`;
    (values.help ? console.log : console.error)(usage);
    return values.help ? 0 : 2;
  }
  return runStudies(values.out, positionals, Number(values.seed), Number(values.count));
}

/** Trains each network, measures `count` samples of it on the way, and writes measurements, sheets and models to `out`. */
async function runStudies(out: string, names: readonly string[], seed: number, count: number) {
  mkdirSync(out, { recursive: true });
  const { train, held } = holdOut((await loadImages(['mnist'])).images, 1000);
  const meter = await createQualityMeter();
  const engine = await nodeEngine();
  console.log(`real digits ${JSON.stringify(meter.measureReal())}`);
  for (const name of names) {
    const { network, trainer: settings, fit, at } = studies[name];
    const batch = settings.batchSize;
    const unet = await engine.createUNet(network, { seed });
    const dataset = await engine.createDataset(train);
    const trainer = await engine.createTrainer(unet, settings);
    let done = 0;
    let seconds = 0;
    for (const [step, sampling] of at) {
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
      const { loss } = await trainer.evaluate(held!, { binarize: fit.binarize });
      for (const how of sampling) {
        const { images, labels } = await manySamples(engine, unet, { count, seed: 1234, sampling: how });
        const result = {
          name,
          seed,
          step,
          batch,
          images: step * batch,
          seconds,
          heldOut: loss,
          ...how,
          ...meter.measure(images, labels),
        };
        appendFileSync(join(out, 'results.jsonl'), `${JSON.stringify(result)}\n`);
        console.log(JSON.stringify(result));
        const sheet = grid({ ...unet.config, values: images.subarray(0, 80 * 784) }, 10, {
          scale: 2,
          gap: 2,
        });
        const file = `${name}-seed${seed}-${step}-${how.method}${how.steps}${how.guidance ? `-w${how.guidance}` : ''}.png`;
        writeFileSync(join(out, file.replaceAll(' ', '-')), encodePng(sheet));
      }
      const { objective } = trainer.config;
      const model = await saveModel(unet, { objective, dtype: 'F16', sampling: sampling[0] });
      writeFileSync(join(out, `${name}-seed${seed}-${step}.safetensors`.replaceAll(' ', '-')), model);
    }
    for (const thing of [trainer, dataset, unet]) thing.destroy();
  }
  engine.destroy();
  return 0;
}
