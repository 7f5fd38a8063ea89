import { EngineError } from '../base/errors';

/** The reason, as in `Warning.code`. */
type Why = 'wrong-kernel' | 'refused-kernel' | 'slow-kernel';

/** A pipeline that is late and may still come. */
interface Pending {
  readonly compiled: Promise<unknown>;
  /** Resolves when it is compiled, and reports the wait until then; throws an `UnusableKernel` if it is given up. */
  wait(): Promise<unknown>;
}

/** Thrown if a kernel, or one of its variants, cannot be used on this adapter. Its code is `wrong-kernel`, or `shader` if it was refused or is late. */
export class UnusableKernel extends EngineError {
  readonly why: Why;
  readonly kernel: string;
  readonly variant: string;
  /** The message without advice. */
  readonly text: string;
  /** Whether it was used in a computation, which another variant can repeat. */
  readonly wasUsed: boolean;
  /** The pipeline of a `slow-kernel` that is not given up. */
  readonly pending: Pending | undefined;

  constructor(
    why: Why,
    { kernel, variant, text, advice }: Readonly<Record<'kernel' | 'variant' | 'text' | 'advice', string>>,
    {
      pending,
      wasUsed = false,
      ...options
    }: ErrorOptions & { readonly pending?: Pending | undefined; readonly wasUsed?: boolean } = {},
  ) {
    super(why === 'wrong-kernel' ? why : 'shader', `${text} ${advice}`, options);
    this.pending = pending;
    this.why = why;
    this.kernel = kernel;
    this.variant = variant;
    this.text = text;
    this.wasUsed = wasUsed;
  }
}
