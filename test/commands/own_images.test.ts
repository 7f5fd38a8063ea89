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
import { idxFile, npyFile, readPng, temporaryFolder } from '../lib/system';

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
const plain = (width: number, height: number, colour = RED) => picture(width, height, () => colour);
const square = (colour: Colour) => plain(16, 16, colour);
/** Ink on the left of a ground. */
const on = (ground: Colour, ink: Colour, width = 4) => picture(16, 16, (x) => (x < width ? ink : ground));

/** What begins like a PNG file of that size. */
function headOf(of: Pixels | string): Uint8Array {
  const head = Buffer.alloc(30);
  if (typeof of === 'string') return head;
  head.write('PNG', 1);
  head.writeUInt32BE(of.width, 16);
  head.writeUInt32BE(of.height, 20);
  return head;
}

type Given = Readonly<Record<string, Pixels | string>>;
/** A reader of pictures by path; a text in place of one is what is wrong with it. */
function read(given: Given, choice = {}, options: Parameters<typeof readOwnImages>[3] = {}) {
  const files = Object.keys(given).map((path) => ({ path, source: new Blob() }));
  const reader = {
    head: async ({ path }: OwnFile) => headOf(path.endsWith('.avif') ? '' : given[path]),
    decode: async ({ path }: OwnFile) => {
      const found = given[path];
      if (typeof found === 'string') throw new Error(`${basename(path)} ${found}.`);
      return found;
    },
  };
  return readOwnImages(files, { ...usualChoice, ...choice }, reader, options);
}
/** Pictures by their paths, `mine/3.png`. */
const many = (
  count: number,
  of: (i: number) => Pixels | string,
  path = (i: number) => `mine/${i}.png`,
): Given => Object.fromEntries(Array.from({ length: count }, (_, i) => [path(i), of(i)]));
const row = (...pictures: Pixels[]): Given =>
  many(
    pictures.length,
    (i) => pictures[i],
    (i) => `${i}.png`,
  );

