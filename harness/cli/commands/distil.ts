/** `distil`: teaches a copy of a model to make its samples in one or two network calls. */
import { existsSync } from 'node:fs';
import { rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Distiller } from '../../../src/distilling/distiller';
import type { DistillerConfig } from '../../../src/distilling/options';
import type { Engine } from '../../../src/engine';
import { samplingFor } from '../../../src/recipes';
import type { Sampling } from '../../../src/unet/sampling';
import type { UNet } from '../../../src/unet/unet';
import type { Model } from '../../../src/weights/model';
import { saveModel } from '../../../src/weights/save_model';
import { createQualityMeter } from '../../quality/quality';
import { csv, nineDigits } from '../../run/losses';
import { adapterText } from '../../text/adapter_text';
import { duration, plural, whole } from '../../text/units';
import { defineCommand, type Given, integer, number, oneOf, text, toggle, UsageError } from '../args';
import { classSheet } from '../digit_pictures';
import { checkApart, prepareFolder, writeWhole } from '../files';
import { kernelChoice, kernelFlags, Preparations } from '../kernel_flags';
import { lockFolder } from '../lock';
import { makesDigits, measureQuality, type QualityRun, qualityLine } from '../measure_quality';
import { modelFlag, readModel } from '../model_flag';
import { networkSummary } from '../network_flags';
import { nodeEngine } from '../node_engine';
import { encodePng } from '../png';
import { ProgressLine } from '../progress';
import { CHECKPOINT, checkNoModel, MODEL } from '../run_folder';
import { samplingText } from '../sampling_flags';
import { summaries } from '../summaries';
import { versions } from '../versions';

/** The teacher's sampling when its quality is measured. */
const TEACHER = { method: 'euler', steps: 20 } as const;

const flags = {
  model: modelFlag,
  calls: oneOf('network calls of a sample afterwards: two are sharper, one is faster', '1', '2'),
  out: text('DIR', 'folder of the files'),
  seed: integer('N', 'fixes noise, batches and samples (default 123)', 0, 0xffffffff),
  noises: integer('N', 'trajectories of the model to learn from (default 4000)', 1, 2 ** 31 - 1),
  steps: integer('N', 'training steps of 128 images (default 200)', 1, 100_000),
  guidance: number(
    'X',
    "the model's guidance, which is learned with it (default: as the model\nis sampled)",
    0,
    100,
  ),
  quality: integer(
    'N',
    'samples of model and copy to measure their quality with; 0: none\n(default 1000)',
    0,
    100_000,
  ),
  f16: toggle('store the weights in half the bytes, rounded to 11 bits'),
  overwrite: toggle('replace the distilled model that is in DIR already'),
  ...kernelFlags,
};
type DistilFlags = Given<typeof flags>;

export const distil = defineCommand({
  name: 'distil',
  summary: summaries.distil,
  usage: '--calls 1|2 --out DIR [flags]',
  flags,
  notes: `Writes ${MODEL}, losses.csv, samples.png (a column for each class) and run.json. It cannot be resumed: Ctrl-C
leaves nothing, or a model whose quality is not measured. The model says that it is distilled: sample and evaluate take
as many steps as it has calls.`,
  async run(given, { signal }) {
    const { out, calls } = given;
    if (!calls) throw new UsageError('distil needs --calls 1 or --calls 2: the network calls of a sample.');
    if (!out) throw new UsageError('distil needs --out DIR: the folder for the model and its samples.');
    checkApart({ model: given.model, out: join(out, MODEL) });
    checkFree(out, given.overwrite);
    const kernels = await kernelChoice(given);
    const model = await readModel(given.model, signal);
    checkTeacherModel(model);
    const isNew = !existsSync(out);
    await prepareFolder(out);
    const lock = await lockFolder(out);
    try {
      checkFree(out, given.overwrite);
      const progress = new ProgressLine();
      const preparations = new Preparations(progress);
      const engine = await nodeEngine({ ...kernels, ...preparations.handlers });
      const write = async (name: string, content: string | Uint8Array) => {
        lock.check();
        await writeWhole(join(out, name), content);
      };
      await distilModel(
        engine,
        model,
        { ...given, out, calls: calls === '1' ? 1 : 2 },
        { progress, signal, write },
      );
      engine.destroy();
      return 0;
    } finally {
      lock.release();
      // A folder with files in it stays.
      if (isNew) await rmdir(out).catch(() => {});
    }
  },
});

interface Run {
  readonly progress: ProgressLine;
  readonly signal: AbortSignal;
  readonly write: (name: string, content: string | Uint8Array) => Promise<void>;
}

