/**
 * From shaders to dispatches. A launcher (src/kernels) turns a shape and some tensors into calls, which are plain data;
 * `Program` binds a list of them to a device. Nothing else in this project dispatches.
 */
import type { Gpu } from './device';
import { EngineError } from './errors';
import { planMemory } from './memory';

// ---------------------------------------------------------------- shaders, as reflected at build time

export interface ParamField {
  readonly type: 'u32' | 'i32' | 'f32';
  readonly offset: number;
}

export interface ShaderBinding {
  readonly binding: number;
  readonly access: 'read' | 'read_write';
}

/** A WGSL file and what it declares. Only the file states a layout; nothing here is typed in by hand. */
export interface Shader<
  Param extends string = string,
  Binding extends string = string,
  Column extends string = string,
> {
  readonly name: string;
  readonly code: string;
  readonly workgroupSize: readonly [number, number, number];
  readonly params: { readonly size: number; readonly fields: Readonly<Record<Param, ParamField>> };
  readonly bindings: Readonly<Record<Binding, ShaderBinding>>;
  /** Of its table, if it has one: the array of structs among the bindings, whose members are all vec4u. */
  readonly columns?: readonly Column[];
}

// ---------------------------------------------------------------- tensors and calls: plain data, no GPU

/** A named piece of GPU memory of `size` 4-byte elements. A view lies inside `base`, `offset` elements from its start. */
export interface Tensor {
  readonly label: string;
  readonly size: number;
  readonly base?: Tensor;
  readonly offset?: number;
  /** Of a table: what it holds from the start, and for good. */
  readonly data?: Uint32Array<ArrayBuffer>;
}

export function tensor(label: string, size: number): Tensor {
  return { label, size };
}

/** A part of `base`. WebGPU wants bindings to start at multiples of 256 bytes, so `offset` is a multiple of 64. */
export function view(base: Tensor, label: string, offset: number, size: number): Tensor {
  if (offset % 64 !== 0 || offset + size > base.size) {
    throw new EngineError(
      'argument',
      `view ${label} [${offset}, +${size}] does not fit ${base.label} (${base.size})`,
    );
  }
  return { label, size, base, offset };
}

/** The table of `shader`: params of which each workgroup or layer, say, has its own. */
export function table<C extends string>(
  { columns }: Shader<string, string, C>,
  label: string,
  rows: readonly Readonly<Record<C, readonly [number, number, number, number]>>[],
): Tensor {
  const words = Uint32Array.from(rows.flatMap((row) => columns!.flatMap((column) => row[column])));
  return { label, size: words.length, data: words };
}

/** What a dispatch costs by arithmetic: nominal floating point operations, and bytes that must move at least once. */
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
}

type NoSplit<P extends string> = Exclude<P, 'first_group'>;

/** Widest x of a one-dimensional grid; the rest goes to z, where a dispatch can be split. */
const FLAT_GROUPS = 1024;

/**
 * One dispatch of `shader` over `items` invocations. One number is a flat grid (see shaders/lib/flat.wgsl), three are x, y, z.
 * The number of workgroups follows from the shader's own workgroup size, so a grid can never be launched short.
 */
export function call<P extends string, B extends string>(
  shader: Shader<P, B>,
  params: Readonly<Record<NoSplit<P>, number>>,
  tensors: Readonly<Record<B, Tensor>>,
  items: number | readonly [number, number, number],
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
  return { shader, params, tensors, groups: grid };
}

// ---------------------------------------------------------------- kernels and their variants

/** Whether a GPU runs the shaders, or a processor behind the same interface. */
export type AdapterKind = 'gpu' | 'software';

