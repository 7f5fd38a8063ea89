/** Times the ops of a step one by one. */
import type { Gpu } from '../../src/gpu/gpu';
import { Program } from '../../src/gpu/program';
import type { Op } from '../../src/plan/op';
import type { Tensor } from '../../src/plan/tensor';
import { type Encode, Timer, type TimerKind, type Times } from './timer';

/** Times each dispatch uncut, however long it takes. */
export const wholeDispatches = { partWork: Number.POSITIVE_INFINITY } as const;

interface OpTimes {
  readonly index: number;
  readonly ms: Times;
  readonly clock: TimerKind;
}

/** Yields the times of each op: by `timer`, from samples over about `seconds`; default: by a timer of its own, from one sample. */
export async function* opTimes(
  gpu: Gpu,
  ops: readonly Op[],
  boundBuffers: ReadonlyMap<Tensor, GPUBuffer>,
  { timer, seconds, signal }: { timer?: Timer; seconds?: number; signal?: AbortSignal | undefined },
): AsyncGenerator<OpTimes, void, undefined> {
  const program = await Program.compile(gpu, 'timing', ops, boundBuffers, wholeDispatches);
  let own: Timer | undefined;
  try {
    // An uncut dispatch is one part.
    const firsts = ops.map((_, i) => ops.slice(0, i).reduce((sum, { calls }) => sum + calls.length, 0));
    const encodeOf =
      (i: number): Encode =>
      (pass) =>
        program.encode(pass, firsts[i], firsts[i] + ops[i].calls.length);
    const costs = ops.map(({ cost }) => cost.flops);
    if (!timer) own = await Timer.create(gpu, encodeOf(costs.indexOf(Math.max(...costs))));
    const used = timer ?? own!;
    for (const index of ops.keys()) {
      signal?.throwIfAborted();
      yield { index, ms: await used.measure(encodeOf(index), seconds, signal), clock: used.kind };
    }
  } finally {
    own?.destroy();
    program.destroy();
  }
}

/**
 * Calls `each` with the milliseconds of each op, on tensors of their own: what they hold does not matter, and no run is touched. Resolves
 * to the clock that was used.
 */
export async function timeOps(
  gpu: Gpu,
  ops: readonly Op[],
  each: (index: number, ms: number) => void,
  signal?: AbortSignal,
): Promise<TimerKind> {
  let used: TimerKind = 'wall clock';
  for await (const { index, ms, clock } of opTimes(gpu, ops, new Map(), { signal })) {
    used = clock;
    each(index, ms.median);
  }
  return used;
}
