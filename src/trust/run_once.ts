import type { Gpu, RunOptions } from '../gpu/gpu';
import type { Load } from '../gpu/pacer';
import { computePass, createSlots, createTensorBuffers, Program } from '../gpu/program';
import { Staging } from '../gpu/staging';
import { planMemory } from '../plan/memory';
import type { Op } from '../plan/op';
import type { Values } from '../plan/reference';
import type { Tensor } from '../plan/tensor';

interface Run {
  /** The label of the objects on the device. */
  readonly label: string;
  readonly ops: readonly Op[];
  /** The contents of tensors before. */
  readonly before: ReadonlyMap<Tensor, Values>;
  readonly results: readonly Tensor[];
  /** Buffers of others that the ops use. */
  readonly bound?: ReadonlyMap<Tensor, GPUBuffer>;
  /** Awaited before an op is compiled. */
  readonly isReady?: (o: Op) => Promise<void>;
  /** Called once the shaders are requested. */
  readonly onRequested?: (() => void) | undefined;
  /** Whether the kernels are checked first. */
  readonly check?: boolean;
  /** Limits of submissions; without them there is one. */
  readonly limits?: RunOptions;
}

/** Runs ops once, each as soon as it is compiled, and resolves to the contents of `results` afterwards. */
export async function runOnce(
  gpu: Gpu,
  { label, ops, before, results, bound, isReady, onRequested, check = false, limits }: Run,
): Promise<ArrayBuffer[]> {
  const own = new Set([...before.keys(), ...results]);
  const buffers = new Map(bound);
  const owned: GPUBuffer[] = [];
  let programs: readonly Promise<Program>[] = [];
  let staging: Staging | undefined;
  try {
    const created = await createTensorBuffers(gpu, `${label} `, [...own]);
    owned.push(...created.values());
    for (const [t, buffer] of created) buffers.set(t, buffer);
    const memory = planMemory(
      ops.flatMap(({ calls }) => calls),
      new Set(buffers.keys()),
      true,
    );
    const slots = await createSlots(gpu, label, memory);
    owned.push(...slots.owned);
    for (const [t, buffer] of slots.buffers) buffers.set(t, buffer);
    programs = ops.map(async (o) => {
      await isReady?.(o);
      return Program.compile(gpu, label, [o], buffers, { check });
    });
    onRequested?.();
    for (const program of programs) program.catch(() => {}); // an earlier one may fail first
    const sources = results.map((t) => ({ buffer: created.get(t)!, bytes: t.size * 4 }));
    staging = await Staging.create(
      gpu,
      label,
      sources.reduce((sum, { bytes }) => sum + bytes, 0),
    );
    for (const [t, values] of before) gpu.writeSoon(created.get(t)!, 0, values as Float32Array<ArrayBuffer>);
    const read = (last: GPUCommandEncoder, load?: Load) => staging!.read(last, sources, load);
    // Faults that depend on the number of workgroups do not show in pieces of a dispatch.
    if (limits) return await gpu.runAnd(programs, read, { ...limits, whole: true });
    const all = await Promise.all(programs);
    const encoder = gpu.device.createCommandEncoder({ label });
    computePass(encoder, label, (pass) => {
      for (const program of all) program.encode(pass);
    });
    return await read(encoder);
  } finally {
    for (const program of await Promise.allSettled(programs)) {
      if (program.status === 'fulfilled') program.value.destroy();
    }
    staging?.destroy();
    for (const buffer of owned) buffer.destroy();
  }
}
