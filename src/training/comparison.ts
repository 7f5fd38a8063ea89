/** Whether a trainer's kernels compute rightly at its own size: asked once, after its first step. */
import {
  byImage,
  type ComparisonLimits,
  findWrong,
  findWrongForm,
  replaceWrong,
  UPDATE,
} from '../checking/comparison';
import type { Random } from '../checking/small_case';
import type { Gpu } from '../gpu/gpu';
import type { UnusableKernel } from '../gpu/unusable_kernel';
import type { Op } from '../plan/op';
import { STATE, STATE_WORDS } from '../plan/step_state';
import { padBatch } from '../plan/tensor';
import type { VariantChooser } from '../tuning/chooser';
import type { NetworkWeights } from '../unet/network';
import type { Variants } from '../unet/variants';
import type { StepSettings } from './settings';
import { planStep, type StepPlan } from './step';

/** Where a step and the comparison would take more bytes together, fewer images are compared. */
const MOST_BYTES = 500e6;
const FEWER_IMAGES = 64;

export interface ComparisonParts {
  readonly gpu: Gpu;
  /** The network that is trained. */
  readonly network: NetworkWeights;
  readonly batchSize: number;
  readonly settings: StepSettings;
  readonly variants: Variants;
  /** Whether the caller fixed the variants. */
  readonly fixed: boolean;
  readonly chooser: VariantChooser;
}

/**
 * Loss, outputs and gradients of a batch of noise, from the current weights: with the variants in use, and with the plain kernels. It takes
 * buffers of its own and frees them, and changes nothing of the training.
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
   * Compares, unless that is done. `made`: how many steps may be wrong. `bytes`: what the step takes. `ops`: all of it. Throws `wrong-kernel`,
   * then and ever after, and the signal's reason.
   */
  async run(made: number, bytes: number, ops: readonly Op[], limits: ComparisonLimits): Promise<void> {
    if (this.error) throw this.error;
    if (this.done) return;
    const { gpu, network, batchSize, settings, variants, fixed, chooser } = this.parts;
    // The step and the comparison take about the same.
    const images = 2 * bytes > MOST_BYTES ? Math.min(batchSize, FEWER_IMAGES) : batchSize;
    const passOf = (variants: Variants) =>
      passOfStep(network, planStep(network.config, network.plan, images, variants, settings), images);
    const steps = made === 1 ? '1 step was' : `${made} steps were`;
    const remedy = fixed ? 'Leave it out of `variants`' : 'The engine now uses another variant';
    const report = (advice: string) => (text: string) => ({ text: `${text} ${steps} made with it.`, advice });
    // First what both sides of the comparison have.
    this.error = await findWrongForm({ gpu, network }, ops, report(UPDATE), limits.signal);
    if (!this.error) {
      const again = `${remedy}: create the trainer again, and go on from weights and state of before.`;
      const errors = await findWrong({ gpu, network, variants, images, passOf }, report(again), limits);
      this.error = errors[0];
      const place = { chooser, fixed, batch: padBatch(batchSize), training: true };
      await replaceWrong(errors, { network, variants }, place);
    }
    if (this.error) throw this.error;
    this.done = true;
  }
}

/** A step up to its gradients, on a batch of noise. */
function passOfStep(network: NetworkWeights, plan: StepPlan, images: number) {
  const { state, noisy, target, levels, classes, squares } = plan.tensors;
  const { pre } = plan.output;
  const [gradientNorm] = plan.update;
  const words = new Uint32Array(STATE_WORDS);
  words[STATE.count] = images;
  return {
    ops: [...plan.gradients, gradientNorm],
    inputs: (random: Random) =>
      [
        [state, words],
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
      const values = network.split(flat.buffer);
      const gradientsOf = network.parameters.flatMap(({ name, shape }) =>
        byChannel(`the gradient of ${name}`, shape, values.get(name)!),
      );
      const loss = new Float32Array(partials).reduce((sum, square) => sum + square, 0);
      return [
        new Map([['the loss', Float32Array.of(loss)]]),
        byImage(new Float32Array(output), levels.size),
        new Map(gradientsOf),
      ];
    },
  };
}

/** A gradient, and its parts by input and by output channel: a fault in a part of one channel would be lost in the whole. */
function byChannel(name: string, shape: readonly number[], values: Float32Array): [string, Float32Array][] {
  const [outputs, inputs = 0] = [...shape].reverse();
  const named: [string, Float32Array][] = [[name, values]];
  const part = (of: string, length: number, at: (k: number) => number) =>
    named.push([`${name} for ${of}`, Float32Array.from({ length }, (_, k) => values[at(k)])]);
  for (let o = 0; o < outputs; o++)
    part(`output channel ${o}`, values.length / outputs, (k) => k * outputs + o);
  for (let c = 0; c < inputs; c++) {
    const at = (k: number) => (Math.floor(k / outputs) * inputs + c) * outputs + (k % outputs);
    part(`input channel ${c}`, values.length / inputs, at);
  }
  return named;
}
