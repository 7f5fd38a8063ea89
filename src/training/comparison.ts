/** Whether a trainer's kernels compute rightly at its own size: asked once, after its first step. */
import type { Random } from '../checking/small_case';
import { EngineError } from '../errors';
import { ownName } from '../gpu/adapter';
import type { Gpu } from '../gpu/gpu';
import { createTensorBuffers, Program } from '../gpu/program';
import { Staging } from '../gpu/staging';
import { UnusableKernel } from '../gpu/unusable_kernel';
import { fnv1a } from '../hash';
import { conv2d } from '../kernels/conv2d';
import { firstVariant, type Op } from '../plan/op';
import { STATE, STATE_WORDS } from '../plan/step_state';
import type { VariantChooser } from '../tuning/chooser';
import type { NetworkWeights } from '../unet/network';
import type { Variants } from '../unet/variants';
import type { StepSettings } from './settings';
import { choiceOf, planStep, type StepPlan } from './step';

/** Where a step and the comparison would take more bytes together, fewer images are compared. */
const MOST_BYTES = 500e6;
const FEWER_IMAGES = 64;

export interface ComparisonParts {
  readonly gpu: Gpu;
  /** The network that is trained. */
  readonly network: NetworkWeights;
  readonly plan: StepPlan;
  readonly batchSize: number;
  readonly settings: StepSettings;
  readonly variants: Variants;
  /** Whether the caller fixed the variants. */
  readonly fixed: boolean;
  readonly chooser: VariantChooser;
}

/** How a comparison may work. */
export interface ComparisonLimits {
  readonly signal?: AbortSignal | undefined;
  /** How long a submission may take. */
  readonly milliseconds?: number | undefined;
}

/**
 * Loss and gradients of a batch of noise, from the current weights: with the variants in use, and with the plain kernels. It takes buffers of
 * its own and frees them, and changes nothing of the training.
 */
export class Comparison {
  private readonly parts: ComparisonParts;
  private done: boolean;
  private error: UnusableKernel | undefined;

  constructor(parts: ComparisonParts) {
    this.parts = parts;
    this.done = parts.gpu.passed === undefined;
  }

  /** Whether nothing is left to compare. */
  get isDone(): boolean {
    return this.done;
  }

  /**
   * Compares, unless that is done, on this adapter perhaps long ago. `bytes`: what the step takes. `made`: how many steps may be wrong.
   * Throws `wrong-kernel`, then and ever after, and the signal's reason.
   */
  async run(made: number, bytes: number, limits: ComparisonLimits): Promise<void> {
    if (this.error) throw this.error;
    if (this.done) return;
    const { gpu, plan, batchSize } = this.parts;
    const images = 2 * bytes > MOST_BYTES ? Math.min(batchSize, FEWER_IMAGES) : batchSize;
    const key = keyOf([...plan.gradients, plan.update[0]], images);
    if (!(await gpu.passed!.has(key))) {
      const wrong = await this.compare(images, limits);
      if (wrong?.length === 0) await gpu.passed!.add(key);
      for (const each of wrong ?? []) await this.reject(each, made, images);
      if (this.error) throw this.error;
    }
    this.done = true;
  }

  private async compare(images: number, limits: ComparisonLimits) {
    const { gpu, network, settings, variants } = this.parts;
    const { wrongVariants } = await import('../checking/at_size');
    const { config, plan: weights, boundBuffers } = network;
    const passOf = (variants: Variants, random: Random) =>
      passOfStep(network, planStep(config, weights, images, variants, settings), images, random);
    const plain = firstVariant(conv2d);
    const parts = { gpu, Program, Staging, createTensorBuffers, UnusableKernel };
    try {
      return await wrongVariants(parts, { variants, plain, passOf, boundBuffers, ...limits });
    } catch (error) {
      limits.signal?.throwIfAborted();
      gpu.checkAlive();
      network.check();
      if (!(error instanceof EngineError)) throw error;
      // It takes memory, and kernels that a network does not need: where it cannot be made, training goes on without.
      return undefined;
    }
  }

