/** Writes files whole or not at all, and words the errors for files that cannot be read or written. */
import { randomBytes } from 'node:crypto';
import { existsSync, rmSync, statSync } from 'node:fs';
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { EngineError } from '../../src/base/errors';
import { isAlive } from './alive';
import { UsageError } from './args';

/** Files that are being written, to be removed if the process ends before they are complete. */
const temporary = new Set<string>();
process.on('exit', () => {
  for (const path of temporary) rmSync(path, { force: true });
});

/** A name beside `path` with the number of this process, so that another process can tell when the file is abandoned. */
const temporaryFor = (path: string) =>
  join(dirname(path), `.${basename(path)}.${process.pid}-${randomBytes(4).toString('hex')}.tmp`);

/** Removes the temporary files of processes that were killed while they wrote `path`. */
async function clearTemporary(path: string): Promise<void> {
  const start = `.${basename(path)}.`;
  for (const name of await readdir(dirname(path)).catch(() => [])) {
    const end = name.startsWith(start) && /^(\d+)-[0-9a-f]{8}\.tmp$/.exec(name.slice(start.length));
    if (end && !isAlive(Number(end[1]))) await rm(join(dirname(path), name), { force: true });
  }
}

/**
 * Writes a temporary file beside `path` and renames it: a reader of `path` finds the old file or the new one, never a part, even after a
 * crash or a power cut. Throws an EngineError `data`.
 */
export async function writeWhole(path: string, content: string | Uint8Array): Promise<void> {
  await clearTemporary(path);
  const beside = temporaryFor(path);
  temporary.add(beside);
  try {
    const file = await open(beside, 'wx');
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(beside, path);
    await syncFolder(dirname(path));
  } catch (cause) {
    await rm(beside, { force: true });
    throw new EngineError('data', `${path} could not be written: ${reason(cause)}.`, { cause });
  } finally {
    temporary.delete(beside);
  }
}

/** Names are stored in the folder, not in the file: without this, a power cut may bring the old file back. Windows cannot sync folders. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } catch (error) {
    // Some network file systems do not support it.
    if (!['EINVAL', 'ENOTSUP'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  } finally {
    await handle.close();
  }
}

/** Creates the folder if it does not exist, and proves that files can be written there. `flag` is the flag that named it. */
export async function prepareFolder(folder: string, flag = '--out'): Promise<void> {
  const path = join(folder, 'webgpu-diffusion');
  const probe = temporaryFor(path);
  try {
    await makeFolder(resolve(folder));
    await clearTemporary(path);
    await (await open(probe, 'wx')).close();
  } catch (cause) {
    throw new EngineError(
      'data',
      `The output folder ${folder} cannot be written: ${reason(cause)}. Give another with ${flag}.`,
      { cause },
    );
  } finally {
    await rm(probe, { force: true }).catch(() => {});
  }
}

/** Throws if two flags, by their names, give the same file: what one of them reads or writes would be lost. */
export function checkApart(paths: Readonly<Record<string, string | undefined>>): void {
  const flags = new Map<string, string>();
  for (const [flag, path] of Object.entries(paths)) {
    if (path === undefined) continue;
    const other = flags.get(resolve(path));
    if (other !== undefined)
      throw new UsageError(
        `--${other} and --${flag} are the same file, ${path}. Give another with --${flag}.`,
      );
    flags.set(resolve(path), flag);
  }
}

/** Creates the folder of a file to be written, and proves that the file can be written. `flag` is the flag that named it. */
export async function prepareFile(path: string, flag: string): Promise<void> {
  // A file that is renamed would take the place of a device, such as /dev/null.
  if (existsSync(path) && !statSync(path).isFile()) {
    const what = isFolder(path) ? 'a folder' : 'a device or a pipe';
    throw new EngineError('data', `${path} cannot be written: it is ${what}. Give a file with ${flag}.`);
  }
  await prepareFolder(dirname(path), flag);
}

const isFolder = (path: string) => existsSync(path) && statSync(path).isDirectory();

/** Like mkdir with `recursive`, which in some Node versions never returns where a parent refuses (/proc, for one). */
async function makeFolder(folder: string): Promise<void> {
  if (isFolder(folder)) return;
  const parent = dirname(folder);
  // On Windows, a drive that is not there is its own parent.
  if (parent !== folder && !existsSync(parent)) await makeFolder(parent);
  await mkdir(folder).catch((error) => {
    // Another process may have made it meanwhile.
    if (!isFolder(folder)) throw error;
  });
}

/** Reads a whole file. Throws an EngineError `data`. */
export async function readWhole(path: string): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

export const unreadable = (name: string, cause: unknown) =>
  new EngineError('data', `${name} could not be read: ${reason(cause)}.`, { cause });

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file or folder',
  EACCES: 'permission was denied',
  EPERM: 'permission was denied',
  EROFS: 'the file system is read-only',
  ENOTDIR: 'a part of its path is a file, not a folder',
  EEXIST: 'there is a file of that name',
  EISDIR: 'it is a folder, not a file',
  ENOSPC: 'the disk is full',
};

function reason(cause: unknown): string {
  const { code = '', message = String(cause) } = (cause ?? {}) as NodeJS.ErrnoException;
  return reasons[code] ?? message.replace(/\.$/, '');
}