describe('the user’s pictures', () => {
  test('in colour keep their colours and their size, and are never inverted', async () => {
    const { images, ink } = await read(row(on(WHITE, RED), on(WHITE, BLACK)));
    expect(images).toMatchObject({ count: 2, height: 16, width: 16, channels: 3, name: '2 pictures' });
    expect(ink).toBeUndefined();
    const first = [0, 768].map((at) => images.images.subarray(at, at + 3).join());
    expect(first.sort()).toEqual(['0,0,0', '200,30,40']);
  });

  test('are each followed by a mirror image of the same class where flip is chosen', async () => {
    const left = picture(20, 16, (x) => (x < 5 ? RED : WHITE));
    const top = picture(20, 16, (_, y) => (y < 4 ? BLACK : WHITE));
    const given = { 'a/1.png': left, 'b/1.png': top };
    const [usual, flipped] = [await read(given), await read(given, { flip: true })];
    expect([usual.images.count, flipped.images.count]).toEqual([2, 4]);
    const size = 20 * 16 * 3;
    const rows = ({ images, labels }: typeof usual.images, i: number) => ({
      label: labels?.[i],
      corners: [0, 19 * 3, 15 * 20 * 3].map((at) => images[i * size + at]),
    });
    for (let i = 0; i < 2; i++) {
      const of = rows(usual.images, i);
      expect(rows(flipped.images, 2 * i)).toEqual(of);
      const [first, last] = of.corners;
      const mirror = rows(flipped.images, 2 * i + 1);
      expect([mirror.label, mirror.corners[0], mirror.corners[1]]).toEqual([of.label, last, first]);
    }
    expect(rows(usual.images, 0)).not.toEqual(rows(usual.images, 1));
  });

  const dark = on(WHITE, [10, 10, 11]);
  const light = on(BLACK, WHITE);
  const now = (count: number, paper: string) =>
    `${count} picture${count > 1 ? 's' : ''} had transparent parts, which are now ${paper}.`;
  const grey = [20, 20, 60] as const;
  test.each<
    [string, Given, object, channels: number, ink: string | undefined, first: number[], notes: string[]]
  >([
    ['grey, mostly dark ink', row(dark, dark, light), {}, 1, 'dark', [0, 245, 245], []],
    ['grey, light ink by choice', row(dark, dark, light), { ink: 'light' }, 1, 'light', [10, 10, 255], []],
    // One of them on nothing has one voice, like the others.
    [
      'grey, one on nothing',
      row(light, on(CLEAR, BLACK), light),
      {},
      1,
      'light',
      [0, 255, 255],
      [now(1, 'black')],
    ],
    // Half transparent ink of a grey picture on white paper: half of it.
    [
      'half transparent',
      row(square([0, 0, 0, 128]), square([0, 0, 0, 128])),
      {},
      1,
      'dark',
      [128, 128],
      [now(2, 'white')],
    ],
    // Yellow is light, but can be seen on white.
    [
      'yellow on nothing',
      row(on(CLEAR, [250, 220, 20]), on(CLEAR, [250, 220, 20])),
      {},
      3,
      undefined,
      [250, 250],
      [now(2, 'white')],
    ],
    [
      'pale on nothing',
      row(on(CLEAR, [250, 220, 200]), on(CLEAR, [250, 220, 200])),
      {},
      3,
      undefined,
      [250, 250],
      [now(2, 'black')],
    ],
    // Dark photographs say nothing about the paper of a drawing among them.
    [
      'red among dark photographs',
      row(square(grey), square(grey), on(CLEAR, RED)),
      {},
      3,
      undefined,
      [20, 20, 200],
      [now(1, 'white')],
    ],
  ])('%s: have channels, ink and paper of most', async (_, given, choice, channels, ink, first, notes) => {
    const made = await read(given, choice);
    const { images, count } = made.images;
    const at = [...Array(count).keys()].map((i) => images[i * 256 * channels]).sort((a, b) => a - b);
    expect([made.images.channels, made.ink, at, made.notes]).toEqual([channels, ink, first, notes]);
    const paper = notes.at(-1) === now(2, 'black') ? 0 : notes.at(-1)?.endsWith('white.') && 255;
    if (channels === 3 && count === 2) expect(images[3 * 8]).toBe(paper);
  });

  test('shrink to one size by the mean of areas, cut to the middle or whole on paper', () => {
    const wide = picture(64, 32, (x) => (x < 16 ? RED : x < 32 ? BLACK : WHITE));
    const size = { width: 16, height: 16 };
    const at = (fit: 'crop' | 'fit', x: number, y: number) =>
      shrink(wide, size, fit)
        .rgba.subarray(4 * (16 * y + x), 4 * (16 * y + x) + 4)
        .join();
    const [black, white] = ['0,0,0,255', '255,255,255,255'];
    expect([at('crop', 0, 0), at('crop', 7, 9), at('crop', 8, 9)]).toEqual([black, black, white]);
    expect([at('fit', 0, 4), at('fit', 15, 11)]).toEqual(['200,30,40,255', white]);
    expect([at('fit', 0, 3), at('fit', 15, 12)]).toEqual([
      expect.stringMatching(/,0$/),
      expect.stringMatching(/,0$/),
    ]);
    const stripes = (a: Colour, b: Colour) => picture(32, 32, (x) => (x % 2 ? a : b));
    expect(shrink(stripes(WHITE, BLACK), size, 'crop').rgba[0]).toBe(128);
    // A transparent pixel's colour counts for nothing.
    expect([...shrink(stripes(RED, CLEAR), size, 'crop').rgba.subarray(0, 4)]).toEqual([200, 30, 40, 128]);
    const reds = (pixels: Pixels) =>
      [...shrink(pixels, { width: 2, height: 2 }, 'crop').rgba].filter((_, i) => i % 4 === 0);
    // Three pixels become two: the middle one is in both. The middle two of five begin half a pixel in.
    expect(reds(picture(3, 3, (x) => [[0, 90, 240][x], 0, 0]))).toEqual([30, 190, 30, 190]);
    expect(reds(picture(5, 2, (x) => [40 * x, 0, 0]))).toEqual([60, 100, 60, 100]);
    expect(reds(picture(2, 5, (_, y) => [40 * y, 0, 0]))).toEqual([60, 60, 100, 100]);
  });

  test.each([
    ['24x24 24x24', '24x24', '24x24'],
    ['32x20 32x20', '32x20', '32x20'],
    ['64x48 64x48', '32x32', '64x48'],
    ['36x20 36x20', '20x20', '36x20'],
    ['64x48 48x64', '32x32', '32x32'],
    ['68x68 68x68', '32x32', '32x32'],
    ['30x30 30x30', '28x28', '28x28'],
    ['9x9 9x9', '16x16', '16x16'],
    ['24x24 4000x3000 3000x4000', '32x32', '32x32'],
  ])(
    'of %s keep a common size of at most 32 pixels that a network takes, %s, and by choice %s',
    (given, ...wanted) => {
      const sizes = given.split(' ').map((size) => {
        const [width, height] = size.split('x').map(Number);
        return { width, height };
      });
      const chosen = [0, OWN_SIZE].map((choice) => sizeFor(sizes, choice));
      expect(chosen.map(({ width, height }) => `${width}x${height}`)).toEqual(wanted);
      expect(sizeFor([undefined], 48)).toEqual({ width: 48, height: 48 });
    },
  );

  test('have the size that their headers state', () => {
    const zeros = (count: number) => Array<number>(count).fill(0);
    const of = (...bytes: (string | number)[]) => {
      const all = bytes.flatMap((b) => (typeof b === 'string' ? [...Buffer.from(b, 'latin1')] : b));
      return sizeInHeader(Uint8Array.from([...all, ...zeros(30)]));
    };
    for (const [kind, size] of Object.entries({
      png: sizeInHeader(encodePng({ width: 300, height: 2, channels: 1, data: new Uint8Array(600) })),
      gif: of('GIF89a', 44, 1, 2, 0),
      bmp: of('BM', ...zeros(16), 44, 1, 0, 0, 254, 255, 255, 255),
      // A segment of 4 bytes, then the frame.
      jpeg: of(0xff, 0xd8, 0xff, 0xe0, 0, 4, 7, 7, 0xff, 0xc2, 0, 11, 8, 0, 2, 1, 44),
      webpX: of('RIFF', 0, 0, 0, 0, 'WEBPVP8X', ...zeros(8), 43, 1, 0, 1, 0, 0),
      webpL: of('RIFF', 0, 0, 0, 0, 'WEBPVP8L', 0, 0, 0, 0, 0x2f, 43, 0x41, 0, 0),
      webp: of('RIFF', 0, 0, 0, 0, 'WEBPVP8 ', ...zeros(10), 44, 1, 2, 0),
    }))
      expect(size, kind).toEqual({ width: 300, height: 2 });
    expect(of('something else')).toBeUndefined();
  });

  test('are shuffled, always in the same way, so that the last ones are of all classes', async () => {
    const given = many(
      100,
      (i) => square([i, 0, 0]),
      (i) => `mine/${i < 50 ? 'a' : 'b'}/${i}.png`,
    );
    const { images } = await read(given);
    expect(new Set(images.labels!.subarray(80)).size).toBe(2);
    const turned = Object.fromEntries(Object.entries(given).reverse());
    expect((await read(turned)).images.images).toEqual(images.images);
  });

  test('that are broken are left out, with each reason once, of three at most, and three more names at most', async () => {
    const { images, notes } = await read(many(20, (i) => (i < 2 ? 'is cut short' : square(RED))));
    const [note] = notes;
    expect(images.count).toBe(18);
    expect(note).toMatch(/^2 of 20 pictures left out: [01]\.png is cut short \(the same with [01]\.png\)\.$/);
    const more = await read(many(90, (i) => (i < 9 ? ['is a', 'is b'][Number(i === 8)] : square(RED))));
    expect(more.notes[0]).toMatch(
      /^9 of 90 pictures left out: (8\.png is b; )?\d\.png is a \(the same with \d\.png, \d\.png, \d\.png and others\)(; 8\.png is b)?\.$/,
    );
  });

  test('keep their classes where another picture is broken', async () => {
    // The red of each is its place in the list.
    const given = many(
      20,
      (i) => square([10 * i, 0, 0]),
      (i) => `mine/${i % 2 ? 'odd' : 'even'}/${i}.png`,
    );
    for (const broken of [3, 4, 15]) {
      const { images } = await read({ ...given, [Object.keys(given)[broken]]: 'is cut short' });
      const places = Array.from({ length: images.count }, (_, k) => images.images[k * 768] / 10);
      expect(new Set(places).size).toBe(19);
      expect([...images.labels!]).toEqual(places.map((place) => place % 2));
    }
  });

  test('larger than 32 pixels are reported with their own size, if they share one size', async () => {
    const of = (width: number, height: number) => many(20, () => plain(width, height));
    const { images, own, cut } = await read(of(64, 48));
    expect([images.height, images.width, cut]).toEqual([32, 32, 20]);
    expect(own).toMatchObject({ width: 64, height: 48 });
    const kept = await read(of(64, 48), { size: OWN_SIZE });
    expect([kept.images.height, kept.images.width, kept.cut, kept.own]).toEqual([48, 64, 0, undefined]);
    for (const given of [of(24, 24), of(68, 68), { ...of(64, 64), 'mine/x.png': plain(60, 60) }])
      expect((await read(given)).own).toBeUndefined();
  });

  test('that cannot be read do not change the size of the others', async () => {
    const half = {
      ...{ width: 16, height: 16 },
      get data(): Uint8ClampedArray {
        throw new Error('is damaged');
      },
    };
    const all = many(20, () => plain(28, 28));
    // Of some kinds of files the head tells no size, but they can be read.
    const unknown = many(
      20,
      () => plain(24, 24),
      (i) => `mine/${i}.avif`,
    );
    for (const [given, count, side] of [
      [all, 20, 28],
      // Its head cannot be read, or is whole and tells another size, and only the pixels are broken.
      [{ ...all, 'mine/3.png': 'is no picture' }, 19, 28],
      [{ ...all, 'mine/3.png': half }, 19, 28],
      [{ ...unknown, 'mine/3.avif': half }, 19, 24],
    ] as const) {
      const { images, notes } = await read(given);
      const told = notes.map((note) => note.slice(0, 26));
      expect([images.count, images.height, images.width]).toEqual([count, side, side]);
      expect(told).toEqual(count === 20 ? [] : ['1 of 20 pictures left out:']);
    }
  });

  const never = (width: number, height: number) => ({ width, height, data: new Uint8Array() });
  const tooLarge = (count: string, size: string, megabytes: number, most: string) =>
    `${count} pictures of ${size} pixels in colour are ${megabytes} MB; at most 256 MB are read. Give at most ${most} of this size`;
  test.each<[string, Given, object, string | RegExp]>([
    ['none', {}, {}, 'The folder holds no images. Give pictures'],
    ['a text', { 'mine/notes.txt': '' }, {}, 'The folder mine holds no images'],
    ['one', { 'a.png': square(RED) }, {}, 'a.png is the only picture'],
    [
      'two kinds',
      { 'a.png': square(RED), 'x.npy': '' },
      {},
      'There are pictures and .npy files; choose one kind at a time.',
    ],
    ['a broken one', { 'x.png': 'is damaged' }, {}, 'x.png is damaged.'],
    [
      'more than a tenth broken',
      many(20, (i) => (i < 3 ? 'is cut short' : square(RED))),
      {},
      /^More than a tenth of the 20 pictures cannot be read: \d\.png is cut short \(the same with \d\.png, \d\.png\)\. Take them out/,
    ],
    [
      'a huge one',
      { 'a.png': never(20_000, 20_000) },
      {},
      'a.png is 20,000 x 20,000 pixels, and pictures of up to 64 million are read',
    ],
    [
      'too many',
      many(100_000, () => 'is never decoded'),
      { size: 64 },
      `${tooLarge('100,000', '64 x 64', 1229, '20,833')}, or a smaller size.`,
    ],
    // What is not square takes as much as it has pixels.
    [
      'too many wide ones',
      many(28_000, () => never(64, 48)),
      { size: OWN_SIZE },
      tooLarge('28,000', '64 x 48', 258, '27,777'),
    ],
    [
      'too many high ones',
      many(28_000, () => never(48, 64)),
      { size: OWN_SIZE },
      tooLarge('28,000', '48 x 64', 258, '27,777'),
    ],
    [
      'one without a class',
      { 'x/a/1.png': square(RED), 'x/2.png': square(RED) },
      {},
      '2.png is in no folder of a class, and others are.',
    ],
  ])('are refused, before they are decoded where that is enough: %s', async (_, given, choice, problem) => {
    const decoding = new AbortController();
    const progress = (done: number, _total: number, what: string) => {
      if (what === 'pixels' && done > 100) decoding.abort();
    };
    await expect(read(given, choice, { signal: decoding.signal, progress })).rejects.toThrow(problem);
  });

  test.each(['heads', 'pixels'] as const)(
    'are read no further once the user cancels at the third, while their %s are read',
    async (at) => {
      const later = new AbortController();
      const seen: string[] = [];
      const progress = (done: number, total: number, what: string) => {
        seen.push(`${what} ${done} of ${total}`);
        if (what === at && done === 2) later.abort();
      };
      const reading = read(
        many(10, () => square(RED)),
        {},
        { signal: later.signal, progress },
      );
      await expect(reading).rejects.toThrow('aborted');
      expect(seen.slice(-3)).toEqual([0, 1, 2].map((done) => `${at} ${done} of 10`));
    },
  );
});

