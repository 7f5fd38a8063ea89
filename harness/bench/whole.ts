/** Opens the tasks of the whole network: a training step, a forward pass, a sampling step. */
import type { Engine } from '../../src/engine';
import type { Op } from '../../src/plan/op';
import { type Recipe, recipeAt } from '../../src/recipes';
import type { UNet } from '../../src/unet/unet';
import { configOf, type NetworkChoice } from '../run/network';
import { Random } from '../specs/lib/spec';
import type { Place, Whole } from './result';
import { clocked, sampled, type Times } from './timer';

/** How long all samples of a task take, about. */
const SECONDS = 1;

interface Task {
  readonly ops: readonly Op[];
  readonly encode: (encoder: GPUCommandEncoder) => void;
  /** Runs once, with as many submissions as suit the adapter. Default: encodes and submits. */
  readonly one?: () => Promise<unknown>;
}

interface Opening {
  readonly engine: Engine;
  readonly unet: UNet;
  readonly recipe: Recipe;
  readonly batch: number;
  /** Notes what is to be destroyed with the task. */
  readonly own: <T extends { destroy(): void }>(made: T) => T;
}

/** Gives `use` a task of a recipe's network, as it is trained and sampled. Throws `limit` if the device is too small. */
export async function withTask<T>(
  engine: Engine,
  name: Whole,
  network: NetworkChoice | undefined,
  { size, batch }: Place,
  use: (ops: readonly Op[], time: (signal?: AbortSignal) => Promise<Times>) => Promise<T>,
): Promise<T> {
  const owned: { destroy(): void }[] = [];
  const own: Opening['own'] = (made) => {
    owned.unshift(made);
    return made;
  };
  try {
    const config = configOf(network, { height: size, width: size });
    const unet = own(await engine.createUNet(config, { seed: 1 }));
    const recipe = recipeAt(network?.recipe ?? 'tutorial', batch);
    const { ops, encode, one } = await open[name]({ engine, unet, recipe, batch, own });
    // By the host's clock, as a user's own measurement would.
    const submit = (repeats: number) => {
      const encoder = engine.device.createCommandEncoder({ label: 'bench' });
      for (let i = 0; i < repeats; i++) encode(encoder);
      return engine.gpu.submit(encoder);
    };
    const once = (repeats: number) => clocked(() => (repeats === 1 && one ? one() : submit(repeats)));
    // Short work runs several times in a submission, so that submitting does not count.
    return await use(ops, (signal) => sampled(once, { seconds: SECONDS, signal, span: 100, most: 64 }));
  } finally {
    for (const made of owned) made.destroy();
  }
}

const open: Record<Whole, (opening: Opening) => Promise<Task>> = {
  /** From the caller's batch on the GPU to the updated weights. */
  async step(opening) {
    const { engine, unet, recipe, own } = opening;
    const batch = { ...(await imagesOf(opening)), ...(await conditionsOf(opening)) };
    const trainer = own(await engine.createTrainer(unet, recipe.trainer));
    const { load, gradients, update } = trainer.plan;
    return {
      ops: [...load, ...gradients, ...update],
      encode: (encoder) => trainer.encodeStep(encoder, batch),
      one: () => trainer.step(batch),
    };
  },

  /** From the caller's images on the GPU to predictions there. */
  async forward(opening) {
    const { engine, unet, batch, own } = opening;
    const { noisy, target } = await imagesOf(opening);
    const conditions = await conditionsOf(opening);
    const predictor = own(await engine.createPredictor(unet, { count: batch }));
    return {
      ops: predictor.ops,
      encode: (encoder) => predictor.encode(encoder, noisy, target, conditions),
    };
  },

  /** Forward pass, with guidance of each image twice, the update of x, and the images in the caller's layout. */
  async sample(opening) {
    const { engine, unet, recipe, batch, own } = opening;
    const { target } = await imagesOf(opening);
    const sampler = own(await engine.createSampler(unet, { count: batch }));
    const labels = unet.config.conditioning?.classes ? { labels: new Uint8Array(batch) } : {};
    const options = { ...recipe.sampling, ...labels, steps: 1 };
    return { ops: sampler.parts.ops, encode: (encoder) => sampler.encodeRun(encoder, target, options) };
  },
};

/** Random images in both. */
async function imagesOf({ engine, unet, batch, own }: Opening) {
  const { height, width, channels } = unet.config;
  const elements = batch * height * width * channels;
  const request = { label: 'bench images', bytes: elements * 4 };
  // Before the host generates the data.
  engine.gpu.checkBufferSize('the images', request.bytes);
  const [noisy, target] = (await engine.gpu.createBuffers([request, request])).map(own);
  const values = new Random(3).floats(elements, 0, 1) as Float32Array<ArrayBuffer>;
  for (const buffer of [noisy, target]) engine.device.queue.writeBuffer(buffer, 0, values);
  return { noisy, target };
}

/** Zeros: any noise level or class takes the same time. */
async function conditionsOf({ engine, unet, batch, own }: Opening): Promise<Record<string, GPUBuffer>> {
  const { noiseLevel = false, classes = 0 } = unet.config.conditioning ?? {};
  const names = [...(noiseLevel ? ['levels'] : []), ...(classes > 0 ? ['labels'] : [])];
  const buffers = await engine.gpu.createBuffers(names.map((label) => ({ label, bytes: 4 * batch })));
  return Object.fromEntries(names.map((name, i) => [name, own(buffers[i])]));
}
