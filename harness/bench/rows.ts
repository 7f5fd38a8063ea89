/** Measures single kernels: each variant at each of the network's shapes, checked, then timed. */

import type { Engine } from '../../src/engine';
import { Program } from '../../src/gpu/program';
import type { ConvShape } from '../../src/plan/conv_shape';
import { firstVariant, type Op, op } from '../../src/plan/op';
import { padBatch, type Tensor, tensor } from '../../src/plan/tensor';
import { conditioningOf, type Layer, layersOf } from '../../src/unet/config';
import { type CaseResult, checkCase, type References } from '../run/check';
import { configOf, type NetworkChoice } from '../run/network';
import { type AnySpec, specs } from '../specs/lib/registry';
import { type Arrays, elementCount, Random } from '../specs/lib/spec';
import { insideFlops, isConvolution } from './inside';
import { type BenchRow, copyRate, type Peak } from './result';
import type { Times } from './statistics';
import type { Timer } from './timer';

export interface Entry {
  readonly name: string;
  readonly spec: AnySpec;
  readonly variant: string;
  readonly layer: string;
  readonly shape: unknown;
  /** The same shape at small batches, for the check: the smallest first. */
  readonly small: readonly unknown[];
}

/** Whether a kernel has several variants. */
export const hasRivals = (kernel: string) => Object.keys(specs.get(kernel)!.kernel.variants).length > 1;

/** A step of another network than the tutorial's. */
interface OwnStep {
  readonly network: NetworkChoice;
  /** Its ops at a batch size. */
  readonly ops: (batch: number) => readonly Op[];
}

/** For each kernel the shapes at a batch size, by layer. */
type ShapesAt = (name: string, spec: AnySpec, batch: number) => Readonly<Record<string, unknown>>;

/** Batch sizes of the checks: the smallest that a variant supports. */
const SMALL = [4, 8, 16, 32, 64];

/**
 * The variants at one layer are adjacent. A step's kernels have the shapes of that step, convolutions the shapes of its whole network;
 * kernels that it does not use have the tutorial's.
 */
export function listEntries(batch: number, own?: OwnStep): Entry[] {
  const shapesAt = own ? shapesOf(own, [batch, ...SMALL]) : tutorialShapes;
  return [...specs].flatMap(([name, spec]) => {
    const small = SMALL.map((n) => shapesAt(name, spec, n));
    return Object.entries(shapesAt(name, spec, batch)).flatMap(([layer, shape]) =>
      variantsAt(spec, layer).map((variant) => ({
        name,
        spec,
        variant,
        layer,
        shape,
        small: [...(own ? [] : [spec.cases[`UNet ${layer}`]]), ...small.map((shapes) => shapes[layer])],
      })),
    );
  });
}

/** The conditions go through linear layers, which have one variant. */
const variantsAt = ({ kernel }: AnySpec, layer: string) =>
  layer.startsWith('conditioning.') ? [firstVariant(kernel)] : Object.keys(kernel.variants);

const tutorialShapes: ShapesAt = (_, spec, batch) => spec.bench(batch);

function shapesOf({ network, ops }: OwnStep, batches: readonly number[]): ShapesAt {
  const steps = new Map(batches.map((batch) => [batch, ops(batch)]));
  return (name, spec, batch) => {
    const usual = spec.bench(batch);
    if (isConvolution(name)) return convolutionsOf(name, network, batch);
    const used = steps.get(batch)!.filter(({ kernel }) => kernel === name);
    if (used.length === 0) return usual;
    // What a step's shape leaves to the step state is as in the tutorial.
    const [state] = Object.values(usual);
    return Object.fromEntries(used.map(({ layer, origin }) => [layer, { ...state, ...origin.shape }]));
  };
}

/** The shapes of a convolution kernel in a network, by layer. */
export function convolutionsOf(
  kernel: string,
  network: NetworkChoice,
  batch: number,
): Record<string, ConvShape> {
  const config = configOf(network);
  const layers = layersOf(config);
  const { hidden, output } = conditioningOf(config) ?? {};
  const linear = hidden && output ? [hidden, output] : [];
  const [first, last] = [layers[0], layers[layers.length - 1]];
  const isForward = kernel === 'conv2d' || kernel === 'conv2d_pool';
  const shapeOf = ({ height, width, inChannels, outChannels, kernelSize, imageBias }: Layer): ConvShape => ({
    batch: padBatch(batch),
    height,
    width,
    inChannels,
    outChannels,
    kernelSize,
    ...(isForward && imageBias !== undefined ? { imageBias } : {}),
  });
  const all = Object.fromEntries([...layers, ...linear].map((layer) => [layer.name, shapeOf(layer)]));
  // Without a second level nothing is pooled, and inside a level nothing is fused.
  const before = layers[layers.length - 2];
  const back = before.next === 'upsample' && !before.residual;
  const fused: Readonly<Record<string, Record<string, ConvShape>>> = {
    conv2d_pool: first.next === 'pool' ? { [first.name]: shapeOf(first) } : {},
    conv2d_grad_upsample: back ? { [last.name]: shapeOf(last) } : {},
    conv2d_grad_pool: back ? { [first.name]: shapeOf(last) } : {},
  };
  if (Object.hasOwn(fused, kernel)) return fused[kernel];
  if (kernel !== 'conv2d_grad_input') return all;
  // What comes from outside needs no gradient.
  const outside = [first.name, hidden?.name];
  return Object.fromEntries(Object.entries(all).filter(([name]) => !outside.includes(name)));
}

