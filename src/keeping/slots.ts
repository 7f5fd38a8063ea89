/**
 * The copies of one run: checkpoints, in two files by turns. A write that is cut off leaves a file whose checksum is wrong, and beside it
 * the copy before. The newest whole one counts: that of the most steps.
 */
import { EngineError } from '../base/errors';
import { type Checkpoint, loadCheckpoint } from '../weights/checkpoint';
import { decodeSafetensors } from '../weights/safetensors';
import type { Folder, SyncFile } from './folder';

const FILES = ['a.safetensors', 'b.safetensors'] as const;

export interface Copy {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly checkpoint: Checkpoint;
  /** Milliseconds, as Date.now() has them. */
  readonly savedAt: number;
}

export class Slots {
  private readonly folder: Folder;
  /** The newest whole copy, which is not to be written over. Undefined until it was looked for. */
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

  /** Whether nothing was written yet. False for what cannot be read: it may be a copy all the same. */
  async isEmpty(): Promise<boolean> {
    const sizes = FILES.map((file) => sizeOf(this.folder, file));
    return (await Promise.all(sizes)).every((size) => size === 0);
  }

  /** @throws what the browser throws, for a full disk say; the newest copy is whole even so */
  async write(checkpoint: Uint8Array<ArrayBuffer>): Promise<void> {
    if (!this.newest) await this.read();
    const before = this.newest!;
    const file = FILES.find((name) => name !== before.file)!;
    await this.change(file, (access) => {
      const written = access.write(checkpoint, { at: 0 });
      if (written !== checkpoint.length) {
        throw new EngineError(
          'data',
          `The storage took ${written} of ${checkpoint.length} bytes: it is full.`,
        );
      }
      access.truncate(checkpoint.length);
    });
    const step = stepIn(checkpoint);
    // A run that diverged has gone back: what was beyond that counts no more.
    if (before.file && before.step > step) await this.change(before.file, (access) => access.truncate(0));
    this.newest = { file, step };
  }

  private async change(name: string, work: (access: SyncFile) => void): Promise<void> {
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

/** After how many steps a checkpoint is that was just made. */
export const stepIn = (checkpoint: Uint8Array<ArrayBuffer>) =>
  Number(decodeSafetensors(checkpoint).metadata.step);

const isNewer = (a: Copy, b: Copy) => {
  const steps = a.checkpoint.state.step - b.checkpoint.state.step;
  return steps > 0 || (steps === 0 && a.savedAt > b.savedAt);
};

/** Undefined if it is not there, or not whole. */
async function readCopy(folder: Folder, name: string): Promise<Copy | undefined> {
  try {
    const file = await (await folder.getFileHandle(name)).getFile();
    const bytes = new Uint8Array(await file.arrayBuffer());
    return { bytes, checkpoint: loadCheckpoint(bytes, 'The kept run'), savedAt: file.lastModified };
  } catch {
    return undefined;
  }
}

/** Bytes of a file: 0 if it is not there, undefined if nobody can tell now. */
async function sizeOf(folder: Folder, name: string): Promise<number | undefined> {
  try {
    return (await (await folder.getFileHandle(name)).getFile()).size;
  } catch (error) {
    return (error as Error).name === 'NotFoundError' ? 0 : undefined;
  }
}
