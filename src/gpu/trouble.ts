/** Handles shaders that are refused or late, and submissions that do not end. Loaded on demand: most visits need none of it. */
import { EngineError } from '../base/errors';
import type { Warning } from '../base/events';
import type { afterSeconds } from '../base/time';
import type { Op } from '../plan/op';
import type { Shader } from '../plan/shader';
import type { Compilation, CompiledShader } from './compilation';
import type { UnusableKernel } from './unusable_kernel';

/** Seconds between two reports of a late pipeline, unless the deadline is shorter. */
const AGAIN_SECONDS = 10;
/** A pipeline is given up after this many deadlines: no known driver delivers one after that. */
const PATIENCE = 10;
const UPDATE = 'Update the browser and the graphics driver, or use another adapter.';

/** The op that needs a pipeline, and parts of the engine: a bundler would split imported ones out of the engine's file. */
interface Need {
  readonly op: Op;
  readonly shader: Shader;
  readonly compilation: Compilation;
  readonly compiler: {
    readonly deadline: number;
    tellLate(compilation: Compilation, kernel: string, seconds: number): void;
    count(compilation: Compilation): void;
  };
  /** The adapter's name for itself, and whether it is a processor. */
  readonly adapter: string;
  readonly software: boolean;
  readonly Unusable: typeof UnusableKernel;
  readonly after: typeof afterSeconds;
}

type Refused = Pick<Need, 'op' | 'adapter' | 'Unusable'>;
type Texts = Readonly<Record<'problem' | 'advice', string>> & { readonly yet?: string };

function unusable(
  { op: { kernel, variant }, adapter, Unusable }: Refused,
  why: UnusableKernel['why'],
  { problem, advice, yet = '' }: Texts,
  options?: ConstructorParameters<typeof UnusableKernel>[2],
): UnusableKernel {
  const place = adapter || 'without a name';
  const text = `The kernel ${kernel}.${variant} cannot be used on this adapter (${place})${yet}: ${problem}`;
  return new Unusable(why, { kernel, variant, text, advice }, options);
}

/** The error of a kernel whose shader is refused. */
export const refusedKernel = (need: Refused, cause: Error): UnusableKernel => {
  const advice = `${UPDATE} If that does not help, please report it with this message.`;
  return unusable(need, 'refused-kernel', { problem: cause.message, advice }, { cause });
};

/** The error of a shader that is refused. */
export async function refusedShader(
  { name }: Shader,
  code: string,
  module: GPUShaderModule,
  cause: unknown,
): Promise<EngineError> {
  const info = await module.getCompilationInfo().catch(() => undefined);
  const lines = code.split('\n');
  const messages = (info?.messages ?? [])
    .filter((m) => m.type === 'error')
    .map((m) => `${m.lineNum}:${m.linePos} ${m.message}\n    ${lines[m.lineNum - 1] ?? ''}`);
  const words = messages.join('\n') || (cause as Error).message;
  return new EngineError('shader', `The shader ${name} was refused by this browser or driver: ${words}`, {
    cause,
  });
}

/**
 * Resolves to a late pipeline; reports every few seconds that it is still being compiled. Throws an `UnusableKernel` at once where another
 * form may replace it, else when it is given up.
 */
export function waitFor(need: Need): Promise<CompiledShader> {
  const { variants, unfused } = need.op.origin.kernel;
  const isOnlyForm = Object.keys(variants).length === 1 && !unfused;
  return wait(need, need.software || isOnlyForm);
}

async function wait(need: Need, isPatient: boolean): Promise<CompiledShader> {
  const { op, shader, compilation, compiler } = need;
  const { deadline } = compiler;
  const { compiled } = compilation;
  for (;;) {
    // It may have been late for an earlier program.
    if (compilation.ended) return compiled;
    const seconds = Number(((performance.now() - compilation.begun) / 1000).toPrecision(2));
    if (!compilation.tick) {
      compiler.tellLate(compilation, `${op.kernel}.${op.variant}`, seconds);
      compilation.tick = tick(need, Math.min(AGAIN_SECONDS, deadline));
    }
    const problem = `its shader ${shader.name} has been compiling for ${seconds} s.`;
    if (!isPatient) {
      compiler.count(compilation);
      const texts = { yet: ' yet', problem, advice: 'Wait for it, or use another variant.' };
      throw unusable(need, 'slow-kernel', texts, { pending: { compiled, wait: () => wait(need, true) } });
    }
    if (deadline + compilation.waited >= PATIENCE * deadline) {
      compiler.count(compilation);
      const advice = `It goes on compiling: try again later, or give it longer with createEngine({ deadlineSeconds }), which is ${deadline} here. ${UPDATE}`;
      throw unusable(need, 'slow-kernel', { problem, advice });
    }
    const came = await Promise.race([compiled, compilation.tick]);
    if (came) return came;
  }
}

/** Waits for a pipeline; all that need it share the wait, so that it is reported once. */
function tick({ compilation, after }: Need, seconds: number): Promise<void> {
  return new Promise((resolve) => {
    const end = after(seconds, () => {
      compilation.tick = undefined;
      compilation.waited += seconds;
      resolve();
    });
    compilation.compiled.then(end, end);
  });
}

/** The loss of the engine's own device after a submission has not ended for `seconds`; for the caller's device only a warning. */
export function silence(
  seconds: number,
  isOwn: boolean,
  onWarning: ((warning: Warning) => void) | undefined,
) {
  const silent = `has not ended a submission for ${Number(seconds.toFixed(1))} s`;
  if (isOwn) return { reason: 'unknown', message: `it ${silent}` } as const;
  const message = `The GPU ${silent}. It is busy with other work, or hangs. The engine waits for it, since the device is yours; an abort or destroy() ends calls.`;
  onWarning?.({ code: 'silent-device', message });
  return undefined;
}
