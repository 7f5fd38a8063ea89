/** Times the kernels of a step one by one, on tensors of their own: what they hold does not matter, and no run is touched. */
import type { Gpu } from '../../src/gpu/gpu';
import { Program } from '../../src/gpu/program';
import type { Op } from '../../src/plan/op';
import { wholeDispatches } from './rows';
import { Timer, type TimerKind } from './timer';

/** Calls `each` with the milliseconds of each op, from one span. Resolves to the clock that was used. */
export async function timeOps(
  gpu: Gpu,
  ops: readonly Op[],
  each: (index: number, ms: number) => void,
  signal?: AbortSignal,
): Promise<TimerKind> {
  const program = await Program.compile(gpu, 'timing', ops, new Map(), wholeDispatches);
  let timer: Timer | undefined;
  try {
    const firsts = ops.map((_, i) => ops.slice(0, i).reduce((sum, { calls }) => sum + calls.length, 0));
    const encodeOf = (i: number) => (pass: GPUComputePassEncoder) =>
      program.encode(pass, firsts[i], firsts[i] + ops[i].calls.length);
    const costs = ops.map(({ cost }) => cost.flops);
    timer = await Timer.create(gpu, encodeOf(costs.indexOf(Math.max(...costs))));
    for (const i of ops.keys()) {
      signal?.throwIfAborted();
      each(i, (await timer.span(encodeOf(i), signal)).ms);
    }
    return timer.kind;
  } finally {
    timer?.destroy();
    program.destroy();
  }
}
