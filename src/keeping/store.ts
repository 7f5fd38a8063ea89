/** The runs that this origin keeps: a folder each, and one writer each, by a lock that ends with its tab. */

import type { Objective } from '../training/step_config';
import type { UNetConfig } from '../unet/config';
import type { RunSettings } from '../weights/fields';
import type { DataFingerprint } from '../weights/fingerprint';
import type { Folder, Locks } from './folder';
import { type Copy, Slots } from './slots';

const FOLDER = 'webgpu-diffusion-runs';
/** So many are kept; the oldest goes where another begins. */
export const MOST_RUNS = 6;

/** What a kept run is, without its weights. */
export interface StoredRun {
  /** Its name in the storage. */
  readonly id: string;
  /** Completed steps. */
  readonly step: number;
  /** Of the last step that was made. */
  readonly loss: number | undefined;
  /** Of every step. */
  readonly losses: Float32Array;
  /** Milliseconds, as Date.now() has them. */
  readonly savedAt: number;
  /** What it learns. */
  readonly objective: Objective;
  /** Its network. */
  readonly config: UNetConfig;
  /** As it was begun. */
  readonly settings: RunSettings;
  /** The images that it trains on. */
  readonly data: DataFingerprint;
  /** Somebody writes it, as a rule another tab. */
  readonly held: boolean;
}

/** A run that is this caller's alone until it is released. */
export interface HeldRun {
  readonly id: string;
  /** The newest whole copy. */
  read(): Promise<Copy | undefined>;
  write(checkpoint: Uint8Array<ArrayBuffer>): Promise<void>;
  /** Deletes the run, and releases it. */
  discard(): Promise<void>;
  release(): void;
}

export class RunStore {
  private readonly folder: Folder;
  private readonly locks: Locks;

  private constructor(folder: Folder, locks: Locks) {
    this.folder = folder;
    this.locks = locks;
  }

  static async open(root: Folder, locks: Locks): Promise<RunStore> {
    return new RunStore(await root.getDirectoryHandle(FOLDER, { create: true }), locks);
  }

  /** The newest first. What has no whole copy is not among them. */
  async list(): Promise<StoredRun[]> {
    const { held = [] } = await this.locks.query();
    const names = new Set(held.map(({ name }) => name));
    const runs: StoredRun[] = [];
    for (const id of await this.ids()) {
      const copy = await this.slots(id).then((slots) => slots?.read());
      if (copy) runs.push({ ...describe(copy), id, held: names.has(lockName(id)) });
    }
    return runs.sort((a, b) => b.savedAt - a.savedAt);
  }

  /** A new run, which begins with its first `write`. The oldest may go for it. */
  async create(): Promise<HeldRun> {
    await this.makeRoom();
    return (await this.hold(crypto.randomUUID(), true))!;
  }

  /** One that is there; undefined if it is somebody else's, or gone. */
  claim(id: string): Promise<HeldRun | undefined> {
    return this.hold(id, false);
  }

  /** Resolves when nobody holds the run. */
  async released(id: string): Promise<void> {
    await this.locks.request(lockName(id), { mode: 'shared' }, () => {});
  }

  private async hold(id: string, create: boolean): Promise<HeldRun | undefined> {
    const release = await lock(this.locks, lockName(id));
    if (!release) return undefined;
    try {
      const slots = await this.slots(id, create);
      if (!slots) {
        release();
        return undefined;
      }
      return {
        id,
        read: () => slots.read(),
        write: (checkpoint) => slots.write(checkpoint),
        discard: async () => {
          try {
            await this.folder.removeEntry(id, { recursive: true });
          } finally {
            release();
          }
        },
        release,
      };
    } catch (error) {
      release();
      throw error;
    }
  }

  private async makeRoom(): Promise<void> {
    const readable = (await this.list()).map(({ id }) => id);
    const newest = readable.slice(0, MOST_RUNS - 1);
    for (const id of await this.ids()) {
      if (newest.includes(id)) continue;
      // One that is held is somebody's, even if it has no copy yet.
      const run = await this.claim(id);
      if (!run) continue;
      // What cannot be read may be of a newer version, or readable again another time.
      if (readable.includes(id) || (await (await this.slots(id))?.isEmpty())) await run.discard();
      else run.release();
    }
  }

  private async ids(): Promise<string[]> {
    const ids: string[] = [];
    for await (const id of this.folder.keys()) ids.push(id);
    return ids;
  }

  /** Undefined if the run is gone. */
  private async slots(id: string, create = false): Promise<Slots | undefined> {
    try {
      return new Slots(await this.folder.getDirectoryHandle(id, { create }));
    } catch (error) {
      if ((error as Error).name === 'NotFoundError') return undefined;
      throw error;
    }
  }
}

const lockName = (id: string) => `${FOLDER}/${id}`;

/** Takes a lock and returns what gives it back; undefined if somebody else has it. */
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

function describe({ checkpoint, savedAt }: Copy): Omit<StoredRun, 'id' | 'held'> {
  const { state, losses, objective, config, settings, data } = checkpoint;
  return { step: state.step, loss: losses.at(-1), losses, savedAt, objective, config, settings, data };
}
