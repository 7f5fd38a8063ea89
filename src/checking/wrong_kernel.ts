import { EngineError } from '../errors';
import type { Finding } from './check_ops';

/** Thrown if a kernel, or one of its variants, computes wrong results on this adapter. */
export class WrongKernel extends EngineError {
  readonly kernel: string;
  readonly variant: string;
  /** The message without advice. */
  readonly text: string;

  constructor({ kernel, variant, text, advice }: Finding) {
    super('wrong-kernel', `${text} ${advice}`);
    this.kernel = kernel;
    this.variant = variant;
    this.text = text;
  }
}
