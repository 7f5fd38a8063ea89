/** `evaluate`: measures how good a trained model's digits are. */

import { DIGITS } from '../../../src/data/digits';
import { pretrainedNames } from '../../../src/pretrained/pretrained';
import type { Model } from '../../../src/weights/model';
import { adapterLabel, adapterText } from '../../text/adapter_text';
import { duration } from '../../text/units';
import { defineCommand, integer, show, text, toggle, UsageError } from '../args';
import { checkApart, prepareFile, writeWhole } from '../files';
import { kernelChoice, kernelFlags, Preparations } from '../kernel_flags';
import {
  CARD_RUNS,
  cardTable,
  makesDigits,
  measureCard,
  measureQuality,
  qualityTable,
} from '../measure_quality';
import { modelFlag, readModel } from '../model_flag';
import { networkSummary } from '../network_flags';
import { nodeEngine } from '../node_engine';
import { ProgressLine } from '../progress';
import { chosenSampling, samplingFlags, samplingText } from '../sampling_flags';
import { summaries } from '../summaries';
import { versions } from '../versions';

export const evaluate = defineCommand({
  name: 'evaluate',
  summary: summaries.evaluate,
  usage: '[flags]',
  flags: {
    model: modelFlag,
    count: integer(
      'N',
      'samples, a tenth of each digit (default 1000; fewer make the distance larger)',
      6,
      100_000,
    ),
    ...samplingFlags,
    card: toggle(
      'prints the figures as docs/models.md has them: ten times N samples, the\nmean and its standard error',
    ),
    json: text('FILE', 'writes the numbers there, too'),
    force: toggle(
      'measures a model of other grey images than MNIST digits, too: of 28x28,\nwithout classes or with ten',
    ),
    ...kernelFlags,
  },
  notes: `A small classifier, trained on 9,000 of the digits that come along, looks at the samples, made black and white:
how many it accepts (more than 95% sure), whether it sees the digit that was asked for, and how its features of the
samples lie beside real digits'. The digit distance is their Fréchet distance: a FID with this classifier,
comparable with nothing else. Strong guidance raises what is accepted and lowers the recall: read them together.`,
  async run(given, { signal }) {
    const { count = 1000, seed = 123 } = given;
    const { model: file, variants, json } = given;
    checkApart({ model: file, variants, json });
    const kernels = await kernelChoice(given);
    const model = await readModel(given.model, signal);
    const { config, parameters } = model;
    if (!makesDigits(config)) {
      throw new UsageError(
        `This model is of ${networkSummary(config)}; evaluate measures digits: 28x28x1, and no classes or ten.`,
      );
    }
    const note = noteOn(model, given);
    const sampling = chosenSampling(given, model);
    if (given.json) await prepareFile(given.json, '--json');
    const start = performance.now();
    const progress = new ProgressLine();
    const preparations = new Preparations(progress);
    const engine = await nodeEngine({ ...kernels, ...preparations.handlers });
    const unet = await engine.createUNet(config, { sampling });
    await unet.setParameters(parameters);
    progress.print(`Adapter   ${adapterText(engine.adapter)}`);
    progress.print(`Network   ${networkSummary(config)}`);
    if (note) progress.print(`Note      ${note}`);
    const total = given.card ? CARD_RUNS * count : count;
    progress.print(`Sampling  ${total} images, ${samplingText(sampling)}; seed ${seed}`);
    const onImages = (done: number) => progress.update({ done, total, text: `${done} of ${total} samples` });
    const run = { count, seed, signal, onImages };
    const runs = given.card
      ? await measureCard(engine, unet, run)
      : [await measureQuality(engine, unet, run)];
    progress.clear();
    progress.print();
    if (given.card) {
      progress.print(`${cardTable(runs, given.model ?? 'digits')}\n`);
      const how = `${CARD_RUNS} times ${count} samples, ${samplingText(sampling)}, seed ${seed}`;
      progress.print(`*${how}; ${adapterLabel(engine.adapter)}, webgpu ${versions().webgpu}.*`);
    } else progress.print(qualityTable(runs[0]));
    if (given.json) {
      const figures = given.card ? { runs } : runs[0];
      const report = { count, seed, sampling, ...figures, adapter: engine.adapter, versions: versions() };
      await writeWhole(given.json, `${JSON.stringify(report, null, 2)}\n`);
    }
    progress.print(`\nTook ${duration((performance.now() - start) / 1000)}.`);
    engine.destroy();
    return 0;
  },
});

/** What to say of a model's images: undefined for MNIST digits. Throws UsageError for others, without `force`. */
function noteOn(
  { data }: Pick<Model, 'data'>,
  { model: name = 'digits', force = false }: { readonly model?: string; readonly force?: boolean },
): string | undefined {
  if (data?.name === DIGITS || pretrainedNames.some((known) => known === name)) return undefined;
  if (!data)
    return 'The file does not say what it was trained on; the numbers mean something for MNIST digits alone.';
  const what = `The model was trained on ${show(data.name ?? 'images without a name')}; the classifier knows ${DIGITS} alone`;
  if (force) return `${what}, so the numbers mean little.`;
  throw new UsageError(`${what}. Measure it all the same with --force.`);
}
