import { afterEach, describe, expect, test, vi } from 'vitest';
import { Random } from '../../../harness/specs/lib/spec';
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

describe('loadIdx', () => {
  const file = idx([2, 3, 4]);
  const expected = { images: file.slice(16), count: 2, height: 3, width: 4, channels: 1 };

  test('takes bytes, buffers, blobs and URLs, plain or gzip', async () => {
    for (const bytes of [file, await gzip(file)]) {
      for (const source of [
        bytes,
        bytes.slice().buffer,
        new Blob([bytes]),
        new File([bytes], 'a'),
        dataUrl(bytes),
        new URL(dataUrl(bytes)),
      ]) {
        expect(await loadIdx(source)).toEqual(expected);
      }
    }
    expect((await loadIdx(file)).images.buffer).toBe(file.buffer);
  });

  test('reads images of several channels, interleaved, and merges their files', async () => {
    const colours = idx([2, 3, 4, 3]);
    const { images, ...size } = await loadIdx([await gzip(colours), colours]);
    expect(size).toEqual({ count: 4, height: 3, width: 4, channels: 3 });
    expect(images.length).toBe(4 * 36);
  });

  test('recognises gzip by content, whatever the file is called', async () => {
    expect(await loadIdx(new File([file], 'images.gz'))).toEqual(expected);
    expect(await loadIdx(new File([await gzip(file)], 'images'))).toEqual(expected);
  });

  test('unpacks gzip files of many chunks', async () => {
    const big = idx([300, 28, 28]);
    for (let i = 16; i < big.length; i++) big[i] = (i * i) >> 7;
    const { images, count } = await loadIdx(await gzip(big));
    expect(count).toBe(300);
    expect(images.every((byte, i) => byte === big[i + 16])).toBe(true);
  });

  test('merges files in the order given', async () => {
    const merged = await loadIdx([await gzip(idx([1, 2, 2], { first: 9 })), idx([2, 2, 2]), idx([1, 2, 2])]);
    const images = new Uint8Array([9, 10, 11, 12, 0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 3]);
    expect(merged).toEqual({ images, count: 4, height: 2, width: 2, channels: 1 });
  });

  test('refuses files of different image sizes, by name', async () => {
    const files = [new File([idx([1, 28, 28])], 'digits'), new File([idx([1, 32, 32])], 'objects')];
    await refused(() => loadIdx(files), 'data', 'objects', '32 x 32', 'digits', '28 x 28');
    // As many pixels, but another shape.
    await refused(() => loadIdx([idx([1, 2, 8]), idx([1, 4, 4])]), 'data', 'File 2 of 2', '4 x 4', '2 x 8');
    // As many bytes, in channels.
    await refused(() => loadIdx([idx([1, 2, 6]), idx([1, 2, 2, 3])]), 'data', '2 x 2 x 3', '2 x 6');
  });

  test('refuses labels, an empty list and sources of the wrong type', async () => {
    await refused(
      () => loadIdx(new File([idx([5])], 'train-labels')),
      'data',
      'train-labels holds labels',
      'loadLabels',
    );
    await refused(() => loadIdx([]), 'argument', 'images', 'one or more');
    for (const wrong of [null, undefined, 7, {}]) {
      await refused(
        () => loadIdx(wrong as never),
        'argument',
        `is of type ${Object.prototype.toString.call(wrong).slice(8, -1)}; it must be`,
        'Blob',
      );
    }
  });

  test('names the file whose content is wrong', async () => {
    const files = [idx([1, 2, 2]), new File([idx([1, 2, 2], { length: 3 })], 'second.idx')];
    await refused(() => loadIdx(files), 'data', 'second.idx', 'cut short', '19 bytes', '20 bytes');
  });

  test('names the URL that gives an HTTP error', async () => {
    vi.stubGlobal(
      'fetch',
      async () => new Response('nothing here', { status: 404, statusText: 'Not Found' }),
    );
    await refused(
      () => loadIdx('https://example.org/a.gz'),
      'data',
      'https://example.org/a.gz',
      '404 Not Found',
    );
    vi.stubGlobal('fetch', async () => {
      throw new TypeError('Failed to fetch');
    });
    await refused(
      () => loadIdx('https://example.org/a.gz'),
      'data',
      'https://example.org/a.gz',
      'Failed to fetch',
    );
  });

  test('keeps long URLs out of error messages', async () => {
    await refused(() => loadIdx(dataUrl(new Uint8Array(5000))), 'data', 'data:application/octet-stream', '…');
  });

  test('stops unpacking a gzip bomb once it exceeds the size in its header', async () => {
    const bomb = await gzip(idx([1, 28, 28], { length: 1 << 26 }));
    // Had all of it been unpacked, the broken end would be what is reported.
    bomb.fill(0, bomb.length - 8);
    await refused(() => loadIdx(new File([bomb], 'bomb.gz')), 'data', 'bomb.gz', 'more than the 800 bytes');
  });

  test('refuses gzip whose IDX header gives more bytes than its length can hold', async () => {
    const file = await gzip(idx([1000, 1000, 1000], { length: 100 }));
    await refused(() => loadIdx(file), 'data', 'promises 1000000016 bytes', `${file.length} bytes of gzip`);
  });

  test('refuses damaged gzip', async () => {
    const good = await gzip(file);
    const wrongSum = good.slice();
    wrongSum[good.length - 8] ^= 1;
    await refused(
      () => loadIdx(new File([wrongSum], 'x.gz')),
      'data',
      'x.gz',
      'does not unpack',
      'Download it again',
    );
    await refused(() => loadIdx(good.slice(0, good.length - 9)), 'data', 'does not unpack');
    await refused(() => loadIdx(good.slice(0, 2)), 'data', 'does not unpack');
    await refused(
      async () => loadIdx(await gzip(file.slice(0, 30))),
      'data',
      'cut short',
      '30 bytes',
      '40 bytes',
    );
    await refused(async () => loadIdx(await gzip(file.slice(0, 12))), 'data', 'cut short', '12 bytes', '16');
    await refused(async () => loadIdx(await gzip(new Uint8Array(0))), 'data', 'has 0 bytes');
    await refused(async () => loadIdx(await gzip(good)), 'data', 'not an IDX file', '0x1f8b');
  });

  test('allocates memory for the bytes that gzip unpacks to, not for the size in the header', async () => {
    // As much as 100 KB of gzip could hold, of which there are 100 KB.
    const noise = new Random(1);
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

  test('stops when it is aborted, with the reason of the signal', async () => {
    const reason = new Error('enough');
    await expect(loadIdx(file, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);

    const controller = new AbortController();
    const packed = await gzip(idx([100, 100, 100]));
    const loading = loadIdx(new Blob([packed]), { signal: controller.signal });
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
      expect(await loadIdx(path)).toEqual(expected);
      expect(await loadIdx(pathToFileURL(path))).toEqual(expected);
      expect(await loadIdx(pathToFileURL(path).href)).toEqual(expected);
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

  test('refuses files of images, and another number of labels than of images', async () => {
    await refused(() => loadLabels(idx([1, 2, 2])), 'data', 'holds images, not labels', 'loadIdx');
    await refused(() => loadLabels(new File([idx([3])], 'l'), { count: 4 }), 'data', 'l holds 3', '4 images');
    await refused(() => loadLabels([]), 'argument', 'labels');
  });
});
