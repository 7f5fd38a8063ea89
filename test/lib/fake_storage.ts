/** A browser's own file system and its locks, in memory, with what goes wrong in real ones. */
import { vi } from 'vitest';
import type { FileHandle, Folder, SyncFile } from '../../src/keeping/slots';
import type { Locks } from '../../src/keeping/store';

class FakeFile {
  bytes = new Uint8Array();
  lastModified = 0;
  open = false;
}

/** As the browser's errors: known by their names. */
const failure = (name: string) => Object.assign(new Error(`The ${name} of a test.`), { name });

export class FakeStorage {
  /** The bytes that all files together may have. */
  quota = Infinity;
  /** The bytes after which the next write ends, as where the process is killed. */
  tornAfter: number | undefined;
  /** Nothing is answered any more, until `answer` is called. */
  silent = false;
  /** Files cannot be read, for now. */
  unreadable = false;
  /** The clock, in milliseconds: each write takes one. */
  now = 1_000_000;
  readonly root: Folder = this.folder(new Map());
  private readonly files: FakeFile[] = [];
  private waiting: (() => void)[] = [];

  answer(): void {
    this.silent = false;
    for (const go of this.waiting.splice(0)) go();
  }

  private async ready(): Promise<void> {
    if (this.silent) await new Promise<void>((resolve) => this.waiting.push(resolve));
  }

  private folder(entries: Map<string, Folder | FakeFile>): Folder {
    const storage = this;
    return {
      async getDirectoryHandle(name, { create } = {}) {
        await storage.ready();
        if (name === '' || name.includes('/')) throw failure('TypeError');
        if (!entries.has(name) && create) entries.set(name, storage.folder(new Map()));
        const entry = entries.get(name);
        if (!entry || entry instanceof FakeFile) throw failure('NotFoundError');
        return entry;
      },
      async getFileHandle(name, { create } = {}) {
        await storage.ready();
        if (!entries.has(name) && create) {
          const file = new FakeFile();
          storage.files.push(file);
          entries.set(name, file);
        }
        const entry = entries.get(name);
        if (!(entry instanceof FakeFile)) throw failure('NotFoundError');
        return storage.handle(entry);
      },
      async removeEntry(name) {
        await storage.ready();
        if (!entries.delete(name)) throw failure('NotFoundError');
      },
      async *keys() {
        await storage.ready();
        yield* [...entries.keys()];
      },
    };
  }

  private handle(file: FakeFile): FileHandle {
    return {
      getFile: async () => {
        await this.ready();
        if (this.unreadable) throw failure('NotReadableError');
        const { bytes, lastModified } = file;
        return { lastModified, size: bytes.length, arrayBuffer: async () => bytes.slice().buffer };
      },
      createSyncAccessHandle: async () => {
        await this.ready();
        if (file.open) throw failure('NoModificationAllowedError');
        file.open = true;
        return this.access(file);
      },
    };
  }

  private access(file: FakeFile): SyncFile {
    const resize = (size: number) => {
      const bytes = new Uint8Array(size);
      bytes.set(file.bytes.subarray(0, size));
      file.bytes = bytes;
    };
    return {
      write: (bytes, { at }) => {
        const others = this.files.reduce((sum, other) => sum + (other === file ? 0 : other.bytes.length), 0);
        const room = Math.max(0, this.quota - others - at);
        const torn = this.tornAfter ?? bytes.length;
        this.tornAfter = undefined;
        const length = Math.min(bytes.length, room, torn);
        if (at + length > file.bytes.length) resize(at + length);
        file.bytes.set(bytes.subarray(0, length), at);
        file.lastModified = this.now++;
        if (torn < bytes.length) throw failure('AbortError');
        if (room < bytes.length) throw failure('QuotaExceededError');
        return length;
      },
      truncate: resize,
      flush() {},
      close() {
        file.open = false;
      },
    };
  }
}

/** The locks of one origin: a tab waits for a lock that another tab holds. */
export class FakeLocks implements Locks {
  private readonly ends = new Map<string, Promise<unknown>>();

  async request<T>(
    name: string,
    { ifAvailable }: { readonly ifAvailable?: boolean },
    work: (lock: object | null) => Promise<T> | T,
  ): Promise<T> {
    if (ifAvailable && this.ends.has(name)) return work(null);
    while (this.ends.has(name)) await this.ends.get(name);
    const end = Promise.resolve(work({}));
    this.ends.set(name, end);
    try {
      return await end;
    } finally {
      this.ends.delete(name);
    }
  }

  /** The names of the locks that are held. */
  get held(): string[] {
    return [...this.ends.keys()];
  }

  async query() {
    return { held: this.held.map((name) => ({ name })) };
  }
}

/** Gives the program a browser that keeps files, until `vi.unstubAllGlobals`. */
export function stubBrowser(storage: FakeStorage, locks = new FakeLocks()): void {
  const { gpu } = globalThis.navigator ?? {};
  vi.stubGlobal('navigator', { gpu, storage: { getDirectory: async () => storage.root }, locks });
}

/** The names of what is in a folder. */
export async function namesIn(folder: Folder): Promise<string[]> {
  const names: string[] = [];
  for await (const name of folder.keys()) names.push(name);
  return names;
}

/** Changes a file, as a defect of the disk does. */
export async function damage(folder: Folder, name: string, change: (file: SyncFile) => void): Promise<void> {
  const file = await (await folder.getFileHandle(name)).createSyncAccessHandle();
  change(file);
  file.close();
}
