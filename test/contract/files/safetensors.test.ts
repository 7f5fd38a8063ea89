import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { TestRandom } from '../../../harness/specs/lib/spec';
import { checkConfig, listParameters } from '../../../src/unet/config';
import { encodeSafetensors } from '../../../src/weights/encode';
import { loadModel } from '../../../src/weights/model';
import { decodeSafetensors, type NamedTensor } from '../../../src/weights/safetensors';
import { saveModel } from '../../../src/weights/save_model';
import { refused } from '../../lib/refused';

const bits = (array: Float32Array | Uint32Array) => [...new Uint32Array(array.slice().buffer)];
const text = (string: string) => [...bytesOf(string)];

/** A file by the format's rules, with nothing of ours: length, header as it is given, data. */
function file(header: string | object, dataSize = 0, length?: bigint): Uint8Array<ArrayBuffer> {
  const json = text(typeof header === 'string' ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + json.length + dataSize);
  new DataView(bytes.buffer).setBigUint64(0, length ?? BigInt(json.length), true);
  bytes.set(json, 8);
  return bytes;
}

const bytesOf = (string: string) => new TextEncoder().encode(string);

/** The same bytes, which begin and end in the middle of others. */
const moved = (bytes: Uint8Array, shift: number) =>
  Uint8Array.of(...new Uint8Array(shift), ...bytes, 0, 0, 0).subarray(shift, shift + bytes.length);

const f32 = (shape: unknown, ...offsets: unknown[]) => ({ dtype: 'F32', shape, data_offsets: offsets });
const f16 = (shape: unknown, ...offsets: unknown[]) => ({ ...f32(shape, ...offsets), dtype: 'F16' });

// Written out by hand from the format's description: 64 is the length of 60 characters of JSON and 4 spaces.
const knownHeader = '{"test":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]}}';
const known = new Uint8Array([
  64,
  0,
  0,
  0,
  0,
  0,
  0,
  0,
  ...text(knownHeader),
  0x20,
  0x20,
  0x20,
  0x20,
  0,
  0,
  0,
  0,
  0,
  0,
  0x80,
  0x3f,
  0,
  0,
  0,
  0xc0,
  0,
  0,
  0xc0,
  0x7f,
]);

describe('a safetensors file written by hand from the description of the format', () => {
  test('is what encodeSafetensors writes', () => {
    expect(knownHeader.length).toBe(60);
    const data = new Float32Array([0, 1, -2, NaN]);
    expect(encodeSafetensors([{ name: 'test', shape: [2, 2], data }])).toEqual(known);
  });

  test('is read by decodeSafetensors, without a copy', () => {
    const { tensors, metadata } = decodeSafetensors(known);
    const test = tensors.get('test');
    expect(tensors.size).toBe(1);
    expect(test).toEqual({ shape: [2, 2], data: new Float32Array([0, 1, -2, NaN]) });
    expect(test?.data.buffer).toBe(known.buffer);
    expect(metadata).toEqual({});
  });

  test('is read without padding, with tensors in any order, single numbers and empty tensors', () => {
    const header = {
      last: { dtype: 'U32', shape: [], data_offsets: [8, 12] },
      empty: f32([0, 3], 8, 8),
      __metadata__: { a: 'b' },
      first: f32([2], 0, 8),
    };
    for (const shift of [0, 1, 2, 3]) {
      const padded = `${JSON.stringify(header)}${' '.repeat(shift)}`;
      const bytes = file(padded, 12);
      new DataView(bytes.buffer, bytes.length - 12).setFloat32(4, 1.5, true);
      new DataView(bytes.buffer, bytes.length - 12).setUint32(8, 0xdeadbeef, true);
      const { tensors, metadata } = decodeSafetensors(bytes);
      expect([...tensors]).toEqual([
        ['first', { shape: [2], data: new Float32Array([0, 1.5]) }],
        ['empty', { shape: [0, 3], data: new Float32Array(0) }],
        ['last', { shape: [], data: new Uint32Array([0xdeadbeef]) }],
      ]);
      expect(metadata).toEqual({ a: 'b' });
    }
  });

  test('is read with no tensors at all', () => {
    expect(decodeSafetensors(file('{}'))).toEqual({ tensors: new Map(), metadata: {} });
    expect(encodeSafetensors([])).toEqual(file('{}      '));
  });
});

