/** Every text about kernels that may not be used on an adapter. Loaded when there is one. */
import { EngineError } from '../base/errors';
import type { Op } from '../plan/op';
import { type Pending, UnusableKernel } from './unusable_kernel';

const UPDATE = 'Update the browser and the graphics driver, or use another adapter.';

/** The remedy for a kernel without another form. */
const REPORT = `${UPDATE} If that does not help, please report it with this message.`;

/** The error of a kernel, from what its compilation threw: `cause` itself unless that is about the shader. */
export function unusable(o: Op, adapter: string, cause: unknown): unknown {
  if (cause instanceof UnusableKernel || !(cause instanceof EngineError) || cause.code !== 'shader')
    return cause;
  const fault = { adapter, problem: `: ${cause.message}`, advice: REPORT, cause };
  return new UnusableKernel('refused-kernel', o, fault);
}

interface Late {
  readonly shader: string;
  /** How long it has been compiling. */
  readonly seconds: number;
  readonly deadline: number;
  /** Missing if it is given up. */
  readonly pending: Pending | undefined;
}

/** The error of a kernel whose shader is late. */
export function lateKernel(
  o: Op,
  adapter: string,
  { shader, seconds, deadline, pending }: Late,
): UnusableKernel {
  const problem = `${pending ? ' yet' : ''}: its shader ${shader} has been compiling for ${seconds} s.`;
  const advice = pending
    ? 'Wait for it, or use another variant.'
    : `It goes on compiling: try again later, or give it longer with createEngine({ deadlineSeconds }), which is ${deadline} here. ${UPDATE}`;
  return new UnusableKernel('slow-kernel', o, { adapter, problem, advice, pending });
}

/** The error of a kernel that computes its small case wrongly. */
export const wrongInSmall = (
  o: Pick<Op, 'kernel' | 'variant'>,
  adapter: string,
  fault: string,
): UnusableKernel =>
  new UnusableKernel('wrong-kernel', o, {
    adapter,
    problem: `: in a small case ${fault}.`,
    advice: `${REPORT} createEngine({ selfCheck: false }) runs without the check.`,
  });

/** What follows a fault at the size of a network. */
export interface Advice {
  /** The consequence for what was computed. */
  readonly consequence?: string;
  /** Default: for a kernel without another form. */
  readonly advice?: string | undefined;
}

/** The error of a kernel that computes wrongly at the size of a network. */
export const wrongAtSize = (
  o: Pick<Op, 'kernel' | 'variant'>,
  adapter: string,
  fault: string,
  { consequence = '', advice = REPORT }: Advice = {},
): UnusableKernel =>
  new UnusableKernel('wrong-kernel', o, {
    ...{ adapter, advice, atSize: true },
    problem: ` at its real size: ${fault}.${consequence}`,
  });
