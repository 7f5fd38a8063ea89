import { EngineError } from '../errors';

/** Why it cannot be used, as `Warning.code` says it. */
type Why = 'wrong-kernel' | 'refused-kernel';

/** Thrown if a kernel, or one of its variants, cannot be used on this adapter. Its code is `wrong-kernel`, or `shader` if it was refused. */
export class UnusableKernel extends EngineError {
  readonly why: Why;
  readonly kernel: string;
  readonly variant: string;
  /** The message without advice. */
  readonly text: string;
  /** Whether something was computed with it already, which can be made again with another variant. */
  readonly wasUsed: boolean;

  constructor(
    why: Why,
    { kernel, variant, text, advice }: Readonly<Record<'kernel' | 'variant' | 'text' | 'advice', string>>,
    { wasUsed = false, ...options }: ErrorOptions & { readonly wasUsed?: boolean } = {},
  ) {
    super(why === 'wrong-kernel' ? why : 'shader', `${text} ${advice}`, options);
    this.why = why;
    this.kernel = kernel;
    this.variant = variant;
    this.text = text;
    this.wasUsed = wasUsed;
  }
}
