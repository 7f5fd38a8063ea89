/** Measures single kernels: each variant at each of the network's shapes, checked, then timed. */

import type { Engine } from '../../src/engine';
import { firstVariant, type Op, op } from '../../src/plan/op';
import { type Tensor, tensor } from '../../src/plan/tensor';
import { type CaseResult, checkCase, References } from '../run/check';
import type { NetworkChoice } from '../run/network';
import { type AnySpec, specs } from '../specs/lib/registry';
import { type Arrays, elementCount, Random } from '../specs/lib/spec';
import { isConvolution } from './inside';
import type { Peak } from './result';
import { opTimes } from './time_ops';
import type { Timer, Times } from './timer';

export interface Entry {
  readonly name: string;
  readonly spec: AnySpec;
  readonly variant: string;
  readonly layer: string;
  readonly shape: unknown;
  /** The same shape at small batches, for the check: the smallest first. None: it is checked on a case of its kernel's tests. */
  readonly small: readonly unknown[];
}

/** Whether a kernel has several variants. */
export const hasRivals = (kernel: string) => Object.keys(specs.get(kernel)!.kernel.variants).length > 1;

/** Where kernels are measured: the network, the pixels on a side of its images, and their number. */
export interface Place {
  readonly network: NetworkChoice | undefined;
  readonly size: number;
  readonly batch: number;
}

/** Without a layer's name and neighbours. */
export function shapeOf({ origin }: Op): object {
  const { name, next, activation, ...shape } = origin.shape as Record<string, unknown>;
  return shape;
}

/** Batch sizes of the checks: the smallest that a variant supports. */
const SMALL = [4, 8, 16, 32, 64];

/**
 * The variants at one layer are adjacent. Kernels of a step have its shapes: `ops` gives its ops at a batch size. Kernels that it does not
 * use have the tutorial's. `isUsual`: it has images of the recipe's size, for which the errors that checks allow are known to hold.
 */
export function listEntries(batch: number, ops: (batch: number) => readonly Op[], isUsual = true): Entry[] {
  const shapesAt = (images: number) => {
    const step = ops(images);
    return (name: string, spec: AnySpec): Readonly<Record<string, unknown>> => {
      const usual = spec.bench(images);
      const used = step.filter(({ kernel }) => kernel === name);
      // What a step's shape leaves to the step state is as in the tutorial.
      const state = isConvolution(name) ? {} : Object.values(usual)[0];
      const shapes = used.map((op) => [op.layer, { ...(state as object), ...shapeOf(op) }]);
      return used.length > 0 ? Object.fromEntries(shapes) : usual;
    };
  };
  const [full, ...reduced] = [batch, ...(isUsual ? SMALL : [])].map(shapesAt);
  return [...specs].flatMap(([name, spec]) => {
    const small = reduced.map((shapes) => shapes(name, spec));
    return Object.entries(full(name, spec)).flatMap(([layer, shape]) =>
      variantsAt(spec, layer).map((variant) => ({
        ...{ name, spec, variant, layer, shape },
        small: small.map((shapes) => shapes[layer]),
      })),
    );
  });
}

/** The conditions go through linear layers, which have one variant. */
const variantsAt = ({ kernel }: AnySpec, layer: string) =>
  layer.startsWith('conditioning.') ? [firstVariant(kernel)] : Object.keys(kernel.variants);

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

/** Checks and times kernels by themselves. The caller destroys it, but not its timer. */
export class Kernels {
  private readonly engine: Engine;
  private readonly timer: Timer;
  private readonly signal: AbortSignal | undefined;
  private readonly references = new References();
  private readonly checked = new Map<string, CaseResult>();
  /** The tensors of a kernel at a shape, filled with random numbers and shared by all its variants. */
  private filled: (Pick<Entry, 'spec' | 'shape'> & { readonly bound: Map<Tensor, GPUBuffer> }) | undefined;

  constructor(engine: Engine, timer: Timer, signal?: AbortSignal) {
    this.engine = engine;
    this.timer = timer;
    this.signal = signal;
  }

  /** Compares it with its reference, on each shape once. */
  async check(entry: Entry): Promise<CaseResult> {
    const { name, spec, variant } = entry;
    const shape = checkedShape(entry);
    if (shape === undefined)
      return { pass: false, share: 0, failure: 'no case is small enough to be checked' };
    const key = `${name}.${variant} ${JSON.stringify(shape)}`;
    const found =
      this.checked.get(key) ?? (await checkCase(this.engine, spec, variant, shape, this.references));
    this.checked.set(key, found);
    return found;
  }

  /** From samples over about `seconds`. Throws `limit` if the device cannot hold the shape's tensors. */
  async time({ spec, variant, layer, shape }: Entry, seconds: number): Promise<Times> {
    if (this.filled?.spec !== spec || this.filled.shape !== shape) await this.fill(spec, shape);
    const { bound } = this.filled!;
    const tensors = Object.fromEntries([...bound.keys()].map((one) => [one.label, one]));
    const ops = [op(spec.kernel, layer, shape, tensors, variant)];
    const options = { timer: this.timer, seconds, signal: this.signal };
    const times: Times[] = [];
    for await (const { ms } of opTimes(this.engine.gpu, ops, bound, options)) times.push(ms);
    return times[0];
  }

  private async fill(spec: AnySpec, shape: unknown): Promise<void> {
    this.destroy();
    const { gpu } = this.engine;
    const sizes = Object.entries(spec.kernel.sizes(shape));
    for (const [name, size] of sizes) gpu.checkBufferSize(`${spec.kernel.name} ${name}`, size * 4);
    const buffers = await gpu.createBuffers(
      sizes.map(([name, size]) => ({ label: `bench ${name}`, bytes: size * 4 })),
    );
    this.filled = {
      spec,
      shape,
      bound: new Map(sizes.map(([name, size], i) => [tensor(name, size), buffers[i]])),
    };
    // Tensors that a kernel updates in place start random too, as do weights and activations.
    const inputs: Arrays = spec.inputs(shape, new Random(1));
    sizes.forEach(([name], i) => {
      const values = inputs[name];
      if (!values) return;
      const words = values instanceof Float64Array ? Float32Array.from(values) : values;
      gpu.device.queue.writeBuffer(buffers[i], 0, words as Float32Array<ArrayBuffer>);
    });
  }

  destroy(): void {
    for (const buffer of this.filled?.bound.values() ?? []) buffer.destroy();
    this.filled = undefined;
  }
}
