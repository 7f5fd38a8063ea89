/** Ops bound to a device, ready to run. Nothing else in this project dispatches. */

import { argumentError } from '../base/errors';
import { type MemoryPlan, planMemory } from '../plan/memory';
import type { Call, Op } from '../plan/op';
import type { ParamField, Shader, ShaderBinding } from '../plan/shader';
import type { Tensor } from '../plan/tensor';
import type { CompiledShader } from './compiler';
import type { Gpu } from './gpu';
import { Load, type Pacer, type PartWork } from './pacer';

/** A byte counts as this many FLOPs in a part's work: roughly what an adapter computes while it moves one byte. */
const FLOPS_PER_BYTE = 8;
/** Dispatches are cut along z into parts that take this share of a submission, as far as is known when they are laid out, */
const PART_SHARE = 1 / 8;
/** of at most this work, since submissions may become shorter later, */
const PART_WORK = 1e8;
/** and into at most this many parts, which the host must count in each submission. */
const MOST_PARTS = 64;

/** A piece of a dispatch that can be submitted by itself. */
interface Part extends PartWork {
  readonly call: number;
  readonly paramsOffset: number;
  readonly groups: readonly [number, number, number];
  /** On the first part only: the whole dispatch, which consists of `of` parts. */
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
 * `boundBuffers` exist already (weights, state); all other tensors are allocated here, sharing buffers if their lifetimes allow it, unless
 * `reuse` is false.
 */
export class Program {
  /** Bytes of the buffers that this program allocated. */
  readonly bytes: number;
  /** The work of all parts. */
  readonly load = new Load();
  private readonly parts: readonly Part[];
  private readonly bound: readonly BoundCall[];
  private readonly owned: readonly GPUBuffer[];
  private readonly buffers: ReadonlyMap<Tensor, GPUBuffer>;
  /** The first part of each op, and the end of the last one's. */
  private readonly starts: readonly number[];

  private constructor(
    parts: readonly Part[],
    bound: readonly BoundCall[],
    owned: readonly GPUBuffer[],
    buffers: ReadonlyMap<Tensor, GPUBuffer>,
    starts: readonly number[],
  ) {
    this.parts = parts;
    this.bound = bound;
    this.owned = owned;
    this.buffers = buffers;
    this.starts = starts;
    this.bytes = owned.reduce((sum, b) => sum + b.size, 0);
    for (const part of parts) this.load.add(part);
  }

  /** Throws what `Trust.admit` throws if a kernel may not be used. `check`: see there. */
  static async compile(
    gpu: Gpu,
    label: string,
    ops: readonly Op[],
    boundBuffers: ReadonlyMap<Tensor, GPUBuffer>,
    options: { reuse?: boolean; partWork?: number; check?: boolean } = {},
  ): Promise<Program> {
    checkFeatures(gpu, ops);
    const calls = ops.flatMap((o) => o.calls);
    const plan = planMemory(calls, new Set(boundBuffers.keys()), options.reuse ?? true);
    for (const slot of plan.slots) gpu.checkBufferSize(`${label}: ${slot.label}`, slot.size * 4);
    await gpu.trust?.admit(ops, options.check);
    const pipelines = await Promise.all(calls.map(({ shader }) => gpu.compiler.pipeline(shader).compiled));
    const params = layoutUniforms(gpu, ops, options.partWork);
    const owned: GPUBuffer[] = [];
    try {
      const slots = await createSlots(gpu, label, plan);
      owned.push(...slots.owned);
      const [uniforms] = await gpu.createBuffers([
        {
          label: `${label}: params`,
          bytes: params.data.byteLength,
          usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST,
        },
      ]);
      owned.push(uniforms);
      const buffers = new Map([...boundBuffers, ...slots.buffers]);
      // Some of these buffers belong to others, who may have destroyed them meanwhile.
      const bound = await gpu.scoped(`the bindings of ${label}`, () => {
        gpu.device.queue.writeBuffer(uniforms, 0, params.data);
        return calls.map((c, i) => bind(gpu, label, c, pipelines[i], buffers, uniforms));
      });
      return new Program(params.parts, bound, owned, buffers, params.starts);
    } catch (error) {
      for (const b of owned) b.destroy();
      throw error;
    }
  }

