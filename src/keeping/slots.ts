/**
 * The copies of one run: checkpoints, in two files by turns. An interrupted write leaves a file with a wrong checksum, and the previous copy
 * in the other file. The whole copy with the most steps counts.
 */
import { dataError } from '../base/errors';
import { type Checkpoint, loadCheckpoint } from '../weights/checkpoint';
import { decodeSafetensors } from '../weights/safetensors';
import { checkWritable, type Folder, type SyncFile } from './folder';

const FILES = ['a.safetensors', 'b.safetensors'] as const;

export interface Copy {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly checkpoint: Checkpoint;
  /** Milliseconds by Date.now(). */
  readonly savedAt: number;
}

export class Slots {
  private readonly folder: Folder;
  /** The newest whole copy, which must not be overwritten. Undefined until it was searched for. */
  private newest: { readonly file?: string; readonly step: number } | undefined;

  constructor(folder: Folder) {
    this.folder = folder;
  }

  /** The newest whole copy, if there is any. */
  async read(): Promise<Copy | undefined> {
    let best: { readonly file: string; readonly copy: Copy } | undefined;
    for (const file of FILES) {
      const copy = await readCopy(this.folder, file);
      if (copy && (!best || isNewer(copy, best.copy))) best = { file, copy };
    }
    this.newest = { file: best?.file, step: best?.copy.checkpoint.state.step ?? 0 };
    return best?.copy;
  }

  /** Whether there are no files yet. False for an unreadable file: it may still be a copy. */
  async isEmpty(): Promise<boolean> {
    const sizes = FILES.map((file) => sizeOf(this.folder, file));
    return (await Promise.all(sizes)).every((size) => size === 0);
  }

  /** @throws the browser's error, for a full disk for instance; the newest copy stays whole */
  async write(checkpoint: Uint8Array<ArrayBuffer>): Promise<void> {
    if (!this.newest) await this.read();
    const before = this.newest!;
    const file = FILES.find((name) => name !== before.file)!;
    await this.change(file, (access) => {
      const written = access.write(checkpoint, { at: 0 });
      if (written !== checkpoint.length) {
        throw dataError(`The storage took ${written} of ${checkpoint.length} bytes: it is full.`);
      }
      access.truncate(checkpoint.length);
    });
    const step = stepIn(checkpoint);
    // A diverged run has gone back: copies of later steps do not count.
    if (before.file && before.step > step) await this.change(before.file, (access) => access.truncate(0));
    this.newest = { file, step };
  }

  private async change(name: string, work: (access: SyncFile) => void): Promise<void> {
    checkWritable();
    const file = await this.folder.getFileHandle(name, { create: true });
    const access = await file.createSyncAccessHandle();
    try {
      work(access);
      access.flush();
    } finally {
      access.close();
    }
  }
}

/** The step count of a checkpoint. */
export const stepIn = (checkpoint: Uint8Array<ArrayBuffer>) =>
  Number(decodeSafetensors(checkpoint).metadata.step);

const isNewer = (a: Copy, b: Copy) => {
  const steps = a.checkpoint.state.step - b.checkpoint.state.step;
  return steps > 0 || (steps === 0 && a.savedAt > b.savedAt);
};

/** The copy in a file; undefined if the file is missing or damaged. */
async function readCopy(folder: Folder, name: string): Promise<Copy | undefined> {
  try {
    const file = await (await folder.getFileHandle(name)).getFile();
    const bytes = new Uint8Array(await file.arrayBuffer());
    return { bytes, checkpoint: loadCheckpoint(bytes, 'The kept run'), savedAt: file.lastModified };
  } catch {
    return undefined;
  }
}

/** Bytes of a file: 0 if it is missing, undefined if that cannot be determined now. */
async function sizeOf(folder: Folder, name: string): Promise<number | undefined> {
  try {
    return (await (await folder.getFileHandle(name)).getFile()).size;
  } catch (error) {
    return (error as Error).name === 'NotFoundError' ? 0 : undefined;
  }
}
