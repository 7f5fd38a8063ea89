import { EngineError } from '../errors';

/** A kernel, or one variant of it, does not compute on this adapter what it must. */
export class WrongKernel extends EngineError {
  readonly kernel: string;
  readonly variant: string;
  /** The message without advice. */
  readonly finding: string;

  constructor(kernel: string, variant: string, { message, finding }: { message: string; finding: string }) {
    super('wrong-kernel', message);
    this.kernel = kernel;
    this.variant = variant;
    this.finding = finding;
  }
}
