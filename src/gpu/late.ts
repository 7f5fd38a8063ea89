/** Waits for pipelines that are late. Loaded when there is one. */
import type { Compilation, CompiledShader, Compiler } from './compiler';
import type { UnusableKernel } from './unusable_kernel';
import { afterSeconds } from './wait';

/** How often it is told that a pipeline has still not come, in seconds, where the deadline is not shorter. */
const AGAIN_SECONDS = 10;
/** A pipeline is given up when it has been waited for as long as so many deadlines: no driver is known to come with it after that. */
const PATIENCE = 10;

interface Late {
  readonly compiler: Compiler;
  readonly compilation: Compilation;
  readonly shader: string;
  /** The kernel and variant that need it. */
  readonly kernel: string;
  /** Whether to wait on; otherwise `unusable` at once, so that another form can take its place. */
  readonly waits: boolean;
  readonly unusable: (problem: string, advice: string, pending?: UnusableKernel['pending']) => UnusableKernel;
}

/** Resolves to the pipeline; tells every few seconds that it is late. Throws what `unusable` makes where it is not waited for, or given up. */
export async function waitFor(late: Late): Promise<CompiledShader> {
  const { compiler, compilation, shader, kernel, waits, unusable } = late;
  const { deadline } = compiler;
  const { compiled } = compilation;
  for (;;) {
    const seconds = Number(((performance.now() - compilation.begun) / 1000).toPrecision(2));
    if (!compilation.tick) {
      compiler.tellLate(kernel, seconds);
      compilation.tick = tick(compilation, Math.min(AGAIN_SECONDS, deadline));
    }
    const problem = `its shader ${shader} has been compiling for ${seconds} s.`;
    if (!waits) {
      const wait = () => waitFor({ ...late, waits: true });
      throw unusable(problem, 'Wait for it, or use another variant.', { compiled, wait });
    }
    if (deadline + compilation.waited >= PATIENCE * deadline) {
      const advice = `It goes on compiling: try again later, or give it longer with createEngine({ deadlineSeconds }), which is ${deadline} here. Update the browser and the graphics driver, or use another adapter.`;
      throw unusable(problem, advice);
    }
    const came = await Promise.race([compiled, compilation.tick]);
    if (came) return came;
  }
}

/** One wait for all that wait for a pipeline: it is told of once. */
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
