import { EngineError } from '../errors';

/** A kernel, or one variant of it, does not compute on this adapter what it must. */
export class WrongKernel extends EngineError {
  readonly kernel: string;
  readonly variant: string;
  /** The message without advice. */
  readonly finding: string;

  /** `fault`: what it computes, and what it must. */
  constructor(kernel: string, variant: string, fault: string, adapter: string) {
    const finding = `The kernel ${kernel}.${variant} computes wrongly on this adapter (${adapter}): in a small case ${fault}.`;
    super(
      'wrong-kernel',
      `${finding} Update the browser and the graphics driver, or use another adapter. If that does not help, please report it with this message. createEngine({ selfCheck: false }) runs without the check.`,
    );
    this.kernel = kernel;
    this.variant = variant;
    this.finding = finding;
  }
}
