/** Files that the command line writes whole, folders that it makes, and what --data reads. */
import { spawnSync } from 'node:child_process';
import fs, { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { prepareFile, prepareFolder, readWhole, writeWhole } from '../../harness/cli/files';
import { holdOut, loadImages } from '../../harness/cli/images';
import { encodePng } from '../../harness/cli/png';
import { refused } from '../lib/refused';
import { idxFile, temporaryFolder } from '../lib/system';

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
  const [, work, path, ...facts] = row as unknown as Refused;
  write('file');
  const given = path.startsWith('/') ? path : at(path);
  await refused(() => work(given), 'data', given, ...facts);
});

describe('--data', () => {
  const idx = (count: number, fill: number) => idxFile([count, 2, 2], Array(4 * count).fill(fill));
  const labels = (...values: number[]) => idxFile([values.length], values);
  const load = (...paths: string[]) => loadImages(paths.map(at));

  test('reads the IDX images of a folder, packed or not: train before t10k, each once, with their labels', async () => {
    write('t10k-images-idx3-ubyte', idx(1, 3));
    write('train-images-idx3-ubyte', idx(2, 1));
    write('train-images-idx3-ubyte.gz', 'ignored: it lies there unpacked too');
    write('extra-images-idx3-ubyte.gz', gzipSync(idx(1, 2)));
    write('train-labels-idx1-ubyte', labels(7, 8));
    const { images, count, height, labels: none } = (await load('')).images;
    expect({ count, height, none }).toEqual({ count: 4, height: 2, none: undefined });
    expect([...images]).toEqual([2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 3, 3, 3, 3]);
    write('t10k-labels-idx1-ubyte', labels(1));
    write('extra-labels-idx1-ubyte', labels(2));
    const { images: set } = await load('');
    expect([...set.labels!]).toEqual([2, 7, 8, 1]);
    expect([...(await loadImages([folder], { limit: 3 })).images.labels!]).toEqual([2, 7, 8]);
    expect(holdOut(set, 3).held!.count).toBe(3);
    expect(() => holdOut(set, 4)).toThrow('give 0 to 3');
    write('t10k-labels-idx1-ubyte', labels(1, 2));
    await refused(() => load(''), 'data', 'holds 5 labels, but there are 4 images');
  });

  test('reads several files and folders, each once', async () => {
    const [cat, dog, other] = ['a/cat/1.png', 'b/dog/2.png', 'b/cat/3.png'];
    const png = encodePng({ width: 16, height: 16, channels: 3, data: new Uint8Array(768).fill(9, 0, 1) });
    for (const path of [cat, dog, other]) write(path, png);
    const classes = await loadImages([at('a/cat'), at('b/dog'), `${at('a')}/cat/`]);
    expect(classes).toMatchObject({ images: { count: 2, classNames: ['cat', 'dog'] }, notes: [] });
    const loose = (await load(cat, other)).images;
    expect([loose.count, loose.labels]).toEqual([2, undefined]);

    write('one-images-idx3-ubyte', idx(2, 1));
    write('two-images-idx3-ubyte', idx(1, 2));
    write('one-labels-idx1-ubyte', labels(0, 1));
    const idxs = ['one-images-idx3-ubyte', 'two-images-idx3-ubyte', 'one-labels-idx1-ubyte'];
    const { images: three, notes } = await load(...idxs);
    expect([three.count, three.labels, ...notes]).toEqual([
      3,
      undefined,
      'There are labels for 1 of 2 files of images: the network is trained without classes.',
    ]);

    write('b/cat/1.png', png);
    for (const [given, problem] of [
      [[at(cat), at('one-images-idx3-ubyte')], 'pictures and IDX files; choose one kind at a time'],
      [
        ['mnist', at('a')],
        '--data mnist is a whole data set: give it alone, or ./mnist for a folder of that name.',
      ],
      [
        [at('a/cat'), at('b/cat')],
        `--data finds two files called cat/1.png: ${at(cat)} and ${at('b/cat/1.png')}. Rename one.`,
      ],
    ] as const)
      await expect(loadImages(given)).rejects.toThrow(problem);
  });

  test('takes the class names of IDX files from classes.txt, in the folder or beside the images', async () => {
    write('my-images-idx3-ubyte', idx(3, 1));
    write('my-labels-idx1-ubyte', labels(0, 2, 1));
    write('classes.txt', 'a "poppy"\r\nרקפת\r\nc, d\r\n');
    for (const source of ['', 'my-images-idx3-ubyte'])
      expect((await load(source)).images.classNames).toEqual(['a "poppy"', 'רקפת', 'c, d']);
    for (const [names, problem] of [
      ['a\nb', 'classes.txt has 2 lines.*0 to 2.*give 3'],
      ['a\n\nc', 'Line 2 of classes.txt is empty'],
      ['a\nb\na', 'Line 3 of classes.txt is a again'],
    ]) {
      write('classes.txt', names);
      await refused(() => load(''), 'data', new RegExp(problem));
    }
    fs.rmSync(at('my-labels-idx1-ubyte'));
    expect((await load('')).notes).toEqual(['classes.txt is left out: there are no classes.']);
  });

  test('looks beyond a folder of 160,000 files', async () => {
    for (const path of ['few', 'set/many']) mkdirSync(at(path), { recursive: true });
    for (let i = 0; i < 400; i++) {
      write(`few/${i}.txt`);
      symlinkSync(at('few'), at(`set/many/${i}`), 'junction');
    }
    // What comes after it ends the search, so that no file is opened.
    symlinkSync(at('set'), at('set/round'), 'junction');
    await refused(() => load('set'), 'data', `${at('set/round')} leads back to`);
  });
});
