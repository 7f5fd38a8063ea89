import { describe, expect, test } from 'vitest';
import { type OwnFile, readOwnImages } from '../../../harness/pictures/own_images';
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
const plain = (width: number, height: number) => picture(width, height, () => RED);
const square = (colour: Colour) => picture(16, 16, () => colour);
/** Ink on the left of a ground. */
const on = (ground: Colour, ink: Colour) => picture(16, 16, (x) => (x < 4 ? ink : ground));

/** By path; a text in place of a picture is what is wrong with it. */
type Given = Readonly<Record<string, Pixels | string>>;
function read(given: Given, choice = {}, options: Parameters<typeof readOwnImages>[3] = {}) {
  const files = Object.keys(given).map((path) => ({ path, source: new Blob() }));
  const reader = {
    async head({ path }: OwnFile) {
      const of = given[path];
      const head = Buffer.alloc(30);
      if (typeof of === 'string' || path.endsWith('.avif')) return head;
      head.write('PNG', 1);
      head.writeUInt32BE(of.width, 16);
      head.writeUInt32BE(of.height, 20);
      return head;
    },
    async decode({ path }: OwnFile) {
      const found = given[path];
      if (typeof found === 'string') throw new Error(`${path.split('/').at(-1)} ${found}.`);
      return found;
    },
  };
  return readOwnImages(files, { ...usualChoice, ...choice }, reader, options);
}
const many = (
  count: number,
  of: (i: number) => Pixels | string,
  path = (i: number) => `mine/${i}.png`,
): Given => Object.fromEntries(Array.from({ length: count }, (_, i) => [path(i), of(i)]));
const row = (...pictures: Pixels[]) => many(pictures.length, (i) => pictures[i]);

