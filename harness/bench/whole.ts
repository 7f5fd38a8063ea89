/** Opens the tasks of the whole network: a training step, a forward pass, a sampling step. */
import type { Engine } from '../../src/engine';
import type { Op } from '../../src/plan/op';
import { type Recipe, recipeAt } from '../../src/recipes';
import type { UNet } from '../../src/unet/unet';
import { type NetworkChoice, toConfig } from '../run/network';
import { TestRandom } from '../specs/lib/spec';
import type { RowPlace, Whole } from './result';
import { clocked, sampled, type Times } from './timer';

/** How long all samples of a task take, about. */
const SECONDS = 1;

interface Task {
  /** Holds its memory. */
  readonly runner: Disposable;
  readonly ops: readonly Op[];
  readonly encode: (encoder: GPUCommandEncoder) => void;
  /** Runs once, with as many submissions as suit the adapter. Default: encodes and submits. */
  readonly one?: () => Promise<unknown>;
}

/** Gives `use` a task of a recipe's network, as it is trained and sampled. Throws `limit` if the device is too small. */
export async function withTask<T>(
  engine: Engine,
  name: Whole,
  network: NetworkChoice | undefined,
  { size, batch: count }: RowPlace,
  use: (ops: readonly Op[], time: (signal?: AbortSignal) => Promise<Times>) => Promise<T>,
): Promise<T> {
  using unet = await engine.createUNet(toConfig(network, { height: size, width: size }), { seed: 1 });
  const recipe = recipeAt(network?.recipe ?? 'tutorial', count);
  const batch = await batchOf(engine, unet, count);
  try {
    const { runner, ops, encode, one } = await open[name](engine, unet, batch, { recipe, count });
    using _ = runner;
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
    for (const buffer of Object.values(batch)) buffer.destroy();
  }
}

type Batch = Record<'noisy' | 'target', GPUBuffer> & Partial<Record<'levels' | 'labels', GPUBuffer>>;
type Open = (
  engine: Engine,
  unet: UNet,
  batch: Batch,
  about: { recipe: Recipe; count: number },
) => Promise<Task>;

const open: Record<Whole, Open> = {
  /** From the caller's batch on the GPU to the updated weights. */
  async step(engine, unet, batch, { recipe }) {
    const runner = await engine.createTrainer(unet, recipe.trainer);
    const { load, gradients, update } = runner.plan;
    const ops = [...load, ...gradients, ...update];
    return {
      runner: runner,
      ops,
      encode: (encoder) => runner.encodeStep(encoder, batch),
      one: () => runner.step(batch),
    };
  },

  /** From the caller's images on the GPU to predictions there. */
  async forward(engine, unet, { noisy, target, ...conditions }, { count }) {
    const runner = await engine.createPredictor(unet, { count });
    return {
      runner: runner,
      ops: runner.ops,
      encode: (encoder) => runner.encode(encoder, noisy, target, conditions),
    };
  },

  /** Forward pass, with guidance of each image twice, the update of x, and the images in the caller's layout. */
  async sample(engine, unet, { target, labels }, { recipe, count }) {
    const runner = await engine.createSampler(unet, { count });
    const options = { ...recipe.sampling, ...(labels && { labels: new Uint8Array(count) }), steps: 1 };
    return {
      runner: runner,
      ops: runner.parts.ops,
      encode: (encoder) => runner.encodeRun(encoder, target, options),
    };
  },
};

/** Random images, and conditions of zeros: any noise level or class takes the same time. */
async function batchOf({ gpu, device }: Engine, { config }: UNet, count: number): Promise<Batch> {
  const { height, width, channels, conditioning } = config;
  const { noiseLevel = false, classes = 0 } = conditioning ?? {};
  const elements = count * height * width * channels;
  // Before the host generates the data.
  gpu.checkBufferSize('the images', 4 * elements);
  const names = ['noisy', 'target', ...(noiseLevel ? ['levels'] : []), ...(classes > 0 ? ['labels'] : [])];
  const bytes = (i: number) => 4 * (i < 2 ? elements : count);
  const buffers = await gpu.createBuffers(names.map((label, i) => ({ label, bytes: bytes(i) })));
  const values = new TestRandom(3).floats(elements, 0, 1) as Float32Array<ArrayBuffer>;
  for (const images of buffers.slice(0, 2)) device.queue.writeBuffer(images, 0, values);
  return Object.fromEntries(names.map((name, i) => [name, buffers[i]])) as Batch;
}
