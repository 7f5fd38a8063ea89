/** Measures the whole network: a training step, a forward pass, a sampling step; as a whole and op by op. */
import type { Engine } from '../../src/engine';
import { Program } from '../../src/gpu/program';
import { convFlops } from '../../src/kernels/conv2d';
import type { ConvShape } from '../../src/plan/conv_shape';
import type { Op } from '../../src/plan/op';
import { padBatch, type Tensor, tensor } from '../../src/plan/tensor';
import { type Recipe, recipeAt } from '../../src/recipes';
import type { Layer } from '../../src/unet/config';
import { predictionPass } from '../../src/unet/forward';
import type { UNet } from '../../src/unet/unet';
import { chooser, type Variants } from '../../src/unet/variants';
import { configOf, type NetworkChoice } from '../run/network';
import { Random } from '../specs/lib/spec';
import { convInsideFlops, passesOfStep, sumOverLayers } from './inside';
import { type BenchTotal, type Breakdown, breakdownOf, type OpTime, type TotalName } from './result';
import { hasRivals, wholeDispatches } from './rows';
import { summary, type Times } from './statistics';
import type { Timer, TimerKind } from './timer';

/** Work of the network on a batch, ready to run any number of times. The caller that opens it destroys it. */
interface Work {
  readonly batch: number;
  readonly layers: readonly Layer[];
  /** How often each layer's convolution is computed; each of its gradients counts as one. */
  readonly passes: (layer: number) => number;
  /** The ops in order, and the buffers that they need from outside. */
  readonly ops: readonly Op[];
  readonly boundBuffers: ReadonlyMap<Tensor, GPUBuffer>;
  readonly timer: TimerKind;
  /** Runs once. */
  one(): Promise<unknown>;
  /** Milliseconds of one run, from samples over about `seconds`. */
  measure(seconds: number, signal?: AbortSignal): Promise<Times>;
  destroy(): void;
}

/**
 * Opens a recipe's network, as it is trained and sampled, for `size` x `size` images, and runs it once. `variants`: of a training step;
 * default: the engine chooses. Throws `limit` if the device is too small.
 */
export async function openWork(
  engine: Engine,
  name: TotalName,
  size: number,
  batch: number,
  timer: Timer,
  network: NetworkChoice = {},
  variants?: Variants,
): Promise<Work & { readonly firstMs: number }> {
  const start = performance.now();
  const unet = await engine.createUNet(configOf(network, { height: size, width: size }), { seed: 1 });
  const recipe = recipeAt(network.recipe ?? 'tutorial', batch);
  const work = await open[name]({ engine, unet, recipe, batch, timer, variants }).catch((error) => {
    unet.destroy();
    throw error;
  });
  try {
    await work.one();
  } catch (error) {
    work.destroy();
    throw error;
  }
  return { ...work, firstMs: performance.now() - start };
}

/** The side of a recipe's own images, which are squares. */
export const ownSize = (network?: NetworkChoice): number => configOf(network).height;

interface Timed {
  readonly engine: Engine;
  readonly unet: UNet;
  readonly recipe: Recipe;
  readonly batch: number;
  readonly timer: Timer;
  readonly variants: Variants | undefined;
}

type Open = (place: Timed) => Promise<Work>;

const open: Record<TotalName, Open> = {
  /** From the caller's batch on the GPU to the updated weights. */
  async step({ engine, unet, recipe, batch, variants }) {
    const { noiseLevel = false, classes = 0 } = unet.config.conditioning ?? {};
    const conditions = [...(noiseLevel ? ['levels'] : []), ...(classes > 0 ? ['labels'] : [])];
    const buffers = await randomImages(engine, unet, ['noisy', 'target'], batch, conditions);
    const [noisy, target, ...others] = buffers;
    const images = { noisy, target, ...Object.fromEntries(conditions.map((name, i) => [name, others[i]])) };
    const release = () => {
      for (const buffer of buffers) buffer.destroy();
    };
    const trainer = await engine.createTrainer(unet, { ...recipe.trainer, variants }).catch((error) => {
      release();
      throw error;
    });
    const { load, gradients, update } = trainer.plan;
    const one = () => trainer.step(images);
    return {
      batch,
      layers: unet.weights.plan.layers,
      passes: passesOfStep,
      ops: [...load, ...gradients, ...update],
      boundBuffers: trainer.boundBuffers,
      timer: 'wall clock',
      one,
      // Uses as many submissions as suit the adapter, and the host's clock, as a user's own measurement would.
      measure: (seconds, signal) =>
        measureSubmissions(engine, seconds, signal, {
          one,
          encode: (encoder) => trainer.encodeStep(encoder, images),
        }),
      destroy() {
        trainer.destroy();
        unet.destroy();
        release();
      },
    };
  },

  /** One forward pass, from activations to activations, in the kernels' layout. */
  async forward({ engine, unet, batch, timer }) {
    const { layers } = unet.weights.plan;
    const place = { layers, batch: padBatch(batch), training: false };
    const { variants } = await engine.chooser.choose(place);
    const [buffer] = await randomImages(engine, unet, ['input'], padBatch(batch));
    const input = tensor('input', buffer.size / 4);
    const output = tensor('output', buffer.size / 4);
    const conditions = {
      levels: tensor('noise levels', padBatch(batch)),
      classes: tensor('classes', padBatch(batch)),
    };
    const { ops } = predictionPass(
      unet.weights.plan,
      padBatch(batch),
      input,
      output,
      conditions,
      chooser(variants),
    );
    const boundBuffers = new Map([...unet.weights.boundBuffers, [input, buffer] as const]);
    const program = await Program.compile(
      engine.gpu,
      'bench forward',
      ops,
      boundBuffers,
      wholeDispatches,
    ).catch((error) => {
      buffer.destroy();
      throw error;
    });
    return {
      batch,
      layers: unet.weights.plan.layers,
      passes: () => 1,
      ops,
      boundBuffers,
      timer: timer.kind,
      one: () => timer.once((pass) => program.encode(pass)),
      measure: (seconds, signal) => timer.measure((pass) => program.encode(pass), seconds, signal),
      destroy() {
        program.destroy();
        unet.destroy();
        buffer.destroy();
      },
    };
  },

  /** One sampling step: forward pass, with guidance of each image twice, the update of x, and the images in the caller's layout. */
  async sample({ engine, unet, recipe, batch }) {
    const [images] = await randomImages(engine, unet, ['images'], batch);
    const sampler = await engine.createSampler(unet, { count: batch }).catch((error) => {
      images.destroy();
      throw error;
    });
    const labels = unet.config.conditioning?.classes ? { labels: new Uint8Array(batch) } : {};
    const options = { ...recipe.sampling, ...labels, steps: 1 };
    const encode = (encoder: GPUCommandEncoder) => sampler.encodeRun(encoder, images, options);
    const one = async () => {
      const encoder = engine.device.createCommandEncoder({ label: 'bench' });
      encode(encoder);
      await engine.gpu.submit(encoder);
    };
    return {
      batch,
      layers: unet.weights.plan.layers,
      passes: () => sampler.parts.networkBatch / sampler.parts.batch,
      ops: sampler.parts.ops,
      boundBuffers: sampler.parts.boundBuffers,
      timer: 'wall clock',
      one,
      measure: (seconds, signal) => measureSubmissions(engine, seconds, signal, { one, encode }),
      destroy() {
        sampler.destroy();
        unet.destroy();
        images.destroy();
      },
    };
  },
};

