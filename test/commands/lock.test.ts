/** One writer per folder, whatever became of the one before. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import fs from 'node:fs';
import { mkdir, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, test, vi } from 'vitest';
import { birthOf, isAlive } from '../../harness/cli/alive';
import { lockFolder } from '../../harness/cli/lock';
import { refused } from '../lib/refused';
import { temporaryFolder } from '../lib/system';

let folder: string;
let lock: string;
beforeEach(() => {
  folder = temporaryFolder();
  lock = join(folder, '.webgpu-diffusion.lock');
});

const holder = (changes: object = {}) =>
  JSON.stringify({
    pid: process.pid,
    host: hostname(),
    birth: birthOf(process.pid),
    since: 'noon',
    ...changes,
  });

/** A process that does nothing, and how to end it as nothing can resist. */
async function sleeper(): Promise<{ child: ChildProcess; kill: () => Promise<unknown> }> {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
  await once(child, 'spawn');
  const kill = () => {
    child.kill('SIGKILL');
    return once(child, 'exit');
  };
  return { child, kill };
}

test('a second process learns who writes into the folder, and may write when that process is done', async () => {
  const listeners = process.listenerCount('exit');
  const first = await lockFolder(folder);
  expect(JSON.parse(await readFile(lock, 'utf8'))).toMatchObject({ pid: process.pid, host: hostname() });
  await refused(() => lockFolder(folder), 'busy', folder, `process ${process.pid}, since 2`, '--out');
  first.check();
  first.release();
  expect(await readdir(folder)).toEqual([]);
  (await lockFolder(folder)).release();
  expect(process.listenerCount('exit')).toBe(listeners);
});

test('one of twenty simultaneous callers gets the lock of a folder', async () => {
  for (const left of [undefined, holder({ birth: 'another boot' }), '']) {
    if (left !== undefined) await writeFile(lock, left);
    const all = await Promise.allSettled(Array.from({ length: 20 }, () => lockFolder(folder)));
    const won = all.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    expect(won).toHaveLength(1);
    won[0].check();
    won[0].release();
    expect(await readdir(folder)).toEqual([]);
  }
});

test('the lock of a killed process is free at once', async () => {
  const { child, kill } = await sleeper();
  await writeFile(lock, holder({ pid: child.pid, birth: birthOf(child.pid!) }));
  await refused(() => lockFolder(folder), 'busy', `process ${child.pid}`);
  await kill();
  (await lockFolder(folder)).release();
});

test.runIf(process.platform === 'linux')(
  'the lock of a process before the last boot, or of an earlier process of the same number, is free',
  async () => {
    const [boot, start] = birthOf(process.pid).split(' ');
    expect(start).toMatch(/^\d+$/);
    for (const birth of [`${boot} ${Number(start) - 1}`, `another ${start}`]) {
      await writeFile(lock, holder({ birth }));
      (await lockFolder(folder)).release();
    }
  },
);

test.runIf(process.platform === 'linux')(
  'a zombie process, which has ended but still has its number, counts as dead',
  async () => {
    // A child of a process that never asks about its children: it ends when the shell, which would ask, is no shell any more.
    const parent = spawn('sh', ['-c', 'sleep 1 & echo $!; exec sleep 60']);
    try {
      const [number] = await once(parent.stdout, 'data');
      const zombie = Number(String(number));
      await vi.waitFor(() => expect(birthOf(zombie)).toBe('never'), { timeout: 30_000 });
      expect(isAlive(zombie)).toBe(false);
      expect(isAlive(parent.pid!)).toBe(true);
    } finally {
      parent.kill('SIGKILL');
      await once(parent, 'close');
    }
  },
);

test('release leaves a lock that another run has put in the place of its own', async () => {
  const { release } = await lockFolder(folder);
  await writeFile(lock, holder({ pid: process.ppid }));
  release();
  expect(await readFile(lock, 'utf8')).toBe(holder({ pid: process.ppid }));
});

test('a lock from another machine counts as held, and the error names the file to delete', async () => {
  await writeFile(lock, holder({ host: '\x1b[2Jelsewhere', pid: 1 }));
  await refused(() => lockFolder(folder), 'busy', 'process 1 on \\u{1b}[2Jelsewhere', `delete ${lock}`);
});

test.each(['', '{', '[]', '{"pid":"1"}', '{"pid":-1}', 'x'.repeat(1000)])(
  'a lock file with the text %j locks nothing',
  async (text) => {
    await writeFile(lock, text);
    (await lockFolder(folder)).release();
  },
);

test('a process that was killed while it took over a dead lock blocks no other process', async () => {
  const dead = holder({ birth: 'another boot' });
  await writeFile(lock, dead);
  const next = `${lock}.${createHash('sha256').update(dead).digest('hex').slice(0, 16)}`;
  await writeFile(next, '');
  await utimes(next, 1, 1);
  (await lockFolder(folder)).release();
  expect(await readdir(folder)).toEqual([]);
});

test('a dead lock that another run replaces at that moment is not taken over', async () => {
  await writeFile(lock, holder({ birth: 'another boot' }));
  const alive = holder({ pid: process.ppid, birth: birthOf(process.ppid) });
  const { writeFileSync } = fs;
  // Between the look at the dead one's lock and the file that allows to replace it.
  vi.spyOn(fs, 'writeFileSync').mockImplementation((path, ...rest) => {
    if (path !== lock) writeFileSync(lock, alive);
    writeFileSync(path, ...rest);
  });
  syncBuiltinESMExports();
  try {
    await refused(() => lockFolder(folder), 'busy', `process ${process.ppid}`);
  } finally {
    vi.restoreAllMocks();
    syncBuiltinESMExports();
  }
  expect(await readFile(lock, 'utf8')).toBe(alive);
  expect(await readdir(folder)).toHaveLength(1);
});

test('a lock that cannot be read is an error at once', async () => {
  await mkdir(lock);
  await refused(() => lockFolder(folder), 'data', lock, 'could not be read');
});

test('check makes a deleted lock again, unless another process has the lock', async () => {
  const first = await lockFolder(folder);
  await rm(lock);
  first.check();
  await rm(lock);
  const second = await lockFolder(folder);
  await refused(() => first.check(), 'busy', folder);
  first.release();
  second.check();
  second.release();
  expect(await readdir(folder)).toEqual([]);
});