describe('classes of pictures', () => {
  const classesIn = async (...paths: string[]) => {
    const { images, notes } = await read(
      many(
        paths.length,
        (i) => square([20 * i + 20, 0, 0]),
        (i) => paths[i],
      ),
    );
    const { labels, classNames, name, count } = images;
    // By the red of each picture, which is its place in the list.
    const at = (i: number) => [...Array(count).keys()].find((k) => images.images[k * 768] === 20 * i + 20)!;
    return { labels: labels && paths.map((_, i) => labels[at(i)]), classNames, name, notes };
  };
  const none = { labels: undefined, classNames: undefined };
  const numbers = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '10'];

  test.each<[string, string[], object]>([
    [
      'the innermost folders below the one that all share',
      ['zoo/dogs/1.png', 'zoo/cats/1.png', 'zoo/dogs/2.png'],
      { labels: [1, 0, 1], classNames: ['cats', 'dogs'], name: 'zoo', notes: [] },
    ],
    [
      'folders given by themselves',
      ['dogs/1.png', 'cats/1.png'],
      { classNames: ['cats', 'dogs'], name: '2 pictures' },
    ],
    ['none in one folder', ['zoo/1.png', 'zoo/2.png'], { ...none, name: 'zoo', notes: [] }],
    ['numbers', ['x/3/1.png', 'x/10/1.png'], { labels: [3, 10], classNames: numbers }],
    ['no numbers', ['x/03/1.png', 'x/10/1.png'], { classNames: ['03', '10'] }],
    [
      'two of one name',
      ['x/train/caf\u00e9/1.png', 'x/test/cafe\u0301/1.png', 'x/test/b/1.png'],
      { classNames: ['b', 'caf\u00e9'], notes: ['2 folders are named caf\u00e9: they are one class.'] },
    ],
    [
      'a single one, which is none',
      ['x/train/a/1.png', 'x/test/a/1.png'],
      {
        ...none,
        notes: expect.arrayContaining(['There is one class, a: the network is trained without classes.']),
      },
    ],
    [
      'names with commas, with quotes, of 500 letters',
      ['a, b', '"quoted"', '\u05d0\u05d1', 'x'.repeat(500)].map((name) => `all/${name}/1.png`),
      { classNames: expect.arrayContaining(['a, b', '"quoted"', '\u05d0\u05d1', 'x'.repeat(500)]) },
    ],
  ])('are %s', async (_, paths, found) => {
    expect(await classesIn(...paths)).toEqual({
      ...{
        labels: expect.anything(),
        classNames: expect.anything(),
        name: expect.any(String),
        notes: expect.any(Array),
      },
      ...found,
    });
  });

  test('differ where their names differ by capitals alone', async () => {
    const { labels, classNames, notes } = await classesIn('x/Cat/1.png', 'x/cat/1.png', 'x/CAT/1.png');
    expect(labels!.map((label) => classNames![label])).toEqual(['Cat', 'cat', 'CAT']);
    expect([new Set(classNames).size, notes]).toEqual([3, []]);
  });

  test('may be empty folders, and hidden files of a system make none', async () => {
    const paths =
      'x/a/1.png x/b/1.png x/c/ x/.git/1.png __MACOSX/x/a/._1.png x/a/.DS_Store x/a/Thumbs.db x/about.txt'.split(
        ' ',
      );
    const found = await read(
      many(
        paths.length,
        () => square(RED),
        (i) => paths[i],
      ),
    );
    expect([found.images.count, found.images.classNames]).toEqual([2, ['a', 'b']]);
    expect(found.notes).toEqual(['1 other file left out: about.txt.', 'The folder c holds no pictures.']);
    const { notes } = await read({ 'x/a/1.png': square(RED), 'x/a/2.png': square(RED), 'x/b/': '' });
    expect(notes).toEqual([
      'The folder b holds no pictures, so there is one class, a: the network is trained without classes.',
    ]);
  });

  test('are refused where there are more than 255', () => {
    const names = Array.from({ length: 300 }, (_, i) => `k${i}`);
    expect(() => labelsOfFolders(names)).toThrow(
      'There are 300 classes, folders from k0 to k299; a network learns at most 255.',
    );
    expect(labelsOfFolders(names.slice(0, MOST_CLASSES)).classes.classNames).toHaveLength(255);
  });
});

