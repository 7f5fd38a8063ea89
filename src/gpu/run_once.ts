import type { Op } from '../plan/op';
import type { Values } from '../plan/reference';
import type { Tensor } from '../plan/tensor';
import type { Gpu } from './gpu';
import { computePass, createTensorBuffers, Program } from './program';
import { Staging } from './staging';

/** Runs `ops` once, in one submission, on tensors that hold `before`, and resolves to what `results` of them hold then. */
export async function runOnce(
  gpu: Gpu,
  label: string,
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
    for (const [t, values] of before)
      gpu.device.queue.writeBuffer(buffers.get(t)!, 0, values as Float32Array<ArrayBuffer>);
    const encoder = gpu.device.createCommandEncoder({ label });
    const compiled = program;
    computePass(encoder, label, (pass) => compiled.encode(pass));
    return await staging.read(encoder, sources);
  } finally {
    program?.destroy();
    staging?.destroy();
    for (const buffer of buffers.values()) buffer.destroy();
  }
}
