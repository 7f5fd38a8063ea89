/** The files that were dropped, also in folders, each with the name of its folder. */
import type { OwnFile } from './own_images';

/** Call this during the drop: its items are gone afterwards. */
export function dropped({ items, files }: DataTransfer): Promise<OwnFile[]> {
  const entries = [...items].flatMap((item) => item.webkitGetAsEntry() ?? []);
  if (!entries.some((entry) => entry.isDirectory))
    return Promise.resolve([...files].map((file) => ({ file, folder: '' })));
  return all(entries, '');
}

const all = async (entries: readonly FileSystemEntry[], folder: string): Promise<OwnFile[]> =>
  (await Promise.all(entries.map((entry) => filesOf(entry, folder)))).flat();

async function filesOf(entry: FileSystemEntry, folder: string): Promise<OwnFile[]> {
  // Skips the system's own files, such as .DS_Store.
  if (entry.name.startsWith('.')) return [];
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) =>
      (entry as FileSystemFileEntry).file(resolve, reject),
    );
    return [{ file, folder }];
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const found: OwnFile[] = [];
  for (;;) {
    // A browser gives a hundred or so at a time, and none at the end.
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) =>
      reader.readEntries(resolve, reject),
    );
    if (some.length === 0) return found;
    found.push(...(await all(some, entry.name)));
  }
}
