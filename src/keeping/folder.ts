/**
 * The parts of the browser that stored runs need: a folder of its private file system (`await navigator.storage.getDirectory()`), and its
 * locks (`navigator.locks`). Tests bring replacements. Files are written through sync access handles, which only workers have: they write
 * in place and at once, where a writable stream copies the whole file first.
 */
import { dataError } from '../base/errors';

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

/** Throws where files cannot be written: access handles exist in dedicated workers only. */
export function checkWritable(): void {
  const handle = (globalThis as { FileSystemFileHandle?: { readonly prototype: object } })
    .FileSystemFileHandle;
  if (!handle || 'createSyncAccessHandle' in handle.prototype) return;
  throw dataError(
    'The browser lets only a worker of new Worker() write files, not a SharedWorker, a service worker or a page.',
  );
}

export interface SyncFile {
  write(bytes: Uint8Array<ArrayBuffer>, options: { readonly at: number }): number;
  truncate(size: number): void;
  flush(): void;
  close(): void;
}

export interface Locks {
  request<T>(
    name: string,
    options: { readonly mode?: 'exclusive' | 'shared'; readonly ifAvailable?: boolean },
    /** The lock is held until the returned promise settles. `null`: another holder has it. */
    work: (lock: object | null) => Promise<T> | T,
  ): Promise<T>;
  query(): Promise<{ readonly held?: readonly { readonly name?: string }[] }>;
}
