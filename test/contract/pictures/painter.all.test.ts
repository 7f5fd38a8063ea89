/** Pictures in textures: read back, texel by texel. */
import { describe, expect, test, vi } from 'vitest';
import { Random } from '../../../harness/specs/lib/spec';
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
const { COPY_SRC, COPY_DST, RENDER_ATTACHMENT } = GPUTextureUsage;

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
  return Uint32Array.from(
    { length: width * height },
    (_, i) => all[Math.floor(i / width) * pitch + (i % width)],
  );
}

const random = new Random(6);
const bytes = (length: number) => Float32Array.from({ length }, () => Math.floor(256 * random.next()) / 255);

test.each([
  ['in grey', { channels: 1, range: [1, 0], columns: 3 }],
  ['in colour, as a canvas has it', { channels: 3, format: 'bgra8unorm' }],
] as const)('a painter paints images %s', async (_, more) => {
  const options: PainterOptions = { height: 5, width: 7, count: 5, ...more };
  const painter = await engine.createPainter(options);
  const values = bytes(5 * 5 * 7 * options.channels);
  const target = texture(painter.width, painter.height, {
    format: (options.format ?? 'rgba8unorm') as GPUTextureFormat,
  });
  const images = { buffer: bufferOf(gpu, values, 8), offset: 8 };
  submit(gpu, (encoder) => painter.encode(encoder, images, target));
  const columns = painter.width / 7;
  const shape = {
    ...options,
    count: 5,
    columns,
    range: options.range ?? [0, 1],
    bgra: options.channels === 3,
  };
  const { picture } = reference(shape as never, { images: values });
  const pitch = picture.length / painter.height;
  const expected = Array.from(
    { length: painter.width * painter.height },
    (_, i) => picture[Math.floor(i / painter.width) * pitch + (i % painter.width)],
  );
  expect([...(await texels(target))]).toEqual(expected);
  expect(new Set(expected).size).toBeGreaterThan(20);
});

test('a painter paints what a predictor predicts, in one encoder', async () => {
  const unet = await engine.createUNet({ height: 8, width: 8, widths: [4, 8], kernelSize: 3 }, { seed: 1 });
  const predictor = await engine.createPredictor(unet, { count: 4 });
  const painter = await engine.createPainter({ height: 8, width: 8, channels: 1, count: 4 });
  expect([painter.width, painter.height]).toEqual([16, 16]);
  const images = bytes(4 * 64);
  const input = bufferOf(gpu, images);
  const output = roomFor(gpu, 4 * 64);
  const target = texture(16, 16, { usage: COPY_SRC | COPY_DST | RENDER_ATTACHMENT });
  submit(gpu, (encoder) => {
    predictor.encode(encoder, input, output);
    painter.encode(encoder, output, target);
  });
  const predicted = await unet.predict(images, { count: 4 });
  const got = await texels(target);
  got.forEach((word, i) => {
    const [row, column] = [Math.floor(i / 16), i % 16];
    const image = Math.floor(row / 8) * 2 + Math.floor(column / 8);
    const value = 255 * Math.min(Math.max(predicted[image * 64 + (row % 8) * 8 + (column % 8)], 0), 1);
    expect(Math.abs((word & 255) - value)).toBeLessThan(0.51);
  });
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