describe('an .npy file', () => {
  const readIt = (bytes: Uint8Array<ArrayBuffer>) => readNpy(bytes, 'x.npy');
  const images = { name: 'x.npy', shape: [2, 1, 2], values: Float32Array.of(0, 1, 0.5, 0.2) };
  const labels = { name: 'y.npy', shape: [2], values: Int32Array.of(8, 1) };

  test('is read in versions 1 and 2 of the format', () => {
    const { shape, values } = readIt(npyFile('<f4', [2, 1, 1], Float32Array.of(0.5, 1).buffer));
    expect([shape, [...Array.from(values)]]).toEqual([
      [2, 1, 1],
      [0.5, 1],
    ]);
    expect(Array.from(readIt(npyFile('<i4', [2], Int32Array.of(7, -1).buffer, 2)).values)).toEqual([7, -1]);
  });

  test('becomes images, grey or in colour, and labels', () => {
    const made = ofNpy([labels, images]);
    expect([[...made.images], [...made.labels!], made.name]).toEqual([[0, 255, 128, 51], [8, 1], 'x.npy']);
    const colour = ofNpy([{ ...images, shape: [1, 1, 1, 3], values: Uint8Array.of(1, 2, 3) }]);
    expect(colour).toMatchObject({ count: 1, channels: 3 });
    expect(colour.labels).toBeUndefined();
  });

  test.each([
    ['x.npy is not an .npy file', () => readIt(new Uint8Array(20))],
    ['of the type ">f4"', () => readIt(npyFile('>f4', [1], new ArrayBuffer(4)))],
    ['has 2 bytes of values; 3 of 1 bytes are 3', () => readIt(npyFile('|u1', [3], new ArrayBuffer(2)))],
    ['An .npy file must hold images', () => ofNpy([labels])],
    ['x.npy holds 2; floats', () => ofNpy([{ ...images, values: Float32Array.of(0, 2, 0, 0) }])],
    ['y.npy holds 3 labels, and x.npy 2 images', () => ofNpy([images, { ...labels, shape: [3] }])],
    ['y.npy holds 300; labels are', () => ofNpy([images, { ...labels, values: Int32Array.of(8, 300) }])],
    ['has the shape 1 x 1 x 1 x 4', () => ofNpy([{ ...images, shape: [1, 1, 1, 4] }])],
  ])('is refused in a sentence: %s', (problem, work) => {
    expect(work).toThrow(problem);
  });
});

