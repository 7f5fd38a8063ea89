/** The runs in the browser's storage: their list, the one that is being written, and the errors. */
import { argumentError, dataError, EngineError, show } from '../base/errors';
import { once } from '../base/load';
import { withTimeout } from '../base/time';
import { Saver } from '../keeping/saver';
import type { Copy, Folder } from '../keeping/slots';
import { type HeldRun, RunStore, type StoredRun } from '../keeping/store';
import type { SessionEvents } from './types';

type Tell = <Name extends keyof SessionEvents>(name: Name, value: SessionEvents[Name]) => void;

export class StoredRuns {
  private readonly tell: Tell;
  private readonly open = once(openStore);
  private listing: Promise<readonly StoredRun[]> = Promise.resolve([]);
  /** The saver of this session's run. */
  private saver: Saver | undefined;
  /** The last stored step of this session's run. */
  step = 0;
  /** Runs that other tabs hold, whose release is awaited. */
  private readonly watched = new Set<string>();

  constructor(tell: Tell) {
    this.tell = tell;
  }

  /**
   * Sends the list of stored runs, however late, and resolves to it. Broken storage has an empty list; its error is reported when a run
   * should be stored.
   */
  list(): Promise<readonly StoredRun[]> {
    this.listing = this.listing.then(async () => {
      let runs: readonly StoredRun[] = [];
      try {
        const store = await this.open();
        runs = (await store.list()).filter(({ id }) => id !== this.saver?.id);
        for (const { id, held } of runs) if (held) this.watch(store, id);
      } catch {
        // See above.
      }
      this.tell('runs', { runs });
      return runs;
    });
    return this.listing;
  }

  /** Stores a checkpoint of the session's run, in the background. */
  save(checkpoint: Uint8Array<ArrayBuffer>, step: number): void {
    this.saver ??= this.saverOf();
    this.saver.save(checkpoint, step);
  }

  /** Resolves when nothing is being written. */
  async settled(): Promise<void> {
    await this.saver?.settled();
  }

  /** Takes a stored run to go on with: from now on it belongs to this session alone. */
  async take(id: string): Promise<Copy> {
    const run = await this.claim(id);
    let copy: Copy | undefined;
    try {
      copy = await withTimeout(run.read());
      if (!copy) throw dataError('The run is damaged: neither of its two copies is whole.');
    } catch (error) {
      run.release();
      throw error;
    }
    this.step = copy.checkpoint.state.step;
    this.saver = this.saverOf(run);
    return copy;
  }

  /** Ends the session's run: it stays in the storage, or is deleted. */
  async end({ discard = false } = {}): Promise<void> {
    const { saver } = this;
    this.saver = undefined;
    this.step = 0;
    await saver?.end({ discard });
    void this.list();
  }

  async discard(id: string): Promise<void> {
    try {
      await withTimeout((await this.claim(id)).discard());
    } finally {
      void this.list();
    }
  }

  private async claim(id: string): Promise<HeldRun> {
    const store = await withTimeout(this.open());
    const claimed = store.claim(id);
    const run = await withTimeout(claimed).catch((error) => {
      // The storage may answer later, after the call has ended.
      claimed.then((late) => late?.release()).catch(() => {});
      throw error;
    });
    if (run) return run;
    void this.list();
    if (await withTimeout(store.has(id))) throw new EngineError('busy', 'This run is open in another tab.');
    throw argumentError(
      `No run with the id ${show(id)} is stored: it was discarded, or never stored. The event runs lists the stored ones.`,
    );
  }

  private saverOf(run?: HeldRun): Saver {
    return new Saver({
      run,
      open: async () => (await this.open()).create(),
      onSaved: (step, id) => {
        this.step = step;
        this.tell('stored', { step, id });
      },
      onTrouble: (error) => this.tell('notStored', { message: notStored(error, this.step) }),
    });
  }

  private watch(store: RunStore, id: string): void {
    if (this.watched.has(id)) return;
    this.watched.add(id);
    store.released(id).then(
      () => {
        this.watched.delete(id);
        void this.list();
      },
      // Locks do not work: the list stays as it is until it is requested again.
      () => this.watched.delete(id),
    );
  }
}

async function openStore(): Promise<RunStore> {
  const { storage, locks } = navigator;
  if (!storage?.getDirectory || !locks)
    throw dataError(
      'The browser keeps no files for pages (OPFS and Web Locks); a current one does, over https or on localhost.',
    );
  // TypeScript has these handles in its library for workers only, which excludes the one for pages.
  return RunStore.open((await storage.getDirectory()) as unknown as Folder, locks);
}

/** The message that the session's run cannot be stored, and why. */
function notStored({ name, message }: Error, step: number): string {
  const why =
    name === 'QuotaExceededError'
      ? 'there is no room left for this page'
      : name === 'SecurityError' || name === 'NotAllowedError'
        ? 'it lets this page keep nothing, as in a private window'
        : message.replace(/\.$/, '').replace(/^The/, 'the');
  const since = step > 0 ? `is kept up to step ${step.toLocaleString('en-US')} only` : 'is not kept';
  return `The run ${since} in this browser: ${why}. Training goes on; save a checkpoint now and then, or a reload may lose it.`;
}
