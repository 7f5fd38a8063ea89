/** Folders of the user’s own, on the command line. */
import { mkdirSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import promises from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { dirname, join } from 'node:path';
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { loadImages } from '../../../harness/cli/images';
import { encodePng } from '../../../harness/cli/png';
import { RunFolder } from '../../../harness/cli/run_folder';
import { planRun } from '../../../harness/cli/train_plan';
import { refused } from '../../lib/refused';
import { idxFile, temporaryFolder } from '../../lib/system';

describe('--data', () => {
  let folder: string;
  beforeEach(() => {
    folder = temporaryFolder();
  });
  const write = (path: string, content: string | Uint8Array) => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  };

  test('takes a folder of folders of PNG files, and names the files that it cannot read', async () => {
    const png = (value: number) =>
      encodePng({ width: 16, height: 16, channels: 3, data: new Uint8Array(768).fill(value, 1) });
    for (let i = 0; i < 12; i++) write(`${i % 2 ? 'odd' : 'even'}/${i}.png`, png(i));
    write('even/photo.jpg', 'any');
    const { images, notes } = await loadImages([folder]);
    expect(images).toMatchObject({ count: 12, channels: 3, classNames: ['even', 'odd'] });
    expect(folder.endsWith(images.name!)).toBe(true);
    expect(notes).toEqual([
      '1 of 13 pictures left out: photo.jpg is no PNG file, and the command line reads PNG alone: convert it, or train on the page.',
    ]);
    write('odd/photo.jpg', 'any');
    await expect(loadImages([folder])).rejects.toThrow('More than a tenth of the 14 pictures cannot be read');
  });

  test('follows links to files and folders, and refuses a circle of links', async () => {
    const png = (value: number) =>
      encodePng({ width: 16, height: 16, channels: 1, data: new Uint8Array(256).fill(value) });
    for (const i of [0, 1]) write(`elsewhere/${i}.png`, png(i));
    write('mine/a/2.png', png(2));
    symlinkSync('../elsewhere', join(folder, 'mine/b'));
    symlinkSync('../../elsewhere/0.png', join(folder, 'mine/a/3.png'));
    const { images, notes } = await loadImages([join(folder, 'mine')]);
    expect([images.count, images.classNames, notes]).toEqual([4, ['a', 'b'], []]);
    expect([...images.labels!].sort()).toEqual([0, 0, 1, 1]);
    // Enough others that one that leads nowhere is left out.
    for (let i = 4; i < 10; i++) write(`mine/a/${i}.png`, png(i));
    symlinkSync('../../gone.png', join(folder, 'mine/a/11.png'));
    symlinkSync('../gone', join(folder, 'mine/nowhere'));
    expect((await loadImages([join(folder, 'mine')])).notes).toEqual([
      '1 of 11 pictures left out: 11.png could not be read: there is no such file or folder.',
      '1 other file left out: nowhere.',
    ]);
    symlinkSync('../..', join(folder, 'mine/a/round'));
    await expect(loadImages([join(folder, 'mine')])).rejects.toThrow(
      `${join(folder, 'mine/a/round/mine')} leads back to ${realpathSync(join(folder, 'mine'))}, which it lies in. Remove the link.`,
    );
  });

  test('names the folder that it cannot read', async () => {
    write('mine/a/1.png', 'any');
    const denied = () => Promise.reject(Object.assign(new Error('EACCES: scandir'), { code: 'EACCES' }));
    const [mine, inner] = ['mine', 'mine/a'].map((path) => join(folder, path));
    const { readdir } = promises;
    const refusing = ((...given: Parameters<typeof readdir>) =>
      given[0] === inner ? denied() : readdir(...given)) as typeof readdir;
    onTestFinished(() => {
      vi.restoreAllMocks();
      syncBuiltinESMExports();
    });
    vi.spyOn(promises, 'readdir').mockImplementation(refusing);
    syncBuiltinESMExports();
    await refused(() => loadImages([mine]), 'data', `${inner} could not be read: permission was denied.`);
    vi.spyOn(promises, 'realpath').mockImplementation(denied);
    syncBuiltinESMExports();
    await refused(() => loadImages([mine]), 'data', `${mine} could not be read: permission was denied.`);
  });

  test('counts classes of classes.txt that have no images', async () => {
    write('mine-images-idx3-ubyte', idxFile([4, 16, 16], new Array(1024).fill(9)));
    write('mine-labels-idx1-ubyte', idxFile([4], [0, 1, 0, 1]));
    write('classes.txt', 'cat\ndog\ncow\n');
    const given = { data: [join(folder, 'mine-images-idx3-ubyte')], recipe: 'digits' } as const;
    const run = await RunFolder.of({ out: join(folder, 'run') });
    const plan = (more = {}) => planRun({ ...given, ...more }, run, new AbortController().signal, () => {});
    expect((await plan()).config.conditioning!.classes).toBe(3);
    // What only the network tells: its levels halve the sides.
    await expect(plan({ size: 17 })).rejects.toThrow(
      '--size is 17; a network of 3 levels takes multiples of 4. Give one from 16 to 64, or fewer --widths.',
    );
    await expect(plan({ size: 18, widths: [8, 8] })).resolves.toBeDefined();
  });
});