describe('an IDX file', () => {
  const file = (path: string, bytes: Iterable<number> = []) => ({
    path,
    source: new File([Uint8Array.from(bytes)], path),
  });
  const two = (first: number, second: number) =>
    file('mine-images-idx3-ubyte', idxFile([2, 1, 1], [first, second]));
  const readAll = (files: OwnFile[], choice = {}) => {
    const head = async ({ source }: OwnFile) =>
      new Uint8Array(await (source as File).slice(0, 100).arrayBuffer());
    return readOwnImages(files, { ...usualChoice, ...choice }, { head, decode: () => Promise.reject() });
  };
  const [train, t10k] = ['train', 't10k'].map((set) => [
    `${set}-images-idx3-ubyte`,
    `${set}-labels-idx1-ubyte`,
  ]);
  const drawn = ['drawn-2', 'drawn-10', 'hand-2-labels-idx1-ubyte', 'hand-10-labels-idx1-ubyte'];

  test.each([
    // Training sets come first, packed ones once.
    [
      [`${t10k[0]}.gz`, train[1], train[0], `${train[0]}.gz`, t10k[1]],
      [train[0], `${t10k[0]}.gz`],
      [train[1], t10k[1]],
    ],
    [['mine', 'other-labels-idx1-ubyte'], ['mine'], ['other-labels-idx1-ubyte']],
    // However they are given, by name, and numbers by value.
    [drawn, drawn.slice(0, 2), drawn.slice(2)],
    [drawn.toReversed(), drawn.slice(0, 2), drawn.slice(2)],
  ])('finds its labels by name, else by order: %j', (given, images, labels) => {
    const paths = (files: readonly OwnFile[]) => files.map(({ path }) => path);
    const found = pairIdx(given.map((path) => file(path)));
    expect([paths(found.images), paths(found.labels)]).toEqual([images, labels]);
  });

  const colours = [7, 250, 100, 3, 2, 1];
  const npy = (shape: number[], values: number[]) =>
    file('mine.npy', npyFile('|u1', shape, Uint8Array.from(values).buffer));
  test.each<[string, OwnFile, object, number[], string | undefined]>([
    ['as it is', two(7, 250), {}, [7, 250], 'light'],
    ['inverted by choice', two(7, 250), { ink: 'dark' }, [248, 5], 'dark'],
    [
      'in colour never inverted',
      file('mine', idxFile([2, 1, 1, 3], colours)),
      { ink: 'dark' },
      colours,
      undefined,
    ],
    ['nor .npy in colour', npy([2, 1, 1, 3], colours), { ink: 'dark' }, colours, undefined],
    ['.npy in grey is', npy([2, 1, 1], [7, 250]), { ink: 'dark' }, [248, 5], 'dark'],
  ])('is read %s', async (_, given, choice, values, ink) => {
    const made = await readAll([given], choice);
    expect([[...made.images.images], made.ink, made.images.name]).toEqual([values, ink, given.path]);
  });

  const ofOne = file('mine-labels-idx1-ubyte', idxFile([2], [4, 4]));
  test('of one class is trained without classes', async () => {
    const { images: set, notes } = await readAll([two(7, 9), ofOne]);
    expect([set.labels, ...notes]).toEqual([
      undefined,
      'All 2 images have the label 4: the network is trained without classes.',
    ]);
  });

  test.each<[OwnFile, string | RegExp]>([
    [ofOne, 'mine-labels-idx1-ubyte holds labels. Give it together with its images.'],
    [
      file('notes.txt', Buffer.from('Dear diary')),
      'notes.txt is neither a picture nor data to train on. Give pictures',
    ],
    [
      file('faces.zip', Buffer.from('PK\x03\x04 and more')),
      /^faces\.zip is neither .* It looks like a zip archive: unpack it\.$/,
    ],
    // The error on a file that begins like IDX names its fault.
    [file('short', [0, 0, 0, 0]), 'magic number'],
    [file('four', idxFile([1, 1, 1, 2], [1, 1])), '2 channels'],
  ])('is refused with its fault or its kind: $0.path', async (given, problem) => {
    await expect(readAll([given])).rejects.toThrow(problem);
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