/** One way to compute a kernel: a plan of one or more calls. */
export interface Variant<Shape, Name extends string> {
  /** The kind of adapter that it is made for, if it does well on one kind only. */
  readonly for?: AdapterKind;
  /** What the device must have. */
  readonly features?: readonly GPUFeatureName[];
  /** Why this variant cannot do `shape`, or undefined where it can. */
  readonly refuses?: (shape: Shape) => string | undefined;
  /** Whether most lanes of a workgroup would have nothing to do for `shape`, so that the default choice looks elsewhere first. */
  readonly idles?: (shape: Shape) => boolean;
  /**
   * Into how many slices this variant divides the sums that its output is. It adds them up at last, unless it is given a tensor to
   * keep them in, for an op that adds them up itself.
   */
  readonly slices?: (shape: Shape) => number;
  /** Tensors that live only between this variant's calls, by name and size. */
  readonly scratch?: (shape: Shape) => Readonly<Record<string, number>>;
  /**
   * What this variant makes of its input on its way, if a variant of another kernel makes the same of it again: with a tensor of `size`
   * elements to keep it in, the first op leaves it there and the second one finds it. Those understand each other whose `what` is equal.
   */
  readonly keeps?: { readonly what: string; readonly size: (shape: Shape) => number };
  readonly calls: (
    shape: Shape,
    tensors: Readonly<Record<Name, Tensor>>,
    scratch: Readonly<Record<string, Tensor>>,
    kept?: Tensor,
  ) => Call[];
}

/** A kernel: what goes in and out, what it costs, and the variants that compute it. The first variant does every shape. */
export interface Kernel<Shape, Name extends string = string> {
  readonly name: string;
  /** Elements of each tensor. */
  readonly sizes: (shape: Shape) => Readonly<Record<Name, number>>;
  readonly cost: (shape: Shape) => Cost;
  readonly variants: Readonly<Record<string, Variant<Shape, Name>>>;
}

/** A kernel at work on given tensors: the unit that a program lists, `explain` prints and the bench times. */
export interface Op {
  readonly kernel: string;
  readonly variant: string;
  readonly layer: string;
  readonly features: readonly GPUFeatureName[];
  readonly calls: readonly Call[];
  readonly cost: Cost;
}

/** Does every shape. */
export const firstVariant = <Shape, Name extends string>(kernel: Kernel<Shape, Name>) =>
  Object.keys(kernel.variants)[0];

