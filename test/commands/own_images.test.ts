/** The user's own files become one data set, the same on the page and on the command line, or a sentence says why not. */
import { mkdirSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import promises from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { crc32, deflateSync } from 'node:zlib';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { loadImages } from '../../harness/cli/images';
import { encodePng } from '../../harness/cli/png';
import { RunFolder } from '../../harness/cli/run_folder';
import { planRun } from '../../harness/cli/train_plan';
import { MOST_CLASSES, ofNpy, readNpy } from '../../harness/pictures/npy';
import { labelsOfFolders, type OwnFile, pairIdx, readOwnImages } from '../../harness/pictures/own_images';
import { decodePng } from '../../harness/pictures/png';
import { OWN_SIZE, shrink, sizeFor, sizeInHeader, usualChoice } from '../../harness/pictures/small_pictures';
import { Random } from '../../harness/specs/lib/spec';
import { EngineError } from '../../src/base/errors';
import type { Pixels } from '../../src/pictures/picture';
import { idxFile, readPng, temporaryFolder } from '../lib/system';

type Colour = readonly [number, number, number, number?];
const RED: Colour = [200, 30, 40];
const WHITE: Colour = [255, 255, 255];
const BLACK: Colour = [0, 0, 0];
const CLEAR: Colour = [9, 9, 9, 0];

const picture = (width: number, height: number, colourAt: (x: number, y: number) => Colour): Pixels => ({
  width,
  height,
  data: Uint8ClampedArray.from({ length: 4 * width * height }, (_, i) => {
    const pixel = i >> 2;
    return colourAt(pixel % width, Math.floor(pixel / width))[i & 3] ?? 255;
  }),
});

/** What begins like a PNG file of that size. */
function headOf(of: Pixels | string): Uint8Array {
  const head = Buffer.alloc(30);
  if (typeof of === 'string') return head;
  head.write('PNG', 1);
  head.writeUInt32BE(of.width, 16);
  head.writeUInt32BE(of.height, 20);
  return head;
}

/** A reader of pictures by path; a text in place of one is what is wrong with it. */
function read(
  given: Readonly<Record<string, Pixels | string>>,
  choice = {},
  signal?: AbortSignal,
  progress: NonNullable<Parameters<typeof readOwnImages>[3]>['progress'] = () => {},
) {
  const files = Object.keys(given).map((path) => ({ path, source: new Blob() }));
  const reader = {
    head: async ({ path }: OwnFile) => headOf(path.endsWith('.avif') ? '' : given[path]),
    decode: async ({ path }: OwnFile) => {
      const found = given[path];
      if (typeof found === 'string') throw new Error(`${basename(path)} ${found}.`);
      return found;
    },
  };
  return readOwnImages(files, { ...usualChoice, ...choice }, reader, { signal, progress });
}
const many = (count: number, of: (i: number) => [string, Pixels | string]) =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => of(i)));
const square = (colour: Colour) => picture(16, 16, () => colour);
const onWhite = (colour: Colour) => picture(16, 16, (x) => (x < 4 ? colour : WHITE));

