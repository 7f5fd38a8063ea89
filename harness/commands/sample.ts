/** `sample`: images out of noise, with a trained model. */
import { loadModel } from '../../src/weights/checkpoint';
import { defineCommand, integer, text, toggle, UsageError } from '../args';
import { prepareFile, readWhole, writeWhole } from '../files';
import { kernelChoice, kernelFlags, Preparations } from '../kernel_flags';
import { describeNetwork } from '../network_flags';
import { adapterLine, nodeEngine } from '../node_engine';
import { grid } from '../pictures';
import { encodePng } from '../png';
import { duration, Progress } from '../progress';
import { historyGrid, sampleHistory, sampleImages } from '../run_pictures';

export const sample = defineCommand({
  name: 'sample',
  summary: 'Makes images from noise with a trained model, and writes them as one PNG.',
  usage: '--model FILE --out FILE.png [flags]',
  flags: {
    model: text('FILE', 'model.safetensors or checkpoint.safetensors of a run'),
    out: text('FILE.png', 'the picture to write'),
    count: integer('N', 'how many images (default 64; 8 with --history)', 1, 4096),
    steps: integer('N', 'sampling steps (default 50)', 1, 1000),
    seed: integer('N', 'fixes the noise that the images start from (default 123)', 0, 0xffffffff),
    history: toggle('a row for each step: x before it on the left, its prediction on the right'),
    ...kernelFlags,
  },
  async run(given, { signal }) {
    const { model, out, steps = 50, seed = 123, history = false } = given;
    if (!model) throw new UsageError('sample needs --model FILE: the model.safetensors of a training run.');
    if (!out) throw new UsageError('sample needs --out FILE.png: where the picture goes.');
    if (!out.toLowerCase().endsWith('.png')) throw new UsageError(`--out is ${out}; it must end in .png.`);
    const count = given.count ?? (history ? 8 : 64);

    const kernels = await kernelChoice(given);
    const { config, parameters } = loadModel(await readWhole(model), model);
    await prepareFile(out);
    const start = performance.now();
    const progress = new Progress();
    const preparations = new Preparations(progress);
    const engine = await nodeEngine({ ...kernels, onProgress: preparations.onProgress });
    const unet = await engine.createUNet(config);
    await unet.setParameters(parameters);

    progress.print(`Adapter  ${adapterLine(engine)}`);
    progress.print(`Network  ${describeNetwork(config)}`);
    const run = {
      count,
      steps,
      seed,
      signal,
      name: out,
      onStep: (_: string, done: number) =>
        progress.update({ done, total: steps, text: `step ${done} of ${steps}` }),
    };
    const picture = history
      ? historyGrid(await sampleHistory(engine, unet, run), count)
      : grid(await sampleImages(engine, unet, run), Math.ceil(Math.sqrt(count)));
    await writeWhole(out, await encodePng(picture));
    progress.print(`Kernels  ${preparations.origin(engine, kernels.variants !== undefined)}`);
    const seconds = (performance.now() - start) / 1000;
    progress.print(`Wrote ${out}: ${count} images, ${steps} steps, ${duration(seconds)}.`);
    engine.destroy();
    return 0;
  },
});