/** Puts `kernel` to work on `tensors`, by its first variant or the named one; `kept` is for one that keeps something. */
export function op<Shape, Name extends string>(
  kernel: Kernel<Shape, Name>,
  layer: string,
  shape: Shape,
  tensors: Readonly<Record<Name, Tensor>>,
  variantName = firstVariant(kernel),
  kept?: Tensor,
): Op {
  const variant = kernel.variants[variantName];
  if (!variant) {
    const legal = Object.keys(kernel.variants).join(', ');
    throw new EngineError('argument', `${kernel.name} has no variant ${variantName}; it has ${legal}.`);
  }
  const reason = variant.refuses?.(shape);
  if (reason)
    throw new EngineError('argument', `${kernel.name}.${variantName} cannot do ${layer}: ${reason}.`);
  for (const [name, size] of Object.entries<number>(kernel.sizes(shape))) {
    const given = tensors[name as Name];
    if (given.size < size) {
      throw new EngineError(
        'argument',
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
  return {
    kernel: kernel.name,
    variant: variantName,
    layer,
    features: variant.features ?? [],
    calls: variant.calls(shape, tensors, scratch, kept),
    cost: kernel.cost(shape),
  };
}

// ---------------------------------------------------------------- programs: ops bound to a device

/** Bytes weigh this many FLOPs in a part's work, roughly what an adapter computes while it moves one byte. */
const FLOPS_PER_BYTE = 8;
/** Dispatches heavier than this are cut along z, so that a slow adapter need never be given more at once. */
const PART_WORK = 1e8;

/** A piece of a dispatch that can be submitted by itself. */
interface Part {
  readonly call: number;
  readonly paramsOffset: number;
  readonly groups: readonly [number, number, number];
  readonly work: number;
  /** The whole dispatch, of which this is the first of `of` parts. Set on the first part only. */
  readonly whole?: { readonly paramsOffset: number; readonly of: number };
}

interface BoundCall {
  readonly pipeline: GPUComputePipeline;
  readonly bindGroup: GPUBindGroup;
  readonly groups: readonly [number, number, number];
  readonly hasParams: boolean;
}

/**
 * A list of ops with their buffers, pipelines and params, ready to be encoded any number of times.
 *
 * `fixed` are buffers that exist already (weights, state); all other tensors are allocated here, sharing buffers where their
 * lifetimes allow it unless `reuse` is false.
 */
export class Program {
  /** Bytes of the buffers that this program allocated. */
  readonly bytes: number;
  private readonly parts: readonly Part[];
  private readonly bound: readonly BoundCall[];
  private readonly owned: readonly GPUBuffer[];
  private readonly buffers: ReadonlyMap<Tensor, GPUBuffer>;

  private constructor(
    parts: readonly Part[],
    bound: readonly BoundCall[],
    owned: readonly GPUBuffer[],
    buffers: ReadonlyMap<Tensor, GPUBuffer>,
  ) {
    this.parts = parts;
    this.bound = bound;
    this.owned = owned;
    this.buffers = buffers;
    this.bytes = owned.reduce((sum, b) => sum + b.size, 0);
  }

  static async compile(
    gpu: Gpu,
    label: string,
    ops: readonly Op[],
    fixed: ReadonlyMap<Tensor, GPUBuffer>,
    options: { reuse?: boolean; partWork?: number } = {},
  ): Promise<Program> {
    for (const { kernel, variant, features } of ops) {
      const missing = features.find((f) => !gpu.device.features.has(f));
      if (missing) {
        throw new EngineError(
          'argument',
          `${kernel}.${variant} needs the device feature ${missing}. Request the device with it, or choose another variant.`,
        );
      }
    }
    const calls = ops.flatMap((o) => o.calls);
    const plan = planMemory(calls, new Set(fixed.keys()), options.reuse ?? true);
    for (const slot of plan.slots) gpu.checkBufferSize(`${label}: ${slot.label}`, slot.size * 4);
    const pipelines = await Promise.all(calls.map((c) => gpu.pipeline(c.shader)));

    const params = packParams(gpu, ops, options.partWork ?? PART_WORK);
    const owned: GPUBuffer[] = [];
    try {
      const slots = await gpu.createBuffers(
        plan.slots.map((slot) => ({ label: `${label}: ${slot.label}`, bytes: slot.size * 4 })),
      );
      owned.push(...slots);
      const [uniforms] = await gpu.createBuffers([
        {
          label: `${label}: params`,
          bytes: params.data.byteLength,
          usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST,
        },
      ]);
      owned.push(uniforms);
      gpu.device.queue.writeBuffer(uniforms, 0, params.data);

      const buffers = new Map(fixed);
      for (const [t, slot] of plan.placement) {
        buffers.set(t, slots[slot]);
        if (t.data) gpu.device.queue.writeBuffer(slots[slot], 0, t.data);
      }
      const bind = (c: Call, i: number): BoundCall => {
        const entries: GPUBindGroupEntry[] = Object.entries<ShaderBinding>(c.shader.bindings).map(
          ([name, { binding }]) => {
            const t = c.tensors[name];
            const offset = (t.offset ?? 0) * 4;
            // Zero-sized bindings are not allowed, and sizes are multiples of 4 by construction.
            return {
              binding,
              resource: { buffer: buffers.get(t.base ?? t)!, offset, size: Math.max(t.size, 1) * 4 },
            };
          },
        );
        const hasParams = c.shader.params.size > 0;
        if (hasParams)
          entries.push({ binding: 0, resource: { buffer: uniforms, size: c.shader.params.size } });
        return {
          pipeline: pipelines[i].pipeline,
          bindGroup: gpu.device.createBindGroup({
            label: `${label}: ${c.shader.name}`,
            layout: pipelines[i].layout,
            entries,
          }),
          groups: c.groups,
          hasParams,
        };
      };
      // Some of the buffers are others', who may have destroyed them meanwhile.
      const bound = await gpu.scoped(`the bindings of ${label}`, () => calls.map(bind));
      return new Program(params.parts, bound, owned, buffers);
    } catch (error) {
      for (const b of owned) b.destroy();
      throw error;
    }
  }

  /** Compiles several programs at once, all or none. */
  static async compileAll<const T extends readonly Promise<Program>[]>(
    compiling: T,
  ): Promise<{ [K in keyof T]: Program }> {
    // A failed sibling must not pull away buffers that another one still binds: let all settle before anything is freed.
    const results = await Promise.allSettled(compiling);
    const failed = results.find((r) => r.status === 'rejected');
    if (!failed)
      return results.map((r) => (r as PromiseFulfilledResult<Program>).value) as { [K in keyof T]: Program };
    for (const r of results) if (r.status === 'fulfilled') r.value.destroy();
    throw failed.reason;
  }

  get partCount(): number {
    return this.parts.length;
  }

  /** Work of part `i`, in FLOPs (bytes counted as FLOPs at a fixed rate): an estimate to pace submissions by. */
  work(i: number): number {
    return this.parts[i].work;
  }

  /** Work of all parts together. */
  get totalWork(): number {
    return this.parts.reduce((sum, part) => sum + part.work, 0);
  }

  /** Records parts [from, to), by default all. Parts that together make a whole dispatch are recorded as one. */
  encode(pass: GPUComputePassEncoder, from = 0, to = this.parts.length): void {
    let current = -1;
    for (let i = from; i < to; ) {
      const part = this.parts[i];
      const call = this.bound[part.call];
      const whole = part.whole && i + part.whole.of <= to ? part.whole : undefined;
      if (current !== part.call) pass.setPipeline(call.pipeline);
      current = part.call;
      pass.setBindGroup(0, call.bindGroup, call.hasParams ? [(whole ?? part).paramsOffset] : []);
      const [x, y, z] = whole ? call.groups : part.groups;
      pass.dispatchWorkgroups(x, y, z);
      i += whole?.of ?? 1;
    }
  }

  /** The buffer that holds `t` (a tensor of this program or one of its fixed ones). */
  buffer(t: Tensor): GPUBuffer {
    const buffer = this.buffers.get(t.base ?? t);
    if (!buffer) throw new EngineError('argument', `no tensor ${t.label} in this program`);
    return buffer;
  }

  destroy(): void {
    for (const b of this.owned) b.destroy();
  }
}

/** Lays the params of every call, whole and in parts, into one uniform buffer that dynamic offsets point into. */
function packParams(gpu: Gpu, ops: readonly Op[], partWork: number): { data: ArrayBuffer; parts: Part[] } {
  const alignment = gpu.device.limits.minUniformBufferOffsetAlignment;
  const slices: { shader: Shader; values: Record<string, number> }[] = [];
  const stride =
    Math.max(...ops.flatMap((o) => o.calls.map((c) => Math.ceil(c.shader.params.size / alignment))), 1) *
    alignment;
  const parts: Part[] = [];
  let index = 0;
  for (const o of ops) {
    const work = (o.cost.flops + FLOPS_PER_BYTE * o.cost.bytes) / o.calls.length;
    for (const c of o.calls) {
      const [x, y, z] = c.groups;
      const splits = 'first_group' in c.shader.params.fields;
      const count = splits ? Math.min(z, Math.max(1, Math.ceil(work / partWork))) : 1;
      const slice = (firstGroup: number) => {
        const values: Record<string, number> = { ...c.params };
        if (splits) values.first_group = firstGroup;
        return (slices.push({ shader: c.shader, values }) - 1) * stride;
      };
      const whole = { paramsOffset: slice(0), of: count };
      for (let p = 0; p < count; p++) {
        const from = Math.floor((p * z) / count);
        const to = Math.floor(((p + 1) * z) / count);
        parts.push({
          call: index,
          paramsOffset: p === 0 ? whole.paramsOffset : slice(from),
          groups: [x, y, to - from],
          work: (work * (to - from)) / z,
          ...(p === 0 ? { whole } : {}),
        });
      }
      index++;
    }
  }
  const data = new ArrayBuffer(slices.length * stride);
  slices.forEach(({ shader, values }, i) => {
    writeParams(new DataView(data, i * stride, stride), shader, values);
  });
  return { data, parts };
}

function writeParams(target: DataView, shader: Shader, values: Readonly<Record<string, number>>): void {
  const fields = Object.entries<ParamField>(shader.params.fields);
  const legal = () => fields.map(([name]) => name).join(', ');
  for (const name of Object.keys(values)) {
    if (!(name in shader.params.fields)) {
      throw new EngineError('argument', `${shader.name} has no param ${name}; it has ${legal()}.`);
    }
  }
  for (const [name, { type, offset }] of fields) {
    const value = values[name];
    if (!Number.isFinite(value)) {
      throw new EngineError(
        'argument',
        `${shader.name}: param ${name} is ${value}; all of ${legal()} must be finite numbers.`,
      );
    }
    if (type === 'f32') target.setFloat32(offset, value, true);
    else if (type === 'u32') target.setUint32(offset, value, true);
    else target.setInt32(offset, value, true);
  }
}
