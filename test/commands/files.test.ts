/** Files that the command line writes whole, and folders that it makes. */
import { spawnSync } from 'node:child_process';
import fs, { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { dirname, join } from 'node:path';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { prepareFile, prepareFolder, readWhole, writeWhole } from '../../harness/cli/files';
import { refused } from '../lib/refused';
import { temporaryFolder } from '../lib/system';

let folder: string;
beforeEach(() => {
  folder = temporaryFolder();
});
const at = (path: string) => join(folder, path);
const write = (path: string, content: string | Uint8Array = '') => {
  mkdirSync(dirname(at(path)), { recursive: true });
  writeFileSync(at(path), content);
};
const isPosix = process.platform !== 'win32';
/** The number of a process that has ended. */
const dead = () => spawnSync(process.execPath, ['-e', '']).pid;

describe('writeWhole', () => {
  test('writes a file, and replaces one', async () => {
    await writeWhole(at('a.txt'), 'one, and longer');
    await writeWhole(at('a.txt'), new Uint8Array([116, 119, 111]));
    expect(readFileSync(at('a.txt'), 'utf8')).toBe('two');
    expect(readdirSync(folder)).toEqual(['a.txt']);
  });

  test('leaves the old file and nothing else where a write fails', async () => {
    write('taken/old', 'old');
    await refused(() => writeWhole(at('taken'), 'new'), 'data', at('taken'), 'could not be written');
    expect(readdirSync(folder, { recursive: true }).sort()).toEqual(['taken', join('taken', 'old')]);
    expect(readFileSync(at('taken/old'), 'utf8')).toBe('old');
  });

  test('clears the temporary files of a killed process, and leaves the files of others', async () => {
    const pid = dead();
    const kept = ['.a.b.tmp', `.a.b.${process.pid}-0123abcd.tmp`, `.other.${pid}-0123abcd.tmp`];
    for (const name of [...kept, '.a.b.0123abcd.tmp2', `.a.b.${pid}-0123abcd.tmp`]) write(name);
    await writeWhole(at('a.b'), 'whole');
    expect(readdirSync(folder).sort()).toEqual([...kept, '.a.b.0123abcd.tmp2', 'a.b'].sort());
  });

  test.runIf(isPosix)('flushes a file before it gets its name, and the folder after that', async () => {
    const done: string[] = [];
    const handle = await open(folder, 'r');
    const { sync } = handle;
    const prototype = Object.getPrototypeOf(handle);
    await handle.close();
    vi.spyOn(prototype, 'sync').mockImplementation(async function (this: FileHandle) {
      const what = (await this.stat()).isDirectory() ? 'folder' : 'file';
      done.push(`${what}, ${readdirSync(folder).filter((name) => !name.startsWith('.'))}`);
      await sync.call(this);
    });
    try {
      await writeWhole(at('new'), 'new');
    } finally {
      vi.restoreAllMocks();
    }
    expect(done).toEqual(['file, ', 'folder, new']);
  });
});

test('prepareFolder makes folders, for three callers at once, and clears the trial file of a killed process', async () => {
  write(`a/b/.webgpu-diffusion.${dead()}-0123abcd.tmp`);
  await Promise.all(
    ['a/b', 'a/b', 'new/both', 'new/both', 'new/both'].map((path) => prepareFolder(at(path))),
  );
  expect(readdirSync(at('a/b'))).toEqual([]);
  expect(readdirSync(at('new/both'))).toEqual([]);
});

test('prepareFolder refuses a folder on a drive that is not there', async () => {
  // The answers of Windows to Z:\ and everything below it.
  vi.spyOn(fs, 'existsSync').mockReturnValue(false);
  vi.spyOn(fs.promises, 'mkdir').mockRejectedValue(Object.assign(new Error('none'), { code: 'ENOENT' }));
  syncBuiltinESMExports();
  try {
    await refused(() => prepareFolder(at('runs')), 'data', 'runs cannot be written', 'no such file');
  } finally {
    vi.restoreAllMocks();
    syncBuiltinESMExports();
  }
});

test('prepareFile makes the folder of a file', async () => {
  await prepareFile(at('a/file.json'), '--json');
  expect(readdirSync(at('a'))).toEqual([]);
});

type Refused = readonly [
  what: string,
  work: (path: string) => Promise<unknown>,
  path: string,
  ...facts: string[],
];
test.each<Refused>([
  ['a file in a folder that is not there', (path) => writeWhole(path, ''), 'none/x', 'no such file'],
  ['a file in the place of a folder', prepareFolder, 'file', '--out', 'file of that name'],
  // Where a parent refuses, mkdir with `recursive` may never return.
  ...(process.platform === 'linux'
    ? [['a folder in /proc', prepareFolder, '/proc/x/y', '--out'] as const]
    : []),
  ['a folder in the place of a file', (path) => prepareFile(path, '--json'), '', 'it is a folder', '--json'],
  ...(isPosix
    ? [['a device', (path: string) => prepareFile(path, '--json'), '/dev/null', 'it is a device'] as const]
    : []),
  ['a file that is missing', readWhole, 'x', 'no such file'],
  ['a folder to read', readWhole, '', 'a folder, not a file'],
])('%s is refused by name', async (...row) => {
  const [_, work, path, ...facts] = row as unknown as Refused;
  write('file');
  const given = path.startsWith('/') ? path : at(path);
  await refused(() => work(given), 'data', given, ...facts);
});
