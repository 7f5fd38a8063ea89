import { checkInteger, checkNames, EngineError, notImages, whileThere } from '../errors';
import type { Gpu } from '../gpu/gpu';
import { Program } from '../gpu/program';
import { takingTurns } from '../mutex';
import type { Tensor } from '../plan/tensor';
import { checkLabels, checkLevels } from './conditions';
import { checkConfig, outChannelsOf, type Parameter, type UNetConfig } from './config';
import { describe } from './describe';
import { Predictor } from './predictor';
import { initialParameters, planWeights, type WeightPlan } from './weights';

/** Images that one forward pass of `predict` takes at most; more are done in turns. */
const PREDICT_BATCH = 64;

/** What a conditioned network is told about each image. */
export interface Told {
  /** Noise levels, 0 to 1. */
  readonly levels?: Float32Array;
  /** Classes, 0 to `classes` - 1, or `classes` for none. */
  readonly labels?: ArrayLike<number>;
}

/** A network's weights on the GPU, with a forward pass. Created by `engine.createUNet`. */
export class UNet {
  readonly config: UNetConfig;
  /** Name, shape and place of each parameter tensor, in forward order. */
  readonly parameters: readonly Parameter[];
  /** Number of trainable numbers. */
  readonly parameterCount: number;
  /** @internal */
  readonly plan: WeightPlan;
  /** The buffers that the network itself holds. @internal */
  readonly fixed: ReadonlyMap<Tensor, GPUBuffer>;
  private readonly gpu: Gpu;
  private readonly repack: Program;
  private predictor: Predictor | undefined;
  /** All calls of `predict` share one predictor. */
  private readonly inTurn = takingTurns();
  private destroyed = false;
  /** How often the weights have been replaced, by `setParameters` or by a trainer that is gone. */
  private replaced = 0;
  private trainers = 0;

  private constructor(
    gpu: Gpu,
    config: UNetConfig,
    plan: WeightPlan,
    fixed: ReadonlyMap<Tensor, GPUBuffer>,
    repack: Program,
  ) {
    this.gpu = gpu;
    this.config = config;
    this.plan = plan;
    this.parameters = plan.parameters;
    this.parameterCount = plan.parameters.reduce((sum, p) => sum + p.size, 0);
    this.fixed = fixed;
    this.repack = repack;
  }

  /** @internal */
  static async create(
    gpu: Gpu,
    partial: Partial<UNetConfig> = {},
    options: { seed?: number } = {},
  ): Promise<UNet> {
    checkNames('createUNet', options, ['seed']);
    const { seed = 0 } = options;
    checkInteger('seed', seed, 0, 0xffffffff);
    const config = checkConfig(partial);
    const plan = planWeights(config);
    const fixed = await createFixed(gpu, plan);
    let unet: UNet | undefined;
    try {
      const repack = await Program.compile(gpu, 'pack weights', plan.pack, fixed);
      unet = new UNet(gpu, config, plan, fixed, repack);
      await unet.setParameters(initialParameters(unet.parameters, seed));
      return unet;
    } catch (error) {
      unet?.destroy();
      for (const buffer of fixed.values()) buffer.destroy();
      throw error;
    }
  }

  /**
   * Replaces all parameters. Throws an `argument` error that lists unknown, missing and misshapen names; nothing is changed then.
   */
  async setParameters(values: ReadonlyMap<string, Float32Array>): Promise<void> {
    this.check();
    const legal = new Map(this.parameters.map((p) => [p.name, p]));
    const problems = [...values.keys()].filter((name) => !legal.has(name)).map((name) => `unknown ${name}`);
    for (const p of this.parameters) {
      const given = values.get(p.name);
      if (!given) problems.push(`missing ${p.name}`);
      else if (given.length !== p.size) {
        problems.push(`${p.name} has ${given.length} values instead of ${p.size} (${p.shape.join('x')})`);
      }
    }
    if (problems.length > 0) {
      throw new EngineError(
        'argument',
        `These are not this network's parameters: ${problems.slice(0, 8).join('; ')}.`,
      );
    }
    const flat = new Float32Array(this.plan.flat.size);
    for (const p of this.parameters) flat.set(values.get(p.name)!, p.offset);
    // Before: what is submitted from now on reads the new weights. After: what read the state meanwhile may have been submitted earlier.
    this.replaced++;
    this.gpu.device.queue.writeBuffer(this.fixed.get(this.plan.flat)!, 0, flat);
    try {
      await this.whileThere(this.gpu.run([this.repack]));
    } finally {
      this.replaced++;
    }
  }

  /**
   * What made of the weights is still good while this stays the same; undefined while there is a trainer, as its steps may be in command
   * buffers that are submitted any time. @internal
   */
  get weightsState(): number | undefined {
    return this.trainers === 0 ? this.replaced : undefined;
  }

  /** From now on somebody may change the weights on the GPU. @internal */
  trainerComes(): void {
    this.trainers++;
  }

  /** @internal */
  trainerGoes(): void {
    this.trainers--;
    this.replaced++;
  }

  /** Layers, output shapes and parameters as a table, as Keras prints a model. */
  describe(): string {
    return describe(this.config, this.plan);
  }

  /** A copy of all parameters by name; kernels in HWIO order. */
  async getParameters(): Promise<Map<string, Float32Array<ArrayBuffer>>> {
    this.check();
    const { flat } = this.plan;
    return this.split(await this.whileThere(this.gpu.read(this.fixed.get(flat)!, flat.size)));
  }