describe('encodeSafetensors, then decodeSafetensors', () => {
  const random = new TestRandom(3);
  const floats = (n: number) => random.floats(n, -2, 2);
  const tensors: NamedTensor[] = [
    { name: 'down.0.kernel', shape: [5, 5, 1, 32], data: floats(800) },
    { name: 'down.0.bias', shape: [32], data: floats(32) },
    { name: 'step', shape: [], data: new Uint32Array([4_000_000_000]) },
    { name: 'bits', shape: [3], data: new Float32Array(new Uint32Array([0x7fc00001, 0xff800000, 1]).buffer) },
    { name: '__proto__', shape: [1], data: floats(1) },
    { name: '7', shape: [1, 1], data: floats(1) },
    { name: 'größe "x"\n', shape: [2], data: floats(4).subarray(1, 3) },
    { name: '', shape: [0], data: floats(0) },
  ];
  const metadata = { config: JSON.stringify({ widths: [32, 64, 64] }), __proto: 'x', 'ü"': '' };

  test('gives back names, shapes, bits, order and metadata', () => {
    const bytes = encodeSafetensors(tensors, metadata);
    const decoded = decodeSafetensors(bytes);
    expect([...decoded.tensors.keys()].sort()).toEqual(tensors.map(({ name }) => name).sort());
    for (const { name, shape, data } of tensors) {
      const got = decoded.tensors.get(name)!;
      expect(got.shape).toEqual(shape);
      expect(got.data.constructor).toBe(data.constructor);
      expect(bits(got.data)).toEqual(bits(data));
    }
    expect(decoded.metadata).toEqual(metadata);
    expect(encodeSafetensors(tensors, metadata)).toEqual(bytes);
  });

  test('gives data that starts on a multiple of 8, behind a padded header', () => {
    for (let n = 0; n < 8; n++) {
      const bytes = encodeSafetensors([{ name: 'x'.repeat(n), shape: [1], data: new Float32Array(1) }]);
      const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
      expect(length % 8).toBe(0);
      expect(bytes.length).toBe(8 + length + 4);
      expect(bytes[8]).toBe(0x7b);
      expect(new TextDecoder().decode(bytes.subarray(8, 8 + length))).toMatch(/^\{.*\} *$/);
    }
  });
});

