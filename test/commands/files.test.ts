import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { type FileHandle, mkdir, open, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { UsageError } from '../../harness/cli/args';
import { prepareFile, prepareFolder, readWhole, writeWhole } from '../../harness/cli/files';
import { loadImages } from '../../harness/cli/images';
import { encodePng } from '../../harness/cli/png';
import { refused } from '../lib/refused';
import { idxFile, temporaryFolder } from '../lib/system';

let folder: string;
beforeEach(() => {
  folder = temporaryFolder();
});

describe('writeWhole', () => {
  test('writes a file, and replaces one', async () => {
    const path = join(folder, 'a.txt');
    await writeWhole(path, 'one, and longer');
    await writeWhole(path, new Uint8Array([116, 119, 111]));
    expect(await readFile(path, 'utf8')).toBe('two');
    expect(await readdir(folder)).toEqual(['a.txt']);
  });

  test('leaves the old file and nothing else where a write fails', async () => {
    const path = join(folder, 'taken');
    await mkdir(path);
    await writeFile(join(path, 'old'), 'old');
    await refused(() => writeWhole(path, 'new'), 'data', path, 'could not be written');
    await refused(() => writeWhole(join(folder, 'none', 'x'), 'new'), 'data', 'no such file or folder');
    expect(await readdir(folder)).toEqual(['taken']);
    expect(await readFile(join(path, 'old'), 'utf8')).toBe('old');
  });

  test('clears the temporary files of a killed process, and leaves the files of others', async () => {
    const path = join(folder, 'a.b');
    const dead = spawnSync(process.execPath, ['-e', '']).pid;
    const kept = [
      '.a.b.tmp',
      `.a.b.${process.pid}-0123abcd.tmp`,
      `.other.${dead}-0123abcd.tmp`,
      '.a.b.0123abcd.tmp2',
    ];
    for (const name of [...kept, `.a.b.${dead}-0123abcd.tmp`, '.a.b.0123abcd.tmp'])
      await writeFile(join(folder, name), '');
    await writeWhole(path, 'whole');
    expect((await readdir(folder)).sort()).toEqual([...kept, 'a.b'].sort());
  });

  test('prepareFolder clears the trial file of a killed process', async () => {
    const dead = spawnSync(process.execPath, ['-e', '']).pid;
    await writeFile(join(folder, `.webgpu-diffusion.${dead}-0123abcd.tmp`), '');
    await prepareFolder(folder);
    expect(await readdir(folder)).toEqual([]);
  });

  test.runIf(process.platform !== 'win32')(
    'flushes a file to the disk before the file gets its name, and the folder after that',
    async () => {
      const done: string[] = [];
      const handle = await open(folder, 'r');
      const { sync } = handle;
      const prototype = Object.getPrototypeOf(handle);
      await handle.close();
      vi.spyOn(prototype, 'sync').mockImplementation(async function (this: FileHandle) {
        const isFolder = (await this.stat()).isDirectory();
        done.push(
          `${isFolder ? 'folder' : 'file'}, ${(await readdir(folder)).filter((name) => !name.startsWith('.'))}`,
        );
        await sync.call(this);
      });
      try {
        await writeWhole(join(folder, 'new'), 'new');
      } finally {
        vi.restoreAllMocks();
      }
      expect(done).toEqual(['file, ', 'folder, new']);
    },
  );

  test('never lets a reader see a part of a file', async () => {
    const path = join(folder, 'b');
    const versions = ['a', 'b'].map((letter) => letter.repeat(1 << 20));
    await writeWhole(path, versions[0]);
    let writing = true;
    const writer = (async () => {
      for (let i = 0; i < 10; i++) await writeWhole(path, versions[i % 2]);
      writing = false;
    })();
    while (writing) expect(versions).toContain(await readFile(path, 'utf8'));
    await writer;
  });
});

test('prepareFolder makes folders, and says what is in the way', async () => {
  const deep = join(folder, 'a', 'b');
  await prepareFolder(deep);
  await prepareFolder(deep);
  expect(await readdir(deep)).toEqual([]);
  await writeFile(join(folder, 'file'), '');
  await refused(() => prepareFolder(join(folder, 'file')), 'data', '--out', 'file of that name');
  await refused(() => prepareFolder(join(folder, 'file', 'x')), 'data', 'not a folder');
  // Where a parent refuses, mkdir with `recursive` may never return.
  if (process.platform === 'linux') await refused(() => prepareFolder('/proc/x/y'), 'data', '--out');
});

test('prepareFolder refuses a folder on a drive that is not there', async () => {
  // The answers of Windows to Z:\ and everything below it.
  vi.spyOn(fs, 'existsSync').mockReturnValue(false);
  vi.spyOn(fs.promises, 'mkdir').mockRejectedValue(Object.assign(new Error('none'), { code: 'ENOENT' }));
  syncBuiltinESMExports();
  try {
    await refused(
      () => prepareFolder(join(folder, 'runs')),
      'data',
      'runs cannot be written',
      'no such file',
    );
  } finally {
    vi.restoreAllMocks();
    syncBuiltinESMExports();
  }
});

test('prepareFolder makes one folder for three callers at the same time', async () => {
  await Promise.all([1, 2, 3].map(() => prepareFolder(join(folder, 'new', 'both'))));
});

test('prepareFile makes the folder of a file, and refuses a folder in the place of the file', async () => {
  await prepareFile(join(folder, 'a', 'file.json'), '--json');
  expect(await readdir(join(folder, 'a'))).toEqual([]);
  await refused(() => prepareFile(join(folder, 'a'), '--json'), 'data', 'it is a folder', '--json');
});

test.runIf(process.platform !== 'win32')('prepareFile refuses a device in the place of a file', async () => {
  await refused(() => prepareFile('/dev/null', '--json'), 'data', '/dev/null', 'it is a device', '--json');
});

test('readWhole refuses a file that is missing, and a folder', async () => {
  await refused(() => readWhole(join(folder, 'x')), 'data', join(folder, 'x'), 'no such file');
  await refused(() => readWhole(folder), 'data', 'a folder, not a file');
});

describe('--data', () => {
  const idx = (count: number, fill: number) => idxFile([count, 2, 2], Array(4 * count).fill(fill));

  test('reads the IDX images of a folder, packed or not: train before t10k, and each once', async () => {
    await writeFile(join(folder, 't10k-images-idx3-ubyte'), idx(1, 3));
    await writeFile(join(folder, 'train-images-idx3-ubyte'), idx(2, 1));
    await writeFile(join(folder, 'train-images-idx3-ubyte.gz'), 'ignored: it lies there unpacked too');
    await writeFile(join(folder, 'extra-images-idx3-ubyte.gz'), gzipSync(idx(1, 2)));
    await writeFile(join(folder, 'train-labels-idx1-ubyte'), 'ignored');
    const { images: set } = await loadImages([folder]);
    const { images, count, height } = set;
    expect({ count, height }).toEqual({ count: 4, height: 2 });
    expect([...images]).toEqual([2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 3, 3, 3, 3]);
  });

  test('reads one file, or only its first images', async () => {
    const path = join(folder, 'any.name');
    await writeFile(path, idx(3, 7));
    expect((await loadImages([path])).images.count).toBe(3);
    const { images: set } = await loadImages([path], { limit: 2 });
    expect({ count: set.count, length: set.images.length }).toEqual({ count: 2, length: 8 });
    await expect(loadImages([path], { limit: 4 })).rejects.toThrow(UsageError);
    await expect(loadImages([path], { limit: 4 })).rejects.toThrow('1 to 3');
  });

  test('reads several files and folders, each once', async () => {
    const at = (name: string) => join(folder, name);
    const [cat, dog, other] = ['a/cat/1.png', 'b/dog/2.png', 'b/cat/3.png'].map(at);
    const png = encodePng({ width: 16, height: 16, channels: 3, data: new Uint8Array(768).fill(9, 0, 1) });
    for (const path of [cat, dog, other]) {
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, png);
    }
    const classes = await loadImages([at('a/cat'), at('b/dog'), `${at('a')}/cat/`]);
    expect(classes).toMatchObject({ images: { count: 2, classNames: ['cat', 'dog'] }, notes: [] });
    const loose = await loadImages([cat, other]);
    expect([loose.images.count, loose.images.labels]).toEqual([2, undefined]);

    const idxs = ['one-images-idx3-ubyte', 'two-images-idx3-ubyte'].map(at);
    await writeFile(idxs[0], idx(2, 1));
    await writeFile(idxs[1], idx(1, 2));
    await writeFile(at('one-labels-idx1-ubyte'), idxFile([2], [0, 1]));
    const both = await loadImages([...idxs, at('one-labels-idx1-ubyte')]);
    expect([both.images.count, both.images.labels]).toEqual([3, undefined]);
    expect(both.notes).toEqual([
      'There are labels for 1 of 2 files of images: the network is trained without classes.',
    ]);

    await refused(() => loadImages([cat, idxs[0]]), 'data', 'pictures and IDX files', 'one kind at a time');
    await refused(() => loadImages([at('a'), dog]), 'data', '2.png is in no folder of a class');
    await expect(loadImages(['letters', at('a')])).rejects.toThrow(
      '--data letters is a whole data set: give it alone, or ./letters for a folder of that name.',
    );
    await expect(loadImages(['mnist', 'letters'])).rejects.toThrow(UsageError);
    await writeFile(at('b/cat/1.png'), png);
    await expect(loadImages([at('a/cat'), at('b/cat')])).rejects.toThrow(
      `--data finds two files called cat/1.png: ${cat} and ${at('b/cat/1.png')}. Rename one.`,
    );
  });

  test('takes the class names of IDX files from classes.txt, in the folder or beside the images', async () => {
    const images = join(folder, 'my-images-idx3-ubyte');
    await writeFile(images, idx(3, 1));
    await writeFile(join(folder, 'my-labels-idx1-ubyte'), idxFile([3], [0, 2, 1]));
    const names = (text: string) => writeFile(join(folder, 'classes.txt'), text);
    await names('a "poppy"\r\nרקפת\r\nc, d\r\n');
    for (const source of [folder, images])
      expect((await loadImages([source])).images.classNames).toEqual(['a "poppy"', 'רקפת', 'c, d']);
    await names('a\nb');
    await refused(() => loadImages([folder]), 'data', 'classes.txt has 2 lines', '0 to 2', 'give 3');
    await names('a\n\nc');
    await refused(() => loadImages([folder]), 'data', 'Line 2 of classes.txt is empty');
    await names('a\nb\na');
    await refused(() => loadImages([folder]), 'data', 'Line 3 of classes.txt is a again');
    await rm(join(folder, 'my-labels-idx1-ubyte'));
    expect((await loadImages([folder])).notes).toEqual(['classes.txt is left out: there are no classes.']);
  });

  test('refuses a path that does not exist, and a folder without images', async () => {
    await refused(() => loadImages([join(folder, 'none')]), 'data', 'no such file or folder', 'mnist');
    await refused(() => loadImages([folder]), 'data', 'holds no images', 'pictures', 'IDX');
  });

  test('looks beyond a folder of 160,000 files', async () => {
    const [few, set, many] = ['few', 'set', 'set/many'].map((name) => join(folder, name));
    for (const path of [few, many]) await mkdir(path, { recursive: true });
    const each = Array.from({ length: 400 }, (_, i) => i);
    await Promise.all(each.map((i) => writeFile(join(few, `${i}.txt`), '')));
    await Promise.all(each.map((i) => symlink(few, join(many, `${i}`), 'junction')));
    // What comes after it ends the search, so that no file is opened.
    await symlink(set, join(set, 'round'), 'junction');
    await refused(() => loadImages([set]), 'data', `${join(set, 'round')} leads back to`);
  });
});
