import type { Gpu, RunOptions } from '../gpu/gpu';
import type { Load } from '../gpu/pacer';
import { computePass, createTensorBuffers, Program } from '../gpu/program';
import { Staging } from '../gpu/staging';
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
  /** Whether the kernels are checked first. */
  readonly check?: boolean;
  /** Limits of submissions; without them there is one. */
  readonly limits?: RunOptions;
}

/** Runs ops once, and resolves to the contents of `results` afterwards. */
export async function runOnce(
  gpu: Gpu,
  { label, ops, before, results, bound = new Map(), check = false, limits }: Run,
): Promise<ArrayBuffer[]> {
  const own = new Set([...before.keys(), ...results]);
  const buffers = await createTensorBuffers(gpu, `${label} `, [...own]);
  let program: Program | undefined;
  let staging: Staging | undefined;
  try {
    program = await Program.compile(gpu, label, ops, new Map([...bound, ...buffers]), { check });
    const sources = results.map((t) => ({ buffer: buffers.get(t)!, bytes: t.size * 4 }));
    staging = await Staging.create(
      gpu,
      label,
      sources.reduce((sum, { bytes }) => sum + bytes, 0),
    );
    for (const [t, values] of before) gpu.writeSoon(buffers.get(t)!, 0, values as Float32Array<ArrayBuffer>);
    if (limits) {
      // Faults that depend on the number of workgroups do not show in pieces of a dispatch.
      const each = ops.map((_, i) => program!.section(i, i + 1));
      const read = (last: GPUCommandEncoder, load: Load) => staging!.read(last, sources, load);
      return await gpu.runAnd(each, read, { ...limits, whole: true });
    }
    const encoder = gpu.device.createCommandEncoder({ label });
    computePass(encoder, label, (pass) => program!.encode(pass));
    return await staging.read(encoder, sources);
  } finally {
    program?.destroy();
    staging?.destroy();
    for (const buffer of buffers.values()) buffer.destroy();
  }
}
