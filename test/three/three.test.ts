/** The texture for three.js, without three.js and without a GPU. */
import { expect, test, vi } from 'vitest';
import { createPictureTexture, type EngineLike } from '../../src/three';

test('a class that throws leaves neither painter nor texture behind', async () => {
  vi.stubGlobal('GPUTextureUsage', { TEXTURE_BINDING: 4, COPY_DST: 2, COPY_SRC: 1 });
  const destroyed: string[] = [];
  const made = (name: string) => ({ width: 8, height: 8, destroy: () => destroyed.push(name) });
  const engine = {
    device: { createTexture: () => made('texture') },
    createPainter: async () => made('painter'),
  } as unknown as EngineLike;
  class Throws {
    constructor() {
      throw new Error('no three');
    }
  }
  const picture = { height: 8, width: 8, channels: 1 };
  await expect(createPictureTexture(engine, Throws as never, picture)).rejects.toThrow('no three');
  expect(destroyed.sort()).toEqual(['painter', 'texture']);
  vi.unstubAllGlobals();
});
