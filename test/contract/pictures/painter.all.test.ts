/** Pictures in textures: read back, texel by texel. */
import { describe, expect, test, vi } from 'vitest';
import { TestRandom } from '../../../harness/specs/lib/spec';
import type { ErrorCode } from '../../../src/base/errors';
import { createEngine } from '../../../src/engine';
import { readBuffer } from '../../../src/gpu/staging';
import type { PainterOptions } from '../../../src/pictures/painter';
import { reference } from '../../../src/reference/paint';
import { testGpu } from '../../lib/gpu';
import { bufferOf, roomFor, submit } from '../../lib/on_gpu';
import { refused } from '../../lib/refused';

const { gpu } = await testGpu();
const { device } = gpu;
const engine = await createEngine({ device, selfCheck: false });
const { COPY_SRC, COPY_DST } = GPUTextureUsage;

const texture = (width: number, height: number, more: Partial<GPUTextureDescriptor> = {}) =>
  device.createTexture({ size: [width, height], format: 'rgba8unorm', usage: COPY_SRC | COPY_DST, ...more });

/** The texels of a texture, as words, row by row. */
async function texels(from: GPUTexture): Promise<Uint32Array> {
  const { width, height } = from;
  const pitch = Math.ceil(width / 64) * 64;
  const buffer = roomFor(gpu, pitch * height);
  const encoder = device.createCommandEncoder();
  encoder.copyTextureToBuffer({ texture: from }, { buffer, bytesPerRow: 4 * pitch }, [width, height]);
  const all = new Uint32Array(await readBuffer(gpu, buffer, pitch * height, encoder));
  return Uint32Array.from({ length: width * height }, pixelOf(all, width, pitch));
}

const random = new TestRandom(6);
const bytes = (length: number) => Float32Array.from({ length }, () => Math.floor(256 * random.next()) / 255);

/** The word of pixel `i` in rows that are `pitch` words apart. */
const pixelOf = (words: ArrayLike<number>, width: number, pitch: number) => (_: unknown, i: number) =>
  words[Math.floor(i / width) * pitch + (i % width)];

// By default the picture is nearly square.
test.each<[how: string, more: Partial<PainterOptions> & { readonly channels: 1 | 3 }, columns: number]>([
  ['in grey', { channels: 1, range: [1, 0], columns: 3 }, 3],
  ['in colour, as a canvas has it', { channels: 3, format: 'bgra8unorm' }, 2],
])('a painter paints images %s', async (_, { format = 'rgba8unorm', range = [0, 1], ...more }, columns) => {
  const shape = { height: 5, width: 7, count: 5, ...more };
  const painter = await engine.createPainter({ ...shape, format, range });
  const width = 7 * columns;
  const height = 5 * Math.ceil(5 / columns);
  expect({ width: painter.width, height: painter.height }).toEqual({ width, height });
  const values = bytes(5 * 5 * 7 * shape.channels);
  const target = texture(width, height, { format: format as GPUTextureFormat });
  const images = { buffer: bufferOf(gpu, values, 8), offset: 8 };
  submit(gpu, (encoder) => painter.encode(encoder, images, target));
  const inside = { ...shape, columns, range, bgra: format === 'bgra8unorm' } as never;
  const { picture } = reference(inside, { images: values });
  const pixels = { length: width * height };
  const expected = Uint32Array.from(pixels, pixelOf(picture, width, picture.length / height));
  expect(await texels(target)).toEqual(expected);
  expect(new Set(expected).size).toBeGreaterThan(20);
});

describe('a painter refuses, and records nothing:', () => {
  test('textures of the wrong size, format or usage', async () => {
    const painter = await engine.createPainter({ height: 8, width: 8, channels: 1, count: 4 });
    const input = roomFor(gpu, 4 * 64);
    const encoder = device.createCommandEncoder();
    const copy = vi.spyOn(encoder, 'copyBufferToBuffer');
    for (const [target, text] of [
      [texture(16, 8), '16 x 8, rgba8unorm, with COPY_DST; this painter needs a texture of 16 x 16'],
      [texture(16, 16, { format: 'bgra8unorm' }), 'bgra8unorm, with COPY_DST; this painter needs'],
      [texture(16, 16, { usage: COPY_SRC }), 'without COPY_DST; this painter needs'],
      [undefined, 'of type Undefined'],
      [input, 'of type GPUBuffer'],
    ] as const)
      expect(() => painter.encode(encoder, input, target as GPUTexture)).toThrow(
        expect.objectContaining({ code: 'argument', message: expect.stringContaining(text) }),
      );
    const small = roomFor(gpu, 64);
    expect(() => painter.encode(encoder, small, texture(16, 16))).toThrow('images has 256 bytes');
    expect(copy).not.toHaveBeenCalled();
    painter.destroy();
    expect(painter.bytes).toBe(0);
    expect(() => painter.encode(encoder, input, texture(16, 16))).toThrow('was destroyed');
  });

  test.each<[object, ErrorCode, string]>([
    [{ channels: 2 }, 'argument', 'channels is 2'],
    [{ height: 0 }, 'argument', 'height is 0'],
    [{ columns: 0 }, 'argument', 'columns is 0'],
    [{ format: 'r8unorm' }, 'argument', 'format is "r8unorm"'],
    [{ range: [1, 1] }, 'argument', 'range is [1,1]'],
    [{ range: [0, Number.NaN] }, 'argument', 'range is [0,null]'],
    [{ size: 3 }, 'argument', 'no setting size'],
    [{ count: 60_000, columns: 1 }, 'limit', 'The picture is 8 x 480000'],
  ])('the options %o', async (wrong, code, text) => {
    const options = { height: 8, width: 8, channels: 1, ...wrong } as never;
    await refused(engine.createPainter(options), code, text);
  });
});
