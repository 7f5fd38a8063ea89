import { EngineError } from '../errors';
import type { Finding } from './check_ops';

/** A kernel, or one variant of it, does not compute on this adapter what it must. */
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
