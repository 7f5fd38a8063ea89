import { afterEach, describe, expect, test, vi } from 'vitest';
import { TestRandom } from '../../../harness/specs/lib/spec';
import { loadIdx, loadLabels, readIdx } from '../../../src/data/idx';
import { watchMemory } from '../../commands/fuzz/memory';
import { refused } from '../../lib/refused';

/** An IDX file of the given sizes, its values counting up from `first`. */
function idx(sizes: number[], { length = sizes.reduce((a, b) => a * b, 1), type = 8, first = 0 } = {}) {
  const header = 4 + 4 * sizes.length;
  const bytes = new Uint8Array(header + length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, (type << 8) | sizes.length);
  sizes.forEach((size, i) => {
    view.setUint32(4 + 4 * i, size);
  });
  for (let i = 0; i < length; i++) bytes[header + i] = first + i;
  return bytes;
}

async function gzip(bytes: Uint8Array<ArrayBuffer>) {
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream('gzip'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

const dataUrl = (bytes: Uint8Array) =>
  `data:application/octet-stream;base64,${btoa(String.fromCharCode(...bytes))}`;

afterEach(() => {
  vi.unstubAllGlobals();
});

describe('readIdx', () => {
  test('reads images and labels as views', () => {
    const file = idx([2, 3, 4]);
    const images = readIdx(file);
    const size = { count: 2, height: 3, width: 4, channels: 1 };
    expect(images).toEqual({ kind: 'images', images: file.subarray(16), ...size });
    const colours = idx([2, 3, 4, 3]);
    expect(readIdx(colours)).toEqual({ kind: 'images', images: colours.subarray(20), ...size, channels: 3 });
    expect(images.kind === 'images' && images.images.buffer).toBe(file.buffer);

    const labels = readIdx(idx([5]));
    expect(labels).toEqual({ kind: 'labels', labels: new Uint8Array([0, 1, 2, 3, 4]), count: 5 });
  });

  test('reads a view that begins in the middle of its buffer', () => {
    const file = idx([1, 2, 2], { first: 7 });
    const moved = new Uint8Array(file.length + 3);
    moved.set(file, 3);
    expect(readIdx(moved.subarray(3))).toMatchObject({ images: new Uint8Array([7, 8, 9, 10]) });
  });

  test.each<[string, Uint8Array, (string | number)[]]>([
    ['nothing', new Uint8Array(0), ['f.idx has 0 bytes', 'magic number']],
    ['three bytes', new Uint8Array(3), ['has 3 bytes']],
    [
      'another magic number',
      new Uint8Array([0x89, 0x50, 0x4e, 0x47]),
      ['0x89504e47', '0x00000803', '0x00000801'],
    ],
    ['a web page', new TextEncoder().encode('<!doctype html>'), ['0x3c21646f', 'web page', 'address']],
    ['a byte-swapped header', new Uint8Array([3, 8, 0, 0, 1, 0, 0, 0]), ['0x03080000', '0x00000803']],
    ['floats', idx([1, 1, 1], { type: 0x0d, length: 4 }), ['0x00000d03', '0x0d', '0x08', 'Convert']],
    ['two dimensions', idx([2, 2]), ['0x00000802', '2 dimensions', '0x00000803', '0x00000801']],
    ['five dimensions', idx([1, 2, 2, 3, 1]), ['5 dimensions', '0x00000804']],
    ['no channels', idx([1, 2, 2, 0]), ['number of channels is 0']],
    ['part of a header', idx([2, 3, 4]).subarray(0, 15), ['cut short', 'has 15 bytes', '16']],
    ['count 0', idx([0, 28, 28]), ['count is 0', 'at least 1']],
    ['height 0', idx([2, 0, 28]), ['height is 0']],
    ['width 0', idx([2, 28, 0]), ['width is 0']],
    ['no labels', idx([0]), ['count is 0']],
    ['one byte too few', idx([2, 3, 4], { length: 23 }), ['cut short', '39 bytes', '2 x 3 x 4', '40 bytes']],
    ['one byte too many', idx([2, 3, 4], { length: 25 }), ['too long', '41 bytes', '2 x 3 x 4', '40 bytes']],
    [
      'huge sizes',
      idx([0xffffffff, 0xffffffff, 0xffffffff], { length: 9 }),
      ['4294967295', 2 ** 30, 'split'],
    ],
    ['sizes whose product wraps to 0', idx([65536, 65536, 1], { length: 0 }), ['65536 x 65536 x 1', 2 ** 30]],
    ['gzip', new Uint8Array([0x1f, 0x8b, 8, 0]), ['gzip', 'loadIdx']],
  ])('refuses %s', async (_, bytes, facts) => {
    await refused(() => readIdx(bytes, 'f.idx'), 'data', 'f.idx', ...facts);
  });
});

/** A file by this name. */
const named = (name: string, ...args: Parameters<typeof idx>) => new File([idx(...args)], name);

describe('loadIdx', () => {
  const file = idx([2, 3, 4]);
  const size = { height: 3, width: 4, channels: 1 };
  const expected = { images: file.slice(16), count: 2, ...size };

  test('takes bytes, buffers, blobs and URLs, plain or gzip, which it knows by content', async () => {
    for (const bytes of [file, await gzip(file)])
      for (const source of [
        bytes,
        bytes.slice().buffer,
        new Blob([bytes]),
        new File([bytes], 'a'),
        new File([bytes], 'a.gz'),
        dataUrl(bytes),
        new URL(dataUrl(bytes)),
      ])
        expect(await loadIdx(source)).toEqual(expected);
    expect((await loadIdx(file)).images.buffer).toBe(file.buffer);
  });

  test('unpacks gzip files of many chunks', async () => {
    const big = idx([300, 28, 28]).map((byte, i) => (i < 16 ? byte : (i * i) >> 7));
    const { images, count } = await loadIdx(await gzip(big));
    expect(count).toBe(300);
    expect(images).toEqual(big.subarray(16));
  });

  test('merges files in the order given, of several channels, too', async () => {
    const merged = await loadIdx([await gzip(idx([1, 2, 2], { first: 9 })), idx([2, 2, 2]), idx([1, 2, 2])]);
    const images = new Uint8Array([9, 10, 11, 12, 0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 3]);
    expect(merged).toEqual({ images, count: 4, height: 2, width: 2, channels: 1 });
    const colours = idx([2, 3, 4, 3]);
    const { images: both, ...rest } = await loadIdx([await gzip(colours), colours]);
    expect(rest).toEqual({ ...size, count: 4, channels: 3 });
    expect(both).toHaveLength(4 * 36);
  });

  test('refuses what is no list of images of one size, by name', async () => {
    const digits = named('digits', [1, 28, 28]);
    const objects = named('objects', [1, 32, 32]);
    for (const [files, ...facts] of [
      [[digits, objects], 'objects', '32 x 32', 'digits', '28 x 28'],
      // As many pixels, but another shape.
      [[idx([1, 2, 8]), idx([1, 4, 4])], 'File 2 of 2', '4 x 4', '2 x 8'],
      // As many bytes, in channels.
      [[idx([1, 2, 6]), idx([1, 2, 2, 3])], '2 x 2 x 3', '2 x 6'],
      [named('train-labels', [5]), 'train-labels holds labels', 'loadLabels'],
      [
        [digits, named('second.idx', [1, 2, 2], { length: 3 })],
        'second.idx',
        'cut short',
        '19 bytes',
        '20 bytes',
      ],
      // Long URLs are kept out of messages.
      [dataUrl(new Uint8Array(5000)), 'data:application/octet-stream', '…'],
    ] as const)
      await refused(() => loadIdx(files), 'data', ...facts);
    await refused(() => loadIdx([]), 'argument', 'images', 'one or more');
    for (const [wrong, type] of [
      [null, 'Null'],
      [undefined, 'Undefined'],
      [7, 'Number'],
      [{}, 'Object'],
    ] as const)
      await refused(() => loadIdx(wrong as never), 'argument', `is of type ${type}; it must be`, 'Blob');
  });

  test.each<[answer: () => Response, fact: string]>([
    [() => new Response('nothing here', { status: 404, statusText: 'Not Found' }), '404 Not Found'],
    [
      () => {
        throw new TypeError('Failed to fetch');
      },
      'Failed to fetch',
    ],
  ])('names the URL that gives an error: %#', async (answer, fact) => {
    vi.stubGlobal('fetch', async () => answer());
    await refused(() => loadIdx('https://example.org/a.gz'), 'data', 'https://example.org/a.gz', fact);
  });

  test('refuses damaged gzip, and gzip that holds more or less than its header promises', async () => {
    const good = await gzip(file);
    const wrongSum = good.slice();
    wrongSum[good.length - 8] ^= 1;
    const bomb = await gzip(idx([1, 28, 28], { length: 1 << 26 }));
    // Had all of it been unpacked, the broken end would be what is reported.
    bomb.fill(0, bomb.length - 8);
    const huge = await gzip(idx([1000, 1000, 1000], { length: 100 }));
    for (const [bytes, ...facts] of [
      [wrongSum, 'x.gz', 'does not unpack', 'Download it again'],
      [good.slice(0, good.length - 9), 'does not unpack'],
      [good.slice(0, 2), 'does not unpack'],
      [await gzip(file.slice(0, 30)), 'cut short', '30 bytes', '40 bytes'],
      [await gzip(file.slice(0, 12)), 'cut short', '12 bytes', '16'],
      [await gzip(new Uint8Array(0)), 'has 0 bytes'],
      [await gzip(good), 'not an IDX file', '0x1f8b'],
      [bomb, 'more than the 800 bytes'],
      [huge, 'promises 1000000016 bytes', `${huge.length} bytes of gzip`],
    ] as const)
      await refused(() => loadIdx(new File([bytes], 'x.gz')), 'data', ...facts);
  });

  test('allocates memory for the bytes that gzip unpacks to, not for the size in the header', async () => {
    // As much as 100 KB of gzip could hold, of which there are 100 KB.
    const noise = new TestRandom(1);
    const content = idx([10_000, 100, 100], { length: 100_000 }).map((byte, i) =>
      i < 16 ? byte : noise.next() * 256,
    );
    const packed = await gzip(content);
    const memory = watchMemory();
    try {
      await refused(() => loadIdx(packed), 'data', 'cut short', '100016 bytes', '100000016');
    } finally {
      expect(memory.stop()).toBeLessThan(2 * content.length + 2 ** 16);
    }
  });

  test('stops when it is aborted, before or amid its work, with the reason of the signal', async () => {
    const reason = new Error('enough');
    await expect(loadIdx(file, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    const controller = new AbortController();
    const packed = new Blob([await gzip(idx([100, 100, 100]))]);
    const loading = loadIdx(packed, { signal: controller.signal });
    controller.abort(reason);
    await expect(loading).rejects.toBe(reason);
  });

  test.runIf(globalThis.process?.getBuiltinModule)('reads paths and file URLs in Node', async () => {
    const { mkdtemp, rm, writeFile } = process.getBuiltinModule('node:fs/promises');
    const { pathToFileURL } = process.getBuiltinModule('node:url');
    const folder = await mkdtemp(`${process.getBuiltinModule('node:os').tmpdir()}/idx-`);
    try {
      const path = `${folder}/a b.gz`;
      await writeFile(path, await gzip(file));
      const url = pathToFileURL(path);
      for (const source of [path, url, url.href]) expect(await loadIdx(source)).toEqual(expected);
      await refused(() => loadIdx(`${folder}/none`), 'data', `${folder}/none could not be read`, 'ENOENT');
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

describe('loadLabels', () => {
  test('loads and merges labels', async () => {
    expect(await loadLabels(await gzip(idx([3])))).toEqual(new Uint8Array([0, 1, 2]));
    const both = await loadLabels([idx([2], { first: 5 }), idx([3])], { count: 5 });
    expect(both).toEqual(new Uint8Array([5, 6, 0, 1, 2]));
  });

  test('refuses files of images, another number of labels than of images, and none', async () => {
    await refused(() => loadLabels(idx([1, 2, 2])), 'data', 'holds images, not labels', 'loadIdx');
    await refused(() => loadLabels(named('l', [3]), { count: 4 }), 'data', 'l holds 3', '4 images');
    await refused(() => loadLabels([]), 'argument', 'labels');
  });
});
