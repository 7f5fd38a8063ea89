import { argumentError, nonFinite, typeName, wrongType } from '../base/errors';
import { Resource } from '../base/resource';
import type { Gpu } from '../gpu/gpu';
import { computePass, createTensorBuffers, Program } from '../gpu/program';
import { checkEncoder } from '../gpu/slice';
import { readBuffer } from '../gpu/staging';
import type { Tensor } from '../plan/tensor';
import type { Parameter, UNetConfig } from './config';
import { describeNetwork } from './describe';
import { planWeights, type WeightPlan } from './weights';

interface NetworkParts {
  readonly gpu: Gpu;
  readonly config: UNetConfig;
  readonly plan: WeightPlan;
  readonly boundBuffers: ReadonlyMap<Tensor, GPUBuffer>;
  /** Packs the flat parameters. */
  readonly repack: Program;
}

/** A network's weights on the GPU, shared by a UNet and its trainer. Its public methods are documented at UNet. */
export class NetworkWeights extends Resource {
  readonly config: UNetConfig;
  readonly parameters: readonly Parameter[];
  readonly parameterCount: number;
  readonly plan: WeightPlan;
  /** The buffers that the network owns. */
  readonly boundBuffers: ReadonlyMap<Tensor, GPUBuffer>;
  private readonly gpu: Gpu;
  private readonly repack: Program;
  /** Whether the caller writes the parameters with custom shaders. */
  private shared = false;
  /** Counts replacements of the weights, by `setParameters` or by a trainer that has trained them and detached. */
  private replaced = 0;
  /** Record copies of the weights into commands that replace them: the weights that trainers with `averageWeights` train follow. */
  readonly followers = new Set<(encoder: GPUCommandEncoder) => void>();
  /** For each trainer that is attached, whether it is at work. */
  private readonly trainers = new Set<() => boolean>();

  private constructor({ gpu, config, plan, boundBuffers, repack }: NetworkParts) {
    super('UNet');
    this.gpu = gpu;
    this.config = config;
    this.plan = plan;
    this.parameters = plan.parameters;
    this.parameterCount = plan.parameters.reduce((sum, p) => sum + p.size, 0);
    this.boundBuffers = boundBuffers;
    this.repack = repack;
  }

  /** The network of a checked configuration. Its first weights are zeros. */
  static async create(gpu: Gpu, config: UNetConfig): Promise<NetworkWeights> {
    const plan = planWeights(config);
    const tensors = [plan.flat, plan.packed];
    for (const t of tensors) gpu.checkBufferSize(t.label, t.size * 4);
    const boundBuffers = await createTensorBuffers(gpu, '', tensors);
    try {
      const repack = await Program.compile(gpu, 'pack weights', plan.pack, boundBuffers);
      return new NetworkWeights({ gpu, config, plan, boundBuffers, repack });
    } catch (error) {
      for (const buffer of boundBuffers.values()) buffer.destroy();
      throw error;
    }
  }

  /** `left`: a parameter that stays as it is, whatever its value. */
  async setParameters(values: ReadonlyMap<string, ArrayLike<number>>, left?: Parameter): Promise<void> {
    this.check();
    if (typeName(values) !== 'Map') {
      throw argumentError(
        `The parameters are of type ${typeName(values)}; they must be a Map of values by name, as getParameters gives it.`,
      );
    }
    const legal = new Map(this.parameters.map((p) => [p.name, p]));
    const problems = [...values.keys()].filter((name) => !legal.has(name)).map((name) => `unknown ${name}`);
    const set = this.parameters.filter((p) => p !== left);
    for (const p of set) {
      const given = values.get(p.name);
      if (!given) problems.push(`missing ${p.name}`);
      else if (given.length !== p.size) {
        problems.push(`${p.name} has ${given.length} values instead of ${p.size} (${p.shape.join('x')})`);
      } else if (nonFinite(given)) problems.push(`${p.name} ${nonFinite(given)}`);
    }
    if (problems.length > 0) {
      throw argumentError(`These are not this network's parameters: ${problems.slice(0, 8).join('; ')}.`);
    }
    const flat = new Float32Array(this.plan.flat.size);
    for (const p of set) flat.set(values.get(p.name)!, p.offset);
    // Count before: submissions from now on read the new weights. Count again after: code that read the version meanwhile may have submitted
    // earlier.
    this.replaced++;
    const write = (from: number, to = flat.length) =>
      this.gpu.writeSoon(this.parameterBuffer, 4 * from, flat, from, to - from);
    write(0, left?.offset);
    if (left) write(left.offset + left.size);
    try {
      const encoder = this.gpu.device.createCommandEncoder({ label: 'pack weights' });
      this.pack(encoder);
      await this.unlessDestroyed(this.gpu.submit(encoder));
    } finally {
      this.replaced++;
    }
  }

