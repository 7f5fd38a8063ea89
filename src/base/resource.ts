import { EngineError } from './errors';

/** An object that holds GPU memory until it is destroyed. */
export abstract class Resource {
  /** Its name in errors, for instance `trainer`. */
  private readonly kind: string;
  private gone = false;
  private readonly listeners: (() => void)[] = [];
  /** Runs before an error reaches the caller: see `failed`. @internal */
  onError: (error: unknown) => Promise<void> = async () => {};

  protected constructor(kind: string) {
    this.kind = kind;
  }

  /** @internal */
  get destroyed(): boolean {
    return this.gone;
  }

  /** Throws `destroyed` after destroy(). @internal */
  check(): void {
    if (this.gone) throw new EngineError('destroyed', `This ${this.kind} was destroyed; create a new one.`);
  }

  /** Calls `listener` once the object is destroyed. @internal */
  onDestroy(listener: () => void): void {
    this.listeners.push(listener);
  }

  /** Frees the object's GPU memory; later calls of other methods throw `destroyed`. May be called again. */
  destroy(): void {
    if (this.gone) return;
    this.gone = true;
    this.release();
    for (const listener of this.listeners) listener();
  }

  /** The same, for `using`. */
  [Symbol.dispose](): void {
    this.destroy();
  }

  /** Frees the object's memory; called once. */
  protected abstract release(): void;

  /** Awaits `work`; if it fails because the object was destroyed meanwhile, throws that error. @internal */
  protected async unlessDestroyed<T>(work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      return this.failed(error);
    }
  }

  /** Throws `error` to the caller; if the object was destroyed meanwhile, that error. @internal */
  protected async failed(error: unknown): Promise<never> {
    let thrown = error;
    try {
      this.check();
    } catch (why) {
      thrown = why;
    }
    await this.onError(thrown).catch(() => {}); // the caller gets the first error
    throw thrown;
  }
}
