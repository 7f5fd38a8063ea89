/**
 * The measurements of docs/recipe.md: `npm run recipe -- --out FOLDER NAME…`. Each run trains on the first 9,000 digits, writes a line of
 * JSON to FOLDER/results.jsonl for each measurement, and a sheet of samples.
 */
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createQualityMeter } from '../../../src/quality/index';
import { type Recipe, recipes } from '../../../src/recipes';
import type { Sampling } from '../../../src/sampling/sampling';
import { saveModel } from '../../../src/weights/model';
import { holdOut, loadImages } from '../../cli/images';
import { manySamples } from '../../cli/measure_quality';
import { nodeEngine } from '../../cli/node_engine';
import { encodePng } from '../../cli/png';
import { quietly } from '../../cli/quiet';
import { grid } from '../../run/pictures';
import { type Measured, raceSvg } from './race_svg';

interface Study extends Pick<Recipe, 'network' | 'trainer'> {
  readonly fit: Omit<Recipe['fit'], 'epochs'>;
  /** The steps after which the network is measured, and how it is sampled there; the last one ends the run. */
  readonly at: readonly (readonly [step: number, sampling: readonly Sampling[]])[];
}

const { tutorial, digits } = recipes;
const euler = (steps: number, guidance?: number): Sampling => ({ steps, method: 'euler', guidance });
const heun = (steps: number, guidance?: number): Sampling => ({ steps, method: 'heun', guidance });
const w2 = [euler(20, 2)];

/** From the tutorial to the digits, one change at a time, 200 steps each. */
const greys = {
  network: { ...tutorial.network, finalActivation: 'none' },
  trainer: tutorial.trainer,
  fit: { binarize: false },
} as const;
const told = { ...greys, network: { ...greys.network, conditioning: { noiseLevel: true, classes: 0 } } };
const flow = { ...told, trainer: { batchSize: 256, learningRate: 1e-3, objective: 'flow' } } as const;
/** A rate that falls to a hundredth, instead of averaged weights. */
const cosine = (steps: number) =>
  ({
    averageWeights: false,
    averageAfter: undefined,
    schedule: { warmup: 20, decay: 'cosine', steps },
  }) as const;
const faster = { ...flow, trainer: { ...digits.trainer, averageWeights: false } };

/** Shows which network reaches 92% sooner. */
const race = (sampling: Sampling): Study['at'] =>
  [100, 150, 200, 250, 300, 350, 400].map((step) => [step, [sampling]]);

const mix = [tutorial.sampling];
const [plain, both] = [[euler(20)], [euler(20, 2), euler(20, 1.5)]];
const { trainer } = digits;

