/** What --data reads: files and folders of the user's own. */
import fs, { mkdirSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import promises from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { holdOut, loadImages } from '../../../harness/cli/images';
import { encodePng } from '../../../harness/cli/png';
import { RunFolder } from '../../../harness/cli/run_folder';
import { planRun } from '../../../harness/cli/train_plan';
import { refused } from '../../lib/refused';
import { idxFile, temporaryFolder } from '../../lib/system';

let folder: string;
beforeEach(() => {
  folder = temporaryFolder();
});
const at = (path: string) => join(folder, path);
const write = (path: string, content: string | Uint8Array = '') => {
  mkdirSync(dirname(at(path)), { recursive: true });
  writeFileSync(at(path), content);
};
const load = (...paths: string[]) => loadImages(paths.map(at));
/** A picture in colour. */
const png = (value: number) =>
  encodePng({ width: 16, height: 16, channels: 3, data: new Uint8Array(768).fill(value, 1) });
const idx = (count: number, fill: number, side = 2) =>
  idxFile([count, side, side], Array(count * side * side).fill(fill));
const labels = (...values: number[]) => idxFile([values.length], values);

test('a folder of folders of PNG files is read, and files that cannot be read are named', async () => {
  for (let i = 0; i < 12; i++) write(`${i % 2 ? 'odd' : 'even'}/${i}.png`, png(i));
  write('even/photo.jpg');
  const { images, notes } = await load('');
  expect(images).toMatchObject({ count: 12, channels: 3, classNames: ['even', 'odd'] });
  expect(folder.endsWith(images.name!)).toBe(true);
  expect(notes).toEqual([
    '1 of 13 pictures left out: photo.jpg is no PNG file, and the command line reads PNG alone: convert it, or train on the page.',
  ]);
  write('odd/3.png', png(3).subarray(0, -20));
  await expect(load('')).rejects.toThrow(
    /^More than a tenth of the 13 pictures cannot be read: .*3\.png is cut short/,
  );
});

test('links to files and folders are followed, and a circle of links is refused', async () => {
  for (const i of [0, 1]) write(`elsewhere/${i}.png`, png(i));
  // Enough that one link that leads nowhere is left out.
  for (let i = 2; i < 10; i++) write(`mine/a/${i}.png`, png(i));
  const link = (to: string, path: string) => symlinkSync(to, at(path));
  link('../elsewhere', 'mine/b');
  link('../../elsewhere/0.png', 'mine/a/10.png');
  link('../../gone.png', 'mine/a/11.png');
  link('../gone', 'mine/nowhere');
  const { images, notes } = await load('mine');
  expect({ count: images.count, classNames: images.classNames }).toEqual({
    count: 11,
    classNames: ['a', 'b'],
  });
  expect(images.labels!.reduce((sum, label) => sum + label)).toBe(2);
  expect(notes).toEqual([
    '1 of 12 pictures left out: 11.png could not be read: there is no such file or folder.',
    '1 other file left out: nowhere.',
  ]);
  link('../..', 'mine/a/round');
  await expect(load('mine')).rejects.toThrow(
    `${at('mine/a/round/mine')} leads back to ${realpathSync(at('mine'))}, which it lies in. Remove the link.`,
  );
});

test('a folder that cannot be read is named', async () => {
  write('mine/a/1.png');
  const denied = () => Promise.reject(Object.assign(new Error('EACCES: scandir'), { code: 'EACCES' }));
  const { readdir } = promises;
  const refusing = ((...given: Parameters<typeof readdir>) =>
    given[0] === at('mine/a') ? denied() : readdir(...given)) as typeof readdir;
  onTestFinished(() => {
    vi.restoreAllMocks();
    syncBuiltinESMExports();
  });
  vi.spyOn(promises, 'readdir').mockImplementation(refusing);
  syncBuiltinESMExports();
  await refused(() => load('mine'), 'data', `${at('mine/a')} could not be read: permission was denied.`);
  vi.spyOn(promises, 'realpath').mockImplementation(denied);
  syncBuiltinESMExports();
  await refused(() => load('mine'), 'data', `${at('mine')} could not be read: permission was denied.`);
});

test('the IDX images of a folder are read, packed or not: train before t10k, each once, with their labels', async () => {
  write('t10k-images-idx3-ubyte', idx(1, 3));
  write('train-images-idx3-ubyte', idx(2, 1));
  write('train-images-idx3-ubyte.gz', 'ignored: it lies there unpacked too');
  write('extra-images-idx3-ubyte.gz', gzipSync(idx(1, 2)));
  write('train-labels-idx1-ubyte', labels(7, 8));
  const { images: plain, notes } = await load('');
  expect([plain.height, plain.labels, ...notes]).toEqual([
    2,
    undefined,
    'There are labels for 1 of 3 files of images: the network is trained without classes.',
  ]);
  expect([...plain.images].filter((_, i) => i % 4 === 0)).toEqual([2, 1, 1, 3]);
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

test('several files and folders are read, each once', async () => {
  const cat = 'a/cat/1.png';
  const dog = 'b/dog/2.png';
  const other = 'b/cat/3.png';
  for (const path of [cat, dog, other]) write(path, png(9));
  const classes = await load('a/cat', 'b/dog', 'a/cat/');
  expect(classes).toMatchObject({ images: { count: 2, classNames: ['cat', 'dog'] }, notes: [] });
  const loose = (await load(cat, other)).images;
  expect({ count: loose.count, labels: loose.labels }).toEqual({ count: 2, labels: undefined });

  write('one-images-idx3-ubyte', idx(2, 1));
  write('b/cat/1.png', png(9));
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

test('the class names of IDX files are in classes.txt, in the folder or beside the images', async () => {
  write('my-images-idx3-ubyte', idx(3, 1, 16));
  write('my-labels-idx1-ubyte', labels(0, 2, 1));
  write('classes.txt', 'a "poppy"\r\nרקפת\r\nc, d\r\ncow');
  for (const source of ['', 'my-images-idx3-ubyte'])
    expect((await load(source)).images.classNames).toEqual(['a "poppy"', 'רקפת', 'c, d', 'cow']);
  // A class without images counts.
  const given = { data: [at('my-images-idx3-ubyte')], recipe: 'digits' } as const;
  const run = await RunFolder.of({ out: at('run') });
  const plan = (more = {}) => planRun({ ...given, ...more }, run, new AbortController().signal, () => {});
  expect((await plan()).config.conditioning!.classes).toBe(4);
  // What only the network tells: its levels halve the sides.
  await expect(plan({ size: 17 })).rejects.toThrow(
    '--size is 17; a network of 3 levels takes multiples of 4. Give one from 16 to 64, or fewer --widths.',
  );
  await expect(plan({ size: 18, widths: [8, 8] })).resolves.toBeDefined();
  for (const [names, problem] of [
    ['a\nb', 'classes.txt has 2 lines.*0 to 2.*give 3'],
    ['a\n\nc', 'Line 2 of classes.txt is empty'],
    ['a\nb\na', 'Line 3 of classes.txt is a again'],
  ]) {
    write('classes.txt', names);
    await refused(() => load('my-images-idx3-ubyte'), 'data', new RegExp(problem));
  }
  fs.rmSync(at('my-labels-idx1-ubyte'));
  expect((await load('my-images-idx3-ubyte', 'classes.txt')).notes).toEqual([
    'classes.txt is left out: there are no classes.',
  ]);
});

test('a folder of 160,000 files is looked through', async () => {
  for (const path of ['few', 'set/many']) mkdirSync(at(path), { recursive: true });
  for (let i = 0; i < 400; i++) {
    write(`few/${i}.txt`);
    symlinkSync(at('few'), at(`set/many/${i}`), 'junction');
  }
  // What comes after it ends the search, so that no file is opened.
  symlinkSync(at('set'), at('set/round'), 'junction');
  await refused(() => load('set'), 'data', `${at('set/round')} leads back to`);
});
