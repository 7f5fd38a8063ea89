/**
 * Kernels, and ops: kernels applied to given tensors. A launcher (src/kernels) turns a shape and tensors into calls: plain data, no GPU.
 * `Program` (src/gpu/program.ts) binds a list of ops to a device.
 */
import { argumentError, EngineError } from '../base/errors';
import type { Shader } from './shader';
import { countElements, type Tensor, tensor } from './tensor';

/** Nominal cost: floating-point operations, and bytes that must move at least once. */
export interface Cost {
  readonly flops: number;
  readonly bytes: number;
}

/** One dispatch. */
export interface Call {
  readonly shader: Shader;
  readonly params: Readonly<Record<string, number>>;
  readonly tensors: Readonly<Record<string, Tensor>>;
  readonly groups: readonly [number, number, number];
  /**
   * FLOPs of a computing call in a kernel of several calls. The time of a submission is estimated from it, and from the bytes of its tensors.
   * A single call has its kernel's cost.
   */
  readonly flops?: number;
}

type NoSplit<P extends string> = Exclude<P, 'first_group'>;

/** Most workgroups along x of a flat grid; the rest go to z, along which a dispatch can be cut. */
const FLAT_GROUPS = 1024;

/**
 * One dispatch of `shader` over `items` invocations: one number for a flat grid (see shaders/lib/flat.wgsl), or three for x, y, z. The
 * number of workgroups follows from the shader's workgroup size, so the grid always covers all items.
 */
export function call<P extends string, B extends string>(
  shader: Shader<P, B>,
  params: Readonly<Record<NoSplit<P>, number>>,
  tensors: Readonly<Record<B, Tensor>>,
  items: number | readonly [number, number, number],
  flops?: number,
): Call {
  const [x, y, z] = shader.workgroupSize;
  const groups = (n: number, size: number) => Math.max(1, Math.ceil(n / size));
  let grid: [number, number, number];
  if (typeof items === 'number') {
    const n = groups(items, x);
    const rows = Math.ceil(n / FLAT_GROUPS);
    grid = [Math.ceil(n / rows), 1, rows];
  } else {
    grid = [groups(items[0], x), groups(items[1], y), groups(items[2], z)];
  }
  if (grid.some((n) => n > 65535)) {
    throw new EngineError(
      'limit',
      `${shader.name} would need a grid of ${grid.join(' x ')} workgroups; WebGPU allows 65535 in each direction. Use a smaller batch or image.`,
    );
  }
  return { shader, params, tensors, groups: grid, flops };
}

/** One dispatch over a map [channels][height][width][batch], whose invocations have a vec4 of squares of `side` pixels. */
export function imageCall<B extends string>(
  shader: Shader<'vec4s' | 'width' | 'n4', B>,
  shape: Parameters<typeof countElements>[0],
  tensors: Readonly<Record<B, Tensor>>,
  side = 1,
): Call {
  const vec4s = countElements(shape) / (4 * side ** 2);
  return call(shader, { vec4s, width: shape.width / side, n4: shape.batch / 4 }, tensors, vec4s);
}

// ---------------------------------------------------------------- kernels and their variants

/** The kind of adapter: a GPU, or a processor behind the same interface (a software adapter). */
export type AdapterKind = 'gpu' | 'software';

/** One way to compute a kernel: a plan of one or more calls. */
export interface Variant<Shape, Name extends string> {
  /** The kind of adapter that this variant is made for; undefined if it suits both kinds. */
  readonly for?: AdapterKind;
  /** Features that the device must have. */
  readonly features?: readonly GPUFeatureName[];
  /** The reason why this variant cannot compute `shape`; undefined if it can. */
  readonly refuses?: (shape: Shape) => string | undefined;
  /** Whether most lanes of a workgroup would idle for `shape`; the default choice then tries other variants first. */
  readonly wastesLanes?: (shape: Shape) => boolean;
  /** Outputs per side of the tiles that this variant computes whole, also where they extend beyond the image. */
  readonly tile?: number;
  /** Number of slices (partial sums) that this variant writes. It adds them up itself unless the caller passes a tensor for them. */
  readonly slices?: (shape: Shape) => number;
  /** Scratch tensors, which live only between this variant's calls: size by name. */
  readonly scratch?: (shape: Shape) => Readonly<Record<string, number>>;
  /**
   * An intermediate result that another kernel can reuse (Winograd: the transformed input). Variants with equal `what` share it through one
   * tensor of `size` elements: the first op writes it, the second one reads it.
   */
  readonly caches?: { readonly what: string; readonly size: (shape: Shape) => number };
  readonly calls: (
    shape: Shape,
    tensors: Readonly<Record<Name, Tensor>>,
    scratch: Readonly<Record<string, Tensor>>,
    cached?: Tensor,
  ) => Call[];
}

