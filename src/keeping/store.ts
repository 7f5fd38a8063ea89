/** The stored runs of this origin: each has a folder, and one writer, by a lock that ends with its tab. */

import type { Checkpoint } from '../weights/checkpoint';
import { type Copy, checkWritable, createSlotPair, type Folder, type Slots } from './slots';

/** The folder of the runs in the browser's private file system. */
export const RUNS = 'webgpu-diffusion-runs';
/** Maximum number of stored runs; the oldest is deleted when another begins, of fewer than `LEAST_STEPS` steps first. */
export const MOST_RUNS = 6;
/** A run of fewer steps is a trial: the page does not offer it, and it is deleted before any longer run. */
export const LEAST_STEPS = 20;

/** A stored run, without its weights. */
export interface StoredRun extends Pick<Checkpoint, 'losses' | 'objective' | 'config' | 'settings' | 'data'> {
  /** The name of its folder. */
  readonly id: string;
  /** Completed steps. */
  readonly step: number;
  /** Loss of the last step. */
  readonly loss: number | undefined;
  /** Date of the last copy, in milliseconds by Date.now(). */
  readonly savedAt: number;
  /** Whether a tab has it open. */
  readonly held: boolean;
}

/** A stored run that belongs to the caller alone until it is released. */
export interface HeldRun extends Slots {
  readonly id: string;
  /** Deletes the run, and releases it. */
  discard(): Promise<void>;
  release(): void;
}

/** The browser's locks (`navigator.locks`). */
export interface Locks {
  request<T>(
    name: string,
    options: { readonly mode?: 'exclusive' | 'shared'; readonly ifAvailable?: boolean },
    /** The lock is held until the returned promise settles. `null`: another holder has it. */
    work: (lock: object | null) => Promise<T> | T,
  ): Promise<T>;
  query(): Promise<{ readonly held?: readonly { readonly name?: string }[] }>;
}

export class RunStore {
  private readonly folder: Folder;
  private readonly locks: Locks;

  private constructor(folder: Folder, locks: Locks) {
    this.folder = folder;
    this.locks = locks;
  }

  static async open(root: Folder, locks: Locks): Promise<RunStore> {
    return new RunStore(await root.getDirectoryHandle(RUNS, { create: true }), locks);
  }

  /** All runs with a whole copy, the newest first. */
  async list(): Promise<StoredRun[]> {
    const { held = [] } = await this.locks.query();
    const names = new Set(held.map(({ name }) => name));
    const runs: StoredRun[] = [];
    for await (const id of this.folder.keys()) {
      const folder = await this.folderOf(id);
      const copy = folder && (await createSlotPair(folder).read());
      if (copy) runs.push({ ...describeCopy(copy), id, held: names.has(lockName(id)) });
    }
    return runs.sort((a, b) => b.savedAt - a.savedAt);
  }

  /** Creates a run, which is stored with its first `write`. May delete another. */
  async create(): Promise<HeldRun> {
    checkWritable();
    await this.makeRoom();
    return (await this.hold(crypto.randomUUID(), true))!;
  }

  /** Takes a stored run; undefined if another tab holds it, or it is deleted. */
  claim(id: string): Promise<HeldRun | undefined> {
    return this.hold(id, false);
  }

  /** Whether a run with this id is stored, held or not. */
  async has(id: string): Promise<boolean> {
    return (await this.folderOf(id)) !== undefined;
  }

  /** Resolves when the run is not held. */
  async released(id: string): Promise<void> {
    await this.locks.request(lockName(id), { mode: 'shared' }, () => {});
  }

  private async hold(id: string, create: boolean): Promise<HeldRun | undefined> {
    const release = await lock(this.locks, lockName(id));
    if (!release) return undefined;
    let folder: Folder | undefined;
    try {
      folder = await this.folderOf(id, create);
    } finally {
      if (!folder) release();
    }
    const discard = () => this.folder.removeEntry(id, { recursive: true }).finally(release);
    return folder && { id, release, discard, ...createSlotPair(folder) };
  }

  /** Deletes what is too much, but for runs that cannot be read: they may be of a newer version, or readable again later. */
  private async makeRoom(): Promise<void> {
    const isTrial = ({ step }: StoredRun) => Number(step < LEAST_STEPS);
    const runs = (await this.list()).sort((a, b) => isTrial(a) - isTrial(b));
    // One that a tab has open stays.
    for (const { id } of runs.slice(MOST_RUNS - 1)) await (await this.claim(id))?.discard();
  }

  /** The folder of a run; undefined if it is deleted. */
  private async folderOf(id: string, create = false): Promise<Folder | undefined> {
    try {
      return await this.folder.getDirectoryHandle(id, { create });
    } catch (error) {
      // A TypeError: no folder can have such a name.
      if (['NotFoundError', 'TypeError'].includes((error as Error).name)) return undefined;
      throw error;
    }
  }
}

const lockName = (id: string) => `${RUNS}/${id}`;

/** Takes a lock and returns a function that releases it; undefined if another holder has it. */
function lock(locks: Locks, name: string): Promise<(() => void) | undefined> {
  return new Promise((resolve, reject) => {
    locks
      .request(name, { ifAvailable: true }, (taken) => {
        if (taken) return new Promise<void>((release) => resolve(release));
        resolve(undefined);
      })
      .catch(reject);
  });
}

function describeCopy({ checkpoint, savedAt }: Copy): Omit<StoredRun, 'id' | 'held'> {
  const { state, losses, objective, config, settings, data } = checkpoint;
  return { step: state.step, loss: losses.at(-1), losses, savedAt, objective, config, settings, data };
}
