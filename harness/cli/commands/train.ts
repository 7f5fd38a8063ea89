/** `train`: runs a recipe from end to end. */

import { type Context, defineCommand } from '../args';
import { Preparations } from '../kernel_flags';
import { nodeEngine } from '../node_engine';
import { ProgressLine } from '../progress';
import { CHECKPOINT, MODEL, RunFolder } from '../run_folder';
import { summaries } from '../summaries';
import { flags, planRun, SAVE_SECONDS, type TrainFlags } from '../train_plan';
import { Training } from '../training';

export const train = defineCommand({
  name: 'train',
  summary: summaries.train,
  usage: '--out DIR [flags]',
  flags,
  notes: `Writes losses.csv, epochs.csv, loss.svg, corruption.png, predictions.png, samples-5-steps.png, samples-50-steps.png,
${MODEL}, ${CHECKPOINT} and run.json. With --recipe digits samples.png (a column for each digit),
trajectory.png (how noise becomes a digit) and history.gif (the samples over the run; after --resume, those since
then) in place of the last two pictures; with --holdout the held-out losses in epochs.csv and loss-by-noise-level.svg.
The checkpoint is saved after the first step, after each epoch, every ${SAVE_SECONDS} seconds (--checkpoint-every), at Ctrl-C and
when the terminal is closed; a second Ctrl-C quits at once.`,
  run: runTrain,
});

async function runTrain(given: TrainFlags, { signal }: Context): Promise<number> {
  const folder = await RunFolder.of(given);
  const progress = new ProgressLine();
  const reading = (done: number, total: number) =>
    progress.update({ done, total, text: `reading pictures: ${done} of ${total}` });
  const order = await planRun(given, folder, signal, reading).finally(() => progress.clear());
  await folder.open();
  try {
    const preparations = new Preparations(progress);
    const engine = await nodeEngine({ ...order.kernels, ...preparations.handlers });
    const begun = order.begin(engine.adapter.software);
    const training = new Training(engine, { ...order, ...begun, folder, progress, preparations });
    await training.prepare();
    await training.train(signal);
    await training.finish(signal);
    return 0;
  } finally {
    folder.close();
  }
}
