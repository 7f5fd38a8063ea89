/**
 * The measurements of docs/recipe.md: `npm run recipe -- --out FOLDER NAME…`. Each run trains on the first 9,000 digits, writes a line of
 * JSON to FOLDER/results.jsonl for each measurement, and a sheet of samples.
 */
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Recipe, type RecipeName, recipeAt, recipes } from '../../../src/recipes';
import type { Sampling } from '../../../src/unet/sampling';
import { saveModel } from '../../../src/weights/save_model';
import { holdOut, loadImages } from '../../cli/images';
import { manySamples } from '../../cli/measure_quality';
import { nodeEngine } from '../../cli/node_engine';
import { encodePng } from '../../cli/png';
import { quietly } from '../../cli/quiet';
import { grid } from '../../pictures/pictures';
import { createQualityMeter } from '../../quality/quality';
import { trainerFor } from '../../run/plan';
import { type RacePoint, raceSvg } from './race_svg';
import { compareSamplers } from './samplers';

interface Study extends Pick<Recipe, 'network' | 'trainer'> {
  readonly fit: Omit<Recipe['fit'], 'epochs'>;
  /** The steps after which the network is measured, and how it is sampled there; the last one ends the run. */
  readonly at: readonly (readonly [step: number, sampling: readonly Sampling[]])[];
}

const euler = (steps: number, guidance?: number): Sampling => ({ steps, method: 'euler', guidance });
const heun = (steps: number, guidance?: number): Sampling => ({ steps, method: 'heun', guidance });
const [plain, w2, both] = [[euler(20)], [euler(20, 2)], [euler(20, 2), euler(20, 1.5)]];

const { tutorial } = recipes;
const mix = [tutorial.sampling];

/** A recipe as it was with 256 images a step: averaged after 51,200 images. */
function at256(name: RecipeName): Omit<Study, 'at'> {
  const { network, trainer, fit } = recipeAt(name, 256);
  return { network, trainer: { ...trainer, average: { ...trainer.average, after: 200 } }, fit };
}
/** With the small last batch of each epoch. */
const digits256 = { ...at256('digits'), fit: { binarize: false } };
const { trainer } = digits256;

/** From the tutorial to the digits, one change at a time, 200 steps each. */
const greys = {
  network: { ...tutorial.network, finalActivation: 'none' },
  trainer: tutorial.trainer,
  fit: { binarize: false },
} as const;
const levels = { ...greys, network: { ...greys.network, conditioning: { noiseLevel: true, classes: 0 } } };
const flow = { ...levels, trainer: { batchSize: 256, learningRate: 1e-3, objective: 'flow' } } as const;
const faster = { ...flow, trainer: { ...trainer, average: undefined } };

/** The training options with a rate that falls to a hundredth, instead of averaged weights. */
const cosine = (options: Recipe['trainer'], warmup: number, steps: number): Recipe['trainer'] => ({
  ...options,
  average: undefined,
  schedule: { warmup, decay: 'cosine', steps },
});

/** The recipe, trained as a plan of this length does. */
function planned(steps: number, batch: number): Study {
  const { network, trainer, fit } = recipeAt('digits', batch);
  return { network, trainer: trainerFor(trainer, { steps }), fit, at: [[steps, w2]] };
}

/** Shows which recipe reaches 92% soonest; the points are numbers of images. */
const race = (of: Omit<Study, 'at'>, guidance: number, images: readonly number[]): Study => ({
  ...of,
  at: images.map((count) => [count / of.trainer.batchSize, [euler(20, guidance)]]),
});
const slow = [25_600, 38_400, 51_200, 64_000, 76_800, 89_600, 102_400];
const quick = [12_800, 19_200, 25_600, 32_000, 38_400, 51_200, 64_000];