describe('the user’s pictures', () => {
  test('in colour keep their colours and their size, and are never inverted', async () => {
    const { images, ink } = await read({ 'a.png': onWhite(RED), 'b.png': onWhite(BLACK) });
    expect(images).toMatchObject({ count: 2, height: 16, width: 16, channels: 3, name: '2 pictures' });
    expect(ink).toBeUndefined();
    const first = new Set([0, 768].map((at) => images.images.subarray(at, at + 3).join()));
    expect(first).toEqual(new Set(['200,30,40', '0,0,0']));
  });

  test('are each followed by a mirror image of the same class where flip is chosen', async () => {
    const left = picture(20, 16, (x) => (x < 5 ? RED : WHITE));
    const top = picture(20, 16, (_, y) => (y < 4 ? BLACK : WHITE));
    const given = { 'a/1.png': left, 'b/1.png': top };
    const [plain, flipped] = [await read(given), await read(given, { flip: true })];
    expect([plain.images.count, flipped.images.count]).toEqual([2, 4]);
    const size = 20 * 16 * 3;
    const rows = ({ images, labels }: typeof plain.images, i: number) => ({
      label: labels?.[i],
      corners: [0, 19 * 3, 15 * 20 * 3].map((at) => images[i * size + at]),
    });
    for (let i = 0; i < 2; i++) {
      const picture = rows(plain.images, i);
      expect(rows(flipped.images, 2 * i)).toEqual(picture);
      const [first, last] = picture.corners;
      const mirror = rows(flipped.images, 2 * i + 1);
      expect([mirror.label, mirror.corners[0], mirror.corners[1]]).toEqual([picture.label, last, first]);
    }
    expect(rows(plain.images, 0)).not.toEqual(rows(plain.images, 1));
  });

  test('become grey where all are grey, with 255 for ink, which most of them or a choice decide', async () => {
    const dark = onWhite([10, 10, 11]);
    const light = picture(16, 16, (x) => (x < 4 ? WHITE : BLACK));
    const inksOf = async (choice = {}) => {
      const { images, ink } = await read({ 'a.png': dark, 'b.png': dark, 'c.png': light }, choice);
      const sorted = [0, 1, 2].map((i) => images.images[i * 256]).sort((a, b) => a - b);
      return [images.channels, ink, ...sorted];
    };
    expect(await inksOf()).toEqual([1, 'dark', 0, 245, 245]);
    expect(await inksOf({ ink: 'light' })).toEqual([1, 'light', 10, 10, 255]);
    // One of them on nothing has one voice, like the others.
    const onNothing = picture(16, 16, (x) => (x < 4 ? BLACK : CLEAR));
    const mixed = await read({ 'a.png': light, 'b.png': onNothing, 'c.png': light });
    expect([mixed.images.channels, mixed.ink, ...mixed.notes]).toEqual([
      1,
      'light',
      '1 picture had transparent parts, which are now black.',
    ]);
  });

  test('with a transparent ground stand on white, or on black where most are too light for white', async () => {
    const on = (ink: Colour) => picture(16, 16, (x) => (x < 8 ? ink : CLEAR));
    const paper = async (ink: Colour) => {
      const { images, notes } = await read({ 'a.png': on(ink), 'b.png': on(ink) });
      return [images.images[24], images.images[0], notes];
    };
    // Yellow is light, but can be seen on white.
    expect(await paper([250, 220, 20])).toEqual([
      255,
      250,
      ['2 pictures had transparent parts, which are now white.'],
    ]);
    expect(await paper([250, 220, 200])).toEqual([
      0,
      250,
      ['2 pictures had transparent parts, which are now black.'],
    ]);
    // Dark photographs say nothing about the paper of a drawing among them.
    const night = square([20, 20, 60]);
    const mixed = await read({ 'a.png': night, 'b.png': night, 'c.png': on(RED) });
    expect(mixed.notes).toEqual(['1 picture had transparent parts, which are now white.']);
    // Half transparent ink of a grey picture on white paper: half of it.
    const half = picture(16, 16, () => [0, 0, 0, 128]);
    const { images } = await read({ 'a.png': half, 'b.png': half });
    expect([images.channels, images.images[0]]).toEqual([1, 128]);
  });

  test('shrink to one size by the mean of areas, cut to the middle or whole on paper', () => {
    const wide = picture(64, 32, (x) => (x < 16 ? RED : x < 32 ? BLACK : WHITE));
    const size = { width: 16, height: 16 };
    const at = (fit: 'crop' | 'fit', x: number, y: number) => [
      ...shrink(wide, size, fit).rgba.subarray(4 * (16 * y + x), 4 * (16 * y + x) + 4),
    ];
    expect([at('crop', 0, 0), at('crop', 7, 9), at('crop', 8, 9)]).toEqual([
      [0, 0, 0, 255],
      [0, 0, 0, 255],
      [255, 255, 255, 255],
    ]);
    expect([at('fit', 0, 3)[3], at('fit', 0, 4), at('fit', 15, 11), at('fit', 15, 12)[3]]).toEqual([
      0,
      [200, 30, 40, 255],
      [255, 255, 255, 255],
      0,
    ]);
    const stripes = picture(32, 32, (x) => (x % 2 ? WHITE : BLACK));
    expect(shrink(stripes, size, 'crop').rgba[0]).toBe(128);
    // Three pixels become two: the middle one is in both.
    const reds = (pixels: Pixels) =>
      [...shrink(pixels, { width: 2, height: 2 }, 'crop').rgba].filter((_, i) => i % 4 === 0);
    expect(reds(picture(3, 3, (x) => [[0, 90, 240][x], 0, 0]))).toEqual([30, 190, 30, 190]);
    // The middle two of five begin half a pixel in.
    const steps = (width: number, height: number) =>
      picture(width, height, (x, y) => [40 * (width > height ? x : y), 0, 0]);
    expect([reds(steps(5, 2)), reds(steps(2, 5))]).toEqual([
      [60, 100, 60, 100],
      [60, 60, 100, 100],
    ]);
    // A transparent pixel's colour counts for nothing.
    const edge = picture(32, 32, (x) => (x % 2 ? RED : CLEAR));
    expect([...shrink(edge, size, 'crop').rgba.subarray(0, 4)]).toEqual([200, 30, 40, 128]);
  });

  test('keep a common size of at most 32 pixels that a network takes, and a larger one by choice', () => {
    const chosen = (choice: number, given: string) => {
      const sizes = given.split(' ').map((size) => size.split('x').map(Number));
      const { width, height } = sizeFor(
        sizes.map(([width, height]) => ({ width, height })),
        choice,
      );
      return `${width}x${height}`;
    };
    for (const [given, usual, own] of [
      ['24x24 24x24', '24x24', '24x24'],
      ['32x20 32x20', '32x20', '32x20'],
      ['64x48 64x48', '32x32', '64x48'],
      ['36x20 36x20', '20x20', '36x20'],
      ['64x48 48x64', '32x32', '32x32'],
      ['68x68 68x68', '32x32', '32x32'],
      ['30x30 30x30', '28x28', '28x28'],
      ['9x9 9x9', '16x16', '16x16'],
      ['24x24 4000x3000 3000x4000', '32x32', '32x32'],
    ])
      expect([chosen(0, given), chosen(OWN_SIZE, given)], given).toEqual([usual, own]);
    expect(sizeFor([undefined], 48)).toEqual({ width: 48, height: 48 });
  });

  test('have the size that their headers state', () => {
    const of = (...bytes: (string | number)[]) =>
      sizeInHeader(
        Uint8Array.from([
          ...bytes.flatMap((b) => (typeof b === 'string' ? [...Buffer.from(b, 'latin1')] : b)),
          ...new Array(30).fill(0),
        ]),
      );
    for (const [kind, size] of Object.entries({
      png: sizeInHeader(encodePng({ width: 300, height: 2, channels: 1, data: new Uint8Array(600) })),
      gif: of('GIF89a', 44, 1, 2, 0),
      bmp: of('BM', ...new Array(16).fill(0), 44, 1, 0, 0, 254, 255, 255, 255),
      // A segment of 4 bytes, then the frame.
      jpeg: of(0xff, 0xd8, 0xff, 0xe0, 0, 4, 7, 7, 0xff, 0xc2, 0, 11, 8, 0, 2, 1, 44),
      webpX: of('RIFF', 0, 0, 0, 0, 'WEBPVP8X', ...new Array(8).fill(0), 43, 1, 0, 1, 0, 0),
      webpL: of('RIFF', 0, 0, 0, 0, 'WEBPVP8L', 0, 0, 0, 0, 0x2f, 43, 0x41, 0, 0),
      webp: of('RIFF', 0, 0, 0, 0, 'WEBPVP8 ', ...new Array(10).fill(0), 44, 1, 2, 0),
    }))
      expect(size, kind).toEqual({ width: 300, height: 2 });
    expect(of('something else')).toBeUndefined();
  });

  test('are shuffled, always in the same way, so that the last ones are of all classes', async () => {
    const given = many(100, (i) => [`mine/${i < 50 ? 'a' : 'b'}/${i}.png`, square([i, 0, 0])]);
    const { images } = await read(given);
    const last = images.labels!.subarray(80);
    expect(new Set(last).size).toBe(2);
    const turned = Object.fromEntries(Object.entries(given).reverse());
    expect((await read(turned)).images.images).toEqual(images.images);
  });

  test('that are broken are left out and counted; more than a tenth of them is an error', async () => {
    const of = (broken: number) =>
      read(many(20, (i) => [`mine/${i}.png`, i < broken ? 'is cut short' : square(RED)]));
    const { images, notes } = await of(2);
    expect([images.count, notes]).toEqual([
      18,
      [
        expect.stringMatching(
          /^2 of 20 pictures left out: [01]\.png is cut short \(the same with [01]\.png\)\.$/,
        ),
      ],
    ]);
    // Each reason once, of three at most, with three more names at most.
    const given = many(90, (i) => [`mine/${i}.png`, i < 9 ? ['is a', 'is b'][Number(i === 8)] : square(RED)]);
    const [note] = (await read(given)).notes;
    expect(note).toMatch(
      /^9 of 90 pictures left out: (8\.png is b; )?\d\.png is a \(the same with \d\.png, \d\.png, \d\.png and others\)(; 8\.png is b)?\.$/,
    );
    await expect(of(3)).rejects.toThrow(
      /^More than a tenth of the 20 pictures cannot be read: \d\.png is cut short \(the same with \d\.png, \d\.png\)\. Take them out/,
    );
    await expect(read({ 'x.png': 'is damaged' })).rejects.toThrow('x.png is damaged.');
  });

  test('keep their classes where another picture is broken', async () => {
    // The red of each is its place in the list.
    const given = many(20, (i) => [`mine/${i % 2 ? 'odd' : 'even'}/${i}.png`, square([10 * i, 0, 0])]);
    for (const broken of [3, 4, 15]) {
      const path = Object.keys(given)[broken];
      const { images } = await read({ ...given, [path]: 'is cut short' });
      const places = Array.from({ length: images.count }, (_, k) => images.images[k * 768] / 10);
      expect(new Set(places).size).toBe(19);
      expect([...images.labels!]).toEqual(places.map((place) => place % 2));
    }
  });

  test('larger than 32 pixels are reported with their own size, if they share one size', async () => {
    const of = (width: number, height: number) =>
      many(20, (i) => [`${i}.png`, picture(width, height, () => RED)]);
    const { images, own, cut } = await read(of(64, 48));
    expect([images.height, images.width, cut]).toEqual([32, 32, 20]);
    expect(own).toMatchObject({ width: 64, height: 48 });
    const kept = await read(of(64, 48), { size: OWN_SIZE });
    expect([kept.images.height, kept.images.width, kept.cut, kept.own]).toEqual([48, 64, 0, undefined]);
    for (const given of [of(24, 24), of(68, 68), { ...of(64, 64), 'x.png': picture(60, 60, () => RED) }])
      expect((await read(given)).own).toBeUndefined();
  });

  test('that cannot be read do not change the size of the others', async () => {
    const all = many(20, (i) => [`mine/${i}.png`, picture(28, 28, () => RED)]);
    const sizeOf = async (given: Parameters<typeof read>[0]) => {
      const { images, notes } = await read(given);
      return [images.count, images.height, images.width, ...notes.map((note) => note.slice(0, 26))];
    };
    expect(await sizeOf(all)).toEqual([20, 28, 28]);
    const one = [19, 28, 28, '1 of 20 pictures left out:'];
    // Its head cannot be read, or is whole and tells another size, and only the pixels are broken.
    expect(await sizeOf({ ...all, 'mine/3.png': 'is no picture' })).toEqual(one);
    const half = {
      width: 16,
      height: 16,
      get data(): Uint8ClampedArray {
        throw new Error('is damaged');
      },
    };
    expect(await sizeOf({ ...all, 'mine/3.png': half })).toEqual(one);
    // Of some kinds of files the head tells no size, but they can be read.
    const unknown = many(20, (i) => [`mine/${i}.avif`, picture(24, 24, () => RED)]);
    expect(await sizeOf({ ...unknown, 'mine/3.avif': half })).toEqual([19, 24, 24, one[3]]);
  });

  test('are refused before they are decoded if they are too many or too large', async () => {
    const paths = many(100_000, (i) => [`mine/${i}.png`, 'is never decoded']);
    await expect(read(paths, { size: 64 })).rejects.toThrow(
      '100,000 pictures of 64 x 64 pixels in colour are 1229 MB; at most 256 MB are read. Give at most 20,833 of this size, or a smaller size.',
    );
    // What is not square takes as much as it has pixels.
    const wide = { width: 64, height: 48, data: new Uint8Array() };
    for (const each of [wide, { ...wide, width: 48, height: 64 }]) {
      const decoding = new AbortController();
      const paths = many(28_000, (i) => [`mine/${i}.png`, each]);
      const progress = (_done: number, _total: number, what: string) => {
        if (what === 'pixels') decoding.abort();
      };
      await expect(read(paths, { size: OWN_SIZE }, decoding.signal, progress)).rejects.toThrow(
        `28,000 pictures of ${each.width} x ${each.height} pixels in colour are 258 MB; at most 256 MB are read. Give at most 27,777 of this size`,
      );
    }
    const huge = { width: 20_000, height: 20_000, data: new Uint8Array() };
    await expect(read({ 'a.png': huge })).rejects.toThrow(
      'a.png is 20,000 x 20,000 pixels, and pictures of up to 64 million are read',
    );
  });

  test('are read no further once the user cancels', async () => {
    const controller = new AbortController();
    controller.abort();
    await expect(read({ 'a.png': square(RED) }, {}, controller.signal)).rejects.toBe(
      controller.signal.reason,
    );
    // At the third of ten, while their heads are read, and while their pixels are.
    for (const at of ['heads', 'pixels'] as const) {
      const later = new AbortController();
      const seen: string[] = [];
      const paths = many(10, (i) => [`mine/${i}.png`, square(RED)]);
      const reading = read(paths, {}, later.signal, (done, total, what) => {
        seen.push(`${what} ${done} of ${total}`);
        if (what === at && done === 2) later.abort();
      });
      await expect(reading).rejects.toThrow('aborted');
      expect(seen.slice(-3)).toEqual([0, 1, 2].map((done) => `${at} ${done} of 10`));
    }
  });

  test('are refused where there is none, only one, or also an .npy file', async () => {
    await expect(read({})).rejects.toThrow('The folder holds no images. Give pictures');
    await expect(read({ 'mine/notes.txt': '' })).rejects.toThrow('The folder mine holds no images');
    await expect(read({ 'a.png': square(RED) })).rejects.toThrow('a.png is the only picture');
    await expect(read({ 'a.png': square(RED), 'x.npy': '' })).rejects.toThrow(
      'There are pictures and .npy files; choose one kind at a time.',
    );
  });
});