export async function measureWork(
  work: Work & { readonly firstMs: number },
  seconds: number,
  signal?: AbortSignal,
): Promise<BenchTotal> {
  const { batch, timer, ops, firstMs } = work;
  const ms = await work.measure(seconds, signal);
  const gflops = (of: (shape: ConvShape) => number) =>
    sumOverLayers(work.layers, batch, work.passes, of) / ms.median / 1e6;
  return {
    batch,
    ms,
    imagesPerSecond: (batch / ms.median) * 1000,
    gflops: gflops(convFlops),
    insideGflops: gflops(convInsideFlops),
    timer,
    variants: variantsOf(ops),
    firstMs,
  };
}

/** The variant of each op whose kernel has several. */
const variantsOf = (ops: readonly Op[]): Variants =>
  Object.fromEntries(
    ops
      .filter(({ kernel }) => hasRivals(kernel))
      .map(({ kernel, layer, variant }) => [`${kernel}/${layer}`, variant]),
  );

/** Measures each op of `total`, for about `seconds` in all. */
export async function breakDown(
  engine: Engine,
  { ops, boundBuffers }: Work,
  total: BenchTotal,
  timer: Timer,
  seconds: number,
  signal?: AbortSignal,
): Promise<Breakdown> {
  const program = await Program.compile(engine.gpu, 'bench breakdown', ops, boundBuffers, wholeDispatches);
  try {
    const times: OpTime[] = [];
    // An uncut dispatch is one part.
    let from = 0;
    for (const { kernel, variant, layer, calls } of ops) {
      const to = from + calls.length;
      const first = from;
      const encode = (pass: GPUComputePassEncoder) => program.encode(pass, first, to);
      const ms = await timer.measure(encode, seconds / ops.length, signal);
      times.push({ kernel, variant, layer, ms });
      from = to;
    }
    return breakdownOf(times, total);
  } finally {
    program.destroy();
  }
}

/** Measures by the wall clock; short work runs several times in one submission, so that the cost of submitting does not count. */
async function measureSubmissions(
  engine: Engine,
  seconds: number,
  signal: AbortSignal | undefined,
  work: { readonly one: () => Promise<unknown>; readonly encode: (encoder: GPUCommandEncoder) => void },
): Promise<Times> {
  const clock = async (run: () => Promise<unknown>) => {
    signal?.throwIfAborted();
    const start = performance.now();
    await run();
    return performance.now() - start;
  };
  const start = performance.now();
  const single = await clock(work.one);
  const repeats = Math.min(Math.max(Math.round(100 / single), 1), 64);
  const many = async () => {
    const encoder = engine.device.createCommandEncoder({ label: 'bench' });
    for (let i = 0; i < repeats; i++) work.encode(encoder);
    await engine.gpu.submit(encoder);
  };
  const samples: number[] = [];
  while (samples.length < 3 || (samples.length < 50 && performance.now() - start < seconds * 1000)) {
    samples.push((await clock(repeats > 1 ? many : work.one)) / repeats);
  }
  return summary(samples);
}

/** Images, and for each of `conditions` a buffer of a 0 for each image: any noise level or class takes the same time. */
async function randomImages(
  engine: Engine,
  { config: { height, width, channels } }: UNet,
  labels: readonly string[],
  count: number,
  conditions: readonly string[] = [],
): Promise<GPUBuffer[]> {
  const elements = count * height * width * channels;
  // Check before the host generates the data.
  engine.gpu.checkBufferSize('the images', elements * 4);
  const values = new Random(3).floats(elements, 0, 1) as Float32Array<ArrayBuffer>;
  const request = (bytes: number) => (label: string) => ({ label: `bench ${label}`, bytes });
  const buffers = await engine.gpu.createBuffers([
    ...labels.map(request(values.byteLength)),
    ...conditions.map(request(4 * count)),
  ]);
  for (const buffer of buffers.slice(0, labels.length)) engine.device.queue.writeBuffer(buffer, 0, values);
  return buffers;
}