  /** Compiles several programs at once, all or none. */
  static async compileAll<const T extends readonly Promise<Program>[]>(
    compiling: T,
  ): Promise<{ [K in keyof T]: Program }> {
    // Let all settle before anything is freed: after a failure, another program may still be binding shared buffers.
    const results = await Promise.allSettled(compiling);
    const failed = results.find((r) => r.status === 'rejected');
    if (!failed)
      return results.map((r) => (r as PromiseFulfilledResult<Program>).value) as { [K in keyof T]: Program };
    for (const r of results) if (r.status === 'fulfilled') r.value.destroy();
    throw failed.reason;
  }

  /** Ops [from, to) as a separate program, which shares all buffers with this one: only this one frees them. */
  section(from: number, to: number): Program {
    const starts = this.starts.slice(from, to + 1);
    const parts = this.parts.slice(starts[0], starts[starts.length - 1]);
    return new Program(
      parts,
      this.bound,
      [],
      this.buffers,
      starts.map((start) => start - starts[0]),
    );
  }

  get partCount(): number {
    return this.parts.length;
  }

  /** The work of part `i`, in FLOPs (bytes counted as FLOPs at a fixed rate): an estimate to pace submissions by. */
  part(i: number): PartWork {
    return this.parts[i];
  }

  /** Records parts [from, to), by default all. Parts that together make a whole dispatch are recorded as one dispatch. */
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

  /** The buffer that holds `t` (a tensor of this program or one of its bound buffers). */
  buffer(t: Tensor): GPUBuffer {
    const buffer = this.buffers.get(t.base ?? t);
    if (!buffer) throw argumentError(`no tensor ${t.label} in this program`);
    return buffer;
  }