describe('classes of pictures', () => {
  const classesIn = async (...paths: string[]) => {
    const { images, notes } = await read(
      Object.fromEntries(paths.map((path, i) => [path, square([20 * i + 20, 0, 0])])),
    );
    const { labels, classNames, name } = images;
    // By the red of each picture, which is its place in the list.
    const sorted =
      labels &&
      paths.map(
        (_, i) =>
          labels[[...Array(images.count).keys()].find((k) => images.images[k * 768] === 20 * i + 20)!],
      );
    return { labels: sorted, classNames, name, notes };
  };

  test('are the innermost folders below the folder that all pictures share', async () => {
    expect(await classesIn('zoo/dogs/1.png', 'zoo/cats/1.png', 'zoo/dogs/2.png')).toEqual({
      labels: [1, 0, 1],
      classNames: ['cats', 'dogs'],
      name: 'zoo',
      notes: [],
    });
    expect(await classesIn('dogs/1.png', 'cats/1.png')).toMatchObject({
      classNames: ['cats', 'dogs'],
      name: '2 pictures',
    });
    expect(await classesIn('zoo/1.png', 'zoo/2.png')).toEqual({
      labels: undefined,
      classNames: undefined,
      name: 'zoo',
      notes: [],
    });
  });

  test('keep the numbers that their folders have as names', async () => {
    expect(await classesIn('x/3/1.png', 'x/10/1.png')).toMatchObject({
      labels: [3, 10],
      classNames: ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '10'],
    });
    expect((await classesIn('x/03/1.png', 'x/10/1.png')).classNames).toEqual(['03', '10']);
  });

  test('of one name are one class, and a single class is none', async () => {
    const twice = await classesIn('x/train/caf\u00e9/1.png', 'x/test/cafe\u0301/1.png', 'x/test/b/1.png');
    expect(twice.classNames).toEqual(['b', 'caf\u00e9']);
    expect(twice.notes).toEqual(['2 folders are named caf\u00e9: they are one class.']);
    const one = await classesIn('x/train/a/1.png', 'x/test/a/1.png');
    expect(one).toMatchObject({ labels: undefined, classNames: undefined });
    expect(one.notes).toContain('There is one class, a: the network is trained without classes.');
  });

  test('may be empty folders, and hidden files of a system make none', async () => {
    const paths = [
      'x/a/1.png',
      'x/b/1.png',
      'x/c/',
      'x/.git/1.png',
      '__MACOSX/x/a/._1.png',
      'x/a/.DS_Store',
      'x/a/Thumbs.db',
      'x/about.txt',
    ];
    const found = await read(Object.fromEntries(paths.map((path) => [path, square(RED)])));
    expect([found.images.count, found.images.classNames]).toEqual([2, ['a', 'b']]);
    expect(found.notes).toEqual(['1 other file left out: about.txt.', 'The folder c holds no pictures.']);
    const { notes } = await read({ 'x/a/1.png': square(RED), 'x/a/2.png': square(RED), 'x/b/': '' });
    expect(notes).toEqual([
      'The folder b holds no pictures, so there is one class, a: the network is trained without classes.',
    ]);
  });

  test('differ where their names differ by capitals alone', async () => {
    const { labels, classNames, notes } = await classesIn('x/Cat/1.png', 'x/cat/1.png', 'x/CAT/1.png');
    expect(new Set(classNames)).toEqual(new Set(['cat', 'Cat', 'CAT']));
    expect(labels!.map((label) => classNames![label])).toEqual(['Cat', 'cat', 'CAT']);
    expect(notes).toEqual([]);
  });

  test('may have any names: with commas, with quotes, of 500 letters', async () => {
    const names = ['a, b', '"quoted"', '\u05d0\u05d1', 'x'.repeat(500)];
    const { classNames } = await classesIn(...names.map((name) => `all/${name}/1.png`));
    expect(new Set(classNames)).toEqual(new Set(names));
  });

  test('are refused where a picture has no class, or where there are more than 255', async () => {
    await expect(classesIn('x/a/1.png', 'x/2.png')).rejects.toThrow(
      '2.png is in no folder of a class, and others are.',
    );
    const names = Array.from({ length: 300 }, (_, i) => `k${i}`);
    expect(() => labelsOfFolders(names)).toThrow(
      'There are 300 classes, folders from k0 to k299; a network learns at most 255.',
    );
    expect(labelsOfFolders(names.slice(0, MOST_CLASSES)).classes.classNames).toHaveLength(255);
  });
});

