/** Measures the whole network: a training step, a forward pass, a sampling step; and the step op by op. */
import type { Engine } from '../../src/engine';
import type { Op } from '../../src/plan/op';
import type { Tensor } from '../../src/plan/tensor';
import { type Recipe, recipeAt } from '../../src/recipes';
import type { UNet } from '../../src/unet/unet';
import type { Variants } from '../../src/unet/variants';
import type { CaseResult } from '../run/check';
import { configOf } from '../run/network';
import { Random } from '../specs/lib/spec';
import { shapeText } from '../text/shape_text';
import { figuresOf, type Peak, type Row, type Whole } from './result';
import { hasRivals, type Place, shapeOf } from './rows';
import { opTimes } from './time_ops';
import { clocked, sampled, type Timer, type Times } from './timer';

/** A task of the network on a batch, ready to run any number of times. The caller that opens it destroys it. */
export interface Task {
  readonly ops: readonly Op[];
  readonly encode: (encoder: GPUCommandEncoder) => void;
  /** Runs once, with as many submissions as suit the adapter. Default: encodes and submits. */
  readonly one?: () => Promise<unknown>;
  /** The buffers that a step's ops need from outside. */
  readonly boundBuffers?: ReadonlyMap<Tensor, GPUBuffer>;
  readonly openMs: number;
  readonly destroy: () => void;
}

interface Opening {
  readonly engine: Engine;
  readonly unet: UNet;
  readonly recipe: Recipe;
  readonly batch: number;
  readonly variants: Variants | undefined;
  /** Notes what is to be destroyed with the task. */
  readonly own: <T extends { destroy(): void }>(made: T) => T;
}

/** Opens a recipe's network, as it is trained and sampled. `variants`: of a training step; default: the engine chooses. Throws `limit` if the device is too small. */
export async function openTask(
  engine: Engine,
  name: Whole,
  { network, size, batch }: Place,
  variants?: Variants,
): Promise<Task> {
  const start = performance.now();
  const owned: { destroy(): void }[] = [];
  const own: Opening['own'] = (made) => {
    owned.unshift(made);
    return made;
  };
  const destroy = () => {
    for (const made of owned) made.destroy();
  };
  try {
    const config = configOf(network, { height: size, width: size });
    const unet = own(await engine.createUNet(config, { seed: 1 }));
    const recipe = recipeAt(network?.recipe ?? 'tutorial', batch);
    const task = await open[name]({ engine, unet, recipe, batch, variants, own });
    return { ...task, openMs: performance.now() - start, destroy };
  } catch (error) {
    destroy();
    throw error;
  }
}

const open: Record<Whole, (opening: Opening) => Promise<Omit<Task, 'openMs' | 'destroy'>>> = {
  /** From the caller's batch on the GPU to the updated weights. */
  async step(opening) {
    const { unet, recipe, variants, own } = opening;
    const batch = {
      ...{ noisy: await imagesOf(opening), target: await imagesOf(opening) },
      ...(await conditionsOf(opening)),
    };
    const trainer = own(await opening.engine.createTrainer(unet, { ...recipe.trainer, variants }));
    const { load, gradients, update } = trainer.plan;
    return {
      ops: [...load, ...gradients, ...update],
      boundBuffers: trainer.boundBuffers,
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

interface Measuring {
  readonly engine: Engine;
  readonly peak: Peak;
  readonly seconds: number;
  readonly signal?: AbortSignal | undefined;
}

/** Times a task that passed its check. */
export async function measureWhole(
  { engine, peak, seconds, signal }: Measuring,
  kernel: Whole,
  { size, batch }: Place,
  task: Task,
  check?: CaseResult,
): Promise<Row> {
  const row: Row = { part: 'whole', kernel, variant: '', layer: '', batch, size, ...(check && { check }) };
  if (check?.pass === false) return row;
  const { firstMs, ...ms } = await timeTask(engine, task, seconds, signal);
  const rivals = task.ops.filter((op) => hasRivals(op.kernel));
  const variants = Object.fromEntries(rivals.map((op) => [`${op.kernel}/${op.layer}`, op.variant]));
  return {
    ...{ ...row, ms, firstMs: task.openMs + firstMs, variants },
    ...figuresOf(task.ops.map(workOf), ms.median, peak),
  };
}

/** By the host's clock, as a user's own measurement would; short work runs several times in a submission, so that submitting does not count. */
async function timeTask(
  engine: Engine,
  { encode, one }: Task,
  seconds: number,
  signal?: AbortSignal,
): Promise<Times & { firstMs: number }> {
  const times = async (repeats: number) => {
    const encoder = engine.device.createCommandEncoder({ label: 'bench' });
    for (let i = 0; i < repeats; i++) encode(encoder);
    await engine.gpu.submit(encoder);
  };
  const single = () => clocked(one ?? (() => times(1)));
  const firstMs = await single();
  const repeats = Math.min(Math.max(Math.round(100 / (await single())), 1), 64);
  const sample = repeats > 1 ? async () => (await clocked(() => times(repeats))) / repeats : single;
  return { firstMs, ...(await sampled(sample, seconds, signal)) };
}

export const workOf = (op: Op) => ({ kernel: op.kernel, cost: op.cost, shape: shapeOf(op) });

/** A row for each op of a step, timed in the step's own buffers if it passed its check. */
export async function* measureOps(
  { engine, peak, timer, seconds, signal }: Measuring & { readonly timer: Timer },
  { size, batch }: Place,
  { ops, boundBuffers = new Map() }: Task,
  checked: ReadonlyMap<Op, CaseResult>,
): AsyncGenerator<Row, void, undefined> {
  const rowOf = (op: Op): Row => ({
    ...{ part: 'op', kernel: op.kernel, variant: op.variant, layer: op.layer, batch, size },
    ...{ check: checked.get(op)!, shape: shapeText(shapeOf(op)), shaders: shadersOf([op]) },
  });
  const isRight = (op: Op) => checked.get(op)!.pass;
  for (const op of ops) if (!isRight(op)) yield rowOf(op);
  const right = ops.filter(isRight);
  for await (const { index, ms } of opTimes(engine.gpu, right, boundBuffers, { timer, seconds, signal })) {
    const op = right[index];
    yield { ...rowOf(op), ms, ...figuresOf([workOf(op)], ms.median, peak) };
  }
}

/** Names of the shaders that run. */
export const shadersOf = (ops: readonly Op[]): string[] => [
  ...new Set(ops.flatMap(({ calls }) => calls.map(({ shader }) => shader.name))),
];