/** References are plain loops, so a check is limited to this many numbers. */
const CHECK_ELEMENTS = 4e6;

/** The shape with which an entry is checked, a small version of the layer: the smallest batch that the variant supports. */
export function checkedShape({ spec, variant, small }: Entry): unknown {
  const candidates = [...small, ...Object.values(spec.cases).reverse()];
  const fits = (shape: unknown) =>
    shape !== undefined &&
    !spec.kernel.variants[variant].refuses?.(shape) &&
    elementCount(spec.kernel.sizes(shape)) <= CHECK_ELEMENTS;
  return candidates.find(fits);
}

/** Checks the variant against its reference. */
export async function checkSmall(engine: Engine, entry: Entry, references: References): Promise<CaseResult> {
  const shape = checkedShape(entry);
  if (shape === undefined) return { pass: false, share: 0, failure: 'no case is small enough to be checked' };
  return checkCase(engine, entry.spec, entry.variant, shape, references);
}

/** The lowest share of the peak that a kernel is assumed to reach. */
const LEAST_OF_PEAK = 0.02;
/** Systems reset a GPU whose single task takes longer; Windows after two seconds. */
const MOST_AT_ONCE_SECONDS = 1.5;

/** The reason why a GPU might need dangerously long to run the row's dispatches uncut; undefined if it will not. */
export function tooLong({ spec, shape }: Entry, software: boolean, peak: Peak): string | undefined {
  const seconds = spec.kernel.cost(shape).flops / (LEAST_OF_PEAK * peak.gflops * 1e9);
  if (software || seconds <= MOST_AT_ONCE_SECONDS) return undefined;
  return `at ${100 * LEAST_OF_PEAK}% of this GPU's peak it would take ${seconds.toFixed(1)} s at once, for which a system may reset the GPU: use a smaller --batch`;
}

export function throughput(
  { spec, shape }: Entry,
  { median }: Times,
  peak: Peak,
): Pick<BenchRow, 'gflops' | 'insideGflops' | 'gbps' | 'shareOfPeak'> {
  const { flops, bytes } = spec.kernel.cost(shape);
  const insideGflops = insideFlops(spec.kernel.name, shape, flops) / median / 1e6;
  const gbps = bytes / median / 1e6;
  return {
    gflops: flops / median / 1e6,
    insideGflops,
    gbps,
    shareOfPeak: Math.max(insideGflops / peak.gflops, gbps / copyRate(peak, bytes)),
  };
}

/** The buffers of one kernel at one shape, filled with random numbers and shared by all its variants. */
export class RowBuffers {
  private readonly engine: Engine;
  private key: unknown;
  private tensors: Record<string, Tensor> = {};
  private boundBuffers = new Map<Tensor, GPUBuffer>();

  constructor(engine: Engine) {
    this.engine = engine;
  }

  /** Throws `limit` if the device cannot hold the shape's tensors. */
  async measure(
    { spec, variant, layer, shape }: Entry,
    timer: Timer,
    seconds: number,
    signal?: AbortSignal,
  ): Promise<Times> {
    if (this.key !== `${spec.kernel.name} ${layer}`) await this.fill(spec, layer, shape);
    const { gpu } = this.engine;
    const plan = op(spec.kernel, layer, shape, this.tensors, variant);
    const program = await Program.compile(gpu, 'bench', [plan], this.boundBuffers, wholeDispatches);
    try {
      return await timer.measure((pass) => program.encode(pass), seconds, signal);
    } finally {
      program.destroy();
    }
  }

  private async fill(spec: AnySpec, layer: string, shape: unknown): Promise<void> {
    this.clear();
    const { gpu } = this.engine;
    const sizes = spec.kernel.sizes(shape);
    for (const [name, size] of Object.entries(sizes))
      gpu.checkBufferSize(`${spec.kernel.name} ${name}`, size * 4);
    const names = Object.keys(sizes);
    const buffers = await gpu.createBuffers(
      names.map((name) => ({ label: `bench ${name}`, bytes: sizes[name] * 4 })),
    );
    names.forEach((name, i) => {
      this.tensors[name] = tensor(name, sizes[name]);
      this.boundBuffers.set(this.tensors[name], buffers[i]);
    });
    this.key = `${spec.kernel.name} ${layer}`;
    // Tensors that a kernel updates in place start random too, as do weights and activations.
    const inputs: Arrays = spec.inputs(shape, new Random(1));
    names.forEach((name, i) => {
      const values = inputs[name];
      if (!values) return;
      const words = values instanceof Float64Array ? Float32Array.from(values) : values;
      gpu.device.queue.writeBuffer(buffers[i], 0, words as Float32Array<ArrayBuffer>);
    });
  }

  clear(): void {
    for (const buffer of this.boundBuffers.values()) buffer.destroy();
    this.boundBuffers = new Map();
    this.tensors = {};
    this.key = undefined;
  }
}

/** Times each dispatch uncut, however long it takes. */
export const wholeDispatches = { partWork: Number.POSITIVE_INFINITY } as const;