/** As numpy.save writes it. */
function npy(descr: string, shape: number[], data: ArrayBuffer, version = 1): Uint8Array<ArrayBuffer> {
  const text = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${shape.join(', ')},), }\n`;
  const header = new TextEncoder().encode(text);
  const start = version === 1 ? 10 : 12;
  const bytes = new Uint8Array(start + header.length + data.byteLength);
  bytes.set([0x93, ...new TextEncoder().encode('NUMPY'), version, 0]);
  const view = new DataView(bytes.buffer);
  if (version === 1) view.setUint16(8, header.length, true);
  else view.setUint32(8, header.length, true);
  bytes.set(header, start);
  bytes.set(new Uint8Array(data), start + header.length);
  return bytes;
}

describe('an .npy file', () => {
  const readIt = (bytes: Uint8Array<ArrayBuffer>) => readNpy(bytes, 'x.npy');

  test('is read in versions 1 and 2 of the format', () => {
    const { shape, values } = readIt(npy('<f4', [2, 1, 1], Float32Array.of(0.5, 1).buffer));
    expect([shape, [...Array.from(values)]]).toEqual([
      [2, 1, 1],
      [0.5, 1],
    ]);
    expect(Array.from(readIt(npy('<i4', [2], Int32Array.of(7, -1).buffer, 2)).values)).toEqual([7, -1]);
  });

  test('is refused in a sentence where its type or its size is wrong', () => {
    expect(() => readIt(new Uint8Array(20))).toThrow('x.npy is not an .npy file');
    expect(() => readIt(npy('>f4', [1], new ArrayBuffer(4)))).toThrow('of the type ">f4"');
    expect(() => readIt(npy('|u1', [3], new ArrayBuffer(2)))).toThrow(
      'has 2 bytes of values; 3 of 1 bytes are 3',
    );
  });

  test('becomes images, grey or in colour, and labels', () => {
    const images = { name: 'x.npy', shape: [2, 1, 2], values: Float32Array.of(0, 1, 0.5, 0.2) };
    const labels = { name: 'y.npy', shape: [2], values: Int32Array.of(8, 1) };
    const made = ofNpy([labels, images]);
    expect([[...made.images], [...made.labels!], made.name]).toEqual([[0, 255, 128, 51], [8, 1], 'x.npy']);
    const colour = ofNpy([{ ...images, shape: [1, 1, 1, 3], values: Uint8Array.of(1, 2, 3) }]);
    expect(colour).toMatchObject({ count: 1, channels: 3 });
    expect(colour.labels).toBeUndefined();
    expect(() => ofNpy([labels])).toThrow('An .npy file must hold images');
    expect(() => ofNpy([{ ...images, values: Float32Array.of(0, 2, 0, 0) }])).toThrow(
      'x.npy holds 2; floats',
    );
    expect(() => ofNpy([images, { ...labels, shape: [3] }])).toThrow(
      'y.npy holds 3 labels, and x.npy 2 images',
    );
    expect(() => ofNpy([images, { ...labels, values: Int32Array.of(8, 300) }])).toThrow(
      'y.npy holds 300; labels are',
    );
    expect(() => ofNpy([{ ...images, shape: [1, 1, 1, 4] }])).toThrow('has the shape 1 x 1 x 1 x 4');
  });
});

describe('an IDX file', () => {
  const file = (path: string, bytes: Iterable<number> = []) => ({
    path,
    source: new File([Uint8Array.from(bytes)], path),
  });
  const images = (...values: number[]) => idxFile([values.length, 1, 1], values);
  const readAll = (files: OwnFile[], choice = {}) =>
    readOwnImages(
      files,
      { ...usualChoice, ...choice },
      {
        head: async ({ source }) => new Uint8Array(await (source as File).slice(0, 100).arrayBuffer()),
        decode: () => Promise.reject(),
      },
    );

  test('finds its labels by name, else by order; training sets come first, packed ones once', () => {
    const paths = (files: readonly OwnFile[]) => files.map(({ path }) => path);
    const given = [
      't10k-images-idx3-ubyte.gz',
      'train-labels-idx1-ubyte',
      'train-images-idx3-ubyte',
      'train-images-idx3-ubyte.gz',
      't10k-labels-idx1-ubyte',
    ];
    const { images: of, labels } = pairIdx(given.map((path) => file(path)));
    expect(paths(of)).toEqual(['train-images-idx3-ubyte', 't10k-images-idx3-ubyte.gz']);
    expect(paths(labels)).toEqual(['train-labels-idx1-ubyte', 't10k-labels-idx1-ubyte']);
    const other = pairIdx([file('mine'), file('other-labels-idx1-ubyte')]);
    expect([paths(other.images), paths(other.labels)]).toEqual([['mine'], ['other-labels-idx1-ubyte']]);
    // However they are given, by name, and numbers by value.
    const ofImages = ['drawn-2', 'drawn-10'];
    const ofLabels = ['hand-2-labels-idx1-ubyte', 'hand-10-labels-idx1-ubyte'];
    const names = [...ofImages, ...ofLabels];
    for (const all of [names, names.toReversed()]) {
      const two = pairIdx(all.map((path) => file(path)));
      expect([paths(two.images), paths(two.labels)]).toEqual([ofImages, ofLabels]);
    }
  });

  test('is read unchanged, and inverted only by choice', async () => {
    const made = await readAll([file('mine', images(7, 250))]);
    expect([[...made.images.images], made.ink, made.images.name]).toEqual([[7, 250], 'light', 'mine']);
    expect([...(await readAll([file('mine', images(7, 250))], { ink: 'dark' })).images.images]).toEqual([
      248, 5,
    ]);
  });

  test('or an .npy file in colour is never inverted', async () => {
    const colours = [7, 250, 100, 3, 2, 1];
    const idx = file('mine', idxFile([2, 1, 1, 3], colours));
    const bytes = npy('|u1', [2, 1, 1, 3], Uint8Array.from(colours).buffer);
    const array = { path: 'mine.npy', source: new File([bytes], 'mine.npy') };
    for (const given of [idx, array]) {
      const made = await readAll([given], { ink: 'dark' });
      expect([[...made.images.images], made.ink]).toEqual([colours, undefined]);
    }
    const grey = { ...array, source: new File([npy('|u1', [2, 1, 1], Uint8Array.of(7, 250).buffer)], 'x') };
    const turned = await readAll([grey], { ink: 'dark' });
    expect([[...turned.images.images], turned.ink]).toEqual([[248, 5], 'dark']);
  });

  test('of one class is trained without classes', async () => {
    const labels = file('mine-labels-idx1-ubyte', idxFile([2], [4, 4]));
    const { images: set, notes } = await readAll([file('mine-images-idx3-ubyte', images(7, 9)), labels]);
    expect([set.labels, ...notes]).toEqual([
      undefined,
      'All 2 images have the label 4: the network is trained without classes.',
    ]);
    await expect(readAll([labels])).rejects.toThrow(
      'mine-labels-idx1-ubyte holds labels. Give it together with its images.',
    );
  });

  test('that is damaged is refused with its fault, and a text or a zip archive with its kind', async () => {
    const text = { path: 'notes.txt', source: new File(['Dear diary'], 'notes.txt') };
    await expect(readAll([text])).rejects.toThrow(
      'notes.txt is neither a picture nor data to train on. Give pictures',
    );
    const zip = file('faces.zip', Buffer.from('PK\x03\x04 and more'));
    await expect(readAll([zip])).rejects.toThrow(
      /^faces\.zip is neither .* It looks like a zip archive: unpack it\.$/,
    );
    // The error on a file that begins like IDX names its fault.
    await expect(readAll([file('short', [0, 0, 0, 0])])).rejects.toThrow('magic number');
    await expect(readAll([file('four', idxFile([1, 1, 1, 2], [1, 1]))])).rejects.toThrow('2 channels');
  });
});

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
    write('beside/1.npy', 'any');
    const denied = () => Promise.reject(Object.assign(new Error('EACCES: scandir'), { code: 'EACCES' }));
    const [mine, inner, beside] = ['mine', 'mine/a', 'beside'].map((path) => join(folder, path));
    const { readdir } = promises;
    const refusing = (path: string) =>
      vi
        .spyOn(promises, 'readdir')
        .mockImplementation(((...given: Parameters<typeof readdir>) =>
          given[0] === path ? denied() : readdir(...given)) as typeof readdir);
    try {
      for (const [given, path] of [
        [mine, mine],
        [mine, inner],
        [join(beside, '1.npy'), beside],
      ]) {
        refusing(path);
        syncBuiltinESMExports();
        await expect(loadImages([given])).rejects.toThrow(
          new EngineError('data', `${path} could not be read: permission was denied.`),
        );
        vi.restoreAllMocks();
      }
      vi.spyOn(promises, 'realpath').mockImplementation(denied);
      syncBuiltinESMExports();
      await expect(loadImages([mine])).rejects.toThrow(`${mine} could not be read: permission was denied.`);
    } finally {
      vi.restoreAllMocks();
      syncBuiltinESMExports();
    }
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

describe('a PNG file', () => {
  const chunk = (name: string, content: Uint8Array) => {
    const named = Buffer.concat([Buffer.from(name, 'latin1'), content]);
    const words = [content.length, crc32(named)].map((n) => Buffer.from(Uint32Array.of(n).buffer).swap32());
    return Buffer.concat([words[0], named, words[1]]);
  };
  /** A file of random lines, each with another filter. `more`: chunks before the pixels. */
  const fileOf = (
    width: number,
    height: number,
    depth: number,
    colour: number,
    interlace: 0 | 1,
    ...more: Buffer[]
  ) => {
    const samples = [1, 0, 3, 1, 2, 0, 4][colour];
    const starts = [
      [0, 0, 8, 8],
      [4, 0, 8, 8],
      [0, 4, 4, 8],
      [2, 0, 4, 4],
      [0, 2, 2, 4],
      [1, 0, 2, 2],
      [0, 1, 1, 2],
    ];
    const passes = interlace ? starts.filter(([x, y]) => x < width && y < height) : [[0, 0, 1, 1]];
    const random = new Random(7 * width + depth + colour);
    const lines = passes.flatMap(([x, y, dx, dy]) =>
      Array.from({ length: Math.ceil((height - y) / dy) }, (_, row) => {
        const bytes = Math.ceil((Math.ceil((width - x) / dx) * samples * depth) / 8);
        return Buffer.from([row % 5, ...random.floats(bytes, 0, 255.99)]);
      }),
    );
    const header = Buffer.alloc(13);
    header.writeUInt32BE(width, 0);
    header.writeUInt32BE(height, 4);
    header.set([depth, colour, 0, 0, interlace], 8);
    const data = deflateSync(Buffer.concat(lines));
    return Buffer.concat([
      Buffer.from([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10]),
      ...[
        chunk('IHDR', header),
        ...more,
        chunk('IDAT', data.subarray(0, 9)),
        chunk('IDAT', data.subarray(9)),
      ],
      chunk('IEND', Buffer.alloc(0)),
    ]);
  };
  const palette = chunk(
    'PLTE',
    Uint8Array.from({ length: 768 }, (_, i) => (i * 37) & 255),
  );
  const opacities = chunk('tRNS', Uint8Array.of(0, 128));
  const kinds: readonly (readonly [number, number, ...Buffer[]])[] = [
    ...[1, 2, 4, 8, 16].map((depth) => [depth, 0] as const),
    ...[1, 2, 4, 8].map((depth) => [depth, 3, palette, opacities] as const),
    ...[8, 16].flatMap((depth) => [2, 4, 6].map((colour) => [depth, colour] as const)),
  ];

  test.each(kinds)('of %i bits, colour type %i, is decoded as pngjs decodes it', async (...kind) => {
    const [depth, colour, ...more] = kind as unknown as readonly [number, number, ...Buffer[]];
    for (const interlace of [0, 1] as const) {
      for (const [width, height] of [
        [13, 11],
        [1, 1],
        [3, 9],
      ]) {
        const bytes = fileOf(width, height, depth, colour, interlace, ...more);
        const [ours, theirs] = [await decodePng(bytes), readPng(bytes)];
        expect([ours.width, ours.height]).toEqual([width, height]);
        // pngjs rounds the upper half of 16 bits up, where they are near.
        const far = [...ours.data].filter(
          (value, i) => Math.abs(value - theirs.data[i]) > (depth === 16 ? 1 : 0),
        );
        expect(far).toEqual([]);
      }
    }
  });

  test('may name one transparent colour', async () => {
    const bytes = fileOf(8, 2, 1, 0, 0, chunk('tRNS', Uint8Array.of(0, 1)));
    const { data } = await decodePng(bytes);
    for (let at = 0; at < data.length; at += 4) expect(data[at + 3]).toBe(data[at] === 255 ? 0 : 255);
  });

  test('that is broken is refused with the reason', async () => {
    const bytes = fileOf(13, 11, 8, 2, 0);
    const refuses = (given: Uint8Array, why: string) => expect(decodePng(given)).rejects.toThrow(why);
    await refuses(bytes.subarray(0, -20), 'is cut short');
    await refuses(Buffer.from('GIF89a and more'), 'is not a PNG file');
    const flipped = Buffer.from(bytes);
    flipped[60] ^= 1;
    await refuses(flipped, 'is damaged');
    await refuses(
      fileOf(13, 11, 4, 3, 0, chunk('PLTE', Uint8Array.of(1, 2, 3))),
      'has a pixel beyond its palette',
    );
    await refuses(
      Buffer.concat([bytes.subarray(0, 33), chunk('IEND', Buffer.alloc(0))]),
      'is a PNG file without a picture',
    );
  });
});
