/** Opens the tasks of the whole network: a training step, a forward pass, a sampling step. */
import type { Engine } from '../../src/engine';
import type { Op } from '../../src/plan/op';
import { type Recipe, recipeAt } from '../../src/recipes';
import type { UNet } from '../../src/unet/unet';
import { configOf, type NetworkChoice } from '../run/network';
import { Random } from '../specs/lib/spec';
import type { Place, Whole } from './result';
import { clocked, type Sampling, sampled } from './timer';

/** A task of the network on a batch, ready to run any number of times. */
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
  use: (task: Task) => Promise<T>,
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
    return await use(await open[name]({ engine, unet, recipe, batch, own }));
  } finally {
    for (const made of owned) made.destroy();
  }
}

const open: Record<Whole, (opening: Opening) => Promise<Task>> = {
  /** From the caller's batch on the GPU to the updated weights. */
  async step(opening) {
    const batch = {
      ...{ noisy: await imagesOf(opening), target: await imagesOf(opening) },
      ...(await conditionsOf(opening)),
    };
    const { engine, unet, recipe, own } = opening;
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
    const [images, conditions] = [await imagesOf(opening), await conditionsOf(opening)];
    const predictor = own(await engine.createPredictor(unet, { count: batch }));
    return {
      ops: predictor.ops,
      encode: (encoder) => predictor.encode(encoder, images, images, conditions),
    };
  },

  /** Forward pass, with guidance of each image twice, the update of x, and the images in the caller's layout. */
  async sample(opening) {
    const { engine, unet, recipe, batch, own } = opening;
    const images = await imagesOf(opening);
    const sampler = own(await engine.createSampler(unet, { count: batch }));
    const labels = unet.config.conditioning?.classes ? { labels: new Uint8Array(batch) } : {};
    const options = { ...recipe.sampling, ...labels, steps: 1 };
    return { ops: sampler.parts.ops, encode: (encoder) => sampler.encodeRun(encoder, images, options) };
  },
};

async function imagesOf({ engine, unet, batch, own }: Opening): Promise<GPUBuffer> {
  const { height, width, channels } = unet.config;
  const elements = batch * height * width * channels;
  // Before the host generates the data.
  engine.gpu.checkBufferSize('the images', elements * 4);
  const values = new Random(3).floats(elements, 0, 1) as Float32Array<ArrayBuffer>;
  const [buffer] = await engine.gpu.createBuffers([{ label: 'bench images', bytes: values.byteLength }]);
  engine.device.queue.writeBuffer(buffer, 0, values);
  return own(buffer);
}

/** Zeros: any noise level or class takes the same time. */
async function conditionsOf({ engine, unet, batch, own }: Opening): Promise<Record<string, GPUBuffer>> {
  const { noiseLevel = false, classes = 0 } = unet.config.conditioning ?? {};
  const names = [...(noiseLevel ? ['levels'] : []), ...(classes > 0 ? ['labels'] : [])];
  const buffers = await engine.gpu.createBuffers(names.map((label) => ({ label, bytes: 4 * batch })));
  return Object.fromEntries(names.map((name, i) => [name, own(buffers[i])]));
}

/** By the host's clock, as a user's own measurement would; short work runs several times in a submission, so that submitting does not count. */
export function timeTask({ gpu, device }: Engine, { encode, one }: Task, sampling: Sampling) {
  const submit = (repeats: number) => {
    const encoder = device.createCommandEncoder({ label: 'bench' });
    for (let i = 0; i < repeats; i++) encode(encoder);
    return gpu.submit(encoder);
  };
  const once = (repeats: number) => clocked(() => (repeats === 1 && one ? one() : submit(repeats)));
  return sampled(once, { ...sampling, span: 100, most: 64 });
}
