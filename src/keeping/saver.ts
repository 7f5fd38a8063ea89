/**
 * Stores a run while it trains, and never delays it: copies are written in the background, only the newest one if several wait. If writing
 * fails, or takes too long, training goes on, and the first failure in a row is reported.
 */
import { withTimeout } from '../base/time';
import type { HeldRun } from './store';

/** Milliseconds between two copies: a crash costs this, a write and the step under way. Longer steps are copied each. */
export const SAVE_MS = 3000;

interface SaverOptions {
  /** A stored run to go on with. */
  readonly run?: HeldRun;
  /** Creates a new stored run. Called when there is a copy to write, and again after a failure. */
  readonly open: () => Promise<HeldRun>;
  /** Called when the run is stored up to this step. */
  readonly onSaved: (step: number, id: string) => void;
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
    this.working ??= this.work();
  }

  /** Resolves when nothing is being written, or the storage has exceeded its time limit. */
  async settled(): Promise<void> {
    await this.watch(Promise.resolve(this.working));
  }

  /** Releases the run for good, once the newest copy is written. `discard` deletes it instead. Silent storage is not waited for. */
  async end({ discard = false } = {}): Promise<void> {
    this.ended = true;
    if (discard) this.next = undefined;
    const over = Promise.resolve(this.working).then(() =>
      discard ? this.run?.discard() : this.run?.release(),
    );
    over.catch(() => {});
    await this.settled();
    if (!this.working) await withTimeout(over, this.options.patienceMs);
  }

  private async work(): Promise<void> {
    while (this.next) {
      const { checkpoint, step } = this.next;
      this.next = undefined;
      const writing = this.write(checkpoint);
      void this.watch(writing);
      try {
        const id = await writing;
        this.failing = false;
        if (!this.ended) this.options.onSaved(step, id);
      } catch {
        // It is reported.
      }
    }
    this.working = undefined;
  }

  private async write(checkpoint: Uint8Array<ArrayBuffer>): Promise<string> {
    this.run ??= await this.options.open();
    await this.run.write(checkpoint);
    return this.run.id;
  }

  /** Waits for an operation of the storage, as long as it may take, and reports its failure. */
  private async watch(operation: Promise<unknown>): Promise<void> {
    try {
      await withTimeout(operation, this.options.patienceMs);
    } catch (error) {
      if (!this.failing && !this.ended) this.options.onTrouble(error as Error);
      this.failing = true;
    }
  }
}
