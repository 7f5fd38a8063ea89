/**
 * What keeping runs needs of the browser: of a folder of its own file system (`await navigator.storage.getDirectory()`), and of its locks
 * (`navigator.locks`). A test brings its own. Files are written through sync access handles, which only workers have: they write in
 * place and at once, where a writable stream copies the whole file first.
 */
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
    /** The lock is held until what it returns settles. `null`: somebody else has it. */
    work: (lock: object | null) => Promise<T> | T,
  ): Promise<T>;
  query(): Promise<{ readonly held?: readonly { readonly name?: string }[] }>;
}