describe('a safetensors file with F16', () => {
  const name = 'a';
  const fromBits = (...values: number[]) => new Float32Array(new Uint32Array(values).buffer);
  /** The halves of a file that has nothing else. */
  const halvesOf = (data: Float32Array) => {
    const bytes = encodeSafetensors([{ name, shape: [data.length], data, dtype: 'F16' }]);
    return [...new Uint16Array(bytes.slice(bytes.length - 2 * data.length).buffer)];
  };
  const valuesOf = (...halves: number[]) => {
    const bytes = file({ a: f16([halves.length], 0, 2 * halves.length) }, 2 * halves.length);
    halves.forEach((half, i) => {
      new DataView(bytes.buffer).setUint16(bytes.length - 2 * (halves.length - i), half, true);
    });
    return decodeSafetensors(bytes).tensors.get(name)!.data as Float32Array;
  };
  /** The value of a finite half by its definition: sign, 5 bits of exponent, 10 of mantissa. */
  const finite = (half: number) => {
    const exponent = (half >> 10) & 31;
    const mantissa = half & 1023;
    const size = exponent === 0 ? mantissa * 2 ** -24 : (1 + mantissa / 1024) * 2 ** (exponent - 15);
    return half & 0x8000 ? -size : size;
  };

  test('is written as by hand, and read', () => {
    // Written out by hand from the format's description.
    const header = '{"a":{"dtype":"F16","shape":[3],"data_offsets":[0,6]}}  ';
    const good = file(header, 6);
    good.set([0, 0x3c, 0, 0xc0, 1, 0], 8 + header.length);
    const data = new Float32Array([1, -2, 2 ** -24]);
    expect(decodeSafetensors(good).tensors.get('a')).toEqual({ shape: [3], data });
    expect(encodeSafetensors([{ name, shape: [3], data, dtype: 'F16' }])).toEqual(good);
  });

  test('gives each of the 65,536 halves its value, and back', () => {
    const halves = Array.from({ length: 65536 }, (_, i) => i);
    const values = valuesOf(...halves);
    for (const half of halves) {
      if ((half & 0x7c00) !== 0x7c00) {
        if (!Object.is(values[half], finite(half)))
          expect([half, values[half]]).toEqual([half, finite(half)]);
      } else if ((half & 0x3ff) === 0) {
        expect(values[half]).toBe(half & 0x8000 ? -Infinity : Infinity);
      } else expect(values[half]).toBeNaN();
    }
    expect(halvesOf(values)).toEqual(halves);
  });

  test('rounds to the nearer half, ties to the even one', () => {
    const given: number[] = [];
    const expected: number[] = [];
    // Beyond the largest half, 65520 would be the tie; it is refused.
    for (let half = 0; half < 0x7bff; half++) {
      const tie = (finite(half) + finite(half + 1)) / 2;
      const [at] = bits(new Float32Array([tie]));
      const around = [...fromBits(at - 1, at, at + 1)];
      expect(around[1]).toBe(tie);
      for (const sign of [0, 0x8000]) {
        given.push(...around.map((value) => (sign ? -value : value)));
        expected.push(...[half, half + (half & 1), half + 1].map((h) => sign | h));
      }
    }
    expect(halvesOf(new Float32Array(given))).toEqual(expected);
  });

  test('makes values that are too small a zero with their sign, and keeps NaN a NaN', () => {
    const tiny = 1;
    const nan = 0x7fc00000;
    const low = 0x7f800001;
    const signed = [tiny, nan, low].flatMap((value) => [value, value | 0x80000000]);
    expect(halvesOf(fromBits(...signed))).toEqual([0, 0x8000, 0x7e00, 0xfe00, 0x7e00, 0xfe00]);
    expect(halvesOf(new Float32Array([2 ** -25, -(2 ** -25)]))).toEqual([0, 0x8000]);
  });

  test('refuses finite values beyond the largest half, but not infinities', async () => {
    const below = fromBits(0x477fefff)[0];
    const tie = 65520;
    expect(halvesOf(new Float32Array([65504, -65504, below, -below]))).toEqual([
      0x7bff, 0xfbff, 0x7bff, 0xfbff,
    ]);
    expect(halvesOf(new Float32Array([Infinity, -Infinity]))).toEqual([0x7c00, 0xfc00]);
    for (const value of [tie, -tie, 65536, 2 ** 100, -(2 ** 127)]) {
      const tensor = { name: 'up.0.kernel', shape: [3], data: new Float32Array([0, 1, value]) };
      await refused(
        () => encodeSafetensors([{ ...tensor, dtype: 'F16' }]),
        'argument',
        '"up.0.kernel"',
        'F16',
        'value 2 of 3',
        value,
        '65504',
        'F32',
      );
      expect(() => encodeSafetensors([{ ...tensor, dtype: 'F32' }])).not.toThrow();
    }
  });

  test('may stand beside other types, anywhere in the file', () => {
    const data = new Float32Array([0.5, 1 / 3, 7]);
    const bytes = encodeSafetensors([
      { name: 'half', shape: [3], data: new Float32Array([9, ...data]).subarray(1), dtype: 'F16' },
      { name: 'float', shape: [1, 3], data },
      { name: 'none', shape: [0], data: new Float32Array(0), dtype: 'F16' },
      { name: 'whole', shape: [], data: new Uint32Array([0xdeadbeef]) },
      { name: 'one', shape: [], data: new Float32Array([-0]), dtype: 'F16' },
    ]);
    for (const shift of [0, 1, 2, 3]) {
      expect([...decodeSafetensors(moved(bytes, shift)).tensors]).toEqual([
        ['half', { shape: [3], data: new Float32Array([0.5, 0x555 * 2 ** -12, 7]) }],
        ['float', { shape: [1, 3], data }],
        ['none', { shape: [0], data: new Float32Array(0) }],
        ['whole', { shape: [], data: new Uint32Array([0xdeadbeef]) }],
        ['one', { shape: [], data: new Float32Array([-0]) }],
      ]);
    }
  });
});

