/**
 * Keeps a run in its store while it trains, and never holds it up: a copy is written beside the training, the newest one if several wait.
 * Where that fails, training goes on, and the first failure in a row is told.
 */
import { inTime } from './in_time';
import type { HeldRun } from './store';

/** Between two copies: what a crash costs is this, a write and the step under way. Steps that take longer are copied each. */
export const SAVE_MS = 3000;

export interface SaverOptions {
  /** One that is gone on with. */
  readonly run?: HeldRun;
  /** A new one. Asked when there is something to write, and again after it failed. */
  readonly open: () => Promise<HeldRun>;
  /** The run is kept up to this step. */
  readonly onSaved: (step: number) => void;
  /** Told once, until a copy could be written again. */
  readonly onTrouble: (error: Error) => void;
  /** The storage may take so long to answer. */
  readonly patienceMs?: number;
}

export class Saver {
  private readonly options: SaverOptions;
  private run: HeldRun | undefined;
  private next: { readonly checkpoint: Uint8Array<ArrayBuffer>; readonly step: number } | undefined;
  private working: Promise<void> | undefined;
  /** An operation that was given up, but may still be under way: nothing may be written beside it. */
  private stuck = false;
  private failing = false;
  private ended = false;

  constructor(options: SaverOptions) {
    this.options = options;
    this.run = options.run;
  }

  /** Of the run that is written, once there is one. */
  get id(): string | undefined {
    return this.run?.id;
  }

  /** The checkpoint must not be changed any more. */
  save(checkpoint: Uint8Array<ArrayBuffer>, step: number): void {
    if (this.ended) return;
    this.next = { checkpoint, step };
    if (!this.stuck) this.working ??= this.work();
  }

  /** Resolves when nothing is being written, or when the storage has had its time. */
  async settled(): Promise<void> {
    try {
      await inTime(Promise.resolve(this.working), this.options.patienceMs);
    } catch (error) {
      this.trouble(error as Error);
    }
  }

  /** Gives the run free, for good, once the newest copy is written. `discard` deletes it instead. */
  async end({ discard = false } = {}): Promise<void> {
    this.ended = true;
    if (discard) this.next = undefined;
    await this.working;
    this.next = undefined;
    const { run } = this;
    this.run = undefined;
    if (discard && run) await inTime(run.discard(), this.options.patienceMs);
    else run?.release();
  }

  private async work(): Promise<void> {
    const { onSaved } = this.options;
    while (this.next && !this.stuck) {
      const { checkpoint, step } = this.next;
      this.next = undefined;
      try {
        const run = this.run ?? (await this.patiently(this.open()));
        await this.patiently(run.write(checkpoint));
        this.failing = false;
        onSaved(step);
      } catch (error) {
        this.trouble(error as Error);
      }
    }
    this.working = undefined;
  }

  private trouble(error: Error): void {
    if (!this.failing) this.options.onTrouble(error);
    this.failing = true;
  }

  private async open(): Promise<HeldRun> {
    const run = await this.options.open();
    this.run = run;
    // It came after the end, which could not wait for it.
    if (this.ended && !this.working) run.release();
    return run;
  }

  private async patiently<T>(operation: Promise<T>): Promise<T> {
    this.stuck = true;
    const free = () => {
      this.stuck = false;
      // What had to wait for an answer that came late.
      if (this.next) this.working ??= this.work();
    };
    operation.then(free, free);
    return inTime(operation, this.options.patienceMs);
  }
}