  private async reject(
    {
      kernel,
      variant,
      layer,
      result,
      share,
    }: Readonly<Record<'kernel' | 'variant' | 'layer' | 'result', string>> & { readonly share: number },
    made: number,
    images: number,
  ): Promise<void> {
    const { gpu, network, batchSize, settings, variants, fixed, chooser } = this.parts;
    const adapter = ownName(gpu.adapter) || 'without a name';
    const off = `${(100 * share).toPrecision(2)}% off from that of the plain kernels`;
    const steps = made === 1 ? '1 step was' : `${made} steps were`;
    const text = `The kernel ${kernel}.${variant} computes wrongly on this adapter (${adapter}) at its real size: with ${images} images ${result} is ${off}, because of the layer ${layer}. ${steps} made with it.`;
    const remedy = fixed ? 'Leave it out of `variants`' : 'The engine now uses another variant';
    const advice = `${remedy}: create the trainer again, and go on from weights and state of before.`;
    const error = new UnusableKernel('wrong-kernel', { kernel, variant, text, advice }, { wasUsed: true });
    chooser.condemn?.(error);
    this.error ??= error;
    const { layers, batch, training } = choiceOf(network, batchSize, settings);
    if (!fixed) await chooser.replace(error, variants, layers, batch, training);
  }
}

/** Identifies a comparison: the ops, their shapes and the hashes of their shaders. */
function keyOf(ops: readonly Op[], images: number): string {
  const told = ops.map(({ kernel, variant, origin: { shape, calls } }) => [
    ...[kernel, variant, shape],
    calls.map(({ shader }) => shader.hash),
  ]);
  return fnv1a(new TextEncoder().encode(JSON.stringify([images, told])));
}

/** A step up to its gradients, on a batch of noise. */
function passOfStep(network: NetworkWeights, plan: StepPlan, images: number, random: Random) {
  const { state, noisy, target, levels, classes, squares } = plan.tensors;
  const stateWords = new Uint32Array(STATE_WORDS);
  stateWords[STATE.count] = images;
  const { pre } = plan.output;
  const [gradientNorm] = plan.update;
  return {
    ops: [...plan.gradients, gradientNorm],
    inputs: [
      [state, stateWords],
      [noisy, random.floats(noisy.size, -1, 1)],
      [target, random.floats(target.size, -1, 1)],
      [levels, random.floats(levels.size, 0, 1)],
      [classes, random.integers(classes.size, (network.config.conditioning?.classes ?? 0) + 1)],
    ] as const,
    outputs: [squares, pre, ...plan.layerGradients],
    resultsOf([partials, output, ...gradients]: readonly ArrayBuffer[]) {
      const flat = new Float32Array(network.plan.flat.size);
      for (const [i, gradient] of gradients.entries())
        flat.set(new Float32Array(gradient), network.plan.byLayer[i].offset);
      const named = [...network.split(flat.buffer)].map(
        ([name, values]) => [`the gradient of ${name}`, values] as const,
      );
      const loss = new Float32Array(partials).reduce((sum, square) => sum + square, 0);
      return [
        new Map([['the loss', Float32Array.of(loss / images)]]),
        outputsByImage(new Float32Array(output), levels.size, images),
        new Map(named),
      ];
    },
  };
}

/** The outputs of a network, [elements][batch], by image: a fault in a few pixels of some images would be lost in the whole. */
function outputsByImage(output: Float32Array, batch: number, images: number): Map<string, Float32Array> {
  const valuesOf = (image: number) =>
    Float32Array.from({ length: output.length / batch }, (_, i) => output[i * batch + image]);
  return new Map(Array.from({ length: images }, (_, i) => [`the output for image ${i}`, valuesOf(i)]));
}