describe('saveModel as F16', () => {
  const config = checkConfig({ height: 4, width: 4, widths: [2, 3], kernelSize: 3 });
  const { parameters } = listParameters(config);
  const unet = (valueAt: (i: number) => number) => ({
    config,
    parameters,
    getParameters: async () =>
      new Map(
        parameters.map(({ name, size }) => [name, Float32Array.from({ length: size }, (_, i) => valueAt(i))]),
      ),
  });

  test('takes half the space, and gives a file that loads with rounded weights', async () => {
    const random = new TestRandom(5);
    const thirds = unet((i) => (random.next() - 0.5) / (i + 1));
    const weights = await thirds.getParameters();
    const saved = { ...thirds, getParameters: async () => weights };
    const single = await saveModel(saved);
    const half = await saveModel(saved, { dtype: 'F16' });
    expect(single).toEqual(await saveModel(saved, { dtype: 'F32' }));
    const values = parameters.reduce((sum, { size }) => sum + size, 0);
    expect(single.length - half.length).toBeGreaterThan(2 * values - 100);
    expect(loadModel(single).parameters).toEqual(weights);
    const loaded = loadModel(half);
    expect(loaded.config).toEqual(config);
    expect([...loaded.parameters.keys()]).toEqual([...weights.keys()]);
    for (const [name, values] of loaded.parameters) {
      for (const [i, value] of weights.get(name)!.entries()) {
        expect(Math.abs(values[i] - value)).toBeLessThanOrEqual(
          Math.max(Math.abs(value) * 2 ** -11, 2 ** -25),
        );
      }
    }
    // What is rounded already stays as it is.
    expect(
      await saveModel({ ...saved, getParameters: async () => loaded.parameters }, { dtype: 'F16' }),
    ).toEqual(half);
  });

  test('refuses weights that are too large for F16 or not finite, and unknown types', async () => {
    const save = (value: number, dtype: unknown) =>
      saveModel(
        unet(() => value),
        { dtype: dtype as 'F16' },
      );
    await refused(() => save(7e4, 'F16'), 'argument', '"down.0.kernel"', 'F16', '70000', '65504');
    for (const dtype of ['F32', 'F16']) {
      for (const value of [NaN, Infinity]) {
        await refused(() => save(value, dtype), 'diverged', 'down.0.kernel', value);
      }
    }
    await refused(() => save(0, 'float16'), 'argument', 'dtype', '"float16"', 'F32 or F16');
    await refused(() => saveModel(unet(Number), { type: 'F16' } as never), 'argument', 'type', 'dtype');
  });
});

const data = new Float32Array(6);
const a = { name: 'a', shape: [6], data };
test.each<[tensors: object[], metadata: object, ...facts: string[]]>([
  [[a, a], {}, '"a"', 'once'],
  [[{ ...a, name: '__metadata__' }], {}, '"__metadata__"'],
  [[{ ...a, name: '__metadata__' }], { a: 'b' }, '__metadata__'],
  [[{ ...a, shape: [2, 2] }], {}, '"a"', '[2, 2]', '6 values'],
  [[{ ...a, shape: [-2, -3] }], {}, '[-2, -3]', 'whole numbers'],
  [[{ ...a, shape: [1.5, 4] }], {}, '[1.5, 4]'],
  [[{ name: 'a', data }], {}, 'shape missing'],
  [[{ ...a, data: new Float64Array(6) }], {}, '"a"', 'Float32Array', 'Uint32Array'],
  [[{ ...a, dtype: 'BF16' }], {}, '"a"', '"BF16"', 'F32 or F16'],
  [[{ ...a, data: new Uint32Array(6), dtype: 'F16' }], {}, '"a"', '"F16"', 'Uint32Array takes no dtype'],
  [[], { epochs: 5 }, '"epochs"', 'number', 'JSON.stringify'],
])('encodeSafetensors refuses %j, %j', async (tensors, metadata, ...facts) => {
  await refused(() => encodeSafetensors(tensors as never, metadata as never), 'argument', ...facts);
});