/** Distils the model, writes the files, and prints the results. */
async function distilModel(
  engine: Engine,
  model: Model,
  given: Omit<DistilFlags, 'calls'> & { readonly out: string; readonly calls: 1 | 2 },
  { progress, signal, write }: Run,
): Promise<void> {
  const { out, calls, seed = 123, noises, steps, guidance, quality: count = 1000 } = given;
  const started = new Date();
  const { config, objective } = model;
  const teacher = await engine.createUNet(config, { sampling: samplingFor(model) });
  await teacher.setParameters(model.parameters);
  const distiller = await engine.createDistiller(teacher, { calls, seed, noises, steps, guidance });
  const { config: settings } = distiller;
  progress.print(`Adapter   ${adapterText(engine.adapter)}`);
  progress.print(`Network   ${networkSummary(config)}`);
  progress.print(`Distils   ${planText(settings)}`);
  progress.print();
  const begun = performance.now();
  const losses = await learn(distiller, progress, signal);
  const seconds = (performance.now() - begun) / 1000;
  const student = distiller.student!;
  const dtype = given.f16 ? 'F16' : 'F32';
  await write(MODEL, await saveModel(student, { objective, dtype, data: model.data }));
  const rows = losses.map((loss, i) => [i + 1, nineDigits(loss)]);
  await write('losses.csv', csv(['step', 'loss'], rows));
  // Few calls, which no Ctrl-C ends: the folder would have a model without its pictures, or with an earlier model's.
  await write('samples.png', encodePng(await classSheet(engine, student, { seed })));
  const writeReport = (quality?: object) => {
    const report = {
      settings,
      teacher: { model: given.model ?? 'digits', fingerprint: student.teacher },
      adapter: engine.adapter,
      versions: versions(),
      parameters: student.parameterCount,
      ...(quality ? { quality: { count, ...quality } } : {}),
      timings: { started: started.toISOString(), finished: new Date().toISOString(), seconds },
    };
    return write('run.json', `${JSON.stringify(report, null, 2)}\n`);
  };
  await writeReport();
  progress.print(
    `Distilled in ${duration(seconds)}: loss ${losses[0].toFixed(4)} in the first step, ${losses.at(-1)!.toFixed(4)} in the last.`,
  );
  progress.print(`Wrote in ${out}: ${MODEL}, losses.csv, samples.png, run.json.`);
  if (count >= 6 && makesDigits(config))
    await writeReport(await measureBoth(engine, distiller, { count, seed, signal }, progress));
}

/** Throws unless the folder is free for a model. */
function checkFree(out: string, overwrite = false): void {
  if (existsSync(join(out, CHECKPOINT))) {
    throw new UsageError(
      `There is a run in ${out}, whose model would be replaced. Give another folder with --out.`,
    );
  }
  if (!overwrite) checkNoModel(out);
}

/** Throws for a model that has no trajectories to learn from. */
function checkTeacherModel({ config, objective, sampling }: Model): void {
  if (sampling?.calls !== undefined) {
    throw new UsageError(
      `This model is itself distilled, to ${plural(sampling.calls, 'call')}. Give the one that it was distilled from.`,
    );
  }
  if (objective === 'flow' && config.conditioning?.noiseLevel) return;
  throw new UsageError(
    `This model is of ${networkSummary(config)}, trained as in the tutorial; distil needs one that follows a flow, of --recipe digits, say.`,
  );
}

/** The lines that `distil` prints before it begins. */
function planText({ calls, noises, steps, batchSize, guidance, seed }: DistillerConfig): string {
  return `to ${plural(calls, 'call')}: trajectories from ${plural(noises, 'noise')} at guidance ${guidance}, then ${plural(steps, 'step')} of ${plural(batchSize, 'image')}; seed ${seed}`;
}

/** Runs the distiller to its end; returns the losses. */
async function learn(distiller: Distiller, progress: ProgressLine, signal: AbortSignal): Promise<number[]> {
  const { noises, steps } = distiller.config;
  const losses: number[] = [];
  const start = performance.now();
  try {
    for await (const { trajectories, step, loss, done } of distiller.run({ signal })) {
      if (loss !== undefined) losses.push(loss);
      progress.update({
        done,
        total: 1,
        text:
          loss === undefined
            ? `trajectory ${whole(trajectories)} of ${whole(noises)}`
            : `step ${step} of ${steps}  loss ${loss.toFixed(4)}`,
        secondsLeft: done > 0 ? ((performance.now() - start) / 1000) * (1 / done - 1) : undefined,
      });
    }
  } catch (error) {
    if (signal.aborted) progress.print('Stopped; nothing was written.');
    throw error;
  } finally {
    progress.clear();
  }
  return losses;
}

/** Measures the digits of teacher and student, from the same noise, and prints how good they are. */
async function measureBoth(
  engine: Engine,
  { teacher, student, config: settings }: Distiller,
  run: Pick<QualityRun, 'count' | 'seed' | 'signal'>,
  progress: ProgressLine,
) {
  const { count, signal } = run;
  const meter = await createQualityMeter({ signal });
  const measure = async (
    name: string,
    unet: UNet,
    sampling: Pick<Sampling, 'method' | 'steps' | 'guidance'>,
  ) => {
    const onImages = (done: number) =>
      progress.update({ done, total: count, text: `quality: ${done} of ${count} samples of the ${name}` });
    const measured = await measureQuality(engine, unet, { ...run, sampling, onImages }, meter);
    progress.print(`The ${name}, ${samplingText(sampling)}: ${qualityLine(measured)}.`);
    return { sampling, ...measured };
  };
  const { method, steps, guidance } = student!.sampling!;
  return {
    teacher: await measure('model', teacher, { ...TEACHER, guidance: settings.guidance }),
    student: await measure('copy', student!, { method, steps, guidance }),
  };
}