  destroy(): void {
    for (const b of this.owned) b.destroy();
  }
}

function checkFeatures(gpu: Gpu, ops: readonly Op[]): void {
  for (const { kernel, variant, features } of ops) {
    const missing = features.find((f) => !gpu.device.features.has(f));
    if (!missing) continue;
    throw argumentError(
      `${kernel}.${variant} needs the device feature ${missing}. Request the device with it, or choose another variant.`,
    );
  }
}

/** Binds the tensors of a call, and its params if it has any. */
function bind(
  gpu: Gpu,
  label: string,
  { shader, tensors, groups }: Call,
  { pipeline, layout }: CompiledShader,
  buffers: ReadonlyMap<Tensor, GPUBuffer>,
  uniforms: GPUBuffer,
): BoundCall {
  const entries = Object.entries<ShaderBinding>(shader.bindings).map(
    ([name, { binding }]): GPUBindGroupEntry => {
      const t = tensors[name];
      const offset = (t.offset ?? 0) * 4;
      // WebGPU forbids zero-sized bindings; sizes are multiples of 4 by construction.
      const size = Math.max(t.size, 1) * 4;
      return { binding, resource: { buffer: buffers.get(t.base ?? t)!, offset, size } };
    },
  );
  const hasParams = shader.params.size > 0;
  if (hasParams) entries.push({ binding: 0, resource: { buffer: uniforms, size: shader.params.size } });
  const bindGroup = gpu.device.createBindGroup({ label: `${label}: ${shader.name}`, layout, entries });
  return { pipeline, bindGroup, groups, hasParams };
}

/** Work of a part of a shader's dispatches. */
const partWorkOf = (pacer: Pacer, shader: string) => Math.min(PART_SHARE * pacer.budget(shader), PART_WORK);

/** Work of a call. */
function callWork({ origin, cost }: Op, { tensors, flops = 0 }: Call): number {
  if (origin.calls.length === 1) return cost.flops + FLOPS_PER_BYTE * cost.bytes;
  // A tensor may be bound twice.
  const elements = [...new Set(Object.values(tensors))].reduce((sum, t) => sum + t.size, 0);
  return flops + FLOPS_PER_BYTE * 4 * elements;
}

/** Lays out the params of every call, for the whole dispatch and for each part, in one uniform buffer read at dynamic offsets. */
function layoutUniforms(
  gpu: Gpu,
  ops: readonly Op[],
  partWork: number | undefined,
): { data: ArrayBuffer; parts: Part[]; starts: number[] } {
  const alignment = gpu.device.limits.minUniformBufferOffsetAlignment;
  const slices: { shader: Shader; values: Record<string, number> }[] = [];
  const stride =
    Math.max(...ops.flatMap((o) => o.calls.map((c) => Math.ceil(c.shader.params.size / alignment))), 1) *
    alignment;
  const parts: Part[] = [];
  const starts: number[] = [];
  let index = 0;
  for (const o of ops) {
    starts.push(parts.length);
    for (const c of o.calls) {
      const [x, y, z] = c.groups;
      const shader = c.shader.name;
      const work = callWork(o, c);
      const splits = 'first_group' in c.shader.params.fields;
      const most = partWork ?? Math.max(partWorkOf(gpu.pacer, shader), work / MOST_PARTS);
      const count = splits ? Math.min(z, Math.max(1, Math.ceil(work / most))) : 1;
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
          shader,
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
  return { data, parts, starts: [...starts, parts.length] };
}

function writeParams(target: DataView, shader: Shader, values: Readonly<Record<string, number>>): void {
  const fields = Object.entries<ParamField>(shader.params.fields);
  const legal = () => fields.map(([name]) => name).join(', ');
  for (const name of Object.keys(values)) {
    if (!(name in shader.params.fields)) {
      throw argumentError(`${shader.name} has no param ${name}; it has ${legal()}.`);
    }
  }
  for (const [name, { type, offset }] of fields) {
    const value = values[name];
    if (!Number.isFinite(value)) {
      throw argumentError(
        `${shader.name}: param ${name} is ${value}; all of ${legal()} must be finite numbers.`,
      );
    }
    if (type === 'f32') target.setFloat32(offset, value, true);
    else if (type === 'u32') target.setUint32(offset, value, true);
    else target.setInt32(offset, value, true);
  }
}

/** Records a compute pass: begins it, calls `record`, ends it. */
export function computePass(
  encoder: GPUCommandEncoder,
  label: string,
  record: (pass: GPUComputePassEncoder) => void,
): void {
  const pass = encoder.beginComputePass({ label });
  record(pass);
  pass.end();
}

/** Creates the buffers of a memory plan, all or none, and writes its tables. */
export async function createSlots(gpu: Gpu, label: string, { slots, placement }: MemoryPlan) {
  const tables: (Uint32Array<ArrayBuffer> | undefined)[] = [];
  for (const [{ data }, slot] of placement) if (data) tables[slot] = data;
  const owned = await gpu.createBuffers(
    slots.map((slot, i) => ({ label: `${label}: ${slot.label}`, bytes: slot.size * 4, data: tables[i] })),
  );
  return { owned, buffers: new Map([...placement].map(([t, slot]) => [t, owned[slot]])) };
}

/** Creates a buffer for each tensor, all or none; `prefix` is put before their labels. */
export async function createTensorBuffers(
  gpu: Gpu,
  prefix: string,
  tensors: readonly Tensor[],
): Promise<Map<Tensor, GPUBuffer>> {
  const buffers = await gpu.createBuffers(
    tensors.map((t) => ({ label: `${prefix}${t.label}`, bytes: t.size * 4 })),
  );
  return new Map(tensors.map((t, i) => [t, buffers[i]]));
}
