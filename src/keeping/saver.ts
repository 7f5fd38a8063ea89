/**
 * Stores a run while it trains, and never delays it: copies are written in the background, only the newest one if several wait. If writing
 * fails, training goes on, and the first failure in a row is reported.
 */
import { inTime } from '../base/time';
import type { HeldRun } from './store';

/** Milliseconds between two copies: a crash costs this, a write and the step under way. Longer steps are copied each. */
export const SAVE_MS = 3000;

interface SaverOptions {
  /** A stored run to go on with. */
  readonly run?: HeldRun;
  /** Creates a new stored run. Called when there is a copy to write, and again after a failure. */
  readonly open: () => Promise<HeldRun>;
  /** Called when the run is stored up to this step. */
  readonly onSaved: (step: number) => void;
  /** Called for the first failure since the last written copy. */
  readonly onTrouble: (error: Error) => void;
  /** Maximum time of an operation of the storage. */
  readonly patienceMs?: number;
}

export class Saver {
  private readonly options: SaverOptions;
  private run: HeldRun | undefined;
  private next: { readonly checkpoint: Uint8Array<ArrayBuffer>; readonly step: number } | undefined;
  private working: Promise<void> | undefined;
  /** Whether an operation that was given up may still be under way: nothing may be written beside it. */
  private stuck = false;
  private failing = false;
  private ended = false;

  constructor(options: SaverOptions) {
    this.options = options;
    this.run = options.run;
  }

  /** The id of the stored run, once there is one. */
  get id(): string | undefined {
    return this.run?.id;
  }

  /** Stores a checkpoint, which the caller must not change any more. */
  save(checkpoint: Uint8Array<ArrayBuffer>, step: number): void {
    if (this.ended) return;
    this.next = { checkpoint, step };
    if (!this.stuck) this.working ??= this.work();
  }

  /** Resolves when nothing is being written, or the storage has exceeded its time limit. */
  async settled(): Promise<void> {
    try {
      await inTime(Promise.resolve(this.working), this.options.patienceMs);
    } catch (error) {
      this.trouble(error as Error);
    }
  }

  /** Releases the run for good, once the newest copy is written. `discard` deletes it instead. */
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
      const copy = this.next;
      this.next = undefined;
      try {
        const run = this.run ?? (await this.patiently(this.open()));
        await this.patiently(run.write(copy.checkpoint));
        this.failing = false;
        onSaved(copy.step);
      } catch (error) {
        this.trouble(error as Error);
        // No other may follow before the storage answers, as in a pause.
        if (this.stuck && !this.ended) this.next ??= copy;
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
    // The run was created after the end, which could not wait for it.
    if (this.ended && !this.working) run.release();
    return run;
  }

  private async patiently<T>(operation: Promise<T>): Promise<T> {
    this.stuck = true;
    const free = () => {
      this.stuck = false;
      // Continue with the copies that waited for the late answer.
      if (this.next) this.working ??= this.work();
    };
    operation.then(free, free);
    return inTime(operation, this.options.patienceMs);
  }
}
