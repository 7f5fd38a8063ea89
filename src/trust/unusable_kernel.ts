/** The one error of a kernel that may not be used on an adapter. Apart from its texts (faults.ts), which would add 0.4 KB to every engine. */
import { EngineError } from '../base/errors';
import type { Op } from '../plan/op';

/** The reason, as in `Warning.code`. */
type Why = 'wrong-kernel' | 'refused-kernel' | 'slow-kernel';

/** A pipeline that is late and may still come. */
export interface Pending {
  readonly compiled: Promise<unknown>;
  /** Resolves when it is compiled, and reports the wait until then; throws an `UnusableKernel` if it is given up. */
  wait(): Promise<unknown>;
}

/** What a fault says of a kernel. */
interface Fault extends ErrorOptions {
  /** The adapter's name for itself. */
  readonly adapter: string;
  /** The end of the sentence that begins with kernel and adapter. */
  readonly problem: string;
  /** The remedy; follows the text. */
  readonly advice: string;
  readonly pending?: Pending | undefined;
  readonly atSize?: boolean;
}

/** Thrown if a kernel, or one of its variants, cannot be used on this adapter. Its code is `wrong-kernel`, or `shader` if it was refused or is late. */
export class UnusableKernel extends EngineError {
  readonly why: Why;
  readonly kernel: string;
  readonly variant: string;
  /** The message without advice. */
  readonly text: string;
  /** Whether only a comparison at the size of a network shows it: then it is refused where the caller fixes it. */
  readonly atSize: boolean;
  /** The pipeline of a `slow-kernel` that is not given up. */
  readonly pending: Pending | undefined;

  constructor(why: Why, { kernel, variant }: Pick<Op, 'kernel' | 'variant'>, fault: Fault) {
    const { adapter, problem, advice, pending, atSize = false } = fault;
    const isWrong = why === 'wrong-kernel';
    const does = isWrong ? 'computes wrongly' : 'cannot be used';
    const text = `The kernel ${kernel}.${variant} ${does} on this adapter (${adapter || 'without a name'})${problem}`;
    super(isWrong ? why : 'shader', `${text} ${advice}`, fault);
    this.pending = pending;
    this.why = why;
    this.kernel = kernel;
    this.variant = variant;
    this.text = text;
    this.atSize = atSize;
  }
}