  /**
   * Version of the weights: results derived from them stay valid while it is the same. Undefined while a trainer is attached, which may
   * submit steps at any time.
   */
  get weightsVersion(): number | undefined {
    return this.trainers.size === 0 && !this.shared ? this.replaced : undefined;
  }

  /** Records the packing of the flat parameters, and what follows them. */
  pack(encoder: GPUCommandEncoder): void {
    computePass(encoder, 'pack weights', (pass) => this.repack.encode(pass));
    for (const follow of this.followers) follow(encoder);
  }

  get parameterBuffer(): GPUBuffer {
    this.check();
    return this.boundBuffers.get(this.plan.flat)!;
  }

  encodePack(encoder: GPUCommandEncoder): void {
    this.check();
    checkEncoder(encoder);
    this.shared = true;
    this.replaced++;
    this.pack(encoder);
  }

  /** Notes that a trainer may change the weights on the GPU from now on. */
  attachTrainer(isBusy: () => boolean): void {
    this.trainers.add(isBusy);
  }

  /** `changed`: whether the trainer may have changed the weights. */
  detachTrainer(isBusy: () => boolean, changed: boolean): void {
    this.trainers.delete(isBusy);
    if (changed) this.replaced++;
  }

  /** Whether a step, a fit or an evaluation of a trainer is under way. */
  get inTraining(): boolean {
    return [...this.trainers].some((isBusy) => isBusy());
  }

  describe(): string {
    return describeNetwork(this.config, this.plan);
  }

  async getParameters(): Promise<Map<string, Float32Array<ArrayBuffer>>> {
    const { gpu, parameterBuffer, plan } = this;
    return this.split(await this.unlessDestroyed(readBuffer(gpu, parameterBuffer, plan.flat.size)));
  }

  /** Throws unless the caller gives exactly the conditions that the network takes. */
  checkConditions(given: { readonly levels?: unknown; readonly labels?: unknown }): void {
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
      throw argumentError(
        needed
          ? `This UNet is conditioned on ${what[name]}, and ${name} are missing. Give ${legal[name]}, one for each image.`
          : `${name} are given, and this UNet is not conditioned on ${what[name]}. Leave them out, or create it with conditioning: { noiseLevel: true, classes: 10 }, for instance.`,
      );
    }
  }

  /** Cuts an array laid out like the flat parameter buffer into named tensors. */
  split(flat: ArrayBuffer): Map<string, Float32Array<ArrayBuffer>> {
    return new Map(this.parameters.map((p) => [p.name, new Float32Array(flat, p.offset * 4, p.size)]));
  }

  get bytes(): number {
    if (this.destroyed) return 0;
    return [...this.boundBuffers.values()].reduce((sum, b) => sum + b.size, this.repack.bytes);
  }

  /** Also checks that the network is on `device`. */
  override check(device = this.gpu.device): void {
    super.check();
    this.gpu.checkAlive();
    if (device !== this.gpu.device) {
      throw argumentError(
        'This UNet lies on another device. Create it with an engine on this one; getParameters and setParameters bring its weights over.',
      );
    }
  }

  protected release(): void {
    this.repack.destroy();
    for (const buffer of this.boundBuffers.values()) buffer.destroy();
  }
}

/** Throws unless the caller gave a UNet on `device`. */
export function checkUNet(unet: { readonly weights: NetworkWeights }, device: GPUDevice): void {
  if (!((unet as typeof unet | undefined)?.weights instanceof NetworkWeights)) {
    if (typeName(unet) === 'UNet') {
      throw argumentError(
        'The UNet is of another copy of this library. Import webgpu-diffusion once: from one version, and one file or address.',
      );
    }
    throw wrongType('The UNet', unet, 'one that engine.createUNet made');
  }
  unet.weights.check(device);
}
