/**
 * The copies of one run: checkpoints, in two files of a folder by turns. An interrupted write leaves a file with a wrong checksum, and the
 * previous copy in the other file. The whole copy with the most steps counts.
 */
import { dataError } from '../base/errors';
import { type Checkpoint, loadCheckpoint } from '../weights/checkpoint';
import { decodeSafetensors } from '../weights/safetensors';

/** What is needed of a folder of the browser's private file system (`await navigator.storage.getDirectory()`). Tests bring replacements. */
export interface Folder {
  getDirectoryHandle(name: string, options?: { readonly create?: boolean }): Promise<Folder>;
  getFileHandle(name: string, options?: { readonly create?: boolean }): Promise<FileHandle>;
  removeEntry(name: string, options?: { readonly recursive?: boolean }): Promise<void>;
  keys(): AsyncIterable<string>;
}

export interface FileHandle {
  getFile(): Promise<{
    readonly lastModified: number;
    readonly size: number;
    arrayBuffer(): Promise<ArrayBuffer>;
  }>;
  createSyncAccessHandle(): Promise<SyncFile>;
}

/** Only workers have it: it writes in place and at once, where a writable stream copies the whole file first. */
export interface SyncFile {
  write(bytes: Uint8Array<ArrayBuffer>, options: { readonly at: number }): number;
  truncate(size: number): void;
  flush(): void;
  close(): void;
}

const FILES = ['a.safetensors', 'b.safetensors'] as const;

export interface Copy {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly checkpoint: Checkpoint;
  /** Milliseconds by Date.now(). */
  readonly savedAt: number;
}

export type Slots = ReturnType<typeof createSlotPair>;

export function createSlotPair(folder: Folder) {
  /** The newest whole copy, which must not be overwritten. Undefined until it was searched for. */
  let newest: { readonly file?: string; readonly step: number } | undefined;

  /** The newest whole copy, if there is any. */
  async function read(): Promise<Copy | undefined> {
    let best: { readonly file: string; readonly copy: Copy } | undefined;
    for (const file of FILES) {
      const copy = await readCopy(folder, file);
      if (copy && (!best || isNewer(copy, best.copy))) best = { file, copy };
    }
    newest = { file: best?.file, step: best?.copy.checkpoint.state.step ?? 0 };
    return best?.copy;
  }

  /** @throws the browser's error, for a full disk for instance; the newest copy stays whole */
  async function write(checkpoint: Uint8Array<ArrayBuffer>): Promise<void> {
    if (!newest) await read();
    const before = newest!;
    const file = FILES.find((name) => name !== before.file)!;
    await overwrite(folder, file, checkpoint);
    const step = stepIn(checkpoint);
    // A diverged run has gone back: copies of later steps do not count.
    if (before.file && before.step > step) await overwrite(folder, before.file, new Uint8Array());
    newest = { file, step };
  }

  return { read, write };
}

/** Throws where files cannot be written: access handles exist in dedicated workers only. */
export function checkWritable(): void {
  const handle = (globalThis as { FileSystemFileHandle?: { readonly prototype: object } })
    .FileSystemFileHandle;
  if (!handle || 'createSyncAccessHandle' in handle.prototype) return;
  throw dataError(
    'The browser lets only a worker of new Worker() write files, not a SharedWorker, a service worker or a page.',
  );
}

/** Writes a file, in place of what is there. */
export async function overwrite(folder: Folder, name: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  checkWritable();
  const file = await folder.getFileHandle(name, { create: true });
  const access = await file.createSyncAccessHandle();
  try {
    const written = access.write(bytes, { at: 0 });
    if (written !== bytes.length) {
      throw dataError(`The storage took ${written} of ${bytes.length} bytes: it is full.`);
    }
    access.truncate(bytes.length);
    access.flush();
  } finally {
    access.close();
  }
}

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
