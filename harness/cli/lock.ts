/**
 * One writer per folder. A lock file in the folder names the writer; only one process can create it. The system tells whether that process
 * still exists, so that a killed run can be resumed at once. (The library for this, proper-lockfile, uses time stamps: after a kill a run
 * must wait for ten seconds, and a run that was stopped with Ctrl-Z loses its folder.)
 */
import { createHash, randomUUID } from 'node:crypto';
import { readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { clip, EngineError } from '../../src/base/errors';
import { isAlive, readBirth } from './alive';

const LOCK = '.webgpu-diffusion.lock';
const LOOK_AGAIN_MS = 100;
/** Replacing a dead process's lock takes far less: a process that takes longer has been killed. */
const ABANDONED_MS = 5000;

interface Holder {
  readonly pid: number;
  readonly host: string;
  readonly birth: string;
  readonly since: string;
}

export interface FolderLock {
  /** Throws unless this process still holds the folder: the file may have been deleted, and another run may have begun. */
  check(): void;
  release(): void;
}

/** @throws EngineError `busy` while another process holds the folder */
export async function lockFolder(folder: string): Promise<FolderLock> {
  const path = join(folder, LOCK);
  const { pid } = process;
  const holder: Holder = { pid, host: hostname(), birth: readBirth(pid), since: new Date().toISOString() };
  const own = JSON.stringify({ ...holder, unlike: randomUUID() });
  await take(path, own, folder);
  const release = () => {
    process.off('exit', release);
    if (readIfThere(path) === own) rmSync(path);
  };
  process.on('exit', release);
  const check = () => {
    if (readIfThere(path) !== own && !create(path, own)) throw busy(folder, path, readIfThere(path));
  };
  return { check, release };
}

/** Creates the file; returns false if it already exists. */
function create(path: string, content: string): boolean {
  try {
    writeFileSync(path, content, { flag: 'wx' });
    return true;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw new EngineError('data', `${path} could not be written: ${(cause as Error).message}.`, { cause });
  }
}

async function take(path: string, own: string, folder: string): Promise<void> {
  for (let looks = 0; !create(path, own); looks++) {
    const there = readIfThere(path);
    if (there === undefined) continue;
    // Between creation and writing the file is empty: for a moment, or for ever, if its creator was killed just then.
    if (there === '' && looks === 0) {
      await setTimeout(LOOK_AGAIN_MS);
      continue;
    }
    if (isHeld(there)) throw busy(folder, path, there);
    // Only one process can replace this content: the one that creates this file, whose name is the content's hash.
    const next = `${path}.${createHash('sha256').update(there).digest('hex').slice(0, 16)}`;
    if (create(next, own)) {
      if (readIfThere(path) === there) return renameSync(next, path);
      rmSync(next);
    } else {
      await setTimeout(LOOK_AGAIN_MS);
      const lockedAt = statSync(next, { throwIfNoEntry: false })?.mtimeMs;
      if (lockedAt !== undefined && Date.now() - lockedAt > ABANDONED_MS) rmSync(next, { force: true });
    }
  }
}

/** The content; undefined if the file does not exist. */
function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    throw new EngineError('data', `${path}, which says who writes there, could not be read: ${message}.`, {
      cause,
    });
  }
}

function parse(content: string | undefined): Holder | undefined {
  try {
    const { pid, host, birth, since } = JSON.parse(content ?? '');
    return Number.isInteger(pid) && pid > 0
      ? { pid, host: String(host), birth: String(birth), since: String(since) }
      : undefined;
  } catch {
    return undefined;
  }
}

/** Unreadable content has no holder. A lock of another machine cannot be checked from here, so it counts as held. */
function isHeld(content: string | undefined): boolean {
  const holder = parse(content);
  if (!holder) return false;
  if (holder.host !== hostname()) return true;
  if (!isAlive(holder.pid)) return false;
  const birth = readBirth(holder.pid);
  return birth === '' || birth === holder.birth;
}

function busy(folder: string, path: string, content: string | undefined): EngineError {
  const holder = parse(content);
  const elsewhere = holder && holder.host !== hostname() ? ` on ${clip(holder.host)}` : '';
  const who = holder ? `process ${holder.pid}${elsewhere}, since ${clip(holder.since)}` : 'another process';
  const remedy = elsewhere ? ` If it is gone, delete ${path}.` : '';
  return new EngineError(
    'busy',
    `A run is writing into ${folder} already (${who}). Wait until it is done, or give another folder with --out.${remedy}`,
  );
}
