import { basename } from 'node:path';
import { describe, expect, test } from 'vitest';
import { encodePng } from '../../../harness/cli/png';
import { labelsOfFolders, type OwnFile, readOwnImages } from '../../../harness/pictures/own_images';
import {
  OWN_SIZE,
  shrink,
  sizeFor,
  sizeInHeader,
  usualChoice,
} from '../../../harness/pictures/small_pictures';
import type { Pixels } from '../../../src/pictures/picture';

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

  // Most of them is ink.
  const within = (paper: Colour, ink: Colour) => picture(16, 16, (x, y) => (x % 15 && y % 15 ? ink : paper));
  const dark = within(WHITE, [10, 10, 11]);
  const light = within(BLACK, WHITE);
  const wide = picture(32, 16, (x, y) => (x > 3 && x < 28 && y > 3 && y < 12 ? BLACK : WHITE));
  const now = (count: number, paper: string) =>
    `${count} picture${count > 1 ? 's' : ''} had transparent parts, which are now ${paper}.`;
  const grey = [20, 20, 60] as const;
  test.each<
    [string, Given, object, channels: number, ink: string | undefined, first: number[], notes: string[]]
  >([
    ['grey, on light edges', row(dark, dark, light), {}, 1, 'dark', [0, 0, 255], []],
    ['grey, light ink by choice', row(dark, dark, light), { ink: 'light' }, 1, 'light', [0, 255, 255], []],
    ['grey, whole on a square', row(wide, wide), { size: 16, fit: 'fit' }, 1, 'dark', [0, 0], []],
    // One of them on nothing counts as one, like the others.
    [
      'grey, one on nothing',
      row(light, on(CLEAR, BLACK), light),
      {},
      1,
      'light',
      [0, 0, 0],
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
    // A transparent pixel's colour counts for nothing.
    const stripes = picture(32, 32, (x) => (x % 2 ? RED : CLEAR));
    expect([...shrink(stripes, size, 'crop').rgba.subarray(0, 4)]).toEqual([200, 30, 40, 128]);
    const reds = (pixels: Pixels) =>
      [...shrink(pixels, { width: 2, height: 2 }, 'crop').rgba].filter((_, i) => i % 4 === 0);
    // The middle two of five begin half a pixel in.
    expect(reds(picture(5, 2, (x) => [40 * x, 0, 0]))).toEqual([60, 100, 60, 100]);
    expect(reds(picture(2, 5, (_, y) => [40 * y, 0, 0]))).toEqual([60, 60, 100, 100]);
  });

  test.each([
    ['64x48 64x48', '32x32', '64x48'],
    ['64x48 48x64', '32x32', '32x32'],
    ['68x68 68x68', '32x32', '32x32'],
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
    const { images } = await read({ ...given, 'mine/odd/3.png': 'is cut short' });
    const places = Array.from({ length: images.count }, (_, k) => images.images[k * 768] / 10);
    expect(new Set(places).size).toBe(19);
    expect([...images.labels!]).toEqual(places.map((place) => place % 2));
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
  test.each<[string, Given, object, string | RegExp]>([
    ['none', {}, {}, 'The folder holds no images. Give pictures'],
    ['one', { 'a.png': square(RED) }, {}, 'a.png is the only picture'],
    [
      'two kinds',
      { 'a.png': square(RED), 'x-images-idx3-ubyte': '' },
      {},
      'There are pictures and IDX files; choose one kind at a time.',
    ],
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
    // What is not square takes as much as it has pixels.
    [
      'too many wide ones',
      many(28_000, () => never(64, 48)),
      { size: OWN_SIZE },
      '28,000 pictures of 64 x 48 pixels in colour are 258 MB; at most 256 MB are read. Give at most 27,777 of this size',
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

  test('are read no further once the user cancels', async () => {
    const later = new AbortController();
    const seen: string[] = [];
    const progress = (done: number, total: number, what: string) => {
      seen.push(`${what} ${done} of ${total}`);
      if (what === 'pixels' && done === 2) later.abort();
    };
    const given = many(10, () => square(RED));
    await expect(read(given, {}, { signal: later.signal, progress })).rejects.toThrow('aborted');
    expect(seen.slice(-2)).toEqual(['pixels 1 of 10', 'pixels 2 of 10']);
  });
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
  });

  test('are refused where there are more than 255', () => {
    const names = Array.from({ length: 300 }, (_, i) => `k${i}`);
    expect(() => labelsOfFolders(names)).toThrow(
      'There are 300 classes, folders from k0 to k299; a network learns at most 255.',
    );
  });
});