/** A kernel: its tensors, its cost, and the variants that compute it. The first variant computes every shape. */
export interface Kernel<Shape, Name extends string = string> {
  readonly name: string;
  /** Number of elements of each tensor. */
  readonly sizes: (shape: Shape) => Readonly<Record<Name, number>>;
  readonly cost: (shape: Shape) => Cost;
  readonly variants: Readonly<Record<string, Variant<Shape, Name>>>;
  /** The kernels that a fused kernel replaces, on the same tensors. `variant` is the first one's variant. */
  readonly unfused?: (
    layer: string,
    shape: Shape,
    tensors: Readonly<Record<Name, Tensor>>,
    variant?: string,
  ) => Op[];
}

/** The origin of an op, from which the self-check makes a small case of the same kernel and variant. */
export interface Origin {
  readonly kernel: Kernel<never>;
  readonly shape: object;
  readonly tensors: Readonly<Record<string, Tensor>>;
  /** Whether the op leaves its slices for another op to add up. */
  readonly sliced: boolean;
  /** All calls of the original op, even if it was split into several ops since. */
  readonly calls: readonly Call[];
}

/** A kernel applied to given tensors: the unit that a program lists, `explain` prints and the bench times. */
export interface Op {
  readonly kernel: string;
  readonly variant: string;
  readonly layer: string;
  readonly origin: Origin;
  readonly features: readonly GPUFeatureName[];
  readonly calls: readonly Call[];
  readonly cost: Cost;
}

/** What has passed at the size of a network, by the checks' keys. */
export interface Checks {
  /** Whether a check has passed with as many images, or with more. */
  hasPassed(check: string, images: number): Promise<boolean>;
  /** Notes that a check has passed. */
  passWith(check: string, images: number): Promise<void>;
}

/** Decides whether kernels may be used on a device: see src/trust. */
export interface Trust {
  /** Whether kernels are checked. */
  readonly checks: boolean;
  /** Resolves once the shaders of `ops` are compiled, and, unless `check` is false, their kernels have passed; rejects if they may not be used. */
  admit(ops: readonly Op[], check?: boolean): Promise<void>;
  /** What has passed on this adapter. */
  readonly ledger: () => Promise<Checks>;
}

/** The name of the first variant, which computes every shape. */
export const firstVariant = <Shape, Name extends string>(kernel: Kernel<Shape, Name>) =>
  Object.keys(kernel.variants)[0];

/** Applies `kernel` to `tensors`, with the named variant or the first. `cached` holds the intermediate that the variant `caches`, or its slices. */
export function op<Shape extends object, Name extends string>(
  kernel: Kernel<Shape, Name>,
  layer: string,
  shape: Shape,
  tensors: Readonly<Record<Name, Tensor>>,
  variantName = firstVariant(kernel),
  cached?: Tensor,
): Op {
  const variant = kernel.variants[variantName];
  if (!variant) {
    const legal = Object.keys(kernel.variants).join(', ');
    throw argumentError(`${kernel.name} has no variant ${variantName}; it has ${legal}.`);
  }
  const reason = variant.refuses?.(shape);
  if (reason) throw argumentError(`${kernel.name}.${variantName} cannot do ${layer}: ${reason}.`);
  for (const [name, size] of Object.entries<number>(kernel.sizes(shape))) {
    const given = tensors[name as Name];
    if (given.size < size) {
      throw argumentError(
        `${kernel.name} (${layer}): ${name} needs ${size} elements, ${given.label} has ${given.size}.`,
      );
    }
  }
  const scratch = Object.fromEntries(
    Object.entries(variant.scratch?.(shape) ?? {}).map(([name, size]) => [
      name,
      tensor(`${layer} ${kernel.name} ${name}`, size),
    ]),
  );
  const calls = variant.calls(shape, tensors, scratch, cached);
  return {
    kernel: kernel.name,
    variant: variantName,
    layer,
    origin: { kernel, shape, tensors, sliced: cached !== undefined && variant.slices !== undefined, calls },
    features: variant.features ?? [],
    calls,
    cost: kernel.cost(shape),
  };
}
