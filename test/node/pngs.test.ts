/** examples/pngs in Node: a folder of PNG files, there and back. */
import { expect, test } from 'vitest';
import { Random } from '../../harness/specs/lib/spec';
import { createEngine, type Pixels } from '../../src/index';
import { testGpu } from '../lanes/gpu';

const { gpu } = await testGpu();

test('what is written comes back, and is a data set', async () => {
  const [fs, os, path] = await Promise.all([
    import('node:fs/promises'),
    import('node:os'),
    import('node:path'),
  ]);
  const example = '../../examples/pngs/folder.mjs';
  const { readFolder, writePng } = (await import(/* @vite-ignore */ example)) as {
    readFolder(folder: string): Promise<Pixels[]>;
    writePng(file: string, images: Float32Array, config: object): Promise<void>;
  };
  const folder = await fs.mkdtemp(path.join(os.tmpdir(), 'webgpu-diffusion-pngs-'));
  const engine = await createEngine({ device: gpu.device, variants: {} });
  try {
    await expect(readFolder(folder)).rejects.toThrow('no PNG files');
    const random = new Random(5);
    const size = { height: 4, width: 6, channels: 3 };
    // Two images in b.png, side by side, and a grey one of the same size as both in a.png.
    const colours = random.floats(2 * 72, 0, 1);
    const grey = random.floats(48, 0, 1);
    await writePng(path.join(folder, 'b.png'), colours, size);
    await writePng(path.join(folder, 'a.png'), grey, { height: 4, width: 12, channels: 1 });
    await fs.writeFile(path.join(folder, 'notes.txt'), 'no picture');
    const pictures = await readFolder(folder);
    expect(pictures.map(({ width, height }) => [width, height])).toEqual([
      [12, 4],
      [12, 4],
    ]);
    const [first, second] = pictures.map(({ data }) => data);
    expect(first[4 * 13]).toBe(Math.round(255 * grey[13]));
    // The pixel at (7, 2): of the second image, its pixel (1, 2).
    const at = 72 + (2 * 6 + 1) * 3;
    const seen = [...second.subarray(4 * (2 * 12 + 7), 4 * (2 * 12 + 7) + 3)];
    expect(seen).toEqual([...colours.subarray(at, at + 3)].map((v) => Math.round(255 * v)));
    const dataset = await engine.createDataset({ pictures, channels: 3 });
    expect(dataset).toMatchObject({ count: 2, height: 4, width: 12, channels: 3 });
  } finally {
    engine.destroy();
    await fs.rm(folder, { recursive: true });
  }
});
