/** Does a kernel compile in time? Waits for pipelines that are late. Loaded when one is. */
import { afterSeconds } from '../base/time';
import { adapterName } from '../gpu/adapter';
import type { Compilation, CompiledShader } from '../gpu/compiler';
import type { Gpu } from '../gpu/gpu';
import type { Op } from '../plan/op';
import type { Shader } from '../plan/shader';
import { UPDATE } from './faults';
import { UnusableKernel } from './unusable_kernel';

/** Seconds between two reports of a late pipeline, unless the deadline is shorter. */
const AGAIN_SECONDS = 10;
/** A pipeline is given up after this many deadlines: no known driver delivers one after that. */
const PATIENCE = 10;

/** The op that needs a pipeline. */
interface Need {
  readonly gpu: Gpu;
  readonly op: Op;
  readonly shader: Shader;
  readonly compilation: Compilation;
}

/** Whether no other form takes its place: on a processor forms never change by the clock. */
function isAwaited({ gpu, op }: Need): boolean {
  const { variants, unfused } = op.origin.kernel;
  return gpu.adapter.software || (Object.keys(variants).length === 1 && !unfused);
}

/**
 * Resolves to a late pipeline; reports every few seconds that it is still being compiled. Throws an `UnusableKernel` at once where another
 * form may replace it, else when it is given up.
 */
export async function waitFor(need: Need, isPatient = isAwaited(need)): Promise<CompiledShader> {
  const { gpu, op, shader, compilation } = need;
  const { compiler } = gpu;
  const { deadline } = compiler;
  const { compiled } = compilation;
  for (;;) {
    // It may have been late for an earlier program.
    if (compilation.ended) return compiled;
    const seconds = Number(((performance.now() - compilation.begun) / 1000).toPrecision(2));
    if (!compilation.tick) {
      compiler.tellLate(compilation, `${op.kernel}.${op.variant}`, seconds);
      compilation.tick = tick(compilation, Math.min(AGAIN_SECONDS, deadline));
    }
    const isGivenUp = deadline + compilation.waited >= PATIENCE * deadline;
    if (!isPatient || isGivenUp) {
      compiler.count(compilation);
      const pending = isPatient ? undefined : { compiled, wait: () => waitFor(need, true) };
      const problem = `${pending ? ' yet' : ''}: its shader ${shader.name} has been compiling for ${seconds} s.`;
      const advice = pending
        ? 'Wait for it, or use another variant.'
        : `It goes on compiling: try again later, or give it longer with createEngine({ deadlineSeconds }), which is ${deadline} here. ${UPDATE}`;
      const adapter = adapterName(gpu.adapter);
      throw new UnusableKernel('slow-kernel', op, { adapter, problem, advice, pending });
    }
    const came = await Promise.race([compiled, compilation.tick]);
    if (came) return came;
  }
}

/** Waits for a pipeline; all that need it share the wait, so that it is reported once. */
function tick(compilation: Compilation, seconds: number): Promise<void> {
  return new Promise((resolve) => {
    const end = afterSeconds(seconds, () => {
      compilation.tick = undefined;
      compilation.waited += seconds;
      resolve();
    });
    compilation.compiled.then(end, end);
  });
}
