/** Describes shaders that are refused, and submissions that do not end. Loaded on demand: most visits need none of it. */
import { EngineError } from '../base/errors';
import type { Warning } from '../base/events';
import type { Shader } from '../plan/shader';

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

/** A submission has not ended for `seconds`: the engine's own device counts as lost; for the caller's device there is only a warning. */
export function silence(
  seconds: number,
  lose: false | ((info: Pick<GPUDeviceLostInfo, 'reason' | 'message'>) => void),
  onWarning: ((warning: Warning) => void) | undefined,
): void {
  const silent = `has not ended a submission for ${Number(seconds.toFixed(1))} s`;
  if (lose) {
    lose({ reason: 'unknown', message: `it ${silent}` });
    return;
  }
  const message = `The GPU ${silent}. It is busy with other work, or hangs. The engine waits for it, since the device is yours; an abort or destroy() ends calls.`;
  onWarning?.({ code: 'silent-device', message });
}
