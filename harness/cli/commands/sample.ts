/** `sample`: samples images from noise with a trained model. */

import { type Classes, exampleText, labelsIn } from '../../pictures/class_names';
import { adapterText } from '../../text/adapter_text';
import { duration, plural } from '../../text/units';
import { defineCommand, integer, show, text, toggle, UsageError, wholeIn } from '../args';
import { labelsInTurn } from '../digit_pictures';
import { prepareFile, writeWhole } from '../files';
import { kernelChoice, kernelFlags, Preparations } from '../kernel_flags';
import { modelFlag, readModel } from '../model_flag';
import { networkSummary } from '../network_flags';
import { nodeEngine } from '../node_engine';
import { encodePng } from '../png';
import { ProgressLine } from '../progress';
import { finishedGrid, historyGrid, sampleHistory, sampleImages } from '../run_pictures';
import { chosenSampling, enlargeBy, enlargeFlag, samplingFlags, samplingText } from '../sampling_flags';
import { summaries } from '../summaries';

/** Rows of a picture that has a column for each digit. */
const ROWS = 8;

export const sample = defineCommand({
  name: 'sample',
  summary: summaries.sample,
  usage: '[flags]',
  flags: {
    model: modelFlag,
    out: text('FILE.png', 'the picture to write (default samples.png)'),
    digits: text(
      '0123456789',
      'digits to make, one after the other; of more than ten classes\nwith commas between (default: each class in turn)',
    ),
    text: text(
      'HELLO',
      'classes to make by their names, one after the other; names of\nseveral characters with commas between: cat,dog',
    ),
    count: integer(
      'N',
      'how many images (default: each of --digits or --text once, else\n8 of each class, or 64; 8 with --history)',
      1,
      4096,
    ),
    ...samplingFlags,
    enlarge: enlargeFlag('smooth'),
    history: toggle('a row for each step: x before it on the left, its prediction on the right'),
    ...kernelFlags,
  },
  async run(given, { signal }) {
    const { out = 'samples.png', seed = 123, history = false } = given;
    if (!out.toLowerCase().endsWith('.png')) throw new UsageError(`--out is ${out}; it must end in .png.`);
    const kernels = await kernelChoice(given);
    const model = await readModel(given.model, signal);
    const { config, parameters } = model;
    const sampling = chosenSampling(given, model);
    if (history && given.enlarge === 'smooth')
      throw new UsageError('--history shows images as the network makes them. Leave out --enlarge.');
    // Enlarged, as nothing is known of its pictures.
    const way = history ? undefined : enlargeBy(given.enlarge, model, true);
    const classes = config.conditioning?.classes ?? 0;
    const ordered = orderedClasses(given, { classes, classNames: model.data?.classNames });
    const asked = ordered ?? (classes > 0 ? [...Array(classes).keys()] : undefined);
    const each = classes > ROWS * 4 ? 1 : ROWS;
    const count = given.count ?? ordered?.length ?? (history ? 8 : classes > 0 ? classes * each : 64);
    await prepareFile(out, '--out');
    const start = performance.now();
    const progress = new ProgressLine();
    const preparations = new Preparations(progress);
    const engine = await nodeEngine({ ...kernels, ...preparations.handlers });
    const unet = await engine.createUNet(config, { sampling });
    await unet.setParameters(parameters);

    progress.print(`Adapter  ${adapterText(engine.adapter)}`);
    progress.print(`Network  ${networkSummary(config)}`);
    const { steps } = sampling;
    const run = {
      ...(asked ? { labels: labelsInTurn(asked, count) } : {}),
      count,
      seed,
      signal,
      name: out,
      onStep: (_: string, done: number) =>
        progress.update({ done, total: steps, text: `step ${done} of ${steps}` }),
    };
    const isRow = asked && (asked.length >= 4 || asked.length === count);
    const columns = isRow ? Math.min(asked.length, count) : Math.ceil(Math.sqrt(count));
    const picture = history
      ? historyGrid(await sampleHistory(engine, unet, run), count)
      : await finishedGrid(engine, await sampleImages(engine, unet, run), columns, way);
    await writeWhole(out, encodePng(picture));
    progress.print(`Kernels  ${preparations.origin(engine, kernels.variants !== undefined)}`);
    const seconds = (performance.now() - start) / 1000;
    progress.print(
      `Wrote ${out}: ${plural(count, 'image')}, ${samplingText(sampling)}${way === 'smooth' ? ', enlarged' : ''}; ${duration(seconds)}.`,
    );
    engine.destroy();
    return 0;
  },
});

/** The classes that `--digits` or `--text` orders; undefined without either. Throws UsageError. */
export function orderedClasses(
  { digits, text: written }: { readonly digits?: string; readonly text?: string },
  of: Classes,
): number[] | undefined {
  if (digits !== undefined && written !== undefined)
    throw new UsageError('--digits and --text both say what to make. Give one of them.');
  const [flag, given] = written === undefined ? ['digits', digits] : ['text', written];
  if (given === undefined) return undefined;
  if (of.classes === 0) {
    throw new UsageError(
      `--${flag} is ${show(given)}, but this network has no classes. Leave it out, or use a model of --recipe digits.`,
    );
  }
  return written === undefined ? labelsOfDigits(given, of.classes) : labelsOfText(written, of);
}

function labelsOfDigits(given: string, classes: number): number[] {
  const parts = given.includes(',') ? given.split(',') : [...given];
  const digits = parts.map(wholeIn);
  if (digits.every((digit) => digit < classes)) return digits;
  throw new UsageError(
    `--digits is ${show(given)}; this network knows 0 to ${classes - 1}, such as ${classes > 10 ? '3,14' : '314'}.`,
  );
}

function labelsOfText(given: string, of: Classes): number[] {
  const { labels, problem } = labelsIn(given, of);
  if (labels && labels.length > 0) return labels;
  throw new UsageError(
    `--text is ${show(given)}. ${problem ?? `Write what to make, such as ${exampleText(of)}.`}`,
  );
}
