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

  constructor(
    why: Why,
    { kernel, variant, text, advice }: Readonly<Record<'kernel' | 'variant' | 'text' | 'advice', string>>,
    options?: ErrorOptions,
  ) {
    super(why === 'wrong-kernel' ? why : 'shader', `${text} ${advice}`, options);
    this.why = why;
    this.kernel = kernel;
    this.variant = variant;
    this.text = text;
  }
}