describe('decodeSafetensors refuses', () => {
  const start = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0];
  const pointer = 'version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n';
  const most = 2n ** 64n - 1n;
  test.each<[Uint8Array, ...string[]]>([
    [new Uint8Array(0), '0 bytes', 'too few'],
    [new Uint8Array(9), '9 bytes', 'too few'],
    [file('{}', 0, 0n), 'header of 0 bytes', '2 to 2'],
    [file('{}', 4, 7n), 'header of 7 bytes', 'file of 14 bytes', '2 to 6', 'cut short'],
    [file('{}', 4, most), `header of ${most} bytes`, '2 to 6'],
    [bytesOf('GIF89a and so on'), 'not a safetensors file'],
    [bytesOf('\ufeff\n<!DOCTYPE html>'), 'looks like a web page: check'],
    [bytesOf('<p>404'), 'looks like a web page: check the address'],
    [bytesOf(pointer), 'is not a safetensors file. It looks like', 'git-lfs', 'run git lfs pull'],
    [gzipSync(file('{}')), 'looks like gzip: unpack it'],
    // The first 8 bytes of gzip without a time are no absurd length.
    [Uint8Array.of(...start, ...new Uint8Array(100_000)), 'looks like gzip'],
    [bytesOf('PK\u0003\u0004 and so on'), 'looks like a zip archive'],
    [file('{"a"}', 0).fill(0xff, 10, 12), 'not JSON'],
  ])('bytes %#', async (bytes, ...facts) => {
    await refused(() => decodeSafetensors(bytes, 'm.safetensors'), 'data', 'm.safetensors', ...facts);
  });

  const twice =
    '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}';
  const long = 'x'.repeat(100_000);
  const huge = Array(30).fill(2 ** 52);
  test.each<[header: string | object, size: number, ...facts: string[]]>([
    ['{"a":', 0, 'not JSON'],
    [' {}', 0, 'begin with {'],
    ['[]', 0, 'begin with {'],
    ['\ufeff{}', 0, 'begin with {'],
    [`{"a":${'['.repeat(200_000)}`, 0, 'is'],
    [{ __metadata__: ['a'] }, 0, '__metadata__', '["a"]', 'strings'],
    [{ __metadata__: { a: 1 } }, 0, '__metadata__', '{"a":1}', 'strings'],
    [{ __metadata__: null }, 0, '__metadata__', 'null', 'strings'],
    [{ a: 7 }, 0, '"a"', '7', 'data_offsets'],
    [{ a: null }, 0, '"a"', 'null'],
    [{ a: { ...f32([1], 0, 2), dtype: 'BF16' } }, 2, '"a"', '"BF16"', 'F32, F16 and U32', 'float32'],
    [{ a: { ...f32([1], 0, 4), dtype: undefined } }, 4, 'dtype missing', 'F32, F16 and U32'],
    [{ a: { ...f32([1], 0, 4), dtype: 'toString' } }, 4, '"toString"', 'F32, F16 and U32'],
    [{ a: f16([4], 0, 16) }, 16, '"a"', '[4]', '8 bytes', '[0, 16]'],
    [{ a: f16([4], 0, 8) }, 7, 'cut short', '8 bytes', 'has 7'],
    [{ a: f16([3], 0, 7) }, 7, '6 bytes', 'give it 7'],
    [{ a: f32(4, 0, 16) }, 16, 'shape 4', 'list'],
    [{ a: f32([-1], 0, 4) }, 4, 'shape [-1]', 'whole numbers'],
    [{ a: f32([0.5], 0, 2) }, 2, 'shape [0.5]'],
    [{ a: f32([1e300], 0, 4) }, 4, 'shape [1e+300]'],
    [{ a: f32([2 ** 40, 2 ** 40], 0, 4) }, 4, '1099511627776', 'give it 4'],
    [{ a: f32([0, ...huge], 0, 4) }, 4, 'give it 4'],
    [{ a: f32([1], 0) }, 4, 'data_offsets [0]', 'two whole numbers'],
    [{ a: f32([1], '0', '4') }, 4, 'data_offsets ["0","4"]'],
    [{ a: f32([1], 4, 0) }, 4, 'data_offsets [4,0]'],
    [{ a: f32([2, 3], 0, 20) }, 20, '"a"', '[2, 3]', '24 bytes', '[0, 20]', '20.'],
    [{ a: f32([2], 0, 8), b: f32([2], 4, 12) }, 12, '"b"', '4 to 12', 'overlaps', 'begin at 8'],
    [{ a: f32([1], 0, 4), b: f32([1], 0, 4) }, 4, '"b"', 'overlaps'],
    [{ a: f32([1], 0, 4), b: f32([1], 8, 12) }, 12, '"b"', 'gap', 'begin at 4'],
    [{ a: f32([1], 4, 8) }, 8, '"a"', 'gap', 'begin at 0'],
    [twice, 8, '"a"', 'gap'],
    [{ a: f32([4], 0, 16) }, 15, 'cut short', '16 bytes', 'has 15'],
    [{ a: f32([4], 0, 16) }, 17, 'trailing', '16 bytes', 'has 17'],
    ['{}', 4, 'trailing', '0 bytes', 'has 4'],
    [{ [long]: { dtype: long } }, 0, '"xxx', '…'],
  ])('header %#', async (header, size, ...facts) => {
    const bytes = file(header, size);
    await refused(() => decodeSafetensors(bytes, 'm.safetensors'), 'data', 'm.safetensors', ...facts);
  });

  test.each([
    ['Array', [3]],
    ['Null', null],
    ['String', 'model.safetensors'],
    ['Blob', new Blob()],
    ['Undefined', undefined],
  ])('%s', async (type, given) => {
    const facts = [`m.safetensors is of type ${type}`, 'Uint8Array'];
    await refused(() => decodeSafetensors(given as never, 'm.safetensors'), 'argument', ...facts);
  });
});
