import type { Gpu } from '../gpu/gpu';
import type { createTensorBuffers, Program } from '../gpu/program';
import type { Staging } from '../gpu/staging';
import type { Op, op } from '../plan/op';
import type { Values } from '../plan/reference';
import type { Tensor } from '../plan/tensor';

/**
 * The parts of the engine needed here. Passed in, because a bundler would split imported ones out of the engine's file: 1 KB more for
 * everyone.
 */
export interface Tools {
  /** The label of the objects on the device. */
  readonly label: string;
  readonly gpu: Gpu;
  readonly op: typeof op;
  readonly Program: typeof Program;
  readonly Staging: typeof Staging;
  readonly createTensorBuffers: typeof createTensorBuffers;
}

/** Runs `ops` once, in one submission, on tensors that hold `before`, and resolves to the contents of `results` afterwards. */
export async function runOnce(
  { label, gpu, Program, Staging, createTensorBuffers }: Tools,
  ops: readonly Op[],
  before: ReadonlyMap<Tensor, Values>,
  results: readonly Tensor[],
): Promise<ArrayBuffer[]> {
  const buffers = await createTensorBuffers(gpu, `${label} `, [...before.keys()]);
  let program: Program | undefined;
  let staging: Staging | undefined;
  try {
    program = await Program.compile(gpu, label, ops, buffers, { verify: false });
    const sources = results.map((t) => ({ buffer: buffers.get(t)!, bytes: t.size * 4 }));
    const bytes = results.reduce((sum, t) => sum + t.size * 4, 0);
    staging = await Staging.create(gpu, label, bytes);
    for (const [t, values] of before) gpu.writeSoon(buffers.get(t)!, 0, values as Float32Array<ArrayBuffer>);
    const encoder = gpu.device.createCommandEncoder({ label });
    const pass = encoder.beginComputePass({ label });
    program.encode(pass);
    pass.end();
    return await staging.read(encoder, sources);
  } finally {
    program?.destroy();
    staging?.destroy();
    for (const buffer of buffers.values()) buffer.destroy();
  }
}