  /** Throws unless the network is given just what it is told beside images. @internal */
  checkTold(given: { readonly levels?: unknown; readonly labels?: unknown }): void {
    const { noiseLevel = false, classes = 0 } = this.config.conditioning ?? {};
    const what = { levels: 'the noise level of each image', labels: 'the class of each image' };
    const legal = {
      levels: 'numbers from 0 to 1',
      labels: `numbers from 0 to ${classes - 1}, or ${classes} for no class`,
    };
    for (const [name, needed] of [
      ['levels', noiseLevel],
      ['labels', classes > 0],
    ] as const) {
      if ((given[name] !== undefined) === needed) continue;
      throw new EngineError(
        'argument',
        needed
          ? `This UNet is told ${what[name]}, and ${name} are missing. Give ${legal[name]}, one for each image.`
          : `${name} are given, and this UNet is not told ${what[name]}. Leave them out, or create it with conditioning: { noiseLevel: true, classes: 10 }, say.`,
      );
    }
  }

  /** Cuts an array laid out like the flat parameter buffer into named tensors. @internal */
  split(flat: ArrayBuffer): Map<string, Float32Array<ArrayBuffer>> {
    return new Map(this.parameters.map((p) => [p.name, new Float32Array(flat, p.offset * 4, p.size)]));
  }

  /**
   * One forward pass over `count` images: `images` is [count][height][width][channels], and so is the result, with the channels that the
   * network makes. A conditioned network is told the noise `levels` and the class `labels` of the images. Calls at the same time are done
   * one after the other; what is given must stay as it is until then.
   */
  async predict(images: Float32Array, count: number, told: Told = {}): Promise<Float32Array<ArrayBuffer>> {
    this.check();
    if (!(images instanceof Float32Array)) throw notImages('images', images);
    checkInteger('count', count, 1);
    const { height, width, channels } = this.config;
    const size = height * width * channels;
    const resultSize = height * width * outChannelsOf(this.config);
    if (images.length !== count * size) {
      throw new EngineError(
        'argument',
        `predict was given ${images.length} values; ${count} images of ${height}x${width}x${channels} are ${count * size}.`,
      );
    }
    checkNames('predict', told, ['levels', 'labels']);
    const { levels, labels } = told;
    this.checkTold(told);
    if (levels !== undefined) checkLevels(levels, count);
    if (labels !== undefined) checkLabels(labels, this.config.conditioning!.classes, count);
    const classes = labels && Uint32Array.from(labels);
    const inTurn = this.inTurn(async () => {
      this.check();
      const predictor = await this.predictorFor(count);
      const output = new Float32Array(count * resultSize);
      let before: Promise<void> | undefined;
      try {
        for (let done = 0; done < count; done += predictor.count) {
          this.check();
          const end = Math.min(done + predictor.count, count);
          const part = images.subarray(done * size, end * size);
          const previous = before;
          before = predictor
            .run(part, { levels: levels?.subarray(done, end), labels: classes?.subarray(done, end) })
            .then((values) => output.set(values, done * resultSize));
          before.catch(() => {}); // awaited once the next one is submitted
          await previous;
        }
        await before;
      } finally {
        await Promise.allSettled([before]);
      }
      return output;
    });
    return this.whileThere(inTurn);
  }

  private async predictorFor(count: number): Promise<Predictor> {
    const most = Math.min(Math.ceil(count / 4) * 4, PREDICT_BATCH);
    if (this.predictor && this.predictor.count >= most) return this.predictor;
    const predictor = await Predictor.create(this.gpu, this, { count: most });
    this.predictor?.destroy();
    this.predictor = predictor;
    if (this.destroyed) predictor.destroy();
    return predictor;
  }

  /** Bytes of GPU memory that the network holds. */
  get bytes(): number {
    const fixed = [...this.fixed.values()].reduce((sum, b) => sum + b.size, 0);
    return fixed + this.repack.bytes + (this.predictor?.bytes ?? 0);
  }

  private whileThere<T>(work: Promise<T>): Promise<T> {
    return whileThere(() => this.check(), work);
  }

  /** Also that it lies on `device`. @internal */
  check(device = this.gpu.device): void {
    if (this.destroyed) throw new EngineError('destroyed', 'This UNet was destroyed; create a new one.');
    this.gpu.checkAlive();
    if (device !== this.gpu.device) {
      throw new EngineError(
        'argument',
        'This UNet lies on another device. Create it with an engine on this one; getParameters and setParameters bring its weights over.',
      );
    }
  }

  destroy(): void {
    if (this.destroyed) return;
    this.destroyed = true;
    this.predictor?.destroy();
    this.repack.destroy();
    for (const buffer of this.fixed.values()) buffer.destroy();
  }

  [Symbol.dispose](): void {
    this.destroy();
  }
}

async function createFixed(gpu: Gpu, plan: WeightPlan): Promise<Map<Tensor, GPUBuffer>> {
  const tensors = [plan.flat, plan.packed];
  for (const t of tensors) gpu.checkBufferSize(t.label, t.size * 4);
  const buffers = await gpu.createBuffers(tensors.map((t) => ({ label: t.label, bytes: t.size * 4 })));
  return new Map(tensors.map((t, i) => [t, buffers[i]]));
}
