/** One writer per folder, whatever became of the one before. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import fs, { mkdirSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { beforeEach, expect, test, vi } from 'vitest';
import { isAlive, readBirth } from '../../harness/cli/alive';
import { lockFolder } from '../../harness/cli/lock';
import { refused } from '../lib/refused';
import { temporaryFolder } from '../lib/system';
import { until } from '../lib/until';

const isLinux = process.platform === 'linux';
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
    birth: readBirth(process.pid),
    since: 'noon',
    ...changes,
  });
const dead = holder({ birth: 'another boot' });
const taken = async () => (await lockFolder(folder)).release();

test('a second process learns who writes into the folder, and may write when that process is done', async () => {
  const listeners = process.listenerCount('exit');
  const first = await lockFolder(folder);
  expect(JSON.parse(readFileSync(lock, 'utf8'))).toMatchObject({ pid: process.pid, host: hostname() });
  await refused(() => lockFolder(folder), 'busy', folder, `process ${process.pid}, since 2`, '--out');
  first.check();
  first.release();
  expect(readdirSync(folder)).toEqual([]);
  await taken();
  expect(process.listenerCount('exit')).toBe(listeners);
});

test('one of twenty simultaneous callers gets the lock of a folder', async () => {
  for (const left of [undefined, dead, '']) {
    if (left !== undefined) writeFileSync(lock, left);
    const all = await Promise.allSettled(Array.from({ length: 20 }, () => lockFolder(folder)));
    const won = all.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    expect(won).toHaveLength(1);
    won[0].check();
    won[0].release();
    expect(readdirSync(folder)).toEqual([]);
  }
});

const [boot, start] = readBirth(process.pid).split(' ');
test.each([
  ['', '{', '[]', '{"pid":"1"}', '{"pid":-1}', 'x'.repeat(1000)],
  // Before the last boot, or of an earlier process of the same number.
  ...(isLinux
    ? [[holder({ birth: `${boot} ${Number(start) - 1}` }), holder({ birth: `another ${start}` })]]
    : []),
])('a lock file with the text %j or %j locks nothing', async (...texts) => {
  for (const text of texts) {
    writeFileSync(lock, text);
    await taken();
  }
});

test.runIf(isLinux)(
  'a zombie process, which has ended but still has its number, counts as dead',
  async () => {
    // A child of a process that never asks about its children: it ends when the shell, which would ask, is no shell any more.
    const parent = spawn('sh', ['-c', 'read end <&3 & echo $!; exec tail -f /dev/null'], {
      stdio: ['ignore', 'pipe', 'inherit', 'pipe'],
    });
    try {
      const zombie = Number(String((await once(parent.stdout!, 'data'))[0]));
      await until(() => readFileSync(`/proc/${parent.pid}/comm`, 'utf8') === 'tail\n');
      (parent.stdio[3] as Writable).end();
      await until(() => readBirth(zombie) === 'never');
      expect([isAlive(zombie), isAlive(parent.pid!)]).toEqual([false, true]);
    } finally {
      parent.kill('SIGKILL');
      await once(parent, 'close');
    }
  },
);

test('release leaves a lock that another run has put in the place of its own', async () => {
  const { release } = await lockFolder(folder);
  writeFileSync(lock, holder({ pid: process.ppid }));
  release();
  expect(readFileSync(lock, 'utf8')).toBe(holder({ pid: process.ppid }));
});

test('a lock from another machine counts as held, and the error names the file to delete', async () => {
  writeFileSync(lock, holder({ host: '\x1b[2Jelsewhere', pid: 1 }));
  await refused(() => lockFolder(folder), 'busy', 'process 1 on \\u{1b}[2Jelsewhere', `delete ${lock}`);
});

test('a process that was killed while it took over a dead lock blocks no other process', async () => {
  writeFileSync(lock, dead);
  const next = `${lock}.${createHash('sha256').update(dead).digest('hex').slice(0, 16)}`;
  writeFileSync(next, '');
  utimesSync(next, 1, 1);
  await taken();
  expect(readdirSync(folder)).toEqual([]);
});

test('a dead lock that another run replaces at that moment is not taken over', async () => {
  writeFileSync(lock, dead);
  const alive = holder({ pid: process.ppid, birth: readBirth(process.ppid) });
  const { writeFileSync: written } = fs;
  // Between the look at the dead one's lock and the file that allows to replace it.
  vi.spyOn(fs, 'writeFileSync').mockImplementation((path, ...rest) => {
    if (path !== lock) written(lock, alive);
    written(path, ...rest);
  });
  syncBuiltinESMExports();
  try {
    await refused(() => lockFolder(folder), 'busy', `process ${process.ppid}`);
  } finally {
    vi.restoreAllMocks();
    syncBuiltinESMExports();
  }
  expect(readFileSync(lock, 'utf8')).toBe(alive);
  expect(readdirSync(folder)).toHaveLength(1);
});

test('a lock that cannot be read is an error at once', async () => {
  mkdirSync(lock);
  await refused(() => lockFolder(folder), 'data', lock, 'could not be read');
});

test('check makes a deleted lock again, unless another process has the lock', async () => {
  const first = await lockFolder(folder);
  rmSync(lock);
  first.check();
  rmSync(lock);
  const second = await lockFolder(folder);
  await refused(() => first.check(), 'busy', folder);
  first.release();
  second.check();
  second.release();
  expect(readdirSync(folder)).toEqual([]);
});
