import { argumentError, EngineError } from './errors';

/** How long a call waits for a device that does not answer, after an abort, destroy() or the loss of the device. */
export const GRACE_MS = 1000;

/** An object that holds GPU memory until it is destroyed. */
export abstract class Resource {
  /** Its name in errors, for instance `trainer`. */
  private readonly kind: string;
  private gone = false;
  private readonly listeners = new Set<() => void>();
  /** The object itself, where it is called through a Proxy. */
  private readonly self = () => this;
  /** What a Proxy would wrap, or a library that puts its proxies into what it is given, such as valtio, replace. */
  private readonly mark = {};
  private readonly isBare: (of: Resource) => boolean;
  /** Whether a call has ended before its work, which the device has not answered since. */
  private isLate = false;
  private working: Promise<unknown> = Promise.resolve();
  /** Runs before an error reaches the caller: see `failed`. @internal */
  onError: (error: unknown) => Promise<void> = async () => {};

  protected constructor(kind: string) {
    this.kind = kind;
    const { mark } = this;
    this.isBare = (of) => of.mark === mark;
  }

  /** @internal */
  get destroyed(): boolean {
    return this.gone;
  }

  /** Frameworks that wrap plain objects in a Proxy, such as Vue, leave objects with a name of their own alone. @internal */
  get [Symbol.toStringTag](): string {
    return this.kind;
  }

  /** Throws `destroyed` after destroy(), and `argument` where a Proxy wraps what the object holds: WebGPU takes no wrapped objects. @internal */
  check(): void {
    if (this.gone) throw new EngineError('destroyed', `This ${this.kind} was destroyed; create a new one.`);
    if (this.isBare(this)) return;
    throw argumentError(
      `A Proxy wraps this ${this.kind} and what it holds, which WebGPU does not take. Keep it in a plain variable, or mark it as raw.`,
    );
  }

  /** Calls `listener` once the object is destroyed. @internal */
  onDestroy(listener: () => void): void {
    this.listeners.add(listener);
  }

  /** Frees the object's GPU memory; later calls of other methods throw `destroyed`. May be called again. */
  destroy(): void {
    const self = this.self();
    if (self.gone) return;
    self.gone = true;
    self.release();
    for (const listener of self.listeners) listener();
  }

  /** The same, for `using`. */
  [Symbol.dispose](): void {
    this.destroy();
  }

  /** Frees the object's memory; called once. */
  protected abstract release(): void;

  /** Resolves when all work has ended, also of calls that have ended before it. @internal */
  get idle(): Promise<unknown> {
    return this.self().working;
  }

  /**
   * Settles as `work`, but no later than a second after an abort, or after the object was destroyed: a device that does not answer must not
   * hold the call for ever. `work` goes on. @internal
   */
  withGrace<T>(work: Promise<T>, signal?: AbortSignal): Promise<T> {
    const self = this.self();
    const { listeners, working } = self;
    const rest = () => working;
    self.working = work.then(rest, rest);
    return new Promise((resolve, reject) => {
      let timer: ReturnType<typeof setTimeout> | undefined;
      const end = () => {
        stop();
        this.isLate = true;
        try {
          this.check();
          reject(signal?.reason);
        } catch (error) {
          reject(error);
        }
      };
      const soon = () => {
        timer ??= setTimeout(end, this.isLate ? 0 : GRACE_MS);
      };
      const stop = () => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', soon);
        listeners.delete(soon);
      };
      signal?.addEventListener('abort', soon);
      listeners.add(soon);
      if (signal?.aborted || this.gone) soon();
      const done = () => {
        stop();
        this.isLate = false;
      };
      work.finally(done).then(resolve, reject);
    });
  }

  /** The same; if `work` fails because the object was destroyed meanwhile, throws that error. @internal */
  protected async unlessDestroyed<T>(work: Promise<T>, signal?: AbortSignal): Promise<T> {
    try {
      return await this.withGrace(work, signal);
    } catch (error) {
      if (signal?.aborted && error === signal.reason) throw error;
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