describe('the user’s pictures', () => {
  test('are each followed by a mirror image of the same class where flip is chosen', async () => {
    const grey = (level: number): Colour => [level, level, level];
    const given = {
      'a/1.png': picture(20, 16, (x) => grey(x)),
      'b/1.png': picture(20, 16, (x, y) => grey(9 * x + y)),
    };
    const { images: usual } = await read(given);
    const { images: flipped } = await read(given, { flip: true });
    const rowsOf = ({ images }: typeof usual) =>
      Array.from({ length: images.length / 20 }, (_, i) => [...images.subarray(20 * i, 20 * i + 20)]);
    const turned = (rows: number[][]) => rows.map((row) => row.toReversed());
    const first = rowsOf(usual).slice(0, 16);
    const second = rowsOf(usual).slice(16);
    expect(rowsOf(flipped)).toEqual([...first, ...turned(first), ...second, ...turned(second)]);
    expect([...flipped.labels!]).toEqual([...usual.labels!].flatMap((label) => [label, label]));
  });

  // Most of them is ink.
  const within = (paper: Colour, ink: Colour) => picture(16, 16, (x, y) => (x % 15 && y % 15 ? ink : paper));
  const dark = within(WHITE, [10, 10, 11]);
  const light = within(BLACK, WHITE);
  const upper = picture(16, 16, (x, y) => (x > 0 && y > 0 ? WHITE : BLACK));
  const lower = picture(16, 16, (x, y) => (x < 15 && y < 15 ? WHITE : BLACK));
  const wide = picture(32, 16, (x, y) => (x > 3 && x < 28 && y > 3 && y < 12 ? BLACK : WHITE));
  const half = square([0, 0, 0, 128]);
  const pale = on(CLEAR, [250, 220, 200]);
  const night = square([20, 20, 60]);
  type Ink = 'dark' | 'light' | undefined;
  test.each<[string, Given, object, Ink, first: number[], last: number[], clear?: string]>([
    ['in colour never turned', row(on(WHITE, RED), on(WHITE, BLACK)), {}, undefined, [0, 200], [255, 255]],
    ['grey, on light edges', row(dark, dark, light), {}, 'dark', [0, 0, 255], [0, 0, 255]],
    [
      'grey, light ink by choice',
      row(dark, dark, light),
      { ink: 'light' },
      'light',
      [0, 255, 255],
      [0, 255, 255],
    ],
    // A little more than half of all edges.
    ['grey, upper left edges dark', row(upper, upper), {}, 'light', [0, 0], [255, 255]],
    ['grey, lower right edges dark', row(lower, lower), {}, 'light', [255, 255], [0, 0]],
    ['grey, whole on a square', row(wide, wide), { size: 16, fit: 'fit' }, 'dark', [0, 0], [0, 0]],
    // One of them on nothing counts as one, like the others.
    [
      'grey, one on nothing',
      row(light, on(CLEAR, BLACK), light),
      {},
      'light',
      [0, 0, 0],
      [0, 0, 0],
      '1 picture black',
    ],
    // Half transparent ink of a grey picture on white paper: half of it.
    [
      'half transparent, each twice',
      row(half, half),
      { flip: true },
      'dark',
      Array(4).fill(128),
      Array(4).fill(128),
      '2 pictures white',
    ],
    ['pale on nothing', row(pale, pale), {}, undefined, [250, 250], [0, 0], '2 pictures black'],
    // Dark photographs say nothing about the paper of a drawing among them.
    [
      'red among dark photographs',
      row(night, night, on(CLEAR, RED)),
      {},
      undefined,
      [20, 20, 200],
      [60, 60, 255],
      '1 picture white',
    ],
  ])('%s: have channels, ink and paper', async (_, given, choice, ink, first, last, clear) => {
    const made = await read(given, choice);
    const { images, count, channels } = made.images;
    const size = 256 * channels;
    const each = (at: number) =>
      Array.from({ length: count }, (_, i) => images[i * size + at]).sort((a, b) => a - b);
    expect(channels).toEqual(ink ? 1 : 3);
    expect(made.ink).toEqual(ink);
    expect(each(0)).toEqual(first);
    expect(each(size - 1)).toEqual(last);
    const [_all, number, paper] = /^(.*) (.*)$/.exec(clear ?? '') ?? [];
    expect(made.notes).toEqual(clear ? [`${number} had transparent parts, which are now ${paper}.`] : []);
  });

  test('shrink to one size by the mean of areas, cut to the middle or whole on paper', () => {
    const wide = picture(64, 32, (x) => (x < 16 ? RED : x < 32 ? BLACK : WHITE));
    const size = { width: 16, height: 16 };
    const at = (fit: 'crop' | 'fit', x: number, y: number) =>
      shrink(wide, size, fit)
        .rgba.subarray(4 * (16 * y + x), 4 * (16 * y + x) + 4)
        .join();
    const [red, black, white] = [RED, BLACK, WHITE].map((colour) => [...colour, 255].join());
    expect([at('crop', 0, 0), at('crop', 7, 9), at('crop', 8, 9)]).toEqual([black, black, white]);
    expect([at('fit', 0, 4), at('fit', 15, 11)]).toEqual([red, white]);
    const beside = '0,0,0,0';
    expect([at('fit', 0, 3), at('fit', 15, 12)]).toEqual([beside, beside]);
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
  ])('of %s become %s, and by choice %s', (given, ...wanted) => {
    const sizes = given.split(' ').map((size) => {
      const [width, height] = size.split('x').map(Number);
      return { width, height };
    });
    const chosen = [0, OWN_SIZE].map((choice) => sizeFor(sizes, choice));
    expect(chosen.map(({ width, height }) => `${width}x${height}`)).toEqual(wanted);
    expect(sizeFor([undefined], 48)).toEqual({ width: 48, height: 48 });
  });

  const zeros = (count: number) => Array<number>(count).fill(0);
  test.each<[string, (string | number)[]]>([
    ['PNG', ['\x89PNG', ...zeros(14), 1, 44, 0, 0, 0, 2]],
    ['GIF', ['GIF89a', 44, 1, 2, 0]],
    ['BMP', ['BM', ...zeros(16), 44, 1, 0, 0, 254, 255, 255, 255]],
    // A segment of 4 bytes, then the frame.
    ['JPEG', [0xff, 0xd8, 0xff, 0xe0, 0, 4, 7, 7, 0xff, 0xc2, 0, 11, 8, 0, 2, 1, 44]],
    ['WebP, extended', ['RIFF', ...zeros(4), 'WEBPVP8X', ...zeros(8), 43, 1, 0, 1, 0, 0]],
    ['WebP, lossless', ['RIFF', ...zeros(4), 'WEBPVP8L', ...zeros(4), 0x2f, 43, 0x41, 0, 0]],
    ['WebP', ['RIFF', ...zeros(4), 'WEBPVP8 ', ...zeros(10), 44, 1, 2, 0]],
    ['something else', []],
  ])('have the size that their headers state: %s', (kind, head) => {
    const bytes = head.flatMap((b) => (typeof b === 'string' ? [...Buffer.from(b, 'latin1')] : b));
    const size = sizeInHeader(Uint8Array.from([...bytes, ...zeros(30)]));
    expect(size).toEqual(kind === 'something else' ? undefined : { width: 300, height: 2 });
  });

  // The red of each is its place in the list.
  const numbered = (count: number, folderOf: (i: number) => string) =>
    many(
      count,
      (i) => square([2 * i, 0, 0]),
      (i) => `mine/${folderOf(i)}/${i}.png`,
    );

  test('are shuffled, always in the same way, so that the last ones are of all classes', async () => {
    const given = numbered(100, (i) => (i < 50 ? 'a' : 'b'));
    const { images } = await read(given);
    expect(new Set(images.labels!.subarray(80)).size).toBe(2);
    const turned = Object.fromEntries(Object.entries(given).reverse());
    expect((await read(turned)).images.images).toEqual(images.images);
  });

  test('keep their classes where another picture is broken', async () => {
    const given = { ...numbered(20, (i) => (i % 2 ? 'odd' : 'even')), 'mine/odd/3.png': 'is cut short' };
    const { images } = await read(given);
    const places = Array.from({ length: images.count }, (_, k) => images.images[k * 768] / 2);
    expect(new Set(places).size).toBe(19);
    expect([...images.labels!]).toEqual(places.map((place) => place % 2));
  });

  test('that are broken are left out, with each reason once, of three at most, and three more names at most', async () => {
    const more = await read(many(90, (i) => (i < 9 ? ['is a', 'is b'][Number(i === 8)] : square(RED))));
    expect(more.notes[0]).toMatch(
      /^9 of 90 pictures left out: (8\.png is b; )?\d\.png is a \(the same with \d\.png, \d\.png, \d\.png and others\)(; 8\.png is b)?\.$/,
    );
  });

  const some = (width: number, height: number, ending = 'png') =>
    many(
      20,
      () => plain(width, height),
      (i) => `mine/${i}.${ending}`,
    );
  const spoilt = {
    width: 16,
    height: 16,
    get data(): Uint8ClampedArray {
      throw new Error('is damaged');
    },
  };
  test.each<[string, Given, object, made: string, cut: number]>([
    ['of another shape', some(64, 48), {}, '20 32x32', 20],
    ['whole', some(64, 48), { fit: 'fit' }, '20 32x32', 0],
    ['as they are by choice', some(64, 48), { size: OWN_SIZE }, '20 64x48', 0],
    ['small', some(28, 28), {}, '20 28x28', 0],
    ['one of another size', { ...some(64, 64), 'mine/3.png': plain(60, 60) }, {}, '20 32x32', 0],
    // Its head cannot be read, or is whole and tells another size, and only the pixels are broken.
    ['one no picture', { ...some(28, 28), 'mine/3.png': 'is no picture' }, {}, '19 28x28', 0],
    ['one damaged', { ...some(28, 28), 'mine/3.png': spoilt }, {}, '19 28x28', 0],
    // Of some kinds of files the head tells no size, but they can be read.
    ['one damaged, without heads', { ...some(24, 24, 'avif'), 'mine/3.avif': spoilt }, {}, '19 24x24', 0],
  ])('%s: have the size of those that can be read', async (_, given, choice, made, cut) => {
    const { images, notes, ...found } = await read(given, choice);
    expect(`${images.count} ${images.width}x${images.height}`).toEqual(made);
    expect(found.cut).toEqual(cut);
    expect(found.shrunk).toBe(made.endsWith('32x32'));
    const left = made.startsWith('19') ? [expect.stringMatching(/^1 of 20 pictures left out: /)] : [];
    expect(notes).toEqual(left);
  });

  const never = (width: number, height: number) => ({ width, height, data: new Uint8Array() });
  /** The last number: the most pictures that may be decoded. */
  test.each<[string | RegExp, Given, object?, number?]>([
    ['The folder holds no images. Give pictures', {}],
    ['a.png is the only picture', { 'a.png': square(RED) }],
    [
      /^More than a tenth of the 20 pictures cannot be read: \d\.png is cut short \(the same with \d\.png, \d\.png\)\. Take them out/,
      many(20, (i) => (i < 3 ? 'is cut short' : square(RED))),
    ],
    [
      'a.png is 20,000 x 20,000 pixels, and pictures of up to 64 million are read',
      { 'a.png': never(20_000, 20_000) },
      {},
      0,
    ],
    ['a.avif is 20,000 x 20,000 pixels', { 'a.avif': never(20_000, 20_000) }],
    // What is not square takes as much as it has pixels.
    [
      '28,000 pictures of 64 x 48 pixels in colour are 258 MB; at most 256 MB are read. Give at most 27,777 of this size',
      many(28_000, () => never(64, 48)),
      { size: OWN_SIZE },
      0,
    ],
    [
      '2.png is in no folder of a class, and others are.',
      { 'x/a/1.png': square(RED), 'x/2.png': square(RED) },
    ],
    [
      'There are 300 classes, folders from k0 to k299; a network learns at most 255.',
      many(
        300,
        () => square(RED),
        (i) => `x/k${i}/1.png`,
      ),
    ],
  ])(
    'are refused, before they are decoded where that is enough: %s',
    async (problem, given, choice, most = 300) => {
      const decoding = new AbortController();
      const progress = (done: number, _total: number, what: string) => {
        if (what === 'pixels' && done >= most) decoding.abort();
      };
      await expect(read(given, choice, { signal: decoding.signal, progress })).rejects.toThrow(problem);
    },
  );

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

  const numbers = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '10'];
  /** Paths; the name of the set; the classes, and the label of each picture; notes. */
  test.each<[string, string, classNames?: string[], labels?: number[], ...notes: string[]]>([
    // The innermost folders below the one that all share.
    ['zoo/dogs/1.png zoo/cats/1.png zoo/dogs/2.png', 'zoo', ['cats', 'dogs'], [1, 0, 1]],
    ['zoo/1.png zoo/2.png', 'zoo'],
    ['1.png 2.png', '2 pictures'],
    ['1.png 2.png b/', '2 pictures', undefined, undefined, '1 folder without pictures: b.'],
    ['x/3/1.png x/10/1.png', 'x', numbers, [3, 10]],
    ['x/03/1.png x/10/1.png', 'x', ['03', '10'], [0, 1]],
    [
      'x/train/caf\u00e9/1.png x/test/cafe\u0301/1.png x/test/b/1.png',
      'x',
      ['b', 'caf\u00e9'],
      [1, 1, 0],
      '2 folders are named caf\u00e9: they are one class.',
    ],
    [
      'x/train/a/1.png x/test/a/1.png',
      'x',
      undefined,
      undefined,
      '2 folders are named a: they are one class.',
      'There is one class, a: the network is trained without classes.',
    ],
    ['x/Cat/1.png x/cat/1.png x/CAT/1.png', 'x', ['cat', 'Cat', 'CAT'], [1, 0, 2]],
    // Empty folders, and hidden files of a system.
    [
      'p/x/a/1.png p/x/b/1.png p/x/c/ q/ p/x/.git/1.png __MACOSX/x/a/._1.png p/x/a/.DS_Store p/x/a/Thumbs.db p/x/about.txt',
      'x',
      ['a', 'b'],
      [0, 1],
      '1 folder without pictures: c.',
      '1 other file left out: about.txt.',
    ],
    [
      'x/a/1.png x/a/2.png x/b/',
      'a',
      undefined,
      undefined,
      '1 folder without pictures: b.',
      'There is one class, a: the network is trained without classes.',
    ],
  ])('in %s are named %s, and have the classes %j', async (paths, name, classNames, labels, ...notes) => {
    const given = paths.split(' ').map((path, i) => [path, square([20 * i + 20, 0, 0])] as const);
    const found = await read(Object.fromEntries(given));
    const { images, count } = found.images;
    // In the order of the paths.
    const order = Array.from({ length: count }, (_, k) => images[k * 768]).map((red) => red / 20 - 1);
    const ordered = labels?.map((_, i) => found.images.labels![order.indexOf(i)]);
    expect({ name: found.images.name, classNames: found.images.classNames, ordered }).toEqual({
      name,
      classNames,
      ordered: labels,
    });
    expect(found.images.labels === undefined).toEqual(labels === undefined);
    expect(found.notes).toEqual(notes);
  });
});