const studies: Record<string, Study> = {
  tutorial: {
    ...tutorial,
    at: [
      [200, mix],
      [1370, mix],
    ],
  },
  greys: { ...greys, at: [[200, mix]] },
  told: { ...told, at: [[200, mix]] },
  flow: { ...flow, at: [[200, plain]] },
  faster: { ...faster, at: [[200, plain]] },
  digits: {
    ...digits,
    at: [
      [50, w2],
      [100, w2],
      [200, [euler(20, 1), euler(20, 2)]],
      [400, both],
      [1370, both],
    ],
  },
  'digits 400': {
    ...digits,
    at: [
      [100, w2],
      [200, w2],
      [400, both],
    ],
  },
  'from the start': {
    ...digits,
    trainer: { ...trainer, averageAfter: 0 },
    at: [
      [50, w2],
      [100, w2],
      [200, w2],
      [400, both],
      [1370, both],
    ],
  },
  'race 5x5': { ...digits, at: race(digits.sampling) },
  'race 3x3': { ...recipes['digits-3x3'], at: race(recipes['digits-3x3'].sampling) },
  '3x3 1370': { ...recipes['digits-3x3'], at: [[1370, both]] },
  samplers: {
    ...digits,
    at: [[400, [euler(20, 1), euler(20, 3), euler(10, 2), euler(40, 2), heun(10, 2), heun(20, 2)]]],
  },
  // Changes to the recipe.
  'no average': {
    ...digits,
    trainer: { ...trainer, averageWeights: false },
    at: [
      [200, w2],
      [400, both],
      [1370, both],
    ],
  },
  'no clipping': { ...digits, trainer: { ...trainer, clipNorm: undefined }, at: [[200, w2]] },
  'cosine 200': { ...digits, trainer: { ...trainer, ...cosine(200) }, at: [[200, w2]] },
  'cosine 400': { ...digits, trainer: { ...trainer, ...cosine(400) }, at: [[400, both]] },
  'cosine 1370': { ...digits, trainer: { ...trainer, ...cosine(1370) }, at: [[1370, both]] },
  'rate 2e-3': { ...digits, trainer: { ...trainer, learningRate: 2e-3 }, at: [[200, w2]] },
  'rate 5e-3': { ...digits, trainer: { ...trainer, learningRate: 5e-3 }, at: [[200, w2]] },
  'batch 128': { ...digits, trainer: { ...trainer, batchSize: 128 }, at: [[400, w2]] },
  'weight decay 0.01': { ...digits, trainer: { ...trainer, weightDecay: 1e-2 }, at: [[200, w2]] },
};

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
      'plot-race': { type: 'string' },
      help: { type: 'boolean' },
    },
  });
  const unknown = positionals.find((name) => !Object.hasOwn(studies, name));
  const plotRace = values['plot-race'];
  if (!values.out || (positionals.length === 0) === !plotRace || unknown) {
    const usage = `npm run recipe -- --out FOLDER [--seed 1] [--count 1000] NAME…, of ${Object.keys(studies).join(', ')}
npm run recipe -- --out FOLDER --plot-race 350,530: FOLDER/race.svg of what was measured, with a step of race 5x5 and one of race 3x3 in milliseconds`;
    (values.help ? console.log : console.error)(usage);
    return values.help ? 0 : 2;
  }
  if (plotRace) return plot(values.out, plotRace);
  mkdirSync(values.out, { recursive: true });
  const [seed, count] = [Number(values.seed), Number(values.count)];
  const { train, held } = holdOut(await loadImages('mnist'), 1000);
  const meter = await createQualityMeter();
  const engine = await nodeEngine();
  console.log(`real digits ${JSON.stringify(meter.measureReal())}`);
  for (const name of positionals) {
    const { network, trainer: settings, fit, at } = studies[name];
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
        const result = { name, seed, step, seconds, heldOut: loss, ...how, ...meter.measure(images, labels) };
        appendFileSync(join(values.out, 'results.jsonl'), `${JSON.stringify(result)}\n`);
        console.log(JSON.stringify(result));
        const sheet = grid({ ...unet.config, values: images.subarray(0, 80 * 784) }, 10, {
          scale: 2,
          gap: 2,
        });
        const file = `${name}-seed${seed}-${step}-${how.method}${how.steps}${how.guidance ? `-w${how.guidance}` : ''}.png`;
        writeFileSync(join(values.out, file.replaceAll(' ', '-')), encodePng(sheet));
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

function plot(folder: string, milliseconds: string): number {
  const [small, rich] = milliseconds.split(',').map(Number);
  const lines = readFileSync(join(folder, 'results.jsonl'), 'utf8').trim().split('\n');
  const measured = lines.map((line): Measured => JSON.parse(line));
  const runners = [
    { name: 'race 5x5', label: 'digits', milliseconds: small },
    { name: 'race 3x3', label: 'digits-3x3', milliseconds: rich },
  ];
  const seeds = [...new Set(measured.map(({ seed }) => seed))].sort();
  const subtitle = `seeds ${seeds.join(', ')} and their mean, 256 images a step; the dashed line is 92%`;
  writeFileSync(join(folder, 'race.svg'), raceSvg(measured, runners, subtitle));
  return 0;
}