const studies: Record<string, Study> = {
  tutorial: {
    ...tutorial,
    at: [
      [200, mix],
      [1370, mix],
    ],
  },
  greys: { ...greys, at: [[200, mix]] },
  levels: { ...levels, at: [[200, mix]] },
  flow: { ...flow, at: [[200, plain]] },
  faster: { ...faster, at: [[200, plain]] },
  digits: {
    ...digits256,
    at: [
      [50, w2],
      [100, w2],
      [200, [euler(20, 2), euler(20, 1)]],
      [400, both],
      [1370, both],
    ],
  },
  // The recipe, whose batch is 64: 38,400 and 51,200 images, then as many as 400 and 1,370 steps of 256 have.
  'digits 64': {
    ...recipes.digits,
    at: [
      [600, w2],
      [800, w2],
    ],
  },
  'digits 64 long': {
    ...recipes.digits,
    at: [
      [1600, both],
      [5480, both],
    ],
  },
  'cosine 64': { ...recipes.digits, trainer: cosine(recipes.digits.trainer, 80, 1600), at: [[1600, both]] },
  'cosine 64 long': {
    ...recipes.digits,
    trainer: cosine(recipes.digits.trainer, 80, 5480),
    at: [[5480, both]],
  },
  // Plans of a length, and the recipe at the same.
  'planned 300': planned(300, 16),
  'unplanned 300': { ...recipeAt('digits', 16), at: [[300, w2]] },
  'planned 600': planned(600, 64),
  'race 256': race(digits256, 2, slow),
  'race 64': race(recipeAt('digits', 64), 2, quick),
  'race 3x3 256': race(at256('digits-3x3'), 2.2, slow),
  'race 3x3 64': race(recipeAt('digits-3x3', 64), 2, quick),
  // Changes to the recipe with 256 images.
  'from the start': {
    ...digits256,
    trainer: { ...trainer, average: { ...trainer.average, after: 0 } },
    at: [
      [50, w2],
      [100, w2],
      [200, w2],
      [400, both],
      [1370, both],
    ],
  },
  samplers: {
    ...digits256,
    at: [[400, [euler(20, 1), euler(20, 3), euler(10, 2), euler(40, 2), heun(10, 2), heun(20, 2)]]],
  },
  'no average': {
    ...digits256,
    trainer: { ...trainer, average: undefined },
    at: [
      [200, w2],
      [400, both],
      [1370, both],
    ],
  },
  'no clipping': { ...digits256, trainer: { ...trainer, clipNorm: undefined }, at: [[200, w2]] },
  'cosine 400': { ...digits256, trainer: cosine(trainer, 20, 400), at: [[400, both]] },
  'cosine 1370': { ...digits256, trainer: cosine(trainer, 20, 1370), at: [[1370, both]] },
  'rate 2e-3': { ...digits256, trainer: { ...trainer, learningRate: 2e-3 }, at: [[200, w2]] },
  'rate 5e-3': { ...digits256, trainer: { ...trainer, learningRate: 5e-3 }, at: [[200, w2]] },
};

/** A study, what a step of it takes, and its name in the drawing. */
const RUNNER = /^([^=]+)=(\d+\.?\d*)=(.+)$/;

export const main = (args: readonly string[]) => quietly(() => measure(args));

/** Exported for its test. */
export async function measure(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      out: { type: 'string' },
      seed: { type: 'string', default: '1' },
      count: { type: 'string', default: '1000' },
      'plot-race': { type: 'boolean', default: false },
      samplers: { type: 'boolean', default: false },
      help: { type: 'boolean' },
    },
  });
  const plotRace = values['plot-race'];
  const isLegal = (name: string) =>
    values.samplers || (plotRace ? RUNNER.test(name) : Object.hasOwn(studies, name));
  if (!values.out || positionals.length === 0 || !positionals.every(isLegal)) {
    const usage = `npm run recipe -- --out FOLDER [--seed 1] [--count 1000] NAME…, of ${Object.keys(studies).join(', ')}
npm run recipe -- --out FOLDER --plot-race NAME=MILLISECONDS=LABEL …: FOLDER/race.svg of what was measured under these names, with the milliseconds that a step of each takes
npm run recipe -- --out FOLDER --samplers MODEL…: how few network calls suffice these networks`;
    (values.help ? console.log : console.error)(usage);
    return values.help ? 0 : 2;
  }
  if (values.samplers) return compareSamplers(values.out, positionals);
  if (plotRace) return plot(values.out, positionals);
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
    let [done, seconds] = [0, 0];
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
          ...{ name, seed, step, batch, images: step * batch, seconds, heldOut: loss },
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

function plot(folder: string, given: readonly string[]): number {
  const lines = readFileSync(join(folder, 'results.jsonl'), 'utf8').trim().split('\n');
  const measured = lines.map((line): RacePoint => JSON.parse(line));
  const runners = given.map((text) => {
    const [, name, milliseconds, label] = RUNNER.exec(text)!;
    return { name, label, milliseconds: Number(milliseconds) };
  });
  const missing = runners.find(({ name }) => !measured.some((of) => of.name === name));
  if (missing) {
    console.error(
      `${join(folder, 'results.jsonl')} has no measurement of ${missing.name}; measure it first.`,
    );
    return 2;
  }
  writeFileSync(join(folder, 'race.svg'), raceSvg(measured, runners));
  return 0;
}
