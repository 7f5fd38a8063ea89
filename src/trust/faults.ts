/** The texts about kernels that may not be used on an adapter. */
import { EngineError } from '../base/errors';
import type { Op } from '../plan/op';
import { UnusableKernel } from './unusable_kernel';

export const UPDATE = 'Update the browser and the graphics driver, or use another adapter.';

/** The remedy for a kernel without another form. */
export const REPORT = `${UPDATE} If that does not help, please report it with this message.`;

/** The error of a kernel, from what its compilation threw: `cause` itself unless that is about the shader. */
export function unusable(o: Op, adapter: string, cause: unknown): unknown {
  if (cause instanceof UnusableKernel || !(cause instanceof EngineError) || cause.code !== 'shader')
    return cause;
  const fault = { adapter, problem: `: ${cause.message}`, advice: REPORT, cause };
  return new UnusableKernel('refused-kernel', o, fault);
}

/** What follows a fault at the size of a network. */
export interface Advice {
  /** The consequence for what was computed. */
  readonly consequence?: string;
  /** Default: for a kernel without another form. */
  readonly advice?: string | undefined;
}

/** The error of a kernel that computes wrongly at the size of a network. */
export function wrongAtSize(
  o: Pick<Op, 'kernel' | 'variant'>,
  adapter: string,
  fault: string,
  { consequence = '', advice = REPORT }: Advice = {},
): UnusableKernel {
  const problem = ` at its real size: ${fault}.${consequence}`;
  return new UnusableKernel('wrong-kernel', o, { adapter, problem, advice, atSize: true });
}
