/** The runs that the browser keeps for this origin: which there are, the one that is being written, and what goes wrong. */
import { EngineError } from '../base/errors';
import type { Folder } from '../keeping/folder';
import { inTime } from '../keeping/in_time';
import { Saver } from '../keeping/saver';
import type { Copy } from '../keeping/slots';
import { type HeldRun, RunStore } from '../keeping/store';
import type { Tell, WorkerEvents } from './protocol';

export class StoredRuns {
  private readonly tell: Tell<WorkerEvents>;
  private opening: Promise<RunStore> | undefined;
  private listing = Promise.resolve();
  /** Of this session's own run. */
  private saver: Saver | undefined;
  /** Up to which step it is kept. */
  step = 0;
  /** Those of others, whose end is waited for. */
  private readonly watched = new Set<string>();

  constructor(tell: Tell<WorkerEvents>) {
    this.tell = tell;
  }

  /**
   * Tells what could be gone on with, however late. Storage that does not work has nothing to offer; that is told when a run is to be
   * kept.
   */
  list(): void {
    this.listing = this.listing.then(async () => {
      try {
        const store = await this.open();
        const runs = (await store.list()).filter(({ id }) => id !== this.saver?.id);
        this.tell('runs', runs);
        for (const { id, held } of runs) if (held) this.watch(store, id);
      } catch {
        this.tell('runs', []);
      }
    });
  }

  /** Keeps a checkpoint of the session's run, beside whatever else is done. */
  save(checkpoint: Uint8Array<ArrayBuffer>, step: number): void {
    this.saver ??= this.saverOf();
    this.saver.save(checkpoint, step);
  }

  /** Resolves when nothing is being written. */
  async settled(): Promise<void> {
    await this.saver?.settled();
  }

  /** A run to go on with: this session's own from now on, and no other's. */
  async take(id: string): Promise<Copy> {
    const run = await this.claim(id);
    let copy: Copy | undefined;
    try {
      copy = await inTime(run.read());
      if (!copy) throw new EngineError('data', 'The run is damaged: neither of its two copies is whole.');
    } catch (error) {
      run.release();
      throw error;
    }
    this.step = copy.checkpoint.state.step;
    this.saver = this.saverOf(run);
    return copy;
  }

  /** The session's run is over: it stays here, or goes. */
  async end({ discard = false } = {}): Promise<void> {
    const { saver } = this;
    this.saver = undefined;
    this.step = 0;
    await saver?.end({ discard });
    this.list();
  }

  async discard(id: string): Promise<void> {
    try {
      await inTime((await this.claim(id)).discard());
    } finally {
      this.list();
    }
  }

  private open(): Promise<RunStore> {
    this.opening ??= openStore().catch((error) => {
      this.opening = undefined;
      throw error;
    });
    return this.opening;
  }

  private async claim(id: string): Promise<HeldRun> {
    const run = await inTime(this.open().then((store) => store.claim(id)));
    if (run) return run;
    this.list();
    throw new EngineError('busy', 'This run is open in another tab, or was discarded there.');
  }

  private saverOf(run?: HeldRun): Saver {
    const saver: Saver = new Saver({
      run,
      open: async () => (await this.open()).create(),
      onSaved: (step) => {
        if (this.saver !== saver) return;
        this.step = step;
        this.tell('stored', { step, id: saver.id! });
      },
      onTrouble: (error) => {
        if (this.saver === saver) this.tell('notStored', { message: notStored(error, this.step) });
      },
    });
    return saver;
  }

  private watch(store: RunStore, id: string): void {
    if (this.watched.has(id)) return;
    this.watched.add(id);
    store.released(id).then(
      () => {
        this.watched.delete(id);
        this.list();
      },
      // Locks that do not work: the list stays as it is until it is asked for again.
      () => this.watched.delete(id),
    );
  }
}

async function openStore(): Promise<RunStore> {
  const { storage, locks } = navigator;
  if (!storage?.getDirectory || !locks)
    throw new EngineError(
      'data',
      'The browser keeps no files for pages (OPFS and Web Locks); a current one does, over https or on localhost.',
    );
  // TypeScript gives a worker's handles to workers alone, whose library does not go with a page's.
  return RunStore.open((await storage.getDirectory()) as unknown as Folder, locks);
}

/** Why the session's run is not kept, and what that means. */
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
